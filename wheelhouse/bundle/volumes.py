"""A bundle as one file or as volumes, each with its own sha256, so that a damaged one can be sent again alone."""

import hashlib
import io
import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import msgspec

from wheelhouse.documents import DocumentType
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.files.disk import os_errors_as_machine_error, read_regular, sha256_of, temp_file, write
from wheelhouse.files.temporary import shared_folder

INDEX_SUFFIX = ".volumes.json"
MAX_INDEX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume: its file name, its sha256, and its size in bytes."""

    name: str
    sha256: str
    size: int


class VolumeWriter(io.RawIOBase):
    """A stream that starts a new volume after every `limit` bytes. `finish` gives the volumes their names."""

    def __init__(self, path: Path, limit: int | None, stack: ExitStack) -> None:
        self._path, self._limit, self._stack = path, limit, stack
        self._open: BinaryIO | None = None
        self._temporary: list[Path] = []
        self._digest, self._size = hashlib.sha256(), 0
        self.volumes: list[Volume] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        view = memoryview(data)
        with os_errors_as_machine_error(self._path):
            while view:
                file = self._file()
                count = len(view) if self._limit is None else min(len(view), self._limit - self._size)
                file.write(view[:count])
                self._digest.update(view[:count])
                self._size += count
                view = view[count:]
                if self._size == self._limit:
                    self._end_volume()
        return len(data)

    def _file(self) -> BinaryIO:
        """The volume that is being written."""
        if self._open is None:
            path, self._open = self._stack.enter_context(temp_file(self._path.parent))
            self._temporary.append(path)
            self._digest, self._size = hashlib.sha256(), 0
        return self._open

    def _end_volume(self) -> None:
        """Close the current volume, and note its hash."""
        if self._open is not None:
            self._open.close()
            self._open = None
            self.volumes.append(Volume(self._path.name, self._digest.hexdigest(), self._size))

    def finish(self) -> None:
        """Give every volume its name, and replace the earlier bundle of this name.

        At each moment an index names all volumes that are there, so that a run after a kill removes them. A reader then finds
        volumes that are missing or have other hashes.
        """
        self._end_volume()
        index = self._path.name + INDEX_SUFFIX
        if self._limit is not None:
            self.volumes = _numbered(self.volumes)
        with os_errors_as_machine_error(self._path):
            names = {index, *(volume.name for volume in self.volumes)} if self._limit is not None else {self._path.name}
            for old in (old for old in _earlier_files(self._path) if old.name not in names):
                old.unlink(missing_ok=True)
        if self._limit is not None:
            rows = [{"name": volume.name, "sha256": volume.sha256, "size": volume.size} for volume in self.volumes]
            write(self._path.parent, index, json.dumps({"volumes": rows}, indent=1) + "\n")
        with os_errors_as_machine_error(self._path):
            for path, volume in zip(self._temporary, self.volumes, strict=True):
                path.replace(self._path.parent / volume.name)


def _numbered(volumes: list[Volume]) -> list[Volume]:
    """The volumes with a number in each name, all of the same length, so that a shell lists them in their order."""
    digits = max(3, len(str(len(volumes))))
    return [replace(volume, name=f"{volume.name}.{number:0{digits}d}") for number, volume in enumerate(volumes, 1)]


def _earlier_files(path: Path) -> list[Path]:
    """What an earlier run wrote under a bundle's name: the bundle, the volumes that its index names, and the index last."""
    index = path.parent / (path.name + INDEX_SUFFIX)
    whole = [path] if path.is_file() else []
    if not index.is_file():
        return whole
    try:
        names = [volume.name for volume in _read_index(index)]
    except (InputError, IntegrityError):
        names = []
    own = re.compile(re.escape(path.name) + r"\.[0-9]{3,}")
    return [*whole, *(path.with_name(name) for name in names if own.fullmatch(name)), index]


