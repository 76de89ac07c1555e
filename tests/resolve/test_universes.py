"""Random universes of releases: what is resolved is what an exhaustive search finds, and what cannot be is proved.

The reference reads requirements with `packaging`, tries every release of every project that is asked for, and shares no code
with the search.
"""

import random
from collections.abc import Mapping
from concurrent.futures import Future
from itertools import pairwise
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.resolve.test_search import TARGET, Held, done, page_of
from wheelhouse.archive.metadata import Metadata
from wheelhouse.errors import NoSolutionError
from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.conflict import find_conflict
from wheelhouse.resolve.derivation import SameRelease, derivation_of
from wheelhouse.resolve.pubgrub import Clause, UnsolvableError
from wheelhouse.resolve.release_search import ROOT
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import Dependency, Identifier, ResolutionRequest
from wheelhouse.resolve.search import resolve

VERSIONS = ("1", "2", "3", "3.5b1", "4", "4.0.1", "5rc1")
SPECIFIERS = ("", "", "", "", "", ">=1", ">=2", "<3", "==1", "==2", "!=3", ">3", "<=4", ">=3.5b1", "==4.*", "~=2.0")
EXTRAS = ("x", "y")


class Universe:
    """`requires` by project, version and extra ("" for none); `yanked` releases; what is asked, and what limits it."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.projects = [f"p{number}" for number in range(chance.randint(1, 6))]
        self.requires: dict[str, dict[str, dict[str, list[str]]]] = {
            project: {
                version: {extra: self._lines(chance, 2 if extra == "" else 1) for extra in ("", *EXTRAS)}
                for version in chance.sample(VERSIONS, chance.randint(1, 5))
            }
            for project in self.projects
        }
        self.yanked = {
            (project, version)
            for project in self.projects
            for version in self.requires[project]
            if chance.random() < 0.15
        }
        self.asked = self._lines(chance, 2) or ["p0"]
        self.limits = [line for line in self._lines(chance, 1) if "[" not in line]

    def _lines(self, chance: random.Random, most: int) -> list[str]:
        return [
            chance.choice(self.projects) + chance.choice(["", "", "", "[x]", "[x,y]"]) + chance.choice(SPECIFIERS)
            for _ in range(chance.randint(0, most))
        ]

    def lines(self, project: str, version: str, extra: str) -> list[str]:
        return self.requires[project][version][extra]


class Shop(Held):
    """The index that offers a universe."""

    def __init__(self, universe: Universe) -> None:
        super().__init__({})
        self._made = universe

    def page(self, project: NormalizedName) -> Future[Any]:
        releases = self._made.requires.get(project)
        yanked = {version: "bad" if (project, version) in self._made.yanked else None for version in releases or ()}
        return done(page_of(project, yanked) if releases else None)

    def metadata_of(self, candidate: Any, *, certain: bool = False) -> Future[Metadata]:
        by_extra = self._made.requires[candidate.project][str(candidate.version)]
        lines = [f"{line} ; extra == '{extra}'" if extra else line for extra, each in by_extra.items() for line in each]
        return done(
            Metadata(candidate.project, candidate.version, tuple(lines), extras=frozenset(map(NormalizedName, EXTRAS)))
        )


# The reference


def exhaustive(universe: Universe, chosen: dict[str, str]) -> dict[str, str] | None:
    """A choice for every project that is reached, by trying all; `chosen` are those that are fixed already."""
    lines = reached(universe, chosen)
    if not all(admits(universe, chosen[req.name], req) for req, _ in lines if req.name in chosen):
        return None
    missing = next((req.name for req, _ in lines if req.name not in chosen), None)
    if missing is None:
        return (
            chosen
            if all(is_lawful(universe, project, chosen, strictly=True) for project in {req.name for req, _ in lines})
            else None
        )
    for version in universe.requires[missing]:
        if (found := exhaustive(universe, {**chosen, missing: version})) is not None:
            return found
    return None


def reached(universe: Universe, chosen: Mapping[str, str], without: str = "") -> list[tuple[Requirement, str]]:
    """Every requirement that holds, with the project that it comes from ("" for the user); one project's own can be left out."""
    lines = [(Requirement(line), "") for line in universe.asked]
    seen: set[tuple[str, str]] = set()
    for requirement, _ in lines:  # grows on the way
        for extra in ("", *requirement.extras):
            if requirement.name in chosen and requirement.name != without and (requirement.name, extra) not in seen:
                seen.add((requirement.name, extra))
                more = universe.lines(requirement.name, chosen[requirement.name], extra)
                lines.extend((Requirement(line), requirement.name) for line in more)
    return lines


