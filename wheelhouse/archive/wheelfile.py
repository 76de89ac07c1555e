"""Inspects a wheel or sdist: reads it once, trusts nothing in it, runs and unpacks nothing.

A wheel's contents are compared with RECORD in both directions (the binary distribution format; PEP 815), in the pass that
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

from wheelhouse.archive.deflate import crc32
from wheelhouse.archive.filenames import is_wheel, wheel_parts
from wheelhouse.archive.limits import (
    MAX_METADATA_BYTES,
    MAX_RECORD_BYTES,
    MAX_RECORD_FIELDS,
    MAX_RECORD_ROWS,
    MAX_WHEEL_BYTES,
    beyond,
)
from wheelhouse.archive.metadata import InspectedFile, Metadata, must_match, parse_metadata
from wheelhouse.archive.sdistfile import read_sdist
from wheelhouse.archive.twins import twin_findings
from wheelhouse.archive.waivers import NOT_THIS_FILE
from wheelhouse.archive.ziparchive import Member, Watch, contents_of, crc_must_match, mapped, read_members, read_whole
from wheelhouse.errors import RefusedError
from wheelhouse.files.disk import os_errors_as_machine_error
from wheelhouse.findings import Finding, Severity
from wheelhouse.humanize import shortened

RECORD_PATH_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:[/\\]|(?:^|[/\\])\.\.(?:[/\\]|$)|\x00")
"""An absolute path, or one with `..`: pip keeps such rows, and deletes these files when it uninstalls the project."""
SIGNATURES = ("RECORD.jws", "RECORD.p7s")
WHEEL_VERSION = re.compile(rb"^Wheel-Version:[ \t]*1\.\d+[ \t\r]*$", re.MULTILINE | re.IGNORECASE)
SINGLE_WHEEL_FIELD = re.compile(rb"^(Wheel-Version|Root-Is-Purelib):(.*)$", re.MULTILINE | re.IGNORECASE)
DIST_INFO = re.compile(r"[^/]+\.dist-info/")
UNREADABLE: tuple[type[Exception], ...] = (
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
    """Read a wheel or sdist once, and check all of it; `watch` observes the contents.

    Raises RefusedError by rule, IntegrityError for metadata without a project or a valid version, and MachineError. Problems
    that every installer reads alike are findings; those of severity ERROR refuse the file, too, unless a waiver covers them
    (`Waivers.admit`).
    """
    read = _read_wheel if is_wheel(filename) else read_sdist
    with os_errors_as_machine_error(path), _refusing(filename):
        return read(path, filename, watch)


def metadata_of(raw: bytes, filename: str) -> Metadata:
    """Parse a wheel's METADATA, which are never provisional. Raises IntegrityError, also if they are of another project or version."""
    with _refusing(filename):
        return _wheel_metadata(raw, filename)


@contextmanager
def _refusing(filename: str) -> Iterator[None]:
    """Add the file's name and a hint to each RefusedError, and turn the errors of unreadable archives into RefusedError."""
    try:
        yield
    except RefusedError as refusal:
        sentence, hint = f"`{filename}` is refused ({refusal.rule}): {refusal}", _never_waived(refusal.rule)
        raise RefusedError(refusal.rule, sentence, hint=hint, stated=refusal.stated) from refusal
    except UNREADABLE as error:
        sentence = f"`{filename}` is not an archive that can be read: {error}"
        raise RefusedError("archive", sentence, hint=_never_waived("archive")) from error


def _never_waived(rule: str) -> str:
    """The hint for a rule that no waiver covers."""
    return f"{NOT_THIS_FILE} ({rule} cannot be waived)"


def _read_wheel(path: Path, filename: str, watch: Watch | None) -> InspectedFile:
    """Read and check a whole wheel; findings are about RECORD and twins.

    Raises RefusedError without the file's name, an error of UNREADABLE for a text or a file name that cannot be read, and
    IntegrityError for METADATA without a project or a valid version.
    """
    with mapped(path) as data:
        members = read_members(data)
        folder = _dist_info(members, filename)
        raw = _read(data, members, f"{folder}/METADATA", MAX_METADATA_BYTES)
        _check_wheel_file(_read(data, members, f"{folder}/WHEEL", MAX_WHEEL_BYTES))
        record, overlong = _read_record(_read(data, members, f"{folder}/RECORD", MAX_RECORD_BYTES))
        findings = (
            *(Finding.of(filename, "record-fields", Severity.ERROR, member=name) for name in overlong),
            *_against_record(data, members, record, folder, filename, watch),
            *twin_findings(filename, (name for name in members if not name.endswith("/"))),
        )
    return InspectedFile(raw, _wheel_metadata(raw, filename), findings)


