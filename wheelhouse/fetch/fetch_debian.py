"""Debian packages, resolved, fetched and verified into a wheelhouse's `debian/`, a partial mirror that apt accepts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from wheelhouse.archive.artifact import Artifact
from wheelhouse.debian.apt_sources import without_credentials
from wheelhouse.debian.debian_archive import ArchiveReader, FetchedSuite
from wheelhouse.debian.debian_job import DebianJob
from wheelhouse.debian.debian_lock import FOLDER, DebianLock, LockedSuite
from wheelhouse.debian.debian_resolution import archive_folders, locked_packages
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.events import Finished, Listener, Noted, ignore
from wheelhouse.files.disk import (
    commit_file,
    copy_to_temp_file,
    folder_lock,
    has_locked_bytes,
    os_errors_as_machine_error,
    rooted,
    write,
    write_whole,
)
from wheelhouse.files.store import Store
from wheelhouse.humanize import counted
from wheelhouse.index.http import Http
from wheelhouse.index.store_access import StoreAccess
from wheelhouse.index.store_download import FileRequest, stored_or_downloaded
from wheelhouse.verify.inner_folders import list_inner_folders
from wheelhouse.verify.verify_other_files import load_debian

DOWNLOADS = 6
"""Files at the same time; packages are many and small."""


def at_once() -> None:
    """The default of `may_change`: it does nothing, so the folder changes as soon as all files are here."""


def fetch_debian(
    job: DebianJob,
    wheelhouse: Path,
    http: Http,
    store: Store,
    now: datetime,
    on_event: Listener = ignore,
    *,
    upgrade: bool = False,
    may_change: Callable[[], None] = at_once,
) -> DebianLock:
    """Make a wheelhouse's `debian/` hold the packages of a job; its lock then. What only the earlier lock named is removed.
    The wheelhouse's SHA256SUMS then lists the inner folders again, after an error too.

    A lock of the same inputs is used as it is, unless `upgrade` is set; only what is missing is fetched. Lists that are read
    anew must be valid at `now`, but not if the job has a date. `may_change` is called when everything is here and nothing
    has changed: it returns when the folder may, or raises. Raises InputError, also for
    another file in the place of a locked one; NoSolutionError, ServerError, MachineError without gpgv and gpg, and
    IntegrityError for a wrong signature, date or hash.
    """
    folder = wheelhouse / FOLDER
    try:
        with folder_lock(folder, remove_if_empty=True), ThreadPoolExecutor(DOWNLOADS) as pool:
            existing = load_debian(wheelhouse)
            urls = {archive: url for url, archive in archive_folders(job.sources).items()}
            fetcher = _Fetcher(folder, urls, http, StoreAccess(http, store), pool, on_event)
            if existing.inputs == job.inputs and not upgrade:
                lock, in_releases = existing, dict[str, bytes]()
            else:
                lock, in_releases = fetcher.resolved(job, None if job.date else now)
            _must_not_overwrite(folder, existing, lock)
            copies = fetcher.copies(lock, in_releases)
            may_change()
            fetcher.place(lock, in_releases, copies)
            for name, text in lock.texts.items():
                write(folder, name, text)
            _remove(folder, existing, lock)
        return lock
    finally:
        list_inner_folders(wheelhouse)


def remove_debian(wheelhouse: Path) -> None:
    """Remove what the lock of a wheelhouse's `debian/` names and the lock itself, and the folders that are empty then; other
    files stay. Without `debian/` nothing happens.

    The wheelhouse's SHA256SUMS then lists the inner folders that remain. Raises InputError for a lock that cannot be read.
    """
    folder = wheelhouse / FOLDER
    if folder.is_dir():
        with folder_lock(folder, remove_if_empty=True):
            _remove(folder, load_debian(wheelhouse), DebianLock())
        list_inner_folders(wheelhouse)


def _must_not_overwrite(folder: Path, existing: DebianLock, lock: DebianLock) -> None:
    """Raise InputError if another file is where a file of the lock must go, and the earlier lock (`existing`) did not name it."""
    for place, artifact in lock.artifacts.items():
        path = rooted(folder, place)
        if place not in existing.artifacts and path.exists() and not has_locked_bytes(path.parent, artifact):
            raise InputError(f"`{path}` already exists, and differs from the downloaded file", hint="move it away")


def _remove(folder: Path, existing: DebianLock, lock: DebianLock) -> None:
    """Remove the files that only the earlier lock (`existing`) named, and the folders that are empty then."""
    kept = lock.artifacts.keys() | lock.texts.keys()
    gone = sorted((existing.artifacts.keys() | existing.texts.keys()) - kept)
    with os_errors_as_machine_error(folder):
        for place in gone:
            rooted(folder, place).unlink(missing_ok=True)
    for parent in sorted({parent for place in gone for parent in PurePosixPath(place).parents}, reverse=True):
        if parent.name:
            with suppress(OSError):  # it holds other files
                (folder / parent).rmdir()


@dataclass(frozen=True, slots=True)
class _Fetcher:
    """Brings suites and packages into the folder, in the threads of a pool.

    `urls` has the address of each archive, by its folder: the user's, which may hold credentials, as a lock's does not.
    """

    folder: Path
    urls: Mapping[str, str]
    http: Http
    access: StoreAccess
    pool: ThreadPoolExecutor
    on_event: Listener

    def resolved(self, job: DebianJob, valid_at: datetime | None) -> tuple[DebianLock, dict[str, bytes]]:
        """The lock of a job, resolved anew, and the bytes of each InRelease by its place in the folder. A note counts the
        packages.

        `valid_at` is the time at which the lists must be valid; None accepts lists of any age.
        """
        reader = ArchiveReader(self.http, self.access, job.base.architecture, valid_at, self.on_event)
        fetched = list(self.pool.map(lambda source: reader.read(source, job.keyrings_for(source)), job.sources))
        folders = archive_folders(job.sources)
        suites = tuple(_locked_suite(one, folders[one.source.url]) for one in fetched)
        packages = [
            (number, index.file.component, index.packages)
            for number, one in enumerate(fetched)
            for index in one.indexes
        ]
        debs = locked_packages(job.base, job.lists, suites, packages)
        self.on_event(Noted(f"the base system lacks {counted(len(debs), 'Debian package')}"))
        in_releases = {
            f"{suite.archive}/{suite.files[0].path}": one.in_release for suite, one in zip(suites, fetched, strict=True)
        }
        return DebianLock(job.inputs, job.base.distribution, suites, debs), in_releases

    def copies(self, lock: DebianLock, in_releases: Mapping[str, bytes]) -> dict[str, Path]:
        """A temporary copy of each locked file that the folder lacks, by its place; those in `in_releases` are left out."""
        places = [place for place in lock.artifacts if place not in in_releases]
        copies = self.pool.map(lambda place: self._missing(place, lock.artifacts[place]), places)
        return {place: copy for place, copy in zip(places, copies, strict=True) if copy}

    def place(self, lock: DebianLock, in_releases: Mapping[str, bytes], copies: Mapping[str, Path]) -> None:
        """Make the folder hold every file of a lock: write the InRelease files, and give the copies their final names."""
        self._make_folders(lock.artifacts)
        for place, raw in in_releases.items():
            with os_errors_as_machine_error(final := rooted(self.folder, place)):
                write_whole(final, raw)
        for place, copy in copies.items():
            commit_file(copy, rooted(self.folder, place))

    def _make_folders(self, places: Iterable[str]) -> None:
        """Make the folder of each place."""
        with os_errors_as_machine_error(self.folder):
            for parent in {rooted(self.folder, place).parent for place in places}:
                parent.mkdir(parents=True, exist_ok=True)

    def _missing(self, place: str, artifact: Artifact) -> Path | None:
        """A temporary copy of one file; None, with an event, if the folder has it."""
        if has_locked_bytes(rooted(self.folder, place).parent, artifact):
            self.on_event(Finished(artifact.filename, reused=True))
            return None
        return self._copy(place, artifact)

    def _copy(self, place: str, artifact: Artifact) -> Path:
        """A copy of a file under a temporary name. One that was altered in the store is fetched again, once; then it raises
        IntegrityError.
        """
        archive, _, path = place.partition("/")
        request = FileRequest(f"{self.urls[archive]}/{path}", artifact.filename, artifact.sha256, artifact.size)
        for stored in self._stored(request):
            try:
                return copy_to_temp_file(stored, self.folder, artifact.sha256)
            except IntegrityError:
                self.access.discard(stored)
        raise IntegrityError(
            f"`{place}` was altered in the cache twice", hint="find out which program changes files in the cache"
        )

    def _stored(self, request: FileRequest) -> Iterator[Path]:
        """The path of a file in the store, where it is downloaded to if it is missing; twice, for two attempts."""
        for _ in range(2):
            yield stored_or_downloaded(request, self.http, self.access, self.on_event)[0]


def _locked_suite(fetched: FetchedSuite, archive: str) -> LockedSuite:
    """A fetched suite as a lock names it, without the credentials of its URL. `archive` is the folder of its archive."""
    source = fetched.source
    return LockedSuite(
        archive,
        without_credentials(source.url),
        source.suite,
        source.components,
        fetched.release.names,
        fetched.signers,
        fetched.files,
        source.signed_by,
    )
