"""What one run did, step by step: `--verbose` prints it, `--log` writes it, one JSON document a line."""

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from wheelhouse import __version__
from wheelhouse.cli.terminal import echo
from wheelhouse.errors import InputError
from wheelhouse.events import Answered, Event, Received
from wheelhouse.humanize import plain_json

SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,20}://"
ADDRESS = re.compile(rf"{SCHEME}.*?(?=[,;\s]*{SCHEME}|$)", re.DOTALL)
"""An address in a word of the command line: to the next one, or to the end, for a password may hold any character."""


class Journal:
    """The journal of the run of this process. It writes nothing until `open`."""

    def __init__(self) -> None:
        self._file: TextIO | None = None
        self._is_verbose = False
        self._started = 0.0
        self._guard = threading.Lock()

    def open(self, arguments: Sequence[str], log: Path | None, *, verbose: bool, quiet: bool) -> None:
        """Begin: print answers if `verbose`, and append to the file `log`; first the command line, its URLs redacted.

        Raises InputError for options that exclude each other, or for a log that cannot be opened.
        """
        if verbose and quiet:
            raise InputError("--verbose and --quiet exclude each other", hint="give only one of them")
        self._is_verbose, self._started = verbose, time.monotonic()
        if log is None:
            return
        try:
            self._file = log.open("a", encoding="utf-8", errors="backslashreplace")  # JSON spells it so, too
        except OSError as error:
            hint = "name a file in a folder that you may write to"
            raise InputError(f"the log `{log}` cannot be written: {error.strerror}", hint=hint) from error
        self._write("started", {"version": __version__, "command": [_without_secrets(word) for word in arguments]})

    def note(self, event: Event, say: Callable[[str], None], job: str = "") -> None:
        """Print an answer of a server if verbose, through `say`, and write an event to the log, but for pieces of files that arrive.

        In the log, an event has the name of its job, if it belongs to one of several.
        """
        if self._is_verbose and isinstance(event, Answered):
            say(f"  {event.status} after {event.seconds:.2f} s: {event.url}")
        if self._file and not isinstance(event, Received):
            from wheelhouse.report import event_document

            fields = {"job": job} if job else {}
            self._write(type(event).__name__.lower(), fields | event_document(event))

    def close(self, exit_code: int) -> None:
        """Write the exit code and the seconds of the run to the log, if there is one, and close it.

        No answer is printed from then on.
        """
        self._is_verbose = False
        if self._file:
            self._write("ended", {"exit-code": exit_code, "seconds": round(time.monotonic() - self._started, 3)})
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        """Append a row to the log, with the time. If that fails, warn, and write no more."""
        row = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": kind, **fields}
        line = plain_json(json.dumps(row, ensure_ascii=False))
        with self._guard:
            if self._file:
                try:
                    self._file.write(f"{line}\n")
                    self._file.flush()
                except OSError as error:
                    file, self._file = self._file, None
                    with suppress(OSError):  # it writes what it holds, and closes in any case
                        file.close()
                    echo(f"warning: the log ends here: {error.strerror}", err=True)


journal = Journal()
"""The journal of this process, which runs one command at a time."""


def _without_secrets(word: str) -> str:
    """A word of the command line; each address in it is without user, password, query and fragment (see `redact`).

    An address has a scheme, and ends at the next address or with the word: what follows a query is lost, too.
    """
    from wheelhouse.index.urls import redact

    return ADDRESS.sub(lambda match: redact(match[0]), word)
