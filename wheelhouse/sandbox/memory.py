"""How much memory a process and all that it started hold, as Linux tells it."""

import re
from collections.abc import Iterator
from pathlib import Path

PROCESSES = Path("/proc")
SHARE = re.compile(rb"^Pss: +(\d+) kB", re.MULTILINE)


def memory_below(pid: int) -> int:
    """Bytes held by a process and its descendants: a page that several share counts once, in parts (proc(5), Pss).

    A process that ends meanwhile, or that may not be looked into, counts as nothing.
    """
    return sum(_memory_of(each) for each in _family(pid))


def _family(pid: int) -> Iterator[int]:
    pending = [pid]
    while pending:
        yield (one := pending.pop())
        for thread in _threads(one):
            pending += map(int, _read(thread / "children").split())


def _threads(pid: int) -> list[Path]:
    try:
        return list((PROCESSES / str(pid) / "task").iterdir())
    except OSError:
        return []


def _memory_of(pid: int) -> int:
    found = SHARE.search(_read(PROCESSES / str(pid) / "smaps_rollup"))
    return int(found[1]) << 10 if found else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
