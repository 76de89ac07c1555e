"""`lock --check`: are the lock files those of their jobs?"""

from collections.abc import Mapping

import typer

from wheelhouse.cli.fleet_run import must_be_for_all, must_choose_jobs, request_of
from wheelhouse.cli.job_run import JobRequest, check_job
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import chosen_jobs, listening, opened_sources, settings
from wheelhouse.config.declare import given, names_job
from wheelhouse.config.options import ConnectionOptions, FetchOptions, FleetOptions
from wheelhouse.errors import InputError


def check_locks(
    chosen: FetchOptions, selection: FleetOptions, network: ConnectionOptions, *, as_json: bool, quiet: bool
) -> None:
    """Print how each lock file stands to its job; nothing is resolved. Raises typer.Exit with code 1 if one is not up to date.

    Raises InputError for --upgrade, and the errors of `_requests` and `check_job`.
    """
    from wheelhouse.fetch.locking import Freshness
    from wheelhouse.report.lock_states import lock_states_document, lock_states_lines

    if chosen.upgrade or chosen.upgrade_projects:
        raise InputError(
            "--check and --upgrade exclude each other", hint="remove one of them: --check chooses no new versions"
        )
    with listening(quiet=quiet or as_json) as listener, opened_sources(network, listener) as source_of:
        states = {
            request.folder: check_job(request, source_of(request.options), listener)
            for request in _requests(chosen, selection).values()
        }
    if as_json:
        say_json(lock_states_document(states) | {"warnings": listener.warnings})
    else:
        say(*lock_states_lines(states, quiet=quiet))
    if any(state is not Freshness.UP_TO_DATE for found in states.values() for state in found.values()):
        raise typer.Exit(1)


def _requests(chosen: FetchOptions, selection: FleetOptions) -> Mapping[str, JobRequest]:
    """The chosen jobs of the settings file by name, or the one job of the command line and the file, with an empty name.

    Raises InputError if nothing says what was locked, if the file has jobs and none is chosen, if a chosen job does not
    exist, if jobs are chosen and the command line also says what to fetch, or where to, and for --report without chosen
    jobs.
    """
    if jobs := chosen_jobs(selection):
        must_be_for_all(chosen)
        return {name: request_of(job, chosen, None, lambda: None) for name, job in jobs.items()}
    from_file = settings()
    must_choose_jobs(from_file, chosen, selection)
    if not (from_file.files or names_job(FetchOptions, from_file.options | given(chosen))):
        raise InputError(
            "neither a settings file in this folder nor the command line says what was locked",
            hint="run the command in the folder of `wheelhouse.toml`, or name again the requirements and targets "
            "that were locked: "
            "`wheelhouse lock --check -r requirements.txt --python 3.12`",
        )
    return {"": request_of(from_file, chosen, None, lambda: None)}
