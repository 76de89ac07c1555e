"""Which releases satisfy everything that is asked, for one target: on resolvelib, with nothing taken from the host.

A target is exact, its markers and tags fixed: so many targets are so many small problems over the same pages and metadata.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible
from resolvelib.resolvers import RequirementInformation, Resolution, ResolutionTooDeep

from wheelhouse.archive.artifact import (
    BAD_PAGE,
    NO_TAG,
    NOT_UNPACKED,
    OTHER_PYTHON,
    YANKED,
    Candidate,
    Rejected,
    requires_python_of,
)
from wheelhouse.archive.metadata import Metadata, who_refuses
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.errors import IntegrityError, NoSolutionError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.index.package_source import PackageSource
from wheelhouse.resolve.candidates import CandidateIndex, ProjectCandidates
from wheelhouse.resolve.greedy import solve_greedily
from wheelhouse.resolve.nogoods import Nogoods
from wheelhouse.resolve.prefetch import Prefetcher
from wheelhouse.resolve.resolution import (
    NEVER,
    CandidateRelease,
    Dependency,
    Identifier,
    ResolutionRequest,
    ResolvedProject,
    dependencies_of,
    is_exact,
    merge,
    spelled,
)
from wheelhouse.target.target import Target

MAX_ROUNDS = 200_000


class LearnedError(Exception):
    """A release that the search stands on turned out to be a dead end, or one to take last: it starts anew, wiser."""


class Provider(AbstractProvider[Dependency, CandidateRelease, Identifier]):
    """What resolvelib asks: which candidates there are, and what each depends on."""

    def __init__(
        self,
        question: ResolutionRequest,
        supply: PackageSource,
        shelves: CandidateIndex,
        foresight: Prefetcher,
        on_event: Listener,
    ) -> None:
        self._question, self._supply, self._shelves, self._foresight = question, supply, shelves, foresight
        self._on_event = on_event
        self._order: dict[Identifier, int] = {}
        self._warned: set[str] = set()
        self._needs: dict[tuple[str, str], list[Dependency]] = {}
        self._extras: dict[NormalizedName, set[str]] = defaultdict(set)
        self.dead_ends = Nogoods(shelves)
        self.introduced: dict[Identifier, Dependency] = {}

    def identify(self, requirement_or_candidate: Dependency | CandidateRelease) -> Identifier:
        """Project and extra."""
        if isinstance(requirement_or_candidate, CandidateRelease):
            return requirement_or_candidate.candidate.project, requirement_or_candidate.extra
        return requirement_or_candidate.project, requirement_or_candidate.extra

    def get_preference(
        self,
        identifier: Identifier,
        resolutions: Mapping[Identifier, CandidateRelease],
        candidates: Mapping[Identifier, Iterator[CandidateRelease]],
        information: Mapping[Identifier, Iterator[RequirementInformation[Dependency, CandidateRelease]]],
        backtrack_causes: Sequence[RequirementInformation[Dependency, CandidateRelease]],
    ) -> tuple[bool, bool, bool, int]:
        """Python first, then what is in conflict, then what is pinned, then in the order in which it was met."""
        project, _ = identifier
        in_conflict = any(self.identify(cause.requirement) == identifier for cause in backtrack_causes)
        specifiers = (entry.requirement.specifier for entry in information[identifier])
        pinned = any(map(is_exact, specifiers)) or any(
            is_exact(line.requirement.specifier) for line in self._shelves.constraints(project)
        )
        return (project != NEVER, not in_conflict, not pinned, self._order.setdefault(identifier, len(self._order)))

    def find_matches(
        self,
        identifier: Identifier,
        requirements: Mapping[Identifier, Iterator[Dependency]],
        incompatibilities: Mapping[Identifier, Iterator[CandidateRelease]],
    ) -> Iterable[CandidateRelease]:
        """Candidates, best first. An extra's are held to what is asked of the project itself, too."""
        project, extra = identifier
        if project == NEVER:
            return ()
        identifiers = {identifier, (project, "")}
        specifier = merge(need.specifier for key in identifiers for need in requirements.get(key, iter(())))
        excluded = {choice.candidate.version for key in identifiers for choice in incompatibilities.get(key, iter(()))}
        shelf = self._shelves.get(project)
        if shelf is None:
            return ()
        extras = {"", extra, *(other for other in self._extras[project] if (project, other) in requirements)}

        def is_open(version: Version) -> bool:
            return all(self.dead_ends.is_open(project, each, version) for each in extras)

        def candidates() -> Iterator[CandidateRelease]:
            for candidate in shelf.usable(specifier, is_open):
                if candidate.version not in excluded:
                    yield CandidateRelease(candidate, extra)

        return candidates  # type: ignore[return-value]  # resolvelib takes a callable, to be asked again

    def is_satisfied_by(self, requirement: Dependency, candidate: CandidateRelease) -> bool:
        """Whether a candidate is within what is asked."""
        return requirement.specifier.contains(candidate.candidate.version, prereleases=True)

    def get_dependencies(self, candidate: CandidateRelease) -> Iterable[Dependency]:
        """What a candidate asks for on this target, in a search. Raises LearnedError where more than this one is a dead end."""
        needs = self.dependencies(candidate)
        if self.dead_ends.note(candidate, needs):
            raise LearnedError
        return needs

    def dependencies(self, candidate: CandidateRelease) -> Sequence[Dependency]:
        """What a candidate asks for on this target. Raises LearnedError where other releases of the project come first."""
        key = (candidate.candidate.key, candidate.extra)
        if key not in self._needs:
            self._foresight.note(candidate.candidate)
            self._needs[key] = list(self._dependencies(candidate))
            self._expect(self._needs[key])
        return self._needs[key]

    def _expect(self, needs: Iterable[Dependency]) -> None:
        for need in needs:
            self._extras[need.project].add(need.extra)
            self.introduced.setdefault((need.project, need.extra), need)
            self._order.setdefault((need.project, need.extra), len(self._order))
            if need.project != NEVER:
                self._foresight.expect(need)

    def _dependencies(self, choice: CandidateRelease) -> Iterator[Dependency]:
        candidate, origin = choice.candidate, f"{choice.candidate.project} {choice.candidate.version}"
        pinned = is_exact(merge(line.requirement.specifier for line in self._shelves.constraints(candidate.project)))
        metadata = self._supply.metadata.get(candidate, certain=pinned).result()
        if (line := metadata.invalid_line) and self._is_deferred(candidate, line):
            raise LearnedError
        if choice.extra:
            yield Dependency(candidate.project, "", SpecifierSet(f"=={candidate.version}"), origin, choice)
            if choice.extra not in metadata.extras:
                self._warn(f"{origin} has no extra named `{choice.extra}`; it is left out")
        elif metadata.requires_python and metadata.requires_python != candidate.requires_python:
            required = requires_python_of(metadata.requires_python)
            if not self._question.target.allows(required):
                why = f"{origin} requires Python {required}, and the target has {self._question.target.python.version}"
                yield Dependency(NEVER, "", required, why, choice)
        try:
            yield from self._asked(choice, metadata, origin)
        except IntegrityError as error:
            self._warn(f"{error}; it is left out")
            yield Dependency(NEVER, "", SpecifierSet(), str(error), choice)

    def _is_deferred(self, candidate: Candidate, line: str) -> bool:
        """Whether other releases come first: pip 24.1 and newer pass one like this over."""
        shelf = self._shelves.get(candidate.project)
        reason = f"asks for `{line}`, which PEP 508 does not allow, and {who_refuses(line)}"
        return shelf is not None and shelf.defer(candidate.version, reason)

    def warn_of_deferred(self, mapping: Mapping[Identifier, CandidateRelease]) -> None:
        """Say which newer releases were passed over for what was chosen."""
        for choice in mapping.values():
            project, version = choice.candidate.project, choice.candidate.version
            shelf = self._shelves.get(project)
            for other, reason in shelf.deferred.items() if shelf else ():
                if other > version:
                    self._warn(f"{project} {version} was taken, and not {other}: that {reason}")

    def _asked(self, choice: CandidateRelease, metadata: Metadata, origin: str) -> Iterator[Dependency]:
        for requirement, rule in metadata.requirements(self._question.target, choice.extra, self._question.adjustments):
            if rule:
                self._warn(
                    f"{origin} asks for `{requirement.name}` in a way that PEP 508 does not allow ({rule}); it is read as `{requirement}`"
                )
            yield from dependencies_of(requirement, origin, choice, self._question.direct)

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warned:
            self._warned.add(sentence)
            self._on_event(Warned(sentence))


