"""What a run made of the jobs of a fleet, as text and JSON (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wheelhouse.fetch.fleet_results import JobRun, JobState
from wheelhouse.lock.lock import Lock
from wheelhouse.report import counted, error_document, size_text
from wheelhouse.report.sentences import error_sentence


@dataclass(frozen=True, slots=True)
class JobResult:
    """What was made of one job: its wheelhouse, its locks, what `--json` prints of it, and how many files changed, by kind.

    `targets` is the number of locks, `sizes` has the size of each file in bytes, by sha256.
    """

    folder: str
    locks: tuple[Lock, ...]
    document: Mapping[str, Any]
    changes: Mapping[str, int]
    targets: int
    sizes: Mapping[str, int]

    @classmethod
    def of(
        cls, folder: str, locks: Sequence[Lock], document: Mapping[str, Any], changes: Mapping[str, int] | None = None
    ) -> "JobResult":
        """The result of a job with these locks; their number and the sizes of their files are counted here."""
        sizes = {artifact.sha256: artifact.size for lock in locks for artifact in lock.artifacts}
        return cls(folder, tuple(locks), document, changes or {}, len(locks), sizes)

    def reduced(self, *, has_document: bool, has_locks: bool) -> "JobResult":
        """A copy without the document and the locks, unless they are needed: a job has 3 kB for each project of each target."""
        document, locks = self.document if has_document else {}, self.locks if has_locks else ()
        return replace(self, document=document, locks=locks)


Runs = Sequence[JobRun[JobResult]]


def fleet_lines(runs: Runs) -> list[str]:
    """A line for each job that has a result or an error, then a line with the numbers of jobs by state, and of files."""
    lines = [line for run in runs if (line := _job_line(run))]
    counts = {state: sum(run.state is state for run in runs) for state in JobState}
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return [*lines, f"{counted(len(runs), 'job')}: {states}{_sums(runs)}"]


def fleet_document(runs: Runs, warnings: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """All jobs for `--json`, and the number and bytes of their different files; `warnings` must have each job."""
    distinct = _distinct(runs)
    return {
        "jobs": [_job_document(run, warnings[run.name]) for run in runs],
        "files": len(distinct),
        "bytes": sum(distinct.values()),
    }


def _job_line(run: JobRun[JobResult]) -> str:
    """What a job has now, and its error; empty without result and error."""
    error = f"{run.state}: {error_sentence(run.error)}" if run.error else ""
    if run.result is None:
        return f"{run.name}: {error}" if error else ""
    parts = [
        counted(run.result.targets, "target"),
        counted(len(run.result.sizes), "file"),
        size_text(sum(run.result.sizes.values())),
        *(f"{count} {kind}" for kind, count in run.result.changes.items()),
    ]
    return f"{run.name} ({run.result.folder}): {', '.join(parts)}{f'; {error}' if error else ''}"


def _sums(runs: Runs) -> str:
    """How many different files the jobs have together, and their size, as the end of a line; empty if they have none."""
    distinct = _distinct(runs)
    return f"; {counted(len(distinct), 'different file')}, {size_text(sum(distinct.values()))}" if distinct else ""


def _job_document(run: JobRun[JobResult], warnings: Sequence[str]) -> dict[str, Any]:
    """A job for `--json`: its name and state, what its own run would print, its warnings, seconds, and its error if there is one."""
    document = {"job": run.name, "state": str(run.state), **(run.result.document if run.result else {})}
    error = error_document(run.error) if run.error else {}
    return document | {"warnings": list(warnings), "seconds": round(run.seconds, 3)} | error


def _distinct(runs: Runs) -> dict[str, int]:
    """The size of each file that any job has, by sha256. A file of several jobs is there once."""
    return {sha256: size for run in runs if run.result for sha256, size in run.result.sizes.items()}
