"""What `fetch` and `lock` do for one job: base images, locks, files, other files, Debian packages, builds."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from wheelhouse.cli.building import run_build
from wheelhouse.cli.machine import docker_config_file, now
from wheelhouse.cli.session import settings_sha256
from wheelhouse.config.declare import declared, given, names_job
from wheelhouse.config.options import BuildingOptions, FetchOptions, JobOptions
from wheelhouse.errors import InputError
from wheelhouse.events import Listener, Warned

if TYPE_CHECKING:
    from wheelhouse.cli.progress import Shown
    from wheelhouse.config.settings import FileSettings
    from wheelhouse.debian.debian_lock import DebianLock
    from wheelhouse.errors import WheelhouseError
    from wheelhouse.fetch.fetch import Consent, Fetched
    from wheelhouse.fetch.gather import Options
    from wheelhouse.fetch.job import Job
    from wheelhouse.fetch.locking import Freshness
    from wheelhouse.index.package_source import PackageSource
    from wheelhouse.lock.lock import Lock as TargetLock
    from wheelhouse.lock.other_files import OtherFiles
    from wheelhouse.oci.image_lock import ImageLock

_BUILDING = Lock()
"""Held while the sdists of a job are built: a build uses all cores."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One job: its options, those of the command line among them, and the other files that the settings name.

    `building` says how its sdists are built; None if they are not.
    """

    options: "Options"
    chosen: FetchOptions
    files: "Sequence[FileSettings]"
    consent: "Consent"
    building: BuildingOptions | None = None

    @property
    def folder(self) -> Path:
        """The wheelhouse of the job: `dest` as it is written, else `wheels`."""
        return Path(self.options.dest or "wheels")

    @property
    def is_of_file(self) -> bool:
        """Whether the command line does not say what to fetch, so that the settings file does."""
        return not names_job(FetchOptions, given(self.chosen))


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What a run made of one job. `error` is that of the targets that have no lock."""

    folder: Path
    fetched: "Sequence[Fetched]"
    locks: "Sequence[TargetLock]"
    others: "OtherFiles"
    removed_others: Sequence[str]
    images: "ImageLock"
    debian: "DebianLock"
    error: "WheelhouseError | None"

    def paths(self, names: "Callable[[Fetched], Sequence[str]]") -> list[str]:
        """The files that `names` gives for the wheelhouse and those inside it, as paths relative to the wheelhouse's folder."""
        return [str(done.folder.relative_to(self.folder) / name) for done in self.fetched for name in names(done)]


def fetch_job(request: JobRequest, source: "PackageSource", listener: Listener) -> JobOutcome:
    """Make the wheelhouse of a job: base images, locks, files, other files, Debian packages, builds.

    The tools of Airflow's image build go into `tools/`. Warns of files that no lock names. With `keep_going`
    the error of the targets without a lock is in the outcome, if another target has one. Raises WheelhouseError
    for every other failure.
    """
    from wheelhouse import report
    from wheelhouse.fetch.fetch import fetch_all
    from wheelhouse.fetch.gather import tools_job

    folder = request.folder
    options, images = _with_base_images(request, source, listener)
    job = _job(request, options, source, listener)
    tools = tools_job(job)
    jobs = [(job, folder), *([(tools, folder / "tools")] if tools else [])]
    keep_going = request.chosen.keep_going
    with _debian_beside(request, options, source, listener) as finish_debian:
        fetched, error = fetch_all(jobs, source, listener, consent=request.consent, keep_going=keep_going)
        wheelhouse = fetched[0].wheelhouse
        if any(not artifact.is_wheel for artifact in wheelhouse.artifacts.values()):
            from wheelhouse.build.build_wheelhouse import fetch_build_requirements

            wheelhouse = fetch_build_requirements(wheelhouse, folder, source, listener)
        others, removed_others = _with_other_files(request, source, listener)
        _remove_former_images(request, images)
        debian = finish_debian()
    if request.building:
        with _BUILDING:
            wheelhouse = run_build(folder, request.building, source, listener).wheelhouse
    by_name = {lock.name: lock for lock in wheelhouse.locks}
    locks = tuple(by_name[lock.name] for lock in fetched[0].locks)
    outcome = JobOutcome(folder, fetched, locks, others, removed_others, images, debian, error)
    if foreign := outcome.paths(lambda done: done.foreign):
        listener(Warned(report.foreign_sentence(str(folder), foreign)))
    return outcome


