"""The solution when nothing conflicts: found in linear time, with no search.

Each project's best release under all requirements so far adds further requirements. When a pass changes no choice, the
choices are the solution, and no other order leads to another one. If that fails, `resolve/search` backtracks.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from wheelhouse.archive.artifact import Candidate
from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.resolution import NEVER, CandidateRelease, Dependency, Identifier, merge

MAX_PASSES = 40
Chosen = dict[NormalizedName, Candidate]


class _ConflictError(Exception):
    """No release satisfies all requirements of its project."""


def solve_greedily(
    roots: Sequence[Dependency],
    index: CandidateIndex,
    dependencies_of: Callable[[CandidateRelease], Iterable[Dependency]],
) -> dict[Identifier, CandidateRelease] | None:
    """A release for every project and extra that the roots lead to. None if a search is necessary: something conflicts, or
    the choices still change after MAX_PASSES.

    Raises what `index` and `dependencies_of` raise.
    """
    chosen: Chosen = {}
    try:
        for _ in range(MAX_PASSES):
            reached, specifiers = _walk(roots, chosen, index, dependencies_of)
            best = {project: _best(project, merge(specifiers[project].values()), index) for project in specifiers}
            if best == {project: chosen[project] for project in specifiers}:
                return reached
            chosen = best
    except _ConflictError:
        return None
    return None


def _walk(
    roots: Sequence[Dependency],
    chosen: Chosen,
    index: CandidateIndex,
    dependencies_of: Callable[[CandidateRelease], Iterable[Dependency]],
) -> tuple[dict[Identifier, CandidateRelease], dict[NormalizedName, dict[str, SpecifierSet]]]:
    """The releases that the roots lead to with the choices so far, and each project's specifiers on the way, by their text,
    without those of its own releases.

    A project that is not in `chosen` gets its best release under the dependency that led to it, which is added to `chosen`.
    A release whose metadata cost a large download comes last: something cheaper may conflict before.

    Raises _ConflictError if nothing satisfies all specifiers of a project so far, or a release requires another one of its
    own project.
    """
    reached: dict[Identifier, CandidateRelease] = {}
    specifiers: dict[NormalizedName, dict[str, SpecifierSet]] = {}
    pending, costly = deque(roots), deque[Dependency]()
    while pending or costly:
        is_last = not pending
        dependency = costly.popleft() if is_last else pending.popleft()
        project = dependency.project
        if project not in chosen:
            chosen[project] = _best(project, dependency.specifier, index)
        if chosen[project].is_costly and not is_last:
            costly.append(dependency)
            continue
        if dependency.parent is None or dependency.parent.candidate.project != project:
            _narrow(specifiers.setdefault(project, {}), dependency.specifier, chosen[project], index)
        elif not dependency.specifier.contains(chosen[project].version, prereleases=True):
            raise _ConflictError(f"{dependency.parent} requires another version of itself")
        if (project, dependency.extra) not in reached:
            release = reached[project, dependency.extra] = CandidateRelease(chosen[project], dependency.extra)
            pending.extend(dependencies_of(release))
    return reached, specifiers


def _narrow(
    by_text: dict[str, SpecifierSet], specifier: SpecifierSet, chosen: Candidate, index: CandidateIndex
) -> None:
    """Add a specifier to those of a project. Raises _ConflictError if it excludes the chosen release, and nothing satisfies all of them."""
    text = str(specifier)
    if text in by_text:
        return
    by_text[text] = specifier
    if not specifier.contains(chosen.version, prereleases=True):
        _best(chosen.project, merge(by_text.values()), index)


def _best(project: NormalizedName, specifier: SpecifierSet, index: CandidateIndex) -> Candidate:
    """The best file of a project within a specifier. Raises _ConflictError if there is none, or no such project."""
    candidates = None if project == NEVER else index.get(project)
    best = candidates.best(specifier) if candidates else None
    if best is None:
        raise _ConflictError(f"nothing satisfies {project}{specifier}")
    return best
