"""Decompresses tars, up to a number of bytes that follows from the size of the file."""

import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, cast

from wheelhouse.archive.tar import TarReader
from wheelhouse.archive.ziparchive import BOMB_FLOOR, BOMB_RATIO
from wheelhouse.errors import MachineError, RefusedError, WheelhouseError

MODULES = {
    **dict.fromkeys((".tar.gz", ".tgz"), "gzip"),
    **dict.fromkeys((".tar.bz2", ".tbz"), "bz2"),
    **dict.fromkeys((".tar.xz", ".txz", ".tar.lzma", ".tlz", ".tar.lz"), "lzma"),
}
"""A tar's suffix → the module that decompresses it, with `open`. `.tar` has none."""
MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "lzma", b"\x5d\0\0": "lzma"}
"""How compressed files begin → the module."""
MAX_NAMED = 1000
"""Members that `outward_members` names."""


class _Limited(io.RawIOBase):
    """A stream that raises RefusedError when more than `limit` bytes were read in all."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._limit, self._count = stream, limit, 0

    def read(self, size: int = -1) -> bytes:
        """What the stream's own `read` returns. Raises RefusedError above the limit."""
        data = self._stream.read(size)
        self._count += len(data)
        if self._count > self._limit:
            raise RefusedError("sdist-bomb", f"it would unpack to more than {self._limit} bytes")
        return data


@contextmanager
def decompressed(path: Path, module_name: str | None) -> Iterator[BinaryIO]:
    """A stream of a file's contents, which the named module (`gzip`, `bz2`, `lzma`) decompresses; None reads the file as it is.

    Raises tarfile.ReadError for damaged data and for compressed data that end too early, MachineError if this Python lacks
    the module, RefusedError for more than BOMB_RATIO times the size of the file (BOMB_FLOOR is always allowed) or more
    than the memory, and OSError if the file cannot be read.
    """
    try:
        module = import_module(module_name) if module_name else None
    except ImportError as error:
        hint = f"run wheelhouse under a Python that has the module `{module_name}`"
        sentence = f"this Python cannot decompress `{path.name}`: it was built without {module_name}"
        raise MachineError(sentence, hint=hint) from error
    limit = max(BOMB_FLOOR, BOMB_RATIO * path.stat().st_size)
    try:
        with cast(BinaryIO, module.open(path) if module else path.open("rb")) as stream:
            yield cast(BinaryIO, _Limited(stream, limit))
    except MemoryError as error:
        raise RefusedError("sdist-bomb", "decompressing it takes more memory than this machine has") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise tarfile.ReadError(str(error)) from error
    except _errors_of_damage(module) as error:
        raise tarfile.ReadError(str(error)) from error


def _errors_of_damage(module: object) -> tuple[type[Exception], ...]:
    """The classes of errors that a module raises for damaged data, but for OSError; lzma and zstd have one of their own."""
    own = (getattr(module, name, EOFError) for name in ("LZMAError", "ZstdError"))
    return (EOFError, zlib.error, *own)


def compression_by_name(filename: str) -> str | None:
    """The name of the module that decompresses a tar, by its suffix; None for another one, such as `.tar` or mere `.gz`."""
    return next((module for suffix, module in MODULES.items() if filename.endswith(suffix)), None)


def compression_by_content(path: Path) -> str | None:
    """The name of the module that decompresses a file, by its first bytes: gzip, bz2 or lzma; None for any other, also for zstd."""
    with path.open("rb") as file:
        start = file.read(max(map(len, MAGIC)))
    return next((module for magic, module in MAGIC.items() if start.startswith(magic)), None)


def outward_members(path: Path) -> list[str]:
    """The names of members that would be unpacked outside the folder, or link there, at most MAX_NAMED; empty if it is no tar.

    Raises nothing: of a tar that is damaged, or unpacks to too much, these are the members before that place.
    """
    outward: list[str] = []
    try:
        with decompressed(path, compression_by_content(path)) as stream:
            for member in TarReader(stream):
                if member.leads_out:
                    outward.append(member.name)
                if len(outward) == MAX_NAMED:
                    break
    except (tarfile.TarError, OSError, WheelhouseError):
        return outward
    return outward