def lock_job(
    request: JobRequest, source: "PackageSource", listener: Listener
) -> "tuple[Sequence[TargetLock], WheelhouseError | None]":
    """Write the locks of a job, without their files. Returns these locks, and the error of the targets that have none, if the job
    is to keep going. Else, or if no target has a lock, that error is raised before a lock file changes.

    A base image is fetched all the same. The lock file of a target that the settings file no longer names is
    removed. `source` fetches no file only to confirm its metadata from then on.
    """
    from wheelhouse.fetch.fetch import lock_only

    options, _ = _with_base_images(request, source, listener)
    job = _job(request, options, source, listener)
    return lock_only(
        job, request.folder, source, listener, consent=request.consent, keep_going=request.chosen.keep_going
    )


def check_job(request: JobRequest, source: "PackageSource", listener: Listener) -> "Mapping[str, Freshness]":
    """How the lock files of a job stand to it, by target; nothing is resolved, and the wheelhouse stays as it is.

    A base image that its lock does not have is fetched all the same. Raises the error of the first target that has one, and
    InputError, ServerError, IntegrityError.
    """
    from wheelhouse.fetch.locking import existing_locks, freshness_of

    options, _ = _with_base_images(request, source, listener, reads_only=True)
    job = _job(request, options, source, listener)
    for error in job.failed.values():
        raise error
    return freshness_of(job, existing_locks(request.folder), source)


def fetched_document(outcome: JobOutcome) -> dict[str, Any]:
    """What `fetch --json` prints of a job.

    `fetched` and `reused` are distributions of the wheelhouse alone, `removed` and `foreign` also files of those inside it;
    `removed` has the other files that were removed, too.
    """
    from wheelhouse import report
    from wheelhouse.lock.other_files import FOLDER

    removed = outcome.paths(lambda done: done.removed)
    return {
        "house": str(outcome.folder),
        "targets": [report.lock_document(lock) for lock in outcome.locks],
        "fetched": list(outcome.fetched[0].placed),
        "reused": list(outcome.fetched[0].kept),
        "removed": [*removed, *(f"{FOLDER}/{name}" for name in outcome.removed_others)],
        "foreign": outcome.paths(lambda done: done.foreign),
        "files": report.other_files_document(outcome.others),
        "images": report.base_images_document(outcome.images),
        "debian": report.debian_document(outcome.debian),
    }


def fetched_lines(outcome: JobOutcome) -> list[str]:
    """What `fetch` prints of a job, as lines."""
    from wheelhouse import report

    of_folders = [
        report.fetched_lines(str(done.folder), done.placed, done.kept, done.removed) for done in outcome.fetched
    ]
    return [
        *report.locks_lines(outcome.locks),
        *(line for lines in of_folders for line in lines),
        *report.other_files_lines(outcome.others, outcome.removed_others),
        *report.base_images_lines(outcome.images),
        *report.debian_lines(outcome.debian),
    ]


def consent_of(folder: Path, listener: "Shown | None", *, replace_files: bool) -> "Consent":
    """A function that asks on the terminal of a listener whether files of another job may be removed; it raises InputError for a no.

    With `replace_files`, or if there is no such file, it agrees without a question. Without a listener, or a terminal, it
    raises InputError at once.
    """
    from wheelhouse import report

    def consent(lost: Sequence[str]) -> None:
        """Raise InputError if these files may not be removed."""
        if not lost or replace_files:
            return
        sentence = report.lost_sentence(str(folder), len(lost))
        if listener is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
            hint = "to remove these files, add --replace; to keep them, use another folder (--dest), or fetch both jobs in one command"
            raise InputError(sentence, hint=hint, details=tuple(lost))
        if not listener.confirm([f"  {name}" for name in lost], f"{sentence}. Continue?"):
            raise InputError(f"{sentence}; nothing was changed", hint="use another folder (--dest)")

    return consent


