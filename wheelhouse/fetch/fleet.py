"""The jobs of a fleet, each in a thread, some at once. After a failed job no other is started, unless the user wants to keep going."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from wheelhouse.errors import WheelhouseError
from wheelhouse.fetch.fleet_results import JobRun, JobState
from wheelhouse.index.http import StoppedError

T = TypeVar("T")
STOP_SECONDS = 3.0
"""So long jobs may take to end after an interrupt; what they leave then is removed by the next run."""
Work = Callable[[str], tuple[T, WheelhouseError | None]]
"""Does a job, by its name. Returns its result, and the error of the targets that have none; raises if nothing was done."""


OnChange = Callable[[JobRun[T]], None]


def run_jobs(
    names: Sequence[str],
    work: Work[T],
    parallel: int,
    on_change: OnChange[T],
    *,
    keep_going: bool,
    stop: Callable[[], None],
) -> list[JobRun[T]]:
    """Do jobs, at most `parallel` at once; what became of each, in the order of `names`. `on_change` is called from many threads.

    After a job with an error no other is started, unless `keep_going` is set. If the caller is interrupted, or a job raises
    what is neither a WheelhouseError nor a CancelledError, no other is started, `stop` is called to make jobs end early,
    those that do not end within STOP_SECONDS are left alone, and the exception is raised: for that of a job, all this
    happens only when the jobs named before it have ended.
    """
    if not names:
        return []
    fleet = _Fleet(work, on_change, keep_going=keep_going)
    pool = ThreadPoolExecutor(min(parallel, len(names)), thread_name_prefix="jobs")
    futures = [pool.submit(fleet.run, name) for name in names]
    pool.shutdown(wait=False)
    try:
        return [future.result() for future in futures]
    except BaseException:
        fleet.interrupt()
        stop()
        wait(futures, STOP_SECONDS)
        raise


class _Fleet(Generic[T]):
    """Does jobs until it is over."""

    def __init__(self, work: Work[T], on_change: OnChange[T], *, keep_going: bool) -> None:
        self._work, self._on_change, self._keep_going = work, on_change, keep_going
        self._is_over, self._is_interrupted = threading.Event(), threading.Event()

    def interrupt(self) -> None:
        """Start no other job. A running job that raises an error from now on counts as stopped, not as failed."""
        self._is_over.set()
        self._is_interrupted.set()

    def run(self, name: str) -> JobRun[T]:
        """Do one job, and report its states; if the fleet is over, it is not started. A failed job ends the fleet, unless it
        keeps going. One that raises StoppedError or CancelledError counts as stopped, and ends nothing.

        Raises what the job raises that is neither a WheelhouseError nor a CancelledError.
        """
        if self._is_over.is_set():
            return self._reported(JobRun(name, JobState.NOT_STARTED))
        self._on_change(JobRun(name, JobState.RUNNING))
        started = time.monotonic()
        result: T | None = None
        try:
            result, error = self._work(name)
        except (StoppedError, CancelledError):
            return self._reported(JobRun(name, JobState.STOPPED, seconds=time.monotonic() - started))
        except WheelhouseError as raised:
            if self._is_interrupted.is_set():
                return self._reported(JobRun(name, JobState.STOPPED, seconds=time.monotonic() - started))
            error = raised
        if error and not self._keep_going:
            self._is_over.set()
        state = JobState.FAILED if error else JobState.DONE
        return self._reported(JobRun(name, state, result, error, time.monotonic() - started))

    def _reported(self, run: JobRun[T]) -> JobRun[T]:
        """The same run, after it was reported."""
        self._on_change(run)
        return run
