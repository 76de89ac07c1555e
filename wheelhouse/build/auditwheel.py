"""auditwheel, if it is installed: copies external libraries into a wheel and gives it a manylinux tag."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelhouse.errors import MachineError

MAX_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Auditwheel:
    """The program, the PATH on which it finds patchelf, and its name and version, such as `auditwheel 6.4.2`."""

    program: str
    path: str
    described: str

    def repair(self, wheel: Path, platform: str, epoch: int, folder: Path) -> Path:
        """The path of the repaired wheel for a platform tag, in `repaired` in `folder`; `epoch` is the time of its members, in
        Unix seconds.

        Raises MachineError if auditwheel cannot be run, fails, or makes no wheel.
        """
        command = [self.program, "repair", "--plat", platform, "--wheel-dir", str(folder / "repaired"), str(wheel)]
        process = _run(command, self.path, SOURCE_DATE_EPOCH=str(epoch), HOME=str(folder))
        repaired = sorted((folder / "repaired").glob("*.whl"))
        if process.returncode != 0 or not repaired:
            lines = process.stderr.strip().splitlines()
            reason = lines[-1] if lines else f"it ended with code {process.returncode}"
            raise MachineError(f"auditwheel cannot repair {wheel.name}: {reason}")
        return repaired[0]


def find_auditwheel(path: str) -> Auditwheel | None:
    """The auditwheel on this PATH, with its version if it prints one; None if there is none.

    Raises MachineError if it cannot be started, or takes too long.
    """
    program = shutil.which("auditwheel", path=path)
    if program is None:
        return None
    words = _run([program, "--version"], path).stdout.split()
    return Auditwheel(program, path, " ".join(words[:2]) or "auditwheel")


def _run(command: Sequence[str], path: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a program with no environment but PATH, LANG and these variables; how it ended. A failure of the program is no error here.

    Raises MachineError if it cannot be run, or takes too long.
    """
    environment = {"PATH": path, "LANG": "C.UTF-8", **variables}
    try:
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=MAX_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"`{command[0]}` failed: {error}") from error
