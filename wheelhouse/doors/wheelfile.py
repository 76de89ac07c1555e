"""What a wheel or sdist says about itself, read once and distrusted throughout. Nothing of it is run or unpacked.

A wheel is walked twice, by its local headers and by its central directory, and both must tell the same (APPNOTE 6.3.10,
4.3): what two readers would read differently is refused. Its contents are held against RECORD both ways (the binary
distribution format; PEP 815), in the one pass that decompresses them.
"""

import csv
import hashlib
import io
import mmap
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
)
from packaging.version import InvalidVersion

from wheelhouse.errors import IntegrityError
from wheelhouse.model.artifact import wheel_parts
from wheelhouse.model.metadata import Metadata, parse_metadata, parse_requires_txt
from wheelhouse.model.policy import Finding, Severity

LARGEST_METADATA = 16 << 20
LARGEST_MEMBER_IN_MEMORY = 8 << 20
BOMB_FLOOR, BOMB_RATIO = 64 << 20, 200
"""An archive that would unpack to more than 64 MiB and more than 200 times its own size is refused."""
MOST_MEMBERS = 500_000
SIGNATURES = ("RECORD.jws", "RECORD.p7s")
EOCD, LOCATOR, EOCD64 = struct.Struct("<4s4H2LH"), struct.Struct("<4sLQL"), struct.Struct("<4sQ2H2L4Q")
CENTRAL, LOCAL = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
ENCRYPTED, DESCRIPTOR, UTF8 = 0x1, 0x8, 0x800


@dataclass(frozen=True, slots=True)
class Contents:
    """What opening a file once told: its raw METADATA or PKG-INFO, what that says, and what is odd about the file."""

    raw_metadata: bytes
    metadata: Metadata
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a zip archive. `start` is where its data begins, sizes are in bytes, `mode` is st_mode or 0."""

    name: str
    method: int
    crc: int
    compressed: int
    size: int
    start: int
    mode: int


class _Refused(Exception):  # noqa: N818
    """A rule that the archive breaks, by its id."""

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(sentence)
        self.rule = rule


def inspect(path: Path, filename: str) -> Contents:
    """Open a wheel or sdist once and check all of it.

    Raises IntegrityError for an archive that cannot be trusted; what is merely odd comes back as findings.
    """
    try:
        return _inspect_wheel(path, filename) if filename.endswith(".whl") else _inspect_sdist(path, filename)
    except _Refused as refusal:
        hint = "do not install this file; ask the project that published it, or choose another version"
        raise IntegrityError(f"`{filename}` is refused ({refusal.rule}): {refusal}", hint=hint) from refusal
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        EOFError,
        struct.error,
        UnicodeDecodeError,
        ValueError,
    ) as error:
        raise IntegrityError(f"`{filename}` is not an archive that can be read: {error}") from error


def metadata_of(raw: bytes, filename: str) -> Metadata:
    """Parse a wheel's METADATA. Raises IntegrityError where it speaks of another project or version."""
    metadata = replace(parse_metadata(raw, filename), provisional=None)
    _must_match(metadata, filename)
    return metadata


# Wheels


