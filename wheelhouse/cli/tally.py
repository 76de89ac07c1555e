"""The progress of a run, counted from its events: files, bytes, the rate, and what it waits for. Prints nothing."""

import threading
from collections import deque
from dataclasses import dataclass, field

from wheelhouse.events import Event, Finished, Received, Retrying, Waiting
from wheelhouse.report import counted, size_text

PAGE = " (page)"
RATE_SECONDS = 4.0
"""The time over which the rate is measured."""
MAX_NAME_CHARACTERS = 44
STATE_CHARACTERS = 36
"""Of a line, for what stands beside a name. In a narrow terminal names are cut first."""
MIN_NAME_CHARACTERS = 16


@dataclass
class Awaited:
    """A page or file that was requested: when, bytes expected, bytes received, and whether it is tried again."""

    since: float
    expected: int | None
    received: int = 0
    retrying: bool = False


@dataclass
class Tally:
    """Counts as of the last event. Moments are seconds of any one clock."""

    files: int = 0
    cached: int = 0
    received: int = 0
    expected: int = 0
    awaited: dict[str, Awaited] = field(default_factory=dict)
    _samples: deque[tuple[float, int]] = field(default_factory=deque)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def note(self, event: Event, moment: float) -> None:
        """Count an event; events other than Waiting, Received, Retrying and Finished change nothing."""
        with self._guard:
            match event:
                case Waiting(subject, expected):
                    self.awaited[subject] = Awaited(moment, expected)
                    self.expected += expected or 0
                case Received(subject, count):
                    self._receive(subject, count)
                case Retrying(subject):
                    if subject in self.awaited:
                        self.awaited[subject].retrying = True
                case Finished(subject, reused):
                    self._finish(subject, reused=reused)

    def _receive(self, subject: str, count: int) -> None:
        """Count bytes that arrived, and note that the page or file is not tried again any more."""
        self.received += count
        if subject in self.awaited:
            self.awaited[subject].received += count
            self.awaited[subject].retrying = False

    def _finish(self, subject: str, *, reused: bool) -> None:
        """No longer wait for a page or file. A file counts as fetched, or as one of the cache if `reused`; a page is not counted.

        Of a file, the bytes that did not arrive are no longer expected.
        """
        awaited = self.awaited.pop(subject, None)
        if subject.endswith(PAGE):
            return
        self.files += not reused
        self.cached += reused
        if awaited and awaited.expected:
            self.expected += awaited.received - awaited.expected  # a part of it may have been in the cache

    def line(self, moment: float) -> str:
        """The progress in one line: the sums, and the longest wait. Empty if nothing happened yet.

        The rate is since the calls of the last few seconds; each call adds a sample for the next ones.
        """
        with self._guard:
            if not self._begun():
                return ""
            rate = self._rate(moment)
            names = sorted(self.awaited, key=lambda name: self.awaited[name].since)
            if not names:
                return self._summary(rate)
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            return f"{self._summary(rate)}; waiting for {names[0]} ({self._state(names[0], moment)}){more}"

    def lines(self, moment: float, most: int, columns: int) -> list[str]:
        """The progress for a terminal of so many columns: a line of sums, then up to `most` lines for the longest waits.

        A last line says how many more there are, if any. Empty if nothing happened yet. Names are cut to the columns, sums
        are not. The rate is as in `line`.
        """
        with self._guard:
            if not self._begun():
                return []
            names = sorted(self.awaited, key=lambda name: self.awaited[name].since)
            shown = [
                (shortened(name, MAX_NAME_CHARACTERS, columns), self._state(name, moment)) for name in names[:most]
            ]
            width = max((len(name) for name, _ in shown), default=0)
            lines = [f"  {name:{width}}  {state}" for name, state in shown]
            more = [f"  and {len(names) - most} more"] if len(names) > most else []
            return [self._summary(self._rate(moment)), *lines, *more]

    def _begun(self) -> bool:
        """Whether anything is awaited or came; a page that ended without bytes does not count."""
        return bool(self.files or self.cached or self.received or self.awaited)

    def _summary(self, rate: float) -> str:
        """How many files so far, those of the cache, the bytes of those expected, and the rate in bytes a second, as text.

        What is 0 is left out, but for files; so are the expected bytes if all came.
        """
        parts = [counted(self.files, "file")]
        if self.cached:
            parts.append(f"{self.cached} from the cache")
        if self.received or self.expected:
            total = f" of {size_text(self.expected)}" if self.expected > self.received else ""
            parts.append(size_text(self.received) + total)
        if rate:
            parts.append(f"{size_text(round(rate))}/s")
        return ", ".join(parts)

    def _state(self, name: str, moment: float) -> str:
        """How far a requested page or file is, for how many seconds it has been awaited, and whether it is tried again, as text."""
        awaited = self.awaited[name]
        size = size_text(awaited.received) if awaited.received else ""
        size += f" of {size_text(awaited.expected)}" if size and awaited.expected else ""
        return ", ".join(
            filter(None, (size, f"{moment - awaited.since:.0f} s", "trying again" if awaited.retrying else ""))
        )

    def _rate(self, moment: float) -> float:
        """Bytes a second, over the last few seconds; 0 at the first call. Each call adds a sample."""
        self._samples.append((moment, self.received))
        while len(self._samples) > 2 and moment - self._samples[1][0] >= RATE_SECONDS:
            self._samples.popleft()
        since, received = self._samples[0]
        return (self.received - received) / (moment - since) if moment > since else 0.0


def shortened(name: str, most: int, columns: int) -> str:
    """A name, cut to `most` characters, and to what a line of so many columns has for it; a name that is cut ends in `…`.

    It keeps MIN_NAME_CHARACTERS in any case.
    """
    characters = max(MIN_NAME_CHARACTERS, min(most, columns - STATE_CHARACTERS))
    return name if len(name) <= characters else f"{name[: characters - 1]}…"
