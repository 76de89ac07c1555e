"""What a run made of the jobs of a fleet, as text and JSON (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wheelhouse.archive.artifact import Artifact
from wheelhouse.fetch.fleet_results import JobRun, JobState
from wheelhouse.lock.lock import Lock
from wheelhouse.report import counted, error_document, size_text
from wheelhouse.report.sentences import error_sentence

MAX_NOT_STARTED = 10


@dataclass(frozen=True, slots=True)
class JobResult:
    """What was made of one job: its wheelhouse, its locks, what `--json` prints of it, and how many files changed, by kind."""

    folder: str
    locks: tuple[Lock, ...]
    document: Mapping[str, Any]
    changes: Mapping[str, int] = field(default_factory=dict)


Runs = Sequence[JobRun[JobResult]]


def fleet_lines(runs: Runs) -> list[str]:
    """A line for each job that has a result or an error, then the sums."""
    lines = [line for run in runs if (line := _job_line(run))]
    counts = {state: sum(run.state is state for run in runs) for state in JobState}
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return [*lines, f"{counted(len(runs), 'job')}: {states}{_sums(runs)}"]


def fleet_document(runs: Runs, warnings: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """All jobs for `--json`; `warnings` are those of each job."""
    distinct = _distinct(runs)
    return {
        "jobs": [_job_document(run, warnings[run.name]) for run in runs],
        "files": len(distinct),
        "bytes": sum(distinct.values()),
    }


def _job_line(run: JobRun[JobResult]) -> str:
    """What a job has now, and its error."""
    error = f"{run.state}: {error_sentence(run.error)}" if run.error else ""
    if run.result is None:
        return f"{run.name}: {error}" if error else ""
    artifacts = _artifacts(run.result.locks)
    parts = [
        counted(len(run.result.locks), "target"),
        counted(len(artifacts), "file"),
        size_text(sum(artifacts.values())),
        *(f"{count} {kind}" for kind, count in run.result.changes.items()),
    ]
    return f"{run.name} ({run.result.folder}): {', '.join(parts)}{f'; {error}' if error else ''}"


def _sums(runs: Runs) -> str:
    """How many different files the jobs have together, and their size."""
    distinct = _distinct(runs)
    return f"; {counted(len(distinct), 'different file')}, {size_text(sum(distinct.values()))}" if distinct else ""


def _job_document(run: JobRun[JobResult], warnings: Sequence[str]) -> dict[str, Any]:
    document = {"job": run.name, "state": str(run.state), **(run.result.document if run.result else {})}
    error = error_document(run.error) if run.error else {}
    return document | {"warnings": list(warnings), "seconds": round(run.seconds, 3)} | error


def _distinct(runs: Runs) -> dict[str, int]:
    """The size of each file that any job has, by sha256."""
    return _artifacts(lock for run in runs if run.result for lock in run.result.locks)


def _artifacts(locks: Iterable[Lock]) -> dict[str, int]:
    """The size of each artifact of some locks, by sha256."""
    artifacts: Iterable[Artifact] = (artifact for lock in locks for artifact in lock.artifacts)
    return {artifact.sha256: artifact.size for artifact in artifacts}
