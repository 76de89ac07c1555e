"""`rehearse`: a house is installed in a sealed room with the real pip, and what is wrong with it is said in words that help."""

import shutil
from pathlib import Path

import pytest

from tests.support.rehearsals import Told, fetch, rehearse
from tests.support.rooms import needs_room
from tests.support.wheels import build_sdist, build_wheel


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An application, what it needs, and a namespace of which one part does not import."""
    needs_room()
    base = tmp_path_factory.mktemp("rehearsed")
    offered = base / "offered"
    parts = {
        "ns/sound/__init__.py": b"",
        "ns/broken/__init__.py": b"import not_there\n",
        "ends.py": b"raise SystemExit\n",
    }
    build_wheel(offered, "app", "1.0", requires=["lib>=1"])
    build_wheel(offered, "lib", "2.0", requires=["parts"])
    build_wheel(offered, "parts", "1.0", files=parts)
    return fetch(base, offered, "app")


def altered(house: Path, folder: Path) -> Path:
    """A copy of a house, to do something to."""
    shutil.copytree(house, folder / "house")
    return folder / "house"


@pytest.fixture(scope="module")
def told(house: Path) -> Told:
    return rehearse(
        house, "--run", "python -c 'import app, lib; print(app.__version__, lib.__version__)'", "--run", "false"
    )


def test_a_house_is_installed_checked_and_imported(told: Told) -> None:
    steps = ("files", "closure", "install", "check", "import")
    assert [told.outcome(step) for step in steps] == ["ok"] * 5, told.sentences
    assert all(told.steps[step]["seconds"] >= 0 for step in steps)
    assert told.steps["install"]["note"].startswith("pip ")


def test_modules_that_do_not_import_are_listed(told: Told) -> None:
    found = {one["sentence"].partition(" does")[0]: one for one in told.steps["import"]["findings"]}
    assert found.keys() == {"`ns.broken`", "`ends`"}
    assert "ModuleNotFoundError: No module named 'not_there'" in found["`ns.broken`"]["sentence"]
    assert {one["subject"] for one in found.values()} == {"parts-1.0-py3-none-any.whl"}
    assert {one["severity"] for one in found.values()} == {"warning"}


def test_what_the_user_names_is_run(told: Told) -> None:
    named = {step["step"].partition(" ")[2]: step for name, step in told.steps.items() if name.startswith("run ")}
    assert [(step["outcome"], step["note"]) for step in named.values()] == [("ok", "1.0 2.0"), ("failed", None)]
    assert told.code == 1
    assert "`false` ended with code 1" in told.sentences[0]


def test_a_wheel_that_was_removed(house: Path, tmp_path: Path) -> None:
    folder = altered(house, tmp_path)
    (folder / "lib-2.0-py3-none-any.whl").unlink()
    told = rehearse(folder)
    assert (told.code, told.outcome("files"), told.outcome("install")) == (1, "failed", "failed")
    assert told.sentences[0] == (
        "lib-2.0-py3-none-any.whl: it is not in the folder; `app-1.0-py3-none-any.whl` asks for `lib>=1`; "
        "fetch again: only this file will be downloaded"
    )
    assert "`install` stops over what is said above" in told.sentences[1]
    assert len(told.sentences) == 2


@pytest.mark.interpreters
def test_an_sdist_without_its_build_requirements(tmp_path: Path) -> None:
    needs_room()
    build_sdist(
        tmp_path / "offered", "raw", "1.0", setup_py="from setuptools import setup\nsetup(name='raw', version='1.0')\n"
    )
    told = rehearse(fetch(tmp_path, tmp_path / "offered", "raw"))
    assert told.code == 1
    assert told.sentences == [
        "raw-1.0.tar.gz: it is an sdist, and what builds it is not in the folder: `setuptools>=40.8.0`, `wheel`; "
        "make a wheel of it before it travels (`wheelhouse build`), or take what builds it along (`stage --sdists`)"
    ]


def test_a_target_whose_python_is_not_here_is_held_to_its_closure(house: Path, tmp_path: Path) -> None:
    build_wheel(tmp_path / "offered", "app", "1.0")
    foreign = fetch(tmp_path, tmp_path / "offered", "app", python="3.12.1", more=("--platform", "windows/amd64"))
    told = rehearse(foreign)
    assert told.code == 6
    assert "no interpreter was found" in told.stderr
