"""Run one command, and turn whatever ends it into an exit code."""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.session import say_json
from wheelhouse.errors import InputError, WheelhouseError

INTERRUPTED = 130
MODULES = {
    "fetching": ("fetch", "lock"),
    "building": ("build",),
    "houses": ("verify", "stage", "why"),
    "rehearsing": ("rehearse",),
    "carrying": ("pack", "unpack", "inspect"),
    "serving": ("index", "serve", "publish"),
    "vetting": ("vet", "rules", "advisories"),
    "approving": ("approve",),
    "comparing": ("diff",),
    "constraining": ("constraints",),
    "caching": ("cache",),
    "targets": ("target",),
}
"""The modules that add commands to the app when they are imported, and what they add."""


def load(command: str = "") -> None:
    """Import the module that has a command; all of them where none has."""
    for module in [module for module, names in MODULES.items() if command in names] or MODULES:
        import_module(f"wheelhouse.cli.{module}")


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
    load(*arguments[:1])
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
