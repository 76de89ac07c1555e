"""Two wheelhouses compared: what became of each project, and what changed inside."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel, core_metadata
from wheelhouse.cli.entry import run
from wheelhouse.errors import IntegrityError
from wheelhouse.report.difference import difference_lines, tally
from wheelhouse.report.diffpage import diff_view
from wheelhouse.report.rendering import render
from wheelhouse.vet.compare import diff
from wheelhouse.vet.diff import Change, Difference, Kind, Topic

HOSTILE = Change(Topic.RUNS, "x", ("</script>",), ("<img src=x onerror=alert(1)>",))
ELF = b"\x7fELF" + bytes(60)


def licensed(name: str, version: str, licence: str, author: str) -> bytes:
    head = core_metadata(name, version).decode().rstrip("\n")
    return f"{head}\nLicense-Expression: {licence}\nAuthor: {author}\n".encode()


def before(folder: Path) -> None:
    build_wheel(folder, "same", "1.0")
    build_wheel(folder, "gone", "1.0")
    build_wheel(folder, "back", "2.0")
    build_wheel(folder, "swapped", "1.0")
    build_wheel(folder, "wheeled", "1.0")
    build_wheel(
        folder, "grown", "1.0", metadata=licensed("grown", "1.0", "MIT", "Ada"), files={"grown/__init__.py": b""}
    )


def after(folder: Path) -> None:
    build_wheel(folder, "same", "1.0")
    build_wheel(folder, "came", "1.0", files={"came.pth": b"import came\n", "came/__init__.py": b""})
    build_wheel(folder, "back", "1.0")
    build_wheel(folder, "swapped", "1.0", files={"swapped/__init__.py": b"# other\n"})
    build_sdist(folder, "wheeled", "1.1")
    files = {
        "grown/__init__.py": b"",
        "grown/fast.so": ELF,
        "grown-2.0.dist-info/entry_points.txt": b"[console_scripts]\ngrow = grown:main\n",
        "grown-2.0.data/scripts/grow.sh": b"#!/bin/sh\n",
        "extra.pth": b"import grown\n",
    }
    build_wheel(folder, "grown", "2.0", metadata=licensed("grown", "2.0", "GPL-3.0-only", "Mallory"), files=files)


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("diff")
    for name, fill in (("old", before), ("new", after)):
        (base / name).mkdir()
        fill(base / name)
        wheelhouse_of(base / name)
    return base


def found(houses: Path) -> dict[str, Difference]:
    return {one.project: one for one in diff(houses / "old", houses / "new")}


def test_each_project_has_its_kind_and_the_alarming_come_first(houses: Path) -> None:
    kinds = [(one.project, one.kind) for one in diff(houses / "old", houses / "new")]
    assert kinds == [
        ("swapped", Kind.BYTES),
        ("back", Kind.DOWN),
        ("came", Kind.ADDED),
        ("grown", Kind.UP),
        ("wheeled", Kind.UP),
        ("gone", Kind.REMOVED),
    ]


def test_what_changed_inside_is_told(houses: Path) -> None:
    (file,) = found(houses)["grown"].files
    told = {(change.topic, change.aspect): (change.removed, change.added) for change in file.changes}
    assert told[Topic.RUNS, "start-up files, scripts and setup.py"] == (
        (),
        ("*.data/scripts/grow.sh", "extra.pth"),
    )
    assert told[Topic.RUNS, "entry points"] == ((), ("console_scripts: grow = grown:main",))
    assert told[Topic.NATIVE, "native files"] == ((), ("grown/fast.so, 64 bytes",))
    assert told[Topic.LICENCE, "licence"] == (("MIT",), ("GPL-3.0-only",))
    assert told[Topic.METADATA, "Author"] == (("Ada",), ("Mallory",))
    assert told[Topic.FILES, "top-level names"] == ((), ("extra.pth",))
    assert [len(sizes) for sizes in told[Topic.FILES, "unpacked"]] == [1, 1]


def test_an_sdist_in_the_place_of_a_wheel_is_told(houses: Path) -> None:
    (file,) = found(houses)["wheeled"].files
    assert any(change.topic is Topic.RUNS and "its code runs" in change.aspect for change in file.changes)


def test_the_same_house_differs_in_nothing(houses: Path) -> None:
    assert diff(houses / "old", houses / "old") == ()
    assert tally(()) == "nothing changed"


def test_an_altered_file_is_not_compared(houses: Path, tmp_path: Path) -> None:
    for path in (houses / "new").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes() + b" " * path.name.startswith("grown"))
    with pytest.raises(IntegrityError, match="differs from the wheelhouse's lock files"):
        diff(houses / "old", tmp_path)


def test_the_command_says_it_as_text_and_as_json(
    houses: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(houses)
    assert run(["diff", "old", "new", "--quiet"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines() == difference_lines(diff(houses / "old", houses / "new"), "old", "new")
    assert run(["diff", "old", "new", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["project"] for one in document["differences"]][:2] == ["swapped", "back"]
    assert run(["diff", "old", "nothing"]) == 2


def test_the_page_tells_every_change_and_escapes_it(houses: Path) -> None:
    found = diff(houses / "old", houses / "new")
    nasty = [replace(one, files=tuple(replace(file, changes=(HOSTILE,)) for file in one.files)) for one in found]
    text = render("diff.html.j2", diff_view(nasty, "old", "<new>"))
    assert text.count("<script") == 2 and "<img" not in text and "+ &lt;img" in text
    assert [text.index(f'id="{kind}"') for kind in ("other-bytes", "down", "added", "up", "removed")]
    assert "old → &lt;new&gt;" in text
