"""Resolves one target: the greedy pass, then a search on resolvelib. Nothing is taken from the host.

Markers and tags of a target are fixed, so several targets are several small problems over the same pages and metadata.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible
from resolvelib.resolvers import RequirementInformation, Resolution, ResolutionTooDeep

from wheelhouse.archive.artifact import Candidate, Rejected, requires_python_of
from wheelhouse.archive.metadata import Metadata, UnreadableRequirementError, old_pip_reads
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import (
    BadPageEntry,
    InvalidRequirementLine,
    NoFittingTag,
    Reason,
    RequiresPython,
    SdistExcluded,
    UnreadableFormat,
    Yanked,
)
from wheelhouse.errors import NoSolutionError
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
    dependency_text,
    is_exact,
    merge,
)
from wheelhouse.target.target import Target

MAX_ROUNDS = 200_000
PASSED_OVER: tuple[type[Reason], ...] = (Yanked, BadPageEntry, RequiresPython)
"""The reasons that a lock file keeps of newer releases; the first is the most telling."""
NO_FILE: tuple[type[Reason], ...] = (NoFittingTag, UnreadableFormat, SdistExcluded)
"""The reasons that leave a release without a file for the target."""


class RestartError(Exception):
    """A release that the search has chosen is now ruled out or deferred: the search starts again, with that knowledge."""


class Provider(AbstractProvider[Dependency, CandidateRelease, Identifier]):
    """Answers resolvelib: the candidates of a project, and the dependencies of each."""

    def __init__(
        self,
        request: ResolutionRequest,
        packages: PackageSource,
        index: CandidateIndex,
        prefetcher: Prefetcher,
        on_event: Listener,
    ) -> None:
        self._request, self._packages, self._index, self._prefetcher = request, packages, index, prefetcher
        self._on_event = on_event
        self._order: dict[Identifier, int] = {}
        self._warned: set[str] = set()
        self._dependencies: dict[tuple[str, str], list[Dependency]] = {}
        self._extras: dict[NormalizedName, set[str]] = defaultdict(set)
        self.nogoods = Nogoods(index)
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
        """A sort key: NEVER first, then projects in conflict, then pinned ones, then in the order of discovery."""
        project, _ = identifier
        in_conflict = any(self.identify(cause.requirement) == identifier for cause in backtrack_causes)
        specifiers = (entry.requirement.specifier for entry in information[identifier])
        pinned = any(map(is_exact, specifiers)) or any(
            is_exact(line.requirement.specifier) for line in self._index.constraints(project)
        )
        return (project != NEVER, not in_conflict, not pinned, self._order.setdefault(identifier, len(self._order)))

    def find_matches(
        self,
        identifier: Identifier,
        requirements: Mapping[Identifier, Iterator[Dependency]],
        incompatibilities: Mapping[Identifier, Iterator[CandidateRelease]],
    ) -> Iterable[CandidateRelease]:
        """The candidates that satisfy all requirements, best first. An extra's must satisfy those of the project, too."""
        project, extra = identifier
        candidates = None if project == NEVER else self._index.get(project)
        if candidates is None:
            return ()
        identifiers = {identifier, (project, "")}
        specifier = merge(each.specifier for key in identifiers for each in requirements.get(key, iter(())))
        excluded = {
            release.candidate.version for key in identifiers for release in incompatibilities.get(key, iter(()))
        }
        extras = {"", extra, *(other for other in self._extras[project] if (project, other) in requirements)}

        def is_open(version: Version) -> bool:
            return all(self.nogoods.is_open(project, each, version) for each in extras)

        def releases() -> Iterator[CandidateRelease]:
            for candidate in candidates.usable(specifier, is_open):
                if candidate.version not in excluded:
                    yield CandidateRelease(candidate, extra)

        return releases  # type: ignore[return-value]  # resolvelib takes a callable, to be called again

    def is_satisfied_by(self, requirement: Dependency, candidate: CandidateRelease) -> bool:
        """Whether a release is within a dependency's specifier."""
        return requirement.specifier.contains(candidate.candidate.version, prereleases=True)

    def get_dependencies(self, candidate: CandidateRelease) -> Iterable[Dependency]:
        """The dependencies of a release, in a search. Raises RestartError if more than this release is ruled out."""
        dependencies = self.dependencies(candidate)
        if self.nogoods.note(candidate, dependencies):
            raise RestartError
        return dependencies

    def dependencies(self, release: CandidateRelease) -> Sequence[Dependency]:
        """The dependencies of a release on this target. Raises RestartError if the release is now deferred."""
        key = (release.candidate.key, release.extra)
        if key not in self._dependencies:
            self._prefetcher.note_trial(release.candidate)
            self._dependencies[key] = list(self._read_dependencies(release))
            self._introduce(self._dependencies[key])
        return self._dependencies[key]

    def _introduce(self, dependencies: Iterable[Dependency]) -> None:
        """Note what is new in some dependencies, and prefetch it."""
        for dependency in dependencies:
            identifier = (dependency.project, dependency.extra)
            self._extras[dependency.project].add(dependency.extra)
            self.introduced.setdefault(identifier, dependency)
            self._order.setdefault(identifier, len(self._order))
            if dependency.project != NEVER:
                self._prefetcher.expect(dependency)

    def _read_dependencies(self, release: CandidateRelease) -> Iterator[Dependency]:
        """The dependencies that the release's metadata give, and one on NEVER if the release cannot be installed."""
        candidate, origin = release.candidate, f"{release.candidate.project} {release.candidate.version}"
        pinned = is_exact(merge(line.requirement.specifier for line in self._index.constraints(candidate.project)))
        metadata = self._packages.metadata.get(candidate, certain=pinned).result()
        if (line := metadata.invalid_line) and self._defer(candidate, line):
            raise RestartError
        if release.extra:
            yield Dependency(candidate.project, "", SpecifierSet(f"=={candidate.version}"), origin, release)
            if release.extra not in metadata.extras:
                self._warn(f"{origin} has no extra named `{release.extra}`; it is left out")
        elif metadata.requires_python and metadata.requires_python != candidate.requires_python:
            required = requires_python_of(metadata.requires_python)
            if not self._request.target.allows(required):
                reason = RequiresPython(str(required), str(self._request.target.python.version))
                yield Dependency(NEVER, "", required, origin, release, reason)
        try:
            yield from self._required(release, metadata, origin)
        except UnreadableRequirementError as error:
            self._warn(f"{error}; it is left out")
            yield Dependency(NEVER, "", SpecifierSet(), origin, release, error.reason)

    def _defer(self, candidate: Candidate, line: str) -> bool:
        """Put a release with an invalid line last, as pip 24.1 and newer pass over it. Returns whether that changes anything."""
        candidates = self._index.get(candidate.project)
        reason = InvalidRequirementLine(line, old_pip_reads(line))
        return candidates is not None and candidates.defer(candidate.version, reason)

    def warn_of_deferred(self, releases: Iterable[CandidateRelease]) -> None:
        """Warn of newer releases that were passed over because of an invalid line."""
        for release in releases:
            project, version = release.candidate.project, release.candidate.version
            candidates = self._index.get(project)
            for other, reason in candidates.deferred.items() if candidates else ():
                if other > version:
                    self._warn(f"{project} {version} was chosen instead of {other}, which {reason_text(reason)}")

    def _required(self, release: CandidateRelease, metadata: Metadata, origin: str) -> Iterator[Dependency]:
        """The dependencies of a release with its extra, as adjusted by the user. Raises UnreadableRequirementError."""
        request = self._request
        for requirement, rules in metadata.requirements(request.target, release.extra, request.adjustments):
            if rules:
                self._warn(
                    f"{origin} has a requirement of `{requirement.name}` that PEP 508 does not allow ({rules}); "
                    f"it is read as `{requirement}`"
                )
            yield from dependencies_of(requirement, origin, release, request.direct)

    def _warn(self, sentence: str) -> None:
        """Warn once."""
        if sentence not in self._warned:
            self._warned.add(sentence)
            self._on_event(Warned(sentence))


