"""The cache: the store in a folder of this machine; many runs, and many users, may share one.

If it cannot be written to, the files in it are still used, and new ones go to a temporary folder for this run.
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
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from wheelhouse.errors import InputError, MachineError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.files.disk import os_errors_as_machine_error, rooted, write_whole
from wheelhouse.files.local_locks import must_lock_for_all
from wheelhouse.files.store import Store
from wheelhouse.files.temporary import fresh, sweep_unless_held

T = TypeVar("T")
CACHE_VERSION = "v1"
LOGS, PRIVATE = "logs", "private"
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
"""The errors of a folder that cannot be a cache. A full disk is none of them: it ends the run."""


class Cache(Store):
    """Files and notes in the folder `root`, which is made with `mode`; None if there is no place for one.

    What cannot be written there goes to a temporary folder, with one warning. Closed with `close`.
    """

    def __init__(
        self, root: Path | None, on_event: Listener = ignore, *, mode: int = 0o777, parent: "Cache | None" = None
    ) -> None:
        self.root = root / CACHE_VERSION if root else None
        self._given, self._mode, self._parent, self._on_event = root, mode, parent, on_event
        self._temporary: Path | None = None
        self._claimed = self._lasting = self._closed = False
        self._exists: bool | None = None
        self._private: Cache | None = None
        self._discarded: set[Path] = set()
        self._swept: set[str] = set()
        self._guard = threading.Lock()

    @property
    def private(self) -> "Cache":
        """The part for this user alone: a folder with mode 0700, made with the first write, before which its owner is
        checked, but not before a file in it is read.
        """
        with self._guard:
            if self._private is None:
                root = self.root / PRIVATE / str(os.getuid()) if self.root else None
                self._private = Cache(root, self._on_event, mode=0o700, parent=self)
            return self._private

    def close(self) -> None:
        """Remove the temporary folder, but for its logs if one was `lasting`; the cache stays. No temporary folder is made
        afterwards. A private part removes nothing: its folder is that of the whole.
        """
        with self._guard:  # a thread may be making a temporary folder at this moment
            self._closed = True
        if self._temporary and not self._parent:
            for path in self._temporary.iterdir():
                if path.name != LOGS or not self._lasting:
                    shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(OSError):
                self._temporary.rmdir()

    def artifact(self, sha256: str) -> Path | None:
        """The path of the file with this sha256; None if there is none that this user may read, or it was discarded. It is not hashed."""
        for place in self._places(_artifact(sha256)):
            if os.access(place, os.R_OK) and (path := Path(place)) not in self._discarded:
                return path
        return None

    def bring(self, sha256: str, path: Path, on_bytes: Callable[[int], None]) -> bool:
        """False: a cache has the files of this machine alone."""
        return False

    def share(self, path: Path, sha256: str) -> None:
        """Does nothing: a cache has no other machines."""

    def offer(self, sha256: str) -> None:
        """Does nothing: a cache has no other machines."""

    def settle(self) -> None:
        """Raises InputError: a cache has no other machines."""
        hint = (
            "name a store: --store URL; for local files and files that needed credentials, also set "
            "`store-private = true` in the settings"
        )
        raise InputError("these files are in no store, so other machines cannot get them", hint=hint)

    def relying(self) -> AbstractContextManager[None]:
        """A context that does nothing: that other machines lack the files is an error of `settle`."""
        return contextlib.nullcontext()

    @contextmanager
    def partial(self, key: str) -> Iterator[Path]:
        """Lock this user's unfinished download of `key`, a file that is made if needed, and give its path; it stays until `keep` moves it.

        Another run of this user that wants the same file waits here until the context ends.
        """
        name = f"partial/{hashlib.sha256(f'{os.geteuid()} {key}'.encode()).hexdigest()}"
        descriptor, path = self._written(name, lambda path: (_open_locked(path), path))
        try:
            yield path
        finally:
            os.close(descriptor)

    def keep(self, path: Path, sha256: str) -> Path:
        """Move a finished and verified file to its final name, and return that path. A file that is there is replaced."""
        return self._written(_artifact(sha256), lambda final: _moved(path, final))

    def discard(self, path: Path) -> None:
        """Remove a file whose bytes no longer have the sha256 in its name. If it cannot be removed, this run does not use it again, and
        writes to the temporary folder from now on. Raises MachineError if there can be no such folder.
        """
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._turn_away(error)
            self._discarded.add(path)

    def note(self, kind: str, key: str, content: bytes) -> None:
        """Keep a small fact under `kind` and `key`, after a sha256 of all three; an earlier one is replaced."""
        raw = _digest(kind, key, content) + content
        self._written(_note(kind, key), lambda path: write_whole(path, raw))

    def noted(self, kind: str, key: str) -> bytes | None:
        """The fact under `kind` and `key`, whatever its age; None if there is none that can be read and that this user or root
        kept, or if it was altered. Others who may write to the folder could note anything: of a page, of a file, of what a build
        made.
        """
        for path in self._places(_note(kind, key)):
            try:
                with io.FileIO(path) as file:
                    raw = file.readall() if _is_own(file) else b""
            except OSError:
                continue
            digest, content = raw[:32], raw[32:]
            return content if _digest(kind, key, content) == digest else None
        return None

    def bring_note(self, kind: str, key: str) -> bytes | None:
        """None: a cache has the facts of this machine alone."""
        return None

    def age(self, kind: str, key: str, now: float) -> float:
        """Seconds from when a fact was kept, or touched, until `now`; infinite if there is none, or if it was kept after `now`."""
        for path in self._places(_note(kind, key)):
            with contextlib.suppress(OSError):
                passed = now - Path(path).stat().st_mtime
                return passed if passed >= 0 else math.inf
        return math.inf

    def touch(self, kind: str, key: str, at: float | None = None) -> None:
        """Set the time from which the age of a fact counts; nothing if there is none, or if it cannot be set."""
        for path in self._places(_note(kind, key)):
            with contextlib.suppress(OSError):
                os.utime(path, None if at is None else (at, at))
                return

    def forget(self, kind: str, key: str) -> None:
        """Remove a fact, if there is one; one that cannot be removed stays."""
        for path in self._places(_note(kind, key)):
            with contextlib.suppress(OSError):
                Path(path).unlink(missing_ok=True)

    def log(self, name: str, content: bytes, *, lasting: bool = False) -> Path:
        """Write the output of a build to a file of this name, and return its path. At the end a temporary folder keeps all
        its logs if one was `lasting`, else none.

        Raises IntegrityError for a name that leads out of the folder, MachineError.
        """
        self._lasting |= lasting

        def write(path: Path) -> Path:
            """Write the whole file, and return its path."""
            write_whole(path, content)
            return path

        return self._written(str(rooted(Path(LOGS), name)), write)

    def size(self) -> dict[str, tuple[int, int]]:
        """(files, bytes) for each kind of file, which is the name of a folder, sorted; the private parts are one kind. Empty if
        there is no cache. The temporary folder does not count. Raises OSError for what cannot be looked at, or is removed
        meanwhile.
        """
        kinds: dict[str, tuple[int, int]] = {}
        for folder in sorted(self.root.iterdir()) if self.root and self.root.is_dir() else ():
            sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
            kinds[folder.name] = (len(sizes), sum(sizes))
        return kinds

    def prune(self, keep: Callable[[Path], bool]) -> tuple[int, int]:
        """Remove every file for which `keep` returns False, also of private parts and unfinished downloads; (files, bytes) removed.
        Folders, and the temporary folder with its files, stay. Raises MachineError.
        """
        count = total = 0
        with os_errors_as_machine_error(self.root or Path()):
            for path in list(self.root.rglob("*")) if self.root else ():
                if path.is_file() and not keep(path):
                    total += path.stat().st_size
                    count += 1
                    path.unlink(missing_ok=True)
        return count, total

    # Paths

    def _places(self, name: str) -> list[str]:
        """Where a file may be, as paths: in the temporary folder, then in the cache. Texts, because a run looks for thousands of
        files that are not there.
        """
        root = self.root if self._is_there() else None
        return [f"{folder}/{name}" for folder in (self._temporary, root) if folder]

    def _is_there(self) -> bool:
        """Whether the folder was there for this user when this run first looked, or was made since."""
        if self._exists is None:
            with self._guard:
                if self._exists is None:
                    self._exists = self.root is not None and os.access(self.root, os.X_OK)
        return self._exists

    def _written(self, name: str, write: Callable[[Path], T]) -> T:
        """The result of `write` for the path of a new file: in the cache or, if that cannot be written to, in the temporary folder,
        with a warning. Raises MachineError for any other error, and instead of a temporary folder after `close`.
        """
        if self.root and not self._temporary:
            try:
                self._claim()
                self._sweep(self.root, name.rpartition("/")[0])
                return write(self.root / name)
            except OSError as error:
                if error.errno not in UNWRITABLE:
                    with os_errors_as_machine_error(self.root / name):
                        raise
                self._turn_away(error)
        if self._closed or (self._parent and self._parent._closed):
            raise _ended()
        path = self._temporary_folder() / name
        with os_errors_as_machine_error(path):
            return write(path)

    def _claim(self) -> None:
        """Make the cache's folder, once a run. Raises PermissionError for a private one that another user made, or can read, and
        OSError for one whose locks other machines do not see.
        """
        if self._given and not self._claimed:
            self._given.mkdir(self._mode, parents=True, exist_ok=True)
            must_lock_for_all(self._given)
            status = self._given.lstat()
            if self._parent and (status.st_uid != os.getuid() or status.st_mode & 0o077):
                raise PermissionError(errno.EPERM, "another user owns it or can read it")
            with self._guard:  # a thread that looks for the folder at this moment must not say later that there is none
                self._claimed = self._exists = True

    def _sweep(self, root: Path, folder: str) -> None:
        """Remove the temporary files that killed runs left in a folder of the cache; once a run for each folder."""
        if folder not in self._swept:
            self._swept.add(folder)
            sweep_unless_held(root / folder)

    def _turn_away(self, error: OSError) -> None:
        """Write to the temporary folder from now on, and warn, once."""
        self._temporary_folder(
            f"the cache `{self._given}` cannot be written to ({error.strerror}): this run uses the files of the cache, but keeps "
            "new files only until the run ends; to keep new files, name another folder with --cache-dir"
        )

    def _temporary_folder(
        self,
        why: str = "there is no home folder, so the cache is removed after this run; to keep it, name a folder with --cache-dir",
    ) -> Path:
        """The folder for this run. If there is none, it is made, with a warning that says why. The private part uses a folder in
        that of the whole, which the first write makes. Raises MachineError if there is none after `close`.
        """
        with self._guard:
            if self._temporary is None and self._parent:
                self._temporary = self._parent._temporary_folder(why) / PRIVATE
            elif self._temporary is None:
                if self._closed:
                    raise _ended()
                with os_errors_as_machine_error(Path()):
                    self._temporary = Path(mkdtemp(prefix="wheelhouse-cache-"))
                self._on_event(Warned(why))
            return self._temporary


def _ended() -> MachineError:
    """The error, to be raised, of a thread that writes after `close`."""
    return MachineError("the run that needed this folder has ended")


def _artifact(sha256: str) -> str:
    """The path of a file, relative to the cache: `artifacts/`, two digits of its sha256, its sha256."""
    return f"artifacts/{sha256[:2]}/{sha256}"


def _note(kind: str, key: str) -> str:
    """The path of a fact, relative to the cache: its kind, and the sha256 of its key."""
    return f"{kind}/{hashlib.sha256(key.encode()).hexdigest()}"


def _digest(kind: str, key: str, content: bytes) -> bytes:
    """The sha256, 32 bytes, of a fact and of what it is about, so that no fact can be renamed to be about something else."""
    return hashlib.sha256(b"\0".join((kind.encode(), key.encode(), content))).digest()


def _is_own(file: io.FileIO) -> bool:
    """Whether this user or root wrote a file, and no one else may write to it."""
    status = os.fstat(file.fileno())
    return status.st_uid in (os.geteuid(), 0) and not status.st_mode & 0o022


def _moved(path: Path, final: Path) -> Path:
    """Rename a file, or copy it from another file system and remove it. Returns `final`."""
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
    """Rename a file, and make the folder if needed."""
    try:
        path.replace(final)
    except FileNotFoundError:
        final.parent.mkdir(parents=True, exist_ok=True)
        path.replace(final)


def _open_locked(path: Path) -> int:
    """Open and lock a file, which is made if needed; waits for the lock. Returns its descriptor. Another run may rename it while
    this one waits: then the new file at the path is locked.

    What another user wrote is removed: with it, the download would not be this run's own. So is a symbolic link, which may name a
    file of this user.
    """
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            continue
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            path.unlink(missing_ok=True)
            continue
        status = os.fstat(descriptor)
        if status.st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_ino == status.st_ino:
                    return descriptor
            os.close(descriptor)
        else:
            os.close(descriptor)
            path.unlink(missing_ok=True)
