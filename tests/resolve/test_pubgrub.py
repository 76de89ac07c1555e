"""The search on made problems: it finds a solution where an exhaustive search finds one, else it proves that there is none."""

import itertools
import random
from collections.abc import Mapping, Sequence

import pytest

from wheelhouse.resolve.pubgrub import ABSENT, Clause, UnsolvableError, solve

Requirement = tuple[str, frozenset[int]]
"""A package, and the releases of it that will do, from 1 on."""
Offers = Mapping[str, Sequence[Sequence[Requirement]]]
"""What each release of each package asks for; the best release comes first."""
ROOT = "root"


class Made:
    """A problem that is held in memory. Now and then it takes back a decision, as the real one does."""

    def __init__(self, offers: Offers, chance: random.Random) -> None:
        self.offers, self._chance = offers, chance

    def all_states(self, package: str) -> int:
        return (2 << len(self.offers[package])) - 1

    def next_package(self, undecided: Mapping[str, int]) -> str:
        return next(iter(undecided))

    def choose(self, package: str, left: Mapping[str, int]) -> int:
        assert left[package] and not left[package] & ABSENT
        return left[package] & -left[package]

    def consequences(self, package: str, state: int) -> list[Clause[str]]:
        return [
            self._clause(package, state, *requirement)
            for requirement in self.offers[package][state.bit_length() - 2]
            if requirement[0] != package or state.bit_length() - 1 not in requirement[1]
        ]

    def _clause(self, package: str, state: int, other: str, releases: frozenset[int]) -> Clause[str]:
        excluded = self.all_states(other) & ~sum(1 << release for release in releases)
        is_void = other == package or excluded == self.all_states(other)
        return Clause({package: state} if is_void else {package: state, other: excluded}, (other, releases))

    def on_conflict(self, _package: str, culprits: Sequence[str]) -> str | None:
        return self._chance.choice(culprits) if culprits and self._chance.random() < 0.1 else None


def made(chance: random.Random) -> Offers:
    names = [f"p{number}" for number in range(chance.randint(1, 6))]
    sizes = {name: chance.randint(1, 4) for name in names}

    def requirements(most: int) -> list[Requirement]:
        chosen = (chance.choice(names) for _ in range(chance.randint(0, most)))
        return [(name, frozenset(n for n in range(1, sizes[name] + 1) if chance.random() < 0.5)) for name in chosen]

    return {name: [requirements(3) for _ in range(sizes[name])] for name in names} | {ROOT: [requirements(3)]}


def holds(offers: Offers, chosen: Mapping[str, int]) -> bool:
    asked = (requirement for name, release in chosen.items() for requirement in offers[name][release - 1])
    return all(chosen.get(name) in releases for name, releases in asked)


def can_be_solved(offers: Offers) -> bool:
    names = [name for name in offers if name != ROOT]
    choices = itertools.product(*(range(len(offers[name]) + 1) for name in names))
    return any(
        holds(offers, {ROOT: 1} | {name: release for name, release in zip(names, choice, strict=True) if release})
        for choice in choices
    )


def must_be_a_proof(clause: Clause[str], problem: Made) -> None:
    """Every fact stands in the offers, every learned clause is a resolvent of its parents, and the last one excludes the root."""
    assert not clause.states.keys() - {ROOT}
    pending = [clause]
    while pending:
        clause = pending.pop()
        if clause.parents:
            assert any(follows(clause, *clause.parents, pivot, problem) for pivot in problem.offers)
            pending.extend(clause.parents)
        else:
            asker = next(iter(clause.states))
            releases = [n for n in range(1, len(problem.offers[asker]) + 1) if clause.states[asker] >> n & 1]
            assert releases
            assert all(clause.fact in problem.offers[asker][release - 1] for release in releases)