def _check_wheel_file(raw: bytes) -> None:
    """Raise RefusedError if WHEEL lacks Wheel-Version 1.x, or has one of SINGLE_WHEEL_FIELD twice with different values."""
    if not WHEEL_VERSION.search(raw):
        raise RefusedError(
            "wheel-version", "its WHEEL file lacks Wheel-Version 1.x, the only version that installers read"
        )
    values: dict[bytes, bytes] = {}
    for name, value in SINGLE_WHEEL_FIELD.findall(raw):
        if values.setdefault(name.lower(), value.strip()) != value.strip():
            raise RefusedError(
                "metadata-duplicate", f"its WHEEL file has the field {name.decode()} twice, with different values"
            )


def _wheel_metadata(raw: bytes, filename: str) -> Metadata:
    """METADATA, not provisional. Raises RefusedError if they are of another project or version than the file's name states.

    Raises IntegrityError if they lack the project or a valid version.
    """
    metadata = replace(parse_metadata(raw, filename), provisional=None)
    must_match(metadata, filename)
    return metadata


def _dist_info(members: Iterable[str], filename: str) -> str:
    """The name of the only `.dist-info` folder; its version is not checked.

    Raises RefusedError if there is not exactly one, or if it is of another project, and InvalidWheelFilename if `filename`
    is no wheel's.
    """
    folders = {name.partition("/")[0] for name in members if DIST_INFO.match(name)}
    if len(folders) != 1:
        raise RefusedError(
            "wheel-dist-info", f"it has {len(folders)} .dist-info folders, but a wheel must have exactly one"
        )
    folder = folders.pop()
    project = folder.removesuffix(".dist-info").rpartition("-")[0]
    expected = wheel_parts(filename)[0]
    if canonicalize_name(project) != expected:
        raise RefusedError("wheel-dist-info", f"its {folder} does not belong to the project `{expected}`")
    return folder


def _read(data: mmap.mmap, members: dict[str, Member], name: str, limit: int) -> bytes:
    """The contents of a member that a wheel must have; the CRC is not checked.

    Raises RefusedError if it is missing, or as `read_whole` does.
    """
    if name not in members:
        raise RefusedError("wheel-dist-info", f"it has no {name}")
    return read_whole(data, members[name], limit)


def _read_record(raw: bytes) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """RECORD as name → (hash, size), both as written, and the names, shortened, of rows with more fields than three.

    In such a row the commas of the name were not quoted. Raises RefusedError above the limits, for a path outside the wheel
    and for two rows of a name that differ, and csv.Error or UnicodeDecodeError for a text that cannot be read.
    """
    record: dict[str, tuple[str, str]] = {}
    overlong: list[str] = []
    rows = filter(None, csv.reader(io.StringIO(raw.decode("utf-8"), newline="")))
    for count, row in enumerate(rows):
        if count >= MAX_RECORD_ROWS or len(row) > MAX_RECORD_FIELDS:
            raise beyond(
                f"its RECORD has more than {MAX_RECORD_ROWS} rows, or more than {MAX_RECORD_FIELDS} fields in one row"
            )
        name, declared, size = (*row, "", "")[:3] if len(row) <= 3 else (",".join(row[:-2]), *row[-2:])
        if RECORD_PATH_OUTSIDE.search(name):
            raise RefusedError("record-path", f"RECORD lists `{shortened(name)}`, which is outside the wheel")
        if len(row) > 3:
            overlong.append(shortened(name))
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
    """Findings as `_row_findings` gives them for the members, and for rows of RECORD without a member.

    Decompresses each member but folders, also those that need no row (RECORD and its signatures). Raises RefusedError for a
    damaged one.
    """
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
    """The hash algorithm of a member's row, in lower case; sha256 if it has none that is known."""
    named = record.get(member.name, ("", ""))[0].partition("=")[0].lower()
    return named if named in HASHES else "sha256"


def _row_findings(filename: str, member: Member, digest: str, row: tuple[str, str] | None) -> Iterator[Finding]:
    """At most one finding on a member's row of RECORD, the first that holds: no row, no hash, an unknown algorithm, another digest,
    another size, a weak hash. `wheelhouse.vet.rules.integrity` lists the errors as waivable rules.
    """
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
    """Whether a hash of RECORD, without its algorithm, is this digest (URL-safe base64, unpadded).

    It may be in either base64 alphabet, or in hexadecimal, as in furo 2023.3.23.
    """
    urlsafe = written.rstrip("=").replace("+", "-").replace("/", "_")
    return urlsafe == digest or written.lower() == urlsafe_b64decode(digest + "==").hex()


def _checked_digest(data: mmap.mmap, member: Member, algorithm: str, watch: Watch | None) -> str:
    """The member's digest in URL-safe base64 without padding. Raises RefusedError for a wrong CRC or size.

    `watch` gets the contents, and then the digest as in RECORD: `<algorithm>=…`.
    """
    digest, crc = hashlib.new(algorithm, usedforsecurity=False), 0
    for piece in contents_of(data, member, watch):
        digest.update(piece)
        crc = crc32(piece, crc)
    crc_must_match(member, crc)
    spelled = urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    if watch:
        watch.hashed(member.name, f"{algorithm}={spelled}")
    return spelled
