"""Folders of other machines whose locks hold on this machine alone: there two machines would write to one folder at once.

NFS does so with the mount options `nolock` and `local_lock`, and CIFS with `nobrl`; flock(2) succeeds all the same.
"""

import errno
import re
from functools import cache
from pathlib import Path, PurePosixPath

MOUNTS = Path("/proc/self/mountinfo")
LOCAL = {
    "nfs": ("nolock", "local_lock=all", "local_lock=flock"),
    "nfs4": ("nolock", "local_lock=all", "local_lock=flock"),
    "cifs": ("nobrl",),
}
"""The mount options that keep locks on this machine, by the type of the file system (nfs(5), mount.cifs(8))."""
ESCAPED = re.compile(r"\\(\d{3})")


def must_lock_for_all(folder: Path) -> None:
    """Raise OSError (ENOLCK) if, by its mount options, a lock in an existing folder does not hold for other machines that
    have the folder too. Nothing is tried, and a system without /proc/self/mountinfo passes.
    """
    if option := local_lock_option(_mounts(), str(folder.resolve())):
        raise OSError(
            errno.ENOLCK,
            f"it is mounted with `{option}`: other machines that use this file system would not see the locks of this machine",
        )


def local_lock_option(mountinfo: str, path: str) -> str | None:
    """The mount option that keeps the locks of a path, absolute and without links, on this machine; None if the file system
    that has it is no NFS or CIFS, or has no such option (proc_pid_mountinfo(5)).
    """
    place, found = PurePosixPath(path), ("", "", "")
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if len(fields) < 6 or len(kinds) < 3:
            continue
        mounted = ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])
        if place.is_relative_to(mounted) and len(mounted) >= len(
            found[0]
        ):  # the last of equal ones lies over the others
            found = mounted, kinds[0], f"{fields[5]},{kinds[2]}"
    options = found[2].split(",")
    return next((option for option in LOCAL.get(found[1], ()) if option in options), None)


@cache
def _mounts() -> str:
    """The text of /proc/self/mountinfo, read once; empty on a system without it."""
    try:
        return MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        return ""
