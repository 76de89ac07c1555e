"""Zip and tar archives with fixed dates, the zip ones written field by field, so that any field can be made to lie.

Zip records are those of the .ZIP File Format Specification (APPNOTE 6.3.10), sections 4.3.7, 4.3.9, 4.3.12 and 4.3.16.
"""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

EPOCH = 315532800  # 1980-01-01T00:00:00Z, the first day that a zip can tell
_DOS_TIME, _DOS_DATE = 0, 1 << 5 | 1
_UNIX = 3 << 8 | 20
_STREAMED, _UTF8 = 0x8, 0x800
_LOCAL = struct.Struct("<4s5H3L2H")
_DESCRIPTOR = struct.Struct("<4s3L")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")


@dataclass(frozen=True)
class Member:
    """One member of an archive, true by default; what is not None or False below `compress_type` departs from that.

    `flags` is or-ed to the general purpose flags (1: encrypted, 8: sizes follow the data, as a streaming writer does);
    `crc` and `size` are declared in both headers, `local_name` and `local_size` in the local one only; `hidden` leaves
    the member out of the central directory; `alias` writes no data, but points at the member before.
    """

    name: str
    data: bytes
    external_attr: int = 0o100644 << 16
    compress_type: int = zipfile.ZIP_DEFLATED
    flags: int = 0
    crc: int | None = None
    size: int | None = None
    local_name: str | None = None
    local_size: int | None = None
    hidden: bool = False
    alias: bool = False


def zip_bytes(members: Iterable[Member], *, central_size: int | None = None) -> bytes:
    """A zip archive with these members in this order; `central_size` is what its end record says, if not the truth."""
    body, central, count, offset = bytearray(), bytearray(), 0, 0
    for member in members:
        payload = _payload(member)
        if not member.alias:
            offset = len(body)
            body += _local_record(member, payload)
        if not member.hidden:
            central += _central_record(member, payload, offset)
            count += 1
    size = len(central) if central_size is None else central_size
    return bytes(body + central + _END.pack(b"PK\5\6", 0, 0, count, count, size, len(body), 0))


def compressed_tar(tar: bytes, suffix: str) -> bytes:
    """A tar archive compressed as its file's suffix says."""
    if suffix == ".tar":
        return tar
    if suffix in (".tar.gz", ".tgz"):
        return gzip.compress(tar, mtime=0)
    if suffix in (".tar.bz2", ".tbz"):
        return bz2.compress(tar)
    return lzma.compress(tar, format=lzma.FORMAT_XZ if suffix in (".tar.xz", ".txz") else lzma.FORMAT_ALONE)


def tar_bytes(members: Sequence[Member], suffix: str = ".tar.gz") -> bytes:
    """A tar archive (POSIX pax) with these members in this order, compressed; only `name` and `data` matter."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            header = tarfile.TarInfo(member.name)
            header.size, header.mtime = len(member.data), EPOCH
            archive.addfile(header, io.BytesIO(member.data))
    return compressed_tar(held.getvalue(), suffix)


def write_file(path: Path, data: bytes) -> Path:
    """Write `data` there, with the folders that it takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _payload(member: Member) -> bytes:
    if member.compress_type == zipfile.ZIP_STORED:
        return member.data
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeeze.compress(member.data) + squeeze.flush()


def _flags(member: Member) -> int:
    return member.flags | (0 if member.name.isascii() else _UTF8)


def _sums(member: Member, payload: bytes) -> tuple[int, int, int]:
    """The CRC, compressed size and size to declare."""
    crc = zlib.crc32(member.data) if member.crc is None else member.crc
    return crc, len(payload), len(member.data) if member.size is None else member.size


def _local_record(member: Member, payload: bytes) -> bytes:
    name = (member.local_name or member.name).encode()
    crc, packed, size = _sums(member, payload)
    size = size if member.local_size is None else member.local_size
    after = b""
    if member.flags & _STREAMED:
        after = _DESCRIPTOR.pack(b"PK\7\x08", crc, packed, size)
        crc = packed = size = 0
    kind = (20, _flags(member), member.compress_type, _DOS_TIME, _DOS_DATE)
    return _LOCAL.pack(b"PK\3\4", *kind, crc, packed, size, len(name), 0) + name + payload + after


def _central_record(member: Member, payload: bytes, offset: int) -> bytes:
    name = member.name.encode()
    kind = (_UNIX, 20, _flags(member), member.compress_type, _DOS_TIME, _DOS_DATE)
    lengths = (len(name), 0, 0, 0, 0)
    return _CENTRAL.pack(b"PK\1\2", *kind, *_sums(member, payload), *lengths, member.external_attr, offset) + name
