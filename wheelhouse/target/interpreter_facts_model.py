"""The facts of an interpreter, and the target that follows from them by the rules of packaging.tags.sys_tags (pure).

`wheelhouse/target/interpreter_facts.py` gathers the facts: it needs only Python 3.6.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.tags import INTERPRETER_SHORT_NAMES

from wheelhouse.errors import InputError
from wheelhouse.target.platform import Platform
from wheelhouse.target.python import interpreter_tags
from wheelhouse.target.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpreterFacts:
    """The facts of one interpreter. `glibc` and `musl` are versions; None if it does not use that C library.

    `platform` is sysconfig.get_platform(), `bits` the size of a pointer. `arm_hard_float` is what PEP 600 requires of a
    32-bit ARM. `executable` and `prefixes` are its real paths, even if it was started in a virtual environment.
    """

    markers: Mapping[str, str]
    version: tuple[int, int]
    ext_suffix: str
    debug: bool
    free_threaded: bool
    pymalloc: bool
    platform: str
    bits: int
    arm_hard_float: bool
    glibc: str | None
    musl: str | None
    macos: tuple[str, str]
    executable: str
    prefixes: tuple[str, ...]


def target_of(facts: InterpreterFacts) -> Target:
    """The target of an interpreter. Raises InputError as `Target.described` does; for a macOS, as `Platform.parse` too."""
    name = facts.markers["implementation_name"]
    prefix = INTERPRETER_SHORT_NAMES.get(name, name)
    abis = list(_cpython_abis(facts)) if prefix == "cp" else [_other_abi(facts.ext_suffix)]
    platforms = tuple(dict.fromkeys(_platforms(facts)))
    return Target.described(facts.markers, tuple(interpreter_tags(prefix, facts.version, abis, platforms)))


def _cpython_abis(facts: InterpreterFacts) -> Iterator[str]:
    """The ABIs of a CPython, best first: `cp312`, `cp313t`, `cp37m`. Since 3.8 a debug build also takes those of a release build."""
    base = f"cp{facts.version[0]}{facts.version[1]}{'t' if facts.free_threaded else ''}"
    has_m = facts.version < (3, 8)
    yield f"{base}{'d' if facts.debug else ''}{'m' if has_m and facts.pymalloc else ''}"
    if facts.debug and not has_m:
        yield base


def _other_abi(ext_suffix: str) -> str:
    """The ABI of another Python from its EXT_SUFFIX, as packaging reads it: `.pypy310-pp73-x86_64-linux-gnu.so` is
    pypy310_pp73; `none` if it has none, as `.so`.
    """
    soabi = ext_suffix.split(".")[1] if ext_suffix.count(".") > 1 else "none"
    parts = soabi.split("-")
    length = {"pypy": 2, "graa": 3}.get(soabi[:4], len(parts))
    return _normalised("-".join(parts[:length]))


def _platforms(facts: InterpreterFacts) -> Iterator[str]:
    """The platform tags of an interpreter, best first: of Linux, of macOS, or the only one of another system."""
    system = facts.markers["platform_system"]
    if system == "Linux":
        yield from _linux(facts)
    elif system == "Darwin":
        major, minor = facts.macos[0].split(".")[:2]
        yield from Platform.parse(f"macosx_{major}_{minor}_{facts.macos[1]}").tags
    else:
        yield _normalised(facts.platform)


def _linux(facts: InterpreterFacts) -> Iterator[str]:
    """The platform tags of a Linux, best first: of glibc, of musl, then `linux_<machine>`. A C library too old for tags adds
    none, nor does the glibc of a 32-bit ARM without hardware floats. One can come twice.
    """
    own = _normalised(facts.platform)
    if facts.bits == 32:
        own = {"linux_x86_64": "linux_i686", "linux_aarch64": "linux_armv8l"}.get(own, own)
    machine = own.removeprefix("linux_")
    hard_float = machine not in ("armv7l", "armv8l") or facts.arm_hard_float
    for family, libc in (("manylinux", facts.glibc if hard_float else None), ("musllinux", facts.musl)):
        if libc:
            major, minor = libc.split(".")[:2]
            try:
                yield from Platform.parse(f"{family}_{major}_{minor}_{machine}").tags
            except InputError:
                continue
    yield own


def _normalised(text: str) -> str:
    """A text with `_` for each `.`, `-` and space, as tags have it (PEP 425)."""
    return text.replace(".", "_").replace("-", "_").replace(" ", "_")
