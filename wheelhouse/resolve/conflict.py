"""The conflict that a derivation ends in: the dependencies on one project that no release satisfies together, and why not."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Rejected
from wheelhouse.archive.reasons import Reason
from wheelhouse.resolve.candidates import CandidateIndex, ProjectCandidates
from wheelhouse.resolve.derivation import Chain, Derivation, Step
from wheelhouse.resolve.requirements import RequirementLine
from wheelhouse.resolve.resolution import EVERY_VERSION, NEVER, ResolutionRequest, merge

MAX_GROUPS = 50
"""How many groups of dependencies on one project are examined."""


@dataclass(frozen=True, slots=True)
class RejectedReleases:
    """Releases of one project of which no file can be chosen for the same reason, newest first.

    `rejected` are the files of the newest. `reason` is the decisive one; None if the target takes none of the wheels' tags.
    """

    versions: tuple[Version, ...]
    rejected: tuple[Rejected, ...]
    reason: Reason | None


class Conflict:
    """Dependencies on one project that no release satisfies together: the ends of `chains`, its `sides`.

    If it is not `complete`, other steps of the derivation are part of it.
    """

    def __init__(
        self,
        project: NormalizedName,
        chains: Sequence[Chain],
        request: ResolutionRequest,
        index: CandidateIndex,
        *,
        complete: bool = True,
    ) -> None:
        self.complete = complete
        self.project, self.chains, self.request, self.index = project, tuple(chains), request, index
        self.sides = [chain[-1] for chain in chains]
        self.dependencies = [side.dependency for side in self.sides]
        self.specifier = merge(dependency.specifier for dependency in self.dependencies)
        self.candidates: ProjectCandidates | None = index.get(project) if project != NEVER else None
        self.constraints: Sequence[RequirementLine] = index.constraints(project)

    def has_release(self, specifier: SpecifierSet) -> bool:
        """Whether the project's page has a version within a specifier, pre-releases too, whatever its files. Only for a project
        with a page.
        """
        assert self.candidates is not None  # noqa: S101  (callers looked)
        return any(True for _ in specifier.filter(self.candidates.page.versions, prereleases=True))

    @cached_property
    def contradiction(self) -> tuple[RequirementLine, RequirementLine] | None:
        """The first two constraints that leave no release together, though each alone leaves some; None if there are none.

        Must not be asked of a project without a page, whose `candidates` are None.
        """
        for one, other in combinations(self.constraints, 2):
            specifiers = one.requirement.specifier, other.requirement.specifier
            if not self.has_release(merge(specifiers)) and all(map(self.has_release, specifiers)):
                return one, other
        return None

    @cached_property
    def excluding_constraints(self) -> Sequence[RequirementLine]:
        """The first constraint that excludes every release that the dependencies admit; else as few as exclude them together. Empty
        if a release is left. Must not be asked of a project without a
        page.
        """
        for line in self.constraints:
            if self._exclude([line]):
                return [line]
        lines = list(self.constraints)
        if not self._exclude(lines):
            return []
        for line in reversed(self.constraints):
            fewer = [other for other in lines if other is not line]
            lines = fewer if self._exclude(fewer) else lines
        return lines

    def _exclude(self, lines: Iterable[RequirementLine]) -> bool:
        """Whether no release is within the dependencies and these constraints."""
        return not self.has_release(merge([self.specifier, *(line.requirement.specifier for line in lines)]))

    @property
    def requires_itself(self) -> bool:
        """Whether the conflict is a release's dependency on its own project, which is then the only side."""
        return self.sides[0].asker == self.project

    def is_of_every_release(self, step: Step) -> bool:
        """Whether every release of the project that asks has the step's dependency; False for the user's own lines."""
        candidates = self.index.get(step.asker) if step.asker is not None else None
        return candidates is not None and len(candidates.page.versions) == len(step.versions)

    @cached_property
    def is_about_files(self) -> bool:
        """Whether dependencies and constraints leave releases of the project, so that the conflict is that none has a file to choose."""
        if self.candidates is None or not self.has_release(self.specifier):
            return False
        return not self.contradiction and not self.excluding_constraints

    @cached_property
    def rejected(self) -> list[RejectedReleases]:
        """The releases that dependencies and constraints admit without a file to choose, grouped by the reason; the commonest kind
        of reason first. Empty for a project without a page.
        """
        if self.candidates is None:
            return []
        return rejected_releases(self.candidates, self.candidates.matching(self.specifier), self.specifier)

    @property
    def commonest(self) -> list[RejectedReleases]:
        """The groups of `rejected` with the commonest kind of reason."""
        return [each for each in self.rejected if type(each.reason) is type(self.rejected[0].reason)]

    @cached_property
    def usable(self) -> tuple[Version, ...]:
        """The final releases of which a file could be chosen if no dependency and no constraint excluded them, newest first. No
        yanked ones.
        """
        if self.candidates is None:
            return ()
        files = (self.candidates.choose(version, EVERY_VERSION)[0] for version in self.candidates.page.versions)
        return tuple(file.version for file in files if file and file.yanked is None and not file.version.is_prerelease)


