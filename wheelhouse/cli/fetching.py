"""`fetch` and `lock`: from what is asked for to a house, or to its locks alone."""

from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.building import run_build
from wheelhouse.cli.options import (
    AirflowAsked,
    Asked,
    Building,
    Chosen,
    Connected,
    Json,
    Kept,
    Quiet,
    Targeted,
    grouped,
)
from wheelhouse.cli.session import asked_for, listening, now, options, say, say_json, settings, supplied


@app.command()
@grouped
def fetch(
    asked: Asked,
    targeted: Targeted,
    airflow_asked: AirflowAsked,
    chosen: Chosen,
    kept: Kept,
    network: Connected,
    building: Building,
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
    An existing lock for the same job is used as it stands, until --upgrade. Nothing of a package is run,
    unless --build is said: then each sdist is built in a sealed room.
    """
    from wheelhouse import report
    from wheelhouse.model.otherfiles import FOLDER, OtherFiles
    from wheelhouse.steps.fetch import fetch as fetch_step
    from wheelhouse.steps.gather import gather, tools_job

    held = settings()
    wanted = options(held, asked, targeted, airflow_asked, chosen, kept)
    folder = kept.dest or Path(held.dest or "wheels")
    with (
        listening(quiet=quiet or as_json) as listener,
        supplied(wanted, network, listener) as (http, supply),
    ):
        job = gather(wanted, http, now(), listener)
        fetched = fetch_step(job, folder, supply, listener)
        house = fetched.house
        if any(not artifact.is_wheel for artifact in house.artifacts.values()):
            from wheelhouse.steps.buildhouse import fetch_build_requirements

            house = fetch_build_requirements(house, folder, supply, listener)
        tools = tools_job(job)
        tools_fetched = fetch_step(tools, folder / "tools", supply, listener) if tools else None
        others = OtherFiles()
        if not asked_for(asked, airflow_asked) and (held.files or (folder / FOLDER).is_dir()):
            from wheelhouse.steps.fetchothers import fetch_other_files

            wishes = [one.wish() for one in held.files]
            others = fetch_other_files(wishes, folder, http, supply.cache, listener)
        if build:
            house = run_build(folder, building, supply, listener).house
        by_name = {one.name: one for one in house.locks}
        locks = tuple(by_name[one.name] for one in fetched.locks)
    if as_json:
        document = {
            "house": str(folder),
            "targets": [report.lock_document(one) for one in locks],
            "fetched": list(fetched.placed),
            "reused": list(fetched.stood),
            "removed": list(fetched.removed),
            "files": report.other_files_document(others),
            "warnings": listener.warnings,
        }
        say_json(document)
    elif not quiet:
        for one in locks:
            say(*report.lock_lines(one))
        say(report.fetched_line(str(folder), len(fetched.placed), len(fetched.stood), len(fetched.removed)))
        if tools_fetched:
            placed, stood, removed = map(len, (tools_fetched.placed, tools_fetched.stood, tools_fetched.removed))
            say(report.fetched_line(str(folder / "tools"), placed, stood, removed))
        say(*report.other_files_lines(others))


@app.command()
@grouped
def lock(
    asked: Asked,
    targeted: Targeted,
    airflow_asked: AirflowAsked,
    chosen: Chosen,
    kept: Kept,
    network: Connected,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Resolve only: write pylock.<target>.toml without files."""
    from wheelhouse import report
    from wheelhouse.steps.fetch import lock_only
    from wheelhouse.steps.gather import gather

    held = settings()
    wanted = options(held, asked, targeted, airflow_asked, chosen, kept)
    folder = kept.dest or Path(held.dest or "wheels")
    with (
        listening(quiet=quiet or as_json) as listener,
        supplied(wanted, network, listener) as (http, supply),
    ):
        locks = lock_only(gather(wanted, http, now(), listener), folder, supply, listener)
    if as_json:
        targets = [report.lock_document(one) for one in locks]
        say_json({"house": str(folder), "targets": targets, "warnings": listener.warnings})
    elif not quiet:
        for one in locks:
            say(*report.lock_lines(one))
