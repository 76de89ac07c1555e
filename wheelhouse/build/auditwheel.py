"""auditwheel, where it is installed: it copies foreign libraries into a wheel, and gives it the tag that it deserves."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelhouse.errors import MachineError

MAX_SECONDS = 600
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Auditwheel:
    """The program, the PATH on which it finds patchelf, and what it calls itself, as `auditwheel 6.4.2`."""

    program: str
    path: str
    described: str

    def repair(self, wheel: Path, platform: str, epoch: int, folder: Path) -> Path:
        """The wheel that it makes of one for a platform tag, in `folder`; `epoch` is the time of its members, in seconds.

        Raises MachineError where it cannot.
        """
        command = [self.program, "repair", "--plat", platform, "--wheel-dir", str(folder / "repaired"), str(wheel)]
        done = _run(command, self.path, SOURCE_DATE_EPOCH=str(epoch), HOME=str(folder))
        made = sorted((folder / "repaired").glob("*.whl"))
        if done.returncode != 0 or not made:
            lines = done.stderr.strip().splitlines()
            raise MachineError(f"auditwheel cannot repair {wheel.name}: {lines[-1] if lines else done.returncode}")
        return made[0]


def find_auditwheel(path: str) -> Auditwheel | None:
    """auditwheel, as PATH has it. Raises MachineError where it is there and does not run."""
    program = shutil.which("auditwheel", path=path)
    if program is None:
        return None
    words = _run([program, "--version"], path).stdout.split()
    return Auditwheel(program, path, " ".join(words[:2]) or "auditwheel")


def _run(command: Sequence[str], path: str, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": path, "LANG": "C.UTF-8", **more}
    try:
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=MAX_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"`{command[0]}` did not do its work: {error}") from error
