"""Why no solution exists, as facts in the order in which a person would argue: from what is asked for to the obstacle (pure)."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.resolve.pubgrub import Clause
from wheelhouse.resolve.resolution import NEVER, Dependency, Identifier


@dataclass(frozen=True, slots=True)
class SameRelease:
    """An extra is of the same release as its project."""

    project: NormalizedName


@dataclass(frozen=True, slots=True)
class Unusable:
    """Releases of a project that have no usable file, or that are yanked and not pinned."""

    project: NormalizedName
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class Unfounded:
    """Packages that no release outside of them asks for, as far as is known, cannot be installed."""

    packages: frozenset[Identifier]


@dataclass(frozen=True, slots=True)
class Step:
    """Releases of one project, newest first, that have the same dependency. `versions` is empty for what the user asks for."""

    versions: tuple[Version, ...]
    dependency: Dependency

    @property
    def asker(self) -> NormalizedName | None:
        """The project that has the dependency; None for the user."""
        return self.dependency.parent.candidate.project if self.dependency.parent else None


Chain = tuple[Step, ...]
"""From a dependency of the user to another one: each step's releases are admitted by the step before."""


def _narrowed(step: Step, above: Dependency, held: Mapping[NormalizedName, frozenset[Version]]) -> Step | None:
    """A step with those of its releases that the dependency before it admits, and that `held` has, if it has their
    project. None if there are none.
    """
    admitted = above.specifier.filter(step.versions, prereleases=True)
    allowed = held.get(above.project)
    versions = tuple(version for version in admitted if allowed is None or version in allowed)
    return replace(step, versions=versions) if versions else None


@dataclass(frozen=True)
class Derivation:
    """The steps that a proof rests on, those near the user first, and the releases of each project that have no usable file."""

    steps: tuple[Step, ...]
    unusable: Mapping[NormalizedName, tuple[Version, ...]]

    def obstacles(self) -> list[NormalizedName]:
        """The projects that can be what everything fails at, the likeliest first.

        Those that ask for nothing themselves come before others; of these, the one that the most releases lead to.
        """
        asking = {step.asker for step in self.steps if step.asker != step.dependency.project}
        projects = dict.fromkeys(step.dependency.project for step in self.steps)
        return sorted(projects, key=lambda each: (each in asking, -self._releases_before(each), each == NEVER))

    def steps_on(self, project: NormalizedName) -> list[Step]:
        """The dependencies on a project, without those of its own releases, such as an extra's on the project."""
        return [step for step in self._leading_to[project] if step.asker != project]

    def own_conflicts(self, project: NormalizedName) -> list[Step]:
        """The steps on a project from releases of its own, none of which satisfies the step: each requires another release."""
        own = (step for step in self._leading_to[project] if step.asker == project)
        return [
            step
            for step in own
            if not any(step.dependency.specifier.contains(version, prereleases=True) for version in step.versions)
        ]

    def chains_to(self, sides: Sequence[Step]) -> list[Chain] | None:
        """A chain to each of some steps, so that all can hold at once; None if no chain leads to one of them with the releases that
        the chains before it hold. The last step of a chain can have fewer releases than the step that it leads to.
        """
        chains: list[Chain] = []
        held: dict[NormalizedName, frozenset[Version]] = {}
        for side in sides:
            chain = self._chain_to(side, held)
            if chain is None:
                return None
            chains.append(chain)
            held |= {step.asker: frozenset(step.versions) for step in chain if step.asker is not None}
        return chains

    def chain_to(self, side: Step) -> Chain:
        """The shortest chain to a step; the step alone if none leads there.

        Each step of the chain, also the last, has only the releases that the step before admits.
        """
        return self._chain_to(side, {}) or (side,)

    def _chain_to(self, side: Step, held: Mapping[NormalizedName, frozenset[Version]]) -> Chain | None:
        """The shortest chain to a step, with those releases only that `held` has, if it has their project; of several, the
        first found: after each step, the steps of the most releases are tried first. None if there is none.
        """
        pending: list[Chain] = [(step,) for step in self._by_asker[None]]
        seen = {step.dependency for step in self._by_asker[None]}
        for chain in pending:  # grows on the way
            above = chain[-1].dependency
            if above is side.dependency:
                return chain
            following = (_narrowed(step, above, held) for step in self._by_asker[above.project])
            for step in sorted(filter(None, following), key=lambda each: -len(each.versions)):
                if step.dependency not in seen:
                    seen.add(step.dependency)
                    pending.append((*chain, step))
        return None

    @cached_property
    def _leading_to(self) -> Mapping[NormalizedName, list[Step]]:
        """The steps that require each project; an empty list for any other, which is then added."""
        leading: dict[NormalizedName, list[Step]] = defaultdict(list)
        for step in self.steps:
            leading[step.dependency.project].append(step)
        return leading

    @cached_property
    def _by_asker(self) -> Mapping[NormalizedName | None, list[Step]]:
        """The steps of each project that asks, under None those of the user; for any other, an empty list is added."""
        asked: dict[NormalizedName | None, list[Step]] = defaultdict(list)
        for step in self.steps:
            asked[step.asker].append(step)
        return asked

    def _releases_before(self, obstacle: NormalizedName) -> int:
        """How many releases lead to an obstacle, directly or through others, counted once for each dependency."""
        pending, steps = [obstacle], dict[Step, None]()
        for project in pending:  # grows on the way
            for step in self._leading_to[project]:
                steps[step] = None
                if step.asker is not None and step.asker not in pending:
                    pending.append(step.asker)
        return sum(len(step.versions) for step in steps)


