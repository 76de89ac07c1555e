"""Platforms: operating system, architecture and C library; their names, and the platform tags that fit each (pure).

Sources: PEP 425, PEP 513, 571, 599 and 600 (manylinux), PEP 656 (musllinux), packaging.tags (macOS).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging import tags as packaging_tags

from wheelhouse.errors import InputError

ARCHITECTURES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "386": "i686",
    "arm/v7": "armv7l",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loong64": "loongarch64",
}
"""Architectures as container images name them → as Linux names them."""
COMPATIBLE = {"armv8l": ("armv8l", "armv7l")}
"""Machines that also run the wheels of another: a 32-bit Python on a 64-bit ARM kernel calls itself armv8l."""
LINUX_MACHINES = (*ARCHITECTURES.values(), "armv8l")
GLIBC_FLOOR = {"x86_64": 5, "i686": 5}
"""The oldest glibc 2.N in a tag of this architecture; for all others it is 2.17 (PEP 600)."""
LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
USUAL_GLIBC = {"armv7l": 31, "armv8l": 31, "riscv64": 39, "loongarch64": 38}
"""The glibc 2.N of `linux/<architecture>`: the oldest that today's wheels assume. For all others it is 2.28."""
MAX_MINOR = 99
"""No C library and no macOS has a higher minor version: such a number is a typing error."""
WINDOWS_MACHINES = {"win_amd64": "AMD64", "win_arm64": "ARM64", "win32": "x86"}
SYSTEMS = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}
"""platform_system → sys_platform."""
CHOICES = (
    *(f"linux/{name}" for name in ARCHITECTURES),
    "alpine/amd64",
    "alpine/arm64",
    *(f"macos/{name}" for name in ("arm64", "amd64", "universal2")),
    *(f"windows/{name}" for name in ("amd64", "arm64", "386")),
)
HINT = f"write one of {', '.join(CHOICES)}, or a platform tag such as manylinux_2_34_x86_64"


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform, named by its best platform tag. `tags` are all that fit, best first, `linux_<arch>` last.

    `machine` is platform_machine; it is empty for a macOS target that must suit both kinds of Mac.
    """

    tag: str
    system: str
    machine: str
    tags: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """Read `--platform`: an alias such as `linux/amd64`, or a platform tag. Raises InputError for any other text, also
        for `linux_x86_64`, which names no C library.
        """
        tag = _tag_of(text)
        if match := re.fullmatch(r"(many|musl)linux_(\d{1,9})_(\d{1,9})_(\w+)", tag, re.ASCII):
            return cls(tag, "Linux", match[4], tuple(_linux(text, *match.groups())))
        if match := re.fullmatch(r"macosx_(\d{1,9})_(\d{1,9})_(arm64|x86_64|universal2)", tag, re.ASCII):
            return _macos(text, (int(match[1]), int(match[2])), match[3])
        if tag in WINDOWS_MACHINES:
            return cls(tag, "Windows", WINDOWS_MACHINES[tag], (tag,))
        raise InputError(f"`{text}` is not a platform", hint=HINT)

    def markers(self) -> dict[str, str]:
        """The six markers of the system, by name. platform_release and platform_version are "": only a live system has them.

        Raises KeyError for a system that SYSTEMS lacks, which a described target can have.
        """
        return {
            "os_name": "nt" if self.system == "Windows" else "posix",
            "platform_machine": self.machine,
            "platform_release": "",
            "platform_system": self.system,
            "platform_version": "",
            "sys_platform": SYSTEMS[self.system],
        }


def linux_machine(architecture: str) -> str | None:
    """Linux's name of an architecture: `x86_64` for `amd64` and for `x86_64`; None if wheelhouse knows no such one."""
    return ARCHITECTURES.get(architecture) or (architecture if architecture in LINUX_MACHINES else None)


def _tag_of(text: str) -> str:
    """The platform tag that an alias stands for, also `manylinux_2_17_…` for `manylinux2014_…`. Any other text is returned as it is."""
    system, _, architecture = text.partition("/")
    machine = linux_machine(architecture)
    if system == "linux" and machine:
        return f"manylinux_2_{USUAL_GLIBC.get(machine, 28)}_{machine}"
    if system in ("alpine", "musl") and machine:
        return f"musllinux_1_2_{machine}"
    if system in ("macos", "darwin") and machine in ("x86_64", "aarch64"):
        return f"macosx_14_0_{'arm64' if machine == 'aarch64' else machine}"
    if text == "macos/universal2":
        return "macosx_14_0_universal2"
    if system == "windows" and machine in ("x86_64", "aarch64", "i686"):
        return {"x86_64": "win_amd64", "aarch64": "win_arm64", "i686": "win32"}[machine]
    for minor, legacy in LEGACY_MANYLINUX.items():
        text = re.sub(rf"^{legacy}_", f"manylinux_2_{minor}_", text)
    return text


def _linux(text: str, kind: str, major: str, minor: str, machine: str) -> Iterator[str]:
    """Platform tags of a Linux with this C library: by machine, newest C library first, each followed by its old name if it
    has one (`manylinux2014_…`); then `linux_<machine>`.

    Raises InputError, with `text`, for an unknown machine or C library.
    """
    family, libc = ("manylinux", "2") if kind == "many" else ("musllinux", "1")
    floor = GLIBC_FLOOR.get(machine, 17) if kind == "many" else 0
    if machine not in LINUX_MACHINES:
        raise InputError(
            f"`{text}` does not end with an architecture of Linux", hint=f"choose one of {', '.join(LINUX_MACHINES)}"
        )
    if major != libc or not floor <= int(minor) <= MAX_MINOR or str(int(minor)) != minor:
        hint = f"choose {family}_{libc}_{floor}_{machine} or a newer version"
        raise InputError(f"`{text}`: there can be no wheels for this version of the C library", hint=hint)
    machines = COMPATIBLE.get(machine, (machine,))
    for name in machines:
        for version in range(int(minor), floor - 1, -1):
            yield f"{family}_{libc}_{version}_{name}"
            if kind == "many" and (legacy := LEGACY_MANYLINUX.get(version)):
                yield f"{legacy}_{name}"
    yield from (f"linux_{name}" for name in machines)


def _macos(text: str, version: tuple[int, int], machine: str) -> Platform:
    """A platform of macOS; from macOS 11 the minor version becomes 0. `universal2` takes only wheels for both kinds of Mac.

    Raises InputError, with `text`, for a version before the machine's first one, above 99, or between 10.16 and 11.
    """
    oldest = (10, 4) if machine == "x86_64" else (11, 0)
    if not oldest <= version <= (MAX_MINOR, MAX_MINOR) or (version[0] == 10 and version[1] > 16):
        hint = "write macosx_14_0_arm64, macosx_14_0_x86_64 or macosx_14_0_universal2"
        raise InputError(f"`{text}` is not a macOS that runs on {machine}", hint=hint)
    if version[0] > 10:
        version = (version[0], 0)
    tags = tuple(packaging_tags.mac_platforms(version, machine))
    tag = f"macosx_{version[0]}_{version[1]}_{machine}"
    return Platform(tag, "Darwin", "" if machine == "universal2" else machine, tags)
