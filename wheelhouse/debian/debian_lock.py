"""The Debian packages of a wheelhouse, and their lock file: a partial mirror with its archives' own signatures (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
import tomli_w

from wheelhouse.archive.artifact import Artifact
from wheelhouse.debian.apt_sources import SAFE_COMPONENT, SAFE_SUITE
from wheelhouse.debian.deb_version import is_version
from wheelhouse.documents import DocumentType, parse_toml
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.humanize import shortened
from wheelhouse.lock.lock_tables import Sha256, Size, Table
from wheelhouse.lock.wheelhouse import SUMS, sha256_of_text, sums

FOLDER, LOCK, VERSION = "debian", "debian.lock.toml", 1
DEFAULT_LIST = "packages"
PATH = r"\A[A-Za-z0-9][A-Za-z0-9._+~-]*(/[A-Za-z0-9][A-Za-z0-9._+~-]*)*\Z"
Path = Annotated[str, msgspec.Meta(pattern=PATH)]
FolderName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._+-]*\Z")]
PackageName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9+.-]+\Z")]
DebVersion = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z][0-9A-Za-z.+:~-]*\Z")]
Architecture = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]*\Z")]
ListName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9-]*\Z")]
Request = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9+.-]+([=/][0-9A-Za-z.+:~*_/-]+)?\Z")]


@dataclass(frozen=True, slots=True)
class IndexFile:
    """An `InRelease` or `Packages` as the archive has it. `path` is its place in the archive."""

    path: str
    sha256: str
    size: int
    component: str = ""


@dataclass(frozen=True, slots=True)
class LockedSuite:
    """One suite of one archive. `archive` is the folder of the partial mirror, `signers` the fingerprints of the keys."""

    archive: str
    url: str
    suite: str
    components: tuple[str, ...]
    names: tuple[str, ...]
    signers: tuple[str, ...]
    files: tuple[IndexFile, ...]
    signed_by: tuple[str, ...] = ()

    def apt_line(self, root: str) -> str:
        """The line for apt's sources, for a mirror that lies in the folder `root`, an absolute path.

        `lang=none`: the mirror has no translations. The suite can be a snapshot, or expire after it was fetched.
        """
        keys = f" signed-by={','.join(self.signed_by)}" if self.signed_by else ""
        options = f"[check-valid-until=no lang=none{keys}]"
        return " ".join(("deb", options, f"file:{root}/{self.archive}", self.suite, *self.components))


@dataclass(frozen=True, slots=True)
class LockedDeb:
    """One package. `path` is its place in the archive; `lists` are those that need it; `because` the package that needs it."""

    name: str
    version: str
    architecture: str
    archive: str
    path: str
    sha256: str
    size: int
    suite: str
    component: str
    source: str
    source_version: str
    lists: tuple[str, ...]
    because: str = ""
    depends: tuple[str, ...] = ()

    @property
    def filename(self) -> str:
        """The last part of its path: the name of its file."""
        return self.path.rpartition("/")[2]

    @property
    def place(self) -> str:
        """Its path in the folder `debian`."""
        return f"{self.archive}/{self.path}"


@dataclass(frozen=True, slots=True)
class DebianInputs:
    """What the lock was made from: the lists of requested packages, the base, and a date if one was asked for.

    `base_sha256` is the sha256 of dpkg's status.
    """

    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    base_sha256: str = ""
    architecture: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class DebianLock:
    """All Debian packages of a wheelhouse. `distribution` is that of the base, such as `debian-12`."""

    inputs: DebianInputs = DebianInputs()
    distribution: str = ""
    suites: tuple[LockedSuite, ...] = ()
    packages: tuple[LockedDeb, ...] = ()

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """Each InRelease, Packages and `.deb` by its path in the folder `debian`.

        Raises KeyError for a package of an unknown archive, and IntegrityError for an unsafe name or hash.
        """
        indexes = {
            f"{suite.archive}/{file.path}": Artifact(
                file.path.rpartition("/")[2], file.sha256, file.size, f"{suite.url}/{file.path}"
            )
            for suite in self.suites
            for file in suite.files
        }
        urls = {suite.archive: suite.url for suite in self.suites}
        debs = {
            deb.place: Artifact(deb.filename, deb.sha256, deb.size, f"{urls[deb.archive]}/{deb.path}")
            for deb in self.packages
        }
        return indexes | debs

    @property
    def texts(self) -> dict[str, str]:
        """The texts of SHA256SUMS and the lock file, by name; empty if there are no suites."""
        if not self.suites:
            return {}
        lock = self.to_toml()
        hashes = {path: artifact.sha256 for path, artifact in self.artifacts.items()}
        return {SUMS: sums(hashes | {LOCK: sha256_of_text(lock)}), LOCK: lock}

    def chain_to(self, name: str) -> tuple[str, ...]:
        """The names of packages from a requested one to this one, each needed by the one before; only this one if it is unknown."""
        because = {deb.name: deb.because for deb in self.packages}
        chain = [name]
        while (parent := because.get(chain[0])) and parent not in chain:
            chain.insert(0, parent)
        return tuple(chain)

    def packages_of(self, list_name: str) -> tuple[LockedDeb, ...]:
        """The packages that a list of requested packages needs beyond the base, in the order of the lock: by name."""
        return tuple(deb for deb in self.packages if list_name in deb.lists)

    def apt_lines(self, root: str) -> tuple[str, ...]:
        """The line of each suite for apt's sources, if this folder lies at the absolute path `root`."""
        return tuple(suite.apt_line(root) for suite in self.suites)

    def to_toml(self) -> str:
        """The text of the lock file."""
        inputs = self.inputs
        table = {
            "version": VERSION,
            "architecture": inputs.architecture,
            "distribution": self.distribution,
            "date": inputs.date,
            "base-sha256": inputs.base_sha256,
            "sources": list(inputs.sources),
            "lists": {name: list(requests) for name, requests in inputs.lists.items()},
            "suites": [_suite_table(suite) for suite in self.suites],
            "packages": [_package_table(deb) for deb in self.packages],
        }
        return tomli_w.dumps({key: value for key, value in table.items() if value != ""})


