"""Releases that can be in no answer, because nothing can meet something that they ask for: learned once, left out for good.

resolvelib remembers which release was in its way, not why: where a project deep below has no file for the target, it tries
all that stands between again and again. Who asks for what is noted here, so that a dead end is followed up at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.resolution import NEVER, CandidateRelease, Dependency, Identifier


class Nogoods:
    """What has been learned of one question."""

    def __init__(self, shelves: CandidateIndex) -> None:
        self._shelves = shelves
        self._unmet: dict[tuple[NormalizedName, str, Version], Dependency] = {}
        self._askers: dict[Identifier, list[Dependency]] = defaultdict(list)
        self._noted: set[CandidateRelease] = set()

    def is_open(self, project: NormalizedName, extra: str, version: Version) -> bool:
        """Whether a release, with one of its extras, may be in an answer as far as is known."""
        return (project, extra, version) not in self._unmet

    def ask(self, needs: Iterable[Dependency]) -> None:
        """That these are asked for."""
        for need in needs:
            self._askers[need.project, need.extra].append(need)

    def note(self, choice: CandidateRelease, needs: Sequence[Dependency]) -> bool:
        """Learn what a release asks for. Whether what asks for this release, the user or another one, is in vain, too."""
        if choice in self._noted:
            return False
        self._noted.add(choice)
        self.ask(needs)
        unmet = next((need for need in needs if not self._can_be_met(need)), None)
        return unmet is not None and self._close(choice, unmet)

    def cause(self, need: Dependency) -> Dependency:
        """What a need fails for in the end: the first below it that nothing meets, whatever else is asked."""
        if need.project == NEVER or self._can_be_met(need) or not (shelf := self._shelves.get(need.project)):
            return need
        below = (self._unmet.get((need.project, need.extra, version)) for version in shelf.matching(need.specifier))
        first = next(filter(None, below), None)
        return self.cause(first) if first else need

    def _close(self, choice: CandidateRelease, unmet: Dependency) -> bool:
        project, version = choice.candidate.project, choice.candidate.version
        self._unmet[project, choice.extra, version] = unmet
        spread = False
        for need in self._askers[project, choice.extra]:
            asker = need.parent
            if (asker is None or self._is_open(asker)) and not self._can_be_met(need):
                spread = True
                if asker:
                    self._close(asker, need)
        return spread

    def _is_open(self, choice: CandidateRelease) -> bool:
        return self.is_open(choice.candidate.project, choice.extra, choice.candidate.version)

    def _can_be_met(self, need: Dependency) -> bool:
        shelf = None if need.project == NEVER else self._shelves.get(need.project)
        return shelf is not None and any(
            self.is_open(need.project, need.extra, version) for version in shelf.conceivable(need.specifier)
        )
