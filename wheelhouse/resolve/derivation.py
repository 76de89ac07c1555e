"""Why no solution exists, as a list of facts in the order in which a person would argue: from what is asked for to the obstacle (pure)."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.resolve.pubgrub import Clause
from wheelhouse.resolve.resolution import NEVER, Dependency, Identifier


@dataclass(frozen=True, slots=True)
class Step:
    """Releases of one project, newest first, that have the same dependency. `versions` is empty for what the user asks for."""

    versions: tuple[Version, ...]
    dependency: Dependency


@dataclass(frozen=True, slots=True)
class Derivation:
    """`conflicting` are dependencies on one project that no release satisfies together; `steps` are all facts that lead there."""

    conflicting: tuple[Dependency, ...]
    steps: tuple[Step, ...]


def derivation_of(
    clause: Clause[Identifier], versions: Callable[[NormalizedName, int], tuple[Version, ...]]
) -> Derivation:
    """The derivation of a clause that excludes the root; at each distance from the user, the newest releases come first.

    `versions` gives the versions that states of a project stand for.
    """
    steps: dict[Step, int] = {}
    for fact in _facts(clause):
        if isinstance(fact.fact, Dependency):
            parent = fact.fact.parent
            states = fact.states[parent.candidate.project, parent.extra] if parent else 0
            steps[Step(versions(parent.candidate.project, states) if parent else (), fact.fact)] = states & -states
    depths = _depths(tuple(steps))
    ordered = sorted(steps, key=lambda step: (depths[step], steps[step]))
    return Derivation(_conflicting(ordered), tuple(ordered))


def _facts(clause: Clause[Identifier]) -> Iterator[Clause[Identifier]]:
    """The facts that a learned clause follows from, each once."""
    pending, seen = [clause], set()
    while pending:
        clause = pending.pop()
        if id(clause) in seen:
            continue
        seen.add(id(clause))
        if clause.parents:
            pending.extend(reversed(clause.parents))
        else:
            yield clause


def _depths(steps: Sequence[Step]) -> Mapping[Step, int]:
    """How many dependencies lead from the user to each step's own."""
    depths: dict[NormalizedName | None, int] = {None: 0}
    pending: list[NormalizedName | None] = [None]
    for asker in pending:  # grows on the way
        for step in steps:
            if _asker(step) == asker and step.dependency.project not in depths:
                depths[step.dependency.project] = depths[asker] + 1
                pending.append(step.dependency.project)
    return {step: depths.get(_asker(step), len(depths)) for step in steps}


def _asker(step: Step) -> NormalizedName | None:
    return step.dependency.parent.candidate.project if step.dependency.parent else None


def _conflicting(steps: Sequence[Step]) -> tuple[Dependency, ...]:
    """The dependencies on the obstacle, one of each asking project: of the projects that ask for nothing, the one most asked for."""
    asking = {_asker(step) for step in steps if _asker(step) != step.dependency.project}
    asked = Counter(step.dependency.project for step in steps)
    obstacle = max(asked, key=lambda project: (project not in asking, project != NEVER, asked[project]))
    first: dict[NormalizedName | None, Dependency] = {}
    for step in steps:
        if step.dependency.project == obstacle:
            first.setdefault(_asker(step), step.dependency)
    return tuple(first.values())
