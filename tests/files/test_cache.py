"""The cache where it cannot be written to: what it holds is used, and what comes is kept for this run alone."""

import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wheelhouse.errors import MachineError
from wheelhouse.events import Event, Warned
from wheelhouse.files import cache as module
from wheelhouse.files.cache import Cache

DATA = b"a wheel's bytes"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this run's own folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def filled(root: Path) -> None:
    """What an earlier run, or another user, left."""
    cache = Cache(root)
    with cache.partial("a url") as partial:
        partial.write_bytes(DATA)
        cache.keep(partial, SHA256)
    cache.note("pages", "known", b"page")


def refuse(monkeypatch: pytest.MonkeyPatch, root: Path, code: int) -> None:
    """Let the system answer every write below `root` with an error, as for a file system that is mounted read-only."""

    def refusing(real: Callable[..., object], place: int) -> Callable[..., object]:
        def write(*arguments: Path, **options: object) -> object:
            if arguments[place].is_relative_to(root):
                raise OSError(code, os.strerror(code), str(arguments[place]))
            return real(*arguments, **options)

        return write

    for name, place in (("write_whole", 0), ("_open_locked", 0), ("_moved", 1)):
        monkeypatch.setattr(module, name, refusing(getattr(module, name), place))
    monkeypatch.setattr(Path, "unlink", refusing(Path.unlink, 0))


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_cache_that_is_read_only_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    root, said = tmp_path / "cache", list[Event]()
    filled(root)
    before = sorted(path for path in root.rglob("*") if path.is_file())
    with monkeypatch.context() as patched:
        refuse(patched, root, code)
        cache = Cache(root, said.append)
        assert cache.artifact(SHA256) and cache.noted("pages", "known") == b"page"
        assert said == []
        works(cache)
    assert [os.strerror(code) in str(event) for event in said] == [True]
    assert sorted(path for path in root.rglob("*") if path.is_file()) == before
    cache.close()


def works(cache: Cache) -> None:
    """A new note, one in the place of another, a download and a log are kept, and found again."""
    cache.note("pages", "new", b"new page")
    cache.note("pages", "known", b"newer page")
    assert (cache.noted("pages", "new"), cache.noted("pages", "known")) == (b"new page", b"newer page")
    assert cache.age("pages", "new", time.time()) < 60
    cache.touch("pages", "new")
    cache.forget("pages", "none")
    other = hashlib.sha256(b"other").hexdigest()
    with cache.partial("another url") as partial:
        partial.write_bytes(b"other")
        assert cache.keep(partial, other) == cache.artifact(other)
    assert cache.log("x.log", b"log").read_bytes() == b"log"


def warnings(said: list[Event]) -> list[str]:
    assert all(isinstance(event, Warned) for event in said)
    return [event.sentence for event in said if isinstance(event, Warned)]