def resolve(request: ResolutionRequest, packages: PackageSource, on_event: Listener = ignore) -> list[ResolvedProject]:
    """The releases and files that satisfy a request, sorted by project. Raises NoSolutionError, which says why, if none do."""
    index = CandidateIndex(request, packages)
    prefetcher = Prefetcher(request, packages, index)
    provider = Provider(request, packages, index, prefetcher, on_event)
    roots = _roots(request, provider)
    provider.nogoods.add_dependencies(roots)
    for dependency in roots:
        prefetcher.expect(dependency)
    solution = _solve_greedily(roots, index, provider) or _search(roots, request, index, provider)
    provider.warn_of_deferred(solution.values())
    dependencies = [each for release in solution.values() for each in provider.dependencies(release)] + roots
    return _resolved_projects(solution, dependencies, request, packages, index)


def _solve_greedily(
    roots: Sequence[Dependency], index: CandidateIndex, provider: Provider
) -> dict[Identifier, CandidateRelease] | None:
    while True:
        with suppress(RestartError):
            return solve_greedily(roots, index, provider.dependencies)


def _search(
    roots: Sequence[Dependency], request: ResolutionRequest, index: CandidateIndex, provider: Provider
) -> dict[Identifier, CandidateRelease]:
    """The solution that backtracking finds. Raises NoSolutionError."""
    try:
        while True:
            with suppress(RestartError):
                search = Resolution(provider, BaseReporter[Dependency, CandidateRelease, Identifier]())
                return _reached(roots, search.resolve(roots, max_rounds=MAX_ROUNDS).mapping, provider)
    except ResolutionImpossible as impossible:
        from wheelhouse.resolve.explain import explain  # noqa: PLC0415  (only if there is no solution)

        conflicting = [provider.nogoods.cause(cause.requirement) for cause in impossible.causes]
        raise explain(conflicting, request, index, provider.introduced) from impossible
    except ResolutionTooDeep as too_deep:
        hint = "pin more projects with a constraints file"
        raise NoSolutionError(f"no solution was found in {MAX_ROUNDS} rounds", hint=hint) from too_deep


