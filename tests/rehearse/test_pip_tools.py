"""pip-sync and pip-compile of the pip-tools that is installed beside wheelhouse give a second opinion on a lock."""

import importlib.util
import json
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from tests.support.rehearsals import fetch, rehearse
from tests.support.sandboxes import needs_any_sandbox
from tests.support.wheels import build_wheel
from wheelhouse.rehearse import pip_tools
from wheelhouse.rehearse.pip_tools import PipToolsUnusableError, own_pip_tools
from wheelhouse.target.interpreters import Interpreter
from wheelhouse.target.platform import Platform
from wheelhouse.target.python import Python
from wheelhouse.target.target import Target

STEPS = ("pip-sync", "pip-compile")


def needs_pip_tools() -> None:
    if importlib.util.find_spec("piptools") is None:
        pytest.skip("the extra [second-opinion] is not installed")


def interpreter(python: str) -> Interpreter:
    """An interpreter of a version, which need not be here."""
    return Interpreter(
        Path(f"/usr/bin/python{python}"), (), Target.of(Python.parse(python), Platform.parse("linux/amd64"))
    )


@pytest.mark.rooms
def test_both_agree_with_the_lock(tmp_path: Path) -> None:
    needs_any_sandbox()
    needs_pip_tools()
    build_wheel(tmp_path / "offered", "app", "1.0", requires=["lib>=1"])
    build_wheel(tmp_path / "offered", "lib", "2.0")
    told = rehearse(fetch(tmp_path, tmp_path / "offered", "app"))
    assert (told.code, told.sentences) == (0, [])
    assert [told.outcome(step) for step in STEPS] == ["ok", "ok"]
    assert told.steps["pip-sync"]["note"].startswith("pip-tools ")


@pytest.mark.rooms
def test_a_lock_that_pip_resolves_to_other_versions_is_an_error(tmp_path: Path) -> None:
    needs_any_sandbox()
    needs_pip_tools()
    build_wheel(tmp_path / "offered", "app", "1.0", requires=["lib>=1"])
    build_wheel(tmp_path / "offered", "lib", "1.0")
    house = fetch(tmp_path, tmp_path / "offered", "app")
    build_wheel(house, "lib", "2.0")
    told = rehearse(house)
    assert told.outcome("pip-compile") == "failed"
    assert any("pip-compile takes lib 2.0, but the lock file has 1.0" in sentence for sentence in told.sentences)


def test_a_python_that_is_too_old_for_it_is_a_reason() -> None:
    needs_pip_tools()
    with pytest.raises(
        PipToolsUnusableError, match=r"\(installed beside wheelhouse\) needs Python >= ?3\.\d+, but the target has 3\.6"
    ):
        own_pip_tools(interpreter("3.6"))


def test_a_missing_extra_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(pip_tools, "distribution", missing)
    with pytest.raises(PipToolsUnusableError, match=r"-m pip install 'pip-tools>=7\.4'"):
        own_pip_tools(interpreter("3.12"))


def test_everything_that_it_imports_is_shown() -> None:
    needs_pip_tools()
    shown = own_pip_tools(interpreter(f"{sys.version_info.major}.{sys.version_info.minor}")).shown
    names = {Path(inside).name for inside in shown}
    assert {"piptools", "build", "click", "pip", "pyproject_hooks", "setuptools", "wheel", "packaging"} <= names
    assert all(path.exists() for path in shown.values()), json.dumps({k: str(v) for k, v in shown.items()})
