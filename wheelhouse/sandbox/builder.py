"""A builder of sdists: a sandbox and an interpreter in it. Each sandbox is proved sealed before its first use."""

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyproject_hooks._in_process import _in_proc_script_path

from wheelhouse.archive.build_system import BuildSystem
from wheelhouse.documents import parse_json
from wheelhouse.errors import BuildError, MachineError, WheelhouseError
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.sandbox import inside, proof
from wheelhouse.sandbox.bubblewrap import Bubblewrap
from wheelhouse.sandbox.container import Container
from wheelhouse.sandbox.execution import run_in
from wheelhouse.sandbox.proof import proof_request, protections
from wheelhouse.sandbox.sandbox import (
    HERE,
    SYSTEM_PATH,
    WORK,
    Limits,
    Sandbox,
    SandboxCommand,
    SandboxResult,
    path_inside,
)
from wheelhouse.sandbox.unsealed import Unsealed
from wheelhouse.sandbox.unshare import Unshare
from wheelhouse.target.interpreters import SCRIPT as FACTS
from wheelhouse.target.interpreters import (
    Interpreter,
    InterpreterPlaces,
    NoInterpreterError,
    find_interpreter,
    interpreter_of,
    read_facts,
    unfit,
)
from wheelhouse.target.target import Target

INSIDE = Path(inside.__file__)
ENVIRONMENT, HOOKS, SCRIPT = f"{HERE}/env", f"{HERE}/hooks.py", f"{HERE}/inside.py"
WHEEL_NAME = re.compile(r"[\w.+!-]{1,251}\.whl", re.ASCII)
"""A wheel's filename of at most 255 bytes, which every file system accepts. Its parts are checked afterwards."""
HOST_SANDBOXES: tuple[Sandbox, ...] = (Bubblewrap(), Unshare())
"""The sandboxes that are tried, in this order, if the user does not choose one."""


