"""What a wheel or sdist says about itself, read once and distrusted throughout. Nothing of it is run or unpacked.

A wheel's contents are held against RECORD both ways (the binary distribution format; PEP 815), in the one pass that
decompresses them.
"""

import csv
import gzip
import hashlib
import io
import mmap
import re
import struct
import tarfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name

from wheelhouse.archive.deflate import DEFLATE_ERRORS, crc32
from wheelhouse.archive.filenames import is_wheel, wheel_parts
from wheelhouse.archive.metadata import InspectedFile, Metadata, must_match, parse_metadata
from wheelhouse.archive.sdistfile import read_sdist
from wheelhouse.archive.waivers import NOT_THIS_FILE
from wheelhouse.archive.ziparchive import Member, Watch, contents_of, crc_must_match, mapped, read_members, read_whole
from wheelhouse.errors import RefusedError
from wheelhouse.files.disk import os_errors_as_machine_error
from wheelhouse.findings import Finding, Severity

LARGEST_METADATA, LARGEST_RECORD = 16 << 20, 64 << 20
SIGNATURES = ("RECORD.jws", "RECORD.p7s")
WHEEL_VERSION = re.compile(rb"^Wheel-Version:[ \t]*1\.\d+[ \t\r]*$", re.MULTILINE | re.IGNORECASE)
DIST_INFO = re.compile(r"[^/]+\.dist-info/")
UNREADABLE: tuple[type[Exception], ...] = (
    *DEFLATE_ERRORS,
    tarfile.TarError,
    gzip.BadGzipFile,
    EOFError,
    struct.error,
    csv.Error,
    ValueError,
)
WEAK_HASHES = frozenset(("md5", "sha1", "sha224"))
HASHES = frozenset(name for name in hashlib.algorithms_guaranteed if not name.startswith("shake"))


def inspect(path: Path, filename: str, watch: Watch | None = None) -> InspectedFile:
    """Open a wheel or sdist once and check all of it; `watch` sees what passes.

    Raises RefusedError for an archive that cannot be trusted. What every installer reads alike comes back as findings, of
    which the errors refuse the file, too, unless a waiver covers them (`Waivers.admit`).
    """
    read = _read_wheel if is_wheel(filename) else read_sdist
    with os_errors_as_machine_error(path), _refusing(filename):
        return read(path, filename, watch)


def metadata_of(raw: bytes, filename: str) -> Metadata:
    """Parse a wheel's METADATA. Raises IntegrityError where it speaks of another project or version."""
    with _refusing(filename):
        return _wheel_metadata(raw, filename)


@contextmanager
def _refusing(filename: str) -> Iterator[None]:
    """What breaks a rule, or cannot be read, becomes a sentence that names the file."""
    try:
        yield
    except RefusedError as refusal:
        sentence, hint = f"`{filename}` is refused ({refusal.rule}): {refusal}", _never_waived(refusal.rule)
        raise RefusedError(refusal.rule, sentence, hint=hint, stated=refusal.stated) from refusal
    except UNREADABLE as error:
        sentence = f"`{filename}` is not an archive that can be read: {error}"
        raise RefusedError("archive", sentence, hint=_never_waived("archive")) from error


def _never_waived(rule: str) -> str:
    return f"{NOT_THIS_FILE} ({rule} is a rule that nobody can waive)"


def _read_wheel(path: Path, filename: str, watch: Watch | None) -> InspectedFile:
    with mapped(path) as data:
        members = read_members(data)
        folder = _dist_info(members, filename)
        raw = _read(data, members, f"{folder}/METADATA", LARGEST_METADATA)
        if not WHEEL_VERSION.search(_read(data, members, f"{folder}/WHEEL", LARGEST_METADATA)):
            raise RefusedError(
                "wheel-version", "its WHEEL does not say Wheel-Version 1.x, the one that installers read"
            )
        record, overlong = _read_record(_read(data, members, f"{folder}/RECORD", LARGEST_RECORD))
        findings = (
            *(Finding.of(filename, "record-fields", Severity.ERROR, member=name) for name in overlong),
            *_against_record(data, members, record, folder, filename, watch),
        )
    return InspectedFile(raw, _wheel_metadata(raw, filename), findings)


def _wheel_metadata(raw: bytes, filename: str) -> Metadata:
    metadata = replace(parse_metadata(raw, filename), provisional=None)
    must_match(metadata, filename)
    return metadata


