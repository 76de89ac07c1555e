"""Resolves one target: the greedy pass, then a conflict-driven search. Nothing is taken from the host.

Markers and tags of a target are fixed, so several targets are several small problems over the same pages and metadata.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate, Rejected
from wheelhouse.archive.metadata import Metadata
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.archive.reasons import (
    BadPageEntry,
    NoFittingTag,
    Reason,
    RequiresPython,
    SdistExcluded,
    UnreadableFormat,
    Yanked,
)
from wheelhouse.events import Listener, ignore
from wheelhouse.index.package_source import PackageSource
from wheelhouse.resolve.candidates import CandidateIndex, ProjectCandidates
from wheelhouse.resolve.greedy import solve_greedily
from wheelhouse.resolve.prefetch import Prefetcher
from wheelhouse.resolve.release_dependencies import DeferredError, ReleaseDependencies
from wheelhouse.resolve.resolution import (
    CandidateRelease,
    Dependency,
    Identifier,
    ResolutionRequest,
    ResolvedProject,
    dependencies_of,
    dependency_text,
    merge,
)
from wheelhouse.target.target import Target

PASSED_OVER: tuple[type[Reason], ...] = (Yanked, BadPageEntry, RequiresPython)
"""The reasons that a lock file keeps of newer releases; the first is the most telling."""
NO_FILE: tuple[type[Reason], ...] = (NoFittingTag, UnreadableFormat, SdistExcluded)
"""The reasons that leave a release without a file for the target."""


def resolve(request: ResolutionRequest, packages: PackageSource, on_event: Listener = ignore) -> list[ResolvedProject]:
    """The releases and files that satisfy a request, sorted by project; metadata is requested on the way.

    Raises NoSolutionError, which says why, if none do, or at the time limit; IntegrityError if a file's hash is not the one
    that a line gives; InputError as `dependencies_of` and `Selection.why_excluded`; and what requests for pages and metadata
    raise.
    """
    index = CandidateIndex(request, packages)
    prefetcher = Prefetcher(request, packages, index)
    index.before_wait = prefetcher.walk
    dependencies = ReleaseDependencies(request, packages, index, prefetcher, on_event)
    roots = _roots(request)
    for dependency in roots:
        prefetcher.announce(dependency)
    solution = _solve_greedily(roots, index, dependencies) or _search(roots, request, index, dependencies, on_event)
    dependencies.warn_of_deferred(solution.values())
    required = [each for release in solution.values() for each in dependencies.of(release)] + roots
    return _resolved_projects(solution, required, request, packages, index)


def _solve_greedily(
    roots: Sequence[Dependency], index: CandidateIndex, dependencies: ReleaseDependencies
) -> dict[Identifier, CandidateRelease] | None:
    """The greedy solution; None if a search is necessary. Starts again whenever a release turns out to be deferred."""
    while True:
        with suppress(DeferredError):
            return solve_greedily(roots, index, dependencies.of)


def _search(
    roots: Sequence[Dependency],
    request: ResolutionRequest,
    index: CandidateIndex,
    dependencies: ReleaseDependencies,
    on_event: Listener,
) -> dict[Identifier, CandidateRelease]:
    """The solution that the conflict-driven search finds. Raises NoSolutionError or IntegrityError as `explain` says,
    NoSolutionError at the time limit, and what `dependencies.of` raises other than DeferredError.
    """
    from wheelhouse.resolve.pubgrub import UnsolvableError  # noqa: PLC0415  (only if something conflicts)
    from wheelhouse.resolve.release_search import ReleaseSearch  # noqa: PLC0415
    from wheelhouse.resolve.search_watch import SearchWatch  # noqa: PLC0415

    search = ReleaseSearch(index, dependencies.of, SearchWatch(on_event, request.seconds))
    try:
        return search.run(roots)
    except UnsolvableError as unsolvable:
        from wheelhouse.resolve.derivation import derivation_of  # noqa: PLC0415  (only if there is no solution)
        from wheelhouse.resolve.explain import explain  # noqa: PLC0415

        derivation = derivation_of(unsolvable.clause, search.versions)
        raise explain(derivation, request, index, dependencies.of) from unsolvable


def _roots(request: ResolutionRequest) -> list[Dependency]:
    """The user's requirements that apply to the target, after overrides and exclusions, as dependencies: one on the project,
    one on each extra. Raises InputError for an override with an address.
    """
    roots: list[Dependency] = []
    for line in request.requirements:
        if request.target.applies(line.requirement.marker):
            for requirement in request.adjustments.instead_of(line.requirement):
                if requirement is line.requirement or request.target.applies(requirement.marker):
                    roots.extend(dependencies_of(requirement, line.origin))
    return roots


def _resolved_projects(
    solution: Mapping[Identifier, CandidateRelease],
    dependencies: Iterable[Dependency],
    request: ResolutionRequest,
    packages: PackageSource,
    index: CandidateIndex,
) -> list[ResolvedProject]:
    """A solution by project, sorted, extras merged into their project, with what a lock file says of each."""
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
    """One project of a solution; `specifier` is the merge of all dependencies on it. Extras that its metadata do not have
    are left out; of several constraints the first is recorded.
    """
    metadata = packages.metadata.get(candidate).result()
    candidates = index.get(candidate.project)
    assert candidates is not None  # noqa: S101  (the candidate came from it)
    constraints = index.constraints(candidate.project)
    return ResolvedProject(
        candidate=candidate,
        metadata=metadata,
        extras=tuple(extra for extra in extras if extra in metadata.extras),
        dependencies=locked_dependencies(metadata, extras, request.target, request.adjustments),
        rejected=tuple(candidates.choose_pinned(candidate.version)[1]),
        skipped=tuple(_skipped(candidates, candidate, specifier)),
        constraint=f"{constraints[0].requirement} ({constraints[0].origin})" if constraints else None,
        passed_over=tuple(_passed_over(candidates, candidate, specifier)),
    )


def locked_dependencies(
    metadata: Metadata, extras: Iterable[NormalizedName], target: Target, adjustments: Adjustments
) -> tuple[str, ...]:
    """A release's dependencies on a target with these extras, as `name[extra]>=1` without markers, sorted, each once."""
    requirements = (
        requirement for extra in ("", *extras) for requirement, _ in metadata.requirements(target, extra, adjustments)
    )
    return tuple(sorted({dependency_text(requirement) for requirement in requirements}))


