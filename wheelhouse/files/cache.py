"""The cache: files by their sha256, what is known of each, pages and their validators; many runs share one safely.

Where it cannot be written to, what it holds is used, and what comes is kept in a folder that ends with the run.
"""

import contextlib
import errno
import fcntl
import hashlib
import io
import math
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from wheelhouse.errors import MachineError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.files.disk import fresh, os_errors_as_machine_error, rooted, write_whole
from wheelhouse.files.store import Store

T = TypeVar("T")
CACHE_VERSION = "v1"
LOGS = "logs"
UNWRITABLE = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ELOOP,
        errno.ENOLCK,
        errno.ENOTSUP,
    }
)
"""What the system answers where a folder cannot be a cache. A full disk is another matter: it ends the run."""


class Cache(Store):
    """Files and small facts in the folder `root`, which is made with `mode`; None where there is no place for one.

    What cannot be written there goes to a folder of this run's own, with one warning. Closed with `close`.
    """

    def __init__(self, root: Path | None, on_event: Listener = ignore, *, mode: int = 0o777) -> None:
        self.root = root / CACHE_VERSION if root else None
        self._given, self._mode, self._on_event = root, mode, on_event
        self._own: Path | None = None
        self._claimed = self._lasting = self._closed = False
        self._discarded: set[Path] = set()
        self._guard = threading.Lock()

    def close(self) -> None:
        """Remove this run's own folder, but for logs that somebody was told of. A thread that is late keeps nothing."""
        self._closed = True
        if self._own:
            for path in self._own.iterdir():
                if path.name != LOGS or not self._lasting:
                    shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(OSError):
                self._own.rmdir()

    def artifact(self, sha256: str) -> Path | None:
        """The file with this sha256, where there is one that may be read."""
        for path in self._places(_artifact(sha256)):
            if path not in self._discarded and os.access(path, os.R_OK):
                return path
        return None

    @contextmanager
    def partial(self, key: str) -> Iterator[Path]:
        """Hold the unfinished download of `key`; another run that wants the same waits here, and finds it done."""
        name = f"partial/{hashlib.sha256(key.encode()).hexdigest()}"
        descriptor, path = self._written(name, lambda path: (_open_held(path), path))
        try:
            yield path
        finally:
            os.close(descriptor)

    def keep(self, path: Path, sha256: str) -> Path:
        """Give a finished and verified file its final name; it is gone from where it was."""
        return self._written(_artifact(sha256), lambda final: _moved(path, final))

    def discard(self, path: Path) -> None:
        """Use this file no longer, which is not what its name says."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._turn_away(error)
            self._discarded.add(path)

    def note(self, kind: str, key: str, content: bytes) -> None:
        """Keep a small fact under `kind` and `key`, behind its own sha256."""
        raw = hashlib.sha256(content).digest() + content
        self._written(_note(kind, key), lambda path: write_whole(path, raw))

    def noted(self, kind: str, key: str) -> bytes | None:
        """The fact kept under `kind` and `key`; None where there is none that can be read, or it was altered."""
        for path in self._places(_note(kind, key)):
            with contextlib.suppress(OSError), io.FileIO(path) as file:
                raw = file.readall()
                digest, content = raw[:32], raw[32:]
                return content if hashlib.sha256(content).digest() == digest else None
        return None

    def age(self, kind: str, key: str, now: float) -> float:
        """Seconds since a fact was kept, or touched; endless where it is not there, or was kept in the future."""
        for path in self._places(_note(kind, key)):
            with contextlib.suppress(OSError):
                passed = now - path.stat().st_mtime
                return passed if passed >= 0 else math.inf
        return math.inf

    def touch(self, kind: str, key: str) -> None:
        """That a fact, kept earlier, still stands."""
        for path in self._places(_note(kind, key)):
            with contextlib.suppress(OSError):
                os.utime(path)
                return

    def forget(self, kind: str, key: str) -> None:
        """Keep this fact no longer."""
        for path in self._places(_note(kind, key)):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def log(self, name: str, content: bytes, *, lasting: bool = False) -> Path:
        """Keep what a build printed, and say where. Of a folder that ends with the run only what is `lasting` stays."""
        self._lasting |= lasting

        def write(path: Path) -> Path:
            write_whole(path, content)
            return path

        return self._written(str(rooted(Path(LOGS), name)), write)

    def size(self) -> dict[str, tuple[int, int]]:
        """(files, bytes) for each kind of thing kept."""
        kinds: dict[str, tuple[int, int]] = {}
        for folder in sorted(self.root.iterdir()) if self.root and self.root.is_dir() else ():
            sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
            kinds[folder.name] = (len(sizes), sum(sizes))
        return kinds

    def prune(self, keep: Callable[[Path], bool]) -> tuple[int, int]:
        """Remove every file that `keep` does not want; (files, bytes) removed."""
        count = total = 0
        with os_errors_as_machine_error(self.root or Path()):
            for path in list(self.root.rglob("*")) if self.root else ():
                if path.is_file() and not keep(path):
                    total += path.stat().st_size
                    count += 1
                    path.unlink(missing_ok=True)
        return count, total

    # Where things are

    def _places(self, name: str) -> list[Path]:
        """Where something may be, this run's own folder first."""
        return [folder / name for folder in (self._own, self.root) if folder]

    def _written(self, name: str, write: Callable[[Path], T]) -> T:
        """What `write` makes of the path where something is to be kept: in the cache, else in this run's own folder."""
        if self.root and not self._own:
            try:
                self._claim()
                return write(self.root / name)
            except OSError as error:
                if error.errno not in UNWRITABLE:
                    with os_errors_as_machine_error(self.root / name):
                        raise
                self._turn_away(error)
        if self._closed:
            raise MachineError("the run that this is kept for is over")
        path = self._private() / name
        with os_errors_as_machine_error(path):
            return write(path)

    def _claim(self) -> None:
        if self._given and not self._claimed:
            self._given.mkdir(self._mode, parents=True, exist_ok=True)
            self._claimed = True

    def _turn_away(self, error: OSError) -> None:
        """From now on write to this run's own folder."""
        self._private(
            f"the cache `{self._given}` cannot be written to ({error.strerror}): what it holds is used, and the rest is kept "
            "for this run alone; --cache-dir names another"
        )

    def _private(
        self, why: str = "there is no home folder, so the cache ends with this run; --cache-dir names one"
    ) -> Path:
        with self._guard:
            if self._own is None:
                with os_errors_as_machine_error(Path()):
                    self._own = Path(mkdtemp(prefix="wheelhouse-cache-"))
                self._on_event(Warned(why))
            return self._own


def _artifact(sha256: str) -> str:
    return f"artifacts/{sha256[:2]}/{sha256}"


def _note(kind: str, key: str) -> str:
    return f"{kind}/{hashlib.sha256(key.encode()).hexdigest()}"


def _moved(path: Path, final: Path) -> Path:
    """Give a file another name; what lies on another file system is copied."""
    try:
        _rename(path, final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy, file = fresh(final.parent)
        try:
            with file, path.open("rb") as reader:
                shutil.copyfileobj(reader, file)
            copy.replace(final)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
        path.unlink()
    return final


def _rename(path: Path, final: Path) -> None:
    try:
        path.replace(final)
    except FileNotFoundError:
        final.parent.mkdir(parents=True, exist_ok=True)
        path.replace(final)


def _open_held(path: Path) -> int:
    """Open and hold a file that a run before us may have renamed away while we waited for it."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        os.close(descriptor)
