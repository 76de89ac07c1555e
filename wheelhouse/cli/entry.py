"""Run one command, and turn every way in which it can end into an exit code."""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import typer
from typer.main import get_command

from wheelhouse.cli.app import app
from wheelhouse.cli.defects import error_of
from wheelhouse.cli.journal import journal
from wheelhouse.cli.machine import own_umask
from wheelhouse.cli.output import say_error, say_json
from wheelhouse.cli.terminal import echo, open_streams
from wheelhouse.errors import InputError, WheelhouseError

INTERRUPTED = 130
MODULES = {
    "fetching": ("fetch", "lock"),
    "building": ("build",),
    "materializing": ("materialize",),
    "checking": ("verify", "why"),
    "staging": ("stage",),
    "rehearsing": ("rehearse",),
    "carrying": ("pack", "unpack", "inspect", "state"),
    "mirroring": ("index", "mirror"),
    "serving": ("serve", "publish", "check"),
    "vetting": ("vet", "rules", "advisories"),
    "approving": ("approve",),
    "reviewing": ("review",),
    "comparing": ("diff",),
    "constraining": ("constraints",),
    "caching": ("cache",),
    "storing": ("store",),
    "targets": ("target",),
    "diagnosing": ("doctor",),
}
"""The modules that add commands to the app when they are imported, and the commands of each."""


def load(command: str = "") -> None:
    """Import the module that adds a command to the app; all modules if none has it."""
    for module in [module for module, names in MODULES.items() if command in names] or MODULES:
        import_module(f"wheelhouse.cli.{module}")


def _fail(error: WheelhouseError, *, as_json: bool) -> int:
    """Print an error to stderr, and first as a JSON document to stdout if `as_json`. Returns its exit code."""
    from wheelhouse import report

    if as_json:
        say_json(report.error_document(error))
    say_error(error)
    return error.exit_code


def _usage_error(error: typer.TyperException) -> InputError:
    """Typer's error about the command line, as an InputError with the same text, but with plain names of numbers."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "wheelhouse"
    sentence = error.format_message().replace("a valid float range", "a number")
    return InputError(sentence.replace("a valid int range", "a whole number"), hint=f"see `{command} --help`")


def run(arguments: Sequence[str]) -> int:
    """Run one command, end its journal, and return its exit code."""
    code = _ended(arguments)
    journal.close(code)
    return code


def _ended(arguments: Sequence[str]) -> int:
    """Run one command, and print any error that it ends with. Returns its exit code. A reader of stdout that has gone is no error: 0."""
    as_json = "--json" in arguments
    try:
        return _run(arguments, as_json=as_json)
    except BrokenPipeError:
        return 0
    except Exception as error:
        return _fail(error_of(error), as_json=as_json)


def _run(arguments: Sequence[str], *, as_json: bool) -> int:
    """Run one command.

    Returns its exit code. Errors of wheelhouse, of the command line, and Ctrl-C are printed; other errors are raised.
    """
    load(*arguments[:1])
    try:
        outcome = get_command(app)(list(arguments), prog_name="wheelhouse", standalone_mode=False)
        return _interrupted() if outcome == INTERRUPTED else outcome if isinstance(outcome, int) else 0
    except WheelhouseError as error:
        return _fail(error, as_json=as_json)
    except typer.TyperException as error:
        return _fail(_usage_error(error), as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()


def _interrupted() -> int:
    """Print that the run was interrupted. Returns the exit code for it, 130."""
    echo("error: interrupted; complete files are kept, and the same command continues from here", err=True)
    return INTERRUPTED


def prepare() -> None:
    """Make the standard streams usable, and set a umask by which all users can read new folders, whatever this process inherited."""
    open_streams()
    own_umask()


def main() -> NoReturn:
    """The `wheelhouse` command: run it, and exit at once. Threads that wait for a stalled server are not waited for."""
    prepare()
    gc.set_threshold(50_000)  # a run is short, and most objects live to its end
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
