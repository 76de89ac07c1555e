"""The manifest of a bundle: what it carries, and which wheelhouse or wheelhouses it makes (pure).

It names every file of the result. The manifest of a difference also has the digest of the wheelhouse that it was made for. The
difference fits every wheelhouse that has the files that it does not carry.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from wheelhouse.archive.artifact import SHA256
from wheelhouse.documents import DocumentType, format_of
from wheelhouse.errors import InputError, IntegrityError

FORMAT = 2
FORMATS = (1, 2)
"""Format 1 had the sha256 that a replaced file has in the base (`was`), and one wheelhouse; nothing else differs."""
MANIFEST = "wheelhouse-bundle.json"
SIGNATURE = "wheelhouse-bundle.dsse.json"
PREDICATE = "bundle"
MAX_FILES = 200_000
REVIEW = "review"
"""The folder of a bundle with the files of the review."""
APPROVALS, ADVISORIES, POLICY = "approvals.intoto.jsonl", "advisories.json", "policy.toml"
REVIEW_FILES = (APPROVALS, ADVISORIES, POLICY)
MAX_REVIEW_BYTES = 256 << 20
"""Of each file of a review; a snapshot of all advisories for PyPI has 40 MB."""
PREFIX_DIGITS = 12
"""Of a sha256 in a short state: 6 bytes."""
SAFE_PATH = re.compile(r"[A-Za-z0-9][\w.+!~-]{0,254}(?:/[A-Za-z0-9][\w.+!~-]{0,254}){0,7}", re.ASCII)
"""What every file system takes: names of at most 255 bytes (POSIX, NAME_MAX), a few folders deep."""


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """A file of the resulting wheelhouse, by relative path; `size` is in bytes. `carried` tells if the bundle holds it."""

    path: str
    sha256: str
    size: int
    carried: bool = True


@dataclass(frozen=True, slots=True)
class FarSide:
    """What another wheelhouse holds, as far as it is known; it only decides what is sent.

    `digest` is that of all its files. `hashes` has the sha256 of each file, or their first PREFIX_DIGITS digits. `files` is path →
    sha256 if the paths are known, else empty; `wheelhouses` are the folders of the paths, as in `BundleManifest`.
    """

    digest: str
    hashes: frozenset[str]
    files: Mapping[str, str] = field(default_factory=dict)
    wheelhouses: tuple[str, ...] = ()

    @classmethod
    def of(cls, files: Mapping[str, str], wheelhouses: tuple[str, ...] = ()) -> "FarSide":
        """A far side with these files, path → sha256. Its digest is made from them."""
        return cls(digest(files), frozenset(files.values()), files, wheelhouses)

    def holds(self, sha256: str) -> bool:
        """Whether it has a file with this sha256, or with its first PREFIX_DIGITS digits if only those are known."""
        return sha256 in self.hashes or sha256[:PREFIX_DIGITS] in self.hashes


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """The files of the result; `removed` maps paths that the result does not have to the sha256 of the file that goes.

    `base` is the digest of the wheelhouse that a difference was made for; None for a full bundle. `wheelhouses` names the
    folders of several wheelhouses, with which all paths begin; it is empty for one. `review` are the files of the near side's review:
    they belong to no wheelhouse.
    """

    entries: tuple[BundleEntry, ...]
    removed: Mapping[str, str] = field(default_factory=dict)
    base: str | None = None
    wheelhouses: tuple[str, ...] = ()
    review: tuple[BundleEntry, ...] = ()

    @property
    def result(self) -> dict[str, str]:
        """Path → sha256 of every file of the result, carried or not."""
        return {entry.path: entry.sha256 for entry in self.entries}

    @property
    def carried(self) -> tuple[BundleEntry, ...]:
        """The entries of the files that the bundle holds, in the order of `entries`."""
        return tuple(entry for entry in self.entries if entry.carried)

    @property
    def parts(self) -> dict[str, "BundleManifest"]:
        """The manifest of each wheelhouse by its folder, with paths inside that folder; of a single wheelhouse, itself by an empty name."""
        if not self.wheelhouses:
            return {"": self}
        return {name: self._part(f"{name}/") for name in self.wheelhouses}

    def _part(self, prefix: str) -> "BundleManifest":
        """The manifest of the paths that begin with `prefix`, which is removed from them. The base is the same; there is no review."""
        entries = tuple(
            replace(entry, path=entry.path.removeprefix(prefix))
            for entry in self.entries
            if entry.path.startswith(prefix)
        )
        removed = {
            path.removeprefix(prefix): sha256 for path, sha256 in self.removed.items() if path.startswith(prefix)
        }
        return BundleManifest(entries, removed, self.base)

    def to_json(self) -> str:
        """The manifest as JSON text with a line end. The same manifest gives the same bytes."""
        document = {
            "format": FORMAT,
            "created-by": "wheelhouse",
            "house": digest(self.result),
            "base": self.base,
            **({"wheelhouses": list(self.wheelhouses)} if self.wheelhouses else {}),
            "files": [_document(entry) for entry in self.entries],
            **({"review": [_document(entry) for entry in self.review]} if self.review else {}),
            "removed": [{"path": path, "sha256": sha256} for path, sha256 in sorted(self.removed.items())],
        }
        return json.dumps(document, indent=1) + "\n"


def _document(entry: BundleEntry) -> dict[str, Any]:
    """An entry as a JSON object: path, sha256, size, carried."""
    return {"path": entry.path, "sha256": entry.sha256, "size": entry.size, "carried": entry.carried}


def digest(files: Mapping[str, str]) -> str:
    """The sha256, in hexadecimal, of a whole wheelhouse: of the lines `sha256  path` of its files, sorted by path."""
    text = "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(files.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def difference(
    files: Mapping[str, tuple[str, int]], far_side: FarSide | None, wheelhouses: tuple[str, ...] = ()
) -> BundleManifest:
    """The manifest for the files of one or several wheelhouses, path → (sha256, size); it names all of them, sorted by path.

    A difference carries only the sha256 that the far side lacks, each once. A full bundle carries all: of several wheelhouses, bytes
    that two of them have are carried in one only, always in the first if it has them, so that tar alone can unpack that one with its
    `self/`. `removed` are the far side's other paths; it is empty if they are unknown, or if the far side has other folders.
    """
    owners: dict[str, str] = {}
    if wheelhouses and far_side is None:
        first = wheelhouses[0]
        owners = {sha256: first for path, (sha256, _) in files.items() if path.startswith(f"{first}/")}
    entries = []
    for path, (sha256, size) in sorted(files.items()):
        owner = path if far_side else path.partition("/")[0] if wheelhouses else ""
        is_held = far_side is not None and far_side.holds(sha256)
        carried = not is_held and owners.setdefault(sha256, owner) == owner
        entries.append(BundleEntry(path, sha256, size, carried))
    has_same_folders = far_side is not None and set(far_side.wheelhouses) == set(wheelhouses)
    base_files = far_side.files if far_side is not None and has_same_folders else {}
    removed = {path: sha256 for path, sha256 in base_files.items() if path not in files}
    return BundleManifest(tuple(entries), removed, far_side.digest if far_side else None, wheelhouses)


class _RemovedRow(msgspec.Struct):
    path: str
    sha256: str


class _Document(msgspec.Struct):
    wheelhouse: str = msgspec.field(name="house")
    base: str | None
    files: tuple[BundleEntry, ...]
    removed: tuple[_RemovedRow, ...]
    wheelhouses: tuple[str, ...] = ()
    review: tuple[BundleEntry, ...] = ()


_DOCUMENT = DocumentType(_Document)


def parse_manifest(raw: bytes, source: str) -> BundleManifest:
    """Read a manifest. Raises InputError for anything else, IntegrityError as `_check` does."""
    try:
        number = format_of(raw)
        if number not in FORMATS:
            raise InputError(
                f"`{source}` is a bundle of format {number}, but this version of wheelhouse reads formats 1 to {FORMAT}"
            )
        document = _DOCUMENT.from_json(raw)
    except ValueError as error:
        raise InputError(f"`{source}` contains no valid manifest: {error}") from error
    removed = {row.path: row.sha256 for row in document.removed}
    manifest = BundleManifest(document.files, removed, document.base, document.wheelhouses, document.review)
    _check(manifest, document.wheelhouse, source)
    return manifest


def _check(manifest: BundleManifest, stated: str, source: str) -> None:
    """Raise IntegrityError for a manifest that contradicts itself, is over a limit or has an unsafe path.

    `stated` is its own digest of the result.
    """
    paths = [entry.path for entry in manifest.entries] + list(manifest.removed)
    hashes = [entry.sha256 for entry in (*manifest.entries, *manifest.review)] + list(manifest.removed.values())
    carried = {entry.sha256 for entry in manifest.carried}
    contradiction = None
    if not all(map(SAFE_PATH.fullmatch, paths)):
        contradiction = "lists a file with a path that is not allowed in a bundle"
    elif len(paths) > MAX_FILES or len({path.lower() for path in paths}) != len(paths):
        contradiction = "lists too many files, or one path twice (upper and lower case count as equal)"
    elif not _parents(paths).isdisjoint(paths):
        contradiction = "lists a file inside another file"
    elif manifest.wheelhouses and not _have_folders(paths, manifest.wheelhouses):
        contradiction = (
            "lists a file that is in no wheelhouse, lists a wheelhouse twice, or lists a wheelhouse without files"
        )
    elif not all(map(SHA256.fullmatch, [*hashes, *([manifest.base] if manifest.base else [])])) or any(
        entry.size < 0 for entry in (*manifest.entries, *manifest.review)
    ):
        contradiction = "lists a file without a valid sha256 or size"
    elif not {entry.path for entry in manifest.review} <= set(REVIEW_FILES) or any(
        entry.size > MAX_REVIEW_BYTES for entry in manifest.review
    ):
        contradiction = "lists a review file that is unknown or too long"
    elif manifest.base is None and any(entry.sha256 not in carried for entry in manifest.entries):
        contradiction = "says that the bundle is complete, but the bundle does not carry every file"
    elif stated != digest(manifest.result):
        contradiction = "has a digest that does not fit its list of files"
    if contradiction:
        raise IntegrityError(
            f"the manifest of `{source}` {contradiction}", hint="ask the sender to pack and send the bundle again"
        )


def _have_folders(paths: Iterable[str], folders: tuple[str, ...]) -> bool:
    """Whether each path lies below one of these folders, and each folder has at least one path.

    The folders must also differ without regard to upper and lower case. A folder without a path is refused: it could be `..`.
    """
    owners = {path.rpartition("/")[0].partition("/")[0] for path in paths}
    return len({folder.lower() for folder in folders}) == len(folders) and owners == set(folders)


def _parents(paths: Iterable[str]) -> set[str]:
    """All folders above the paths, also the outer ones, without a `/` at the end."""
    return {path[:end] for path in paths for end, character in enumerate(path) if character == "/"}
