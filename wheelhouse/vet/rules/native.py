"""What is compiled: libraries and programs, what they link to, where they look for it (pure)."""

import re
from collections.abc import Iterator

from wheelhouse.findings import Severity
from wheelhouse.vet.facts import Entry, Facts
from wheelhouse.vet.rules import Remark, Review, named, rule

NATIVE = frozenset(("elf", "pe", "macho"))
SYSTEM_LIBRARIES = re.compile(
    r"(ld-linux|ld64|ld-musl|libc\.musl)[\w.-]*|lib(c|dl|gcc_s|m|pthread|rt|util|nsl|crypt|resolv|anl|stdc\+\+|atomic|gomp|z|expat"
    r"|X11|Xext|Xrender|ICE|SM|GL|gobject-2\.0|gthread-2\.0|glib-2\.0)\.so[\d.]*"
)
"""What PEP 600 lets a manylinux wheel expect of every system, and what comes with a compiler."""
SYSTEM_FOLDERS = re.compile(r"/(usr/(local/)?)?lib(32|64)?(/[\w-]+-linux-(gnu|musl)\w*)?/?$")
LIBRARY_NAME = re.compile(r"\.(so|dylib|dll|pyd)(\.|$)", re.IGNORECASE)
PYTHON_LIBRARY = re.compile(r"libpython3[\w.]*\.so[\d.]*")
MACHINES = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
    "i686": "386",
    "ppc64le": "ppc64",
    "s390x": "s390",
}
PLATFORM_KIND = {"linux": "elf", "manylinux": "elf", "musllinux": "elf", "macosx": "macho", "win": "pe"}


@rule(Severity.NOTE)
def native_code(facts: Facts, review: Review) -> Iterator[Remark]:
    """It holds native libraries.

    What they do cannot be read as Python can. What they link to outside the wheel and the system is in `native-links`.
    """
    libraries = [entry for entry in _native(facts) if not _is_program(entry)]
    if libraries:
        linked = sorted({library for entry in libraries for library in entry.needs})
        what = f", linked to {named(linked, 8, '')}" if linked else ""
        yield f"holds {len(libraries)} native library(s){what}: {named([entry.name for entry in libraries], 3)}", ""


@rule(Severity.WARNING)
def native_program(facts: Facts, review: Review) -> Iterator[Remark]:
    """It holds native programs, which can be started by themselves.

    Those in a wheel for any platform are told by `native-in-pure`.
    """
    programs = [entry.name for entry in _native(facts) if _is_program(entry)]
    if programs and not facts.filename.endswith("-any.whl"):
        yield (
            f"holds {len(programs)} native program(s): {named(programs)}",
            "find out where they were built, and from what",
        )


@rule(Severity.WARNING)
def native_links(facts: Facts, review: Review) -> Iterator[Remark]:
    """A native library links to others that are neither in the wheel, nor in another of the house, nor on every system.

    They must be on the target, or it will not load.
    """
    missing: dict[str, None] = {}
    for entry in _native(facts):
        for library in entry.needs:
            known = (
                SYSTEM_LIBRARIES.fullmatch(library) or PYTHON_LIBRARY.fullmatch(library) or library in review.libraries
            )
            if not known:
                missing[library] = None
    if missing:
        yield f"links to {named(missing)}, which neither the house nor every system has", "install them on the target"


@rule(Severity.ERROR)
def native_search_path(facts: Facts, review: Review) -> Iterator[Remark]:
    """A native library looks for what it links to in a folder that may be anybody's (DT_RPATH, DT_RUNPATH).

    Whoever can write to that folder on the target can put code into the process. The system's own folders are told by
    `native-search-system`.
    """
    for name, paths in _search(facts):
        if outside := [path for path in paths if not SYSTEM_FOLDERS.match(path)]:
            yield f"`{name}` looks for libraries in {named(outside)}", "make sure that nobody can write there"


@rule(Severity.WARNING)
def native_search_system(facts: Facts, review: Review) -> Iterator[Remark]:
    """A native library looks for what it links to in the system's own folders first (DT_RPATH, DT_RUNPATH)."""
    for name, paths in _search(facts):
        if system := [path for path in paths if SYSTEM_FOLDERS.match(path)]:
            yield f"`{name}` looks for libraries in {named(system)}", "make sure that only root can write there"


def _search(facts: Facts) -> Iterator[tuple[str, list[str]]]:
    for entry in _native(facts):
        search = entry.native.search if entry.native else ()
        if outside := [path for path in search if not path.startswith(("$ORIGIN", "${ORIGIN}"))]:
            yield entry.name, outside


@rule(Severity.WARNING)
def native_unreadable(facts: Facts, review: Review) -> Iterator[Remark]:
    """A file begins as an ELF file does, and cannot be read as one, or is too large to be."""
    for entry in facts.entries:
        if entry.kind == "elf" and not (entry.native and entry.native.machine):
            what = (
                "is too large to be read"
                if entry.native is None
                else "cannot be read as the ELF file that it says it is"
            )
            yield f"`{entry.name}` {what}", "find out what it is, and what it links to"


@rule(Severity.WARNING)
def native_in_pure(facts: Facts, review: Review) -> Iterator[Remark]:
    """A wheel whose tags say that it runs anywhere holds native code."""
    held = [entry.name for entry in _native(facts)]
    if held and facts.filename.endswith("-any.whl"):
        yield f"its tags say any platform, and it holds {named(held)}", "find out what these files are for"


@rule(Severity.WARNING)
def native_elsewhere(facts: Facts, review: Review) -> Iterator[Remark]:
    """It holds native code for another system or processor than its tags say."""
    platform = facts.filename.removesuffix(".whl").rpartition("-")[2]
    if not facts.pin.artifact.is_wheel or platform == "any":
        return
    kind = next((kind for start, kind in PLATFORM_KIND.items() if platform.startswith(start)), "")
    machine = next((machine for end, machine in MACHINES.items() if platform.endswith(end)), "")
    odd = [entry.name for entry in _native(facts) if entry.kind != kind or _is_for_another(entry, machine)]
    if kind and odd:
        yield f"it is for {platform}, and holds {named(odd)}, which is not", "find out what these files are for"


def _is_for_another(entry: Entry, machine: str) -> bool:
    return bool(machine and entry.native and entry.native.machine and entry.native.machine != machine)


def _native(facts: Facts) -> Iterator[Entry]:
    return (entry for entry in facts.entries if entry.kind in NATIVE)


def _is_program(entry: Entry) -> bool:
    return entry.native.program if entry.native else not LIBRARY_NAME.search(entry.name)