def _inspect_wheel(path: Path, filename: str) -> Contents:
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        if not size:
            raise _Refused("zip-structure", "the file is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            members = read_members(data)
            folder = _dist_info(members, filename)
            raw = _read(data, members, f"{folder}/METADATA")
            record = _read_record(_read(data, members, f"{folder}/RECORD"))
            _read(data, members, f"{folder}/WHEEL")
            findings = tuple(_against_record(data, members, record, folder, filename))
    return Contents(raw, metadata_of(raw, filename), findings)


def read_members(data: mmap.mmap) -> dict[str, Member]:
    """The archive's members by name, after both walks agree. Raises _Refused by rule."""
    entries, directory = _central_directory(data)
    members: dict[str, Member] = {}
    position = 0
    for header in sorted(entries, key=lambda entry: entry[1]):
        member, offset, flags = header
        if offset != position:
            raise _Refused(
                "zip-hidden-data", f"{abs(offset - position)} bytes before `{member.name}` belong to no member"
            )
        start, position = _local_header(data, member, offset, flags)
        _check_name(member)
        if member.name in members:
            raise _Refused("zip-duplicate", f"`{member.name}` is in the archive twice")
        members[member.name] = replace(member, start=start)
    if position != directory:
        raise _Refused("zip-hidden-data", f"{abs(directory - position)} bytes after the last member belong to none")
    total = sum(member.size for member in members.values())
    if total > BOMB_FLOOR and total > BOMB_RATIO * len(data):
        raise _Refused("zip-bomb", f"{len(data)} bytes would unpack to {total}")
    return members


def _central_directory(data: mmap.mmap) -> tuple[list[tuple[Member, int, int]], int]:
    """(member, offset of its local header, flags) for each entry, and the offset of the directory itself."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - EOCD.size - 0xFFFF))
    if end < 0 or end + EOCD.size > len(data):
        raise _Refused("zip-structure", "it has no end-of-directory record, as a file that was cut short")
    _, disk, directory_disk, here, count, size, offset, comment = EOCD.unpack_from(data, end)
    if end + EOCD.size + comment != len(data):
        raise _Refused("zip-trailing-data", "something follows the end of the archive")
    last = end
    if 0xFFFF in (here, count) or 0xFFFFFFFF in (size, offset):
        last, disk, directory_disk, here, count, size, offset = _zip64_end(data, end)
    if disk or directory_disk or here != count or count > MOST_MEMBERS:
        raise _Refused("zip-structure", "its directory spans several disks, or is too large")
    if offset + size != last:
        raise _Refused("zip-directory", "its directory is not where, or not as long as, its end record says")
    entries, position = [], offset
    for _ in range(count):
        entry, position = _central_entry(data, position, last)
        entries.append(entry)
    if position != last:
        raise _Refused("zip-directory", f"its directory has more than the {count} entries that it counts")
    return entries, offset


def _zip64_end(data: mmap.mmap, end: int) -> tuple[int, int, int, int, int, int, int]:
    locator = end - LOCATOR.size
    if locator < 0 or data[locator : locator + 4] != b"PK\x06\x07":
        raise _Refused("zip-structure", "its ZIP64 locator is missing")
    _, _, position, _ = LOCATOR.unpack_from(data, locator)
    if position + EOCD64.size != locator or data[position : position + 4] != b"PK\x06\x06":
        raise _Refused("zip-structure", "its ZIP64 end record is not where its locator says")
    _, _, _, _, disk, directory_disk, here, count, size, offset = EOCD64.unpack_from(data, position)
    return position, disk, directory_disk, here, count, size, offset


def _central_entry(data: mmap.mmap, position: int, last: int) -> tuple[tuple[Member, int, int], int]:
    if position + CENTRAL.size > last or data[position : position + 4] != b"PK\x01\x02":
        raise _Refused("zip-directory", "an entry of its directory is damaged")
    fields = CENTRAL.unpack_from(data, position)
    _, made_by, _, flags, method, _, _, crc, compressed, size, name_length, extra_length, comment_length = fields[:13]
    attributes, offset = fields[15], fields[16]
    start = position + CENTRAL.size
    after = start + name_length + extra_length + comment_length
    if after > last:
        raise _Refused("zip-directory", "an entry of its directory is damaged")
    name = _decode(data[start : start + name_length], flags)
    extra = data[start + name_length : start + name_length + extra_length]
    size, compressed, offset = _zip64_values(extra, (size, compressed, offset))
    if flags & ENCRYPTED:
        raise _Refused("zip-encrypted", f"`{name}` is encrypted")
    if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _Refused(
            "zip-method", f"`{name}` is compressed in a way (method {method}) that not every installer reads"
        )
    mode = attributes >> 16 if made_by >> 8 == 3 else 0
    return (Member(name, method, crc, compressed, size, 0, mode), offset, flags), after


def _zip64_values(extra: bytes, values: tuple[int, int, int]) -> tuple[int, int, int]:
    """Size, compressed size and offset, those of 0xFFFFFFFF replaced from the ZIP64 extra field."""
    if 0xFFFFFFFF not in values:
        return values
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        if kind == 1:
            found = iter(struct.unpack_from(f"<{length // 8}Q", extra, position + 4))
            size, compressed, offset = (next(found, value) if value == 0xFFFFFFFF else value for value in values)
            return size, compressed, offset
        position += 4 + length
    return values


def _decode(name: bytes, flags: int) -> str:
    return name.decode("utf-8" if flags & UTF8 else "cp437")


def _local_header(data: mmap.mmap, member: Member, offset: int, flags: int) -> tuple[int, int]:
    """Where the member's data starts, and where what follows it does; the header must say what the directory says."""
    if offset + LOCAL.size > len(data) or data[offset : offset + 4] != b"PK\x03\x04":
        raise _Refused("zip-directory", f"`{member.name}` is not where the directory says")
    _, _, local_flags, method, _, _, crc, compressed, size, name_length, extra_length = LOCAL.unpack_from(data, offset)
    name_start = offset + LOCAL.size
    start = name_start + name_length + extra_length
    name = _decode(data[name_start : name_start + name_length], local_flags)
    extra = data[name_start + name_length : start]
    size, compressed, _ = _zip64_values(extra, (size, compressed, 0))
    differs = (name, method, local_flags) != (member.name, member.method, flags)
    follows = bool(flags & DESCRIPTOR)
    told = (crc, compressed, size)
    if differs or (told != (member.crc, member.compressed, member.size) and not (follows and not any(told))):
        raise _Refused("zip-disagreement", f"the two headers of `{member.name}` differ")
    end = start + member.compressed
    return start, end + (_descriptor_length(data, member, end) if follows else 0)


def _descriptor_length(data: mmap.mmap, member: Member, position: int) -> int:
    """Bytes of the data descriptor at `position`: with or without signature, with 4 or 8 bytes a size (APPNOTE 4.3.9)."""
    for layout in ("<LLL", "<LQQ"):
        plain = struct.pack(layout, member.crc, member.compressed, member.size)
        for descriptor in (b"PK\x07\x08" + plain, plain):
            if data[position : position + len(descriptor)] == descriptor:
                return len(descriptor)
    raise _Refused("zip-disagreement", f"what follows the data of `{member.name}` is not its data descriptor")


def _check_name(member: Member) -> None:
    name = member.name
    parts = name.removesuffix("/").split("/")
    if "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", name) or any(part in ("", ".", "..") for part in parts):
        raise _Refused("zip-path", f"`{name!a}` could be written outside its place")
    if member.mode and not (stat.S_ISREG(member.mode) or stat.S_ISDIR(member.mode) or not stat.S_IFMT(member.mode)):
        raise _Refused("zip-link", f"`{name}` is a link or a special file")
    if name.endswith("/") and member.size:
        raise _Refused("zip-disagreement", f"the folder `{name}` has contents")


