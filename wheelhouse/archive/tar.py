"""Tars of any origin, read member by member in bounded memory and linear time; nothing is unpacked here.

Formats: ustar and pax (POSIX.1-2001), and GNU's long names.
"""

import io
import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from wheelhouse.documents import too_deep_as

MAX_MEMBERS = 1000
BLOCK = tarfile.BLOCKSIZE
MAX_EXTENSION_BYTES = 64 << 10
"""Of one extended header. What writes tars needs a few hundred bytes: a long path, a time."""
MAX_EXTENSIONS = 8
"""Extended headers before one member."""
MAX_PADDING_BYTES = 1 << 20
"""Zeros after the end of the archive; tar pads to records of 10 KiB, or to what a tape takes."""
SKIP_BYTES = 1 << 20
PAX, PAX_GLOBAL, LONG_NAME, LONG_LINK = b"x", b"g", b"L", b"K"
EXTENSIONS = (PAX, PAX_GLOBAL, LONG_NAME, LONG_LINK)
FILES = (b"0", b"\0")


@dataclass(frozen=True, slots=True)
class TarMember:
    """A member's header. `type` is the type flag of ustar; `size` is that of its content, in bytes."""

    name: str
    type: bytes
    size: int
    linkname: str

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.type in FILES


class TarReader:
    """Reads an uncompressed tar from a stream: each member's header, and then its content with `read`.

    Refused with tarfile.ReadError: what is cut short, a wrong checksum, an extended header that is too long, sparse members,
    and anything but zeros after the end. Tarfile reads a header of any length into memory, and searches pax headers in
    quadratic time.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left, self._padding = 0, 0

    def __iter__(self) -> Iterator[TarMember]:
        while member := self.next():
            yield member

    def next(self) -> TarMember | None:
        """The next member, None at the end; skips what was not read of the one before."""
        self._skip(self._left + self._padding)
        self._left = self._padding = 0
        extended: dict[str, str] = {}
        for _ in range(MAX_EXTENSIONS + 1):
            header = self._header()
            if header is None:
                self._must_end(extended)
                return None
            if header.type not in EXTENSIONS:
                return self._begin(_with(header, extended))
            extended |= self._extension(header)
        raise tarfile.ReadError(f"more than {MAX_EXTENSIONS} extended headers follow one another")

    def read(self, size: int) -> bytes:
        """At most so many bytes of the current member's content; empty at its end."""
        data = self._exactly(min(size, self._left))
        self._left -= len(data)
        return data

    def _skip(self, size: int) -> None:
        if self._stream.seekable():
            self._stream.seek(size, io.SEEK_CUR)  # what is cut short is noticed at the next header
            return
        while size:
            size -= len(self._exactly(min(size, SKIP_BYTES)))

    def _begin(self, member: TarMember) -> TarMember:
        """Make a member the current one."""
        self._left, self._padding = member.size, -member.size % BLOCK
        return member

    def _must_end(self, extended: dict[str, str]) -> None:
        if extended:
            raise tarfile.ReadError("an extended header belongs to no member")
        rest = self._stream.read(MAX_PADDING_BYTES + 1)
        if len(rest) > MAX_PADDING_BYTES or rest.strip(b"\0"):
            raise tarfile.ReadError("something follows the end of the archive")

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size) if size else b""
        if len(data) != size:
            raise tarfile.ReadError("it was cut short")
        return data

    def _header(self) -> TarMember | None:
        """The next header block; None for a block of zeros, which ends the archive."""
        block = self._exactly(BLOCK)
        return _parsed(block) if block.strip(b"\0") else None

    def _extension(self, header: TarMember) -> dict[str, str]:
        """What an extended header says of the member after it."""
        if header.size > MAX_EXTENSION_BYTES:
            raise tarfile.ReadError(f"an extended header has {header.size} bytes")
        content = self._exactly(header.size)
        self._exactly(-header.size % BLOCK)
        if header.type == LONG_NAME:
            return {"path": _text(content)}
        return {"linkpath": _text(content)} if header.type == LONG_LINK else _pax_records(content, header.type)


