"""Reads an sdist's metadata without unpacking or running any of it (PEP 625, 643, 721)."""

import posixpath
import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec

from wheelhouse.archive.compressed import compression_by_name, decompressed
from wheelhouse.archive.deflate import crc32
from wheelhouse.archive.limits import (
    MAX_MEMBERS,
    MAX_METADATA_BYTES,
    MAX_PYPROJECT_BYTES,
    beyond,
    check_path,
)
from wheelhouse.archive.metadata import InspectedFile, Metadata, must_match, parse_metadata, parse_requires_txt
from wheelhouse.archive.tar import SYMBOLIC_LINK, TarMember, TarReader
from wheelhouse.archive.twins import twin_findings
from wheelhouse.archive.ziparchive import CHUNK_BYTES, Member, Watch, check, mapped, read_members, read_whole
from wheelhouse.errors import RefusedError

METADATA_FILES = re.compile(r"[^/]+/(PKG-INFO|(.*/)?[^/]+\.egg-info/(PKG-INFO|requires\.txt))")
TOP = "./"
"""The folder of members that lie in none: some sdists have no folder of their own (hexdump 3.3)."""
PKG_INFO = (
    r"\./PKG-INFO",
    r"[^/]+(?<!\.egg-info)/PKG-INFO",
    r"[^/]+/(src/)?[^/]+\.egg-info/PKG-INFO",
    r"[^/]+\.egg-info/PKG-INFO",
)
"""Where PKG-INFO is, first where pip looks for it; some old sdists have only the last (dill 0.3.1.1, which Airflow pins)."""
TOP_FILES = re.compile(r"[^/]+/(PKG-INFO|pyproject\.toml|setup\.py)")
"""The files that mark a folder as the top of an sdist."""
UNSAFE = re.compile(r"[\\\x00-\x1f\x7f]")


def read_sdist(path: Path, filename: str, watch: Watch | None = None) -> InspectedFile:
    """Read an sdist's metadata, and check all members; its findings are twins.

    If PKG-INFO is provisional and has no dependencies, they come from the egg-info's requires.txt, if there is one. Raises
    RefusedError by rule, tarfile.ReadError for a damaged tar, IntegrityError for a PKG-INFO without a project or a valid
    version, and MachineError if this Python cannot decompress the file.
    """
    files, names = _read_zip(path, watch) if filename.endswith(".zip") else _read_tar(path, filename, watch)
    raw = _pkg_info(files)
    metadata = parse_metadata(raw, filename)
    must_match(metadata, filename)
    if metadata.provisional and not metadata.requires_dist:
        metadata = _with_egg_info(metadata, files)
    return InspectedFile(raw, metadata, tuple(twin_findings(filename, names)))


def _pkg_info(files: Mapping[str, bytes]) -> bytes:
    """The PKG-INFO at the first place of PKG_INFO that has one. Raises RefusedError if none has, or if it has several."""
    by_place = ([raw for name, raw in files.items() if re.fullmatch(place, name)] for place in PKG_INFO)
    candidates = next(filter(None, by_place), [])
    if len(candidates) != 1:
        raise RefusedError(
            "sdist-metadata",
            f"it has {len(candidates)} top-level folders with a PKG-INFO, but an sdist must have one such folder",
        )
    return candidates[0]


def _with_egg_info(metadata: Metadata, files: Mapping[str, bytes]) -> Metadata:
    """Metadata with the dependencies of the first requires.txt, because old PKG-INFO has none; `provisional` says so.

    Its extras are added to those of the metadata. Unchanged if there is no requires.txt.
    """
    for name, raw in files.items():
        if name.endswith("/requires.txt"):
            lines, extras = parse_requires_txt(raw.decode("utf-8", "replace"))
            reason = "its dependencies come from its own egg-info"
            return replace(metadata, requires_dist=lines, extras=metadata.extras | extras, provisional=reason)
    return metadata


