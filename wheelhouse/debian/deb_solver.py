"""What `apt-get install --no-install-recommends` would install, computed without apt (pure).

As apt does, it marks the requested packages first, then what they depend on, one after another: the first alternative that
can be installed is taken. An alternative that fails leaves no mark behind.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from wheelhouse.debian.deb_catalogue import Catalogue
from wheelhouse.debian.deb_package import DebPackage
from wheelhouse.debian.deb_request import DebRequest, requested_package
from wheelhouse.debian.relations import Alternatives, Relation
from wheelhouse.errors import NoSolutionError

MAX_DEPTH = 120
"""Packages between a requested one and what it leads to, five frames of Python each; kde-full of bookworm has 17, measured."""


@dataclass(frozen=True, slots=True)
class Closure:
    """What must be installed or upgraded, in the order in which it was chosen, and what must be removed for it.

    `because` names the package that a package was chosen for; a requested package is not in it.
    """

    packages: tuple[DebPackage, ...]
    because: dict[str, str]
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a package cannot be installed: a dependency that nothing satisfies, or a package that excludes it."""

    package: DebPackage
    unmet: Alternatives = ()
    excluder: DebPackage | None = None


@dataclass(slots=True)
class _Marks:
    """The state of a search: the packages to install, by name, and why; those whose dependencies were looked at.

    A protected package is requested, or the only one that satisfies a dependency of a protected one.
    """

    chosen: dict[str, DebPackage] = field(default_factory=dict)
    because: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    expanded: set[str] = field(default_factory=set)
    protected: set[str] = field(default_factory=set)

    def copy(self) -> "_Marks":
        """A copy that shares no dictionary or set."""
        return _Marks(dict(self.chosen), dict(self.because), set(self.removed), set(self.expanded), set(self.protected))


def closure(catalogue: Catalogue, requests: Sequence[DebRequest]) -> Closure:
    """What must be installed, upgraded and removed on a base for the requested packages; changes candidates of the catalogue.

    Raises NoSolutionError with the chain that has no solution, and IntegrityError for a relation that cannot be read.
    """
    return _Solver(catalogue).solved(requests)


