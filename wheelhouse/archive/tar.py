"""Reads tars member by member, in bounded memory and linear time; nothing is unpacked here.

Formats: ustar and pax (POSIX.1-2001), and GNU's long names.
"""

import io
import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

BLOCK = tarfile.BLOCKSIZE
MAX_EXTENSION_BYTES = 64 << 10
"""Of one extended header. What writes tars needs a few hundred bytes: a long path, a time."""
MAX_EXTENSIONS = 8
"""Extended headers before one member."""
MAX_PADDING_BYTES = 1 << 20
"""Zeros after the end of the archive; tar pads to records of 10 KiB, or to what a tape takes."""
SKIP_BYTES = 1 << 20
PAX, PAX_SOLARIS, PAX_GLOBAL, LONG_NAME, LONG_LINK = b"x", b"X", b"g", b"L", b"K"
EXTENSIONS = (PAX, PAX_SOLARIS, PAX_GLOBAL, LONG_NAME, LONG_LINK)
REGULAR, HARD_LINK, SYMBOLIC_LINK, FOLDER, CONTIGUOUS = b"0", b"1", b"2", b"5", b"7"
OLD_REGULAR = b"\0"
"""A file in tars from before POSIX; a folder if its name ends in a slash."""
FILES = (REGULAR, OLD_REGULAR, CONTIGUOUS)
SPARSE = b"GNU.sparse."
"""How the records of a sparse map begin."""


@dataclass(frozen=True, slots=True)
class TarMember:
    """A member's header. `type` is the type flag of ustar; `size` is that of its content in the tar, in bytes."""

    name: str
    type: bytes
    size: int
    linkname: str
    mode: int = 0
    is_sparse: bool = False

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file; sparse files, whose content is not the one in the tar, are none."""
        return self.type in FILES and not self.is_folder and not self.is_sparse

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder: by its type, or in tars from before POSIX by the slash that ends its name."""
        return self.type == FOLDER or (self.type == OLD_REGULAR and self.name.endswith("/"))

    @property
    def target(self) -> str:
        """The path that a link leads to, as the tar has it; empty for other members."""
        return self.linkname if self.type in (HARD_LINK, SYMBOLIC_LINK) else ""

    @property
    def leads_out(self) -> bool:
        """Whether it would be written outside the folder that it is unpacked in, or is a link that leads there.

        Its own name and target decide: links that are other members are not followed.
        """
        places = [self.name]
        if self.type == SYMBOLIC_LINK:
            places.append(posixpath.join(posixpath.dirname(self.name), self.linkname))
        if self.type == HARD_LINK:
            places.append(self.linkname)
        return any(place.startswith("/") or posixpath.normpath(place).split("/")[0] == ".." for place in places)


class TarReader:
    """Reads an uncompressed tar from a stream: each member's header, and then its content with `read`.

    Raises tarfile.ReadError if the tar is cut short, a checksum is wrong, an extended header is too long, something else
    than zeros follows the end, or readers differ about a header. Tarfile reads a header of any length into memory, and
    searches pax headers in quadratic time.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._block = b""
        self._left, self._padding = 0, 0

    def __iter__(self) -> Iterator[TarMember]:
        while member := self.next():
            yield member

    def next(self) -> TarMember | None:
        """The next member, None at the end; skips what was not read of the one before."""
        self._skip(self._left + self._padding)
        self._left = self._padding = 0
        extended: dict[bytes, str] = {}
        for _ in range(MAX_EXTENSIONS + 1):
            header = self._header()
            if header is None:
                self._must_end(extended)
                return None
            if header.type not in EXTENSIONS:
                return self._begin(_with(header, extended))
            extended |= self._extension(header)
        raise tarfile.ReadError(f"it has more than {MAX_EXTENSIONS} extended headers in a row")

    def read(self, size: int) -> bytes:
        """The next `size` bytes of the current member's content, fewer only at its end; then empty."""
        data = self._exactly(min(size, self._left))
        self._left -= len(data)
        return data

    def _skip(self, size: int) -> None:
        """Pass over so many bytes. Raises ReadError if there are fewer, in a seekable stream only at the next read."""
        if self._stream.seekable():
            self._stream.seek(size, io.SEEK_CUR)  # what is cut short is noticed at the next header
            return
        while size:
            size -= len(self._exactly(min(size, SKIP_BYTES)))

    def _begin(self, member: TarMember) -> TarMember:
        """Make a member the current one and return it; the stream is then at its content."""
        if member.type == tarfile.GNUTYPE_SPARSE:
            self._skip_sparse_map()
        self._left, self._padding = member.size, -member.size % BLOCK
        return member

    def _skip_sparse_map(self) -> None:
        """Pass over the blocks with GNU's sparse map: each says in its byte 504 whether another one follows."""
        has_more = self._block[482]
        while has_more:
            has_more = self._exactly(BLOCK)[504]

    def _must_end(self, extended: dict[bytes, str]) -> None:
        """Raise ReadError if extended headers have no member, or if anything but zeros (MAX_PADDING_BYTES at most) follows the end."""
        if extended:
            raise tarfile.ReadError("an extended header belongs to no member")
        rest = self._stream.read(MAX_PADDING_BYTES + 1)
        if len(rest) > MAX_PADDING_BYTES or rest.strip(b"\0"):
            raise tarfile.ReadError("there are bytes after the end of the archive")

    def _exactly(self, size: int) -> bytes:
        """So many bytes. Raises ReadError if there are fewer."""
        data = self._stream.read(size) if size else b""
        if len(data) != size:
            raise tarfile.ReadError("it was cut short")
        return data

    def _header(self) -> TarMember | None:
        """The next header, whose block is kept in `_block`; None for a block of zeros, which ends the archive."""
        self._block = self._exactly(BLOCK)
        return _parsed(self._block) if self._block.strip(b"\0") else None

    def _extension(self, header: TarMember) -> dict[bytes, str]:
        """Read an extended header, and return the fields that it gives the member after it: path, linkpath, size, or SPARSE."""
        if header.size > MAX_EXTENSION_BYTES:
            raise tarfile.ReadError(f"an extended header has {header.size} bytes, more than {MAX_EXTENSION_BYTES}")
        content = self._exactly(header.size)
        self._exactly(-header.size % BLOCK)
        if header.type == LONG_NAME:
            return {b"path": _text(content)}
        return {b"linkpath": _text(content)} if header.type == LONG_LINK else _pax_records(content, header.type)


