"""Run one command, and turn whatever ends it into an exit code."""

import gc
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from traceback import walk_tb
from typing import NoReturn

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.session import own_umask, say_error, say_json
from wheelhouse.cli.terminal import echo, open_streams
from wheelhouse.errors import InputError, MachineError, WheelhouseError

INTERRUPTED = 130
LAST_PLACES, LONGEST_MESSAGE = 5, 300
CREDENTIALS = re.compile(r"//[^/\s]*@")
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
    say_error(error)
    return error.exit_code


def _usage(error: typer.TyperException) -> InputError:
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "wheelhouse"
    return InputError(error.format_message(), hint=f"see `{where} --help`")


def _defect(error: Exception) -> MachineError:
    """What nobody thought of, in one sentence, with the places in wheelhouse that it passed."""
    package = Path(__file__).parents[1]
    passed = (
        (Path(frame.f_code.co_filename), line, frame.f_code.co_name) for frame, line in walk_tb(error.__traceback__)
    )
    places = [
        f"{path.relative_to(package.parent)}, line {line}, in {name}"
        for path, line, name in passed
        if path.is_relative_to(package)
    ]
    message = CREDENTIALS.sub("//", " ".join(str(error).split())).encode("utf-8", "backslashreplace").decode()
    return MachineError(
        f"wheelhouse itself failed: {type(error).__name__}: {message[:LONGEST_MESSAGE]}",
        hint="this is a defect of wheelhouse: report it, with what was run and the lines above",
        details=tuple(places[-LAST_PLACES:]),
    )


def run(arguments: Sequence[str]) -> int:
    """Run one command, and turn whatever ends it into an exit code."""
    as_json = "--json" in arguments
    try:
        return _run(arguments, as_json=as_json)
    except BrokenPipeError:
        return 0
    except (ConnectionError, TimeoutError) as error:
        return _fail(_defect(error), as_json=as_json)
    except OSError as error:  # what no step expected, such as a folder that may not be read
        from wheelhouse.files.disk import machine_error

        return _fail(machine_error(error), as_json=as_json)
    except Exception as error:
        return _fail(_defect(error), as_json=as_json)


def _run(arguments: Sequence[str], *, as_json: bool) -> int:
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


def _interrupted() -> int:
    echo("error: interrupted; what is complete is kept, and the same command goes on from here", err=True)
    return INTERRUPTED


def prepare() -> None:
    """Make this process independent of who started it: its streams, and the umask."""
    open_streams()
    own_umask()


def main() -> NoReturn:
    """The `wheelhouse` command. Leaves at once, without waiting for threads that a stalled server holds."""
    prepare()
    gc.set_threshold(50_000)  # a run is short, and most of what it makes stays to its end
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
