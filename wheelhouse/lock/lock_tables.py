"""The tables that a lock file holds under wheelhouse's own name, which PEP 751 leaves to each tool, as types (pure).

What becomes part of a script, a Dockerfile or a path has a pattern, because anybody can write a lock file.
"""

from datetime import date, datetime
from typing import Annotated

import msgspec

from wheelhouse.archive.reasons import Reason, reason_of
from wheelhouse.documents import DocumentType

TOOL = "wheelhouse"
Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z")]
Label = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{8}\Z")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Size = Annotated[int, msgspec.Meta(ge=0)]
Texts = tuple[str, ...]


class Table(msgspec.Struct, rename="kebab", frozen=True, kw_only=True):
    """A table; keys that it does not name may be there."""


class HashesTable(Table, frozen=True):
    """`hashes` of a file."""

    sha256: str


class FileTable(Table, frozen=True):
    """A file that is not in the wheelhouse, such as the sdist of a built wheel."""

    name: str
    size: Size
    hashes: HashesTable
    url: str | None = None
    upload_time: datetime | None = None


class BuiltTable(Table, frozen=True):
    """How a wheel was built."""

    sdist: FileTable
    interpreter: str
    glibc: str = ""
    sealed: str = ""
    sandbox: str = ""
    lock: str = ""
    repaired: str = ""
    kept_archive: bool = False
    requires: Texts = ()
    libraries: Texts = ()


class ReasonTable(Table, frozen=True):
    """A reason of `archive.reasons`: its id, or the sentence of an old lock file; then the fields of its class."""

    reason: str
    target: str | None = None
    better: str | None = None
    suffix: str | None = None
    specifier: str | None = None
    python: str | None = None
    explanation: str | None = None
    field: str | None = None
    problem: str | None = None
    algorithm: str | None = None
    digest: str | None = None
    date: str | None = None

    def value(self) -> Reason:
        """The reason, as the class that `reason` names, else as OtherWords. Raises ValueError if it lacks a field of it."""
        return reason_of(
            self.reason, {key: text for key, text in msgspec.structs.asdict(self).items() if text is not None}
        )


class RejectedTable(ReasonTable, frozen=True, kw_only=True):
    """Files of the release that were not chosen for one reason."""

    files: Texts


class PassedOverTable(ReasonTable, frozen=True, kw_only=True):
    """Newer releases that were not chosen for one reason."""

    releases: Texts


class ProvenanceTable(Table, frozen=True):
    """Where the attestations were, and their sha256."""

    url: str
    sha256: Sha256


class WaiverTable(Table, frozen=True):
    """A waiver; the project and the sha256 are those of the pin."""

    rule: str
    reason: str
    who: str
    until: date


class PinTable(Table, frozen=True):
    """`[packages.tool.wheelhouse]`."""

    index: str = ""
    extras: tuple[Name, ...] = ()
    dependencies: Texts = ()
    sdist_because: str | None = None
    provisional: str | None = None
    build_lock: str = ""
    build_lacks: str = ""
    constraint: str | None = None
    skipped: Texts = ()
    rejected: tuple[RejectedTable, ...] = ()
    passed_over: tuple[PassedOverTable, ...] = ()
    built: BuiltTable | None = None
    archive: str | None = None
    provenance: ProvenanceTable | None = None
    status: str | None = None
    waived: tuple[WaiverTable, ...] = ()
    yanked: str | None = None


class TargetTable(Table, frozen=True):
    """The names that a target is derived from, or its markers and tags."""

    python: str = ""
    platform: str = ""
    markers: dict[str, str] | None = None
    tags: Texts = ()


class ConstraintsTable(Table, frozen=True):
    """A constraints file."""

    source: str
    sha256: str


class IndexTable(Table, frozen=True):
    """An index or a folder that the projects come from; one of `url` and `find-links`."""

    projects: Texts
    name: str = ""
    url: str | None = None
    find_links: str | None = None


class InputsTable(Table, frozen=True):
    """The inputs that the lock was made from."""

    requirements: Texts = ()
    constraints: tuple[ConstraintsTable, ...] = ()
    airflow: str | None = None
    without: tuple[Name, ...] = ()
    constraints_sha256: str | None = None
    overrides: Texts = ()
    excluded: Texts = ()
    hashes_sha256: str | None = None
    given_sha256: str | None = None
    pip_config: Texts = ()
    settings_sha256: str | None = None
    index: str | None = None
    indexes: tuple[IndexTable, ...] = ()
    only_binary: frozenset[str] = frozenset()
    no_binary: frozenset[str] = frozenset()
    pre: frozenset[str] = frozenset()
    only_final: frozenset[str] = frozenset()
    prefer_binary: bool = False
    require_hashes: bool | None = None
    uploaded_prior_to: datetime | None = None
    uploaded_prior_to_age: str | None = None
    uploaded_prior_to_except: dict[str, str] = {}


class LockTable(Table, frozen=True):
    """`[tool.wheelhouse]`."""

    target: TargetTable
    label: Label = ""
    inputs: InputsTable = InputsTable()


PIN_TABLE, LOCK_TABLE = DocumentType(PinTable), DocumentType(LockTable)