def _read_tar(path: Path, filename: str, watch: Watch | None) -> tuple[dict[str, bytes], list[str]]:
    """The contents of a tar's metadata files by name, and the names of all its files and links. Checks all members.

    Metadata files over MAX_METADATA_BYTES are left out. Raises RefusedError by rule, and as `decompressed` does.
    """
    with decompressed(path, compression_by_name(filename)) as stream:
        walk = _TarWalk(TarReader(stream), watch)
        for member in walk.reader:
            walk.visit(member)
        while stream.read(CHUNK_BYTES):  # gzip has its CRC at its end
            pass
    walk.check_links()
    _check_folders(name if contents else f"{name}/" for name, contents in walk.seen.items())
    return walk.files, [name for name, contents in walk.seen.items() if contents]


class _TarWalk:
    """Checks the members of a tar, one after the other, and keeps the metadata files."""

    def __init__(self, reader: TarReader, watch: Watch | None) -> None:
        self.reader, self._watch = reader, watch
        self.files: dict[str, bytes] = {}
        self.seen: dict[str, object] = {}
        """Each member's name → what distinguishes its contents from others; None for a folder."""
        self._links: set[str] = set()

    def visit(self, member: TarMember) -> None:
        """Check a member and read its contents; those of metadata go to `files`.

        Raises RefusedError by rule, also for a name that was seen before with other contents.
        """
        _check_tar_member(member)
        name = posixpath.normpath(member.name)
        if len(self.seen) >= MAX_MEMBERS:
            raise beyond(f"it has more than {MAX_MEMBERS} members")
        if member.type == SYMBOLIC_LINK:
            self._links.add(name)
        contents = (
            self._read(member, placed(name))
            if member.is_file
            else None
            if member.is_folder
            else (member.type, member.target)
        )
        if self.seen.setdefault(name, contents) != contents:
            raise RefusedError("sdist-duplicate", f"`{name}` is in the archive twice, with different contents")

    def _read(self, member: TarMember, placed: str) -> tuple[int, int]:
        """Size and CRC of a file's contents. Metadata of at most MAX_METADATA_BYTES are kept in `files`, under the name `placed`."""
        contents = iter(lambda: self.reader.read(CHUNK_BYTES), b"")
        watched = self._watch.passing(placed, member.size, member.mode, contents) if self._watch else contents
        is_kept = METADATA_FILES.fullmatch(placed) and member.size <= MAX_METADATA_BYTES
        pieces: deque[bytes] = deque(maxlen=None if is_kept else 0)
        crc = 0
        for piece in watched:
            crc = crc32(piece, crc)
            pieces.append(piece)
        if is_kept:
            self.files[placed] = b"".join(pieces)
        return member.size, crc

    def check_links(self) -> None:
        """Raise RefusedError for a member below a symbolic link: where it would be written depends on the unpacking program."""
        names = sorted(self.seen) if self._links else []
        for link in self._links:
            at = bisect_left(names, f"{link}/")
            if at < len(names) and names[at].startswith(f"{link}/"):
                raise RefusedError("sdist-path", f"`{names[at]}` has a link in its path")


def placed(name: str) -> str:
    """A member's path, normalised: `./x/y` is `x/y`. A name in no folder gets TOP before it: `y` is `./y`."""
    normal = posixpath.normpath(name)
    return normal if "/" in normal else TOP + normal


def _check_tar_member(member: TarMember) -> None:
    """Raise RefusedError for what PEP 721's `data` filter refuses (in tarfile since 3.11.4), and for more:

    for names that are absolute or have `..`, a backslash or a control character, links that climb back, sparse files, and
    paths above the limits of `check_path`.
    """
    name, target = member.name, member.target
    check_path(name)
    check_path(target)
    if name.startswith("/") or ".." in name.split("/") or _climbs_back(target) or UNSAFE.search(name + target):
        raise RefusedError("sdist-path", f"`{name}` would be unpacked outside the folder")
    if member.leads_out:
        raise RefusedError("sdist-path", f"`{name}` would be unpacked outside the folder: it links to `{target}`")
    if member.is_sparse:
        raise RefusedError("sdist-sparse", f"`{name}` is a sparse file, and programs differ in how they fill its gaps")
    if not (member.is_file or member.is_folder or member.target):
        raise RefusedError("sdist-path", f"`{name}` is neither a file nor a folder nor a link")