def _parsed(block: bytes) -> TarMember:
    """A header block as a member (POSIX.1-2001, pax, "ustar Interchange Format").

    Raises ReadError for a wrong checksum, a number that cannot be read, and a size with a type that has no content.
    """
    blanked = block[:148] + b" " * 8 + block[156:]
    excess = sum(blanked) - _number(block[148:156])
    if excess and excess != 256 * sum(byte > 127 for byte in blanked):  # old tars add signed bytes
        raise tarfile.ReadError("the checksum of a header is wrong")
    name, type_flag, size = _text(block[:100]), block[156:157], _number(block[124:136])
    if size and type_flag not in (*FILES, *EXTENSIONS, tarfile.GNUTYPE_SPARSE):
        raise tarfile.ReadError(f"the member `{name!a}` has content, but its type {type_flag!r} allows none")
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return TarMember(
        f"{prefix}/{name}" if prefix else name,
        type_flag,
        size,
        _text(block[157:257]),
        _number(block[100:108]) & 0o7777,
        type_flag == tarfile.GNUTYPE_SPARSE,
    )


def _with(member: TarMember, extended: dict[bytes, str]) -> TarMember:
    """A copy of a member with the fields of its extended headers. Raises ReadError for an invalid size."""
    try:
        size = int(extended.get(b"size", member.size))
    except ValueError as error:
        raise tarfile.ReadError("the size in a pax header is not a number") from error
    if size < 0 or (size and member.type not in (*FILES, tarfile.GNUTYPE_SPARSE)):
        raise tarfile.ReadError(f"the size in a pax header is invalid: {size}")
    return replace(
        member,
        name=extended.get(b"path", member.name),
        size=size,
        linkname=extended.get(b"linkpath", member.linkname),
        is_sparse=member.is_sparse or SPARSE in extended,
    )


def _text(field: bytes) -> str:
    """A field as text, up to its NUL; bytes that are not UTF-8 become surrogates."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    """A number: octal digits, or GNU's base 256 after a byte 0x80; 0 if the field is empty. Raises ReadError."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0") or b"0"
    if digits.strip(b"01234567"):
        raise tarfile.ReadError("a number in a header cannot be read")
    return int(digits, 8)


def _pax_records(content: bytes, type_flag: bytes) -> dict[bytes, str]:
    """The records `<length> <key>=<value>` of a pax header that change a member: path, linkpath, size; SPARSE → "" for a sparse map.

    Other records are left out. Raises ReadError for damaged ones, and if a global header has any of these.
    """
    records: dict[bytes, str] = {}
    position = 0
    while position < len(content):
        digits, space, _ = content[position : position + 8].partition(b" ")
        length = int(digits) if digits.isdigit() and space else 0
        record = content[position + len(digits) + 1 : position + length]
        key, equals, value = record.partition(b"=")
        if not equals or not record.endswith(b"\n") or position + length > len(content):
            raise tarfile.ReadError("a pax header cannot be read")
        if key.startswith(SPARSE):
            records[SPARSE] = ""
        if key in (b"path", b"linkpath", b"size"):
            if b"\0" in value:
                raise tarfile.ReadError("a pax header cannot be read")
            records[key] = _text(value[:-1])
        position += length
    if records and type_flag == PAX_GLOBAL:
        raise tarfile.ReadError("a global pax header changes the path or the size of members")
    return records
