"""Reads zip archives by their local headers and by their central directory, which must agree.

An archive that two readers would read differently is refused (APPNOTE 6.3.10, 4.3). Nothing is unpacked to disk, and only
a piece of a member is in memory at a time.
"""

import io
import mmap
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from wheelhouse.archive.deflate import DEFLATE_ERRORS, crc32, inflater
from wheelhouse.archive.limits import MAX_MEMBERS, beyond, check_path
from wheelhouse.errors import RefusedError

CHUNK_BYTES = 1 << 20
BOMB_FLOOR, BOMB_RATIO = 16 << 20, 200
"""An archive that would unpack to more than 16 MiB and more than 200 times its own size is refused."""
EOCD, LOCATOR, EOCD64 = struct.Struct("<4s4H2LH"), struct.Struct("<4sLQL"), struct.Struct("<4sQ2H2L4Q")
CENTRAL, LOCAL = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
ENCRYPTED, LEVEL, DESCRIPTOR, UTF8 = 0x2041, 0x6, 0x8, 0x800
ZIP64_FIELD, UNICODE_PATH_FIELD = 0x0001, 0x7075
IN_ZIP64 = (0xFFFF, 0xFFFFFFFF)
"""The values of a field whose real value is in the ZIP64 record."""
UNSAFE = re.compile(r"[\\\x00-\x1f\x7f]|^[A-Za-z]:|(?:^|/)\.{0,2}(?:/|$)")


class Member(msgspec.Struct, frozen=True, gc=False):
    """One file in a zip archive. `start` is where its data begins, sizes are in bytes, `mode` is st_mode or 0."""

    name: str
    method: int
    crc: int
    compressed: int
    size: int
    start: int
    mode: int


class Watch(Protocol):
    """Observes the contents of an archive while they are checked."""

    def passing(self, name: str, size: int, mode: int, contents: Iterator[bytes]) -> Iterator[bytes]:
        """The same contents, observed as they pass. The archive may still be refused afterwards."""

    def hashed(self, name: str, digest: str) -> None:
        """Called for a wheel's file after its contents passed, with their digest as RECORD writes it: `<algorithm>=<digest>`."""


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """The file's bytes, mapped into memory and read on demand, until the block ends. Raises RefusedError for an empty file."""
    with io.FileIO(path) as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:  # an empty file cannot be mapped
            raise RefusedError("zip-structure", "the file is empty") from error
    with data:
        yield data


def read_members(data: mmap.mmap) -> dict[str, Member]:
    """The archive's members by name, folders too, in the order of their data; contents are not read.

    Raises RefusedError by rule, such as if headers and directory differ, for encryption or a compression other than deflate,
    for a bad or repeated name, hidden bytes or a bomb, and UnicodeDecodeError for a name whose flag wrongly says UTF-8.
    """
    entries, directory = _central_directory(data)
    members: dict[str, Member] = {}
    position = 0
    for member, offset, flags in sorted(entries, key=lambda entry: entry[1]):
        if offset != position:
            raise _hidden(abs(offset - position), f"before `{member.name}`")
        start, position = _local_header(data, member, offset, flags)
        _check_name(member)
        if member.name in members:
            raise RefusedError("zip-duplicate", f"`{member.name}` is in the archive twice")
        members[member.name] = msgspec.structs.replace(member, start=start)
    if position != directory:
        raise _hidden(abs(directory - position), "after the last member")
    total = sum(member.size for member in members.values())
    if total > BOMB_FLOOR and total > BOMB_RATIO * len(data):
        raise RefusedError("zip-bomb", f"{len(data)} bytes would unpack to {total} bytes")
    return members


def _hidden(count: int, where: str) -> RefusedError:
    """The error about bytes that belong to no member, or to two members, for the caller to raise."""
    return RefusedError("zip-hidden-data", f"{count} bytes {where} belong to no member, or to two members")


def _central_directory(data: mmap.mmap) -> tuple[list[tuple[Member, int, int]], int]:
    """(member, offset of its local header, flags) for each entry, and the offset of the directory itself.

    Raises RefusedError by rule, and UnicodeDecodeError as `_decode` does.
    """
    last, disk, directory_disk, here, count, size, offset = _end_record(data)
    if disk or directory_disk or here != count:
        raise RefusedError("zip-structure", "its directory spans several disks")
    if count > MAX_MEMBERS:
        raise beyond(f"it has more than {MAX_MEMBERS} members")
    if offset + size != last:
        raise RefusedError("zip-directory", "its end record states a wrong place or length of the directory")
    entries, position = [], offset
    for _ in range(count):
        entry, position = _central_entry(data, position, last)
        entries.append(entry)
    if position != last:
        raise RefusedError(
            "zip-directory", f"its end record says that its directory has {count} entries, but the directory has more"
        )
    return entries, offset


