"""The hashes that the lock files of a wheelhouse name, for whoever must keep the files."""

import hashlib
from pathlib import Path

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError
from wheelhouse.files.disk import sha256_of
from wheelhouse.verify.hashes import SUMS, named_sha256s

ONE, TWO, THREE, FOUR = (hashlib.sha256(bytes([number])).hexdigest() for number in range(4))


def test_every_hash_of_the_lock_files_is_named(tmp_path: Path) -> None:
    """Only of lock files and SHA256SUMS, and only whole ones: 65 characters are no sha256."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel = build_wheel(folder, "app", "1.0")
    wheelhouse_of(folder, "app")
    assert named_sha256s(folder) >= {sha256_of(wheel)}
    known = named_sha256s(folder)
    (folder / "build").mkdir()
    (folder / "build" / "pylock.cp312-any-0123abcd.toml").write_text(f'a = "{ONE}"\nb = "{ONE}f"\nc = "A{TWO}"\n')
    (folder / "build" / "notes.txt").write_text(THREE)
    (folder / "files").mkdir()
    (folder / "files" / SUMS).write_text(f"{FOUR}  x\n")
    (folder / "other").mkdir()
    (folder / "other" / SUMS).write_text(f"{THREE}  x\n")
    (folder / "tools").write_text(THREE)
    assert named_sha256s(folder) == known | {ONE, TWO, FOUR}


def test_a_folder_without_lock_files_is_no_wheelhouse(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        named_sha256s(tmp_path)
