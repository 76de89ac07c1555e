"""Conflict-driven search: PubGrub, with the states of a package as the bits of an integer (pure).

Natalie Weizenbaum, "PubGrub: Next-Generation Version Solving" (2018). A project has finitely many releases, so each set of its states
is one integer: bit 0 is "not installed", bit n is its nth release. Intersection, union and complement are those of integers.

A `Clause` names states that exclude each other. If all its packages but one are in their states, the last one must leave its own
(unit propagation). If all are, that is a conflict: the clause is resolved with the clauses that led there until it names the cause
alone, and the search returns to the decision that the cause rests on. A learned clause is never violated again.

Why our own: pip and pip-tools evaluate markers with the interpreter that runs them. On four hard jobs of real projects resolvelib
with dead ends learned gave no answer in minutes for three; this gives each in seconds (2026-11-28). `nab-resolver` (PubGrub
too) was read and not taken: it is beta and 5,400 lines. Releases are finite, so 300 lines do.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

ABSENT = 1
"""The state of a package that is not installed."""
P = TypeVar("P", bound=Hashable)


@dataclass(slots=True, eq=False)
class Clause(Generic[P]):
    """States that exclude each other: not every package of `states` may be in one of its states.

    `fact` is where a clause comes from that the search did not learn; clauses of releases that share its text are merged.
    `parents` are the two clauses that a learned one follows from.
    A `provisional` clause holds only as long as no further release is known.
    """

    states: dict[P, int]
    fact: object = None
    parents: "tuple[Clause[P], Clause[P]] | None" = None
    provisional: bool = False


class UnsolvableError(Exception):
    """There is no solution: `clause` follows from the facts, and excludes the root."""

    def __init__(self, clause: Clause[Any]) -> None:
        super().__init__()
        self.clause = clause


class Problem(Protocol[P]):
    """What is to be solved."""

    def all_states(self, package: P) -> int:
        """Every state of a package: `ABSENT`, and a bit for each release."""

    def next_package(self, undecided: Mapping[P, int]) -> P:
        """The package to decide next, of those that must be installed. The states that are left of each are given."""

    def choose(self, package: P, left: Mapping[P, int]) -> "int | Clause[P]":
        """The best of the states that are left of a package (one bit), or a clause that excludes some of them.

        `left` has what is left of every package that something was concluded of.
        """

    def consequences(self, package: P, state: int) -> "Iterable[Clause[P]] | None":
        """The clauses that a release brings; None if a provisional clause no longer holds, so that the search starts again."""

    def on_conflict(self, package: P, culprits: Sequence[P]) -> "P | None":
        """Called when a release of a package is excluded by what was decided of others. A decision to take back, or None."""


@dataclass(slots=True)
class _Step(Generic[P]):
    """One assignment: what it allows (`states`), what is `left` after it. A decision has no `cause`."""

    package: P
    states: int
    left: int
    level: int
    cause: Clause[P] | None


def solve(problem: Problem[P], root: P, facts: Iterable[Clause[P]]) -> dict[P, int]:
    """The state of every package that must be installed, the root's among them. Changes given clauses: merging widens them.

    Raises UnsolvableError, and what `problem` raises.
    """
    return _Search(problem, root, facts).run()


class _Search(Generic[P]):
    def __init__(self, problem: Problem[P], root: P, facts: Iterable[Clause[P]]) -> None:
        self._problem, self._root = problem, root
        self._clauses: dict[P, list[Clause[P]]] = {}
        self._mergeable: dict[tuple[object, ...], Clause[P]] = {}
        self._full: dict[P, int] = {}
        self._start()
        for clause in facts:
            self._add(clause)

    def _start(self) -> None:
        """Undo everything: only the root is decided. The clauses stay."""
        self._trail: list[_Step[P]] = []
        self._history: dict[P, list[int]] = {}
        self._left: dict[P, int] = {}
        self._decided: set[P] = set()
        self._level = 0
        self._assign(self._root, self._all(self._root) & ~ABSENT, None)
        self._decided.add(self._root)

    def run(self) -> dict[P, int]:
        """The state that each package of the solution has, the root's among them. Raises UnsolvableError."""
        changed = [self._root]
        while True:
            self._propagate(changed)
            undecided = {
                package: left
                for package, left in self._left.items()
                if not left & ABSENT and package not in self._decided
            }
            if not undecided:
                return {package: left for package, left in self._left.items() if not left & ABSENT}
            changed = self._decide(self._problem.next_package(undecided))

    def _decide(self, package: P) -> list[P]:
        """Decide a package for its best release, and add the clauses that it brings. If these contradict what is certain,
        add them alone, and take back the decision that `on_conflict` names, if any. If the problem gives a clause in place
        of a release, add that; if it gives no clauses for one, start again. Returns the packages to propagate next.
        """
        state = self._problem.choose(package, self._left)
        if isinstance(state, Clause):
            self._add(state)
            return [package]
        clauses = self._problem.consequences(package, state)
        if clauses is None:
            self._forget()
            return [self._root]
        violated = [clause for clause in map(self._add, clauses) if self._contradicts(clause, package)]
        if violated:
            return [package, *self._reconsider(package, violated[0])]
        self._level += 1
        self._decided.add(package)
        self._assign(package, state, None)
        return [package]

    def _contradicts(self, clause: Clause[P], package: P) -> bool:
        """Whether a clause would be violated as soon as the package is decided."""
        return all(self._holds(other, states) for other, states in clause.states.items() if other != package)

    def _reconsider(self, package: P, clause: Clause[P]) -> list[P]:
        """Tell the problem of a conflict, and take back the decision that it names, if any. Returns the packages to propagate then;
        empty if nothing is taken back.
        """
        culprits = [other for other in clause.states if other not in (package, self._root)]
        culprit = self._problem.on_conflict(package, culprits)
        if culprit is None or culprit not in self._decided:
            return []
        decision = next(step for step in self._trail if step.package == culprit and step.cause is None)
        self._return_to(decision.level - 1)
        return list(self._left)

    def _holds(self, package: P, states: int) -> bool:
        """Whether a package is certain to be in one of these states."""
        return not self._now(package) & ~states

    def _now(self, package: P) -> int:
        """The states that a package may still have."""
        left = self._left.get(package)
        return self._all(package) if left is None else left

    def _all(self, package: P) -> int:
        """All states of a package, before anything excludes one."""
        full = self._full.get(package)
        if full is None:
            full = self._full[package] = self._problem.all_states(package)
        return full

    def _add(self, clause: Clause[P]) -> Clause[P]:
        """Add a clause, and return it, or the clause that it was merged into. Releases that ask for the same share one: what
        is learned from it then speaks of all of them. Learned and provisional clauses are not merged.
        """
        if clause.parents is None and not clause.provisional and len(clause.states) == 2:
            (asker, state), (package, excluded) = clause.states.items()
            earlier = self._mergeable.setdefault((asker, package, excluded, str(clause.fact)), clause)
            if earlier is not clause:
                earlier.states[asker] |= state
                return earlier
        for package in clause.states:
            self._clauses.setdefault(package, []).append(clause)
        return clause

    def _forget(self) -> None:
        """Start again from the root, without the learned and the provisional clauses."""
        for package, clauses in self._clauses.items():
            self._clauses[package] = [clause for clause in clauses if not clause.provisional and not clause.parents]
        self._start()

    def _propagate(self, changed: list[P]) -> None:
        """Draw every conclusion from what is assigned; at a conflict, learn from it, which undoes decisions. Empties the
        given list, unless there is a conflict. Raises UnsolvableError.
        """
        while changed:
            for clause in reversed(self._clauses.get(changed.pop(), ())):
                free = self._free(clause)
                if free is None or len(free) > 1:
                    continue
                if free:
                    changed.append(self._conclude(clause, free[0]))
                else:
                    changed = self._learn(clause)
                    break

    def _free(self, clause: Clause[P]) -> list[P] | None:
        """The packages that may still leave their states: all if they are fewer than two, else the first two. None if one
        before the second has left them: the clause is kept already.
        """
        free: list[P] = []
        for package, states in clause.states.items():
            left = self._now(package)
            if not left & states:
                return None
            if left & ~states:
                free.append(package)
                if len(free) > 1:
                    return free
        return free

    def _conclude(self, clause: Clause[P], package: P) -> P:
        """Exclude the states of a package that a clause excludes, because all its other packages are in theirs. Returns the package."""
        self._assign(package, self._all(package) & ~clause.states[package], clause)
        return package

    def _assign(self, package: P, states: int, cause: Clause[P] | None) -> None:
        """Limit a package to these states, and note why."""
        left = self._now(package) & states
        self._history.setdefault(package, []).append(len(self._trail))
        self._trail.append(_Step(package, states, left, self._level, cause))
        self._left[package] = left

    def _learn(self, clause: Clause[P]) -> list[P]:
        """Learn the cause of a conflict: undo the decisions since, narrow a package by it, and `_reconsider`. Returns the
        packages to propagate then.
        """
        cause, level, package = self._cause(clause)
        self._return_to(level)
        if cause is not clause:
            self._add(cause)
        self._conclude(cause, package)
        return [package, *self._reconsider(package, cause)]

    def _cause(self, clause: Clause[P]) -> tuple[Clause[P], int, P]:
        """The clause to learn, the level at which it concludes something, and the package that it speaks of then.

        Raises UnsolvableError if no package but the root is left in it.
        """
        while clause.states.keys() - {self._root}:
            package = max(clause.states, key=lambda each: self._since(each, clause.states[each]))
            index = self._since(package, clause.states[package])
            step = self._trail[index]
            level = max((self._level_of(*term, step) for term in clause.states.items()), default=0)
            if step.cause is None or level < step.level:
                return clause, level, package
            clause = self._resolved(clause, step.cause, package)
        raise UnsolvableError(clause)

    def _since(self, package: P, states: int) -> int:
        """The index of the step since which a package is in these states; -1 if none: it always is."""
        return next((index for index in self._history.get(package, ()) if not self._trail[index].left & ~states), -1)

    def _level_of(self, package: P, states: int, last: _Step[P]) -> int:
        """The level at which a package is in these states, or will be once `last` is repeated."""
        if package == last.package:
            states |= self._all(package) & ~last.states
        index = -1 if states == self._all(package) else self._since(package, states)
        return 0 if index < 0 else self._trail[index].level

    def _resolved(self, clause: Clause[P], cause: Clause[P], package: P) -> Clause[P]:
        """What follows from two clauses, of which one made the package enter states of the other."""
        states = dict(clause.states)
        for other, excluded in cause.states.items():
            if other != package:
                states[other] = states.get(other, self._all(other)) & excluded
        states[package] |= cause.states[package]
        if states[package] == self._all(package):
            del states[package]
        return Clause(states, parents=(clause, cause))

    def _return_to(self, level: int) -> None:
        """Undo every assignment after a level."""
        while self._trail[-1].level > level:
            step = self._trail.pop()
            history = self._history[step.package]
            history.pop()
            if step.cause is None:
                self._decided.discard(step.package)
            if history:
                self._left[step.package] = self._trail[history[-1]].left
            else:
                del self._left[step.package]
        self._level = level