def _dist_info(members: Iterable[str], filename: str) -> str:
    folders = {name.partition("/")[0] for name in members if re.match(r"[^/]+\.dist-info/", name)}
    if len(folders) != 1:
        raise _Refused("wheel-dist-info", f"it has {len(folders)} .dist-info folders, where a wheel has one")
    folder = folders.pop()
    project = folder.removesuffix(".dist-info").rpartition("-")[0]
    expected = wheel_parts(filename)[0]
    if canonicalize_name(project) != expected:
        raise _Refused("wheel-dist-info", f"its {folder} is not of the project `{expected}`")
    return folder


def _pieces(data: mmap.mmap, member: Member) -> Iterator[bytes]:
    """The member's contents, decompressed piece by piece, never more than its header declares."""
    compressed = memoryview(data)[member.start : member.start + member.compressed]
    try:
        if member.method == zipfile.ZIP_STORED:
            if member.compressed != member.size:
                raise _Refused("zip-disagreement", f"`{member.name}` is stored, but its two sizes differ")
            yield from (
                compressed[at : at + LARGEST_MEMBER_IN_MEMORY] for at in range(0, member.size, LARGEST_MEMBER_IN_MEMORY)
            )  # type: ignore[misc]
            return
        inflate, left = zlib.decompressobj(-zlib.MAX_WBITS), member.size
        pending: bytes | memoryview = compressed
        while not inflate.eof:
            piece = inflate.decompress(pending, min(left + 1, LARGEST_MEMBER_IN_MEMORY))
            pending, left = inflate.unconsumed_tail, left - len(piece)
            if left < 0:
                raise _Refused("zip-bomb", f"`{member.name}` unpacks to more than it declares")
            if not piece and not pending and not inflate.eof:
                raise _Refused("zip-structure", f"the data of `{member.name}` end too early")
            yield piece
        if left or inflate.unused_data:
            raise _Refused("zip-disagreement", f"`{member.name}` does not have the size that it declares")
    finally:
        compressed.release()