def resolve(question: ResolutionRequest, supply: PackageSource, on_event: Listener = ignore) -> list[ResolvedProject]:
    """The releases and files that satisfy a question, sorted by project.

    Raises NoSolutionError where there are none, and says why.
    """
    shelves = CandidateIndex(question, supply)
    foresight = Prefetcher(question, supply, shelves)
    provider = Provider(question, supply, shelves, foresight, on_event)
    needs = _roots(question, provider)
    provider.dead_ends.ask(needs)
    for need in needs:
        foresight.expect(need)
    mapping = _settled(needs, shelves, provider) or _search(needs, question, shelves, provider)
    provider.warn_of_deferred(mapping)
    asked = [need for choice in mapping.values() for need in provider.dependencies(choice)] + needs
    return _answers(mapping, asked, question, supply, shelves)


def _settled(
    needs: Sequence[Dependency], shelves: CandidateIndex, provider: Provider
) -> dict[Identifier, CandidateRelease] | None:
    while True:
        with suppress(LearnedError):
            return solve_greedily(needs, shelves, provider.dependencies)


def _search(
    needs: Sequence[Dependency], question: ResolutionRequest, shelves: CandidateIndex, provider: Provider
) -> Mapping[Identifier, CandidateRelease]:
    try:
        while True:
            with suppress(LearnedError):
                search = Resolution(provider, BaseReporter[Dependency, CandidateRelease, Identifier]())
                return _reached(needs, search.resolve(needs, max_rounds=MAX_ROUNDS).mapping, provider)
    except ResolutionImpossible as impossible:
        from wheelhouse.resolve.explain import explain  # noqa: PLC0415  (only where there is no solution)

        conflicting = [provider.dead_ends.cause(cause.requirement) for cause in impossible.causes]
        raise explain(conflicting, question, shelves, provider.introduced) from impossible
    except ResolutionTooDeep as too_deep:
        hint = "pin more projects with a constraints file"
        raise NoSolutionError(f"no solution was found in {MAX_ROUNDS} rounds", hint=hint) from too_deep


