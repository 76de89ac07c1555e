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
    say_error,
    say_json,
    waivers,
)
from wheelhouse.errors import WheelhouseError

if TYPE_CHECKING:
    from wheelhouse.rehearse.rehearsal import Step


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
            help="A wheelhouse with pip-tools for the target's Python. Default: that installed beside wheelhouse.",
        ),
    ] = None,
    require_all: Annotated[
        bool, typer.Option("--require-all", help="A target that cannot be installed here is no pass: exit code 1.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Prove before it travels that a house, or a staged folder, installs with no network.

    \b
    wheelhouse rehearse wheels --run 'airflow version'
    wheelhouse rehearse docker-context-files
    wheelhouse rehearse docker-context-files --image python:3.12-slim-bookworm

    Each file is hashed, and each target must satisfy itself. If the target's Python is here, everything is installed into
    a new environment in a sandbox, checked and imported; then uv, the pylock (a dry run) and pip-sync install the same, and
    pip-compile must find the same pins. pip-tools comes with the extra [second-opinion]; if it does not run on the target's
    Python, name another one with --tools. A folder for Airflow is installed as the release's own build does it.
    --image and --dockerfile build the image itself, with the container engine that answers.
    Targets that cannot be installed here are listed as skipped. Exit code 1 where anything must not travel like this, 6 where
    nothing could be installed for any target.
    """
    from wheelhouse.rehearse.other_installers import InstallTools
    from wheelhouse.rehearse.rehearsal import installed_for, skipped_targets
    from wheelhouse.rehearse.rehearse import RehearsalOptions
    from wheelhouse.rehearse.rehearse import rehearse as rehearse_step
    from wheelhouse.report import error_document, finding_document, finding_lines
    from wheelhouse.report.rehearsal_report import ending, step_document, step_line

    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    instruments = InstallTools(Path(uv) if uv else None, tools)
    wanted = RehearsalOptions(
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
    stopped: WheelhouseError | None = None
    with listening(quiet=quiet or as_json) as listener:
        try:
            for step in rehearse_step(house, wanted, listener):
                held.append(step)
                if not as_json and (step.findings or not quiet):
                    say(step_line(step), *finding_lines(step.findings))
        except WheelhouseError as error:
            if not held:
                raise
            stopped = error
    is_incomplete = require_all and bool(skipped_targets(held))
    passed = not (stopped or is_incomplete or any(step.failed for step in held))
    if as_json:
        steps = [{**step_document(step), "findings": [finding_document(one) for one in step.findings]} for step in held]
        targets = {"installed": installed_for(held), "skipped": skipped_targets(held)}
        document = {"folder": str(house), "ok": passed, **targets, "steps": steps}
        say_json(document | (error_document(stopped) if stopped else {}))
    elif not (quiet and passed):
        say(f"{house}: {ending(held, passed=passed)}")
    if stopped:
        say_error(stopped)
        raise typer.Exit(stopped.exit_code)
    raise typer.Exit(0 if passed else 1)
