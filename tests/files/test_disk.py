"""Copies into a folder: on a real file system that can share blocks (btrfs, in a file), and on the machine's own."""

import bz2
import errno
import fcntl
import hashlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT
from tests.support.locks import FileLock
from wheelhouse.errors import InputError, IntegrityError, MachineError
from wheelhouse.files import disk, hashed_files
from wheelhouse.files.disk import (
    CANNOT_LINK,
    LOCK_FILE,
    commit_file,
    copy_to_temp_file,
    folder_lock,
    link_to_temp_file,
    read_bytes,
    read_regular,
    read_text,
)

EMPTY = ROOT / "tests" / "support" / "btrfs.img.bz2"
"""An empty btrfs of 16 MiB, as `mkfs.btrfs --mixed` makes it."""
SIZE = 4 << 20
DATA = b"the bytes of a wheel"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def btrfs(tmp_path: Path) -> Iterator[Path]:
    """One at a time on a machine: the kernel tells file systems apart by an identity that stands in the image."""
    image, place = tmp_path / "btrfs.img", tmp_path / "btrfs"
    image.write_bytes(bz2.decompress(EMPTY.read_bytes()))
    place.mkdir()
    with FileLock(Path(tempfile.gettempdir()) / f"wheelhouse-btrfs-{os.getuid()}.lock"):
        mounted = subprocess.run(["mount", "-o", "loop", image, place], capture_output=True, text=True, check=False)
        if mounted.returncode:
            pytest.skip(f"a btrfs cannot be mounted here: {mounted.stderr.strip()}")
        yield place
        subprocess.run(["umount", place], check=True)


