"""Run one command, and turn every way in which it can end into an exit code."""

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
from wheelhouse.cli.machine import own_umask
from wheelhouse.cli.output import say_error, say_json
from wheelhouse.cli.terminal import echo, open_streams
from wheelhouse.errors import InputError, MachineError, WheelhouseError

INTERRUPTED = 130
MAX_LINES, MAX_MESSAGE_CHARACTERS = 5, 300
CREDENTIALS = re.compile(r"//[^/\s]*@")
MODULES = {
    "fetching": ("fetch", "lock"),
    "building": ("build",),
    "checking": ("verify", "why"),
    "staging": ("stage",),
    "rehearsing": ("rehearse",),
    "carrying": ("pack", "unpack", "inspect"),
    "mirroring": ("index", "mirror"),
    "serving": ("serve", "publish", "check"),
    "vetting": ("vet", "rules", "advisories"),
    "approving": ("approve",),
    "comparing": ("diff",),
    "constraining": ("constraints",),
    "caching": ("cache",),
    "targets": ("target",),
    "diagnosing": ("doctor",),
}
"""The modules that add commands to the app when they are imported, and the commands of each."""


def load(command: str = "") -> None:
    """Import the module that has a command; all modules if none has it."""
    for module in [module for module, names in MODULES.items() if command in names] or MODULES:
        import_module(f"wheelhouse.cli.{module}")


def _fail(error: WheelhouseError, *, as_json: bool) -> int:
    """Print an error; its exit code."""
    from wheelhouse import report

    if as_json:
        say_json(report.error_document(error))
    say_error(error)
    return error.exit_code


def _usage_error(error: typer.TyperException) -> InputError:
    """Typer's error about the command line, as one of ours."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "wheelhouse"
    return InputError(error.format_message(), hint=f"see `{command} --help`")


def _defect(error: Exception) -> MachineError:
    """An error that no code expected, in one sentence, with the lines of wheelhouse that it passed."""
    package = Path(__file__).parents[1]
    frames = (
        (Path(frame.f_code.co_filename), line, frame.f_code.co_name) for frame, line in walk_tb(error.__traceback__)
    )
    lines = [
        f"{path.relative_to(package.parent)}, line {line}, in {name}"
        for path, line, name in frames
        if path.is_relative_to(package)
    ]
    message = CREDENTIALS.sub("//", " ".join(str(error).split())).encode("utf-8", "backslashreplace").decode()
    return MachineError(
        f"wheelhouse itself failed: {type(error).__name__}: {message[:MAX_MESSAGE_CHARACTERS]}",
        hint="this is a defect of wheelhouse: report it, with the command and the lines above",
        details=tuple(lines[-MAX_LINES:]),
    )


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    as_json = "--json" in arguments
    try:
        return _run(arguments, as_json=as_json)
    except BrokenPipeError:
        return 0
    except (ConnectionError, TimeoutError) as error:
        return _fail(_defect(error), as_json=as_json)
    except OSError as error:  # such as a folder that is not readable
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
        return _fail(_usage_error(error), as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()


def _interrupted() -> int:
    echo("error: interrupted; complete files are kept, and the same command continues from here", err=True)
    return INTERRUPTED


def prepare() -> None:
    """Make this process independent of the one that started it: its streams and its umask."""
    open_streams()
    own_umask()


def main() -> NoReturn:
    """The `wheelhouse` command. Exits at once: threads that wait for a stalled server are not waited for."""
    prepare()
    gc.set_threshold(50_000)  # a run is short, and most objects live to its end
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
