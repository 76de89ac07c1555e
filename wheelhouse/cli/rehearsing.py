"""`rehearse`: prove that it installs before it travels."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.options import Json, Quiet, grouped
from wheelhouse.cli.session import (
    engine_environment,
    interpreters,
    listening,
    must_be_file,
    places,
    say,
    say_json,
    waivers,
)

if TYPE_CHECKING:
    from wheelhouse.model.rehearsal import Step


@app.command()
@grouped
def rehearse(
    house: Annotated[
        Path, typer.Argument(metavar="[HOUSE|FOLDER]", help="A house, or a folder that `wheelhouse stage` wrote.")
    ] = Path("wheels"),
    run: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="COMMAND", help="Run this in what was installed, too. May be repeated."),
    ] = None,
    interpreter: Annotated[
        list[str] | None,
        typer.Option(
            "--interpreter", metavar="PATH", help="The target's Python. May be repeated. Default: what is found."
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(
            "--image", metavar="BASE", help="Build a real image on this base, with no network, from a staged folder."
        ),
    ] = None,
    dockerfile: Annotated[
        Path | None,
        typer.Option(
            "--dockerfile", metavar="PATH", help="Build that image by this Dockerfile, with the files beside it."
        ),
    ] = None,
    tools: Annotated[
        Path | None,
        typer.Option(
            "--tools",
            metavar="HOUSE",
            help="A house with pip-tools for the target's Python: for pip-sync and pip-compile.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Prove before it travels that a house, or a staged folder, installs with no network.

    \b
    wheelhouse rehearse wheels --run 'airflow version'
    wheelhouse rehearse docker-context-files
    wheelhouse rehearse docker-context-files --image python:3.12-slim-bookworm

    Each file is hashed, and each target must satisfy itself. Where the target's Python is here, everything is installed into
    a fresh environment in a sealed room, checked and imported; then the same by uv, by the pylock, and with pip-tools where
    --tools names some. A folder for Airflow is installed as the release's own build does it.
    --image and --dockerfile build the image itself, with the container engine that answers. Exit code 1 where anything must
    not travel like this.
    """
    from wheelhouse.report import finding_document, finding_lines
    from wheelhouse.report.rehearsal import ending, step_document, step_line
    from wheelhouse.steps.otherwise import Instruments
    from wheelhouse.steps.rehearse import Wanted
    from wheelhouse.steps.rehearse import rehearse as rehearse_step

    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    instruments = Instruments(Path(uv) if uv else None, tools)
    wanted = Wanted(
        places(),
        interpreters(interpreter),
        tuple(run or ()),
        image,
        dockerfile and must_be_file(dockerfile),
        engine_environment(),
        instruments,
        waivers=waivers(),
    )
    held: list[Step] = []
    with listening(quiet=quiet or as_json) as listener:
        for step in rehearse_step(house, wanted, listener):
            held.append(step)
            if not as_json and (step.findings or not quiet):
                say(step_line(step), *finding_lines(step.findings))
    failed = any(step.failed for step in held)
    if as_json:
        steps = [{**step_document(step), "findings": [finding_document(one) for one in step.findings]} for step in held]
        say_json({"folder": str(house), "ok": not failed, "steps": steps})
    elif not quiet:
        say(f"{house}: {ending(held)}")
    raise typer.Exit(1 if failed else 0)
