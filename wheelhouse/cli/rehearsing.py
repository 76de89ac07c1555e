"""`rehearse`: prove that a wheelhouse installs, before it travels."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, Quiet, command
from wheelhouse.cli.machine import engine_environment, interpreter_places, must_be_file, named_interpreters
from wheelhouse.cli.output import say, say_error, say_json
from wheelhouse.cli.session import listening, waivers
from wheelhouse.errors import WheelhouseError

if TYPE_CHECKING:
    from wheelhouse.rehearse.rehearsal import Step


@command(app)
def rehearse(
    wheelhouse: Annotated[
        Path,
        typer.Argument(metavar="[WHEELHOUSE|FOLDER]", help="A wheelhouse, or a folder that `wheelhouse stage` wrote."),
    ] = Path("wheels"),
    run: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="COMMAND", help="Also run this command in the new environment. May be repeated."),
    ] = None,
    interpreter: Annotated[
        list[str] | None,
        typer.Option(
            "--interpreter",
            metavar="PATH",
            help="A Python interpreter of the target's version. Default: an interpreter that is found on this "
            "machine. May be repeated.",
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(
            "--image", metavar="BASE", help="Build an image from the staged folder on this base image, with no network."
        ),
    ] = None,
    dockerfile: Annotated[
        Path | None,
        typer.Option(
            "--dockerfile", metavar="PATH", help="Build the image with this Dockerfile and the files beside it."
        ),
    ] = None,
    tools: Annotated[
        Path | None,
        typer.Option(
            "--tools",
            metavar="WHEELHOUSE",
            help="A wheelhouse with pip-tools for the target's Python. Default: the pip-tools that is installed "
            "with wheelhouse.",
        ),
    ] = None,
    require_all: Annotated[
        bool, typer.Option("--require-all", help="If a target cannot be installed on this machine, exit with code 1.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Prove that a wheelhouse or a staged folder can be installed with no network.

    \b
    wheelhouse rehearse wheels --run 'airflow version'
    wheelhouse rehearse docker-context-files
    wheelhouse rehearse docker-context-files --image python:3.12-slim-bookworm

    Each file is hashed, and each target must have everything that its files require. If this machine has the target's
    Python, pip installs everything into a new environment in a sandbox, `pip check` must pass, and the modules are
    imported. Then uv and pip-sync install the locked requirements, pip reads the lock file (a dry run), and the
    result of pip-compile must be the locked pins. pip-sync and pip-compile are from pip-tools, which comes with the
    extra [second-opinion]. If this pip-tools does not run on the target's Python, use --tools with a wheelhouse that
    has pip-tools for that Python. A folder that was staged for Airflow is installed with the commands of Airflow's
    image build. --image and --dockerfile build the image itself, with the container engine of this machine. Targets
    that cannot be installed on this machine are listed as skipped. Exit code 1: an install or a check failed, so do
    not carry the wheelhouse across the air gap. Exit code 6: no target could be installed.
    """
    from wheelhouse.rehearse.other_installers import InstallTools
    from wheelhouse.rehearse.rehearsal import installed_for, skipped_targets
    from wheelhouse.rehearse.rehearse import RehearsalOptions
    from wheelhouse.rehearse.rehearse import rehearse as rehearse_step
    from wheelhouse.report import error_document, finding_document, finding_lines
    from wheelhouse.report.rehearsal_report import ending, step_document, step_line

    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    rehearsal = RehearsalOptions(
        interpreter_places(),
        named_interpreters(interpreter or ()),
        tuple(run or ()),
        image,
        dockerfile and must_be_file(dockerfile),
        engine_environment(),
        InstallTools(Path(uv) if uv else None, tools),
        waivers=waivers(),
    )
    steps: list[Step] = []
    stopped: WheelhouseError | None = None
    with listening(quiet=quiet or as_json) as listener:
        try:
            for step in rehearse_step(wheelhouse, rehearsal, listener):
                steps.append(step)
                if not as_json and (step.findings or not quiet):
                    say(step_line(step), *finding_lines(step.findings))
        except WheelhouseError as error:
            if not steps:
                raise
            stopped = error
    is_incomplete = require_all and bool(skipped_targets(steps))
    passed = not (stopped or is_incomplete or any(step.failed for step in steps))
    if as_json:
        rows = [{**step_document(step), "findings": [finding_document(one) for one in step.findings]} for step in steps]
        targets = {"installed": installed_for(steps), "skipped": skipped_targets(steps)}
        document = {"folder": str(wheelhouse), "ok": passed, **targets, "steps": rows}
        say_json(document | (error_document(stopped) if stopped else {}))
    elif not (quiet and passed):
        say(f"{wheelhouse}: {ending(steps, passed=passed, stopped=stopped is not None)}")
    if stopped:
        say_error(stopped)
        raise typer.Exit(stopped.exit_code)
    raise typer.Exit(0 if passed else 1)
