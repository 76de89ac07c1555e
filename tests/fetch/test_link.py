"""`fetch --link`: several wheelhouses have one file each, and an edit of it is noticed before it is used again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.wheels import build_wheel
from wheelhouse.cli.entry import run
from wheelhouse.verify.verify import verify

NAME = "app-1.0-py3-none-any.whl"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IndexServer]:
    monkeypatch.chdir(tmp_path)
    build_wheel(tmp_path / "offered", "app", "1.0")
    with IndexServer(tmp_path / "offered") as server:
        yield server


def fetch(index: IndexServer, folder: str, *more: str) -> int:
    where = ("--index", index.url, "--cache-dir", "cache", "--dest", folder)
    return run(["fetch", "app", "--python", "3.12", *where, *more])


def test_wheelhouses_share_one_file(index: IndexServer) -> None:
    assert fetch(index, "one", "--link") == fetch(index, "two", "--link") == fetch(index, "copy") == 0
    one, two, copy = (Path(folder, NAME) for folder in ("one", "two", "copy"))
    if one.stat().st_nlink == 1:
        pytest.skip("this file system shares blocks")
    assert one.samefile(two) and not one.samefile(copy)
    assert one.stat().st_mode & 0o222 == 0
    assert copy.stat().st_mode & 0o200
    assert verify(Path("one")).findings == ()
    assert fetch(index, "one", "--link") == 0, "a second run changes nothing"
    assert one.samefile(two)


def test_an_edit_in_one_wheelhouse_is_found_before_the_file_is_used_again(
    index: IndexServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root, and whoever makes the file writable, edits the file of all; the next run takes it from the index again."""
    assert fetch(index, "one", "--link") == 0
    one = Path("one", NAME)
    if one.stat().st_nlink == 1:
        pytest.skip("this file system shares blocks")
    size = one.stat().st_size
    one.chmod(0o644)
    with one.open("r+b") as file:
        file.write(b"another")
    assert one.stat().st_size == size
    capsys.readouterr()
    assert fetch(index, "two", "--link") == 0
    assert "was altered; the file is downloaded again" in capsys.readouterr().err
    assert verify(Path("two")).findings == ()
    assert fetch(index, "one", "--link") == 0
    assert verify(Path("one")).findings == ()
