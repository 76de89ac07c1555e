"""Temporary files and folders, and the removal of those that a killed run left.

A run holds a lock (flock) on each temporary file while the file is open, on each temporary folder while it is used, and on
a folder in which it keeps closed ones. The kernel releases the locks of a killed run, so what can be locked is left over.
"""

import contextlib
import errno
import fcntl
import io
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

TEMP_PREFIX = ".wheelhouse-"
SCRATCH_PREFIX = "wheelhouse-scratch-"
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
MAX_ATTEMPTS = 100
"""How often a folder is made that another run removes."""


def fresh(folder: Path) -> tuple[Path, BinaryIO]:
    """A new file in a folder, readable by all, open for writing and locked, under a name that nothing reads. The folder is
    made if needed. The caller renames the file or removes it. Raises OSError.
    """
    path, file = fresh_unbuffered(folder)
    return path, io.BufferedWriter(file)


def fresh_unbuffered(folder: Path) -> tuple[Path, io.FileIO]:
    """`fresh` without a buffer, for a file that is written in one piece."""
    made = 0
    while True:
        path = folder / f"{TEMP_PREFIX}{random.getrandbits(64):016x}.tmp"
        try:
            descriptor = os.open(path, NEW_FILE, 0o644)
        except FileExistsError:
            continue
        except FileNotFoundError:
            if made == MAX_ATTEMPTS:  # the folder exists, and takes no file: as in /proc
                raise
            made += 1
            folder.mkdir(parents=True, exist_ok=True)
            continue
        if _lock(descriptor):
            os.fchmod(descriptor, 0o644)
            return path, io.FileIO(descriptor, "w")
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a new file or folder, and return True; False if a sweep removed it before. Also True on a file system without locks: it has
    no sweeps either.
    """
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return os.fstat(descriptor).st_nlink > 0


def sweep_unless_held(folder: Path) -> None:
    """Remove the temporary files that killed runs left directly in a folder. Nothing if it cannot be opened or locked, or if
    a run holds it, which may keep closed files there. Raises nothing: the first error ends the sweep.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sweep(folder)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove the temporary files directly in a folder, if it exists, that no run has open. For the run that holds it. Raises OSError."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(TEMP_PREFIX) and entry.name.endswith(".tmp")]
        for name in names:
            _remove_unless_open(folder / name)


def _remove_unless_open(path: Path) -> None:
    """Remove a temporary file unless a run has it open, and so locked. It is locked until it is gone: a run that makes it at this
    moment waits, and then finds it gone. A link, pipe or socket is removed; what this user may not open stays. Raises OSError
    on a file system without locks.

    NFS locks nothing that is open for reading alone: there each file may be in use, and stays.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        return
    except OSError:
        path.unlink(missing_ok=True)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def shared_folder(folder: Path) -> Iterator[None]:
    """Hold a shared lock on an existing folder, so that no run sweeps the closed temporary files in it meanwhile; other
    runs may hold one, too. Those of killed runs are removed first, unless a run holds the folder. Without locks on the file
    system, nothing is held.

    Raises OSError if the folder cannot be opened.
    """
    sweep_unless_held(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def scratch_folder(kind: str, within: Path | None = None) -> Iterator[Path]:
    """A new folder in `within`, else among the machine's temporary files, removed afterwards with all in it.

    Those of this user's killed runs are removed before. What cannot be removed stays. Raises OSError if none can be made.
    """
    sweep_scratch(within)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{SCRATCH_PREFIX}{kind}-", dir=within))
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # another run swept it before it was locked
            continue
        if _lock(descriptor):
            break
        os.close(descriptor)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def sweep_scratch(within: Path | None = None) -> None:
    """Remove the scratch folders of this user's killed runs, in `within` or among the machine's temporary files, as far as
    possible.
    """
    for folder in (within or Path(tempfile.gettempdir())).glob(f"{SCRATCH_PREFIX}*"):
        with contextlib.suppress(OSError):
            _remove_scratch(folder)


def _remove_scratch(folder: Path) -> None:
    """Remove a scratch folder as far as possible; nothing if it is another user's. Raises OSError if a run holds it, if it
    cannot be opened or locked, and for what is no folder.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