def _read(data: mmap.mmap, members: dict[str, Member], name: str) -> bytes:
    member = members.get(name)
    if member is None:
        raise _Refused("wheel-dist-info", f"it has no {name}")
    if member.size > LARGEST_METADATA:
        raise _Refused("zip-bomb", f"its {name} is {member.size} bytes long")
    return b"".join(bytes(piece) for piece in _pieces(data, member))


def _read_record(raw: bytes) -> dict[str, tuple[str, str]]:
    """RECORD as name → (hash, size), both as written."""
    rows = csv.reader(io.StringIO(raw.decode("utf-8"), newline=""))
    return {row[0]: (row[1] if len(row) > 1 else "", row[2] if len(row) > 2 else "") for row in rows if row}


def _against_record(
    data: mmap.mmap, members: dict[str, Member], record: dict[str, tuple[str, str]], folder: str, filename: str
) -> Iterator[Finding]:
    exempt = {f"{folder}/{name}" for name in ("RECORD", *SIGNATURES)}
    for member in members.values():
        if member.name.endswith("/"):
            continue
        declared, size = record.get(member.name, ("", ""))
        digest = _checked_digest(data, member, declared)
        if member.name in exempt:
            continue
        if member.name not in record:
            yield _odd(filename, "record-missing-row", f"`{member.name}` is in the archive, but not in RECORD")
        elif not declared:
            yield _odd(filename, "record-no-hash", f"RECORD has no hash for `{member.name}`")
        elif digest != declared.partition("=")[2].rstrip("="):
            raise _Refused("record-hash", f"`{member.name}` does not have the hash that RECORD gives")
        elif size and size != str(member.size):
            raise _Refused("record-size", f"`{member.name}` does not have the size that RECORD gives")
    for name in record.keys() - members.keys() - exempt:
        yield _odd(filename, "record-missing-file", f"RECORD names `{name}`, which is not in the archive")


def _odd(filename: str, rule: str, sentence: str) -> Finding:
    return Finding(filename, rule, Severity.WARNING, sentence)


def _checked_digest(data: mmap.mmap, member: Member, declared: str) -> str:
    """The member's digest by the algorithm that RECORD declares for it, as RECORD spells it; its CRC is checked."""
    algorithm = declared.partition("=")[0] or "sha256"
    if algorithm not in hashlib.algorithms_guaranteed:
        raise _Refused("record-hash", f"RECORD gives `{member.name}` a hash of an unknown kind, `{algorithm}`")
    digest, crc = hashlib.new(algorithm), 0
    for piece in _pieces(data, member):
        digest.update(piece)
        crc = zlib.crc32(piece, crc)
    if crc != member.crc:
        raise _Refused("zip-crc", f"`{member.name}` is damaged: its CRC does not match")
    return _urlsafe(digest.digest())