def follows(clause: Clause[str], one: Clause[str], other: Clause[str], pivot: str, problem: Made) -> bool:
    """Whether whatever the clause excludes is excluded by one of two others, whichever state the pivot is in."""

    def states(of: Clause[str], package: str) -> int:
        return of.states.get(package, problem.all_states(package))

    return all(
        not states(clause, package) & ~(states(one, package) & states(other, package))
        if package != pivot
        else not states(clause, package) & ~(states(one, package) | states(other, package))
        for package in problem.offers
    )


@pytest.mark.parametrize("start", range(0, 400, 100))
def test_a_solution_is_found_or_its_absence_is_proved(start: int) -> None:
    for seed in range(start, start + 100):
        must_be_solved_or_proved(seed)


def must_be_solved_or_proved(seed: int) -> None:
    chance = random.Random(seed)
    problem = Made(made(chance), chance)
    try:
        states = solve(problem, ROOT, problem.consequences(ROOT, 2))
    except UnsolvableError as unsolvable:
        assert not can_be_solved(problem.offers)
        must_be_a_proof(unsolvable.clause, problem)
    else:
        assert holds(problem.offers, {name: state.bit_length() - 1 for name, state in states.items()})


def test_releases_that_ask_for_the_same_are_learned_of_together() -> None:
    """Twenty releases between the user and the obstacle: each is looked at once, not in every combination."""
    chain = [f"m{number}" for number in range(8)]
    offers: dict[str, Sequence[Sequence[Requirement]]] = {
        name: [[(below, frozenset(range(1, 21)))]] * 20 for name, below in itertools.pairwise(chain)
    }
    offers |= {chain[-1]: [[("deep", frozenset())]] * 20, "deep": [[]], ROOT: [[(chain[0], frozenset(range(1, 21)))]]}
    chosen: list[tuple[str, int]] = []

    class Counted(Made):
        def consequences(self, package: str, state: int) -> list[Clause[str]]:
            chosen.append((package, state))
            return super().consequences(package, state)

    problem = Counted(offers, random.Random(1))
    with pytest.raises(UnsolvableError):
        solve(problem, ROOT, problem.consequences(ROOT, 2))
    assert len(chosen) < 2 * 20 * len(chain)


def test_what_was_learned_is_kept() -> None:
    """Six packages want one of five slots each: 61 choices, or 170 if each conflict is forgotten as soon as it is solved."""
    slots = [f"slot{number}" for number in range(5)]
    takers = [f"taker{number}" for number in range(6)]
    offers: dict[str, Sequence[Sequence[Requirement]]] = {slot: [[]] * 6 for slot in slots}
    offers |= {taker: [[(slot, frozenset({n}))] for slot in slots] for n, taker in enumerate(takers, start=1)}
    offers |= {ROOT: [[(taker, frozenset(range(1, 6))) for taker in takers]]}
    chosen: list[str] = []

    class Counted(Made):
        def choose(self, package: str, left: Mapping[str, int]) -> int:
            chosen.append(package)
            return super().choose(package, left)

        def on_conflict(self, _package: str, _culprits: Sequence[str]) -> str | None:
            return None

    problem = Counted(offers, random.Random(1))
    with pytest.raises(UnsolvableError):
        solve(problem, ROOT, problem.consequences(ROOT, 2))
    assert len(chosen) < 100


def test_what_followed_from_a_clause_that_no_longer_holds_is_undone() -> None:
    """The best release is excluded only as long as no other release is known; once one is, it is the best again."""

    class Growing(Made):
        is_known = False

        def consequences(self, package: str, state: int) -> list[Clause[str]] | None:  # type: ignore[override]
            if package == "lib" and not self.is_known:
                self.is_known = True
                return None
            return super().consequences(package, state)

    problem = Growing({ROOT: [[("lib", frozenset({1, 2}))]], "lib": [[], []]}, random.Random(1))
    asked = problem.consequences(ROOT, 2) or []
    assert solve(problem, ROOT, [*asked, Clause({"lib": 2}, provisional=True)]) == {ROOT: 2, "lib": 2}
    problem.is_known = True
    assert solve(problem, ROOT, [*asked, Clause({"lib": 2}, provisional=True)]) == {ROOT: 2, "lib": 4}
