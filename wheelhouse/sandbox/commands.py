"""Run commands one after another in one sandbox, so that each finds the files of those before it."""

import hmac
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import distribution
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelhouse.documents import DocumentType
from wheelhouse.errors import MachineError
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.sandbox import inside_commands, inside_environment
from wheelhouse.sandbox.builder import Builder
from wheelhouse.sandbox.execution import run_in
from wheelhouse.sandbox.sandbox import HERE, SYSTEM_PATH, WORK, SandboxCommand, SandboxResult

SCRIPT = f"{HERE}/commands.py"
CHECK_SCRIPT = f"{HERE}/environment.py"
"""The path inside of the script that lists an environment's distributions, and the modules that do not import."""
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
"""A command's whole environment. One retry is allowed, because pip names the project that it asks an index for only on a retry."""


@dataclass(frozen=True, slots=True)
class InstallCommand:
    """A command to run in a sandbox, and its own environment variables. After a failed `vital` command, the others are skipped."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    vital: bool = False


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended: its exit code, its wall time in seconds, the end of its output."""

    name: str
    code: int
    seconds: float
    output: str


_result_type = DocumentType(CommandResult)


@dataclass(frozen=True, slots=True)
class OwnPip:
    """The pip installed beside wheelhouse: the folder of its code, which any Python in `requires_python` can run."""

    folder: Path
    version: Version
    requires_python: SpecifierSet


def own_pip() -> OwnPip:
    """The pip installed beside wheelhouse; it is not run. Raises PackageNotFoundError if there is none."""
    pip = distribution("pip")
    return OwnPip(
        Path(str(pip.locate_file("pip"))), Version(pip.version), SpecifierSet(pip.metadata["Requires-Python"])
    )


def run_commands(
    builder: Builder, commands: Sequence[InstallCommand], shown: Mapping[str, Path]
) -> Iterator[CommandResult]:
    """Run commands in one sandbox of a builder, with `shown` visible beside the interpreter; yields each result once all
    have ended. Nothing runs before the first result is asked for. After a failed vital command there are no further results.

    Code of packages can make a command fail, but cannot answer for it: if answers are missing, the first such command has
    failed, and the others have no result. Raises MachineError if there is no result at all, as the sandbox itself failed.
    """
    scripts = {SCRIPT: Path(inside_commands.__file__), CHECK_SCRIPT: Path(inside_environment.__file__)}
    request = {"make": [VARIABLES["HOME"], VARIABLES["TMPDIR"]], "commands": [asdict(command) for command in commands]}
    argv = [str(builder.interpreter.path), "-I", SCRIPT, json.dumps(request)]
    with scratch_folder("answer") as folder:
        answer = folder / "answer"
        visible = builder.interpreter.shown | scripts | dict(shown)
        secret = secrets.token_bytes(32)
        end = run_in(builder.sandbox, SandboxCommand(argv, VARIABLES, visible, builder.limits, secret), answer)
        lines = answer.read_bytes().splitlines()
    results = list(authentic_results(lines, commands, secret))
    yield from results
    if is_complete(commands, results):
        return
    if not results:
        log = end.log.decode("utf-8", "replace").strip().splitlines()
        reason = end.stopped or f"the sandbox ended with code {end.code}"
        raise MachineError(f"the rehearsal did not run: {reason}", details=tuple(log[-3:]))
    yield _lost_result(commands[len(results)], end, forged=len(lines) > len(results))


def authentic_results(
    lines: Sequence[bytes], commands: Sequence[InstallCommand], secret: bytes
) -> Iterator[CommandResult]:
    """The results that the runner signed, in the order of the commands, up to the first line that it did not write."""
    for number, (line, command) in enumerate(zip(lines, commands, strict=False)):
        signature, _, answer = line.partition(b" ")
        expected = hmac.new(secret, b"%d " % number + answer, "sha256").hexdigest()
        if not hmac.compare_digest(signature, expected.encode()):
            return
        result = _result_type.from_json(answer)
        if result.name != command.name:
            return
        yield result


def is_complete(commands: Sequence[InstallCommand], results: Sequence[CommandResult]) -> bool:
    """Whether each command has a result, or a vital one failed, so that the others were skipped."""
    has_failed = any(result.code and command.vital for command, result in zip(commands, results, strict=False))
    return has_failed or len(results) == len(commands)


def _lost_result(command: InstallCommand, end: SandboxResult, *, forged: bool) -> CommandResult:
    """The failed result of a command whose answer is missing: the code that ran may have killed the runner, or written for it.

    Its output is the end of the sandbox's log, and the reason.
    """
    log = end.log.decode("utf-8", "replace").strip().splitlines()
    by_code = "code that ran in the sandbox changed the answers of the sandbox" if forged else ""
    reason = by_code or end.stopped or f"the sandbox ended with code {end.code} before it answered"
    return CommandResult(command.name, end.code or 1, 0.0, "\n".join([*log[-3:], reason]))
