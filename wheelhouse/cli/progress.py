"""Progress on stderr: on a terminal, a few lines that are redrawn; elsewhere, a plain line every few seconds."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from wheelhouse.cli.journal import journal
from wheelhouse.cli.terminal import coloured, echo
from wheelhouse.events import Answered, Event, Finished, Found, Noted, Received, Waiting, Warned
from wheelhouse.humanize import plain

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

INTERVAL_SECONDS = 5.0
"""Between two plain lines."""
COUNTED = (Waiting, Received, Finished, Answered)
"""Events without a line of their own, unless the run is verbose: there are some for each project."""
MAX_LINES = 6
"""For the files and pages that are waited for."""
DEFAULT_COLUMNS = 80
"""Until a terminal is known."""


class Shown:
    """A listener that prints events, unless `quiet`. Warnings are always printed, and kept for `--json`.

    The same warning or note is printed once.
    """

    def __init__(self, *, quiet: bool) -> None:
        from wheelhouse.cli.tally import Tally

        self.warnings: list[str] = []
        self._quiet = quiet
        self._tally = Tally()
        self._once: set[str] = set()
        self._guard = threading.Lock()
        self._live: Live | None = None
        self._over = threading.Event()

    def __call__(self, event: Event) -> None:
        self._tally.note(event, time.monotonic())
        journal.note(event, self._say)
        if isinstance(event, COUNTED):
            return
        from wheelhouse.report import event_line, warning_text

        line = event_line(event)
        if line and isinstance(event, Warned | Found | Noted) and not self._is_first(line):
            return
        if isinstance(event, Warned | Found):
            self.warnings.append(warning_text(event))
        if line and (not self._quiet or isinstance(event, Warned | Found)):
            self._say(line)

    def _is_first(self, line: str) -> bool:
        """Whether a line comes for the first time. It is remembered."""
        with self._guard:
            is_first = line not in self._once
            self._once.add(line)
        return is_first

    def _say(self, line: str) -> None:
        """Print a line to stderr, above the lines of progress if these are shown."""
        if self._live:
            from rich.text import Text

            text = Text.from_ansi(coloured(plain(line), sys.stderr))
            self._live.console.print(text, highlight=False, soft_wrap=True)
        else:
            echo(line, err=True)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show progress on stderr while the block runs; nothing if quiet."""
        if self._quiet:
            yield
        elif sys.stderr.isatty():
            with self._renewed():
                yield
        else:
            threading.Thread(target=self._tick, daemon=True).start()
            try:
                yield
            finally:
                self._over.set()

    def _tick(self) -> None:
        """Print a line of progress every few seconds, if it has changed and is not empty, until the run is over. For a stderr that
        is no terminal.
        """
        said = ""
        while not self._over.wait(INTERVAL_SECONDS):
            line = self._line()
            if line and line != said:
                self._say(line)
            said = line

    @contextmanager
    def _renewed(self) -> Iterator[None]:
        """Show the lines of progress on a terminal, renewed in their place, during the block."""
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True)
        with Live(console=console, get_renderable=self._standing, refresh_per_second=8, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def confirm(self, lines: Sequence[str], question: str) -> bool:
        """Print lines and a question to stderr, and read a line of stdin: True only for `y` or `yes`, in capitals too.

        The progress stops meanwhile.
        """
        live, self._live = self._live, None
        if live:
            live.stop()
        for line in lines:
            echo(line, err=True)
        typer.echo(f"{plain(question)} [y/N] ", nl=False, err=True)
        answer = sys.stdin.readline().strip().lower()
        if live:
            live.start()
        self._live = live
        return answer in ("y", "yes")

    def _standing(self) -> "Text":
        """The lines of progress for now, as the text that rich draws."""
        from rich.text import Text

        columns = self._live.console.width if self._live else DEFAULT_COLUMNS
        return Text("\n".join(map(plain, self._lines(columns))), no_wrap=True, overflow="ellipsis")

    def _line(self) -> str:
        """The progress in one line; empty if nothing happened yet."""
        return self._tally.line(time.monotonic())

    def _lines(self, columns: int) -> list[str]:
        """The progress for a terminal of so many columns, in lines: sums and at most MAX_LINES waits (see `Tally.lines`).

        None if nothing happened yet.
        """
        return self._tally.lines(time.monotonic(), MAX_LINES, columns)
