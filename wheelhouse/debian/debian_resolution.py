"""From fetched suites and lists of requests to the lock of all packages (pure)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from urllib.parse import urlsplit

from wheelhouse.debian.apt_sources import AptSource
from wheelhouse.debian.base_system import BaseSystem
from wheelhouse.debian.deb_catalogue import Catalogue, SuitePackages
from wheelhouse.debian.deb_package import DebPackage
from wheelhouse.debian.deb_request import parse_request
from wheelhouse.debian.deb_solver import Closure, closure
from wheelhouse.debian.debian_lock import LockedDeb, LockedSuite
from wheelhouse.errors import IntegrityError

NO_FOLDER_NAME = re.compile(r"[^A-Za-z0-9._+-]")
SIZE = re.compile(r"[0-9]{1,15}")
"""Of a package, in bytes."""
NOT_SAFE = "do not use this mirror; find out who made its Packages file"


def archive_folders(sources: Iterable[AptSource]) -> dict[str, str]:
    """Address of an archive → its folder in the mirror: the last part of the path; a second one with the same gets `-2` after it.

    Characters that the name of a folder cannot have are left out; it is `archive` if nothing is left.
    """
    folders: dict[str, str] = {}
    for url in dict.fromkeys(source.url for source in sources):
        name = NO_FOLDER_NAME.sub("", urlsplit(url).path.rstrip("/").rpartition("/")[2]).lstrip("._+-") or "archive"
        numbered = (f"{name}-{number}" for number in count(2))
        folders[url] = next(one for one in chain((name,), numbered) if one not in folders.values())
    return folders


def locked_packages(
    base: BaseSystem,
    lists: Mapping[str, Sequence[str]],
    suites: Sequence[LockedSuite],
    packages: Sequence[tuple[int, str, SuitePackages]],
) -> tuple[LockedDeb, ...]:
    """The packages of all lists, by name and version, each list solved by itself on the base; one package has all lists that need it.

    `packages` has each Packages with the number of its suite in `suites` and its component. Versions are sorted as texts.
    What must be removed for them is not told.
    Raises NoSolutionError, InputError for a malformed request, and IntegrityError for a record without file name, hash or
    size, or with a relation that cannot be read.
    """
    origins = [(suites[number], component) for number, component, _ in packages]
    locked: dict[str, LockedDeb] = {}
    for name, requests in lists.items():
        catalogue = Catalogue(base.status, [one for _, _, one in packages], base.architecture)
        solved = closure(catalogue, [parse_request(text) for text in requests])
        for package in solved.packages:
            deb = _locked(package, solved, name, *origins[package.origin])
            earlier = locked.get(deb.place)
            locked[deb.place] = _joined(earlier, deb) if earlier else deb
    return tuple(sorted(locked.values(), key=lambda deb: (deb.name, deb.version)))


def _joined(earlier: LockedDeb, deb: LockedDeb) -> LockedDeb:
    """`earlier` with the lists of both; `because` is empty if one of the two was requested."""
    because = earlier.because if deb.because else ""
    return LockedDeb(
        **{name: getattr(earlier, name) for name in LockedDeb.__slots__}
        | {"lists": (*earlier.lists, *deb.lists), "because": because}
    )


def _locked(package: DebPackage, solved: Closure, name: str, suite: LockedSuite, component: str) -> LockedDeb:
    """A package of a solution, for the list `name`. Raises IntegrityError for a record without file name, hash or size.

    `depends` has the packages of the solution that its relations name, not those that provide a virtual one.
    """
    fields = package.fields
    path = fields.get("filename", "").removeprefix("./")
    sha256, size = fields.get("sha256", ""), fields.get("size", "")
    if not path or not sha256 or not SIZE.fullmatch(size):
        raise IntegrityError(
            f"the record of `{package.name}` {package.version} lacks Filename, SHA256 or Size", hint=NOT_SAFE
        )
    source, source_version = package.source
    chosen = {one.name for one in solved.packages}
    depends = {relation.name for group in package.depends for relation in group if relation.name in chosen}
    return LockedDeb(
        package.name,
        package.version,
        package.architecture,
        suite.archive,
        path,
        sha256,
        int(size),
        suite.suite,
        component,
        source,
        source_version,
        (name,),
        solved.because.get(package.name, ""),
        tuple(sorted(depends)),
    )
