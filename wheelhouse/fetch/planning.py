"""From jobs to plans: which locks each folder will hold, settled before anything in it is changed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from wheelhouse.errors import WheelhouseError
from wheelhouse.events import Listener
from wheelhouse.fetch.failures import combined
from wheelhouse.fetch.job import Job
from wheelhouse.fetch.locking import existing_locks, lock_parts
from wheelhouse.files.disk import folder_lock, rooted, verbatim
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import Wheelhouse


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job will make of a folder.

    `standing` are the locks that are there, `locks` those of the job, by target. `dropped` names targets that the same
    settings file asked for earlier, and asks for no more. `lost` names the files that a target needs for another job, and for
    this one does not.
    """

    job: Job
    folder: Path
    standing: Mapping[str, Lock]
    locks: Mapping[str, Lock]
    house: Wheelhouse
    dropped: frozenset[str]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of one run, and the error of the targets that have none."""

    plans: tuple[Plan, ...]
    error: WheelhouseError | None


@contextmanager
def planned(
    jobs: Sequence[tuple[Job, Path]], supply: PackageSource, on_event: Listener, *, keep_going: bool = False
) -> Iterator[Plans]:
    """Hold the folders of some jobs for the same targets, and plan what each job will make of its folder.

    A target that fails in one job is left out of the next ones. Raises one error for all targets that failed, unless
    `keep_going` is set and at least one target has a lock.
    """
    failed: dict[str, WheelhouseError] = dict(jobs[0][0].failed)
    targets = len(jobs[0][0].parts) + len(failed)
    plans: list[Plan] = []
    with ExitStack() as stack:
        for job, folder in jobs:
            if folder != jobs[0][1] and not folder.exists():
                stack.callback(_remove_if_empty, folder)
            stack.enter_context(folder_lock(folder))
            plans.append(_plan(job, folder, failed, supply, on_event))
        going_on = keep_going and any(plan.locks for plan in plans)
        error = combined(failed, targets, kept_going=going_on) if failed else None
        if error and not going_on:
            raise error
        yield Plans(tuple(plans), error)


def _remove_if_empty(folder: Path) -> None:
    """Inside a house, an empty folder would be taken for a house without locks."""
    with suppress(OSError):
        folder.rmdir()


def _plan(
    job: Job, folder: Path, failed: dict[str, WheelhouseError], supply: PackageSource, on_event: Listener
) -> Plan:
    """The plan of one job; the errors of its targets are added to `failed`."""
    standing = existing_locks(folder)
    asked = {part.target.name for part in job.parts} | failed.keys()
    open_to = replace(job, parts=tuple(part for part in job.parts if part.target.name not in failed))
    locks = lock_parts(open_to, standing, failed, supply, on_event)
    dropped = frozenset(name for name, lock in standing.items() if name not in asked and _same_settings(job, lock))
    house = _house(open_to, folder, standing, locks, dropped)
    return Plan(open_to, folder, standing, locks, house, dropped, _lost(open_to, folder, standing, locks, supply))


def _house(
    job: Job, folder: Path, standing: Mapping[str, Lock], locks: Mapping[str, Lock], dropped: frozenset[str]
) -> Wheelhouse:
    every = {name: lock for name, lock in {**standing, **locks}.items() if name not in dropped}
    constraints: dict[str, str] = {}
    for name in every.keys() - locks.keys():
        path = folder / standing[name].constraints_filename
        if path.is_file():
            constraints[name] = verbatim(path)
    for part in job.parts:
        if part.target.name in locks and part.constraints_text is not None:
            constraints[part.target.name] = part.constraints_text
    return Wheelhouse(tuple(every[name] for name in sorted(every)), constraints)


def _lost(
    job: Job, folder: Path, standing: Mapping[str, Lock], locks: Mapping[str, Lock], supply: PackageSource
) -> tuple[str, ...]:
    """The files in the folder that a target needs for another job, and for this one does not."""
    if job.upgrade:
        return ()
    own = {part.target.name: job.inputs(part, supply.locations.told) for part in job.parts}
    lost: set[str] = set()
    for name in standing.keys() & locks.keys():
        before = standing[name]
        upgrades_itself = job.upgrade_projects and before.inputs.same_job(own[name])
        if not upgrades_itself and not _same_settings(job, before):
            lost |= _filenames(before) - _filenames(locks[name])
    return tuple(name for name in sorted(lost) if rooted(folder, name).exists())


def _filenames(lock: Lock) -> set[str]:
    return {artifact.filename for artifact in lock.artifacts}


def _same_settings(job: Job, lock: Lock) -> bool:
    return job.settings_sha256 is not None and lock.inputs.settings_sha256 == job.settings_sha256
