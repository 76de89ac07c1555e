"""All packages that a base can have: those that it has installed, and those that its archives offer (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby

from wheelhouse.debian.deb_package import DebPackage, PackageRecords, stanzas
from wheelhouse.debian.deb_version import is_version
from wheelhouse.debian.installed_packages import INSTALLED, is_installed
from wheelhouse.debian.relations import Relation

DEFAULT_PIN, UPGRADABLE_PIN, NOT_AUTOMATIC_PIN, INSTALLED_PIN = 500, 100, 1, 100
"""The priorities of apt_preferences(5): of a suite, of one that is not automatic with or without upgrades, of what is installed."""


@dataclass(frozen=True, slots=True)
class SuitePackages:
    """The text of one `Packages`, the names of its suite, and the priority of its versions."""

    text: str
    names: tuple[str, ...] = ()
    pin: int = DEFAULT_PIN


class Catalogue:
    """Packages by name: installed ones, versions, candidates, providers. `status` is the text of dpkg's status file."""

    def __init__(self, status: str, suites: Sequence[SuitePackages], architecture: str) -> None:
        self.architecture, self.suites = architecture, suites
        self._records = [PackageRecords(suite.text, number) for number, suite in enumerate(suites)]
        self.installed = {package.name: package for package in installed_packages(status, architecture)}
        self._versions: dict[str, tuple[DebPackage, ...]] = {}
        self._candidates: dict[str, DebPackage | None] = {}
        self._ranks: dict[str, tuple[int, int]] = {}
        self._providers: dict[str, tuple[DebPackage, ...]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all packages that an archive offers, each once, also those of other architectures."""
        return tuple(dict.fromkeys(name for records in self._records for name in records.names))

    def versions(self, name: str) -> tuple[DebPackage, ...]:
        """Every version of a package that an archive offers for this architecture or `all`, each once, in the order of the sources."""
        if name not in self._versions:
            self._versions[name] = self._usable(records.named(name) for records in self._records)
        return self._versions[name]

    def candidate(self, name: str) -> DebPackage | None:
        """The version that apt would install: of the highest priority the newest, or what `choose` or `refuse` set.

        It is the installed one if none is better; None if the package is neither offered nor installed.
        """
        if name not in self._candidates:
            self._candidates[name] = self._best(name)
        return self._candidates[name]

    def choose(self, package: DebPackage) -> None:
        """Make a version the candidate of its package for all later calls."""
        self._candidates[package.name] = package

    def refuse(self, package: DebPackage) -> None:
        """Make the installed version the candidate of a package for all later calls; None if it is not installed."""
        self._candidates[package.name] = self.installed.get(package.name)

    def providers(self, name: str) -> tuple[DebPackage, ...]:
        """Every version whose Provides names a virtual package: those that archives offer, then installed packages.

        One that is both is there twice, those of other architectures are not.
        Raises IntegrityError if an installed package has a malformed Provides.
        """
        if name not in self._providers:
            offered = self._usable(records.providing(name) for records in self._records)
            self._providers[name] = (*offered, *self._installed_providers.get(name, ()))
        return self._providers[name]

    def is_in(self, package: DebPackage, suite: str) -> bool:
        """Whether an archive offers this version of a package, for any architecture, in a suite of this name."""
        return any(
            one.version == package.version
            for offered, records in zip(self.suites, self._records, strict=True)
            if suite in offered.names
            for one in records.named(package.name)
        )

    def solutions(self, relation: Relation) -> tuple[DebPackage, ...]:
        """The candidates that satisfy a relation, the package that it names first; none if it is for another architecture."""
        if not relation.suits(self.architecture):
            return ()
        names = dict.fromkeys((relation.name, *(package.name for package in self.providers(relation.name))))
        candidates = (self.candidate(name) for name in names)
        return tuple(package for package in candidates if package and package.satisfies(relation))

    def rank(self, name: str) -> tuple[int, int]:
        """Where sources first name a package: (number of the source, place in its text). Of two equal ones apt prefers the later one.

        (How many sources there are, 0) if none names it.
        """
        if name not in self._ranks:
            mentions = ((number, records.first_mention(name)) for number, records in enumerate(self._records))
            self._ranks[name] = next(
                ((number, place) for number, place in mentions if place is not None), (len(self._records), 0)
            )
        return self._ranks[name]

    @cached_property
    def siblings(self) -> dict[tuple[str, str], tuple[DebPackage, ...]]:
        """(name, version) of a source package → the candidates from it that would upgrade an installed package.

        They are those of the first call: what `choose` and `refuse` set later does not count.
        """
        newer = [
            candidate
            for name, package in self.installed.items()
            if (candidate := self.candidate(name)) and candidate is not package
        ]
        newer.sort(key=lambda package: package.source)
        return {source: tuple(group) for source, group in groupby(newer, key=lambda package: package.source)}

    @cached_property
    def _installed_providers(self) -> dict[str, list[DebPackage]]:
        """Virtual package → the installed packages that provide it. Raises IntegrityError for a malformed Provides."""
        providers: dict[str, list[DebPackage]] = {}
        for package in self.installed.values():
            for virtual in package.provides:
                providers.setdefault(virtual.name, []).append(package)
        return providers

    def _usable(self, packages: Iterable[Iterable[DebPackage]]) -> tuple[DebPackage, ...]:
        """The packages of this architecture or `all`; a version that several sources have comes from the first."""
        usable: dict[tuple[str, str], DebPackage] = {}
        for package in chain.from_iterable(packages):
            if package.architecture in (self.architecture, "all"):
                usable.setdefault((package.name, package.version), package)
        return tuple(usable.values())

    def _best(self, name: str) -> DebPackage | None:
        """`candidate` as the sources alone decide it; never a downgrade."""
        installed = self.installed.get(name)
        offered = [package for package in self.versions(name) if _is_no_downgrade(package, installed)]
        best = max(offered, key=lambda package: (self._pin(package), package.key), default=None)
        if best is None or installed is None:
            return best or installed
        is_better = (self._pin(best), best.key) > (INSTALLED_PIN, installed.key)
        return best if is_better and best.version != installed.version else installed

    def _pin(self, package: DebPackage) -> int:
        """The highest priority of the suites that offer this version, for any architecture; one must offer it."""
        return max(
            self.suites[number].pin
            for number, records in enumerate(self._records)
            if any(one.version == package.version for one in records.named(package.name))
        )


def installed_packages(status: str, architecture: str) -> tuple[DebPackage, ...]:
    """The installed packages of the text of a status file, of one architecture or `all`, in its order.

    Half installed ones, and those whose versions have no order, are left out.
    """
    return tuple(
        DebPackage(fields, INSTALLED)
        for fields in stanzas(status)
        if {"package", "version"} <= fields.keys()
        and is_installed(fields)
        and is_version(fields["version"])
        and fields.get("architecture") in (architecture, "all")
    )


def architecture_of(status: str) -> str:
    """The architecture of a base, such as `amd64`, by the first record of dpkg or a C library in its status file; empty without one."""
    for fields in stanzas(status):
        if fields.get("package") in ("dpkg", "libc6", "musl") and fields.get("architecture") not in (None, "all"):
            return fields["architecture"]
    return ""


def _is_no_downgrade(package: DebPackage, installed: DebPackage | None) -> bool:
    """Whether a version is at least the installed one; True if none is installed."""
    return installed is None or package.key >= installed.key
