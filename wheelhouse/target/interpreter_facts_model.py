"""What a running Python says of itself, and the target that it therefore is, by the rules of packaging.tags.sys_tags (pure).

The facts are gathered by `wheelhouse/target/interpreter_facts.py`, which needs nothing but Python 3.6.
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
    """One interpreter's own words. Its C library is None where it is not that one, or cannot be told.

    `platform` is sysconfig.get_platform(), `bits` the size of a pointer; `arm_hard_float` what PEP 600 asks of a 32-bit ARM;
    `executable` and `prefixes` are where it really lies, whatever virtual environment it was called by.
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
    executable: str = ""
    prefixes: tuple[str, ...] = ()


def target_of(facts: InterpreterFacts) -> Target:
    """The target that an interpreter is. Raises InputError for a Python that has no tags, or a C library too old for any."""
    name = facts.markers["implementation_name"]
    prefix = INTERPRETER_SHORT_NAMES.get(name, name)
    abis = list(_cpython_abis(facts)) if prefix == "cp" else [_other_abi(facts.ext_suffix)]
    platforms = tuple(dict.fromkeys(_platforms(facts)))
    return Target.described(facts.markers, tuple(interpreter_tags(prefix, facts.version, abis, platforms)))


def _cpython_abis(facts: InterpreterFacts) -> Iterator[str]:
    """A debug build takes the wheels of a release build, too, since 3.8."""
    base = f"cp{facts.version[0]}{facts.version[1]}{'t' if facts.free_threaded else ''}"
    old = facts.version < (3, 8)
    yield f"{base}{'d' if facts.debug else ''}{'m' if old and facts.pymalloc else ''}"
    if facts.debug and not old:
        yield base


def _other_abi(ext_suffix: str) -> str:
    """From EXT_SUFFIX, as packaging reads it: `.pypy310-pp73-x86_64-linux-gnu.so` is pypy310_pp73."""
    soabi = ext_suffix.split(".")[1] if ext_suffix.count(".") > 1 else "none"
    parts = soabi.split("-")
    length = {"pypy": 2, "graa": 3}.get(soabi[:4], len(parts))
    return _normalised("-".join(parts[:length]))


def _platforms(facts: InterpreterFacts) -> Iterator[str]:
    system = facts.markers["platform_system"]
    if system == "Linux":
        yield from _linux(facts)
    elif system == "Darwin":
        major, minor = facts.macos[0].split(".")[:2]
        yield from Platform.parse(f"macosx_{major}_{minor}_{facts.macos[1]}").tags
    else:
        yield _normalised(facts.platform)


def _linux(facts: InterpreterFacts) -> Iterator[str]:
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
    return text.replace(".", "_").replace("-", "_").replace(" ", "_")