def admits(universe: Universe, version: str, requirement: Requirement) -> bool:
    limits = [Requirement(line) for line in universe.limits]
    specifiers = [requirement.specifier, *(limit.specifier for limit in limits if limit.name == requirement.name)]
    return all(specifier.contains(version, prereleases=True) for specifier in specifiers)


def is_lawful(universe: Universe, project: str, chosen: Mapping[str, str], *, strictly: bool) -> bool:
    """A yanked release needs somebody who pins it (PEP 592); strictly, somebody who would be there without it."""
    if (project, chosen[project]) not in universe.yanked:
        return True
    limits = [Requirement(line).specifier for line in universe.limits if Requirement(line).name == project]
    pinning = [
        req.specifier for req, _ in reached(universe, chosen, project if strictly else "") if req.name == project
    ]
    return any(map(pins, [*limits, *pinning]))


def pins(specifier: SpecifierSet) -> bool:
    return any(clause.operator == "==" and not clause.version.endswith(".*") for clause in specifier)


# The checker of proofs


def must_be_a_proof(clause: Clause[Identifier], universe: Universe) -> bool:
    """Fails where a step does not follow. Whether the proof rests on that no further release is known that pins a yanked one."""
    provisional = False
    assert not clause.states.keys() - {ROOT}
    pending, seen = [clause], set()
    while pending:
        clause = pending.pop()
        if id(clause) in seen:
            continue
        seen.add(id(clause))
        if clause.parents:
            one, other = clause.parents
            assert any(follows(clause, one, other, pivot, universe) for pivot in {*one.states, *other.states})
            pending.extend(clause.parents)
        elif clause.provisional:
            provisional = True
        else:
            must_be_true(clause, universe)
    return provisional


def follows(
    clause: Clause[Identifier],
    one: Clause[Identifier],
    other: Clause[Identifier],
    pivot: Identifier,
    universe: Universe,
) -> bool:
    def states(of: Clause[Identifier], package: Identifier) -> set[str | None]:
        return states_of(package, of.states[package], universe) if package in of.states else every(package, universe)

    for package in {*clause.states, *one.states, *other.states}:
        first, second = states(one, package), states(other, package)
        if not states(clause, package) <= (first | second if package == pivot else first & second):
            return False
    return True


def every(package: Identifier, universe: Universe) -> set[str | None]:
    return {None, "root"} if package == ROOT else {None, *universe.requires.get(package[0], ())}


def states_of(package: Identifier, states: int, universe: Universe) -> set[str | None]:
    """What bits mean: none, then the newest release first."""
    order: list[str | None] = (
        ["root"] if package == ROOT else sorted(universe.requires.get(package[0], ()), key=Version, reverse=True)
    )
    return {state for number, state in enumerate([None, *order]) if states >> number & 1}


def must_be_true(clause: Clause[Identifier], universe: Universe) -> None:
    """A fact stands in the universe: for every release of the asker, for every excluded state."""
    named = {package: states_of(package, states, universe) for package, states in clause.states.items()}
    if isinstance(clause.fact, SameRelease):
        (one,) = named[clause.fact.project, ""]
        (others,) = (states for (_, extra), states in named.items() if extra)
        assert one not in others
    else:
        assert isinstance(clause.fact, Dependency)
        must_be_asked(named, clause.fact, universe)