@dataclass(frozen=True, slots=True)
class BuildLocation:
    """Where the user wants builds to run: under `named` interpreters, else those of `places`; in an `image`; `unsealed`.

    `engine` is the environment of the container engine's client.
    """

    places: InterpreterPlaces
    named: Sequence[Path] = ()
    image: str | None = None
    unsealed: bool = False
    engine: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default=Limits())


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One PEP 517 hook of one sdist: its build environment, and SOURCE_DATE_EPOCH in seconds."""

    sdist: Path
    system: BuildSystem
    environment: Path
    epoch: int


class Builder:
    """A sandbox with an interpreter in it. At most `parallel` builds run at once."""

    def __init__(self, sandbox: Sandbox, interpreter: Interpreter, limits: Limits, parallel: int) -> None:
        self.sandbox, self.interpreter = sandbox, interpreter
        self.limits = limits
        self.protections: tuple[str, ...] = ()
        self._slots = threading.BoundedSemaphore(parallel)

    @property
    def sandbox_described(self) -> str:
        """`bubblewrap, seccomp, cgroup`: the sandbox, and what its proof found to hold; empty if nothing seals it."""
        return ", ".join(filter(None, (self.sandbox.name, *self.protections)))

    def where_environment(self, folder: Path) -> str:
        """The path by which builds see a build environment that lies in `folder`; `folder` itself if nothing seals the sandbox."""
        return path_inside(self.sandbox, ENVIRONMENT, folder)

    def requires(self, request: BuildRequest) -> tuple[tuple[str, ...], bytes]:
        """The backend's own build requirements beside the declared ones, and the log of the hook. Raises BuildError, and
        MachineError if the sandbox cannot start.
        """
        with scratch_folder("answer") as folder:
            answer = folder / "answer"
            reply, log = self._ask("requires", request, answer)
            listed = reply.get("requires")
            if not isinstance(listed, list):
                raise BuildError("its backend did not return a list of build requirements (PEP 517)", log=log)
            return tuple(map(str, listed)), log

    def wheel(self, request: BuildRequest, folder: Path) -> tuple[Path, bytes]:
        """The path of the built wheel, in `folder` under its own name, and the log. Raises BuildError, also for an unsafe
        name, and MachineError if the sandbox cannot start.
        """
        answer = folder / "answer"
        reply, log = self._ask("wheel", request, answer)
        name = str(reply.get("wheel"))
        if not WHEEL_NAME.fullmatch(name):
            raise BuildError(f"its backend gave the wheel a name that is not valid: `{name[:80]!a}`", log=log)
        final = folder / name
        with answer.open("rb") as reader, final.open("wb") as writer:
            reader.readline()
            while block := reader.read(1 << 20):
                writer.write(block)
        answer.unlink()
        return final, log

    def _ask(self, hook: str, request: BuildRequest, answer: Path) -> tuple[dict[str, Any], bytes]:
        """Call a hook of the build backend in the sandbox: the first line of its answer as a table, and the log. The whole
        answer is in the file `answer`. Waits while `parallel` builds run. Raises BuildError if the build fails, is stopped
        or gives no answer, and MachineError if the sandbox cannot start.
        """
        sdist = f"{HERE}/{request.sdist.name}"
        shown = {ENVIRONMENT: request.environment, sdist: request.sdist, HOOKS: hooks_script(), SCRIPT: INSIDE}
        environment = path_inside(self.sandbox, ENVIRONMENT, request.environment)
        message = {
            "hook": hook,
            "sdist": sdist,
            "backend": request.system.backend,
            "backend_path": list(request.system.backend_path),
            "python": f"{environment}/bin/python",
            "hooks": HOOKS,
            "work": WORK,
        }
        variables = {
            "PATH": f"{environment}/bin:{SYSTEM_PATH}",
            "HOME": f"{WORK}/home",
            "TMPDIR": f"{WORK}/scratch",
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "PYTHONNOUSERSITE": "1",
            "SOURCE_DATE_EPOCH": str(request.epoch),
        }
        with self._slots:
            result = self._run(message, variables, shown, answer, self.limits)
        if result.code != 0 or result.stopped:
            raise BuildError(result.stopped or f"its build ended with code {result.code}", log=result.log)
        return _first_line(answer, result.log), result.log

    def _run(
        self,
        message: Mapping[str, Any],
        variables: Mapping[str, str],
        shown: Mapping[str, Path],
        answer: Path,
        limits: Limits,
    ) -> SandboxResult:
        """Run `inside` in the sandbox with a request; its stdout goes to the file `answer`, its stderr is the log of the result."""
        argv = [str(self.interpreter.path), "-I", SCRIPT, json.dumps(message)]
        command = SandboxCommand(argv, variables, self.interpreter.shown | dict(shown), limits)
        return run_in(self.sandbox, command, answer)

    def prove(self, folder: Path) -> None:
        """Try to leave the sandbox, and to pass limits, which are the proof's own; note what holds in `protections`.
        `folder` is empty, and then has a canary and the proof.

        Raises MachineError if the sandbox is not sealed, or cannot be made at all.
        """
        answer = folder / "proof"
        with proof_request(folder, tuple(self.interpreter.shown)) as request:
            result = self._run(request, {"PATH": SYSTEM_PATH}, {SCRIPT: INSIDE}, answer, proof.LIMITS)
        self.protections = protections(result, answer.read_bytes(), filtered=self.sandbox.has_filter)


def _first_line(answer: Path, log: bytes) -> dict[str, Any]:
    """The answer of the script inside: the first line of its output, which is JSON, as a table. Raises BuildError if it is none."""
    try:
        with answer.open("rb") as file:
            reply = parse_json(file.readline(1 << 20))
    except ValueError as error:
        raise BuildError("the answer of its build cannot be read", log=log) from error
    if not isinstance(reply, dict):
        raise BuildError("the answer of its build cannot be read", log=log)
    return reply


def hooks_script() -> Path:
    """The path of pyproject_hooks' script that calls a hook; it needs no other module, and runs under Python 3.6 and newer."""
    with _in_proc_script_path() as path:  # type: ignore[no-untyped-call]
        return Path(path)