def _reached(
    needs: Sequence[Dependency], mapping: Mapping[Identifier, CandidateRelease], provider: Provider
) -> dict[Identifier, CandidateRelease]:
    """What the needs lead to, without what a search left behind: resolvelib's own way to tell hangs on circles (1.2.1)."""
    reached: dict[Identifier, CandidateRelease] = {}
    pending = deque(needs)
    while pending:
        identifier = provider.identify(pending.popleft())
        if identifier not in reached:
            choice = reached[identifier] = mapping[identifier]
            pending.extend(provider.dependencies(choice))
    return reached


def _roots(question: ResolutionRequest, provider: Provider) -> list[Dependency]:
    needs: list[Dependency] = []
    for line in question.requirements:
        if question.target.applies(line.requirement.marker):
            for requirement in question.adjustments.instead_of(line.requirement):
                if requirement is line.requirement or question.target.applies(requirement.marker):
                    needs.extend(dependencies_of(requirement, line.origin))
    for need in needs:
        provider.introduced.setdefault((need.project, need.extra), need)
    return needs


def _answers(
    mapping: Mapping[Identifier, CandidateRelease],
    asked: Iterable[Dependency],
    question: ResolutionRequest,
    supply: PackageSource,
    shelves: CandidateIndex,
) -> list[ResolvedProject]:
    specifiers: dict[NormalizedName, list[SpecifierSet]] = {}
    for need in asked:
        if need.parent is None or need.parent.candidate.project != need.project:
            specifiers.setdefault(need.project, []).append(need.specifier)
    extras: dict[NormalizedName, set[NormalizedName]] = {}
    for project, extra in mapping:
        extras.setdefault(project, set()).update([NormalizedName(extra)] if extra else [])
    return [
        _answer(
            mapping[project, ""].candidate,
            merge(specifiers.get(project, ())),
            tuple(sorted(extras[project])),
            question,
            supply,
            shelves,
        )
        for project in sorted(extras)
    ]


def _answer(
    candidate: Candidate,
    specifier: SpecifierSet,
    extras: tuple[NormalizedName, ...],
    question: ResolutionRequest,
    supply: PackageSource,
    shelves: CandidateIndex,
) -> ResolvedProject:
    metadata = supply.metadata.get(candidate).result()
    shelf = shelves.get(candidate.project)
    assert shelf is not None  # noqa: S101  (the candidate came from it)
    exact = SpecifierSet(f"=={candidate.version}")
    limits = shelves.constraints(candidate.project)
    return ResolvedProject(
        candidate=candidate,
        metadata=metadata,
        extras=tuple(extra for extra in extras if extra in metadata.extras),
        dependencies=locked_dependencies(metadata, extras, question.target, question.adjustments),
        rejected=tuple(shelf.choose(candidate.version, exact)[1]),
        skipped=tuple(_skipped(shelf, candidate, specifier)),
        constraint=f"{limits[0].requirement} ({limits[0].origin})" if limits else None,
        passed_over=tuple(_passed_over(shelf, candidate, specifier)),
    )


def locked_dependencies(
    metadata: Metadata, extras: Iterable[NormalizedName], target: Target, adjustments: Adjustments
) -> tuple[str, ...]:
    """What a release asks for on a target with these extras, sorted."""
    asked = (
        requirement for extra in ("", *extras) for requirement, _ in metadata.requirements(target, extra, adjustments)
    )
    return tuple(sorted({spelled(requirement) for requirement in asked}))


def _skipped(shelf: ProjectCandidates, candidate: Candidate, specifier: SpecifierSet) -> Iterator[Version]:
    """Newer releases within all that is asked of the project, whose files have no tag for the target or are ruled out as sdists."""
    for version in shelf.matching(specifier):
        if version <= candidate.version:
            return
        chosen, rejected = shelf.choose(version, specifier)
        if chosen is None and rejected and all(_is_of_format(other.reason) for other in rejected):
            yield version


def _passed_over(shelf: ProjectCandidates, candidate: Candidate, specifier: SpecifierSet) -> Iterator[Rejected]:
    """Newer releases within all that is asked of the project that are yanked, want another Python, or have bad entries on their page."""
    for version in shelf.matching(specifier):
        if version <= candidate.version:
            return
        chosen, rejected = shelf.choose(version, specifier)
        reasons = {other.reason for other in rejected if other.reason.startswith((OTHER_PYTHON, YANKED, BAD_PAGE))}
        if chosen is None and reasons:
            yield Rejected(str(version), min(reasons))


def _is_of_format(reason: str) -> bool:
    return reason.startswith((NO_TAG, NOT_UNPACKED)) or "--only-binary" in reason