def _end_record(data: mmap.mmap) -> tuple[int, ...]:
    """The position where the directory must end; this disk, the directory's disk, entries here, entries, size, offset.

    All are those of the ZIP64 end record, if there is one. Raises RefusedError if there is no end record, if more
    than its comment follows it, or if the ZIP64 one differs.
    """
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - EOCD.size - 0xFFFF))
    if end < 0 or end + EOCD.size > len(data):
        raise RefusedError("zip-structure", "it has no end-of-directory record: it was cut short")
    _, *classic, comment = EOCD.unpack_from(data, end)
    if end + EOCD.size + comment != len(data):
        raise RefusedError("zip-trailing-data", "there are bytes after the end of the archive")
    locator = end - LOCATOR.size
    if locator < 0 or data[locator : locator + 4] != b"PK\x06\x07":
        return (end, *classic)
    position, *real = _zip64_end(data, locator)
    if any(value not in IN_ZIP64 and value != actual for value, actual in zip(classic, real, strict=True)):
        raise RefusedError("zip-directory", "its two end records differ")
    return (position, *real)


def _zip64_end(data: mmap.mmap, locator: int) -> tuple[int, ...]:
    """What `_end_record` returns, from the ZIP64 end record. Raises RefusedError if that is not where its locator says."""
    _, _, position, _ = LOCATOR.unpack_from(data, locator)
    if position + EOCD64.size != locator or data[position : position + 4] != b"PK\x06\x06":
        raise RefusedError("zip-structure", "its ZIP64 end record is not where its locator says")
    _, _, _, _, *real = EOCD64.unpack_from(data, position)
    return (position, *real)


