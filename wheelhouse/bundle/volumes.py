"""A bundle as one file or as volumes, each with its own sha256, so that a damaged one can be sent again alone."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import msgspec

from wheelhouse.bundle.joined import Joined
from wheelhouse.bundle.loose_volumes import loose_volumes
from wheelhouse.bundle.recovery import recovery_files, repair_hint
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
        """Write all of it, into as many volumes as it needs. Raises MachineError if it cannot be written."""
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
        """The open temporary file of the volume that is being written; a new one if none is open."""
        if self._open is None:
            path, self._open = self._stack.enter_context(temp_file(self._path.parent))
            self._temporary.append(path)
            self._digest, self._size = hashlib.sha256(), 0
        return self._open

    def _end_volume(self) -> None:
        """Close the volume that is open, if any, and note its sha256 and size in `volumes`."""
        if self._open is not None:
            self._open.close()
            self._open = None
            self.volumes.append(Volume(self._path.name, self._digest.hexdigest(), self._size))

    def finish(self) -> None:
        """Remove the earlier bundle of this name, write the index if there is a limit, and give every volume its name.

        Of earlier volumes, those that no index names stay, unless a new one has the name. At each moment an index names all
        other volumes that are there, so that a run after a kill removes them. A reader then finds volumes that are missing
        or have other hashes.
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
    """The volumes with `.001`, `.002` and so on after each name, all of the same length, so that a shell lists them in their order."""
    digits = max(3, len(str(len(volumes))))
    return [replace(volume, name=f"{volume.name}.{number:0{digits}d}") for number, volume in enumerate(volumes, 1)]


def _earlier_files(path: Path) -> list[Path]:
    """The paths that an earlier run wrote for a bundle: the bundle, recovery files, the volumes of its index, and that last.

    No volumes if the index cannot be read; of its names, only those of this bundle's volumes count.
    """
    index = path.parent / (path.name + INDEX_SUFFIX)
    whole = [*([path] if path.is_file() else []), *recovery_files(path)]
    if not index.is_file():
        return whole
    try:
        names = [volume.name for volume in _read_index(index)]
    except (InputError, IntegrityError):
        names = []
    own = re.compile(re.escape(path.name) + r"\.[0-9]{3,}")
    return [*whole, *(path.with_name(name) for name in names if own.fullmatch(name)), index]


class StreamWriter(io.RawIOBase):
    """A stream that is hashed while it is written; `volumes` then has its sha256 and size, with no name."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._digest, self._size = stream, hashlib.sha256(), 0
        self.volumes: list[Volume] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        """Write it into the stream, and add it to the sha256 and the size."""
        self._stream.write(data)
        self._digest.update(data)
        self._size += len(data)
        return len(data)

    def finish(self) -> None:
        """Flush the stream, and note the sha256 and size of all that was written as one volume without a name."""
        self._stream.flush()
        self.volumes = [Volume("", self._digest.hexdigest(), self._size)]


@contextmanager
def writing(output: Path | BinaryIO, limit: int | None) -> Iterator[VolumeWriter | StreamWriter]:
    """A writer for a path, whose folder is made, or for a stream; finished when the block ends.

    After an error no file gets its name, but a stream has what was written. `limit` is the size of a volume in bytes, None
    for one file; it does not count for a stream.
    """
    with ExitStack() as stack:
        writer: VolumeWriter | StreamWriter
        if isinstance(output, Path):
            with os_errors_as_machine_error(output.parent):
                output.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(shared_folder(output.parent))
            writer = VolumeWriter(output, limit, stack)
        else:
            writer = StreamWriter(output)
        yield writer
        writer.finish()


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a bundle, from one file or from its volumes. `path` is the bundle's, or that of a volume or of their index.

    Volumes are hashed first if their index is there. Raises IntegrityError, naming every volume that is missing or damaged;
    InputError if there is no bundle, or both the file and the index of volumes.
    """
    path = _bundle_of(path)
    index = path.parent / (path.name + INDEX_SUFFIX)
    if path.is_file() and index.is_file():
        hint = f"remove the older of the two: either the single file, or `{index.name}` and all volumes that it lists"
        raise InputError(f"`{path}` exists as one file and as volumes", hint=hint)
    loose = [] if index.is_file() else loose_volumes(path)
    if not index.is_file() and not loose:
        with os_errors_as_machine_error(path), _single(path) as file:
            yield file
        return
    volumes = _read_index(index) if index.is_file() else []
    _must_be_whole(path, volumes)
    joined = Joined(loose or [(path.parent / volume.name, volume.size) for volume in volumes])
    with os_errors_as_machine_error(path), io.BufferedReader(joined, 1 << 20) as file:  # type: ignore[type-var]
        yield file


def _bundle_of(path: Path) -> Path:
    """The path of the bundle, if `path` is its index of volumes or a volume that this index names; else `path` itself.

    Raises InputError or IntegrityError for a bad index, as `_read_index` does.
    """
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
            f"there is no bundle `{path}`",
            hint="give the path of the bundle; if it has volumes, give the part that their names have in common; the file "
            f"{INDEX_SUFFIX} must be beside the volumes",
        )
    return path.open("rb")


class _Index(msgspec.Struct):
    volumes: list[Volume]


_INDEX = DocumentType(_Index)


def _read_index(path: Path) -> list[Volume]:
    """The volumes that an index names. Raises InputError if it cannot be read, IntegrityError for a name with `/` or twice.

    Whether they are there is not looked at.
    """
    try:
        volumes = _INDEX.from_json(read_regular(path, MAX_INDEX_BYTES, "the index of volumes")).volumes
    except ValueError as error:
        raise InputError(f"`{path}` is not an index of volumes: {error}") from error
    if any(Path(volume.name).name != volume.name for volume in volumes):
        raise IntegrityError(f"`{path}` lists a volume outside its folder")
    if len({volume.name for volume in volumes}) != len(volumes):
        raise IntegrityError(f"`{path}` lists a volume twice")
    return volumes


def _must_be_whole(bundle: Path, volumes: list[Volume]) -> None:
    """Hash all volumes. Raise IntegrityError that names every one that is missing or damaged."""
    with ThreadPoolExecutor() as pool:
        wrong = [line for line in pool.map(lambda volume: _problem(bundle.parent, volume), volumes) if line]
    if wrong:
        raise IntegrityError(
            f"{wrong[0]}{f', and {len(wrong) - 1} more' if len(wrong) > 1 else ''}",
            hint=repair_hint(bundle) or "ask the sender for these volumes again",
            details=tuple(wrong),
        )


def _problem(folder: Path, volume: Volume) -> str | None:
    """A sentence about a volume that is missing, or has another size or sha256; None if nothing is wrong."""
    path = folder / volume.name
    if not path.is_file():
        return f"the volume `{volume.name}` is missing"
    if path.stat().st_size != volume.size or sha256_of(path) != volume.sha256:
        return f"the volume `{volume.name}` is damaged"
    return None
