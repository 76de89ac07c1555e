"""Other Pythons on this machine: what one says of itself."""

import subprocess
from pathlib import Path

import msgspec

from wheelhouse.errors import MachineError
from wheelhouse.model.interpreter import Facts

SCRIPT = Path(__file__).with_name("interpreter_facts.py")
SECONDS = 60
ENVIRONMENT = {"LC_ALL": "C", "SYSTEM_VERSION_COMPAT": "0"}
"""All that is passed on: a Python built with an old macOS SDK is told the true version only with the second."""


def facts_of(interpreter: Path) -> Facts:
    """Ask a Python, 3.6 or newer, in isolation and with no site, so that no file of an installed project is run.

    Raises MachineError where it is missing, fails, or is no such Python.
    """
    command = [str(interpreter), "-I", "-S", "-B", str(SCRIPT)]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, env=ENVIRONMENT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"`{interpreter}` could not be run: {error}", hint="name a Python's own path") from error
    try:
        return msgspec.json.decode(ran.stdout, type=Facts)
    except msgspec.DecodeError as error:
        said = tuple(ran.stderr.decode("utf-8", "replace").splitlines()[-3:])
        raise MachineError(
            f"`{interpreter}` does not say what it is: it ended with code {ran.returncode}",
            hint="name a Python of version 3.6 or newer",
            details=said,
        ) from error
