"""Locks on files, shared or exclusive, that the kernel lets go of when their process ends."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class FileLock:
    """A lock on one file (flock). As a context manager it is held alone, and waited for without end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, *, shared: bool = False) -> None:
        """Take the lock, waiting for it as long as it takes; one already held changes its kind."""
        fcntl.flock(self._open(), fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if it is free; when it is not, nothing is held any more, not even what was before."""
        try:
            fcntl.flock(self._open(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until nobody holds the lock alone, without keeping it; whether that came in time."""
        deadline = time.monotonic() + seconds
        while not (free := self.try_acquire(shared=True)) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.release()
        return free

    def release(self) -> None:
        """Let go of the lock, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        return self._descriptor

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
