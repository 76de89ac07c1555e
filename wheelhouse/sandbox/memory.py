"""How much memory a process and its descendants hold, from Linux's /proc."""

import re
from collections.abc import Iterator
from pathlib import Path

PROCESSES = Path("/proc")
SHARE = re.compile(rb"^Pss: +(\d+) kB", re.MULTILINE)


def memory_below(pid: int) -> int:
    """Bytes held by a process and its descendants: a shared page counts once, split among them (proc(5), Pss).

    A process that ends meanwhile, or that may not be read, counts as zero.
    """
    return sum(_memory_of(process) for process in _family(pid))


def _family(pid: int) -> Iterator[int]:
    pending = [pid]
    while pending:
        yield (process := pending.pop())
        for thread in _threads(process):
            pending += map(int, _read(thread / "children").split())


def _threads(pid: int) -> list[Path]:
    try:
        return list((PROCESSES / str(pid) / "task").iterdir())
    except OSError:
        return []


def _memory_of(pid: int) -> int:
    share = SHARE.search(_read(PROCESSES / str(pid) / "smaps_rollup"))
    return int(share[1]) << 10 if share else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
