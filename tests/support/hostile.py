"""Wheels whose archive is hostile in exactly one way, and which are valid wheels otherwise, RECORD included."""

import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.archive import Member, write_file, zip_bytes
from tests.support.contents import core_metadata, wheel_filename, wheel_members

_EVIL = b"print('evil')\n"
_LINK = (stat.S_IFLNK | 0o777) << 16

_WHOLE: Mapping[str, Callable[[list[Member]], bytes]] = {
    "central_size_zero": lambda members: zip_bytes(members, central_size=0),
    "prepended_data": lambda members: _EVIL + zip_bytes(members),
    "trailing_data": lambda members: zip_bytes(members) + _EVIL,
}


def hostile_wheels(folder: Path) -> dict[str, Path]:
    """Write one wheel of each kind, `{kind: path}`; the project is `hostile-<kind>`, with hyphens, at version 1.0.

    Of names: duplicate_name, parent_name, absolute_name, backslash_name, drive_name, nul_name.
    Of members: symlink, encrypted, wrong_crc, bomb_size_lie (says 100 bytes, gives 8 MiB), bomb_ratio (32 MiB, zeros).
    Of the two lists of members: local_name_differs, local_size_differs, local_only, overlapping, central_size_zero.
    Of the file around them: prepended_data, trailing_data.
    """
    held = {kind: zip_bytes(_members(kind, extra)) for kind, extra in _extras().items()}
    held |= {kind: write(_members(kind)) for kind, write in _WHOLE.items()}
    return {kind: write_file(folder / wheel_filename(_project(kind), "1.0"), data) for kind, data in held.items()}


def _extras() -> dict[str, tuple[Member, ...]]:
    """The kinds that are made of one or two members too many."""
    return {
        "duplicate_name": (Member("evil.py", b"good = True\n"), Member("evil.py", _EVIL)),
        "parent_name": (Member("../evil.py", _EVIL),),
        "absolute_name": (Member("/evil.py", _EVIL),),
        "backslash_name": (Member("sub\\evil.py", _EVIL),),
        "drive_name": (Member("C:/evil.py", _EVIL),),
        "nul_name": (Member("evil.py\0.txt", _EVIL),),
        "symlink": (Member("evil.py", b"../../../etc/passwd", external_attr=_LINK),),
        "encrypted": (Member("evil.py", _EVIL, flags=1),),
        "wrong_crc": (Member("evil.py", _EVIL, crc=0xBAD),),
        "bomb_size_lie": (Member("zeros.bin", bytes(8 << 20), size=100),),
        "bomb_ratio": (Member("zeros.bin", bytes(32 << 20)),),
        "local_name_differs": (Member("evil.py", _EVIL, local_name="good.py"),),
        "local_size_differs": (Member("evil.py", _EVIL, local_size=5),),
        "local_only": (Member("evil.py", _EVIL, hidden=True),),
        "overlapping": (Member("evil.py", _EVIL), Member("again.py", _EVIL, alias=True)),
    }


def _project(kind: str) -> str:
    return f"hostile-{kind.replace('_', '-')}"


def _members(kind: str, extra: Sequence[Member] = ()) -> list[Member]:
    name = _project(kind)
    return wheel_members(name, "1.0", core_metadata(name, "1.0"), extra=extra)
