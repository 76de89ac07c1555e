"""The Python interpreters of this machine, found by version."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_PROBE = """
import sys, sysconfig
print("%d.%d%s" % (*sys.version_info[:2], "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""))
print(sys.executable)
"""


def find_python(version: str) -> Path | None:
    """The interpreter of `version` ("3.12", or "3.13t" for a free-threaded one): from PATH, else from pyenv."""
    for candidate in _candidates(version):
        if executable := _executable_of(candidate, version):
            return executable
    return None


def _candidates(version: str) -> Iterator[Path]:
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from sorted(versions.glob(f"{version.rstrip('t')}*/bin/python"), key=_release, reverse=True)


def _release(python: Path) -> list[int]:
    """The numbers in the name of a pyenv version, so that 3.12.10 comes after 3.12.9."""
    return [int(number) for number in re.findall(r"\d+", python.parent.parent.name)]


def _executable_of(candidate: Path, version: str) -> Path | None:
    """The real interpreter behind `candidate` (which may be a pyenv shim), if it runs and has that version."""
    try:
        command = [str(candidate), "-I", "-c", _PROBE]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = answer.stdout.splitlines()
    return Path(lines[1]) if answer.returncode == 0 and lines[:1] == [version] else None