@pytest.fixture(params=["own", "btrfs"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "own":
        return tmp_path
    found: Path = request.getfixturevalue("btrfs")
    return found


@pytest.fixture
def source(folder: Path) -> Path:
    return filled(folder / "cached")


def filled(path: Path) -> Path:
    path.write_bytes(random.Random(7).randbytes(SIZE))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def used(folder: Path) -> int:
    subprocess.run(["sync", "-f", folder], check=True)
    state = os.statvfs(folder)
    return (state.f_blocks - state.f_bfree) * state.f_frsize


def test_a_link_shares_the_file_and_nobody_writes_to_it_by_accident(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(DATA)
    linked = link_to_temp_file(source, tmp_path, SHA256)
    if linked.stat().st_nlink == 1:
        pytest.skip("this file system shares blocks")
    assert linked.samefile(source) and not linked.stat().st_mode & 0o222


def test_an_altered_file_is_not_linked(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(b"another")
    with pytest.raises(IntegrityError, match="was altered"):
        link_to_temp_file(source, tmp_path, SHA256)


@pytest.mark.parametrize("number", CANNOT_LINK)
def test_a_file_that_cannot_be_linked_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refused(_self: Path, _target: Path) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    source = tmp_path / "file"
    source.write_bytes(DATA)
    copied = link_to_temp_file(source, tmp_path, SHA256)
    assert copied.read_bytes() == DATA and copied.stat().st_nlink == 1


@pytest.mark.parametrize("make", [copy_to_temp_file, link_to_temp_file])
def test_a_source_that_is_gone_leaves_no_temporary_file(tmp_path: Path, make: Callable[..., Path]) -> None:
    with pytest.raises(MachineError, match="No such file"):
        make(tmp_path / "gone", tmp_path, SHA256)
    (tmp_path / "file").write_bytes(b"another")
    with pytest.raises(IntegrityError, match="was altered"):
        make(tmp_path / "file", tmp_path, SHA256)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_where_blocks_can_be_shared_there_is_no_link(btrfs: Path) -> None:
    source = btrfs / "file"
    source.write_bytes(DATA)
    linked = link_to_temp_file(source, btrfs, SHA256)
    assert linked.read_bytes() == DATA and linked.stat().st_nlink == 1


def test_a_copy_takes_no_more_room_where_blocks_can_be_shared(btrfs: Path) -> None:
    source = filled(btrfs / "cached")
    before = used(btrfs)
    commit_file(copy_to_temp_file(source, btrfs, sha256(source)), btrfs / "copy.whl")
    assert used(btrfs) - before < SIZE / 4
    assert sha256(btrfs / "copy.whl") == sha256(source)


def test_an_edit_of_a_copy_does_not_reach_what_it_was_made_from(source: Path, folder: Path) -> None:
    original = sha256(source)
    copy = copy_to_temp_file(source, folder, original)
    with copy.open("r+b") as file:
        file.write(b"poison")
    assert sha256(copy) != original
    assert sha256(source) == original


def test_a_copy_of_what_was_altered_is_refused(source: Path, folder: Path) -> None:
    expected = sha256(source)
    with source.open("r+b") as file:
        file.write(b"poison")
    with pytest.raises(IntegrityError, match="was altered"):
        copy_to_temp_file(source, folder, expected)


@pytest.fixture
def hashed(source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sha256 of a source that was copied before, and is hashed no more."""
    monkeypatch.setattr(hashed_files, "SETTLED_NANOSECONDS", 0)
    monkeypatch.setattr(hashed_files, "_sha256s", {})
    original = sha256(source)
    copy_to_temp_file(source, folder, original)
    monkeypatch.setattr(disk, "_copy_hashed", lambda _reader, _writer: "hashed again")
    monkeypatch.setattr(disk, "sha256_of", lambda _path: "hashed again")
    time.sleep(0.02)  # a tick of the file system's clock
    return original


def test_a_source_that_nothing_touched_is_hashed_once(source: Path, folder: Path, hashed: str) -> None:
    copy = copy_to_temp_file(source, folder, hashed)
    assert sha256(copy) == hashed
    with pytest.raises(IntegrityError, match="hashed again"):
        copy_to_temp_file(source, folder, "0" * 64)


def test_a_source_that_was_altered_in_the_meantime_is_hashed_again(source: Path, folder: Path, hashed: str) -> None:
    former = source.stat()
    with source.open("r+b") as file:
        file.write(b"poison")
    os.utime(source, ns=(former.st_atime_ns, former.st_mtime_ns))
    with pytest.raises(IntegrityError, match="hashed again"):
        copy_to_temp_file(source, folder, hashed)


@pytest.mark.parametrize("folder", ["own"], indirect=True)
def test_a_source_that_is_replaced_while_it_is_copied_is_refused(
    source: Path, folder: Path, hashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced(path: Path, copy: Path) -> None:
        other = path.with_name("other")
        other.write_bytes(b"poison")
        other.replace(path)
        copy.write_bytes(path.read_bytes())

    monkeypatch.setattr(shutil, "copyfile", replaced)
    with pytest.raises(IntegrityError, match="was altered"):
        copy_to_temp_file(source, folder, hashed)


def test_a_source_that_changed_a_moment_ago_is_hashed_again(
    source: Path, folder: Path, hashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashed_files, "SETTLED_NANOSECONDS", 3600 * 10**9)
    monkeypatch.setattr(hashed_files, "_sha256s", {})
    hashed_files.note_sha256(hashed_files.state_of(source.stat()), hashed)
    with pytest.raises(IntegrityError, match="hashed again"):
        copy_to_temp_file(source, folder, hashed)


def test_a_copy_from_another_file_system_is_a_copy(source: Path, tmp_path: Path) -> None:
    assert sha256(copy_to_temp_file(source, tmp_path / "house", sha256(source))) == sha256(source)


@pytest.mark.parametrize("kind", ["link", "folder", "FIFO", "socket"])
def test_only_a_regular_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket may have 107 bytes
    path = tmp_path / "lock"
    (tmp_path / "other").write_bytes(b"other")
    make = {
        "link": lambda: path.symlink_to(tmp_path / "other"),
        "folder": path.mkdir,
        "FIFO": lambda: os.mkfifo(path),
        "socket": lambda: server.bind(path.name),
    }
    with socket.socket(socket.AF_UNIX) as server:
        make[kind]()
    with pytest.raises(InputError, match=f"the lock `{path}` is a {kind}"):
        read_regular(path, 100, "the lock")


def test_a_regular_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_bytes(b"12345")
    assert read_regular(path, 5, "the lock") == b"12345"
    with pytest.raises(InputError, match="is longer than 4 bytes"):
        read_regular(path, 4, "the lock")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_regular(tmp_path / "nothing", 4, "the lock")
    with path.open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="is longer than 5 bytes"):
        read_regular(path, 5, "the lock")


@pytest.mark.parametrize("read", [read_bytes, read_text])
def test_a_name_that_no_file_can_have_is_an_input_error(read: Callable[[Path, str], object]) -> None:
    with pytest.raises(InputError, match=r"the file `a.b` cannot be read: "):
        read(Path("a\0b"), "the file")


def test_who_waits_for_a_folder_that_its_holder_removes_locks_a_new_one(tmp_path: Path) -> None:
    folder, entered, leave = tmp_path / "folder", threading.Event(), threading.Event()

    def enter() -> None:
        with folder_lock(folder):
            entered.set()
            leave.wait(10)

    waiting = threading.Thread(target=enter)
    with folder_lock(folder):
        waiting.start()
        assert not entered.wait(0.05)
        folder.rename(tmp_path / "removed")
    assert entered.wait(10)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)
        leave.set()
        waiting.join(10)


def is_locked(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_an_empty_folder_is_removed_while_it_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed, rmdir = [], Path.rmdir

    def seen(folder: Path) -> None:
        removed.append((folder.name, is_locked(folder)))
        rmdir(folder)

    monkeypatch.setattr(Path, "rmdir", seen)
    for name in ("empty", "full"):
        with folder_lock(tmp_path / name, remove_if_empty=True):
            assert (tmp_path / name).is_dir()
            if name == "full":
                (tmp_path / name / "file").touch()
    assert removed == [("empty", True), ("full", True)]
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


@pytest.mark.parametrize("step", ["mkdir", "open"])
def test_a_folder_that_is_removed_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """As mkdir(2) sees the folder of another run that is gone at the next look, or as it is gone before it is opened."""
    folder, failures = tmp_path / "folder", [1, 2]

    def failing(real: Callable[..., Any], error: type[OSError]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            if Path(path) == folder and failures:
                failures.pop()
                raise error(errno.ENOENT, "gone")
            return real(path, *arguments, **options)

        return call

    if step == "mkdir":
        monkeypatch.setattr(Path, "mkdir", failing(Path.mkdir, FileExistsError))
    else:
        monkeypatch.setattr(os, "open", failing(os.open, FileNotFoundError))
    with folder_lock(folder):
        assert not failures and is_locked(folder)


def test_a_file_in_place_of_a_folder_is_a_machine_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineError), folder_lock(tmp_path / "file"):
        pass


@pytest.fixture
def nfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on NFS, nothing that is open for reading alone can be locked for writing."""
    real = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        is_for_reading = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
        if operation & fcntl.LOCK_EX and is_for_reading:
            raise OSError(errno.EBADF, "Bad file descriptor")
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.usefixtures("nfs")
def test_on_nfs_one_run_waits_for_another_and_leaves_nothing(tmp_path: Path) -> None:
    entered = threading.Event()
    inside: list[int] = []

    def enter(number: int) -> None:
        with folder_lock(tmp_path / "folder"):
            inside.append(number)
            assert len(inside) == 1, "two runs are in one folder"
            inside.clear()
            entered.set()

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(8)]
    with folder_lock(tmp_path / "folder"):
        for thread in threads:
            thread.start()
        assert not entered.wait(0.05)
    for thread in threads:
        thread.join(10)
    assert entered.is_set() and list((tmp_path / "folder").iterdir()) == []


@pytest.mark.usefixtures("nfs")
def test_on_nfs_an_empty_folder_is_removed_too(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "folder", remove_if_empty=True):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("nfs")
def test_on_nfs_a_folder_that_a_killed_run_left_is_locked_again(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).touch()
    with folder_lock(tmp_path):
        assert (tmp_path / LOCK_FILE).exists()
    assert list(tmp_path.iterdir()) == []
