"""The releases of one target as a problem for `pubgrub`: their states, the order of trying, and what each release excludes."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.resolve.candidates import CandidateIndex, ProjectCandidates
from wheelhouse.resolve.derivation import SameRelease, Unfounded, Unusable
from wheelhouse.resolve.pubgrub import ABSENT, Clause, solve
from wheelhouse.resolve.release_dependencies import DeferredError
from wheelhouse.resolve.resolution import (
    EVERY_VERSION,
    NEVER,
    CandidateRelease,
    Dependency,
    Identifier,
    is_exact,
    merge,
)
from wheelhouse.resolve.search_watch import SearchWatch

ROOT: Identifier = (NormalizedName("<root>"), "")
"""What the user asks for, as a package with one release."""
ROOT_STATE = 2
OFTEN = 5
"""After so many conflicts a project is decided earlier or later than others. uv has the same number."""
EARLY, LATE = -1, 1


@dataclass(frozen=True, slots=True)
class _Asker:
    """One release that asks for a project, and what it asks for."""

    package: Identifier
    state: int
    need: Dependency
    allowed: int


class ReleaseSearch:
    """Decides which release of each project to take, with `pubgrub`. Raises what `dependencies` raises, and UnsolvableError.

    `dependencies` gives what a release asks for; it raises DeferredError for a release that is to be taken last from now on.
    `watch` is told of trials and conflicts, and may stop the search.
    """

    def __init__(
        self,
        candidates: CandidateIndex,
        dependencies: Callable[[CandidateRelease], Sequence[Dependency]],
        watch: SearchWatch,
    ) -> None:
        self._candidates, self._dependencies, self._watch = candidates, dependencies, watch
        self._states: dict[tuple[NormalizedName, str], int] = {}
        self._places: dict[NormalizedName, dict[Version, int]] = {}
        self._askers: dict[NormalizedName, list[_Asker]] = defaultdict(list)
        self._asked: set[tuple[Identifier, int]] = set()
        self._needs: dict[tuple[Identifier, int], Sequence[Dependency]] = {}
        self._gated: dict[NormalizedName, int] = defaultdict(int)
        self._demanded: dict[NormalizedName, int] = defaultdict(int)
        self._loops: list[Clause[Identifier]] = []
        self._unfounded: set[Identifier] = set()
        self._order: dict[Identifier, int] = {}
        self._excluded: Counter[NormalizedName] = Counter()
        self._excluding: Counter[NormalizedName] = Counter()
        self._costly: dict[tuple[NormalizedName, int], bool] = {}
        self._rank: Counter[NormalizedName] = Counter()

    def run(self, roots: Sequence[Dependency]) -> dict[Identifier, CandidateRelease]:
        """The release of each project and extra that the roots lead to. Raises UnsolvableError, and NoSolutionError at the time limit."""
        self._needs[ROOT, ROOT_STATE] = roots
        while True:
            self._demanded.clear()
            states = solve(self, ROOT, [*(self._clauses(ROOT, ROOT_STATE, roots) or ()), *self._loops])
            reached = self._reached(states)
            unpinned = next(
                (project for project, extra in reached if not extra and self._is_unpinned(project, states)), None
            )
            if unpinned is None:
                return {package: self._release(package, reached) for package in reached if package != ROOT}
            self._loops.append(self._loop(unpinned, states))

    def _reached(
        self, states: Mapping[Identifier, int], without: NormalizedName | None = None
    ) -> dict[Identifier, int]:
        """The packages of a solution, with their states, that the roots lead to; a search can leave others behind. `without` a
        project, what they lead to if that project asks for nothing.
        """
        reached = {ROOT: ROOT_STATE}
        pending = [ROOT]
        while pending:
            package = pending.pop()
            for need in self._needs[package, states[package]] if package[0] != without else ():
                target = (need.project, need.extra)
                if target not in reached:
                    reached[target] = states[target]
                    pending.append(target)
        return reached

    def _is_unpinned(self, project: NormalizedName, states: Mapping[Identifier, int]) -> bool:
        """Whether a release is yanked, and neither the constraints nor a release that would be there without it pin it."""
        offered, state = self._offered(project), states[project, ""]
        if offered is None or offered.choose(self._version(project, state), EVERY_VERSION)[0]:
            return False
        return not self._is_pinned(project, state, self._reached(states, without=project))

    def _loop(self, project: NormalizedName, states: Mapping[Identifier, int]) -> Clause[Identifier]:
        """A provisional clause that excludes a yanked release together with a release that pins it, but is brought in by it
        alone, as long as no release from elsewhere asks for what the yanked one brings in. Notes what is unfounded.
        """
        behind = states.keys() - self._reached(states, without=project).keys()
        pinning = next(
            asker.package
            for asker in self._askers[project]
            if asker.package in behind and states[asker.package] == asker.state and _pins(asker, states[project, ""])
        )
        asking: dict[Identifier, int] = defaultdict(int)
        for package in behind:
            self._unfounded.add(package)
            for asker in self._askers[package[0]]:
                if asker.need.extra == package[1] and asker.package not in behind and asker.package[0] != project:
                    asking[asker.package] |= asker.state
        others = {package: self.all_states(package) & ~chosen for package, chosen in asking.items()}
        excluded = {(project, ""): states[project, ""], pinning: states[pinning]}
        return Clause({**others, **excluded}, Unfounded(frozenset(behind)), provisional=True)

    # The problem, as pubgrub asks

    def all_states(self, package: Identifier) -> int:
        """`ABSENT`, and a bit for each version on the project's page, the newest first."""
        return 3 if package == ROOT else (2 << len(self._versions(package[0]))) - 1

    def next_package(self, undecided: Mapping[Identifier, int]) -> Identifier:
        """What has one release left; then what `on_conflict` ranks early, late last; then the first that was met. A project before its
        extras.

        A release whose metadata cost a large download comes last.
        """
        package = min(undecided, key=lambda each: self._urgency(each, undecided[each]))
        base = (package[0], "")
        return base if base in undecided else package

    def _urgency(self, package: Identifier, left: int) -> tuple[bool, bool, int, int]:
        """A sort key, the most urgent first: not costly, one version left, ranked early by `on_conflict`, met early.

        `left` is a set of versions as bits.
        """
        has_alternatives = bool(left & (left - 1))
        return self._is_costly(package[0], left), has_alternatives, self._rank[package[0]], self._order[package]

    def _is_costly(self, project: NormalizedName, left: int) -> bool:
        """Whether the metadata of the newest release that is left cost a large download."""
        newest = left & -left
        if (project, newest) not in self._costly:
            offered = self._offered(project)
            candidate = offered.choose(self._version(project, newest), EVERY_VERSION)[0] if offered else None
            self._costly[project, newest] = candidate is not None and candidate.is_costly
        return self._costly[project, newest]

    def choose(self, package: Identifier, left: Mapping[Identifier, int]) -> int | Clause[Identifier]:
        """The best release that is left, once its dependencies are known and noted; or a clause that excludes what cannot be
        taken.

        Tells the watch of a release. Raises NoSolutionError at the time limit.
        """
        project, extra = package
        if extra and left[package] != (base := left[project, ""]):
            others = self.all_states(package) & ~(base | ABSENT)
            return Clause({(project, ""): base, package: others}, SameRelease(project))
        while True:
            state = self._best(project, left)
            if isinstance(state, Clause):
                return state
            release = self._release(package, {**left, (project, ""): state})
            try:
                self._needs[package, state] = self._dependencies(release)
            except DeferredError:
                continue
            self._watch.trial(project)
            return state

    def consequences(self, package: Identifier, state: int) -> list[Clause[Identifier]] | None:
        """What a release asks for, as clauses. None if that admits a release that was excluded because nothing pinned or asked for it."""
        return self._clauses(package, state, self._needs[package, state])

    def on_conflict(self, package: Identifier, culprits: Sequence[Identifier]) -> Identifier | None:
        """Tell the watch. What is often excluded is decided earlier from now on, and what often excludes others later, as in uv.

        Returns the first culprit that is now decided later, as a package without extra, whose decision is to be taken back;
        else None.
        """
        self._watch.conflict(package[0], culprits[0][0] if culprits else package[0])
        self._excluded[package[0]] += 1
        if self._excluded[package[0]] == OFTEN:
            self._rank[package[0]] = EARLY
        for culprit in culprits:
            self._excluding[culprit[0]] += 1
            if self._excluding[culprit[0]] >= OFTEN and culprit[0] != package[0]:
                self._excluding[culprit[0]] = self._excluded[culprit[0]] = 0
                self._rank[culprit[0]] = LATE
                return (culprit[0], "")
        return None

    # States

    def versions(self, project: NormalizedName, states: int) -> tuple[Version, ...]:
        """The versions that states stand for, newest first."""
        return tuple(version for number, version in enumerate(self._versions(project), 1) if states >> number & 1)

    def _version(self, project: NormalizedName, state: int) -> Version:
        """The version that one state, a single bit, stands for."""
        return self._versions(project)[state.bit_length() - 2]

    def _versions(self, project: NormalizedName) -> tuple[Version, ...]:
        """The versions on the project's page, newest first; each has the state of its place. Empty if it has no page."""
        offered = self._offered(project)
        return offered.page.versions if offered else ()

    def _offered(self, project: NormalizedName) -> ProjectCandidates | None:
        """The candidates of a project; None if it has no page."""
        return None if project in (NEVER, ROOT[0]) else self._candidates.get(project)

    def _state(self, project: NormalizedName, version: Version) -> int:
        """The state, one bit, of a version on the project's page."""
        places = self._places.get(project)
        if places is None:
            places = self._places[project] = {each: place for place, each in enumerate(self._versions(project))}
        return 2 << places[version]

    def _admitted(self, project: NormalizedName, specifier: SpecifierSet) -> int:
        """The states of the versions within a specifier and the constraints, pre-releases and yanked ones among them."""
        key = (project, str(specifier))
        if key not in self._states:
            within = specifier & merge(line.requirement.specifier for line in self._candidates.constraints(project))
            admitted = set(within.filter(self._versions(project), prereleases=True))
            self._states[key] = sum(
                2 << place for place, version in enumerate(self._versions(project)) if version in admitted
            )
        return self._states[key]

    # Choosing

    def _best(self, project: NormalizedName, left: Mapping[Identifier, int]) -> int | Clause[Identifier]:
        """The state of the first release that may be taken and has a file, or a clause that excludes those that come first. What a
        release requires does not count here.

        A yanked release that some other choice may still admit waits until nothing else is left.
        """
        offered, states = self._offered(project), left[project, ""]
        assert offered is not None  # noqa: S101  (a project with no page has no state but ABSENT)
        unusable = seen = 0
        waiting: list[tuple[int, Clause[Identifier]]] = []
        for version in offered.in_order():
            state = self._state(project, version) & states
            seen |= state
            if state and not self._has_file(offered, version):
                unusable |= state
            elif state:
                gate = self._yanked_gate(offered, version, state, left)
                if gate is None:
                    return self._without(project, unusable) or state
                if self._concludes(gate, project, left):
                    return gate
                waiting.append((state, gate))
        return self._without(project, unusable | states & ~(seen | ABSENT)) or self._waiting(project, *waiting[0])

    def _waiting(self, project: NormalizedName, state: int, gate: Clause[Identifier]) -> int | Clause[Identifier]:
        """What to do with a yanked release that waited: the first time the clause that demands its pin, then the release."""
        if self._demanded[project] & state:
            return state
        self._demanded[project] |= state
        return gate

    def _without(self, project: NormalizedName, unusable: int) -> Clause[Identifier] | None:
        """A clause that excludes unusable releases for good; None if there are none."""
        fact = Unusable(project, self.versions(project, unusable))
        return Clause({(project, ""): unusable}, fact) if unusable else None

    def _has_file(self, offered: ProjectCandidates, version: Version) -> bool:
        """Whether a version has a file that can be chosen; a yanked one counts."""
        return offered.choose(version, _exactly(version))[0] is not None

    def _yanked_gate(
        self, offered: ProjectCandidates, version: Version, state: int, left: Mapping[Identifier, int]
    ) -> Clause[Identifier] | None:
        """A provisional clause that excludes a yanked release until a release that pins it is chosen (PEP 592), and the
        state is noted as gated. None for one with a file that is not yanked, or that the constraints or a release chosen in
        `left` pin.
        """
        project = offered.page.project
        if offered.choose(version, EVERY_VERSION)[0] or self._is_pinned(project, state, left):
            return None
        self._gated[project] |= state
        pinning: dict[Identifier, int] = defaultdict(int)
        for asker in self._askers[project]:
            if _pins(asker, state):
                pinning[asker.package] |= asker.state
        states = {package: self.all_states(package) & ~chosen for package, chosen in pinning.items()}
        fact = Unusable(project, self.versions(project, state))
        return Clause({(project, ""): state, **states}, fact, provisional=True)

    def _is_pinned(self, project: NormalizedName, state: int, left: Mapping[Identifier, int]) -> bool:
        """Whether a chosen release requires exactly the version of this state."""
        chosen = (asker for asker in self._askers[project] if left.get(asker.package) == asker.state)
        return any(_pins(asker, state) for asker in chosen)

    def _concludes(self, gate: Clause[Identifier], project: NormalizedName, left: Mapping[Identifier, int]) -> bool:
        """Whether nothing that may still be chosen lifts a gate."""
        return all(
            package == (project, "") or not left.get(package, self.all_states(package)) & ~states
            for package, states in gate.states.items()
        )

    def _release(self, package: Identifier, left: Mapping[Identifier, int]) -> CandidateRelease:
        """The release that the one state left of a project stands for, with the file to take. Yanked files count only if the
        release is pinned, or has no others.
        """
        project, extra = package
        offered = self._offered(project)
        assert offered is not None  # noqa: S101  (a project with no page has no state but ABSENT)
        state = left[project, ""]
        version = self._version(project, state)
        pinned = self._is_pinned(project, state, left)
        candidate: Candidate | None = None if pinned else offered.choose(version, EVERY_VERSION)[0]
        candidate = candidate or offered.choose(version, _exactly(version))[0]
        assert candidate is not None  # noqa: S101  (`_has_file`)
        return CandidateRelease(candidate, extra)

    # Consequences

    def _clauses(self, package: Identifier, state: int, needs: Sequence[Dependency]) -> list[Clause[Identifier]] | None:
        """The clauses of a release's dependencies; None if one admits excluded releases, so that the search starts anew.

        The first time it notes who asks for what, and only then can it be None. If so, it forgets what was excluded until
        now.
        """
        if (package, state) not in self._asked:
            self._asked.add((package, state))
            lifting = [need for need in needs if self._lifts_a_gate(package, state, need)]
            if lifting:
                self._gated.clear()
                self._demanded.clear()
                self._unfounded.clear()
                self._loops.clear()
                return None
        return [clause for need in needs if (clause := self._clause(package, state, need))]

    def _lifts_a_gate(self, package: Identifier, state: int, need: Dependency) -> bool:
        """Note who asks for what. Returns whether that admits a release that was excluded because nothing pinned or asked for it."""
        asker = _Asker(package, state, need, self._admitted(need.project, need.specifier))
        self._askers[need.project].append(asker)
        return _pins(asker, self._gated[need.project]) or (need.project, need.extra) in self._unfounded

    def _clause(self, package: Identifier, state: int, need: Dependency) -> Clause[Identifier] | None:
        """That a release excludes the states of a project that it does not ask for; that it cannot be chosen if it asks for
        none that exist. If a release asks for its own project and extra, None if that admits it, else a clause that excludes
        it.

        It notes when the project was first met.
        """
        target = (need.project, need.extra)
        self._order.setdefault(target, len(self._order))
        excluded = self.all_states(target) & ~self._admitted(need.project, need.specifier)
        if target == package:
            return Clause({package: state}, need) if excluded & state else None
        states = {package: state}
        return Clause(states if excluded == self.all_states(target) else {**states, target: excluded}, need)


def _exactly(version: Version) -> SpecifierSet:
    """The specifier `==version`."""
    return SpecifierSet(f"=={version}")


def _pins(asker: _Asker, state: int) -> bool:
    """Whether a release of another project requires exactly one version, and these states hold it."""
    need = asker.need
    return bool(asker.allowed & state) and need.project != asker.package[0] and is_exact(need.specifier)
