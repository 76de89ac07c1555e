"""From jobs to wheelhouses: plan every folder, ask whether files may be lost, then fetch, or write locks alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelhouse.errors import WheelhouseError
from wheelhouse.events import Listener, Noted, ignore
from wheelhouse.fetch.fill import fill
from wheelhouse.fetch.job import Job
from wheelhouse.fetch.planning import Plan, planned
from wheelhouse.files.disk import os_errors_as_machine_error, rooted, write
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import BY_THE_LIST, Wheelhouse
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.verify.inner_folders import list_inner_folders

Consent = Callable[[Sequence[str]], None]
"""Called with the files of another job that would be removed, before anything changes; it raises to stop the run."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a run did to a folder: the wheelhouse now, the locks of the job, and the names of files that came, stayed and went.

    `foreign` names what is in the folder and belongs to no lock.
    """

    folder: Path
    wheelhouse: Wheelhouse
    locks: tuple[Lock, ...]
    placed: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    foreign: tuple[str, ...]


def allow(_lost: Sequence[str]) -> None:
    """The consent to everything: it does nothing."""


def fetch(job: Job, folder: Path, source: PackageSource, on_event: Listener = ignore) -> Fetched:
    """Make `folder` the wheelhouse of a job. The locks of other targets in it stay with their files, but for targets that the
    settings file of the job no longer names.

    Files of another job for the same targets, which this job does not need, are removed without a question. Raises one error
    for all targets without a lock, before anything changes.
    """
    return fetch_all([(job, folder)], source, on_event)[0][0]


def fetch_all(
    jobs: Sequence[tuple[Job, Path]],
    source: PackageSource,
    on_event: Listener = ignore,
    *,
    consent: Consent = allow,
    keep_going: bool = False,
) -> tuple[list[Fetched], WheelhouseError | None]:
    """Make each folder the wheelhouse of its job; the first folder holds the others, and its SHA256SUMS lists them in the
    end. `consent` is called once, before any folder changes; what it raises ends the run.

    Returns what was done to each folder, and the error of the targets without a lock: None if all have one. Without
    `keep_going`, or if no target has a lock, that error is raised before anything changes. A folder changes only when all of
    its files are here.
    """
    with planned(jobs, source, on_event, keep_going=keep_going) as planning:
        consent(_lost(planning.plans))
        fetched = [_fetched(plan, source, on_event) for plan in planning.plans]
        list_inner_folders(planning.plans[0].folder)
        return fetched, planning.error


def lock_only(
    job: Job,
    folder: Path,
    source: PackageSource,
    on_event: Listener = ignore,
    *,
    consent: Consent = allow,
    keep_going: bool = False,
) -> tuple[tuple[Lock, ...], WheelhouseError | None]:
    """Write the lock files of the job's targets, without the locked files. Returns these locks, and an error as `fetch_all` does.

    `consent` is called as there, although the files of another job stay.

    An existing lock of the same job is written again; the others are resolved, and no file is fetched only to confirm its
    metadata, by later calls with this `source` neither. The lock file of a target that the settings file no longer names is
    removed, with a note.
    """
    source.metadata.requests_files = False
    with planned([(job, folder)], source, on_event, keep_going=keep_going) as planning:
        plan = planning.plans[0]
        consent(plan.lost)
        for lock in plan.locks.values():
            write(folder, lock.filename, lock_toml(lock, with_paths=False))
        for name in sorted(plan.dropped):
            path = rooted(folder, plan.existing[name].filename)
            with os_errors_as_machine_error(path):
                path.unlink(missing_ok=True)
            on_event(Noted(f"`{path}` was removed: the settings file no longer names this target"))
    return tuple(plan.locks.values()), planning.error


def _lost(plans: Sequence[Plan]) -> list[str]:
    """The files of another job that the plans would remove, as paths relative to the first folder."""
    outer = plans[0].folder
    return [str(plan.folder.relative_to(outer) / name) for plan in plans for name in plan.lost]


def _fetched(plan: Plan, source: PackageSource, on_event: Listener) -> Fetched:
    """Fill the folder of one plan, and say what was done. A note if its locks have different versions of a project."""
    if sentence := plan.wheelhouse.disagreement:
        on_event(Noted(f"{plan.folder}: {sentence}; {BY_THE_LIST}"))
    filled = fill(plan.folder, plan.wheelhouse, plan.existing.values(), plan.job.own_files, source, on_event)
    by_target = {lock.target.name: lock for lock in filled.wheelhouse.locks}
    locks = tuple(by_target[name] for name in plan.locks)
    return Fetched(plan.folder, filled.wheelhouse, locks, filled.placed, filled.kept, filled.removed, filled.foreign)
