"""`fetch --all` and `lock --all`: the jobs of the settings file in one run, with one cache and one answer."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from wheelhouse.cli.defects import error_of
from wheelhouse.cli.job_run import JobRequest, consent_of, fetch_job, fetched_document, lock_job
from wheelhouse.cli.machine import now
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import opened_sources, options, read_snapshot, settings
from wheelhouse.cli.terminal import echo
from wheelhouse.config.declare import given, names_job
from wheelhouse.config.options import BuildingOptions, ConnectionOptions, FetchOptions, FleetOptions
from wheelhouse.errors import InputError, WheelhouseError

if TYPE_CHECKING:
    from wheelhouse.config.settings import Settings
    from wheelhouse.events import Listener
    from wheelhouse.fetch.fleet_results import JobRun
    from wheelhouse.index.package_source import PackageSource
    from wheelhouse.lock.lock import Lock
    from wheelhouse.report.fleet_summary import JobResult

    Step = Callable[[JobRequest, "PackageSource", "Listener"], "tuple[JobResult, WheelhouseError | None]"]
    """Does one job; its result, and the error of the targets that have none."""


def fetch_fleet(
    jobs: "Mapping[str, Settings]",
    chosen: FetchOptions,
    fleet: FleetOptions,
    network: ConnectionOptions,
    building: BuildingOptions | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fetch jobs, each into its wheelhouse, and print what became of them. Raises as `run_fleet` does.

    `building` is how to build their sdists; None builds nothing.
    """
    run_fleet(_fetched, jobs, chosen, fleet, network, building, as_json=as_json, quiet=quiet)


