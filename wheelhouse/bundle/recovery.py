"""Recovery files beside a bundle, made by the program `par2`: they repair damage without a second transfer."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from wheelhouse.errors import MachineError

PROGRAM, SUFFIX = "par2", ".par2"


def must_have_par2() -> str:
    """The path of the program `par2`. Raises MachineError if it is not installed."""
    if program := shutil.which(PROGRAM):
        return program
    raise MachineError("--par2 needs the program `par2`, which is not installed", hint="install it: apt install par2")


def recovery_files(bundle: Path) -> list[Path]:
    """The paths of the recovery files beside a bundle, sorted; empty if there are none."""
    own = re.compile(re.escape(bundle.name) + r"(\.vol\d+\+\d+)?\.par2")
    return sorted(path for path in bundle.parent.glob("*.par2") if own.fullmatch(path.name))


def add_recovery_files(bundle: Path, names: Sequence[str], percent: int) -> list[Path]:
    """Write recovery files for the files `names` beside the bundle, which repair damage of so many percent; return their paths.

    The bundle must have none yet: par2 fails rather than replace one. Raises MachineError if par2 is missing or fails; after
    a failure of it the bundle has no recovery files, not even earlier ones.
    """
    command = [must_have_par2(), "create", "-q", "-q", f"-r{percent}", "--", f"{bundle.name}{SUFFIX}", *names]
    done = subprocess.run(command, cwd=bundle.parent, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        for path in recovery_files(bundle):
            path.unlink(missing_ok=True)
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise MachineError(
            f"par2 ended with code {done.returncode}, so `{bundle}` has no recovery files: {lines[-1] if lines else ''}",
            hint="use the bundle without recovery files: it is complete",
        )
    return recovery_files(bundle)


def repair_hint(bundle: Path) -> str | None:
    """The text of a hint: the command that repairs a bundle; None without `<bundle>.par2`, the first recovery file."""
    path = bundle.parent / f"{bundle.name}{SUFFIX}"
    return f"repair it: par2 repair {path}" if path.is_file() else None
