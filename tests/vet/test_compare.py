"""Two wheelhouses, and those inside them: which files are opened, and what was read before."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.made_pins import made_facts
from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.errors import IntegrityError
from wheelhouse.events import Event, Finished
from wheelhouse.findings import Policy
from wheelhouse.vet.capabilities import Capability, Earlier
from wheelhouse.vet.compare import diff
from wheelhouse.vet.diff import Difference, Kind
from wheelhouse.vet.vet import VetContext, vet

NOW = datetime(2026, 1, 1, tzinfo=UTC)

WHEEL = "odd-1.1-py3-none-any.whl"


def made(folder: Path, version: str, source: bytes = b"x = 1\n", project: str = "odd") -> Path:
    """A wheelhouse of one wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    build_wheel(folder, project, version, files={f"{project}/__init__.py": source})
    return wheelhouse_of(folder, project)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """An old and a new wheelhouse of one file each."""
    return made(tmp_path / "old", "1.0", b"import subprocess\nsubprocess.run(['tool'])\n"), made(
        tmp_path / "new", WHEEL.split("-")[1]
    )


def kinds(differences: tuple[Difference, ...]) -> list[tuple[str, str, Kind]]:
    return [(one.place, one.project, one.kind) for one in differences]


def test_a_file_that_replaces_another_tells_what_the_other_could_do(pair: tuple[Path, Path]) -> None:
    events: list[Event] = []
    (difference,) = diff(*pair, events.append)
    (file,) = difference.files
    assert file.earlier == Earlier("1.0", frozenset({Capability.PROCESS}))
    assert [one.name for one in file.members] == ["*.dist-info/METADATA", "odd/__init__.py"] and file.texts == ()
    assert events == [Finished("odd")]


def test_wheelhouses_inside_are_compared_where_one_of_the_two_has_them(pair: tuple[Path, Path]) -> None:
    old, new = pair
    made(new / "tools", "2.0", project="tool")
    assert kinds(diff(old, new)) == [("", "odd", Kind.UP), ("tools", "tool", Kind.ADDED)]
    made(old / "tools", "2.0", b"x = 2\n", project="tool")
    made(old / "build", "3.0", project="builder")
    found = diff(old, new)
    assert kinds(found) == [("", "odd", Kind.UP), ("build", "builder", Kind.REMOVED), ("tools", "tool", Kind.BYTES)]
    (file,) = found[2].files
    assert [one.name for one in file.members] == ["tool/__init__.py"]


def test_a_project_that_is_new_is_compared_with_nothing(pair: tuple[Path, Path], tmp_path: Path) -> None:
    (added, removed) = diff(pair[0], made(tmp_path / "other", "1.0", project="even"))
    assert (added.kind, removed.kind) == (Kind.ADDED, Kind.REMOVED)
    (file,) = added.files
    assert (file.old, file.earlier, file.members) == (None, None, ()) and file.changes


def test_what_was_read_before_is_not_read_again(pair: tuple[Path, Path]) -> None:
    old, new = pair
    made(new / "tools", "1.1", b"x = 2\n")
    for path in (new / WHEEL, new / "tools" / WHEEL):
        path.write_bytes(b"altered")
    known = {subject: made_facts(WHEEL) for subject in (WHEEL, f"tools/{WHEEL}")}
    assert kinds(diff(old, new, new_facts=known)) == [("", "odd", Kind.UP), ("tools", "odd", Kind.ADDED)]
    for subject, folder in {WHEEL: new, f"tools/{WHEEL}": new / "tools"}.items():
        others = {name: facts for name, facts in known.items() if name != subject}
        with pytest.raises(IntegrityError, match="differs from the wheelhouse's lock files") as caught:
            diff(old, new, new_facts=others)
        assert caught.value.hint == f"see every problem: `wheelhouse verify {folder}`"


def test_a_file_that_cannot_be_opened_is_a_finding_and_is_not_compared(pair: tuple[Path, Path]) -> None:
    old, new = pair
    (new / WHEEL).write_bytes(b"altered")
    vetted = vet(new, Policy(), NOW, VetContext(since=old))
    assert ("altered", WHEEL) in {(one.rule, one.subject) for one in vetted.findings}
    assert vetted.replaced == {}