def _parsed(block: bytes) -> TarMember:
    """A header block of ustar: the fields by their offsets in POSIX.1-2001, pax, "ustar Interchange Format"."""
    unsigned = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if _number(block[148:156]) != unsigned:
        raise tarfile.ReadError("the checksum of a header is wrong")
    name, prefix = _text(block[:100]), _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    size = _number(block[124:136])
    type_flag, linkname = block[156:157], _text(block[157:257])
    holds_content = type_flag in (*FILES, *EXTENSIONS)
    if type_flag == tarfile.GNUTYPE_SPARSE or (size and not holds_content):
        raise tarfile.ReadError(f"the member `{name!a}` is of the type {type_flag!r}, with content")
    return TarMember(f"{prefix}/{name}" if prefix else name, type_flag, size, linkname)


def _with(member: TarMember, extended: dict[str, str]) -> TarMember:
    """A member with what its extended headers say."""
    try:
        size = int(extended.get("size", member.size))
    except ValueError as error:
        raise tarfile.ReadError("a pax header gives a size that is no number") from error
    if size < 0 or (size and not member.is_file):
        raise tarfile.ReadError(f"a pax header gives the size {size}")
    return replace(
        member,
        name=extended.get("path", member.name),
        size=size,
        linkname=extended.get("linkpath", member.linkname),
    )


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    """A number: octal digits, or GNU's base 256 if its first bit is set."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0") or b"0"
    if digits.strip(b"01234567"):
        raise tarfile.ReadError("a number in a header cannot be read")
    return int(digits, 8)


def _pax_records(content: bytes, type_flag: bytes) -> dict[str, str]:
    """The records `<length> <key>=<value>` of a pax header that change a member: path, linkpath, size."""
    records: dict[str, str] = {}
    position = 0
    while position < len(content):
        digits, space, _ = content[position : position + 8].partition(b" ")
        length = int(digits) if digits.isdigit() and space else 0
        record = content[position + len(digits) + 1 : position + length]
        key, equals, value = record.partition(b"=")
        if not equals or not record.endswith(b"\n") or position + length > len(content) or b"\0" in record:
            raise tarfile.ReadError("a pax header cannot be read")
        if key.startswith(b"GNU.sparse."):
            raise tarfile.ReadError("it has a sparse member")
        if key in (b"path", b"linkpath", b"size"):
            records[key.decode()] = _text(value[:-1])
        position += length
    if records and type_flag == PAX_GLOBAL:
        raise tarfile.ReadError("a global pax header names members")
    return records


class Tar(tarfile.TarFile):
    """A tar whatever of which cannot be read is a TarError: tarfile lets sparse and chained headers end in others."""

    def next(self) -> tarfile.TarInfo | None:
        try:
            with too_deep_as(ValueError):
                return super().next()
        except ValueError as error:
            raise tarfile.ReadError(f"one of its headers cannot be read: {error}") from error


def leading_out(path: Path) -> list[str]:
    """The members that would be written outside the folder, or lead there; empty for a file that is no tar.

    Raises nothing: a tar that is cut short says as much as can be read of it.
    """
    found: list[str] = []
    try:
        with Tar.open(path, "r|*") as archive:
            for member in archive:
                if leads_out(member):
                    found.append(member.name)
                if len(found) == MAX_MEMBERS:
                    break
    except (tarfile.TarError, EOFError, OSError):
        return found
    return found


def leads_out(member: tarfile.TarInfo) -> bool:
    """Whether a member would be written outside the folder that it is unpacked in, or is a link that leads there."""
    places = [member.name]
    if member.issym():
        places.append(posixpath.join(posixpath.dirname(member.name), member.linkname))
    if member.islnk():
        places.append(member.linkname)
    return any(place.startswith("/") or posixpath.normpath(place).split("/")[0] == ".." for place in places)
