"""Temporary files and folders: those of a killed run are removed, those of a living one never."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.tools import clean_environment
from wheelhouse.files.disk import folder_lock, temp_file, write
from wheelhouse.files.temporary import TEMP_PREFIX, fresh, scratch_folder, shared_folder, sweep_unless_held

RUN = """
import sys, time
from pathlib import Path
from wheelhouse.files.disk import folder_lock
from wheelhouse.files.temporary import fresh, scratch_folder, shared_folder
folder = Path(sys.argv[1])
{holding}
    print("ready", flush=True)
    time.sleep(60)
"""
OPEN = "path, file = fresh(folder)\nif file:"
CLOSED = "with {}(folder):\n    fresh(folder)[1].close()"
SCRATCH = "with scratch_folder('test') as inner:\n    (inner / 'data').touch()"


@contextmanager
def another_run(folder: Path, holding: str) -> Iterator["subprocess.Popen[str]"]:
    program = RUN.format(holding=holding)
    environment = clean_environment(TMPDIR=str(folder))
    with subprocess.Popen(
        [sys.executable, "-c", program, folder], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def left(folder: Path) -> list[Path]:
    return list(folder.glob(f"{TEMP_PREFIX}*"))


@pytest.mark.parametrize("holding", [OPEN, CLOSED.format("folder_lock"), CLOSED.format("shared_folder")])
def test_a_living_run_keeps_its_files_and_a_killed_one_does_not(tmp_path: Path, holding: str) -> None:
    with another_run(tmp_path, holding) as process:
        sweep_unless_held(tmp_path)
        write(tmp_path, "name", "text")
        assert len(left(tmp_path)) == 1
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        write(tmp_path, "name", "text")
        assert not left(tmp_path)


def test_who_holds_a_folder_leaves_what_another_has_open_there(tmp_path: Path) -> None:
    with another_run(tmp_path, OPEN) as process:
        with folder_lock(tmp_path):
            pass
        assert len(left(tmp_path)) == 1
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        with folder_lock(tmp_path):
            assert not left(tmp_path)


def test_runs_that_share_a_folder_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with shared_folder(tmp_path), shared_folder(tmp_path), temp_file(tmp_path) as (path, _):
        write(tmp_path, "name", "text")
        assert path.exists()


def test_scratch_folders_of_killed_runs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with another_run(tmp_path, SCRATCH) as process:
        with scratch_folder("own") as own:
            assert len(list(tmp_path.iterdir())) == 2
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        with scratch_folder("own") as own:
            assert list(tmp_path.iterdir()) == [own]
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_swept_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, swept = fcntl.flock, []

    def flock(descriptor: int, operation: int) -> None:
        if not swept:
            swept.append(Path(f"/proc/self/fd/{descriptor}").readlink())
            swept[0].unlink()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    path, file = fresh(tmp_path)
    file.close()
    assert path.exists() and swept and path != swept[0]


def test_a_file_stays_locked_until_it_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the run that has just made it would lock it before it is removed, and find it gone when it renames it."""
    fresh(tmp_path)[1].close()
    real, locked = Path.unlink, []

    def unlink(path: Path, missing_ok: bool = False) -> None:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                locked.append(path)
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    sweep_unless_held(tmp_path)
    assert len(locked) == 1 and not left(tmp_path)


def test_what_only_looks_like_ours_and_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / f"{TEMP_PREFIX}notes.txt").touch()
    (tmp_path / f"{TEMP_PREFIX}link.tmp").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / f"{TEMP_PREFIX}fifo.tmp")
    (tmp_path / "elsewhere").write_bytes(b"kept")
    sweep_unless_held(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{TEMP_PREFIX}notes.txt", "elsewhere"}


def test_a_scratch_folder_that_another_run_sweeps_before_it_is_locked_is_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = [tmp_path / "swept", tmp_path / "kept"]
    made[1].mkdir()
    names = iter(map(str, made))
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: next(names))
    with scratch_folder("test") as folder:
        assert folder == made[1]
