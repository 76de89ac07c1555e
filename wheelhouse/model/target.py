"""Targets: one environment to install into, its markers and tags derived together and never from the host.

Sources: PEP 508 (environment markers), PEP 425 (tags), PEP 600 (manylinux), PEP 656 (musllinux), PEP 703 (free threading).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from packaging import tags as packaging_tags
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
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
"""The newest patch release of each Python, as of 2026-11: what `3.12` is taken for (a marker may ask for it)."""

NEWEST_PYPY = "7.3.20"
GLIBC_FLOOR = {"x86_64": 5, "i686": 5}
"""The oldest glibc 2.N that a tag of this architecture may name; 2.17 for all others (PEP 600)."""
LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
LINUX_MACHINES = ("x86_64", "aarch64", "i686", "armv7l", "ppc64le", "s390x", "riscv64", "loongarch64")
PLATFORM_NAMES = {
    "linux/amd64": "manylinux_2_28_x86_64",
    "linux/arm64": "manylinux_2_28_aarch64",
    "linux/386": "manylinux_2_28_i686",
    "linux/arm/v7": "manylinux_2_31_armv7l",
    "linux/ppc64le": "manylinux_2_28_ppc64le",
    "linux/s390x": "manylinux_2_28_s390x",
    "macos/arm64": "macosx_14_0_arm64",
    "macos/amd64": "macosx_14_0_x86_64",
    "windows/amd64": "win_amd64",
    "windows/arm64": "win_arm64",
}
WINDOWS_MACHINES = {"win_amd64": "AMD64", "win_arm64": "ARM64", "win32": "x86"}
UNKNOWN_MARKERS = ("platform_release", "platform_version")
PROBES = ("", "0", "99999")


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter: `3.12` (its newest patch release), `3.12.4` (exactly that), `3.13t`, `pypy3.10`, `cp312`."""

    version: Version
    implementation: str = "cpython"
    free_threaded: bool = False
    exact: bool = field(default=True, compare=False)

    @property
    def tag(self) -> str:
        """The interpreter as a target's name spells it: `cp312`, `cp313t`, `pp310`."""
        prefix = "cp" if self.implementation == "cpython" else "pp"
        return f"{prefix}{self.version.major}{self.version.minor}{'t' if self.free_threaded else ''}"

    @property
    def minor(self) -> str:
        """`3.12`."""
        return f"{self.version.major}.{self.version.minor}"

    @classmethod
    def parse(cls, text: str) -> "Python":
        """Read `--python`. Raises InputError for anything that names no Python 3 since 3.6."""
        match = re.fullmatch(
            r"(?P<pypy>pypy|pp)?(?:cpython|cp|python)?-?(?P<version>3(?:\.?\d+)?(?:\.\d+)?)(?P<t>t)?", text
        )
        if not match:
            raise InputError(f"`{text}` is not a Python version", hint="write --python 3.12, 3.12.4, 3.13t or pypy3.11")
        release = match["version"]
        if "." not in release and len(release) > 1:
            release = f"3.{release[1:]}"
        version = Version(release)
        known = NEWEST_PATCH.get((version.major, version.minor))
        if known is None or "." not in release:
            choices = ", ".join(f"{major}.{minor}" for major, minor in NEWEST_PATCH)
            raise InputError(f"Python `{text}` is not one that wheelhouse knows", hint=f"choose one of {choices}")
        exact = len(version.release) > 2
        full = version if exact else Version(f"{release}.{known}")
        return cls(full, "pypy" if match["pypy"] else "cpython", bool(match["t"]), exact)

    def tags(self, platforms: list[str]) -> Iterator[Tag]:
        """The ordered PEP 425 tags for this interpreter on these platform tags, best first."""
        release = (self.version.major, self.version.minor)
        nodot = f"{release[0]}{release[1]}"
        if self.implementation == "pypy":
            yield from packaging_tags.generic_tags(f"pp{nodot}", [f"pypy{nodot}_pp73"], platforms)
            yield from packaging_tags.compatible_tags(release, "pp3", platforms)
            return
        abi = f"cp{nodot}{'m' if release < (3, 8) else ''}{'t' if self.free_threaded else ''}"
        yield from packaging_tags.cpython_tags(release, [abi], platforms)
        yield from packaging_tags.compatible_tags(release, f"cp{nodot}", platforms)

    def markers(self) -> dict[str, str]:
        """The five markers that say which Python this is."""
        pypy = self.implementation == "pypy"
        return {
            "implementation_name": self.implementation,
            "implementation_version": NEWEST_PYPY if pypy else str(self.version),
            "platform_python_implementation": "PyPy" if pypy else "CPython",
            "python_full_version": str(self.version),
            "python_version": self.minor,
        }


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system, architecture and C library, named by its best platform tag."""

    tag: str
    system: str
    machine: str
    tags: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """Read `--platform`: `linux/amd64`, or a platform tag. Raises InputError with the choices."""
        tag = PLATFORM_NAMES.get(text, text)
        for legacy_minor, legacy in LEGACY_MANYLINUX.items():
            tag = re.sub(rf"^{legacy}_", f"manylinux_2_{legacy_minor}_", tag)
        if match := re.fullmatch(r"(manylinux|musllinux)_(\d+)_(\d+)_(\w+)", tag):
            kind, major, minor, machine = match[1], int(match[2]), int(match[3]), match[4]
            expected_major = 2 if kind == "manylinux" else 1
            if machine in LINUX_MACHINES and major == expected_major:
                libc = _manylinux if kind == "manylinux" else _musllinux
                return cls(tag, "Linux", machine, (*libc(minor, machine), f"linux_{machine}"))
        if match := re.fullmatch(r"macosx_(\d+)_(\d+)_(arm64|x86_64)", tag):
            version = (int(match[1]), int(match[2]))
            return cls(tag, "Darwin", match[3], tuple(packaging_tags.mac_platforms(version, match[3])))
        if tag in WINDOWS_MACHINES:
            return cls(tag, "Windows", WINDOWS_MACHINES[tag], (tag,))
        raise InputError(
            f"`{text}` is not a platform",
            hint=f"write one of {', '.join(PLATFORM_NAMES)}, or a platform tag such as manylinux_2_34_x86_64",
        )

    def markers(self) -> dict[str, str]:
        """The six markers that say which system this is; what only the running system knows is empty."""
        return {
            "os_name": "nt" if self.system == "Windows" else "posix",
            "platform_machine": self.machine,
            "platform_release": "",
            "platform_system": self.system,
            "platform_version": "",
            "sys_platform": {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}[self.system],
        }


def _manylinux(newest: int, machine: str) -> Iterator[str]:
    for minor in range(newest, GLIBC_FLOOR.get(machine, 17) - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if legacy := LEGACY_MANYLINUX.get(minor):
            yield f"{legacy}_{machine}"


def _musllinux(newest: int, machine: str) -> Iterator[str]:
    for minor in range(newest, -1, -1):
        yield f"musllinux_1_{minor}_{machine}"


@dataclass(frozen=True)
class Target:
    """One environment to install into.

    `environment` holds all eleven PEP 508 markers; `tags` the PEP 425 tags, best first.
    """

    name: str
    environment: Mapping[str, str] = field(compare=False)
    tags: tuple[Tag, ...] = field(compare=False, repr=False)
    python: Python
    platform: Platform

    @classmethod
    def of(cls, python: Python, platform: Platform) -> "Target":
        """The target that this Python on this platform is."""
        return cls(
            name=f"{python.tag}-{platform.tag}",
            environment=python.markers() | platform.markers(),
            tags=tuple(dict.fromkeys(python.tags(list(platform.tags)))),
            python=python,
            platform=platform,
        )

    @cached_property
    def _ranks(self) -> dict[Tag, int]:
        return {tag: rank for rank, tag in enumerate(self.tags)}

    def rank(self, tags: Iterable[Tag]) -> int | None:
        """How well a wheel with these tags fits: 0 is best, None not at all."""
        return min((self._ranks[tag] for tag in tags if tag in self._ranks), default=None)

    def allows(self, requires_python: SpecifierSet) -> bool:
        """Whether a Requires-Python admits this target's Python, upper bounds included."""
        return requires_python.contains(self.python.version, prereleases=True)

    def applies(self, marker: Marker | None, extra: str = "") -> bool:
        """Whether a marker holds here, with `extra` asked for.

        Raises InputError where the answer hangs on platform_release or platform_version, which a foreign target lacks.
        """
        if marker is None:
            return True
        unknown = [key for key in UNKNOWN_MARKERS if not self.environment[key] and key in str(marker)]
        if not unknown:
            return marker.evaluate({**self.environment, "extra": extra})
        answers = {
            marker.evaluate({**self.environment, "extra": extra, **dict.fromkeys(unknown, probe)}) for probe in PROBES
        }
        if len(answers) > 1:
            raise InputError(
                f"the marker `{marker}` asks for {' and '.join(unknown)}, which target {self.name} does not say",
                hint="leave the requirement out, or decide it with an override",
            )
        return answers.pop()
