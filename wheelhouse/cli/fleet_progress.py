"""Progress of the jobs of a fleet: how many are done, what those that run do, and what each says."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from wheelhouse.cli.journal import journal
from wheelhouse.cli.progress import Shown
from wheelhouse.cli.tally import shortened
from wheelhouse.events import Event, Found, Noted, Resolved, Resolving, Retrying, Searching, Warned
from wheelhouse.fetch.fleet_results import JobRun, JobState
from wheelhouse.humanize import counted

MAX_JOBS = 8
"""So many running jobs have a line of their own."""
MAX_NAME_CHARACTERS = 30
OF_JOBS = Warned | Found | Noted | Retrying | Resolving | Resolved | Searching
"""Events that belong to one job; the others are counted for all jobs together."""


class FleetTally:
    """Counts jobs by their state, and remembers what those that run do. Moments are seconds of any one clock."""

    def __init__(self, names: Sequence[str]) -> None:
        self._states = dict.fromkeys(names, JobState.WAITING)
        self._running: dict[str, tuple[float, str]] = {}
        """The jobs that run: since when, and what they do."""
        self._guard = threading.Lock()

    def note_state(self, name: str, state: JobState, moment: float) -> None:
        """Keep the new state of a job. `moment` is when it began, if it runs now."""
        with self._guard:
            self._states[name] = state
            if state is JobState.RUNNING:
                self._running[name] = moment, ""
            else:
                self._running.pop(name, None)

    def note_activity(self, name: str, what: str) -> None:
        """Keep what a running job does now. A job that does not run is left out."""
        with self._guard:
            if name in self._running:
                self._running[name] = self._running[name][0], what

    def line(self) -> str:
        """How many of all jobs are done, failed, running, waiting and not started, in one line.

        A count of 0 is left out, but for those done. Jobs that were stopped count among all alone.
        """
        with self._guard:
            counts = Counter(self._states.values())
        shown = (JobState.FAILED, JobState.RUNNING, JobState.WAITING, JobState.NOT_STARTED)
        done = f"{counts[JobState.DONE]} of {counted(counts.total(), 'job')} done"
        return ", ".join([done, *(f"{counts[state]} {state}" for state in shown if counts[state])])

    def lines(self, moment: float, columns: int) -> list[str]:
        """The same line, then one for each of MAX_JOBS running jobs, those that run longest first, and how many more run.

        `columns` shortens only the names; the caller cuts the lines, and what is cut at the right says least.
        """
        with self._guard:
            running = sorted(self._running.items(), key=lambda item: item[1][0])
        shown = [
            (shortened(name, MAX_NAME_CHARACTERS, columns), moment - since, what)
            for name, (since, what) in running[:MAX_JOBS]
        ]
        width = max((len(name) for name, _, _ in shown), default=0)
        lines = [f"  {name:{width}}  {seconds:3.0f} s  {what}".rstrip() for name, seconds, what in shown]
        more = [f"  and {len(running) - MAX_JOBS} more"] if len(running) > MAX_JOBS else []
        return [self.line(), *lines, *more]


class JobListener:
    """Listens to one job of a fleet. `warnings` are its own, for `--json`."""

    def __init__(self, name: str, shown: "FleetShown") -> None:
        self.warnings: list[str] = []
        self._name, self._shown = name, shown

    def __call__(self, event: Event) -> None:
        if isinstance(event, Warned | Found):
            from wheelhouse.report import warning_text

            self.warnings.append(warning_text(event))
        self._shown.note_event(self._name, event)


class FleetShown(Shown):
    """A listener for the jobs of one run. A warning that several jobs have is printed for the first of them alone."""

    def __init__(self, names: Sequence[str], *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self.listeners = {name: JobListener(name, self) for name in names}
        self.jobs = FleetTally(names)

    def note_event(self, name: str, event: Event) -> None:
        """Show an event of a job, and write it to the log: print it after the job's name, or keep it as what the job does now.

        Events that are no job's own (OF_JOBS) are counted for all together; of these, a wheel that was built is printed,
        without a name. A line of OF_JOBS that was printed before, also for another job, is not printed again. If `quiet`,
        only warnings and findings are printed.
        """
        from wheelhouse.report import event_line

        if not isinstance(event, OF_JOBS):
            self(event)
            return
        journal.note(event, self._say, job=name)
        line = event_line(event) or ""
        if isinstance(event, Resolving | Searching | Resolved):
            self.jobs.note_activity(name, line)
        elif self._is_first(line) and (not self._quiet or isinstance(event, Warned | Found)):
            self._say(f"{name}: {line}")

    def note_run(self, run: JobRun[Any]) -> None:
        """Keep the new state of a job. Print its error, also if `quiet`, or, if it is done and not `quiet`, its time."""
        self.jobs.note_state(run.name, run.state, time.monotonic())
        if run.error:
            from wheelhouse.report import error_lines

            for line in error_lines(run.error):
                self._say(f"{run.name}: {line}")
        elif run.state is JobState.DONE and not self._quiet:
            self._say(f"{run.name}: done in {run.seconds:.1f} s")

    def _line(self) -> str:
        """The progress in one line: the jobs, then the files of all together."""
        return "; ".join(filter(None, (self.jobs.line(), super()._line())))

    def _lines(self, columns: int) -> list[str]:
        """The progress for a terminal of so many columns: the lines of the jobs, then those of the files."""
        return [*self.jobs.lines(time.monotonic(), columns), *super()._lines(columns)]
