"""Build environments: locked wheels in a virtual environment, and wheels that cannot be there together."""

import sys
from pathlib import Path

import pytest

from tests.support.wheels import build_wheel
from wheelhouse.build.environment import make_environment
from wheelhouse.errors import IntegrityError
from wheelhouse.target.interpreters import facts_of, interpreter_of


def environment(tmp_path: Path, *wheels: Path) -> None:
    make_environment(tmp_path / "env", interpreter_of(facts_of(Path(sys.executable))), wheels, "/env")


def test_two_wheels_with_the_same_file_are_named(tmp_path: Path) -> None:
    names = ("one", "two", "three")
    contents: dict[str, dict[str, bytes]] = {"two": {"shared.py": b"2"}, "three": {"shared.py": b"3"}}
    wheels = [build_wheel(tmp_path, name, "1.0", files=contents.get(name)) for name in names]
    with pytest.raises(IntegrityError) as caught:
        environment(tmp_path, *wheels)
    assert str(caught.value) == (
        "`three-1.0-py3-none-any.whl` cannot be installed: it and `two-1.0-py3-none-any.whl` both have the file `shared.py`"
    )


def test_a_wheel_with_a_file_of_the_environment_itself_is_named(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0", files={"one-1.0.data/data/pyvenv.cfg": b""})
    with pytest.raises(
        IntegrityError, match=r"`one-1.0-py3-none-any.whl` cannot be installed: one of its files is in the build"
    ):
        environment(tmp_path, wheel)