class _Solver:
    """One search for one list of requested packages."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue, self.marks = catalogue, _Marks()
        self.active: list[str] = []
        self.failures: dict[str, Failure] = {}
        self._culprit = ""
        """The package being marked whose dependency kept another one, which is not to blame, from being marked; empty for none."""
        self._excluding: dict[str, list[tuple[DebPackage, Relation]]] = {}
        self._dependent: dict[str, list[tuple[DebPackage, Alternatives]]] = {}
        for package in catalogue.installed.values():
            self._note_relations(package)

    def solved(self, requests: Sequence[DebRequest]) -> Closure:
        """Mark the requested packages, then what they need; the packages that are needed in the end.

        Raises as `closure` does.
        """
        packages = [requested_package(self.catalogue, request) for request in requests]
        for package in packages:
            self.catalogue.choose(package)
            self.marks.protected.add(package.name)
            if self.catalogue.installed.get(package.name) is not package:
                self._choose(package)
        for package in packages:
            if not self._mark(package, "", 0):
                raise self._error(package)
        needed = self._needed(packages)
        chosen = {name: package for name, package in self.marks.chosen.items() if name in needed}
        because = {name: parent for name, parent in self.marks.because.items() if name in chosen}
        return Closure(tuple(chosen.values()), because, tuple(sorted(self.marks.removed)))

    def _needed(self, requested: Iterable[DebPackage]) -> set[str]:
        """The names of requested and upgraded packages, and of all chosen ones that satisfy a dependency of them, directly or not."""
        upgraded = [package for name, package in self.marks.chosen.items() if name in self.catalogue.installed]
        pending = [*requested, *upgraded]
        needed = {package.name for package in pending}
        while pending:
            relations = [relation for group in pending.pop().depends for relation in group]
            found = [package for relation in relations for package in self._satisfiers(relation)]
            new = [package for package in found if package.name not in needed and package.name in self.marks.chosen]
            needed.update(package.name for package in new)
            pending += new
        return needed

    def current(self, name: str) -> DebPackage | None:
        """The version of a package that will be there after the installation; None if none will be."""
        if name in self.marks.chosen:
            return self.marks.chosen[name]
        return None if name in self.marks.removed else self.catalogue.installed.get(name)

    def _choose(self, package: DebPackage) -> None:
        """Mark a version for installation, and note what it excludes and depends on, which is not looked for yet."""
        self.marks.chosen[package.name] = package
        self._note_relations(package)

    def _note_relations(self, package: DebPackage) -> None:
        """Remember, by name, what a package excludes, and what it depends on; it stays when the mark of the package is undone."""
        for relation in self._exclusions(package):
            self._excluding.setdefault(relation.name, []).append((package, relation))
        for group in package.depends:
            for relation in group:
                self._dependent.setdefault(relation.name, []).append((package, group))

    def _exclusions(self, package: DebPackage) -> Iterator[Relation]:
        """The relations of a package's Conflicts and Breaks that can mean the base's architecture."""
        return (relation for relation in package.excludes if relation.suits(self.catalogue.architecture))

    def _mark(self, package: DebPackage, because: str, depth: int) -> bool:
        """Mark a package for installation with all that it needs; whether that is possible.

        If not, no mark of the attempt stays. The package is then refused as a candidate, unless it is protected, was ruled out
        before anything was marked, or failed only by a package that is being marked above it. One that was marked, or
        is installed, is not marked again: whether it will be there.
        """
        if package.name in self.marks.expanded or self.catalogue.installed.get(package.name) is package:
            return self.current(package.name) is package
        if depth > MAX_DEPTH or not self._may_be_possible(package):
            return False
        before = self.marks.copy()
        self.marks.expanded.add(package.name)
        if because:
            self.marks.because.setdefault(package.name, because)
        self._choose(package)
        self.active.append(package.name)
        try:
            if self._make_way(package, depth) and self._install_dependencies(package, depth):
                self._culprit = ""
                return True
        finally:
            self.active.pop()
        self.marks = before
        if self._culprit in ("", package.name):
            self._culprit = ""
            if package.name not in self.marks.protected:
                self.catalogue.refuse(package)
        return False

    def _may_be_possible(self, package: DebPackage) -> bool:
        """Whether each dependency is satisfied, or has a candidate; the first that is not is noted as the failure."""
        for group in package.depends:
            if not self._is_satisfied(group) and not any(self.catalogue.solutions(relation) for relation in group):
                self.failures[package.name] = Failure(package, group)
                return False
        return True

    def _is_satisfied(self, group: Alternatives) -> bool:
        """Whether a package that will be there satisfies one of the alternatives."""
        return any(True for relation in group for _ in self._satisfiers(relation))

    def _satisfiers(self, relation: Relation) -> Iterator[DebPackage]:
        """The packages that will be there and satisfy a relation; none if it is for another architecture."""
        if not relation.suits(self.catalogue.architecture):
            return
        for name in (relation.name, *(package.name for package in self.catalogue.providers(relation.name))):
            package = self.current(name)
            if package and package.satisfies(relation):
                yield package

    def _make_way(self, package: DebPackage, depth: int) -> bool:
        """Upgrade or remove its opponents, upgrade packages of the same source, and upgrade or remove dependents that it breaks.

        Whether that is possible; a sibling that cannot be upgraded does not count.
        """
        for other in self._opponents(package):
            if not self._displace(other, package, depth):
                self.failures[package.name] = Failure(package, excluder=other)
                return False
        for sibling in self.catalogue.siblings.get(package.source, ()):
            if sibling.name not in self.marks.chosen and sibling.name != package.name:
                self._mark(sibling, package.name, depth + 1)
        return all(
            self._keep(other, group, depth) if other.name in self.marks.chosen else self._replace(other, package, depth)
            for other, group in self._broken_dependents(package)
        )

    def _keep(self, package: DebPackage, group: Alternatives, depth: int) -> bool:
        """Install another solution of a dependency of a package that was marked before; whether there is one. If not, and the package
        is still being marked, it is noted as the culprit.
        """
        is_kept = self._install_solution(package, group, depth + 1)
        if not is_kept and package.name in self.active:
            self._culprit = package.name
        return is_kept

    def _opponents(self, package: DebPackage) -> Iterator[DebPackage]:
        """The packages that would be there beside this one: first those that it excludes, then those that exclude it."""
        for relation in self._exclusions(package):
            for name in (relation.name, *(one.name for one in self.catalogue.providers(relation.name))):
                other = self.current(name)
                if other and name != package.name and other.satisfies(relation):
                    yield other
        for name in (package.name, *(virtual.name for virtual in package.provides)):
            for other, relation in list(self._excluding.get(name, ())):
                if other.name != package.name and self.current(other.name) is other and package.satisfies(relation):
                    yield other

    def _broken_dependents(self, package: DebPackage) -> Iterator[tuple[DebPackage, Alternatives]]:
        """The packages that stay installed, or were marked before, with a dependency that nothing satisfies now that this version
        replaces the installed one.
        """
        replaced = self.catalogue.installed.get(package.name)
        names = () if replaced is None else (package.name, *(virtual.name for virtual in replaced.provides))
        for name in names:
            for dependent, group in self._dependent.get(name, ()):
                if self._relies_on_its_own(dependent) and not self._is_satisfied(group):
                    yield dependent, group

    def _relies_on_its_own(self, package: DebPackage) -> bool:
        """Whether this version will be there, and its dependencies are looked at: one that is marked later looks for its own."""
        is_looked_at = package.name not in self.marks.chosen or package.name in self.marks.expanded
        return self.current(package.name) is package and is_looked_at

    def _displace(self, other: DebPackage, by: DebPackage, depth: int) -> bool:
        """Unmark a chosen opponent, and install another solution where it is needed; upgrade or remove an installed one.

        Whether that is possible: not for a chosen opponent that is protected, being marked, or the upgrade of an installed package.
        If it is not possible, marks may be changed, until the caller restores them.
        """
        if other.name not in self.marks.chosen:
            return self._replace(other, by, depth)
        if other.name in self.marks.protected or other.name in self.active or other.name in self.catalogue.installed:
            return False
        del self.marks.chosen[other.name]
        self.marks.expanded.discard(other.name)
        return all(
            self._is_satisfied(group) or self._install_solution(package, group, depth)
            for package in tuple(self.marks.chosen.values())
            for group in package.depends
            if any(other.satisfies(relation) for relation in group)
        )

    def _replace(self, installed: DebPackage, by: DebPackage, depth: int) -> bool:
        """Upgrade an installed package that cannot stay beside another one, or else remove it; whether that is possible."""
        candidate = self.catalogue.candidate(installed.name)
        if candidate and candidate is not installed and self._mark(candidate, by.name, depth + 1):
            return True
        return self._remove(installed, depth)

    def _remove(self, package: DebPackage, depth: int) -> bool:
        """Remove an installed package, and installed ones that need it; chosen ones that need it get another solution. Whether that
        is possible: essential, important and protected packages stay.

        If it is not possible, packages marked so far stay marked as removed, until the caller restores the marks.
        """
        if package.is_essential or package.is_important or package.name in self.marks.protected:
            return False
        self.marks.removed.add(package.name)
        names = (package.name, *(virtual.name for virtual in package.provides))
        dependents = [one for name in names for one in self._dependent.get(name, ())]
        return all(
            self._keep(other, group, depth) if other.name in self.marks.chosen else self._remove(other, depth)
            for other, group in dependents
            if self._relies_on_its_own(other) and not self._is_satisfied(group)
        )

    def _install_dependencies(self, package: DebPackage, depth: int) -> bool:
        """Mark a solution of each dependency that nothing satisfies yet; whether each has one."""
        return all(
            self._is_satisfied(group) or self._install_solution(package, group, depth) for group in package.depends
        )

    def _install_solution(self, package: DebPackage, group: Alternatives, depth: int) -> bool:
        """Mark the first solution of a dependency that can be installed; whether there is one. If not, the failure is noted.

        The only solution for a protected package becomes protected.
        """
        solutions = self._ordered_solutions(group)
        if package.name in self.marks.protected and len(solutions) == 1:
            self.marks.protected.add(solutions[0].name)
        if any(self._mark(solution, package.name, depth + 1) for solution in solutions):
            return True
        self.failures[package.name] = Failure(package, group)
        return False

    def _ordered_solutions(self, group: Alternatives) -> tuple[DebPackage, ...]:
        """The candidates for a dependency, each once: first those of installed packages, then in the order of the alternatives."""
        ordered = [
            package for relation in group for package in self._sorted(self.catalogue.solutions(relation), relation)
        ]
        ordered.sort(key=lambda package: package.name not in self.catalogue.installed)
        return tuple(dict.fromkeys(ordered))

    def _sorted(self, packages: Iterable[DebPackage], relation: Relation) -> Iterator[DebPackage]:
        """These packages, which satisfy one relation, in apt's order of preference."""

        def preference(package: DebPackage) -> tuple[bool | int, ...]:
            """A sort key, best first; of equal ones the rank decides."""
            is_installed = package.name in self.catalogue.installed
            return (
                package.name not in self.marks.protected and package.name not in self.marks.chosen,
                not (package.is_same and is_installed),
                not is_installed,
                package.name != relation.name,
                not package.is_essential,
                not package.is_important,
                package.priority,
            )

        for _, equal in groupby(sorted(packages, key=preference), key=preference):
            tied = list(equal)
            if len(tied) > 1:
                tied.sort(key=lambda package: self.catalogue.rank(package.name), reverse=True)
            yield from tied

    def _error(self, package: DebPackage) -> NoSolutionError:
        """The error for a requested package that cannot be installed; its details are the chain of failures."""
        details = tuple(self._explained(package, set()))
        return NoSolutionError(
            f"the Debian package `{package.name}` ({package.version}) cannot be installed",
            hint="check the sources (--deb-source) and the base: perhaps the package needs another suite",
            details=details,
        )

    def _explained(self, package: DebPackage, seen: set[str]) -> Iterator[str]:
        """A sentence for the failure of a package, then those of the packages that it depends on; adds their names to `seen`."""
        failure = self.failures.get(package.name)
        if failure is None or package.name in seen:
            return
        seen.add(package.name)
        if failure.excluder:
            yield f"`{package.name}` ({package.version}) and `{failure.excluder.name}` ({failure.excluder.version}) exclude each other"
            return
        written = " | ".join(map(str, failure.unmet))
        offered = [one for relation in failure.unmet for one in self.catalogue.versions(relation.name)]
        if offered:
            versions = ", ".join(f"{one.name} {one.version}" for one in offered)
            yield f"`{package.name}` ({package.version}) depends on {written}, but the sources have {versions}"
        else:
            yield f"`{package.name}` ({package.version}) depends on {written}, which no source has"
        for one in offered:
            yield from self._explained(one, seen)
