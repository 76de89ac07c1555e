"""The manifest of a bundle: what it carries, and which wheelhouse it makes (pure).

It names every file of the resulting wheelhouse. That of a difference also names what is replaced and removed, and so the base
that it is unpacked on.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from wheelhouse.archive.artifact import SHA256
from wheelhouse.documents import DocumentType, format_of
from wheelhouse.errors import InputError, IntegrityError

FORMAT = 1
MANIFEST = "wheelhouse-bundle.json"
SIGNATURE = "wheelhouse-bundle.dsse.json"
PREDICATE = "bundle"
MAX_FILES = 200_000
SAFE_PATH = re.compile(r"[A-Za-z0-9][\w.+!~-]{0,254}(?:/[A-Za-z0-9][\w.+!~-]{0,254}){0,7}", re.ASCII)
"""What every file system takes: names of at most 255 bytes (POSIX, NAME_MAX), a few folders deep."""


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """A file of the resulting wheelhouse, by relative path; `size` is in bytes.

    `carried` tells if the bundle holds it; `was` is its sha256 in the base, if that has another file there.
    """

    path: str
    sha256: str
    size: int
    carried: bool = True
    was: str | None = None


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """The files of the resulting wheelhouse; `removed` maps the paths of the base that it does not have to their sha256."""

    entries: tuple[BundleEntry, ...]
    removed: Mapping[str, str] = field(default_factory=dict)
    difference: bool = False

    @property
    def result(self) -> dict[str, str]:
        """Path → sha256 of the resulting wheelhouse."""
        return {entry.path: entry.sha256 for entry in self.entries}

    @property
    def base(self) -> dict[str, str]:
        """Path → sha256 of the wheelhouse that a difference is unpacked on; empty for a full bundle."""
        if not self.difference:
            return {}
        kept = {entry.path: entry.was or entry.sha256 for entry in self.entries if entry.was or not entry.carried}
        return {**kept, **self.removed}

    @property
    def carried(self) -> tuple[BundleEntry, ...]:
        """The files that the bundle holds, in their order."""
        return tuple(entry for entry in self.entries if entry.carried)

    def to_json(self) -> str:
        """The manifest as text; the same wheelhouse gives the same bytes."""
        document = {
            "format": FORMAT,
            "created-by": "wheelhouse",
            "house": digest(self.result),
            "base": digest(self.base) if self.difference else None,
            "files": [_document(entry) for entry in self.entries],
            "removed": [{"path": path, "sha256": sha256} for path, sha256 in sorted(self.removed.items())],
        }
        return json.dumps(document, indent=1) + "\n"


def _document(entry: BundleEntry) -> dict[str, Any]:
    """An entry as a row of the manifest."""
    document: dict[str, Any] = {
        "path": entry.path,
        "sha256": entry.sha256,
        "size": entry.size,
        "carried": entry.carried,
    }
    return document | ({"was": entry.was} if entry.was else {})


def digest(files: Mapping[str, str]) -> str:
    """One sha256 for a whole wheelhouse, from the paths and sha256 of its files."""
    text = "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(files.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def difference(files: Mapping[str, tuple[str, int]], base: Mapping[str, str] | None) -> BundleManifest:
    """The manifest for a wheelhouse of path → (sha256, size): whole, or what `base` (path → sha256) lacks of it."""
    since = base or {}
    entries = tuple(
        BundleEntry(
            path, sha256, size, since.get(path) != sha256, since[path] if since.get(path, sha256) != sha256 else None
        )
        for path, (sha256, size) in sorted(files.items())
    )
    removed = {path: sha256 for path, sha256 in since.items() if path not in files}
    return BundleManifest(entries, removed, base is not None)


class _RemovedRow(msgspec.Struct):
    path: str
    sha256: str


class _Document(msgspec.Struct):
    wheelhouse: str = msgspec.field(name="house")
    base: str | None
    files: tuple[BundleEntry, ...]
    removed: tuple[_RemovedRow, ...]


_DOCUMENT = DocumentType(_Document)


def parse_manifest(raw: bytes, source: str) -> BundleManifest:
    """Read a manifest. Raises InputError for anything else, IntegrityError for one that contradicts itself."""
    try:
        number = format_of(raw)
        if number != FORMAT:
            raise InputError(f"`{source}` is a bundle of format {number}; this version reads format {FORMAT}")
        document = _DOCUMENT.from_json(raw)
    except ValueError as error:
        raise InputError(f"`{source}` holds no manifest that wheelhouse wrote: {error}") from error
    removed = {row.path: row.sha256 for row in document.removed}
    manifest = BundleManifest(document.files, removed, document.base is not None)
    _check(manifest, (document.wheelhouse, document.base), source)
    return manifest


def _check(manifest: BundleManifest, stated: tuple[str, str | None], source: str) -> None:
    """Raise IntegrityError for a manifest that contradicts itself. `stated` are the digests that it gives of its result and its base."""
    paths = [entry.path for entry in manifest.entries] + list(manifest.removed)
    hashes = [entry.sha256 for entry in manifest.entries] + list(manifest.base.values())
    contradiction = None
    if not all(map(SAFE_PATH.fullmatch, paths)):
        contradiction = "names a file that could be written outside its place, or nowhere"
    elif len(paths) > MAX_FILES or len({path.lower() for path in paths}) != len(paths):
        contradiction = "names a file twice, or twice but for upper and lower case, or too many files"
    elif not _parents(paths).isdisjoint(paths):
        contradiction = "names a file inside another file"
    elif not all(map(SHA256.fullmatch, hashes)) or any(entry.size < 0 for entry in manifest.entries):
        contradiction = "gives a file no valid sha256 or size"
    elif not manifest.difference and len(manifest.carried) != len(manifest.entries):
        contradiction = "is whole, but does not carry every file"
    elif stated != (digest(manifest.result), digest(manifest.base) if manifest.difference else None):
        contradiction = "gives digests that are not those of its files"
    if contradiction:
        raise IntegrityError(f"the manifest of `{source}` {contradiction}", hint="have the bundle made and sent again")


def _parents(paths: Iterable[str]) -> set[str]:
    """All folders above the paths."""
    return {path[:end] for path in paths for end, character in enumerate(path) if character == "/"}