def _central_entry(data: mmap.mmap, position: int, last: int) -> tuple[tuple[Member, int, int], int]:
    """(member, offset of its local header, flags), and the position of the next entry. The member's `start` is 0.

    Raises RefusedError, also for encryption and a compression other than deflate, and UnicodeDecodeError as `_decode` does.
    """
    if position + CENTRAL.size > last or data[position : position + 4] != b"PK\x01\x02":
        raise RefusedError("zip-directory", "an entry of its directory is damaged")
    fields = CENTRAL.unpack_from(data, position)
    flags, method, crc, compressed, size, name_length, extra_length, comment_length = *fields[3:5], *fields[7:13]
    attributes, offset = fields[15], fields[16]
    start = position + CENTRAL.size
    after = start + name_length + extra_length + comment_length
    if after > last:
        raise RefusedError("zip-directory", "an entry of its directory is damaged")
    name = _decode(data[start : start + name_length], flags)
    if extra_length:
        extra = data[start + name_length : start + name_length + extra_length]
        size, compressed, offset = _zip64_values(extra, (size, compressed, offset))
        _check_extra(extra, name)
    if flags & ENCRYPTED:
        raise RefusedError("zip-encrypted", f"`{name}` is encrypted")
    if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RefusedError(
            "zip-method", f"`{name}` uses compression method {method}, which some installers cannot read"
        )
    return (Member(name, method, crc, compressed, size, 0, attributes >> 16), offset, flags), after


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """The extra field's parts: (kind, content). A content that is cut short is given as it is, a header left out."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        yield kind, extra[position + 4 : position + 4 + length]
        position += 4 + length


def _zip64_values(extra: bytes, values: tuple[int, int, int]) -> tuple[int, int, int]:
    """Size, compressed size and offset, those of 0xFFFFFFFF replaced from the ZIP64 extra field, as far as it has them."""
    if 0xFFFFFFFF not in values:
        return values
    for kind, content in _fields(extra):
        if kind == ZIP64_FIELD:
            values64 = iter(struct.unpack_from(f"<{len(content) // 8}Q", content))
            size, compressed, offset = (next(values64, value) if value == 0xFFFFFFFF else value for value in values)
            return size, compressed, offset
    return values


def _check_extra(extra: bytes, name: str) -> None:
    """Raise RefusedError if a Unicode path field has another name, which some readers prefer to the first."""
    for kind, content in _fields(extra):
        if kind == UNICODE_PATH_FIELD and content[5:] != name.encode():
            raise RefusedError("zip-disagreement", f"`{name}` has another name in its Unicode path field")


def _decode(name: bytes, flags: int) -> str:
    """A name as APPNOTE 4.4.4 decodes it: UTF-8 if the flag says so or it is ASCII, else cp437.

    Raises UnicodeDecodeError.
    """
    return name.decode("utf-8" if flags & UTF8 or name.isascii() else "cp437")


def _local_header(data: mmap.mmap, member: Member, offset: int, flags: int) -> tuple[int, int]:
    """Positions of the member's data and of what follows it and its data descriptor.

    Raises RefusedError if header or descriptor differ from the directory, and UnicodeDecodeError as `_decode` does.
    """
    if offset + LOCAL.size > len(data) or data[offset : offset + 4] != b"PK\x03\x04":
        raise RefusedError("zip-directory", f"`{member.name}` is not where the directory says")
    _, _, local_flags, method, _, _, crc, compressed, size, name_length, extra_length = LOCAL.unpack_from(data, offset)
    name_start = offset + LOCAL.size
    start = name_start + name_length + extra_length
    name = _decode(data[name_start : name_start + name_length], local_flags)
    if extra_length:
        extra = data[name_start + name_length : start]
        size, compressed, _ = _zip64_values(extra, (size, compressed, 0))
        _check_extra(extra, name)
    differs = (name, method) != (member.name, member.method) or (local_flags ^ flags) & ~LEVEL
    follows = bool(flags & DESCRIPTOR)
    sizes = (crc, compressed, size)
    if differs or (sizes != (member.crc, member.compressed, member.size) and not (follows and not any(sizes))):
        raise RefusedError("zip-disagreement", f"the two headers of `{member.name}` differ")
    end = start + member.compressed
    return start, end + (_descriptor_length(data, member, end) if follows else 0)


def _descriptor_length(data: mmap.mmap, member: Member, position: int) -> int:
    """Bytes of the data descriptor at `position`: with or without signature, with 4 or 8 bytes a size (APPNOTE 4.3.9).

    Raises RefusedError if there is none that matches the member.
    """
    for layout in ("<LLL", "<LQQ")[member.size > 0xFFFFFFFF :]:
        plain = struct.pack(layout, member.crc, member.compressed, member.size)
        for descriptor in (b"PK\x07\x08" + plain, plain):
            if data[position : position + len(descriptor)] == descriptor:
                return len(descriptor)
    raise RefusedError("zip-disagreement", f"`{member.name}` has no matching data descriptor after its data")


def _check_name(member: Member) -> None:
    """Raise RefusedError for a path outside the archive's folder, a link or special file, and a folder with contents.

    Also for a path above the limits of `check_path`, and for one with a backslash, a control character, or an empty or `.`
    part.
    """
    name = member.name
    check_path(name)
    if UNSAFE.search(name.removesuffix("/")):
        raise RefusedError("zip-path", f"`{name}` would be unpacked outside the folder")
    if stat.S_IFMT(member.mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise RefusedError("zip-link", f"`{name}` is a link or a special file")
    if name.endswith("/") and member.size:
        raise RefusedError("zip-disagreement", f"the member `{name}` is a folder, but has data")


def chunks(data: mmap.mmap, member: Member) -> Iterator[bytes]:
    """The member's contents in pieces, decompressed, never more than its header declares.

    Raises RefusedError for damaged deflated data, and for another size than its header declares. The CRC is not checked.
    """
    if member.method == zipfile.ZIP_DEFLATED:
        yield from _inflated(data, member)
        return
    if member.compressed != member.size:
        raise RefusedError(
            "zip-disagreement",
            f"`{member.name}` is stored without compression, but its compressed size differs from its size",
        )
    for at in range(member.start, member.start + member.size, CHUNK_BYTES):
        yield data[at : min(at + CHUNK_BYTES, member.start + member.size)]


def _inflated(data: mmap.mmap, member: Member) -> Iterator[bytes]:
    """The contents of a deflated member in pieces. Raises RefusedError if they are damaged, or of another size than its header says."""
    inflate, left = inflater(), member.size
    position, end = member.start, member.start + member.compressed
    pending = b""
    while not inflate.eof:
        if not pending and position < end:
            pending = data[position : min(position + CHUNK_BYTES, end)]
            position += len(pending)
        try:
            piece = inflate.decompress(pending, min(left + 1, CHUNK_BYTES))
        except DEFLATE_ERRORS as error:
            raise RefusedError(
                "zip-structure", f"the data of `{member.name}` cannot be decompressed: {error}"
            ) from error
        pending, left = inflate.unconsumed_tail, left - len(piece)
        if left < 0:
            raise RefusedError("zip-bomb", f"`{member.name}` unpacks to more bytes than its header states")
        if not (piece or pending or inflate.eof) and position == end:
            raise RefusedError("zip-structure", f"the data of `{member.name}` end too early")
        yield piece
    if left or inflate.unused_data or position < end:
        raise RefusedError("zip-disagreement", f"the size of `{member.name}` differs from the size in its header")


def contents_of(data: mmap.mmap, member: Member, watch: Watch | None) -> Iterator[bytes]:
    """The member's contents in pieces, observed by `watch` if there is one. The CRC is not checked."""
    contents = chunks(data, member)
    return watch.passing(member.name, member.size, member.mode, contents) if watch else contents


def read_whole(data: mmap.mmap, member: Member, limit: int) -> bytes:
    """The contents of a member; the CRC is not checked. Raises RefusedError if they have more than `limit` bytes, or as `chunks` does."""
    if member.size > limit:
        raise beyond(f"its {member.name} has {member.size} bytes, more than {limit}")
    return b"".join(chunks(data, member))


def check(data: mmap.mmap, member: Member, watch: Watch | None = None) -> None:
    """Decompress a member, and return nothing. Raises RefusedError if its CRC or a size is not that of its header."""
    crc = 0
    for piece in contents_of(data, member, watch):
        crc = crc32(piece, crc)
    crc_must_match(member, crc)


def crc_must_match(member: Member, crc: int) -> None:
    """Raise RefusedError if the contents have another CRC than the header says."""
    if crc != member.crc:
        raise RefusedError("zip-crc", f"`{member.name}` is damaged: its CRC does not match")
