"""How much memory a sandbox holds, from Linux's /proc: what its processes map, their memfd files, and its work folder."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from wheelhouse.sandbox.sandbox import WORK

PROCESSES = Path("/proc")
SHARE = re.compile(rb"^Pss: +(\d+) kB", re.MULTILINE)


def memory_below(pid: int) -> int:
    """Bytes held by a process and its descendants: a shared page is split among all processes that map it (proc(5), Pss).

    Files of memfd_create(2) and those of a sandbox's work folder count too; what is mapped of them counts twice. A process that
    ends meanwhile, or that may not be read, counts as zero.
    """
    processes = list(_family(pid))
    files = {file: size for process in processes for file, size in _memory_files_of(process)}
    folders = {device: size for process in processes for device, size in _work_folder_of(process)}
    return sum(map(_memory_of, processes)) + sum(files.values()) + sum(folders.values())


def _family(pid: int) -> Iterator[int]:
    """The ids of a process and all its descendants, the process first."""
    pending = [pid]
    while pending:
        yield (process := pending.pop())
        for thread in _threads(process):
            pending += map(int, _read(thread / "children").split())


def _threads(pid: int) -> list[Path]:
    """The folders of a process's threads in /proc; none if it has ended."""
    try:
        return list((PROCESSES / str(pid) / "task").iterdir())
    except OSError:
        return []


def _memory_of(pid: int) -> int:
    """Bytes of a process's own share of memory; 0 if it has ended."""
    share = SHARE.search(_read(PROCESSES / str(pid) / "smaps_rollup"))
    return int(share[1]) << 10 if share else 0


def _memory_files_of(pid: int) -> Iterator[tuple[tuple[int, int], int]]:
    """The memfd files that a process has open: device and inode, and the bytes that they take."""
    with contextlib.suppress(OSError):
        for descriptor in (PROCESSES / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                if str(descriptor.readlink()).startswith("/memfd:"):
                    status = descriptor.stat()
                    yield (status.st_dev, status.st_ino), status.st_blocks * 512


def _work_folder_of(pid: int) -> Iterator[tuple[int, int]]:
    """The device of the work folder that a process in a sandbox sees, and the bytes that are used on it; nothing if the process has
    no work folder of its own mount, or cannot be looked at.
    """
    folder = Path(f"{PROCESSES}/{pid}/root{WORK}")
    with contextlib.suppress(OSError):
        device = folder.stat().st_dev
        if device != folder.parent.stat().st_dev:
            usage = os.statvfs(folder)
            yield device, (usage.f_blocks - usage.f_bfree) * usage.f_frsize


def _read(path: Path) -> bytes:
    """The bytes of a file; empty if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
