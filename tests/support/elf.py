"""Small ELF files: a header, a dynamic section and its strings, and nothing to run."""

import struct
from collections.abc import Sequence

_MACHINES = {"x86_64": 62, "aarch64": 183}
_BASE = 0x1000
_NEEDED, _STRTAB, _RUNPATH, _FLAGS_1, _PIE = 1, 5, 29, 0x6FFFFFFB, 0x08000000


def elf(
    needs: Sequence[str] = ("libc.so.6",), *, search: str = "", machine: str = "x86_64", program: bool = False
) -> bytes:
    """A 64-bit little-endian shared object that links to `needs`, with `search` as its DT_RUNPATH."""
    strings = b"\0" + b"".join(text.encode() + b"\0" for text in (*needs, search))
    starts = [1 + sum(len(text) + 1 for text in needs[:count]) for count in range(len(needs) + 1)]
    tags = [(_NEEDED, start) for start in starts[:-1]]
    tags += [(_RUNPATH, starts[-1])] if search else []
    tags += [(_FLAGS_1, _PIE)] if program else []
    count = len(tags) + 2
    at = 64 + 2 * 56
    strings_at = at + count * 16
    tags += [(_STRTAB, _BASE + strings_at), (0, 0)]
    dynamic = b"".join(struct.pack("<qQ", *tag) for tag in tags)
    size = strings_at + len(strings)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 3, _MACHINES[machine], 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    section = struct.pack("<IIQQQQQQ", 2, 6, at, _BASE + at, _BASE + at, len(dynamic), len(dynamic), 8)
    return header + load + section + dynamic + strings
