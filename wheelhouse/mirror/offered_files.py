"""The files of a wheelhouse as an index offers them: each hashed and opened, with the facts of its lock files."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.waivers import Waivers
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import IntegrityError
from wheelhouse.events import Finished, Listener, ignore
from wheelhouse.files.disk import rooted, sha256_of
from wheelhouse.findings import Subject, Waiver
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.lock import Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.mirror.simple import Offered
from wheelhouse.verify.verify import load_wheelhouse

SIDECAR = ".metadata"


Stamp = tuple[int, ...]
"""What changes when a file is written to: size, times, inode."""


def stamp_of(stat: os.stat_result) -> Stamp:
    """The stamp of a file: its size, the times of its last changes in nanoseconds (mtime, ctime), and its inode."""
    return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """One file: its row on the page, its path, and its sidecars by suffix (`.metadata`). `stamp` is what it was when it was hashed.

    `raw_metadata` is a wheel's METADATA or an sdist's PKG-INFO. `status` is that of the project if it is not active (PEP 792).
    `waived` are the waivers of its pin.
    """

    project: NormalizedName
    offered: Offered
    path: Path
    sidecars: Mapping[str, bytes]
    raw_metadata: bytes
    status: str | None
    waived: tuple[Waiver, ...] = ()
    stamp: Stamp = ()


def open_wheelhouse(folder: Path, on_event: Listener = ignore) -> Iterator[OpenedFile]:
    """Yield each file of a wheelhouse but kept sdists, as `open_files` does, and raise what it raises.

    The lock files are read at once, before the first file is asked for: raises what `load_wheelhouse` and `pins_by_file` raise.
    """
    wheelhouse = load_wheelhouse(folder)
    return open_files(folder, wheelhouse, pins_by_file(wheelhouse).values(), on_event)


def pins_by_file(wheelhouse: Wheelhouse) -> dict[str, Pin]:
    """The pin of each chosen file, by file name; kept sdists are left out. If several lock files name one file, it is the
    pin of the last of them.

    Of its yank and its Requires-Python, and of its project's status, the last that any lock file states counts. Raises
    IntegrityError if two lock files give one name two hashes.
    """
    wheelhouse.artifacts  # noqa: B018  (names and hashes are checked as they are made)
    pins: dict[str, Pin] = {}
    statuses = {pin.project: pin.status for lock in wheelhouse.locks for pin in lock.pins if pin.status}
    for pin in (pin for lock in wheelhouse.locks for pin in lock.pins):
        earlier = pins.get(pin.artifact.filename, pin)
        pins[pin.artifact.filename] = replace(
            pin,
            yanked=pin.yanked if pin.yanked is not None else earlier.yanked,
            requires_python=pin.requires_python or earlier.requires_python,
            status=statuses.get(pin.project),
        )
    return pins


def open_files(
    folder: Path, wheelhouse: Wheelhouse, pins: Iterable[Pin], on_event: Listener = ignore
) -> Iterator[OpenedFile]:
    """Yield the files of these pins, in their order, hashed and opened in threads, with an event for each.

    Raises IntegrityError for a file that is missing or differs from its lock file, and for findings on it that its pin does not waive.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for opened in pool.map(lambda pin: _open(folder, wheelhouse, pin), pins):
            on_event(Finished(opened.offered.filename))
            yield opened


def _open(folder: Path, wheelhouse: Wheelhouse, pin: Pin) -> OpenedFile:
    """Hash and open one file.

    Raises IntegrityError if it is missing or differs from its lock file, or for findings that its pin does not waive.
    """
    path, artifact = rooted(folder, pin.artifact.filename), pin.artifact
    stamp = stamp_of(path.stat()) if path.is_file() else ()
    if not path.is_file() or sha256_of(path) != artifact.sha256:
        raise IntegrityError(
            f"`{path}` is missing, or differs from its lock file",
            hint=f"see every problem: `wheelhouse verify {folder}`",
        )
    contents = inspect(path, artifact.filename)
    Waivers(pin.waived).admit(contents.findings, Subject(artifact.filename, pin.project, artifact.sha256))
    return replace(as_opened(path, wheelhouse, pin, contents.raw_metadata), stamp=stamp)


def as_opened(path: Path, wheelhouse: Wheelhouse, pin: Pin, raw_metadata: bytes) -> OpenedFile:
    """A file whose metadata was read already, with the facts of its pin. The file itself is not looked at, so it has no stamp."""
    artifact = pin.artifact
    sidecars = {SIDECAR: raw_metadata} if artifact.is_wheel else {}
    if (provenance := provenance_of(wheelhouse, artifact.filename)) is not None:
        sidecars[PROVENANCE] = provenance
    metadata_sha256 = hashlib.sha256(raw_metadata).hexdigest() if artifact.is_wheel else None
    offered = offered_as(pin, metadata_sha256, provenance=provenance is not None)
    return OpenedFile(pin.project, offered, path, sidecars, raw_metadata, pin.status, pin.waived)


def provenance_of(wheelhouse: Wheelhouse, filename: str) -> bytes | None:
    """The attestations of a file (PEP 740), from the loaded wheelhouse; None if it has none."""
    text = wheelhouse.provenance.get(filename + PROVENANCE)
    return None if text is None else text.encode()


def offered_as(pin: Pin, metadata_sha256: str | None, *, provenance: bool) -> Offered:
    """The row of a pin's file on its page, by the lock file alone: without what the keeper of an index decided."""
    artifact = pin.artifact
    return Offered(
        filename=artifact.filename,
        sha256=artifact.sha256,
        size=artifact.size,
        upload_time=artifact.upload_time,
        requires_python=pin.requires_python,
        yanked=pin.yanked,
        metadata_sha256=metadata_sha256,
        provenance=provenance,
    )