def open_builder(target: Target, location: BuildLocation, parallel: int) -> Builder:
    """A builder for a target: in a container if the user named an image, else on this machine; proved, unless the user asked
    there for one that is not sealed.

    Raises MachineError without an interpreter, or if no sandbox can be sealed.
    """
    if location.image:
        return _builder_in_image(target, location, location.image, parallel)
    interpreter = find_interpreter(target, location.named, location.places)
    if location.unsealed:
        return Builder(Unsealed(), interpreter, location.limits, parallel)
    try:
        return sealed_builder(interpreter, location.limits, parallel)
    except MachineError as error:
        raise MachineError(
            f"{error}, so nothing is built",
            hint="install bubblewrap, permit user namespaces, build in a container with --in-image IMAGE, or let the builds use "
            "the files and the network of this machine: --unsealed",
            details=error.details,
        ) from error


def sealed_builder(interpreter: Interpreter, limits: Limits, parallel: int) -> Builder:
    """A proved builder in the first kind of sandbox that this machine permits. Raises MachineError with the reason of each."""
    reasons: list[str] = []
    for sandbox in HOST_SANDBOXES:
        try:
            return proved_builder(sandbox, interpreter, limits, parallel)
        except MachineError as error:
            reasons.append(f"{sandbox.name}: {error}")
    raise MachineError("no sandbox can be sealed on this machine", details=tuple(reasons))


def proved_builder(sandbox: Sandbox, interpreter: Interpreter, limits: Limits, parallel: int) -> Builder:
    """A builder whose sandbox was proved in a scratch folder. Raises MachineError if it is not sealed, or cannot be made."""
    builder = Builder(sandbox, interpreter, limits, parallel)
    with scratch_folder("proof") as folder:
        builder.prove(folder)
    return builder


def _builder_in_image(target: Target, location: BuildLocation, image: str, parallel: int) -> Builder:
    """A proved builder in a container of an image, under an interpreter of that image. Raises MachineError."""
    sandbox = Container(image, location.engine)
    interpreter = _interpreter_in(sandbox, target, image)
    try:
        return proved_builder(sandbox, interpreter, location.limits, parallel)
    except MachineError as error:
        raise MachineError(f"the container of `{image}` is not sealed: {error}") from error


def _interpreter_in(sandbox: Sandbox, target: Target, image: str) -> Interpreter:
    """The first interpreter of an image that fits a target, of three names. Raises NoInterpreterError with the reason of each
    that does not.
    """
    reasons: dict[str, str] = {}
    for name in (f"python{target.python.minor}", "python3", "python"):
        try:
            interpreter = _facts_in(sandbox, name)
        except WheelhouseError as error:
            reasons[name] = " ".join((str(error), *error.details))
            continue
        reason = unfit(interpreter.target, target)
        if reason is None:
            return Interpreter(interpreter.path, (), interpreter.target)
        reasons[name] = reason
    raise NoInterpreterError(
        f"the image `{image}` has no interpreter that builds for {target.name}",
        hint=f"name an image that has Python {target.python.minor}: --in-image python:{target.python.minor}",
        details=tuple(f"{name}: {reason}" for name, reason in reasons.items()),
    )


def _facts_in(sandbox: Sandbox, name: str) -> Interpreter:
    """The interpreter that a sandbox has under a name; a script that runs in it tells its facts. Raises MachineError if it
    does not, and InputError if no target describes them.
    """
    with scratch_folder("facts") as folder:
        answer = folder / "answer"
        script = f"{HERE}/facts.py"
        command = SandboxCommand([name, "-I", "-S", "-B", script], {"PATH": SYSTEM_PATH}, {script: FACTS}, Limits())
        result = run_in(sandbox, command, answer)
        return interpreter_of(read_facts(answer.read_bytes(), name, result.code, result.log))
