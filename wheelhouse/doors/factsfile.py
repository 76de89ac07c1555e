"""Facts from a wheel's or sdist's bytes: names, sizes and kinds of what is inside, and the small texts that rules read."""

import re
import tarfile
from collections.abc import Iterator
from email.parser import BytesHeaderParser
from pathlib import Path

from wheelhouse.doors.wheelfile import inspect
from wheelhouse.doors.ziparchive import Member, mapped, pieces, read_members
from wheelhouse.model.facts import Entry, Facts
from wheelhouse.model.lock import Pin

LARGEST_TEXT = 1 << 20
MAGIC = (
    (b"\x7fELF", "elf"),
    (b"MZ", "pe"),
    (b"\xcf\xfa\xed\xfe", "macho"),
    (b"\xca\xfe\xba\xbe", "macho"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"#!", "script"),
)
TEXTS = re.compile(
    r"""[^/]+\.pth | (.*/)?(sitecustomize|usercustomize)\.py | [^/]+\.data/scripts/[^/]+ | [^/]+\.dist-info/entry_points\.txt
    | [^/]+\.dist-info/(licenses/.+|LICEN[CS]E[^/]*|COPYING[^/]*) | [^/]+\.dist-info/sboms/.+
    | [^/]+/(setup\.py|setup\.cfg|pyproject\.toml)""",
    re.VERBOSE | re.IGNORECASE,
)


def read_facts(path: Path, pin: Pin, target: str) -> Facts:
    """Open a file of a house and gather what rules look at. Raises RefusedError for an archive that cannot be trusted."""
    contents = inspect(path, pin.artifact.filename)
    entries, texts = _from_wheel(path) if pin.artifact.is_wheel else _from_sdist(path)
    return Facts(
        pin=pin,
        target=target,
        raw_metadata=contents.raw_metadata,
        metadata=contents.metadata,
        entries=entries,
        texts=texts,
        headers=headers_of(contents.raw_metadata),
        findings=contents.findings,
    )


def headers_of(raw_metadata: bytes) -> dict[str, tuple[str, ...]]:
    """Core metadata fields by name in lower case, each with all its values."""
    header = re.split(rb"\r?\n\r?\n", raw_metadata, maxsplit=1)[0]
    message = BytesHeaderParser().parsebytes(header + b"\n\n")
    return {name.lower(): tuple(str(value) for value in message.get_all(name, ())) for name in set(message.keys())}


def _from_wheel(path: Path) -> tuple[tuple[Entry, ...], dict[str, str]]:
    entries: list[Entry] = []
    texts: dict[str, str] = {}
    with mapped(path) as data:
        for member in read_members(data).values():
            if member.name.endswith("/"):
                continue
            start = _start(pieces(data, member))
            entries.append(_entry(member.name, member.size, member.mode, start))
            if TEXTS.fullmatch(member.name) and member.size <= LARGEST_TEXT:
                texts[member.name] = _whole(member, pieces(data, member))
    return tuple(entries), texts


def _start(contents: Iterator[bytes | memoryview]) -> bytes:
    with_start = bytes(next(contents, b"")[:8])
    contents.close()  # type: ignore[attr-defined]
    return with_start


def _whole(member: Member, contents: Iterator[bytes | memoryview]) -> str:
    return b"".join(bytes(piece) for piece in contents)[: member.size].decode("utf-8", "replace")


def _from_sdist(path: Path) -> tuple[tuple[Entry, ...], dict[str, str]]:
    if not path.name.endswith(".tar.gz"):
        return _from_wheel(path)
    entries: list[Entry] = []
    texts: dict[str, str] = {}
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            contents = archive.extractfile(member) if member.isfile() else None
            if contents is None:
                continue
            wanted = bool(TEXTS.fullmatch(member.name)) and member.size <= LARGEST_TEXT
            raw = contents.read(member.size if wanted else 8)
            entries.append(_entry(member.name, member.size, member.mode, raw[:8]))
            if wanted:
                texts[member.name] = raw.decode("utf-8", "replace")
    return tuple(entries), texts


def _entry(name: str, size: int, mode: int, start: bytes) -> Entry:
    kind = next((kind for magic, kind in MAGIC if start.startswith(magic)), "")
    return Entry(name, size, bool(mode & 0o111), kind)