def derivation_of(
    clause: Clause[Identifier], versions: Callable[[NormalizedName, int], tuple[Version, ...]]
) -> Derivation:
    """The derivation of a clause that excludes the root; at each distance from the user, the newest releases come first.

    `versions` gives the versions that states of a project stand for.
    """
    askers: dict[tuple[object, ...], tuple[Dependency, int]] = {}
    unusable: dict[NormalizedName, dict[Version, None]] = defaultdict(dict)
    for fact in _facts(clause):
        if isinstance(fact.fact, Dependency):
            parent = fact.fact.parent
            asker = (parent.candidate.project, parent.extra) if parent else None
            states = fact.states[asker] if asker else 0
            key = (asker or fact.fact.origin, fact.fact.project, str(fact.fact))
            dependency, others = askers.get(key, (fact.fact, 0))
            askers[key] = (dependency, states | others)
        elif isinstance(fact.fact, Unusable):
            unusable[fact.fact.project].update(dict.fromkeys(fact.fact.versions))
    steps: dict[Step, int] = {}
    for dependency, states in askers.values():
        parent = dependency.parent
        steps[Step(versions(parent.candidate.project, states) if parent else (), dependency)] = states & -states
    depths = _depths(tuple(steps))
    ordered = sorted(steps, key=lambda step: (depths[step], steps[step]))
    return Derivation(
        tuple(ordered), {project: tuple(sorted(each, reverse=True)) for project, each in unusable.items()}
    )


def _facts(clause: Clause[Identifier]) -> Iterator[Clause[Identifier]]:
    """The clauses that a learned clause follows from and that were not learned themselves, each once."""
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
    """For each step, how many dependencies lead from the user to the project that asks; 0 for the user's own.

    If none lead there, a number above all others.
    """
    depths: dict[NormalizedName | None, int] = {None: 0}
    pending: list[NormalizedName | None] = [None]
    for asker in pending:  # grows on the way
        for step in steps:
            if step.asker == asker and step.dependency.project not in depths:
                depths[step.dependency.project] = depths[asker] + 1
                pending.append(step.dependency.project)
    return {step: depths.get(step.asker, len(depths)) for step in steps}