def rejected_releases(
    candidates: ProjectCandidates, versions: Iterable[Version], specifier: SpecifierSet
) -> list[RejectedReleases]:
    """Those of some releases that have files of which none can be chosen, grouped by reason and by whether a file has no
    fitting tag: first those with the commonest kind of reason.
    """
    groups: dict[tuple[Reason | None, bool], list[tuple[Version, tuple[Rejected, ...]]]] = {}
    for version in versions:
        chosen, rejected = candidates.choose(version, specifier)
        if chosen is None and rejected:
            reason = next((other.reason for other in rejected if not other.has_no_tag), None)
            groups.setdefault((reason, any(other.has_no_tag for other in rejected)), []).append(
                (version, tuple(rejected))
            )
    kinds = Counter(type(reason) for (reason, _), group in groups.items() for _ in group)
    releases = [
        RejectedReleases(tuple(version for version, _ in group), group[0][1], reason)
        for (reason, _), group in groups.items()
    ]
    return sorted(releases, key=lambda each: -kinds[type(each.reason)])


# Finding it


def find_conflict(derivation: Derivation, request: ResolutionRequest, index: CandidateIndex) -> Conflict:
    """The conflict on the likeliest obstacle that has one: of its first MAX_GROUPS groups of dependencies, the one that most
    releases share. If no group is one, a release that requires another of its own project; else a conflict that is not
    `complete`.
    """
    obstacles = derivation.obstacles()
    for project in obstacles:
        for sides in islice(_groups(project, derivation.steps_on(project), index), MAX_GROUPS):
            if chains := derivation.chains_to(sides):
                return Conflict(project, chains, request, index)
    for project in obstacles:
        for own in derivation.own_conflicts(project):
            return Conflict(project, [derivation.chain_to(own)], request, index)
    sides = _one_of_each(derivation.steps_on(obstacles[0]))
    chains = [derivation.chain_to(side) for side in sides]
    return Conflict(obstacles[0], chains, request, index, complete=False)


def _groups(project: NormalizedName, steps: Sequence[Step], index: CandidateIndex) -> Iterator[Sequence[Step]]:
    """Groups of steps on a project that leave no usable release, those that the most releases share first.

    For NEVER, and for a project without a page, only one group, of one step.
    """
    if project == NEVER:
        yield _commonest_reason(steps)
    elif candidates := index.get(project):
        yield from _excluding(steps, candidates, index)
    else:
        yield _widest(steps)[:1]


def _commonest_reason(steps: Sequence[Step]) -> list[Step]:
    """One step with the kind of reason that most have, as a list."""
    kinds: dict[type[Reason | None], list[Step]] = {}
    for step in steps:
        kinds.setdefault(type(step.dependency.reason), []).append(step)
    return max(kinds.values(), key=len)[:1]


def _widest(steps: Sequence[Step]) -> list[Step]:
    """Steps of the user first, then those of the most releases."""
    return sorted(steps, key=lambda step: (step.asker is not None, -len(step.versions)))


def _one_of_each(steps: Sequence[Step]) -> list[Step]:
    """Of some steps, those of the user, and for each project that asks the step of the most releases; in their order."""
    first = {step.asker: step for step in reversed(_widest(steps)) if step.asker is not None}
    return [step for step in steps if step.asker is None or first[step.asker] is step]


@dataclass(frozen=True, slots=True)
class _Allowed:
    """The releases that a step admits, and those of them that have a usable file for it."""

    step: Step
    admitted: frozenset[Version]
    usable: frozenset[Version]


def _excluding(steps: Sequence[Step], candidates: ProjectCandidates, index: CandidateIndex) -> Iterator[Sequence[Step]]:
    """Groups of steps that leave no usable release: single steps and pairs, those that most releases share first; last, of
    the user's steps and the widest one of each project that asks as few as leave none.
    """
    allowed = [_allowed(step, candidates, index) for step in steps]
    rest = [each for each in allowed if each.usable]
    pairs = (pair for pair in combinations(rest, 2) if _exclude_each_other(pair))
    groups: list[Sequence[_Allowed]] = [*((each,) for each in allowed if not each.usable), *pairs]
    for group in sorted(groups, key=_reach, reverse=True):
        yield [each.step for each in group]
    together = [each for each in rest if each.step in _one_of_each(steps)]
    if _exclude_each_other(together):
        for each in reversed(together):
            fewer = [other for other in together if other is not each]
            together = fewer if _exclude_each_other(fewer) else together
        yield [each.step for each in together]


def _allowed(step: Step, candidates: ProjectCandidates, index: CandidateIndex) -> _Allowed:
    """The releases that a step and the constraints admit, and those of them that have a file to choose."""
    specifier = step.dependency.specifier
    limits = merge(line.requirement.specifier for line in index.constraints(candidates.page.project))
    admitted = frozenset((specifier & limits).filter(candidates.page.versions, prereleases=True))
    takeable = {*candidates.matching(EVERY_VERSION), *candidates.with_prereleases(EVERY_VERSION)}
    usable = (version for version in admitted & takeable if candidates.choose(version, specifier)[0])
    return _Allowed(step, admitted, frozenset(usable))


def _exclude_each_other(group: Sequence[_Allowed]) -> bool:
    """Whether no release that all admit has a file that one of them can use: a pin admits a yanked file for all (PEP 592). False
    for no steps.
    """
    admitted = frozenset.intersection(*(each.admitted for each in group)) if group else frozenset()
    return bool(group) and not any(admitted & each.usable for each in group)


def _reach(group: Sequence[_Allowed]) -> tuple[float, int]:
    """A sort key: how many releases share a group's conflict (those of its smallest side; a step of the user has infinitely
    many), then the fewer sides the higher.
    """
    return min(len(each.step.versions) or float("inf") for each in group), -len(group)
