"""Releases that no solution can contain, because nothing satisfies one of their dependencies: learned once, then left out.

resolvelib remembers which release was in conflict, not why. If a project deep below has no file for the target, resolvelib
tries everything in between again and again. Nogoods notes which release depends on what, so it follows a dead end up at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.resolution import NEVER, CandidateRelease, Dependency, Identifier


class Nogoods:
    """The releases that one resolution has ruled out so far."""

    def __init__(self, index: CandidateIndex) -> None:
        self._index = index
        self._unsatisfiable: dict[tuple[NormalizedName, str, Version], Dependency] = {}
        self._dependents: dict[Identifier, list[Dependency]] = defaultdict(list)
        self._noted: set[CandidateRelease] = set()

    def is_open(self, project: NormalizedName, extra: str, version: Version) -> bool:
        """Whether a solution may contain this release with this extra, as far as is known."""
        return (project, extra, version) not in self._unsatisfiable

    def add_dependencies(self, dependencies: Iterable[Dependency]) -> None:
        """Note who depends on what."""
        for dependency in dependencies:
            self._dependents[dependency.project, dependency.extra].append(dependency)

    def note(self, release: CandidateRelease, dependencies: Sequence[Dependency]) -> bool:
        """Learn a release's dependencies. Returns whether that rules out a dependent of the release, too: a root or a release."""
        if release in self._noted:
            return False
        self._noted.add(release)
        self.add_dependencies(dependencies)
        unsatisfiable = next((each for each in dependencies if not self._is_satisfiable(each)), None)
        return unsatisfiable is not None and self._rule_out(release, unsatisfiable)

    def cause(self, dependency: Dependency) -> Dependency:
        """The dependency at the root of a failure: the first below this one that nothing satisfies."""
        candidates = None if dependency.project == NEVER else self._index.get(dependency.project)
        if candidates is None or self._is_satisfiable(dependency):
            return dependency
        project, extra = dependency.project, dependency.extra
        below = (
            self._unsatisfiable.get((project, extra, version)) for version in candidates.matching(dependency.specifier)
        )
        first = next(filter(None, below), None)
        return self.cause(first) if first else dependency

    def _rule_out(self, release: CandidateRelease, unsatisfiable: Dependency) -> bool:
        """Rule out a release, then each dependent that has no other release left. Returns whether there was one."""
        project, version = release.candidate.project, release.candidate.version
        self._unsatisfiable[project, release.extra, version] = unsatisfiable
        has_spread = False
        for dependency in self._dependents[project, release.extra]:
            dependent = dependency.parent
            if (dependent is None or self._is_release_open(dependent)) and not self._is_satisfiable(dependency):
                has_spread = True
                if dependent:
                    self._rule_out(dependent, dependency)
        return has_spread

    def _is_release_open(self, release: CandidateRelease) -> bool:
        return self.is_open(release.candidate.project, release.extra, release.candidate.version)

    def _is_satisfiable(self, dependency: Dependency) -> bool:
        """Whether a release is left that satisfies a dependency."""
        candidates = None if dependency.project == NEVER else self._index.get(dependency.project)
        return candidates is not None and any(
            self.is_open(dependency.project, dependency.extra, version)
            for version in candidates.conceivable(dependency.specifier)
        )
