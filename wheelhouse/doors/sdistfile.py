"""What an sdist says of itself, read without unpacking or running any of it (PEP 625, 643, 721)."""

import gzip
import re
import tarfile
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wheelhouse.doors.tar import leads_out
from wheelhouse.doors.ziparchive import (
    BOMB_FLOOR,
    BOMB_RATIO,
    MOST_MEMBERS,
    PIECE,
    Watch,
    check,
    mapped,
    read_members,
    read_whole,
)
from wheelhouse.errors import RefusedError
from wheelhouse.model.metadata import Contents, Metadata, must_match, parse_metadata, parse_requires_txt

LARGEST_METADATA = 16 << 20
WANTED = re.compile(r"[^/]+/(PKG-INFO|(.*/)?[^/]+\.egg-info/(PKG-INFO|requires\.txt))")
PKG_INFO = (r"[^/]+/PKG-INFO", r"[^/]+/(src/)?[^/]+\.egg-info/PKG-INFO")
"""Where it is, and where some old sdists have nothing else (dill 0.3.1.1, which Airflow's constraints pin)."""


def read_sdist(path: Path, filename: str, watch: Watch | None = None) -> Contents:
    """What an sdist says of itself; its archive is walked to the end. Raises RefusedError by rule."""
    files = _read_tar(path, watch) if filename.endswith(".tar.gz") else _read_zip(path, watch)
    raw = _pkg_info(files)
    metadata = parse_metadata(raw, filename)
    must_match(metadata, filename)
    if metadata.provisional and not metadata.requires_dist:
        metadata = _with_egg_info(metadata, files)
    return Contents(raw, metadata)


def _pkg_info(files: dict[str, bytes]) -> bytes:
    """That of the sdist's one folder at the top; old sdists may hold other things beside it."""
    everywhere = ([raw for name, raw in files.items() if re.fullmatch(place, name)] for place in PKG_INFO)
    found = next(filter(None, everywhere), [])
    if len(found) != 1:
        raise RefusedError("sdist-metadata", f"it has {len(found)} folders with PKG-INFO at its top")
    return found[0]


def _with_egg_info(metadata: Metadata, files: dict[str, bytes]) -> Metadata:
    """Old PKG-INFO has no dependencies: setuptools wrote them into the egg-info's requires.txt beside it."""
    for name, raw in files.items():
        if name.endswith("/requires.txt"):
            lines, extras = parse_requires_txt(raw.decode("utf-8", "replace"))
            reason = "its dependencies are those that its own egg-info noted"
            return replace(metadata, requires_dist=lines, extras=metadata.extras | extras, provisional=reason)
    return metadata


class _Unpacked:
    """An unpacked stream that ends before it fills the memory or the day: tarfile reads whole headers at once."""

    def __init__(self, stream: gzip.GzipFile, limit: int) -> None:
        self._stream, self._limit = stream, limit

    def read(self, size: int) -> bytes:
        if size > LARGEST_METADATA:
            raise RefusedError("sdist-bomb", f"one of its headers is {size} bytes long")
        block = self._stream.read(size)
        self._check(self.tell())
        return block

    def seek(self, position: int) -> int:
        self._check(position)
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise RefusedError("sdist-bomb", f"it would unpack to more than {self._limit} bytes")


def _read_tar(path: Path, watch: Watch | None) -> dict[str, bytes]:
    """The wanted files of a tar archive, all of whose members are checked."""
    limit = max(BOMB_FLOOR, BOMB_RATIO * path.stat().st_size)
    with gzip.open(path) as stream:
        unpacked = _Unpacked(stream, limit)
        with tarfile.open(fileobj=unpacked, mode="r:") as archive:  # type: ignore[call-overload]
            files = _walk(archive, watch)
        while unpacked.read(PIECE):  # gzip keeps its CRC at its end
            pass
    return files


def _walk(archive: tarfile.TarFile, watch: Watch | None) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    links: set[str] = set()
    names: set[str] = set()
    for count, member in enumerate(archive):
        if count > MOST_MEMBERS:
            raise RefusedError("sdist-bomb", f"it has more than {MOST_MEMBERS} members")
        _check_tar_member(member)
        names.add(member.name)
        if member.issym():
            links.add(member.name)
        if not member.isfile():
            continue
        if WANTED.fullmatch(member.name) and member.size <= LARGEST_METADATA:
            files[member.name] = b"".join(_contents(archive, member, watch))
        elif watch:
            deque(_contents(archive, member, watch), maxlen=0)
    _check_links(links, names)
    return files


def _contents(archive: tarfile.TarFile, member: tarfile.TarInfo, watch: Watch | None) -> Iterator[bytes]:
    held = archive.extractfile(member)
    contents = iter(lambda: held.read(PIECE) if held else b"", b"")
    return watch.passing(member.name, member.size, member.mode, contents) if watch else contents


def _check_tar_member(member: tarfile.TarInfo) -> None:
    """What PEP 721's `data` filter refuses, under every Python (tarfile has it since 3.11.4); beside that, no name may climb."""
    name, target = member.name, member.linkname if member.islnk() or member.issym() else ""
    climbs = re.search(r"[^./][^/]*/(.*/)?\.\.(/|$)", target) or ".." in name.split("/")
    if name.startswith("/") or climbs or re.search(r"[\\\x00-\x1f\x7f]", name + target):
        raise RefusedError("sdist-path", f"`{name}` could be written outside its place")
    if leads_out(member):
        raise RefusedError("sdist-path", f"`{name}` could be written outside its place: it links to `{target}`")
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise RefusedError("sdist-path", f"`{name}` is neither a file nor a folder nor a link")


def _check_links(links: set[str], names: set[str]) -> None:
    """Nothing may lie behind a link: where it would be written depends on who unpacks it, and in which order."""
    if not links:
        return
    for name in names:
        parts = name.split("/")
        if any("/".join(parts[:depth]) in links for depth in range(1, len(parts))):
            raise RefusedError("sdist-path", f"`{name}` lies behind a link")


def _read_zip(path: Path, watch: Watch | None) -> dict[str, bytes]:
    with mapped(path) as data:
        members = read_members(data)
        for member in members.values():
            check(data, member, watch)
        return {name: read_whole(data, members[name], LARGEST_METADATA) for name in members if WANTED.fullmatch(name)}


def read_pyproject(path: Path, filename: str) -> str | None:
    """The pyproject.toml at the top of an sdist that was read before; None where it has none."""
    wanted = re.compile(r"[^/]+/pyproject\.toml")
    if not filename.endswith(".tar.gz"):
        with mapped(path) as data:
            members = read_members(data)
            names = [name for name in members if wanted.fullmatch(name)]
            return read_whole(data, members[names[0]], LARGEST_METADATA).decode("utf-8", "replace") if names else None
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            if (
                wanted.fullmatch(member.name)
                and member.size <= LARGEST_METADATA
                and (held := archive.extractfile(member))
            ):
                return held.read().decode("utf-8", "replace")
    return None
