"""Commands run one after another in one sealed room, so that each finds what those before it made."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import distribution
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelhouse.errors import MachineError
from wheelhouse.sandbox import inside_commands, inside_environment
from wheelhouse.sandbox.builder import Builder
from wheelhouse.sandbox.sandbox import HERE, SYSTEM_PATH, WORK, SandboxCommand

SCRIPT = f"{HERE}/commands.py"
CHECK_SCRIPT = f"{HERE}/environment.py"
"""Where the script lies that says what is installed in an environment, and what of it does not import."""
VENV = f"{WORK}/venv"
VARIABLES = {
    "PATH": f"{VENV}/bin:{SYSTEM_PATH}",
    "HOME": f"{WORK}/home",
    "TMPDIR": f"{WORK}/scratch",
    "LANG": "C.UTF-8",
    "USER": "wheelhouse",
    "PYTHONNOUSERSITE": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_RETRIES": "1",
}
"""All that a command finds in its environment. Pip names what it asks an index for only when it tries again, so it may once."""


@dataclass(frozen=True, slots=True)
class InstallCommand:
    """A command to run in a sandbox, and its own environment variables. After a failed `vital` command, the others are skipped."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    vital: bool = False


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended: its exit code, its wall time in seconds, the end of what it said."""

    name: str
    code: int
    seconds: float
    said: str


@dataclass(frozen=True, slots=True)
class OwnPip:
    """The pip that wheelhouse itself has: the folder of its code, which any fitting Python can run."""

    folder: Path
    version: Version
    requires_python: SpecifierSet


def own_pip() -> OwnPip:
    """The pip beside wheelhouse."""
    found = distribution("pip")
    return OwnPip(
        Path(str(found.locate_file("pip"))), Version(found.version), SpecifierSet(found.metadata["Requires-Python"])
    )


def run_commands(
    bench: Builder, commands: Sequence[InstallCommand], shown: Mapping[str, Path]
) -> Iterator[CommandResult]:
    """Run commands in a room of the bench's, which shows them `shown` beside the interpreter; yields how each ended.

    Raises MachineError where the room itself fails.
    """
    scripts = {SCRIPT: Path(inside_commands.__file__), CHECK_SCRIPT: Path(inside_environment.__file__)}
    order = {"make": [VARIABLES["HOME"], VARIABLES["TMPDIR"]], "commands": [asdict(command) for command in commands]}
    argv = [str(bench.interpreter.path), "-I", SCRIPT, json.dumps(order)]
    with tempfile.TemporaryDirectory(prefix="wheelhouse-rehearsal-") as folder:
        answer = Path(folder, "answer")
        everything = bench.interpreter.shown | scripts | dict(shown)
        outcome = bench.room.run(SandboxCommand(argv, VARIABLES, everything, bench.limits), answer)
        ran = [CommandResult(**json.loads(line)) for line in answer.read_text(encoding="utf-8").splitlines()]
    yield from ran
    if outcome.stopped or outcome.code:
        log = outcome.log.decode("utf-8", "replace").strip().splitlines()
        why = outcome.stopped or f"the room ended with code {outcome.code}"
        if len(ran) == len(commands) or not ran:
            raise MachineError(f"the rehearsal could not be held: {why}", details=tuple(log[-3:]))
        yield CommandResult(commands[len(ran)].name, outcome.code or 1, 0.0, "\n".join([*log[-3:], why]))
