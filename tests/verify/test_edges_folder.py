"""What `verify` says of folders inside a wheelhouse, of requirements that nothing satisfies, and of what a run left."""

import os
from pathlib import Path

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError
from wheelhouse.report import finding_lines
from wheelhouse.verify.verify import verify
from wheelhouse.verify.verify_other_files import load_other_files


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A wheelhouse of `app` and a prerelease of `lib`, in a folder of its own."""
    folder = tmp_path / "house"
    folder.mkdir()
    build_wheel(folder, "app", "1.0", requires=["lib>=2.0rc1"])
    build_wheel(folder, "lib", "2.0rc2")
    return wheelhouse_of(folder, "app")


def said(folder: Path) -> str:
    return "\n".join(finding_lines(verify(folder).findings))


def test_a_prerelease_satisfies_a_requirement_that_allows_its_number(house: Path) -> None:
    assert said(house) == ""


def test_what_nothing_satisfies_is_said_with_who_requires_it(tmp_path: Path) -> None:
    build_wheel(tmp_path, "app", "1.0", requires=["gone", "lib>=3"])
    build_wheel(tmp_path, "lib", "2.0")
    wheelhouse_of(tmp_path, "app")
    lines = said(tmp_path)
    assert (
        "`app-1.0-py3-none-any.whl` requires `gone`, but the wheelhouse does not have that project for cp312-" in lines
    )
    assert "`app-1.0-py3-none-any.whl` requires `lib>=3`, but the wheelhouse has 2.0" in lines


def test_a_link_to_a_folder_of_other_files_is_foreign(house: Path) -> None:
    (house.parent / "elsewhere").mkdir()
    (house.parent / "elsewhere" / "files.lock.toml").write_text("version = 1\nfiles = []\n")
    (house / "files").symlink_to(house.parent / "elsewhere")
    assert "files: it is in no lock file of this wheelhouse" in said(house)


def test_what_a_run_left_is_a_warning_only_under_its_own_name(house: Path) -> None:
    (house / ".wheelhouse-0123456789abcdef.tmp").touch()
    (house / ".wheelhouse-0123456789abcdeg.tmp").touch()
    lines = said(house)
    assert "warning: .wheelhouse-0123456789abcdef.tmp: an interrupted run left it" in lines
    assert "error: .wheelhouse-0123456789abcdeg.tmp: it is in no lock file of this wheelhouse" in lines


def test_other_files_beside_a_pipe_are_not_read(house: Path) -> None:
    (house / "files").mkdir()
    os.mkfifo(house / "files" / "pipe")
    with pytest.raises(InputError, match="is a FIFO"):
        load_other_files(house)