def _climbs_back(target: str) -> bool:
    """Whether `..` follows a folder in a link's target: if that folder is a link itself, the target is another place."""
    has_descended = False
    for part in target.split("/"):
        if part == ".." and has_descended:
            return True
        has_descended = has_descended or part not in ("", ".", "..")
    return False


def _read_zip(path: Path, watch: Watch | None) -> tuple[dict[str, bytes], list[str]]:
    """The contents of a zip's metadata files by name, and the names of all its files. Checks all members.

    Raises RefusedError by rule, also for a metadata file over MAX_METADATA_BYTES.
    """
    with mapped(path) as data:
        members = read_members(data)
        files = files_of_zip(members)
        for name, member in members.items():
            if name.endswith("/"):
                check(data, member)
        for member in files.values():
            check(data, member, watch)
        contents = {
            name: read_whole(data, member, MAX_METADATA_BYTES)
            for name, member in files.items()
            if METADATA_FILES.fullmatch(name)
        }
        return contents, list(files)


def files_of_zip(members: Mapping[str, Member]) -> dict[str, Member]:
    """The files of a zipped sdist by their `placed` names, which they have as their names; folders are left out.

    Raises RefusedError if a folder has the name of a file: which of the two is unpacked depends on the unpacking program.
    """
    _check_folders(members)
    return {
        placed(name): msgspec.structs.replace(member, name=placed(name))
        for name, member in members.items()
        if not name.endswith("/")
    }


def _check_folders(names: Iterable[str]) -> None:
    """Raise RefusedError if a folder, also one that is only in the path of a member, has the name of a file. Only folders end in `/`."""
    for name, following in pairwise(sorted(name.replace("/", "\0") for name in names)):
        if following.startswith(f"{name}\0"):
            file = name.replace("\0", "/")
            raise RefusedError("sdist-duplicate", f"`{file}` is in the archive twice, as a file and as a folder")


def read_pyproject(path: Path, filename: str) -> str | None:
    """The text of the pyproject.toml at the top of an sdist that was inspected before; None if it has none.

    The first one counts, if several folders have one; only one outside all folders, if any of TOP_FILES is outside. Invalid
    UTF-8 is replaced.

    Raises RefusedError for one of more than MAX_PYPROJECT_BYTES, and in a zip also for a PKG-INFO or setup.py at the top of
    more than MAX_METADATA_BYTES.
    """
    top_files = dict((_zip_top_files if filename.endswith(".zip") else _tar_top_files)(path, filename))
    if any(name.startswith(TOP) for name in top_files):  # it has no folder of its own
        top_files = {name: raw for name, raw in top_files.items() if name.startswith(TOP)}
    raw = next((raw for name, raw in top_files.items() if name.endswith("/pyproject.toml")), None)
    if raw is not None and len(raw) > MAX_PYPROJECT_BYTES:
        raise beyond(
            f"`{filename}` is refused (archive-limit): its pyproject.toml has more than {MAX_PYPROJECT_BYTES} bytes"
        )
    return raw.decode("utf-8", "replace") if raw is not None else None


def _zip_top_files(path: Path, _filename: str) -> Iterator[tuple[str, bytes]]:
    """(path, contents) of each of TOP_FILES in a zip. Raises RefusedError for one over MAX_METADATA_BYTES."""
    with mapped(path) as data:
        for top, member in files_of_zip(read_members(data)).items():
            if TOP_FILES.fullmatch(top):
                yield top, read_whole(data, member, MAX_METADATA_BYTES)


def _tar_top_files(path: Path, filename: str) -> Iterator[tuple[str, bytes]]:
    """(path, contents) of each of TOP_FILES in a tar; of a longer one the first MAX_PYPROJECT_BYTES + 1 bytes."""
    with decompressed(path, compression_by_name(filename)) as stream:
        reader = TarReader(stream)
        for member in reader:
            top = placed(member.name)
            if member.is_file and TOP_FILES.fullmatch(top):
                yield top, reader.read(MAX_PYPROJECT_BYTES + 1)
