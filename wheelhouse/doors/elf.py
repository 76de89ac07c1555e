"""What the compiled parts of a wheel ask of the system that they are loaded on: which glibc, which other libraries."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from wheelhouse.doors.disk import ours

MAGIC = b"\x7fELF"
EVERYWHERE = (
    "ld-linux",
    "ld-musl",
    "libc.",
    "libdl.",
    "libgcc_s.",
    "libm.",
    "libpthread.",
    "librt.",
    "libstdc++.",
    "libutil.",
)
"""How the names of libraries begin that every system has which runs Python (PEP 600's list, in short)."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`glibc` is the newest version that a symbol asks for, as (2, 17), or None; `libraries` those to be found elsewhere."""

    glibc: tuple[int, ...] | None
    libraries: tuple[str, ...]


def needs_of_wheel(path: Path) -> Needs | None:
    """What the ELF files of a wheel need; None where it has none."""
    versions: set[tuple[int, ...]] = set()
    libraries: set[str] = set()
    own: set[str] = set()
    count = 0
    with ours(path), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            own.add(member.filename.rpartition("/")[2])
            with archive.open(member) as file:
                if file.read(len(MAGIC)) != MAGIC:
                    continue
            count += 1
            for version, library in _needed(archive.read(member)):
                versions.update([version] if version else [])
                libraries.update([library] if library else [])
    outside = sorted(name for name in libraries - own if not name.startswith(EVERYWHERE))
    return Needs(max(versions, default=None), tuple(outside)) if count else None


def _needed(data: bytes) -> Iterator[tuple[tuple[int, ...] | None, str | None]]:
    """Each (glibc version, None) and each (None, library) that one file asks for; nothing for one that cannot be read."""
    try:
        for section in ELFFile(io.BytesIO(data)).iter_sections():
            if isinstance(section, GNUVerNeedSection):
                for _, auxiliaries in section.iter_versions():
                    for auxiliary in auxiliaries:
                        yield _glibc(auxiliary.name), None
            elif isinstance(section, DynamicSection):
                for tag in section.iter_tags("DT_NEEDED"):
                    yield None, str(getattr(tag, "needed", ""))
    except (ELFError, ValueError, KeyError, AttributeError):
        return


def _glibc(name: str) -> tuple[int, ...] | None:
    number = name.removeprefix("GLIBC_")
    if number == name or not number.replace(".", "").isdigit():
        return None
    return tuple(int(part) for part in number.split("."))
