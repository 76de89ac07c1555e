"""The files of a wheelhouse as an index offers them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.errors import IntegrityError
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.mirror.catalogue import catalogue
from wheelhouse.mirror.offered_files import open_wheelhouse
from wheelhouse.mirror.static_index import IndexChoices, index
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.verify.verify import load_wheelhouse

USES: dict[str, Callable[[Path], object]] = {
    "serve": lambda folder: catalogue([folder]),
    "publish": lambda folder: list(open_wheelhouse(folder)),
    "index": lambda folder: index([folder], folder.with_name("tree"), IndexChoices("Ada", datetime.now(UTC))),
}


@pytest.mark.parametrize("name", USES)
def test_two_lock_files_of_one_wheelhouse_that_give_one_file_two_hashes_are_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "house"
    folder.mkdir()
    build_wheel(folder, "lib", "1.0")
    (lock,) = load_wheelhouse(wheelhouse_of(folder)).locks
    (pin,) = lock.pins
    other = replace(pin, artifact=replace(pin.artifact, sha256="0" * 64))
    target = Target.of(Python.parse("3.11"), Platform.parse("linux/amd64"))
    earlier = replace(lock, target=target, pins=(other,))
    (folder / earlier.filename).write_text(Wheelhouse((earlier,)).texts[earlier.filename])
    with pytest.raises(IntegrityError, match=r"`lib-1.0-py3-none-any.whl` with two different sha256"):
        USES[name](folder)