def lock_fleet(
    jobs: "Mapping[str, Settings]",
    chosen: FetchOptions,
    fleet: FleetOptions,
    network: ConnectionOptions,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the lock files of jobs, and print what became of them. Raises as `run_fleet` does."""
    run_fleet(_locked, jobs, chosen, fleet, network, None, as_json=as_json, quiet=quiet)


def must_choose_jobs(from_file: "Settings", chosen: FetchOptions, fleet: FleetOptions) -> None:
    """Raise InputError for --report, and if the settings file has jobs and nothing else says what to fetch.

    It is for a command without --all and --job.
    """
    if fleet.report:
        raise InputError("--report writes a report on jobs, but no job was chosen", hint="add --all, or --job NAME")
    values = from_file.options | given(chosen)
    if from_file.has_jobs and not names_job(FetchOptions, values):
        hint = "add --all for all jobs, or --job NAME"
        raise InputError("the settings file has jobs, but no job was chosen", hint=hint)


def run_fleet(
    step: "Step",
    jobs: "Mapping[str, Settings]",
    chosen: FetchOptions,
    fleet: FleetOptions,
    network: ConnectionOptions,
    building: BuildingOptions | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Do a step for each job, up to `fleet.parallel` at once, print what became of them, and write the page of --report, if given.

    After a job with an error no other is started, unless `chosen.keep_going` is set. Raises typer.Exit with the exit code of all, if
    it is not 0, and InputError if the command line names what to fetch, or a folder: that is for one job.
    """
    from wheelhouse.cli.fleet_progress import FleetShown
    from wheelhouse.fetch.fleet import run_jobs
    from wheelhouse.fetch.fleet_results import JobState, exit_code
    from wheelhouse.fetch.locking import existing_locks
    from wheelhouse.humanize import counted
    from wheelhouse.index.http import StoppedError
    from wheelhouse.report.fleet_summary import fleet_document, fleet_lines

    must_be_for_all(chosen)
    before: dict[str, Sequence[Lock]] = {}
    listener = FleetShown(list(jobs), quiet=quiet or as_json)
    with listener.shown(), ExitStack() as opened:
        source_of = opened.enter_context(opened_sources(network, listener))

        def work(name: str) -> "tuple[JobResult, WheelhouseError | None]":
            """Do the step for the job of this name. Each error but a stop becomes one of wheelhouse."""
            try:
                request = request_of(
                    jobs[name], chosen, building, lambda: listener.jobs.note_activity(name, "fetching")
                )
                if fleet.report:
                    before[name] = tuple(existing_locks(request.folder).values())
                source = source_of(request.options, owner=name if building else "")
                result, error = step(request, source, listener.listeners[name])
                return result.reduced(has_document=as_json, has_locks=bool(fleet.report)), error
            except (StoppedError, CancelledError):
                raise
            except Exception as error:
                raise error_of(error) from error

        runs = run_jobs(
            list(jobs), work, fleet.parallel, listener.note_run, keep_going=chosen.keep_going, stop=opened.close
        )
    code = exit_code(runs)
    if fleet.report:
        _write_report(Path(fleet.report), runs, before)
    if as_json:
        warnings = {name: job.warnings for name, job in listener.listeners.items()}
        say_json(fleet_document(runs, warnings) | {"warnings": listener.warnings, "exit-code": code})
    elif not quiet:
        say(*fleet_lines(runs))
    if not_started := sum(run.state is JobState.NOT_STARTED for run in runs):
        echo(f"hint: to also run the {counted(not_started, 'job')} that did not start, add --keep-going", err=True)
    if code:
        raise typer.Exit(code)


def _write_report(path: Path, runs: "Sequence[JobRun[JobResult]]", before: "Mapping[str, Sequence[Lock]]") -> None:
    """Write the HTML page on all jobs. The advisories are those that the policy names, if there are any."""
    from wheelhouse.files.disk import write
    from wheelhouse.report.fleet_facts import FleetEvidence
    from wheelhouse.report.formats import as_fleet_page

    advisories = read_snapshot(Path(settings().policy.advisories), is_named=False)
    write(path.parent, path.name, as_fleet_page(FleetEvidence(runs, before, advisories, now())))


def request_of(
    job: "Settings", chosen: FetchOptions, building: BuildingOptions | None, on_planned: Callable[[], None]
) -> JobRequest:
    """What is to be done for one job of the settings file. Nothing is asked.

    `on_planned` is called when its locks are made. Without --replace, files of another job are then an InputError.
    """
    job_options = options(job, chosen)
    consent = consent_of(Path(job_options.dest or "wheels"), None, replace_files=chosen.replace)

    def planned(lost: Sequence[str]) -> None:
        """Tell that the locks are made, then raise InputError if files would be lost without consent."""
        on_planned()
        consent(lost)

    return JobRequest(job_options, chosen, job.files, planned, building)


def must_be_for_all(chosen: FetchOptions) -> None:
    """Raise InputError if the command line says what to fetch, or where to (--dest): each job says that itself."""
    values = given(chosen)
    if names_job(FetchOptions, values):
        hint = "leave out the requirements and targets, or leave out --all and --job"
        raise InputError(
            "the jobs of the settings file say what to fetch, but the command line also names requirements or targets",
            hint=hint,
        )
    if "dest" in values:
        hint = "to put all wheelhouses into one folder, set `output` in the settings file"
        raise InputError("--dest names one folder, but each job has its own folder", hint=hint)


def _fetched(
    request: JobRequest, source: "PackageSource", listener: "Listener"
) -> "tuple[JobResult, WheelhouseError | None]":
    """Fetch one job.

    Returns the result, with how many distributions were fetched, unchanged and removed (other files, base images and Debian
    packages are not counted), and the error of the targets that failed.
    """
    from wheelhouse.report.fleet_summary import JobResult

    outcome = fetch_job(request, source, listener)
    changes = {
        "fetched": sum(len(done.placed) for done in outcome.fetched),
        "unchanged": sum(len(done.kept) for done in outcome.fetched),
        "removed": sum(len(done.removed) for done in outcome.fetched),
    }
    return JobResult.of(str(outcome.folder), outcome.locks, fetched_document(outcome), changes), outcome.error


def _locked(
    request: JobRequest, source: "PackageSource", listener: "Listener"
) -> "tuple[JobResult, WheelhouseError | None]":
    """Write the locks of one job. Returns the result, and the error of the targets that failed."""
    from wheelhouse import report
    from wheelhouse.report.fleet_summary import JobResult

    locks, error = lock_job(request, source, listener)
    document = {"house": str(request.folder), "targets": [report.lock_document(lock) for lock in locks]}
    return JobResult.of(str(request.folder), locks, document), error
