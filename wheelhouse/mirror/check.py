"""Does a mirror have what the lock files of a wheelhouse need? Every file is compared with its project's page there."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from operator import attrgetter
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact, Candidate
from wheelhouse.errors import ServerError, TransientError
from wheelhouse.events import Finished, Listener, Waiting, ignore
from wheelhouse.files.disk import rooted, sha256_of
from wheelhouse.files.tasks import Tasks
from wheelhouse.index.client import Index
from wheelhouse.index.http import Http
from wheelhouse.lock.lock import Pin
from wheelhouse.mirror.listed_files import downloaded_sha256, has_stated_hash, listed, own_page
from wheelhouse.mirror.offered_files import pins_by_file
from wheelhouse.verify.verify import load_wheelhouse

REQUESTS = 16
"""How many projects are compared at once."""


class MirrorState(StrEnum):
    """What a mirror has of one file."""

    SAME = "same hash"
    NO_HASH = "no hash"
    """It lists the file, and gives no hash that can be compared."""
    DIFFERENT = "another hash"
    MISSING = "missing"
    UNAVAILABLE = "listed but not delivered"
    """It lists the file, and does not deliver it. Only a deep check sees this."""

    @property
    def installs(self) -> bool:
        """Whether an install from the mirror gets this file, as far as is known: SAME and NO_HASH."""
        return self in (MirrorState.SAME, MirrorState.NO_HASH)


@dataclass(frozen=True, slots=True)
class MirroredFile:
    """One file of the lock files, as the mirror has it.

    `yanked` is the reason that the mirror gives, which may be empty; None if it did not yank the file. `has_upload_time` tells
    whether the mirror says when the file was uploaded: installers that use a date pass over a file without (PEP 700).
    """

    filename: str
    project: NormalizedName
    version: Version
    state: MirrorState
    yanked: str | None = None
    has_upload_time: bool = False


@dataclass(frozen=True, slots=True)
class Mirror:
    """A mirror to check. `deep` downloads every listed file and hashes it; else the hashes of the pages are compared."""

    index: Index
    http: Http
    deep: bool = False


def check(folder: Path, mirror: Mirror, on_event: Listener = ignore) -> list[MirroredFile]:
    """Compare each file of the lock files of a wheelhouse, but no kept sdist, with a mirror. A result for each, sorted by
    file name.

    Only the lock files must be there.

    Raises ServerError if the mirror does not answer, or answers with something else than a page; also what `load_wheelhouse`
    and `pins_by_file` raise.
    """
    projects: dict[NormalizedName, list[Pin]] = {}
    for pin in pins_by_file(load_wheelhouse(folder)).values():
        projects.setdefault(pin.project, []).append(pin)
    tasks = Tasks(REQUESTS, "mirror")
    try:
        checks = [
            tasks.start(project, partial(_check_project, folder, project, pins, mirror, on_event))
            for project, pins in projects.items()
        ]
        return sorted((file for done in checks for file in done.result()), key=attrgetter("filename"))
    finally:
        tasks.close()


def _check_project(
    folder: Path, project: NormalizedName, pins: Iterable[Pin], mirror: Mirror, on_event: Listener
) -> list[MirroredFile]:
    """Request a project's page, and compare the files of its pins with it; a result for each. Emits events when it begins and ends."""
    on_event(Waiting(project))
    page = own_page(mirror.index, project, on_event)
    files = [_compared(folder, pin, listed(page, pin.artifact.filename, pin.version), mirror, on_event) for pin in pins]
    on_event(Finished(project))
    return files


def _compared(folder: Path, pin: Pin, entry: Candidate | None, mirror: Mirror, on_event: Listener) -> MirroredFile:
    """Compare one file with its entry on the page: MISSING without an entry. A deep check downloads it, with events."""
    name, artifact = pin.artifact.filename, pin.artifact
    if entry is None:
        return MirroredFile(name, pin.project, pin.version, MirrorState.MISSING)
    if mirror.deep:
        on_event(Waiting(name, artifact.size))
        state = _downloaded(artifact, entry, mirror.http)
        on_event(Finished(name))
    else:
        state = _stated(folder, artifact, entry)
    return MirroredFile(name, pin.project, pin.version, state, entry.yanked, entry.upload_time is not None)


def _downloaded(artifact: Artifact, entry: Candidate, http: Http) -> MirrorState:
    """Download a listed file and compare its sha256. UNAVAILABLE for a ServerError, but a TransientError is raised."""
    try:
        is_same = downloaded_sha256(entry, http) == artifact.sha256
    except TransientError:
        raise
    except ServerError:
        return MirrorState.UNAVAILABLE
    return MirrorState.SAME if is_same else MirrorState.DIFFERENT


def _stated(folder: Path, artifact: Artifact, entry: Candidate) -> MirrorState:
    """Compare the hash that the mirror gives: its sha256 with the locked one, any other with that of the file in `folder`.

    NO_HASH if it gives none, or if the file is needed and is not there as locked.
    """
    path = rooted(folder, artifact.filename) if "sha256" not in entry.hashes else None
    is_here = path is not None and path.is_file() and sha256_of(path) == artifact.sha256
    is_same = has_stated_hash(entry, artifact.sha256, path if is_here else None)
    if is_same is None:
        return MirrorState.NO_HASH
    return MirrorState.SAME if is_same else MirrorState.DIFFERENT