def must_be_asked(named: dict[Identifier, set[str | None]], need: Dependency, universe: Universe) -> None:
    """Every release of the asker has the requirement, and what the clause excludes of its project is outside of it."""
    target = (need.project, need.extra)
    asker = next((package for package in named if package != target), target)
    excluded = named[target] if target in named and asker != target else every(target, universe)
    for release in named[asker]:
        outside = {release} if asker == target else excluded
        if target == (asker[0], "") and str(need.specifier) == f"=={release}":
            assert all(version is None or version != release for version in outside)
            continue
        lines = map(Requirement, universe.asked if asker == ROOT else universe.lines(asker[0], str(release), asker[1]))
        requirement = next(line for line in lines if is_of(line, need))
        assert not any(version and admits(universe, version, requirement) for version in outside)


def is_of(line: Requirement, need: Dependency) -> bool:
    return line.name == need.project and need.extra in ("", *line.extras) and str(line.specifier) == str(need.specifier)


def must_be_told_truly(clause: Clause[Identifier], universe: Universe, request: ResolutionRequest) -> None:
    """Each chain of the conflict that is told leads from the user to it, and no release satisfies all of its sides."""
    derivation = derivation_of(clause, lambda project, states: versions_of(project, states, universe))
    conflict = find_conflict(derivation, request, CandidateIndex(request, Shop(universe)))  # type: ignore[arg-type]
    held: dict[str, set[str]] = {}
    for chain in conflict.chains if conflict.complete else ():
        assert chain[0].asker is None and chain[-1].dependency.project == conflict.project
        for above, step in pairwise(chain):
            versions = set(map(str, step.versions))
            assert step.asker == above.dependency.project
            assert versions
            assert all(above.dependency.specifier.contains(each, prereleases=True) for each in step.versions)
            held[above.dependency.project] = versions & held.get(above.dependency.project, versions)
            assert held[above.dependency.project]
    if conflict.requires_itself or not conflict.complete:
        return
    sides = [Requirement(f"{conflict.project}{side.dependency.specifier}") for side in conflict.sides]
    pinned = any(pins(side.specifier) for side in sides) or any(
        pins(Requirement(line).specifier) for line in universe.limits if Requirement(line).name == conflict.project
    )
    for version in universe.requires.get(conflict.project, ()):
        if all(admits(universe, version, side) for side in sides):
            assert (conflict.project, version) in universe.yanked and not pinned


def versions_of(project: str, states: int, universe: Universe) -> tuple[Version, ...]:
    chosen = states_of((NormalizedName(project), ""), states, universe)
    return tuple(sorted((Version(version) for version in chosen if version), reverse=True))


def check(seed: int) -> bool:
    """Whether the universe has a solution; fails where ours and the reference differ."""
    universe = Universe(seed)
    request = ResolutionRequest(TARGET, tuple(map(parse_line, universe.asked)), tuple(map(parse_line, universe.limits)))
    try:
        answers = resolve(request, Shop(universe))  # type: ignore[arg-type]
    except NoSolutionError as error:
        assert isinstance(error.__cause__, UnsolvableError)
        must_be_told_truly(error.__cause__.clause, universe, request)
        assert must_be_a_proof(error.__cause__.clause, universe) or exhaustive(universe, {}) is None
        return False
    chosen = {str(answer.candidate.project): str(answer.candidate.version) for answer in answers}
    lines = reached(universe, chosen)
    assert chosen.keys() == {req.name for req, _ in lines}
    assert all(admits(universe, chosen[req.name], req) for req, _ in lines)
    assert all(is_lawful(universe, project, chosen, strictly=False) for project in chosen)
    return True


def test_random_universes_are_resolved_or_proved_to_have_no_solution() -> None:
    solved = sum(map(check, range(150)))
    assert 25 < solved < 125


def test_a_yanked_project_that_asks_for_its_own_pin_by_an_extra() -> None:
    """The search never ended if the extra counted as a reason of its own for the pin."""
    assert not check(2299)


@pytest.mark.soak
@pytest.mark.parametrize("start", range(0, 10_000, 500))
def test_ten_thousand_random_universes(start: int) -> None:
    assert 50 < sum(map(check, range(start, start + 500))) < 450
