"""Sealed rooms to build in, where this machine permits them."""

import os
import sys
from functools import cache
from pathlib import Path

import pytest

from wheelhouse.doors.bench import Bench, Where, open_bench
from wheelhouse.doors.interpreter import Places, facts_of, interpreter_of
from wheelhouse.errors import MachineError
from wheelhouse.model.target import Target

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def where(**more: object) -> Where:
    """Builds under the interpreter that runs the tests."""
    places = Places(os.environ["PATH"], Path.home(), Path.home() / ".pyenv")
    return Where(places, (Path(sys.executable),), **more)  # type: ignore[arg-type]


def own_target() -> Target:
    """The target that this interpreter is."""
    return interpreter_of(facts_of(Path(sys.executable))).target


@cache
def _reason() -> str | None:
    try:
        open_bench(own_target(), where(), 1)
    except MachineError as error:
        return " ".join((str(error), *error.details))
    return None


def needs_room() -> None:
    """Skip the test, saying why, where no room can be sealed."""
    if reason := _reason():
        pytest.skip(reason)


def bench(**more: object) -> Bench:
    """A proved bench; skips the test where there can be none."""
    needs_room()
    return open_bench(own_target(), where(**more), 2)