def _urlsafe(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


# Sdists


def _inspect_sdist(path: Path, filename: str) -> Contents:
    read = _read_tar if filename.endswith(".tar.gz") else _read_zip
    top, files = read(path)
    raw = files.get(f"{top}/PKG-INFO")
    if raw is None:
        raise _Refused("sdist-metadata", "it has no PKG-INFO at its top")
    metadata = parse_metadata(raw, filename)
    _must_match(metadata, filename)
    if metadata.provisional and not metadata.requires_dist:
        metadata = _with_egg_info(metadata, files)
    return Contents(raw, metadata)


def _with_egg_info(metadata: Metadata, files: dict[str, bytes]) -> Metadata:
    """Old PKG-INFO has no dependencies: setuptools wrote them into the egg-info's requires.txt beside it."""
    for name, raw in files.items():
        if re.search(r"\.egg-info/requires\.txt$", name):
            lines, extras = parse_requires_txt(raw.decode("utf-8", "replace"))
            reason = "its dependencies are those that its own egg-info noted"
            return replace(metadata, requires_dist=lines, extras=metadata.extras | extras, provisional=reason)
    return metadata


def _wanted(name: str) -> bool:
    return bool(re.fullmatch(r"[^/]+/(PKG-INFO|(.*/)?[^/]+\.egg-info/requires\.txt)", name))


def _read_tar(path: Path) -> tuple[str, dict[str, bytes]]:
    files: dict[str, bytes] = {}
    tops: set[str] = set()
    total, limit = 0, max(BOMB_FLOOR, BOMB_RATIO * path.stat().st_size)
    with tarfile.open(path, "r:gz") as archive:
        for count, member in enumerate(archive):
            total += member.size
            if total > limit or count > MOST_MEMBERS:
                raise _Refused("sdist-bomb", f"it would unpack to more than {limit} bytes")
            _check_tar_member(member)
            tops.add(member.name.partition("/")[0])
            if member.isfile() and _wanted(member.name) and member.size <= LARGEST_METADATA:
                extracted = archive.extractfile(member)
                files[member.name] = extracted.read() if extracted else b""
    return _single_top(tops, files), files


def _check_tar_member(member: tarfile.TarInfo) -> None:
    """PEP 721's `data` filter says what could be written outside its place."""
    try:
        tarfile.data_filter(member, "/unpacked")
    except tarfile.FilterError as error:
        raise _Refused("sdist-path", f"`{member.name}` could be written outside its place: {error}") from error


def _read_zip(path: Path) -> tuple[str, dict[str, bytes]]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        members = read_members(data)
        files = {name: _read(data, members, name) for name in members if _wanted(name)}
        return _single_top({name.partition("/")[0] for name in members}, files), files


def _single_top(tops: set[str], files: dict[str, bytes]) -> str:
    """The sdist's one folder at the top; old ones may hold more, and then it is the one that has PKG-INFO."""
    candidates = sorted(top for top in tops if f"{top}/PKG-INFO" in files)
    if len(candidates) != 1:
        raise _Refused("sdist-metadata", f"it has {len(candidates)} folders with PKG-INFO at its top")
    return candidates[0]


def _must_match(metadata: Metadata, filename: str) -> None:
    try:
        if filename.endswith(".whl"):
            project, version = wheel_parts(filename)[:2]
        else:
            project, version = parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion) as error:
        raise _Refused("filename", f"its name cannot be read: {error}") from error
    if metadata.project != project or metadata.version != version:
        raise _Refused("metadata-mismatch", f"its metadata speak of {metadata.project} {metadata.version}")