def _with_base_images(
    request: JobRequest, source: "PackageSource", listener: Listener, *, reads_only: bool = False
) -> "tuple[Options, ImageLock]":
    """The options with the facts of the base image, and its lock.

    The image is fetched first: it decides libc and Python of the targets. Without one, the lock is empty. With `reads_only`
    nothing is written into the wheelhouse. With --whole-image the options also get the release's image and Debian lists.
    """
    from wheelhouse.oci.image_lock import ImageLock

    options = request.options
    if options.whole_image:
        from wheelhouse.fetch.whole_image_request import with_whole_image

        options = with_whole_image(options)
    if options.base_image is None:
        return options, ImageLock()
    from wheelhouse.fetch.base_image_request import with_base_images

    http, store = source.http, source.store
    return with_base_images(options, request.folder, http, store, docker_config_file(), listener, reads_only=reads_only)


def _job(request: JobRequest, options: "Options", source: "PackageSource", listener: Listener) -> "Job":
    """What is to be locked, read and fetched as `gather` says, with its errors.

    If the command line has no option of `JobOptions`, the job gets the hash of the settings file's place, seen from the
    wheelhouse.
    """
    from wheelhouse.fetch.gather import gather

    job = gather(options, source.http, now(), listener)
    is_of_command_line = given(request.chosen).keys() & declared(JobOptions).keys()
    return job if is_of_command_line else replace(job, settings_sha256=settings_sha256(request.folder))


def _with_other_files(
    request: JobRequest, source: "PackageSource", listener: Listener
) -> "tuple[OtherFiles, Sequence[str]]":
    """Fetch the other files that the settings name. Returns their lock, and the names of those that were removed.

    Nothing is done, and the lock is empty, if the command line says what to fetch.
    """
    from wheelhouse.lock.other_files import FOLDER, OtherFiles

    if not request.is_of_file or not (request.files or (request.folder / FOLDER).is_dir()):
        return OtherFiles(), ()
    from wheelhouse.fetch.fetch_other_files import fetch_other_files

    requests = [entry.request() for entry in request.files]
    return fetch_other_files(requests, request.folder, source.http, source.store, listener)


def _remove_former_images(request: JobRequest, images: "ImageLock") -> None:
    """Remove the folder of base images of the wheelhouse, if the job has none, unless the command line says what to fetch."""
    from wheelhouse.oci.image_lock import FOLDER

    if request.is_of_file and not images.images and (request.folder / FOLDER).is_dir():
        from wheelhouse.fetch.fetch_base_images import remove_base_images

        remove_base_images(request.folder)


@contextmanager
def _debian_beside(
    request: JobRequest, options: "Options", source: "PackageSource", listener: Listener
) -> "Iterator[Callable[[], DebianLock]]":
    """Start to fetch the Debian packages that the options request, beside the block.

    Gives a function that waits for them, puts them into the folder, and returns their lock. If the options request none, the
    function removes former ones instead, unless the command line says what to fetch, and returns an empty lock.
    If the block ends without a call of the function, the folder stays as it was. It can be called once only.
    """
    if not (options.debs or options.deb_lists):
        yield lambda: _remove_former_debian(request)
        return
    from wheelhouse.fetch.debian_beside import debian_beside
    from wheelhouse.fetch.debian_request import requested_debian
    from wheelhouse.fetch.fetch_debian import fetch_debian

    folder, upgrade = request.folder, options.upgrade

    def fetch(listener: Listener, may_change: Callable[[], None]) -> "DebianLock":
        """Fetch the packages into the cache; put them into the folder after `may_change` returns."""
        job = requested_debian(options, folder)
        http, store = source.http, source.store
        return fetch_debian(job, folder, http, store, now(), listener, upgrade=upgrade, may_change=may_change)

    with debian_beside(fetch, listener) as finish:
        yield finish


def _remove_former_debian(request: JobRequest) -> "DebianLock":
    """Remove the Debian packages of the wheelhouse, unless the command line says what to fetch. Returns an empty lock."""
    from wheelhouse.debian.debian_lock import FOLDER, DebianLock

    if request.is_of_file and (request.folder / FOLDER).is_dir():
        from wheelhouse.fetch.fetch_debian import remove_debian

        remove_debian(request.folder)
    return DebianLock()
