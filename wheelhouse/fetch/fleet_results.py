"""What became of the jobs of a fleet, and the exit code of all (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from wheelhouse.errors import EXIT_CODES, WheelhouseError

T = TypeVar("T")
INTERRUPTED = 130


class JobState(StrEnum):
    """What became of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True)
class JobRun(Generic[T]):
    """What became of one job. A job of which some targets failed has both a result and an error. `seconds` is its time."""

    name: str
    state: JobState
    result: T | None = None
    error: WheelhouseError | None = None
    seconds: float = 0.0


def exit_code(runs: Iterable[JobRun[T]]) -> int:
    """The exit code of all jobs: of theirs, the one that is first in EXIT_CODES. A stopped job has INTERRUPTED, one without an
    error 0; without jobs it is 0.
    """
    codes = {run.error.exit_code if run.error else INTERRUPTED if run.state is JobState.STOPPED else 0 for run in runs}
    return min(codes, key=EXIT_CODES.index, default=0)