@pytest.mark.parametrize("place", ["a file", "below a file", "a link to nothing", "the system's", "no home"])
def test_without_a_place_for_a_cache_a_run_goes_on(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nothing/there")
    root = {
        "a file": tmp_path / "file",
        "below a file": tmp_path / "file" / "wheelhouse",
        "a link to nothing": tmp_path / "link",
        "the system's": Path("/proc/wheelhouse"),
        "no home": None,
    }[place]
    said = list[Event]()
    cache = Cache(root, said.append)
    assert cache.noted("pages", "known") is None and cache.artifact(SHA256) is None
    assert cache.age("pages", "known", time.time()) > 1e9
    works(cache)
    [warning] = warnings(said)
    assert "--cache-dir" in warning and (root is None or f"`{root}`" in warning)
    cache.close()


def test_a_cache_that_may_not_be_looked_into_has_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Path.exists raises PermissionError below a folder that is closed to this user; as root no folder is."""

    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    assert Cache(tmp_path / "closed").noted("kind", "key") is None


def test_a_folder_of_a_run_ends_with_it_but_for_logs_that_were_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for lasting in (False, True):
        cache = Cache(tmp_path / "file")
        cache.note("pages", "new", b"page")
        log = cache.log("x.log", b"log", lasting=lasting)
        cache.close()
        assert log.exists() == lasting
        assert log.parents[1].exists() == lasting
        assert not lasting or [path.name for path in log.parents[1].iterdir()] == ["logs"]


def test_a_thread_that_is_late_leaves_nothing(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file")
    cache.note("pages", "new", b"page")
    cache.close()
    for part in (cache, cache.private):
        with pytest.raises(MachineError):
            part.note("pages", "late", b"page")
    assert list(temporary.iterdir()) == []


def test_a_closed_cache_that_cannot_be_written_to_makes_no_temporary_folder(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "file").touch()
    said = list[Event]()
    cache = Cache(tmp_path / "file", said.append)
    cache.close()
    for part in (cache, cache.private):
        with pytest.raises(MachineError, match="has ended"):
            part.note("pages", "late", b"page")
    assert list(temporary.iterdir()) == [] and said == []


def test_a_spoiled_file_of_a_read_only_cache_is_not_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "cache"
    filled(root)
    with monkeypatch.context() as patched:
        refuse(patched, root, errno.EROFS)
        cache = Cache(root)
        path = cache.artifact(SHA256)
        assert path
        cache.discard(path)
        assert cache.artifact(SHA256) is None
        with cache.partial("a url") as partial:
            partial.write_bytes(DATA)
            assert cache.keep(partial, SHA256) == cache.artifact(SHA256) != path
    cache.close()


def test_a_full_disk_is_no_reason_to_go_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, tmp_path, errno.ENOSPC)
    with pytest.raises(MachineError, match="No space left"):
        Cache(tmp_path).note("pages", "new", b"page")


def test_what_was_made_on_another_file_system_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds are made in TMPDIR, which often lies in memory."""

    def across(path: Path, final: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(module, "_rename", across)
    made = tmp_path / "made.whl"
    made.write_bytes(DATA)
    assert Cache(tmp_path / "cache").keep(made, SHA256).read_bytes() == DATA
    assert not made.exists()


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_a_cache_is_as_open_as_the_umask_has_it(tmp_path: Path, mode: int) -> None:
    Cache(tmp_path / "cache", mode=mode).note("pages", "new", b"page")
    assert (tmp_path / "cache").stat().st_mode & 0o777 == mode


def test_a_fact_that_another_user_kept_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may write to a shared cache could note anything: what a page says, what a file holds, what a build made."""
    cache = Cache(tmp_path)
    cache.note("pages", "known", b"page")
    (path,) = (tmp_path / "v1" / "pages").iterdir()
    raw = path.read_bytes()
    assert cache.noted("pages", "known") == b"page"
    for mode in (0o664, 0o646):
        path.chmod(mode)
        assert cache.noted("pages", "known") is None
    path.chmod(0o644)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert cache.noted("pages", "known") == (b"page" if path.stat().st_uid == 0 else None)
    monkeypatch.undo()
    if os.getuid() == 0:
        os.chown(path, 1234, 1234)
        assert cache.noted("pages", "known") is None
        path.unlink()
        path.write_bytes(raw)
    (path.parent / hashlib.sha256(b"other").hexdigest()).write_bytes(raw)
    assert cache.noted("pages", "other") is None, "a fact is about its own key"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")
def test_no_download_goes_on_from_what_another_user_left(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    with cache.partial("url") as path:
        path.write_bytes(b"evil")
    os.chown(path, 1234, 1234)
    with cache.partial("url") as again:
        assert again == path and again.read_bytes() == b"" and again.stat().st_uid == 0


def test_a_download_never_goes_into_the_file_that_a_link_in_the_cache_names(tmp_path: Path) -> None:
    cache, own = Cache(tmp_path / "cache"), tmp_path / "own"
    own.write_bytes(DATA)
    with cache.partial("url") as path:
        pass
    path.unlink()
    path.symlink_to(own)
    with cache.partial("url") as again:
        assert again == path and not again.is_symlink()
        again.write_bytes(b"part")
    assert own.read_bytes() == DATA
