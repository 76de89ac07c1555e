"""The sha256 of files that this process hashed. It holds as long as nothing touches them: then their change time is the same."""

import os
import time

SETTLED_NANOSECONDS = 1_000_000_000
"""The least age of a file's last change: a second change in the same tick of the file system's clock would not be seen."""
State = tuple[int, int, int, int, int]
"""Device, inode, size in bytes, and the times of the last change of contents and of the file, in nanoseconds."""

_sha256s: dict[State, str] = {}


def state_of(status: os.stat_result) -> State:
    """Device, inode, size and change times of a file: another state if anything writes to it, or puts another in its place. No program
    can set the last time.
    """
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def note_sha256(state: State, sha256: str) -> None:
    """Note for this process the sha256 of a file that had this state before and after it was read. Nothing is noted if its last
    change is less than a second old.
    """
    if time.time_ns() - state[-1] >= SETTLED_NANOSECONDS:
        _sha256s[state] = sha256


def noted_sha256(state: State) -> str | None:
    """The sha256 of a file with this state; None if this process did not note it."""
    return _sha256s.get(state)
