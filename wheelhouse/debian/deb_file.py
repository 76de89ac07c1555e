"""Reads a file out of a Debian package; nothing is unpacked.

Sources: deb(5): an `ar` archive whose member `data.tar` has the files; ar(5). Debian policy 12.5: the copyright file's place.
"""

import gzip
import io
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, cast

from wheelhouse.archive.tar import TarReader
from wheelhouse.debian.copyright_file import linked_package
from wheelhouse.files.disk import os_errors_as_machine_error

MAGIC, HEADER, END = b"!<arch>\n", 60, b"`\n"
MODULES = {"": None, ".gz": "gzip", ".xz": "lzma", ".bz2": "bz2", ".zst": "compression.zstd"}
"""Suffix of `data.tar` → the module that decompresses it. That for zstd is there since Python 3.14."""
MAX_MEMBERS = 16
MAX_COPYRIGHT_BYTES = 4 << 20
MAX_DATA_BYTES = 4 << 30
"""Of a package's files; the largest package of Debian has 2 GiB."""


class _Part(io.RawIOBase):
    """The next `size` bytes of a file, from its current position, as a stream."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill the buffer as far as the part and one read of the file go; the number of bytes, 0 at the end."""
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


class _Counted(io.RawIOBase):
    """A stream that raises tarfile.ReadError when more than MAX_DATA_BYTES were read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._count = stream, 0

    def read(self, size: int = -1) -> bytes:
        """What the stream's own `read` returns. Raises tarfile.ReadError above MAX_DATA_BYTES."""
        data = self._stream.read(size)
        self._count += len(data)
        if self._count > MAX_DATA_BYTES:
            raise tarfile.ReadError("it would unpack to more bytes than a package may have")
        return data


@dataclass(frozen=True, slots=True)
class CopyrightFile:
    """The text of a copyright file, or, if it is a link, the package whose copyright file counts instead. Both can be empty."""

    text: str = ""
    package: str = ""


NO_FILE = CopyrightFile()


def copyright_file(path: Path, package: str) -> CopyrightFile | None:
    """The copyright file in a `.deb`, of the package with this name; NO_FILE if it has none or is damaged.

    None if this Python lacks the module that decompresses it. Raises MachineError.
    """
    with os_errors_as_machine_error(path), path.open("rb") as file:
        try:
            with _data(file) as stream:
                return _copyright(stream, f"usr/share/doc/{package}") if stream else NO_FILE
        except (tarfile.TarError, EOFError, ValueError, gzip.BadGzipFile, zlib.error):
            return NO_FILE
        except ImportError:
            return None


@contextmanager
def _data(file: BinaryIO) -> Iterator[BinaryIO | None]:
    """A stream of the tar with a package's files, decompressed; None if the `.deb` has none, or one of an unknown suffix.

    Raises ImportError if this Python lacks the module for it, ValueError for a size that is no number, and while the stream
    is read as `_decompressed` does.
    """
    if file.read(len(MAGIC)) != MAGIC:
        yield None
        return
    for _ in range(MAX_MEMBERS):
        header = file.read(HEADER)
        if len(header) < HEADER or not header.endswith(END):
            break
        name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), int(header[48:58])
        if size < 0:
            break
        if name.startswith("data.tar"):
            yield from _decompressed(file, size, name.removeprefix("data.tar"))
            return
        file.seek(size + size % 2, io.SEEK_CUR)
    yield None


def _decompressed(file: BinaryIO, size: int, suffix: str) -> Iterator[BinaryIO | None]:
    """Yield once: a stream of the next `size` bytes, decompressed by the suffix; None if the suffix is unknown.

    Damaged data raise tarfile.ReadError, EOFError or zlib.error while the stream is read. Raises ImportError.
    """
    if suffix not in MODULES:
        yield None
        return
    name = MODULES[suffix]
    module = import_module(name) if name else None
    part = io.BufferedReader(_Part(file, size))
    try:
        with module.open(part) if module else part as stream:
            yield cast(BinaryIO, _Counted(stream))
    except getattr(module, "LZMAError", getattr(module, "ZstdError", ())) as error:
        raise tarfile.ReadError(str(error)) from error
    except OSError as error:
        if error.errno is not None:  # those of bz2 have no number
            raise
        raise tarfile.ReadError(str(error)) from error


def _copyright(stream: BinaryIO, folder: str) -> CopyrightFile:
    """The copyright file in a folder of a tar, cut at MAX_COPYRIGHT_BYTES; NO_FILE if there is none.

    If the folder or the file is a link, it is the package that the link leads to.
    """
    reader = TarReader(stream)
    for member in reader:
        place = posixpath.normpath(member.name).lstrip("/")
        if place in (folder, f"{folder}/copyright") and member.target:
            return CopyrightFile(package=linked_package(member.target))
        if place == f"{folder}/copyright" and member.is_file:
            return CopyrightFile(reader.read(MAX_COPYRIGHT_BYTES).decode("utf-8", "replace"))
    return NO_FILE
