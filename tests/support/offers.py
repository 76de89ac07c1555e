"""A file as an index offers it, read from the file."""

import hashlib
import re
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from lzma import LZMAError
from pathlib import Path
from typing import TypedDict

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

UPLOADED = "2024-01-01T00:00:00.000000Z"
_SDIST = re.compile(r"(?P<name>.+?)-(?P<version>\d.*?)\.(?:zip|t[bglx]z|tar(?:\.\w+)?)")
_BROKEN = (OSError, EOFError, RuntimeError, StopIteration, zipfile.BadZipFile, tarfile.TarError, zlib.error, LZMAError)


@dataclass(frozen=True)
class Offer:
    """A file as the index offers it: true when read from the file, and then any field may be replaced by a lie.

    `yanked` is the reason, perhaps empty; `metadata` is the sidecar's content; `url` is where the file is, if not on
    this index, and `provenance` where its attestations are;
    None means that there is none to tell. `digest` is the file's real sha256, whatever `hashes` says.
    """

    path: Path
    project: str
    version: str
    size: int
    digest: str
    hashes: Mapping[str, str]
    metadata: bytes | None = None
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: str | None = UPLOADED
    url: str | None = None
    provenance: str | None = None

    @property
    def filename(self) -> str:
        """The name under which the file is offered."""
        return self.path.name


class Told(TypedDict, total=False):
    """The fields of an offer that may be told otherwise than they are."""

    project: str
    version: str
    size: int
    hashes: Mapping[str, str]
    metadata: bytes | None
    requires_python: str | None
    yanked: str | None
    upload_time: str | None
    url: str | None
    provenance: str | None


def read_offer(path: Path) -> Offer:
    """What an index finds out about an uploaded file: name and version by its filename, the rest by its metadata."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    project, version = _named(path.name)
    metadata = _own_metadata(path)
    return Offer(
        path,
        project,
        version,
        len(data),
        digest,
        {"sha256": digest},
        metadata=metadata if path.suffix == ".whl" else None,
        requires_python=BytesHeaderParser().parsebytes(metadata or b"").get("Requires-Python"),
    )


def _named(filename: str) -> tuple[str, str]:
    """A wheel's or sdist's project and version; of a bad filename, what stands between its first hyphens."""
    try:
        if filename.endswith(".whl"):
            name, version, *_ = parse_wheel_filename(filename)
            return name, str(version)
    except InvalidWheelFilename:
        pass
    if match := _SDIST.fullmatch(filename):
        return canonicalize_name(match["name"]), match["version"]
    first, second, *_ = [*filename.split("-"), ""]
    return canonicalize_name(first), second


def _own_metadata(path: Path) -> bytes | None:
    """METADATA or PKG-INFO; None for an archive too broken to tell."""
    try:
        if ".t" in path.name:
            with tarfile.open(path) as tar:
                held = tar.extractfile(next(name for name in tar.getnames() if _is_metadata(name)))
                return held.read() if held else None
        with zipfile.ZipFile(path) as archive:
            return archive.read(next(name for name in archive.namelist() if _is_metadata(name)))
    except _BROKEN:
        return None


def _is_metadata(name: str) -> bool:
    folder, _, last = name.partition("/")
    return name == "PKG-INFO" or last == ("METADATA" if folder.endswith(".dist-info") else "PKG-INFO")
