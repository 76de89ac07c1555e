"""What the ELF files of a wheel need of the system that loads them: a glibc, and other libraries."""

import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, takewhile
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.segments import Segment

from wheelhouse.archive.native_code import Native
from wheelhouse.files.disk import os_errors_as_machine_error

DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH, DT_FLAGS_1, DF_1_PIE = 1, 5, 15, 29, 0x6FFFFFFB, 0x08000000
NAMED = (DT_NEEDED, DT_RPATH, DT_RUNPATH)
MAX_SEGMENTS, MAX_SECTIONS, MAX_VERSIONS = 512, 10_000, 10_000
"""Of an ELF file; the largest of real wheels have 20 segments, 100 sections and 300 versions."""
MAX_TAGS, MAX_STRING_BYTES = 4096, 4096
UNREADABLE = (ELFError, ValueError, KeyError, AttributeError, TypeError, IndexError, struct.error, OverflowError)
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
"""Prefixes of the libraries that every system with Python has (from PEP 600's list)."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`glibc` is the newest version that a symbol needs, as (2, 17), or None.

    `libraries` are names of needed libraries, sorted, without those in the wheel and without EVERYWHERE.
    """

    glibc: tuple[int, ...] | None
    libraries: tuple[str, ...]


def native_of(data: bytes) -> Native:
    """What an ELF file, given as bytes, needs: its machine, libraries, their symbol versions, and the folders where they are sought; also
    whether it is a program. A Native with nothing in it if any part that is read here is damaged.

    elftools reads the headers. The dynamic section is read here with bounds, because it may be hostile.
    """
    try:
        elf = _elf_file(data)
        segments = {str(segment.header.p_type): segment for segment in elf.iter_segments()}
        entries = _dynamic(data, elf, *_place(segments["PT_DYNAMIC"])) if "PT_DYNAMIC" in segments else []
        strings = next(iter(elf.address_offsets(dict(entries)[DT_STRTAB])), None) if entries else None
        texts = [
            (tag, _string(data, strings + value)) for tag, value in entries if strings is not None and tag in NAMED
        ]
        search = (text.split(":") for tag, text in texts if tag != DT_NEEDED)
        return Native(
            machine=str(elf.header.e_machine).removeprefix("EM_").lower(),
            needs=tuple(text for tag, text in texts if tag == DT_NEEDED),
            search=tuple(chain.from_iterable(search)),
            program="PT_INTERP" in segments
            or elf.header.e_type == "ET_EXEC"
            or any(tag == DT_FLAGS_1 and value & DF_1_PIE for tag, value in entries),
        )
    except UNREADABLE:
        return Native("")


def _elf_file(data: bytes) -> ELFFile:
    """An ELF file. Raises ELFError, also if it has more headers than MAX_SEGMENTS or MAX_SECTIONS."""
    elf = ELFFile(io.BytesIO(data))
    if elf.num_segments() > MAX_SEGMENTS or elf.num_sections() > MAX_SECTIONS:
        raise ELFError("it has too many headers")
    return elf


def _dynamic(data: bytes, elf: ELFFile, offset: int, size: int) -> list[tuple[int, int]]:
    """The (tag, value) pairs of the dynamic section, up to its end mark; at most MAX_TAGS.

    Raises struct.error if the data end within a pair.
    """
    entry = struct.Struct(("<" if elf.little_endian else ">") + ("qQ" if elf.elfclass == 64 else "lL"))
    length = min(size, MAX_TAGS * entry.size) // entry.size * entry.size
    pairs = entry.iter_unpack(data[offset : offset + length])
    return list(takewhile(lambda pair: pair[0] != 0, pairs))


def _place(segment: Segment) -> tuple[int, int]:
    """Offset and size of a segment in the file."""
    return int(segment.header.p_offset), int(segment.header.p_filesz)


def _string(data: bytes, start: int) -> str:
    """The string from an offset to its NUL, cut at MAX_STRING_BYTES; invalid UTF-8 is replaced."""
    return data[start : start + MAX_STRING_BYTES].partition(b"\0")[0].decode("utf-8", "replace")


def needs_of_wheel(path: Path) -> Needs | None:
    """What all ELF files of a wheel need; None if it has none. A damaged ELF file adds what can be read of it.

    The wheel was inspected before. Raises MachineError if the wheel cannot be opened or read.
    """
    versions: set[tuple[int, ...]] = set()
    libraries: set[str] = set()
    own: set[str] = set()
    has_elf = False
    with os_errors_as_machine_error(path), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            own.add(member.filename.rpartition("/")[2])
            with archive.open(member) as file:
                if file.read(len(MAGIC)) != MAGIC:
                    continue
            has_elf = True
            for version, library in _needed(archive.read(member)):
                versions.update([version] if version else [])
                libraries.update([library] if library else [])
    outside = sorted(name for name in libraries - own if not name.startswith(EVERYWHERE))
    return Needs(max(versions, default=None), tuple(outside)) if has_elf else None


def _needed(data: bytes) -> Iterator[tuple[tuple[int, ...] | None, str | None]]:
    """(glibc version, None) and (None, library) for each that a file needs, up to the first part that cannot be read.

    A symbol version that is not of glibc gives (None, None).
    """
    try:
        for section in _elf_file(data).iter_sections():
            if isinstance(section, GNUVerNeedSection):
                for _, auxiliaries in islice(section.iter_versions(), MAX_VERSIONS):
                    for auxiliary in islice(auxiliaries, MAX_VERSIONS):
                        yield _glibc(auxiliary.name), None
            elif isinstance(section, DynamicSection):
                for tag in islice(section.iter_tags("DT_NEEDED"), MAX_TAGS):
                    yield None, str(getattr(tag, "needed", ""))
    except UNREADABLE:
        return


def _glibc(name: str) -> tuple[int, ...] | None:
    """The version in a symbol version's name: (2, 17) for `GLIBC_2.17`; None for another name, such as `GLIBC_PRIVATE`.

    Raises ValueError for one such as `GLIBC_2..17`.
    """
    number = name.removeprefix("GLIBC_")
    if number == name or not number.replace(".", "").isdigit():
        return None
    return tuple(int(part) for part in number.split("."))
