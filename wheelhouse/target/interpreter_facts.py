"""A script that another Python, 3.6 or newer, runs in isolation: it writes the facts of that Python to stdout, as JSON.

It imports only the standard library. It reads the same facts as packaging.tags and packaging.markers, in the same way, and
concludes nothing from them.
"""

import importlib.machinery
import json
import os
import platform
import re
import struct
import subprocess
import sys
import sysconfig


def implementation_version() -> str:
    """The implementation's version as packaging.markers writes it: `3.13.0`, `3.15.0b1`, `7.3.20`."""
    version = sys.implementation.version
    text = "%d.%d.%d" % (version.major, version.minor, version.micro)
    return text if version.releaselevel == "final" else text + version.releaselevel[0] + str(version.serial)


def markers() -> "dict[str, str]":
    """The eleven markers of PEP 508 (all but `extra`), by name, with the values of this Python."""
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": implementation_version(),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def glibc() -> "str | None":
    """The version of glibc in use, such as `2.36`; None for another C library."""
    try:
        answer = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        return None
    match = re.match(r"glibc ([0-9]+\.[0-9]+)", answer or "")
    return match.group(1) if match else None


def elf_header() -> "tuple[int, str, int, int, str] | None":
    """The ELF header of this interpreter: (bits, byte order, machine, flags, path of its loader or ""); None if it is no ELF file.

    Bits are 32 or 64, the byte order is `<` or `>`.
    """
    with open(sys.executable, "rb") as file:  # noqa: PTH123
        head = file.read(64)
        if head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
            return None
        wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
        machine = struct.unpack_from(order + "H", head, 18)[0]
        start = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)[0]
        flags = struct.unpack_from(order + "I", head, 48 if wide else 36)[0]
        size, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
        for number in range(count):
            file.seek(start + size * number)
            entry = file.read(size)
            if struct.unpack_from(order + "I", entry)[0] == 3:  # PT_INTERP
                offset, length = (
                    struct.unpack_from(order + ("Q" if wide else "I"), entry, at)[0]
                    for at in ((8, 32) if wide else (4, 16))
                )
                file.seek(offset)
                return (64 if wide else 32, order, machine, flags, os.fsdecode(file.read(length)).strip("\0"))
        return (64 if wide else 32, order, machine, flags, "")


def musl(header: "tuple[int, str, int, int, str] | None") -> "str | None":
    """The version of musl in use, such as `1.2`; None for another C library. Runs the loader, which prints it."""
    if header is None or "musl" not in header[4]:
        return None
    output = subprocess.run([header[4]], check=False, stderr=subprocess.PIPE, universal_newlines=True).stderr
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    match = re.match(r"Version ([0-9]+\.[0-9]+)", lines[1]) if len(lines) > 1 and lines[0][:4] == "musl" else None
    return match.group(1) if match else None


def facts() -> "dict[str, object]":
    """All facts of this Python, by the names of the fields of InterpreterFacts."""
    header = elf_header() if platform.system() == "Linux" else None
    debug = sysconfig.get_config_var("Py_DEBUG")
    if debug is None:
        debug = hasattr(sys, "gettotalrefcount") or "_d.pyd" in importlib.machinery.EXTENSION_SUFFIXES
    pymalloc = sysconfig.get_config_var("WITH_PYMALLOC")
    return {
        "markers": markers(),
        "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
        "prefixes": sorted({sys.base_prefix, sys.base_exec_prefix}),
        "version": sys.version_info[:2],
        "ext_suffix": sysconfig.get_config_var("EXT_SUFFIX") or "",
        "debug": bool(debug),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "pymalloc": pymalloc is None or bool(pymalloc),
        "platform": sysconfig.get_platform(),
        "bits": 64 if sys.maxsize > 2**32 else 32,
        "arm_hard_float": header is not None and header[:3] == (32, "<", 40) and header[3] & 0xFF000400 == 0x05000400,
        "glibc": glibc(),
        "musl": musl(header),
        "macos": [platform.mac_ver()[0], platform.mac_ver()[2]],
    }


if __name__ == "__main__":
    json.dump(facts(), sys.stdout)
