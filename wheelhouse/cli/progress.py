"""Progress on stderr: a few lines that renew themselves on a terminal, a plain line every few seconds elsewhere."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wheelhouse.cli.terminal import echo, plain
from wheelhouse.events import Event, Warned

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

INTERVAL = 5.0
"""Seconds between two plain lines."""
MOST = 6
"""Lines for what is being waited for."""


class Shown:
    """A listener: shows what happens, unless `quiet`; warnings are always shown, and kept for `--json`."""

    def __init__(self, *, quiet: bool) -> None:
        from wheelhouse.cli.tally import Tally

        self.warnings: list[str] = []
        self._quiet = quiet
        self._tally = Tally()
        self._console: Console | None = None
        self._over = threading.Event()

    def __call__(self, event: Event) -> None:
        from wheelhouse.report import event_line

        self._tally.note(event, time.monotonic())
        if isinstance(event, Warned):
            self.warnings.append(event.sentence)
        line = event_line(event)
        if line and (not self._quiet or isinstance(event, Warned)):
            self._say(line)

    def _say(self, line: str) -> None:
        if self._console:
            self._console.print(plain(line), highlight=False, markup=False, soft_wrap=True)
        else:
            echo(line, err=True)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show how things stand meanwhile."""
        if self._quiet:
            yield
        elif sys.stderr.isatty():
            with self._live():
                yield
        else:
            threading.Thread(target=self._tick, daemon=True).start()
            try:
                yield
            finally:
                self._over.set()

    def _tick(self) -> None:
        said = ""
        while not self._over.wait(INTERVAL):
            line = self._tally.line(time.monotonic())
            if line != said:
                self._say(line)
            said = line

    @contextmanager
    def _live(self) -> Iterator[None]:
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True)
        with Live(console=console, get_renderable=self._standing, refresh_per_second=8, transient=True):
            self._console = console
            try:
                yield
            finally:
                self._console = None

    def _standing(self) -> "Text":
        from rich.text import Text

        lines = self._tally.lines(time.monotonic(), MOST)
        return Text(plain("\n".join(lines)), no_wrap=True, overflow="ellipsis")
