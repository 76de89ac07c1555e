"""Files of an image, read from its layers without running or unpacking anything.

Source: the OCI image specification 1.1, "Image Layer Filesystem Changeset" (whiteouts, opaque folders).
"""

import hashlib
import io
import posixpath
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from wheelhouse.archive.compressed import decompressed
from wheelhouse.archive.tar import HARD_LINK, TarMember, TarReader
from wheelhouse.errors import IntegrityError, RefusedError
from wheelhouse.oci.image_facts import RootFile
from wheelhouse.oci.image_manifest import MAX_IMAGE_BYTES

MAX_FILE_BYTES = 128 << 20
"""Of one file that is read; the largest libpython, with debugging symbols, has 30 MB."""
MAX_REMEMBERED = 1_000_000
"""Whiteouts and files of a layer that hide what is below."""
MAX_DEPTH = 6
"""Folders above a file that is read; a deeper file hides none of these."""
BLOCK = 1 << 20
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
NOT_THIS_IMAGE = "use another image, or build this image again"


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: its file, the module that decompresses it (None: it is a plain tar), and the sha256 of the plain tar."""

    path: Path
    compression: str | None
    diff_sha256: str


@dataclass
class _Hidden:
    """What a layer hides of the layers below: `paths`, with everything in them, and what is in `insides`, but not these
    themselves. The empty path in `insides` is the root.
    """

    paths: set[str] = field(default_factory=set)
    insides: set[str] = field(default_factory=set)

    def hides(self, path: str) -> bool:
        """Whether a path of a lower layer is hidden, by itself or by a folder above it."""
        parents = [path[:end] for end, character in enumerate(path) if character == "/"]
        return (
            "" in self.insides
            or path in self.paths
            or any(parent in self.paths or parent in self.insides for parent in parents)
        )

    def add(self, other: "_Hidden") -> None:
        """Also hide what another layer hides. Raises tarfile.ReadError for more than MAX_REMEMBERED."""
        self.paths |= other.paths
        self.insides |= other.insides
        if len(self.paths) + len(self.insides) > MAX_REMEMBERED:
            raise tarfile.ReadError("it hides too many files of the layers below")


class _Hashed(io.RawIOBase):
    """A stream that hashes what is read from it; raises tarfile.ReadError after `limit` bytes. `left` is what is left of these."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self.left = stream, limit
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """What the stream's own `read` returns, hashed. Raises tarfile.ReadError above the limit."""
        data = self._stream.read(size)
        self.digest.update(data)
        self.left -= len(data)
        if self.left < 0:
            raise tarfile.ReadError(
                "this layer and the layers above it would unpack to more bytes than an image may have"
            )
        return data


def read_root_files(layers: Sequence[Layer], wanted: Callable[[str], bool]) -> dict[str, RootFile]:
    """The files and links of an image that `wanted` accepts, by path without a leading slash. `layers` are in order, the lowest first.

    Every layer is read to its end, and must be the plain tar that the configuration names. Raises IntegrityError for a layer
    that is not, or that cannot be read; MachineError if this Python lacks the module for its compression.
    """
    files: dict[str, RootFile | None] = {}
    hidden, left = _Hidden(), MAX_IMAGE_BYTES
    for layer in reversed(layers):
        try:
            own, left = _read_layer(layer, wanted, files, hidden, left)
            hidden.add(own)
        except (tarfile.TarError, EOFError, RefusedError) as error:
            sentence = f"the layer `sha256:{layer.path.name[:12]}…` cannot be read: {error}"
            raise IntegrityError(sentence, hint=NOT_THIS_IMAGE) from error
    return {path: file for path, file in files.items() if file is not None}


def _read_layer(
    layer: Layer, wanted: Callable[[str], bool], files: dict[str, RootFile | None], hidden: _Hidden, limit: int
) -> tuple[_Hidden, int]:
    """Add the wanted files of a layer that no upper layer has or hides; return what this layer hides, and the bytes left of the limit.

    What is neither file nor link is added as None. Nothing is added if it raises. Raises tarfile.ReadError, also if it is
    not the tar with `diff_sha256`; EOFError, and what `decompressed` raises.
    """
    own, found = _Hidden(), dict[str, RootFile | None]()
    with decompressed(layer.path, layer.compression) as stream:
        hashed = _Hashed(stream, limit)
        reader = TarReader(cast(BinaryIO, hashed))
        for member in reader:
            path = posixpath.normpath(f"/{member.name}").lstrip("/")
            folder, _, name = path.rpartition("/")
            if name == OPAQUE:
                own.insides.add(folder)
            elif name.startswith(WHITEOUT):
                own.paths.add(posixpath.join(folder, name.removeprefix(WHITEOUT)))
            elif wanted(path) and path not in files and not hidden.hides(path):
                found[path] = _read(reader, member)
            if not member.is_folder and not name.startswith(WHITEOUT) and path.count("/") < MAX_DEPTH:
                own.insides.add(path)
            if len(own.paths) + len(own.insides) > MAX_REMEMBERED:
                raise tarfile.ReadError("it has too many files")
        while hashed.read(BLOCK):
            pass
    if hashed.digest.hexdigest() != layer.diff_sha256:
        raise tarfile.ReadError("its sha256 differs from the sha256 in the configuration of the image")
    files |= found
    return own, hashed.left


def _read(reader: TarReader, member: TarMember) -> RootFile | None:
    """The content of a file, or the target of a link (with `/` before a hard link's); None for anything else, which hides
    what lower layers have there.

    Raises tarfile.ReadError for a file over MAX_FILE_BYTES.
    """
    if member.target:
        leads = f"/{member.target}" if member.type == HARD_LINK else member.target
        return RootFile(target=leads)
    if not member.is_file:
        return None
    if member.size > MAX_FILE_BYTES:
        raise tarfile.ReadError(f"`{member.name!a}` has {member.size} bytes, more than {MAX_FILE_BYTES}")
    return RootFile(reader.read(member.size))
