"""Rules about compiled code, what it links to and where it searches: an observation for a file, or for each member that searches (pure)."""

import re
from collections.abc import Iterable, Iterator

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.facts import Entry, Facts
from wheelhouse.vet.rules import Review, rule

NATIVE = frozenset(("elf", "pe", "macho"))
SYSTEM_LIBRARIES = re.compile(
    r"(ld-linux|ld64|ld-musl|libc\.musl)[\w.-]*|lib(c|dl|gcc_s|m|pthread|rt|util|nsl|crypt|resolv|anl|stdc\+\+|atomic|gomp|z|expat"
    r"|X11|Xext|Xrender|ICE|SM|GL|gobject-2\.0|gthread-2\.0|glib-2\.0)\.so[\d.]*"
)
"""The libraries that PEP 600 lets a manylinux wheel expect on every system, and those of a compiler."""
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
def native_code(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution has native libraries.

    Native code cannot be read like Python code. If these libraries need other libraries that are missing,
    `native-links` reports the missing ones.
    """
    libraries = [entry for entry in _native(facts) if not _is_program(entry)]
    if libraries:
        linked = tuple(sorted({library for entry in libraries for library in entry.needs}))
        yield observed(count=len(libraries), linked=linked, paths=_names(libraries))


@rule(Severity.WARNING)
def native_program(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution has native programs, which can be started on their own.

    If all programs are commands that the wheel installs (`.data/scripts`), as in ruff and uv, the finding is a note.
    Such programs start only if somebody types their names. `native-in-pure` reports programs in a wheel for any platform.
    """
    programs = [entry for entry in _native(facts) if _is_program(entry)]
    if programs and not facts.filename.endswith("-any.whl"):
        found = observed(count=len(programs), paths=_names(programs))
        yield found.as_note() if all(COMMAND.match(entry.name) for entry in programs) else found


@rule(Severity.WARNING)
def native_links(facts: Facts, review: Review) -> Iterator[Observation]:
    """A native library needs other libraries that are not in the wheelhouse and not on every system.

    If the target lacks these other libraries, the native library does not load.
    """
    missing: dict[str, None] = {}
    for entry in _native(facts):
        for library in entry.needs:
            available = (
                SYSTEM_LIBRARIES.fullmatch(library) or PYTHON_LIBRARY.fullmatch(library) or library in review.libraries
            )
            if not available:
                missing[library] = None
    if missing:
        yield observed(libraries=tuple(missing))


@rule(Severity.ERROR)
def native_search_path(facts: Facts, review: Review) -> Iterator[Observation]:
    """A native library looks for other libraries in a folder that is neither its own nor a system folder (DT_RPATH, DT_RUNPATH).

    If a user of the target can write to this folder, code of this user can run in the process that loads the library.
    `native-search-system` reports system folders.
    """
    for name, paths in _search(facts):
        if outside := [path for path in paths if not SYSTEM_FOLDERS.match(path)]:
            yield observed(path=name, folders=tuple(outside))


@rule(Severity.WARNING)
def native_search_system(facts: Facts, review: Review) -> Iterator[Observation]:
    """A native library looks for other libraries first in system folders (DT_RPATH, DT_RUNPATH)."""
    for name, paths in _search(facts):
        if system := [path for path in paths if SYSTEM_FOLDERS.match(path)]:
            yield observed(path=name, folders=tuple(system))


def _search(facts: Facts) -> Iterator[tuple[str, list[str]]]:
    """Each native file with search folders that do not begin with its own (`$ORIGIN`), with these folders."""
    for entry in _native(facts):
        search = entry.native.search if entry.native else ()
        if outside := [path for path in search if not path.startswith(("$ORIGIN", "${ORIGIN}"))]:
            yield entry.name, outside


@rule(Severity.WARNING)
def native_unreadable(facts: Facts, review: Review) -> Iterator[Observation]:
    """A file begins like an ELF file, but is not a readable ELF file, or is too large to read."""
    for entry in facts.entries:
        if entry.kind == "elf" and not (entry.native and entry.native.machine):
            yield observed(case="damaged" if entry.native else "large", path=entry.name)


COMMAND = re.compile(r"[^/]+\.data/scripts/[^/]+$")
LAUNCHER_PROJECTS = frozenset(("setuptools", "pip", "distlib", "installer", "uv"))
LAUNCHER = re.compile(r"(?:^|/)(?:[tw]|cli|gui)-?(?:32|64)?(?:[-_]arm(?:64|32)?|-amd64)?\.exe$")


@rule(Severity.WARNING)
def native_in_pure(facts: Facts, review: Review) -> Iterator[Observation]:
    """A wheel has native code, although its tags say that it runs on any platform.

    For the Windows script launchers in setuptools, pip, distlib, installer and uv, the finding is only a note.
    """
    paths = _names(_native(facts))
    if paths and facts.filename.endswith("-any.whl"):
        are_launchers = facts.project in LAUNCHER_PROJECTS and all(map(LAUNCHER.search, paths))
        yield observed(paths=paths).as_note() if are_launchers else observed(paths=paths)


@rule(Severity.WARNING)
def native_elsewhere(facts: Facts, review: Review) -> Iterator[Observation]:
    """The wheel has native code for a system or processor that its tags do not name."""
    platform = facts.filename.removesuffix(".whl").rpartition("-")[2]
    named = [(_kind_of(one), _machine_of(one)) for one in platform.split(".")]
    odd = [
        entry
        for entry in _native(facts)
        if all(entry.kind != kind or _is_for_another(entry, machine) for kind, machine in named)
    ]
    if all(kind for kind, _ in named) and odd:
        yield observed(platform=platform, paths=_names(odd))


def _kind_of(platform: str) -> str:
    """The kind of native files of a platform tag; empty for a system that is not known."""
    return next((kind for start, kind in PLATFORM_KIND.items() if platform.startswith(start)), "")


def _machine_of(platform: str) -> str:
    """The processor of a platform tag, by its end and as ELF headers name it; empty if MACHINES lacks it, as for `win32`."""
    return next((machine for end, machine in MACHINES.items() if platform.endswith(end)), "")


def _is_for_another(entry: Entry, machine: str) -> bool:
    """Whether a file is for another processor than this one; False if either is unknown."""
    return bool(machine and entry.native and entry.native.machine and entry.native.machine != machine)


def _names(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The names of the entries, in their order."""
    return tuple(entry.name for entry in entries)


def _native(facts: Facts) -> Iterator[Entry]:
    """The entries that are ELF, PE or Mach-O files by their first bytes: libraries and programs."""
    return (entry for entry in facts.entries if entry.kind in NATIVE)


def _is_program(entry: Entry) -> bool:
    """Whether a compiled file can be executed. A damaged ELF file cannot.

    Files whose headers are not read (PE, Mach-O, too large ones) count as programs unless they are named as a library.
    """
    return entry.native.program if entry.native else not LIBRARY_NAME.search(entry.name)