def _dist_info(members: Iterable[str], filename: str) -> str:
    folders = {name.partition("/")[0] for name in members if DIST_INFO.match(name)}
    if len(folders) != 1:
        raise RefusedError("wheel-dist-info", f"it has {len(folders)} .dist-info folders, where a wheel has one")
    folder = folders.pop()
    project = folder.removesuffix(".dist-info").rpartition("-")[0]
    expected = wheel_parts(filename)[0]
    if canonicalize_name(project) != expected:
        raise RefusedError("wheel-dist-info", f"its {folder} is not of the project `{expected}`")
    return folder


def _read(data: mmap.mmap, members: dict[str, Member], name: str, most: int) -> bytes:
    if name not in members:
        raise RefusedError("wheel-dist-info", f"it has no {name}")
    return read_whole(data, members[name], most)


def _read_record(raw: bytes) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """RECORD as name → (hash, size), both as written, and the names of rows with more fields than three.

    In such a row the commas of the name were not quoted. Raises RefusedError for two rows that contradict each other.
    """
    record: dict[str, tuple[str, str]] = {}
    overlong: list[str] = []
    for row in filter(None, csv.reader(io.StringIO(raw.decode("utf-8"), newline=""))):
        name, declared, size = (*row, "", "")[:3] if len(row) <= 3 else (",".join(row[:-2]), *row[-2:])
        if len(row) > 3:
            overlong.append(name)
        if record.setdefault(name, (declared, size)) != (declared, size):
            raise RefusedError("record-duplicate", f"RECORD has two rows for `{name}`, and they differ")
    return record, overlong


def _against_record(
    data: mmap.mmap,
    members: dict[str, Member],
    record: dict[str, tuple[str, str]],
    folder: str,
    filename: str,
    watch: Watch | None,
) -> Iterator[Finding]:
    exempt = {f"{folder}/{name}" for name in ("RECORD", *SIGNATURES)}
    for member in members.values():
        if member.name.endswith("/"):
            continue
        digest = _checked_digest(data, member, _algorithm(record, member), watch)
        if member.name not in exempt:
            yield from _row_findings(filename, member, digest, record.get(member.name))
    for name in sorted(record.keys() - members.keys() - exempt):
        yield Finding.of(filename, "record-missing-file", Severity.WARNING, member=name)


def _algorithm(record: dict[str, tuple[str, str]], member: Member) -> str:
    named = record.get(member.name, ("", ""))[0].partition("=")[0].lower()
    return named if named in HASHES else "sha256"


def _row_findings(filename: str, member: Member, digest: str, row: tuple[str, str] | None) -> Iterator[Finding]:
    """The worst finding on a member's row of RECORD. `wheelhouse.vet.rules.integrity` lists the errors as waivable rules."""
    declared, size = row or ("", "")
    named, _, expected = declared.partition("=")
    algorithm, name = named.lower(), member.name
    if row is None:
        yield Finding.of(filename, "record-missing-row", Severity.WARNING, member=name)
    elif not declared:
        yield Finding.of(filename, "record-no-hash", Severity.WARNING, member=name)
    elif algorithm and algorithm not in HASHES:
        yield Finding.of(filename, "record-hash", Severity.ERROR, case="kind", member=name, algorithm=named)
    elif not _is_digest(expected, digest):
        yield Finding.of(filename, "record-hash", Severity.ERROR, case="differs", member=name)
    elif size and size != str(member.size):
        yield Finding.of(filename, "record-size", Severity.ERROR, member=name)
    elif algorithm in WEAK_HASHES:
        yield Finding.of(filename, "record-weak-hash", Severity.WARNING, member=name, algorithm=algorithm)


def _is_digest(written: str, digest: str) -> bool:
    """Whether RECORD wrote this digest: in either base64 alphabet, or in hexadecimal, as furo 2023.3.23 did."""
    urlsafe = written.rstrip("=").replace("+", "-").replace("/", "_")
    return urlsafe == digest or written.lower() == urlsafe_b64decode(digest + "==").hex()


def _checked_digest(data: mmap.mmap, member: Member, algorithm: str, watch: Watch | None) -> str:
    """The member's digest as RECORD spells it; its CRC is checked in the same pass."""
    digest, crc = hashlib.new(algorithm, usedforsecurity=False), 0
    for piece in contents_of(data, member, watch):
        digest.update(piece)
        crc = crc32(piece, crc)
    crc_must_match(member, crc)
    spelled = urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    if watch:
        watch.hashed(member.name, f"{algorithm}={spelled}")
    return spelled
