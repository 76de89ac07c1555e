"""Pythons: the names of an interpreter, its markers, and its tags on a platform (pure).

Sources: PEP 508 (markers), PEP 425 (tags), PEP 384 and 803 (stable ABIs), PEP 703 (free threading), PyPy's release notes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from packaging import tags as packaging_tags
from packaging.tags import Tag
from packaging.version import Version

from wheelhouse.errors import InputError

NEWEST_PATCH = {
    (3, 6): 15,
    (3, 7): 17,
    (3, 8): 20,
    (3, 9): 25,
    (3, 10): 22,
    (3, 11): 18,
    (3, 12): 16,
    (3, 13): 18,
    (3, 14): 10,
    (3, 15): 2,
}
"""The newest patch release of each Python, as of 2026-11: `3.12` stands for it, because a marker may ask for the patch."""

NEWEST_PYPY = {
    (3, 6): (12, "7.3.3"),
    (3, 7): (13, "7.3.9"),
    (3, 8): (16, "7.3.11"),
    (3, 9): (19, "7.3.16"),
    (3, 10): (16, "7.3.19"),
    (3, 11): (13, "7.3.20"),
}
"""Python → the newest patch release that PyPy implements, and the version of that PyPy."""

FIRST_FREE_THREADED = (3, 13)
NAME = re.compile(
    r"(?P<pypy>pypy|pp)?(?:cpython|cp|python)?-?(?P<version>3(?:\.?\d{1,9})?(?:\.\d{1,9}(?:(?:a|b|rc)\d{1,9})?)?)(?P<t>t)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter: `3.12` (its newest patch release), `3.12.4` (exactly that), `3.13t`, `pypy3.10`, `cp312`.

    `exact` is whether the user named the patch release.
    """

    PREFIX: ClassVar = {"cpython": "cp", "pypy": "pp"}

    version: Version
    implementation: str = "cpython"
    free_threaded: bool = False
    exact: bool = field(default=True, compare=False)

    @property
    def tag(self) -> str:
        """The interpreter as the name of a target has it: `cp312`, `cp313t`, `pp310`."""
        prefix = self.PREFIX.get(self.implementation, self.implementation)
        return f"{prefix}{self.version.major}{self.version.minor}{'t' if self.free_threaded else ''}"

    @property
    def minor(self) -> str:
        """Major and minor version: `3.12`."""
        return f"{self.version.major}.{self.version.minor}"

    @property
    def program(self) -> str:
        """The name of its program on PATH: `python3.12`, `python3.13t`, `pypy3.10`."""
        prefix = "python" if self.implementation == "cpython" else self.implementation
        return f"{prefix}{self.minor}{'t' if self.free_threaded else ''}"

    @property
    def spelling(self) -> str:
        """A text, with the patch release, that `parse` reads as this Python if known: `3.12.4`, `3.13.0t`, `pypy3.10.16`."""
        prefix = "" if self.implementation == "cpython" else self.implementation
        return f"{prefix}{self.version}{'t' if self.free_threaded else ''}"

    @classmethod
    def parse(cls, text: str) -> "Python":
        """Read `--python`; without a patch release it is the newest one, and any that is named passes.

        Raises InputError for a text that names no Python, a minor version that wheelhouse does not know, and a `t` where no
        free-threaded build exists: before 3.13, and for PyPy.
        """
        match = NAME.fullmatch(text)
        if not match:
            raise InputError(f"`{text}` is not a Python version", hint="write --python 3.12, 3.12.4, 3.13t or pypy3.11")
        release = match["version"]
        if "." not in release and len(release) > 1:
            release = f"3.{release[1:]}"
        version, newest = Version(release), _newest(pypy=bool(match["pypy"]))
        known = newest.get((version.major, version.minor))
        if known is None or "." not in release:
            kind = "PyPy" if match["pypy"] else "Python"
            choices = ", ".join(f"{major}.{minor}" for major, minor in newest)
            raise InputError(f"`{text}` is no {kind} that wheelhouse knows", hint=f"choose one of {choices}")
        if match["t"] and (match["pypy"] or (version.major, version.minor) < FIRST_FREE_THREADED):
            hint = "write --python 3.13t or newer, or leave the `t` out"
            raise InputError(f"`{text}` does not exist: CPython has free-threaded builds since 3.13", hint=hint)
        exact = len(version.release) > 2
        full = version if exact else Version(f"{release}.{known}")
        return cls(full, "pypy" if match["pypy"] else "cpython", bool(match["t"]), exact)

    def tags(self, platforms: Sequence[str]) -> Iterator[Tag]:
        """The PEP 425 tags for this interpreter on these platform tags, best first; some can repeat.

        `platforms` must not be empty. An implementation other than PyPy counts as CPython.
        """
        release = (self.version.major, self.version.minor)
        nodot = f"{release[0]}{release[1]}"
        if self.implementation == "pypy":
            yield from interpreter_tags("pp", release, [f"pypy{nodot}_pp73"], platforms)
        else:
            abi = f"cp{nodot}{'t' if self.free_threaded else ''}{'m' if release < (3, 8) else ''}"
            yield from interpreter_tags("cp", release, [abi], platforms)

    def markers(self) -> dict[str, str]:
        """The five markers of the interpreter, by name. Raises InputError for an implementation or PyPy that wheelhouse does not know."""
        pypy = self.implementation == "pypy"
        if self.implementation not in self.PREFIX or (pypy and self.version.release[:2] not in NEWEST_PYPY):
            kind = "PyPy" if pypy else "Python"
            raise InputError(
                f"`{self.spelling}` is no {kind} that wheelhouse knows", hint="use CPython, or an older PyPy"
            )
        own = NEWEST_PYPY[self.version.major, self.version.minor][1] if pypy else str(self.version)
        return {
            "implementation_name": self.implementation,
            "implementation_version": own,
            "platform_python_implementation": "PyPy" if pypy else "CPython",
            "python_full_version": str(self.version),
            "python_version": self.minor,
        }


def _newest(*, pypy: bool) -> dict[tuple[int, int], int]:
    """(major, minor) → the newest patch release, of CPython or PyPy."""
    return {release: patch for release, (patch, _) in NEWEST_PYPY.items()} if pypy else NEWEST_PATCH


def interpreter_tags(
    prefix: str, release: tuple[int, int], abis: Sequence[str], platforms: Sequence[str]
) -> Iterator[Tag]:
    """The tags of an interpreter, best first, as `packaging.tags.sys_tags` lists them when that interpreter runs it; some can repeat.

    `prefix` is its PEP 425 abbreviation (`cp`, `pp`), or its name if it has none. `platforms` must not be empty, because
    packaging would then take the host's.
    """
    own = f"{prefix}{release[0]}{release[1]}"
    if prefix == "cp":
        yield from packaging_tags.cpython_tags(release, abis, platforms)
        yield from packaging_tags.compatible_tags(release, own, platforms)
        return
    yield from packaging_tags.generic_tags(own, list(abis), platforms)
    yield from packaging_tags.compatible_tags(release, "pp3" if prefix == "pp" else None, platforms)
