"""`fetch` and `lock`: from requirements to a wheelhouse, or to its lock files alone."""

from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, Quiet, command
from wheelhouse.cli.fleet_run import fetch_fleet, lock_fleet, must_choose_jobs
from wheelhouse.cli.job_run import JobRequest, consent_of, fetch_job, fetched_document, fetched_lines, lock_job
from wheelhouse.cli.output import end_with, say, say_json
from wheelhouse.cli.session import chosen_jobs, listening, options, settings, supplied
from wheelhouse.config.options import BuildingOptions, ConnectionOptions, FetchOptions, FleetOptions


@command(app)
def fetch(
    chosen: FetchOptions,
    selection: FleetOptions,
    network: ConnectionOptions,
    building: BuildingOptions,
    build: Annotated[
        bool,
        typer.Option("--build", rich_help_panel="Building", help="Build each sdist, as `wheelhouse build` does."),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Resolve requirements for a target, download and verify every file, and write a wheelhouse with lock files.

    \b
    wheelhouse fetch 'apache-airflow[celery]==2.10.5' -c constraints.txt --python 3.12
    wheelhouse fetch --airflow 2.10.5 --extra celery,postgres --python 3.12
    wheelhouse fetch -r requirements.txt --python 3.11 --python 3.12 --platform linux/arm64

    wheelhouse fetch --all --keep-going --parallel 8

    If the command line does not say what to fetch, the job is read from wheelhouse.toml, or from [tool.wheelhouse] of
    pyproject.toml. With --all, one run fetches all jobs of that file (the tables [jobs.NAME]), each into its own
    wheelhouse. If the wheelhouse has a lock file of the same job, `fetch` uses the lock file as it is. To resolve
    again, add --upgrade. If the wheelhouse also has files of another job, the command asks before it removes these
    files. With --replace, it does not ask. If the job in the settings file changed, the job's old files are replaced
    without a question. Package code runs only with --build, which builds each sdist in a sandbox.
    """
    if jobs := chosen_jobs(selection):
        fetch_fleet(jobs, chosen, selection, network, building if build else None, as_json=as_json, quiet=quiet)
        return
    from wheelhouse import report

    from_file = settings()
    must_choose_jobs(from_file, chosen, selection)
    job_options = options(from_file, chosen)
    with listening(quiet=quiet or as_json) as listener, supplied(job_options, network, listener) as (_, source):
        folder = Path(job_options.dest or "wheels")
        consent = consent_of(folder, None if as_json else listener, replace_files=chosen.replace)
        request = JobRequest(job_options, chosen, from_file.files, consent, building if build else None)
        outcome = fetch_job(request, source, listener)
    if as_json:
        error = report.error_document(outcome.error) if outcome.error else {}
        say_json(fetched_document(outcome) | {"warnings": listener.warnings} | error)
    elif not quiet:
        say(*fetched_lines(outcome))
    end_with(outcome.error, as_json=as_json)


@command(app)
def lock(
    chosen: FetchOptions,
    selection: FleetOptions,
    network: ConnectionOptions,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            rich_help_panel="Output",
            help="Write nothing. Check that the lock files are up to date with the requirements, constraints and "
            "options. If they are not, the exit code is 1.",
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Resolve requirements, and write pylock.<target>.toml. A distribution is downloaded only if the index does not serve
    the distribution's metadata.
    """
    if check:
        from wheelhouse.cli.lock_check import check_locks

        check_locks(chosen, selection, network, as_json=as_json, quiet=quiet)
        return
    if jobs := chosen_jobs(selection):
        lock_fleet(jobs, chosen, selection, network, as_json=as_json, quiet=quiet)
        return
    from wheelhouse import report

    from_file = settings()
    must_choose_jobs(from_file, chosen, selection)
    job_options = options(from_file, chosen)
    with listening(quiet=quiet or as_json) as listener, supplied(job_options, network, listener) as (_, source):
        folder = Path(job_options.dest or "wheels")
        consent = consent_of(folder, None if as_json else listener, replace_files=chosen.replace)
        locks, error = lock_job(JobRequest(job_options, chosen, (), consent), source, listener)
    if as_json:
        targets = [report.lock_document(lock) for lock in locks]
        failed = report.error_document(error) if error else {}
        say_json({"house": str(folder), "targets": targets, "warnings": listener.warnings, **failed})
    elif not quiet:
        say(*report.locks_lines(locks))
    end_with(error, as_json=as_json)
