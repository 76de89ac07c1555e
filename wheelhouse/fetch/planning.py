"""From jobs to plans: which locks each folder will hold, decided before anything in it changes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from wheelhouse.errors import WheelhouseError
from wheelhouse.events import Listener
from wheelhouse.fetch.failures import combined
from wheelhouse.fetch.job import Job
from wheelhouse.fetch.locking import dropped_targets, existing_locks, has_same_settings, lock_parts
from wheelhouse.files.disk import folder_lock, rooted, verbatim
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import Wheelhouse


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job will make of a folder.

    `existing` are the locks in the folder, `locks` those of the job, by target name. `dropped` names the targets that the same
    settings file named earlier, and no longer names. `lost` names the files that another job put there for these targets,
    and that this job does not need.
    """

    job: Job
    folder: Path
    existing: Mapping[str, Lock]
    locks: Mapping[str, Lock]
    wheelhouse: Wheelhouse
    dropped: frozenset[str]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of one run, and the error of the targets without a plan."""

    plans: tuple[Plan, ...]
    error: WheelhouseError | None


@contextmanager
def planned(
    jobs: Sequence[tuple[Job, Path]], source: PackageSource, on_event: Listener, *, keep_going: bool = False
) -> Iterator[Plans]:
    """Resolve some jobs for the same targets, and plan what each will make of its folder; no other run can change the folders
    until the block ends.

    A folder that does not exist is made; unless it is the first one, it is removed at the end if it is still empty. A target
    that fails in one job is left out of the next ones; `jobs` has at least one, and of their `failed` only that of the first
    counts. Raises one error for all targets that failed, unless `keep_going` is set and at least one target has a lock.
    """
    failed: dict[str, WheelhouseError] = dict(jobs[0][0].failed)
    targets = len(jobs[0][0].parts) + len(failed)
    plans: list[Plan] = []
    with ExitStack() as stack:
        for job, folder in jobs:
            is_extra = folder != jobs[0][1] and not folder.exists()
            # inside a wheelhouse, an empty folder would count as a wheelhouse without locks
            stack.enter_context(folder_lock(folder, remove_if_empty=is_extra))
            plans.append(_plan(job, folder, failed, source, on_event))
        going_on = keep_going and any(plan.locks for plan in plans)
        error = combined(failed, targets, kept_going=going_on) if failed else None
        if error and not going_on:
            raise error
        yield Plans(tuple(plans), error)


def _plan(
    job: Job, folder: Path, failed: dict[str, WheelhouseError], source: PackageSource, on_event: Listener
) -> Plan:
    """The plan of one job, without the targets in `failed`; the errors of its own targets are added there."""
    existing = existing_locks(folder)
    possible = replace(job, parts=tuple(part for part in job.parts if part.target.name not in failed))
    locks = lock_parts(possible, existing, failed, source, on_event)
    dropped = dropped_targets(replace(job, failed=failed), existing)
    wheelhouse = _wheelhouse(possible, folder, existing, locks, dropped)
    lost = _lost(possible, folder, existing, locks, source)
    return Plan(possible, folder, existing, locks, wheelhouse, dropped, lost)


def _wheelhouse(
    job: Job, folder: Path, existing: Mapping[str, Lock], locks: Mapping[str, Lock], dropped: frozenset[str]
) -> Wheelhouse:
    """The wheelhouse with the locks and constraints of the job, and those of the other targets as they are, without `dropped`."""
    merged = {name: lock for name, lock in {**existing, **locks}.items() if name not in dropped}
    constraints: dict[str, str] = {}
    for name in merged.keys() - locks.keys():
        path = folder / existing[name].constraints_filename
        if path.is_file():
            constraints[name] = verbatim(path)
    for part in job.parts:
        if part.target.name in locks and part.constraints_text is not None:
            constraints[part.target.name] = part.constraints_text
    return Wheelhouse(tuple(merged[name] for name in sorted(merged)), constraints)


def _lost(
    job: Job, folder: Path, existing: Mapping[str, Lock], locks: Mapping[str, Lock], source: PackageSource
) -> tuple[str, ...]:
    """The files in the folder that another job put there for these targets, and that this job does not need; their names,
    sorted.

    None with --upgrade. A lock that was made from the same settings file, or by the same job if single projects are upgraded,
    loses none.
    """
    if job.upgrade:
        return ()
    inputs = {part.target.name: job.inputs(part, source.locations.redacted) for part in job.parts}
    needed = {filename for lock in locks.values() for filename in _filenames(lock)}
    lost: set[str] = set()
    for name in existing.keys() & locks.keys():
        before = existing[name]
        upgrades_itself = job.upgrade_projects and before.inputs.same_job(inputs[name])
        if not upgrades_itself and not has_same_settings(job, before):
            lost |= _filenames(before) - needed
    return tuple(name for name in sorted(lost) if rooted(folder, name).exists())


def _filenames(lock: Lock) -> set[str]:
    """The names of a lock's artifacts."""
    return {artifact.filename for artifact in lock.artifacts}
