"""A project's page as JSON (PEP 691, 700, 740, 792), and the readable parts of a page that breaks these rules."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from wheelhouse.documents import parse_json, too_deep_as

HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b")
NO_PAGE = "it has no list of files"


if TYPE_CHECKING:
    Hashes = Any
else:
    Hashes = msgspec.defstruct("Hashes", [(name, str | None, None) for name in HASHES], gc=False)
    """Digests by their algorithm; a struct, because a page may have thousands, and dictionaries take twice as long."""


class IndexFile(msgspec.Struct, rename="kebab", gc=False):
    """A file as an index page names it."""

    filename: str
    url: str
    hashes: Hashes | None = None
    size: int | None = None
    upload_time: str | None = None
    requires_python: str | None = None
    yanked: bool | str | None = None
    core_metadata: bool | dict[str, str] | None = None
    dist_info_metadata: bool | dict[str, str] | None = None
    provenance: str | None = None


class Meta(msgspec.Struct, rename="kebab"):
    """The version of the API that a page is of."""

    api_version: str = "1.0"


class Status(msgspec.Struct, rename="kebab", frozen=True):
    """The status of a whole project (PEP 792): active, archived, quarantined or deprecated."""

    status: str = "active"
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}" if self.reason else self.status


ACTIVE = Status()


class Document(msgspec.Struct, rename="kebab"):
    """A project's page as JSON."""

    files: list[IndexFile]
    meta: Meta = msgspec.field(default_factory=Meta)
    project_status: Status = ACTIVE


_decoder = msgspec.json.Decoder(Document)


def read_document(body: bytes) -> Document:
    """Read a page. A value of a wrong type is left out, if need be with its file; the other files of the project stay.

    Raises ValueError for a text that is no page.
    """
    try:
        with too_deep_as(ValueError):
            return _decoder.decode(body)
    except ValueError as error:
        with suppress(ValueError):
            return _read_odd(body)
        raise ValueError(str(error)) from error


def _read_odd(body: bytes) -> Document:
    """Read a page that msgspec refuses, value by value: what is not of its type is left out. Raises ValueError without a list of files."""
    page = parse_json(body.decode("utf-8-sig", "replace"))
    if not isinstance(page, dict) or not isinstance(page.get("files"), list):
        raise ValueError(NO_PAGE)
    files = (_file(each) for each in page["files"] if isinstance(each, dict))
    return Document([file for file in files if file], _meta(page.get("meta")), _status(page.get("project-status")))


def _file(table: dict[str, Any]) -> IndexFile | None:
    """A file with those of its values that can be read, a size also from a text; None for one without a name. A `url` that
    cannot be read is empty; a `yanked` that is neither text nor true or false counts by its truth.
    """
    if isinstance(hashes := table.get("hashes"), dict):
        table = table | {"hashes": {name: digest for name, digest in hashes.items() if isinstance(digest, str)}}
    facts: dict[str, Any] = {"url": ""}
    for field in msgspec.structs.fields(IndexFile):
        if field.encode_name in table:
            with suppress(msgspec.ValidationError):
                facts[field.name] = msgspec.convert(table[field.encode_name], field.type, strict=False)
    if "filename" not in facts:
        return None
    facts.setdefault("yanked", bool(table.get("yanked")))  # as pip reads what is neither a text nor true or false
    return IndexFile(**facts)


def _meta(table: object) -> Meta:
    """The API version as a page gives it, a number as text; 1.0 if it gives none."""
    version = table.get("api-version") if isinstance(table, dict) else None
    return Meta(str(version)) if isinstance(version, str | int | float) else Meta()


def _status(table: object) -> Status:
    """A project's status from a table, or from a text, which is the status alone; active if neither can be read. A reason that is
    no text is left out.
    """
    table = {"status": table} if isinstance(table, str) else table
    if isinstance(table, dict) and not isinstance(table.get("reason"), str):
        table = {name: value for name, value in table.items() if name != "reason"}
    with suppress(msgspec.ValidationError):
        return msgspec.convert(table, Status)
    return ACTIVE
