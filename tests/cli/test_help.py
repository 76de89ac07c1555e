"""The help of every command, held against tests/golden/help; the reference pages made of it; `python -m wheelhouse`."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tests.support.golden import Session, golden
from tests.support.tools import run
from website import reference
from website.settings_schema import settings_schema
from wheelhouse.cli.app import app
from wheelhouse.cli.entry import MODULES, load


def _commands(group: object, *path: str) -> Iterator[str]:
    for name, command in getattr(group, "commands", {}).items():
        yield " ".join((*path, name))
        yield from _commands(command, *path, name)


def every_command() -> list[str]:
    load()
    return sorted(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("command", every_command())
def test_the_help_of_a_command(tmp_path: Path, command: str) -> None:
    session = Session(tmp_path)
    assert session(f"{command} --help") == 0
    assert session.transcript == golden(f"help/{command.replace(' ', '-')}", session)
    assert not re.search(r"\\b|\x08", session.transcript), "an example's mark is printed"


def test_the_reference_pages_are_those_that_the_code_makes() -> None:
    """WHEELHOUSE_UPDATE_GOLDEN=1 writes them anew, as `python -m website.reference` does."""
    pages = reference.pages()
    if os.environ.get("WHEELHOUSE_UPDATE_GOLDEN"):
        reference.write(reference.FOLDER, pages)
    kept = {name: path.read_text(encoding="utf-8") for name in pages if (path := reference.FOLDER / name).is_file()}
    assert [name for name in pages if kept.get(name) != pages[name]] == [], "run `python -m website.reference`"
    assert {f"commands/{path.name}" for path in (reference.FOLDER / "commands").iterdir()} <= pages.keys()


def test_every_key_of_the_settings_is_described() -> None:
    definitions = settings_schema()["$defs"].items()
    keys = [(f"{name}.{key}", prop) for name, table in definitions for key, prop in table["properties"].items()]
    assert [name for name, prop in keys if not prop.get("description")] == [], "say it in website/settings_schema.py"


def test_the_first_help_names_every_command(tmp_path: Path) -> None:
    """By `python -m wheelhouse`, in a process of its own."""
    session = Session(tmp_path)
    done = run(sys.executable, "-m", "wheelhouse", "--help", cwd=tmp_path)
    session.transcript = done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    assert session.transcript == golden("help/wheelhouse", session)
    assert all(re.search(rf"^  {name} ", done.stdout, re.MULTILINE) for names in MODULES.values() for name in names)
    assert "Others:" not in done.stdout, "give the command a heading in HEADINGS of wheelhouse/cli/app.py"


@pytest.mark.rooms
def test_the_module_ends_as_the_command_does(tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("wheelhouse")], [sys.executable, "-m", "wheelhouse"]
    said = [run(*start, "verify", "nowhere", cwd=tmp_path) for start in command]
    assert said[0].returncode == said[1].returncode == 2
    assert said[0].stderr == said[1].stderr
