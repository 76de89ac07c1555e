"""Sandboxes to build in, if this machine permits them."""

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.support.tools import clean_environment, must_be_no_defect, run
from wheelhouse.errors import MachineError
from wheelhouse.sandbox.builder import HOST_SANDBOXES, Builder, BuildLocation, open_builder
from wheelhouse.sandbox.sandbox import Limits
from wheelhouse.target.interpreters import InterpreterPlaces, facts_of, interpreter_of
from wheelhouse.target.target import Target

ROOT = Path(__file__).parents[2]
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def build_location(**more: object) -> BuildLocation:
    """Builds under the interpreter that runs the tests."""
    places = InterpreterPlaces(os.environ["PATH"], Path.home(), Path.home() / ".pyenv")
    return BuildLocation(places, (Path(sys.executable),), **more)  # type: ignore[arg-type]


def own_target() -> Target:
    """The target that this interpreter is."""
    return interpreter_of(facts_of(Path(sys.executable))).target


@cache
def _why_none() -> str | None:
    try:
        open_builder(own_target(), build_location(), 1)
    except MachineError as error:
        return " ".join((str(error), *error.details))
    return None


def needs_any_sandbox() -> None:
    """Skip the test, with the reason, if no sandbox can be made."""
    if reason := _why_none():
        pytest.skip(reason)


def proved_builder(**more: object) -> Builder:
    """A builder whose sandbox is proved; skips the test if there can be none."""
    needs_any_sandbox()
    return open_builder(own_target(), build_location(**more), 2)


BY_NAME = {sandbox.name: sandbox for sandbox in HOST_SANDBOXES}
FORCED = """\
import sys
from wheelhouse.sandbox import builder
builder.HOST_SANDBOXES = tuple(sandbox for sandbox in builder.HOST_SANDBOXES if sandbox.name == sys.argv[1])
sys.argv[1:] = sys.argv[2:]
from wheelhouse.cli import main
main()
"""
"""Runs the command line with one kind of sandbox."""


@cache
def _why_not(name: str) -> str | None:
    interpreter = interpreter_of(facts_of(Path(sys.executable)))
    try:
        with tempfile.TemporaryDirectory() as folder:
            Builder(BY_NAME[name], interpreter, Limits(seconds=60), 1).prove(Path(folder))
    except MachineError as error:
        return f"{name}: {' '.join((str(error), *error.details))}"
    return None


def needs_sandbox(name: str) -> None:
    """Skip the test, naming what is missing, if this kind of sandbox cannot be made."""
    if reason := _why_not(name):
        pytest.skip(reason)


def wheelhouse_with_sandbox(
    name: str, *arguments: str | Path, cwd: Path, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run the `wheelhouse` command as `tests.support.tools.wheelhouse` does, with one kind of sandbox."""
    environment = clean_environment(XDG_CACHE_HOME=str(cwd / ".cache"), PYTHONPATH=str(ROOT))
    done = run(sys.executable, "-c", FORCED, name, *arguments, cwd=cwd, env=environment, timeout=timeout)
    must_be_no_defect(done.stderr)
    return done