def _suite_table(suite: LockedSuite) -> dict[str, Any]:
    """A suite as a table of the lock file, without empty values."""
    table = {
        "archive": suite.archive,
        "url": suite.url,
        "suite": suite.suite,
        "components": list(suite.components),
        "names": list(suite.names),
        "signers": list(suite.signers),
        "signed-by": list(suite.signed_by),
        "files": [
            {"path": file.path, "sha256": file.sha256, "size": file.size}
            | ({"component": file.component} if file.component else {})
            for file in suite.files
        ],
    }
    return {key: value for key, value in table.items() if value}


def _package_table(deb: LockedDeb) -> dict[str, Any]:
    """A package as a table of the lock file, without empty values."""
    table = {
        "name": deb.name,
        "version": deb.version,
        "architecture": deb.architecture,
        "archive": deb.archive,
        "path": deb.path,
        "sha256": deb.sha256,
        "size": deb.size,
        "suite": deb.suite,
        "component": deb.component,
        "source": deb.source,
        "source-version": deb.source_version,
        "lists": list(deb.lists),
        "because": deb.because,
        "depends": list(deb.depends),
    }
    return {key: value for key, value in table.items() if value not in ("", [])}


class _FileTable(Table, frozen=True):
    path: Path
    sha256: Sha256
    size: Size
    component: str = ""


class _SuiteTable(Table, frozen=True):
    archive: FolderName
    url: Annotated[str, msgspec.Meta(pattern=r"\Ahttps?://[^\s\x00-\x1f]+\Z")]
    suite: str
    files: tuple[_FileTable, ...]
    components: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    signed_by: tuple[Annotated[str, msgspec.Meta(pattern=r"\A/[A-Za-z0-9._+/-]+\Z")], ...] = ()


class _PackageTable(Table, frozen=True):
    name: PackageName
    version: DebVersion
    architecture: Architecture
    archive: FolderName
    path: Path
    sha256: Sha256
    size: Size
    suite: str
    source: str
    source_version: str
    lists: tuple[ListName, ...]
    component: str = ""
    because: str = ""
    depends: tuple[str, ...] = ()


class _LockTable(Table, frozen=True):
    version: int
    architecture: Architecture
    base_sha256: Sha256
    lists: dict[ListName, tuple[Request, ...]]
    suites: tuple[_SuiteTable, ...]
    distribution: str = ""
    date: str = ""
    sources: tuple[str, ...] = ()
    packages: tuple[_PackageTable, ...] = ()


_LOCK_TABLE = DocumentType(_LockTable)


def parse_debian_lock(text: str, source: str) -> DebianLock:
    """Read the text of a lock of Debian packages. Raises InputError, naming `source`, the place and the value, for any other text."""
    try:
        table = _LOCK_TABLE.from_table(parse_toml(text), "")
        if table.version != VERSION:
            raise ValueError(f"version {table.version} is unknown")
        lock = _lock(table)
        lock.artifacts  # noqa: B018  (names and hashes are checked as they are made)
    except KeyError as error:
        raise InputError(
            f"`{source}` is not a lock that wheelhouse wrote: it lists no suite of the archive {error}",
            hint="fetch again",
        ) from error
    except (IntegrityError, ValueError) as error:
        raise InputError(f"`{source}` is not a lock that wheelhouse wrote: {error}", hint="fetch again") from error
    return lock


def _lock(table: _LockTable) -> DebianLock:
    """The lock of a parsed table. Raises ValueError for an unsafe suite, and for a version that has no sort key."""
    for package in table.packages:
        if not is_version(package.version):
            raise ValueError(f"the version `{shortened(package.version)}` of `{package.name}` cannot be read")
    inputs = DebianInputs(table.lists, table.sources, table.base_sha256, table.architecture, table.date)
    packages = tuple(LockedDeb(**msgspec.structs.asdict(one)) for one in table.packages)
    return DebianLock(inputs, table.distribution, tuple(map(_suite, table.suites)), packages)


def _suite(table: _SuiteTable) -> LockedSuite:
    """A suite of a parsed table. Raises ValueError for an unsafe suite or component."""
    if not SAFE_SUITE.fullmatch(table.suite) or not all(map(SAFE_COMPONENT.fullmatch, table.components)):
        raise ValueError(f"`{table.suite}` or one of its components has a character that is not allowed in a name")
    files = tuple(IndexFile(file.path, file.sha256, file.size, file.component) for file in table.files)
    return LockedSuite(
        table.archive, table.url, table.suite, table.components, table.names, table.signers, files, table.signed_by
    )