@contextmanager
def writing(path: Path, limit: int | None) -> Iterator[VolumeWriter]:
    """A writer for `path`; no file gets its final name unless the block ends without an error."""
    with ExitStack() as stack:
        with os_errors_as_machine_error(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(shared_folder(path.parent))
        writer = VolumeWriter(path, limit, stack)
        yield writer
        writer.finish()


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """The bytes of `path`, from one file or from its volumes.

    Raises IntegrityError, naming every volume that is missing or damaged; InputError if there is no bundle, or both the
    file and volumes.
    """
    path = _bundle_of(path)
    index = path.parent / (path.name + INDEX_SUFFIX)
    if path.is_file() and index.is_file():
        hint = f"remove the older of the two: the file, or its volumes and `{index.name}`"
        raise InputError(f"`{path}` stands beside volumes of the same name", hint=hint)
    if not index.is_file():
        with os_errors_as_machine_error(path), _single(path) as file:
            yield file
        return
    volumes = _read_index(index)
    _must_be_whole(path.parent, volumes)
    joined = _Joined([(path.parent / volume.name, volume.size) for volume in volumes])
    with os_errors_as_machine_error(path), io.BufferedReader(joined, 1 << 20) as file:  # type: ignore[type-var]
        yield file


def _bundle_of(path: Path) -> Path:
    """The path of the bundle that a path belongs to, which may be that of a volume or of their index."""
    for whole in (path.parent / path.stem, path.parent / path.name.removesuffix(INDEX_SUFFIX)):
        index = path.parent / (whole.name + INDEX_SUFFIX)
        if (
            whole != path
            and index.is_file()
            and path.name in {index.name, *(volume.name for volume in _read_index(index))}
        ):
            return whole
    return path


def _single(path: Path) -> BinaryIO:
    """A bundle that is one file, open. Raises InputError if there is none."""
    if not path.is_file():
        raise InputError(
            f"there is no bundle `{path}`", hint=f"name the file, or the one whose volumes and {INDEX_SUFFIX} are there"
        )
    return path.open("rb")


class _Index(msgspec.Struct):
    volumes: list[Volume]


_INDEX = DocumentType(_Index)


def _read_index(path: Path) -> list[Volume]:
    """The volumes that an index names. Raises InputError or IntegrityError."""
    try:
        volumes = _INDEX.from_json(read_regular(path, MAX_INDEX_BYTES, "the volumes' index")).volumes
    except ValueError as error:
        raise InputError(f"`{path}` is not a volumes' index: {error}") from error
    if any(Path(volume.name).name != volume.name for volume in volumes):
        raise IntegrityError(f"`{path}` names a volume outside its folder")
    if len({volume.name for volume in volumes}) != len(volumes):
        raise IntegrityError(f"`{path}` names a volume twice")
    return volumes


def _must_be_whole(folder: Path, volumes: list[Volume]) -> None:
    """Raise IntegrityError, naming every volume that is missing or damaged."""
    with ThreadPoolExecutor() as pool:
        wrong = [line for line in pool.map(lambda volume: _problem(folder, volume), volumes) if line]
    if wrong:
        raise IntegrityError(
            f"{wrong[0]}{f', and {len(wrong) - 1} more' if len(wrong) > 1 else ''}",
            hint="send only these volumes again",
            details=tuple(wrong),
        )


def _problem(folder: Path, volume: Volume) -> str | None:
    """What is wrong with a volume; None if nothing is."""
    path = folder / volume.name
    if not path.is_file():
        return f"the volume `{volume.name}` is missing"
    if path.stat().st_size != volume.size or sha256_of(path) != volume.sha256:
        return f"the volume `{volume.name}` is damaged"
    return None


class _Joined(io.RawIOBase):
    """Files, given with their sizes, read as one. Only one is open at a time: there may be more than a process can open."""

    def __init__(self, files: Sequence[tuple[Path, int]]) -> None:
        self._paths = [path for path, _ in files]
        self._ends = list(accumulate(size for _, size in files))
        self._position = 0
        self._number = -1
        self._file: io.FileIO | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ends[-1] if self._ends else 0}
        self._position = max(start[whence] + offset, 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        number = bisect_right(self._ends, self._position)
        if number == len(self._ends):
            return 0
        left = self._ends[number] - self._position
        file = self._opened(number)
        file.seek(self._position - (self._ends[number - 1] if number else 0))
        count = file.readinto(memoryview(buffer)[:left])
        self._position += count
        return count

    def _opened(self, number: int) -> io.FileIO:
        """The open file of a volume; the one before is closed."""
        if self._file is None or number != self._number:
            self._close_current()
            self._number, self._file = number, io.FileIO(self._paths[number])
        return self._file

    def close(self) -> None:
        self._close_current()
        super().close()

    def _close_current(self) -> None:
        """Close the volume that is open, if one is."""
        if self._file:
            self._file.close()
        self._file = None
