"""The answer where nothing stands against anything: found by walking, with no search.

Each project's best release under all that is asked of it asks for further ones. When a walk changes no choice, those choices are
the answer, and no other order of asking leads to another. Where that fails, the resolver searches.
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


class _ContradictionError(Exception):
    """No release satisfies all that is asked of its project."""


def solve_greedily(
    roots: Sequence[Dependency],
    shelves: CandidateIndex,
    dependencies: Callable[[CandidateRelease], Iterable[Dependency]],
) -> dict[Identifier, CandidateRelease] | None:
    """A choice for every project and extra that is reached, or None where that takes a search."""
    chosen: Chosen = {}
    try:
        for _ in range(MAX_PASSES):
            reached, asked = _walk(roots, chosen, shelves, dependencies)
            best = {project: _best(project, merge(asked[project].values()), shelves) for project in asked}
            if best == {project: chosen[project] for project in asked}:
                return reached
            chosen = best
    except _ContradictionError:
        return None
    return None


def _walk(
    roots: Sequence[Dependency],
    chosen: Chosen,
    shelves: CandidateIndex,
    dependencies: Callable[[CandidateRelease], Iterable[Dependency]],
) -> tuple[dict[Identifier, CandidateRelease], dict[NormalizedName, dict[str, SpecifierSet]]]:
    """What is reached from the roots by the choices so far, and what is asked of each project on the way.

    A project that is met for the first time gets its best release under the need that led to it.
    """
    reached: dict[Identifier, CandidateRelease] = {}
    asked: dict[NormalizedName, dict[str, SpecifierSet]] = {}
    pending = deque(roots)
    while pending:
        need = pending.popleft()
        project = need.project
        if project not in chosen:
            chosen[project] = _best(project, need.specifier, shelves)
        if need.parent is None or need.parent.candidate.project != project:
            asked.setdefault(project, {})[str(need.specifier)] = need.specifier
        elif not need.specifier.contains(chosen[project].version, prereleases=True):
            raise _ContradictionError(f"{need.parent} asks for another version of itself")
        if (project, need.extra) not in reached:
            choice = reached[project, need.extra] = CandidateRelease(chosen[project], need.extra)
            pending.extend(dependencies(choice))
    return reached, asked


def _best(project: NormalizedName, specifier: SpecifierSet, shelves: CandidateIndex) -> Candidate:
    shelf = None if project == NEVER else shelves.get(project)
    found = shelf.best(specifier) if shelf else None
    if found is None:
        raise _ContradictionError(f"nothing satisfies {project}{specifier}")
    return found
