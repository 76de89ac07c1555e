"""What an sdist says of itself, read without unpacking or running any of it (PEP 625, 643, 721)."""

import posixpath
import re
import tarfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from wheelhouse.archive.metadata import InspectedFile, Metadata, must_match, parse_metadata, parse_requires_txt
from wheelhouse.archive.tar import leads_out
from wheelhouse.archive.ziparchive import (
    BOMB_FLOOR,
    BOMB_RATIO,
    CHUNK_BYTES,
    MAX_MEMBERS,
    Watch,
    check,
    mapped,
    read_members,
    read_whole,
)
from wheelhouse.errors import MachineError, RefusedError

MAX_METADATA_BYTES = 16 << 20
WANTED = re.compile(r"[^/]+/(PKG-INFO|(.*/)?[^/]+\.egg-info/(PKG-INFO|requires\.txt))")
TOP = "./"
"""The folder of what lies in none: some sdists have no folder of their own (hexdump 3.3)."""
PKG_INFO = (
    r"\./PKG-INFO",
    r"[^/]+(?<!\.egg-info)/PKG-INFO",
    r"[^/]+/(src/)?[^/]+\.egg-info/PKG-INFO",
    r"[^/]+\.egg-info/PKG-INFO",
)
"""Where it is, first where pip looks for it; some old sdists have nothing but the last (dill 0.3.1.1, which Airflow pins)."""
MARK = re.compile(r"[^/]+/(PKG-INFO|pyproject\.toml|setup\.py)")
"""What says of a folder that it is an sdist's top."""
COMPRESSIONS = {
    **dict.fromkeys((".tar.gz", ".tgz"), "gzip"),
    **dict.fromkeys((".tar.bz2", ".tbz"), "bz2"),
    **dict.fromkeys((".tar.xz", ".txz", ".tar.lzma", ".tlz", ".tar.lz"), "lzma"),
}
"""A tar archive's suffix → the module that unpacks it, by the same `open`; `.tar` needs none."""


def read_sdist(path: Path, filename: str, watch: Watch | None = None) -> InspectedFile:
    """What an sdist says of itself; its archive is walked to the end. Raises RefusedError by rule."""
    files = _read_zip(path, watch) if filename.endswith(".zip") else _read_tar(path, filename, watch)
    raw = _pkg_info(files)
    metadata = parse_metadata(raw, filename)
    must_match(metadata, filename)
    if metadata.provisional and not metadata.requires_dist:
        metadata = _with_egg_info(metadata, files)
    return InspectedFile(raw, metadata)


def _pkg_info(files: dict[str, bytes]) -> bytes:
    """That of the sdist's top; old sdists may hold other things beside their folder."""
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

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._limit = stream, limit

    def read(self, size: int) -> bytes:
        if size > MAX_METADATA_BYTES:
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


def _read_tar(path: Path, filename: str, watch: Watch | None) -> dict[str, bytes]:
    """The wanted files of a tar archive, all of whose members are checked."""
    limit = max(BOMB_FLOOR, BOMB_RATIO * path.stat().st_size)
    with _decompressed(path, filename) as stream:
        unpacked = _Unpacked(stream, limit)
        with tarfile.open(fileobj=unpacked, mode="r:") as archive:  # type: ignore[call-overload]
            files = _walk(archive, watch)
        while unpacked.read(CHUNK_BYTES):  # gzip keeps its CRC at its end
            pass
    return files


@contextmanager
def _decompressed(path: Path, filename: str) -> Iterator[BinaryIO]:
    """The tar inside a compressed file. Raises ReadError for damaged data, which bz2 and lzma tell each in their own way."""
    name = next((module for suffix, module in COMPRESSIONS.items() if filename.endswith(suffix)), None)
    try:
        module = import_module(name) if name else None
    except ImportError as error:
        hint = f"run wheelhouse under a Python that has the module `{name}`"
        raise MachineError(f"this Python cannot unpack `{filename}`: it was built without {name}", hint=hint) from error
    try:
        with cast(BinaryIO, module.open(path) if module else path.open("rb")) as stream:
            yield stream
    except MemoryError as error:
        raise RefusedError("sdist-bomb", "unpacking it needs more memory than there is") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise tarfile.ReadError(str(error)) from error
    except getattr(module, "LZMAError", ()) as error:
        raise tarfile.ReadError(str(error)) from error


def _walk(archive: tarfile.TarFile, watch: Watch | None) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    links: set[str] = set()
    names: set[str] = set()
    for count, member in enumerate(archive):
        if count > MAX_MEMBERS:
            raise RefusedError("sdist-bomb", f"it has more than {MAX_MEMBERS} members")
        _check_tar_member(member)
        names.add(name := posixpath.normpath(member.name))
        placed = _placed(member.name)
        if member.issym():
            links.add(name)
        if not member.isfile():
            continue
        if WANTED.fullmatch(placed) and member.size <= MAX_METADATA_BYTES:
            files[placed] = b"".join(_contents(archive, member, watch))
        elif watch:
            deque(_contents(archive, member, watch), maxlen=0)
    _check_links(links, names)
    return files


def _placed(name: str) -> str:
    """Where a member is unpacked. `tar czf x.tar.gz ./x` writes `./` before every name."""
    normal = posixpath.normpath(name)
    return normal if "/" in normal else TOP + normal


def _contents(archive: tarfile.TarFile, member: tarfile.TarInfo, watch: Watch | None) -> Iterator[bytes]:
    held = archive.extractfile(member)
    contents = iter(lambda: held.read(CHUNK_BYTES) if held else b"", b"")
    return watch.passing(_placed(member.name), member.size, member.mode, contents) if watch else contents


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
        members = {
            _placed(name): msgspec.structs.replace(member, name=_placed(name))
            for name, member in read_members(data).items()
        }
        for member in members.values():
            check(data, member, watch)
        return {name: read_whole(data, members[name], MAX_METADATA_BYTES) for name in members if WANTED.fullmatch(name)}


def read_pyproject(path: Path, filename: str) -> str | None:
    """The pyproject.toml at the top of an sdist that was read before; None where it has none."""
    marks = dict((_zip_marks if filename.endswith(".zip") else _tar_marks)(path, filename))
    if any(name.startswith(TOP) for name in marks):  # it has no folder of its own
        marks = {name: raw for name, raw in marks.items() if name.startswith(TOP)}
    raw = next((raw for name, raw in marks.items() if name.endswith("/pyproject.toml")), None)
    return raw.decode("utf-8", "replace") if raw is not None else None


def _zip_marks(path: Path, _filename: str) -> Iterator[tuple[str, bytes]]:
    with mapped(path) as data:
        for name, member in read_members(data).items():
            if MARK.fullmatch(placed := _placed(name)):
                yield placed, read_whole(data, member, MAX_METADATA_BYTES)


def _tar_marks(path: Path, filename: str) -> Iterator[tuple[str, bytes]]:
    with _decompressed(path, filename) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            placed = _placed(member.name)
            if MARK.fullmatch(placed) and member.size <= MAX_METADATA_BYTES and (held := archive.extractfile(member)):
                yield placed, held.read()
