"""`fetch` and `lock`: from what is asked for to a house, or to its locks alone."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.building import run_build
from wheelhouse.cli.options import (
    AirflowAsked,
    BuildingOptions,
    ChoosingOptions,
    ConnectionOptions,
    Json,
    OutputOptions,
    Quiet,
    TargetOptions,
    WhatToFetch,
    given,
    grouped,
)
from wheelhouse.cli.session import (
    asked_for,
    end_with,
    listening,
    now,
    options,
    say,
    say_json,
    settings,
    settings_sha256,
    supplied,
)
from wheelhouse.errors import InputError
from wheelhouse.events import Warned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wheelhouse.cli.progress import Shown
    from wheelhouse.fetch.fetch import Consent, Fetched
    from wheelhouse.fetch.gather import Options
    from wheelhouse.fetch.job import Job
    from wheelhouse.index.http import Http


@app.command()
@grouped
def fetch(
    asked: WhatToFetch,
    targeted: TargetOptions,
    airflow_asked: AirflowAsked,
    chosen: ChoosingOptions,
    kept: OutputOptions,
    network: ConnectionOptions,
    building: BuildingOptions,
    build: Annotated[bool, typer.Option("--build", help="Build each sdist, as `wheelhouse build` does.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Resolve for a target, download every file, verify it, and write a locked house.

    \b
    wheelhouse fetch 'apache-airflow[celery]==2.10.5' -c constraints.txt --python 3.12
    wheelhouse fetch --airflow 2.10.5 --extra celery,postgres --python 3.12
    wheelhouse fetch -r requirements.txt --python 3.11 --python 3.12 --platform linux/arm64

    With no option the job is read from wheelhouse.toml, or from [tool.wheelhouse] of pyproject.toml.
    An existing lock for the same job is used as it stands, until --upgrade. Files of another job in the house
    are removed only after a question, or with --replace; those of an earlier state of the settings file are
    replaced. Nothing of a package is run, unless --build is said: then each sdist is built in a sealed room.
    """
    from wheelhouse import report
    from wheelhouse.fetch.fetch import fetch_all
    from wheelhouse.fetch.gather import tools_job
    from wheelhouse.lock.other_files import FOLDER, OtherFiles

    held = settings()
    wanted = options(held, asked, targeted, airflow_asked, chosen, kept)
    folder = kept.dest or Path(held.dest or "wheels")
    with (
        listening(quiet=quiet or as_json) as listener,
        supplied(wanted, network, listener) as (http, supply),
    ):
        job = _job(wanted, http, folder, listener, by_settings=not given(asked, targeted, airflow_asked))
        tools = tools_job(job)
        jobs = [(job, folder), *([(tools, folder / "tools")] if tools else [])]
        consent = _consent(folder, kept, listener, as_json=as_json)
        fetched, error = fetch_all(jobs, supply, listener, consent=consent, keep_going=kept.keep_going)
        house = fetched[0].house
        if any(not artifact.is_wheel for artifact in house.artifacts.values()):
            from wheelhouse.build.build_wheelhouse import fetch_build_requirements

            house = fetch_build_requirements(house, folder, supply, listener)
        others, gone = OtherFiles(), tuple[str, ...]()
        if not asked_for(asked, airflow_asked) and (held.files or (folder / FOLDER).is_dir()):
            from wheelhouse.fetch.fetch_other_files import fetch_other_files

            wishes = [one.wish() for one in held.files]
            others, gone = fetch_other_files(wishes, folder, http, supply.store, listener)
        if build:
            house = run_build(folder, building, supply, listener).house
        by_name = {one.name: one for one in house.locks}
        locks = tuple(by_name[one.name] for one in fetched[0].locks)
        if foreign := _paths(folder, fetched, lambda one: one.foreign):
            listener(Warned(report.foreign_sentence(str(folder), foreign)))
    if as_json:
        removed = _paths(folder, fetched, lambda one: one.removed)
        document = {
            "house": str(folder),
            "targets": [report.lock_document(one) for one in locks],
            "fetched": list(fetched[0].placed),
            "reused": list(fetched[0].stood),
            "removed": [*removed, *(f"{FOLDER}/{name}" for name in gone)],
            "foreign": foreign,
            "files": report.other_files_document(others),
            "warnings": listener.warnings,
        }
        say_json(document | (report.error_document(error) if error else {}))
    elif not quiet:
        say(*report.locks_lines(locks))
        for one in fetched:
            say(*report.fetched_lines(str(one.folder), one.placed, one.stood, one.removed))
        say(*report.other_files_lines(others, gone))
    end_with(error, as_json=as_json)


def _job(wanted: "Options", http: "Http", folder: Path, listener: "Shown", *, by_settings: bool) -> "Job":
    """The job of this run. `by_settings` says that the settings file alone says what is asked for."""
    from wheelhouse.fetch.gather import gather

    job = gather(wanted, http, now(), listener)
    return replace(job, settings_sha256=settings_sha256(folder)) if by_settings else job


def _consent(folder: Path, kept: OutputOptions, listener: "Shown", *, as_json: bool) -> "Consent":
    """Ask on the terminal whether the files of another job may go, else refuse; `--replace` says yes."""
    from wheelhouse import report

    def consent(lost: "Sequence[str]") -> None:
        if not lost or kept.replace:
            return
        sentence = report.lost_sentence(str(folder), len(lost))
        if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
            hint = "say --replace if they may go; else use another folder (--dest), or ask for both jobs in one command"
            raise InputError(sentence, hint=hint, details=tuple(lost))
        if not listener.confirm([f"  {name}" for name in lost], f"{sentence}. Go on?"):
            raise InputError(f"{sentence}; nothing was changed", hint="use another folder (--dest)")

    return consent


def _paths(folder: Path, fetched: "Sequence[Fetched]", names: "Callable[[Fetched], Sequence[str]]") -> list[str]:
    """Files of a house and of those inside it, as paths relative to its folder."""
    return [str(one.folder.relative_to(folder) / name) for one in fetched for name in names(one)]


@app.command()
@grouped
def lock(
    asked: WhatToFetch,
    targeted: TargetOptions,
    airflow_asked: AirflowAsked,
    chosen: ChoosingOptions,
    kept: OutputOptions,
    network: ConnectionOptions,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Resolve only: write pylock.<target>.toml without files."""
    from wheelhouse import report
    from wheelhouse.fetch.fetch import lock_only

    held = settings()
    wanted = options(held, asked, targeted, airflow_asked, chosen, kept)
    folder = kept.dest or Path(held.dest or "wheels")
    with (
        listening(quiet=quiet or as_json) as listener,
        supplied(wanted, network, listener) as (http, supply),
    ):
        job = _job(wanted, http, folder, listener, by_settings=not given(asked, targeted, airflow_asked))
        consent = _consent(folder, kept, listener, as_json=as_json)
        locks, error = lock_only(job, folder, supply, listener, consent=consent, keep_going=kept.keep_going)
    if as_json:
        targets = [report.lock_document(one) for one in locks]
        told = report.error_document(error) if error else {}
        say_json({"house": str(folder), "targets": targets, "warnings": listener.warnings, **told})
    elif not quiet:
        say(*report.locks_lines(locks))
    end_with(error, as_json=as_json)
