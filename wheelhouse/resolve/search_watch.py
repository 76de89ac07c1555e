"""Watches a search: tells the listener what is tried and what conflicts, and stops the search at its time limit."""

import time
from collections import Counter
from collections.abc import Callable

from packaging.utils import NormalizedName

from wheelhouse.errors import NoSolutionError
from wheelhouse.events import Listener, Searching
from wheelhouse.humanize import counted

QUIET_SECONDS = 1.0
"""A search that takes no longer says nothing."""
EVERY_SECONDS = 5.0
"""Between two events."""


class SearchWatch:
    """`limit` is in seconds; None is no limit. `clock` gives seconds."""

    def __init__(self, on_event: Listener, limit: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._on_event, self._limit, self._clock = on_event, limit, clock
        self._started = clock()
        self._next_event = self._started + QUIET_SECONDS
        self._conflicts: Counter[tuple[NormalizedName, NormalizedName]] = Counter()

    def conflict(self, excluded: NormalizedName, culprit: NormalizedName) -> None:
        """Count a conflict of two projects, in whichever order: what was decided of one excluded a release of the other."""
        self._conflicts[min(excluded, culprit), max(excluded, culprit)] += 1

    def trial(self, project: NormalizedName) -> None:
        """Emit `Searching` with a project of which a release is tried: after QUIET_SECONDS, then every EVERY_SECONDS. Raises
        NoSolutionError after the time limit.
        """
        now = self._clock()
        if self._limit is not None and now - self._started > self._limit:
            raise self._stopped()
        if now >= self._next_event:
            self._next_event = now + EVERY_SECONDS
            self._on_event(Searching(project, self._conflicts.total(), self._most_frequent()))

    def _most_frequent(self) -> tuple[str, str] | None:
        """The two projects that conflicted most often, in alphabetical order; None before any conflict."""
        return self._conflicts.most_common(1)[0][0] if self._conflicts else None

    def _stopped(self) -> NoSolutionError:
        """The error, to be raised, about a search that took too long, with its three most frequent conflicts."""
        sentence = f"the search was stopped after {self._limit:g} s (--resolve-seconds); there may be a solution"
        details = [
            f"{f'{one} and {other}' if one != other else f'releases of {one}'} conflicted {counted(count, 'time')}"
            for (one, other), count in self._conflicts.most_common(3)
        ]
        hint = "pin one of these projects, add a constraints file, or allow a longer search: --resolve-seconds"
        return NoSolutionError(sentence, hint=hint, details=tuple(details))
