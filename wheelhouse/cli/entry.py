"""Run one command, and turn whatever ends it into an exit code."""

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from wheelhouse.cli import (
    approving,
    building,
    caching,
    carrying,
    comparing,
    constraining,
    fetching,
    houses,
    rehearsing,
    serving,
    targets,
    vetting,
)
from wheelhouse.cli.app import app
from wheelhouse.cli.session import say_json
from wheelhouse.errors import InputError, WheelhouseError

INTERRUPTED = 130
COMMANDS = (
    fetching,
    building,
    houses,
    rehearsing,
    carrying,
    serving,
    vetting,
    approving,
    comparing,
    constraining,
    caching,
    targets,
)
"""The modules that add their commands to the app when they are imported."""


def _fail(error: WheelhouseError, *, as_json: bool) -> int:
    from wheelhouse import report

    if as_json:
        say_json(report.error_document(error))
    for line in report.error_lines(error):
        typer.echo(line, err=True)
    return error.exit_code


def _usage(error: typer.TyperException) -> InputError:
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "wheelhouse"
    return InputError(error.format_message(), hint=f"see `{where} --help`")


def run(arguments: Sequence[str]) -> int:
    """Run one command, and turn whatever ends it into an exit code."""
    as_json = "--json" in arguments
    try:
        outcome = typer.main.get_command(app)(list(arguments), prog_name="wheelhouse", standalone_mode=False)
        return _interrupted() if outcome == INTERRUPTED else outcome if isinstance(outcome, int) else 0
    except WheelhouseError as error:
        return _fail(error, as_json=as_json)
    except typer.TyperException as error:
        return _fail(_usage(error), as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        return 0


def _interrupted() -> int:
    typer.echo("error: interrupted; what is complete is kept, and the same command goes on from here", err=True)
    return INTERRUPTED


def main() -> NoReturn:
    """The `wheelhouse` command. Leaves at once, without waiting for threads that a stalled server holds."""
    gc.set_threshold(50_000)  # a run is short, and most of what it makes stays to its end
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