def _reached(
    roots: Sequence[Dependency], mapping: Mapping[Identifier, CandidateRelease], provider: Provider
) -> dict[Identifier, CandidateRelease]:
    """The releases that the roots lead to, without those that a search left behind.

    resolvelib's own function for this does not end on circular dependencies (1.2.1).
    """
    reached: dict[Identifier, CandidateRelease] = {}
    pending = deque(roots)
    while pending:
        identifier = provider.identify(pending.popleft())
        if identifier not in reached:
            release = reached[identifier] = mapping[identifier]
            pending.extend(provider.dependencies(release))
    return reached


def _roots(request: ResolutionRequest, provider: Provider) -> list[Dependency]:
    """The user's requirements that apply to the target, as dependencies, after overrides and exclusions."""
    roots: list[Dependency] = []
    for line in request.requirements:
        if request.target.applies(line.requirement.marker):
            for requirement in request.adjustments.instead_of(line.requirement):
                if requirement is line.requirement or request.target.applies(requirement.marker):
                    roots.extend(dependencies_of(requirement, line.origin))
    for dependency in roots:
        provider.introduced.setdefault((dependency.project, dependency.extra), dependency)
    return roots


def _resolved_projects(
    solution: Mapping[Identifier, CandidateRelease],
    dependencies: Iterable[Dependency],
    request: ResolutionRequest,
    packages: PackageSource,
    index: CandidateIndex,
) -> list[ResolvedProject]:
    """A solution by project, with what a lock file says of each."""
    specifiers: dict[NormalizedName, list[SpecifierSet]] = {}
    for dependency in dependencies:
        if dependency.parent is None or dependency.parent.candidate.project != dependency.project:
            specifiers.setdefault(dependency.project, []).append(dependency.specifier)
    extras: dict[NormalizedName, set[NormalizedName]] = {}
    for project, extra in solution:
        extras.setdefault(project, set()).update([NormalizedName(extra)] if extra else [])
    return [
        _resolved_project(
            solution[project, ""].candidate,
            merge(specifiers.get(project, ())),
            tuple(sorted(extras[project])),
            request,
            packages,
            index,
        )
        for project in sorted(extras)
    ]


def _resolved_project(
    candidate: Candidate,
    specifier: SpecifierSet,
    extras: tuple[NormalizedName, ...],
    request: ResolutionRequest,
    packages: PackageSource,
    index: CandidateIndex,
) -> ResolvedProject:
    """One project of a solution; `specifier` is the merge of all dependencies on it."""
    metadata = packages.metadata.get(candidate).result()
    candidates = index.get(candidate.project)
    assert candidates is not None  # noqa: S101  (the candidate came from it)
    exact = SpecifierSet(f"=={candidate.version}")
    constraints = index.constraints(candidate.project)
    return ResolvedProject(
        candidate=candidate,
        metadata=metadata,
        extras=tuple(extra for extra in extras if extra in metadata.extras),
        dependencies=locked_dependencies(metadata, extras, request.target, request.adjustments),
        rejected=tuple(candidates.choose(candidate.version, exact)[1]),
        skipped=tuple(_skipped(candidates, candidate, specifier)),
        constraint=f"{constraints[0].requirement} ({constraints[0].origin})" if constraints else None,
        passed_over=tuple(_passed_over(candidates, candidate, specifier)),
    )


def locked_dependencies(
    metadata: Metadata, extras: Iterable[NormalizedName], target: Target, adjustments: Adjustments
) -> tuple[str, ...]:
    """A release's dependencies on a target with these extras, as `name[extra]>=1`, sorted."""
    requirements = (
        requirement for extra in ("", *extras) for requirement, _ in metadata.requirements(target, extra, adjustments)
    )
    return tuple(sorted({dependency_text(requirement) for requirement in requirements}))


def _newer_without_file(
    candidates: ProjectCandidates, chosen: Candidate, specifier: SpecifierSet
) -> Iterator[tuple[Version, list[Reason]]]:
    """Newer releases within a specifier of which no file can be chosen, each with the reasons against its files."""
    for version in candidates.matching(specifier):
        if version <= chosen.version:
            return
        file, rejected = candidates.choose(version, specifier)
        if file is None:
            yield version, [other.reason for other in rejected]


def _skipped(candidates: ProjectCandidates, chosen: Candidate, specifier: SpecifierSet) -> Iterator[Version]:
    """Newer releases within a specifier without a file for the target: no tag fits, or sdists are excluded."""
    for version, reasons in _newer_without_file(candidates, chosen, specifier):
        if reasons and all(isinstance(reason, NO_FILE) for reason in reasons):
            yield version


def _passed_over(candidates: ProjectCandidates, chosen: Candidate, specifier: SpecifierSet) -> Iterator[Rejected]:
    """Newer releases within a specifier that are yanked, require another Python, or have bad entries on their page."""
    for version, reasons in _newer_without_file(candidates, chosen, specifier):
        if telling := [reason for reason in reasons if isinstance(reason, PASSED_OVER)]:
            yield Rejected(
                str(version), min(telling, key=lambda reason: (PASSED_OVER.index(type(reason)), str(reason)))
            )