def _newer_without_file(
    candidates: ProjectCandidates, chosen: Candidate, specifier: SpecifierSet
) -> Iterator[tuple[Version, list[Reason]]]:
    """Of the versions that `matching` gives, up to the first that is not newer than the chosen one: those of which no file can be
    chosen, each with the reasons against its files.
    """
    for version in candidates.matching(specifier):
        if version <= chosen.version:
            return
        file, rejected = candidates.choose(version, specifier)
        if file is None:
            yield version, [other.reason for other in rejected]


def _skipped(candidates: ProjectCandidates, chosen: Candidate, specifier: SpecifierSet) -> Iterator[Version]:
    """The releases of `_newer_without_file` that have files, each without a fitting tag, of unreadable format, or an excluded sdist."""
    for version, reasons in _newer_without_file(candidates, chosen, specifier):
        if reasons and all(isinstance(reason, NO_FILE) for reason in reasons):
            yield version


def _passed_over(candidates: ProjectCandidates, chosen: Candidate, specifier: SpecifierSet) -> Iterator[Rejected]:
    """The releases of `_newer_without_file` of which a file is yanked, requires another Python, or has a bad entry on the page: as
    versions, with one of these reasons each.
    """
    for version, reasons in _newer_without_file(candidates, chosen, specifier):
        if telling := [reason for reason in reasons if isinstance(reason, PASSED_OVER)]:
            yield Rejected(
                str(version), min(telling, key=lambda reason: (PASSED_OVER.index(type(reason)), str(reason)))
            )
