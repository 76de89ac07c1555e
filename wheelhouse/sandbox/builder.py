"""Where sdists are built: a room, and the interpreter in it. The room is proved before it is used."""

import json
import re
import secrets
import socket
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pyproject_hooks._in_process import _in_proc_script_path

from wheelhouse.archive.build_system import BuildSystem
from wheelhouse.errors import BuildError, MachineError, WheelhouseError
from wheelhouse.sandbox import inside
from wheelhouse.sandbox.sandbox import HERE, SYSTEM_PATH, WORK, Limits, Sandbox, SandboxCommand, SandboxResult
from wheelhouse.sandbox.seals import bubblewrap, docker, unsealed, unshare
from wheelhouse.target.interpreters import SCRIPT as FACTS
from wheelhouse.target.interpreters import (
    Interpreter,
    InterpreterPlaces,
    find_interpreter,
    interpreter_of,
    read_facts,
    unfit,
)
from wheelhouse.target.target import Target

INSIDE = Path(inside.__file__)
ENVIRONMENT, HOOKS, SCRIPT = f"{HERE}/env", f"{HERE}/hooks.py", f"{HERE}/inside.py"
NOWHERE = ("192.0.2.1", 80)
"""An address that is never given to anyone (RFC 5737): a machine with a route to it has a route to all others."""
WHEEL_NAME = re.compile(r"[\w.+!-]{1,251}\.whl", re.ASCII)
"""What every file system takes for one: at most 255 bytes. What it states is looked at afterwards."""
SEALS = (bubblewrap, unshare)


@dataclass(frozen=True, slots=True)
class BuildLocation:
    """Where the user wants builds to run: `named` interpreters, else those of `places`; in an `image`; `unsealed`.

    `engine` is the environment that the container engine's client runs in.
    """

    places: InterpreterPlaces
    named: Sequence[Path] = ()
    image: str | None = None
    unsealed: bool = False
    engine: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default=Limits())


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One hook of one sdist: the environment that it runs in, and SOURCE_DATE_EPOCH, in seconds."""

    sdist: Path
    system: BuildSystem
    environment: Path
    epoch: int


class Builder:
    """A room with an interpreter in it. At most `hands` builds run in it at once."""

    def __init__(self, room: Sandbox, interpreter: Interpreter, limits: Limits, hands: int) -> None:
        self.room, self.interpreter = room, interpreter
        self.limits = limits
        self._hands = threading.BoundedSemaphore(hands)

    def where_environment(self, folder: Path) -> str:
        """Where an environment that lies in `folder` is for those inside."""
        return self.room.path(ENVIRONMENT, folder)

    def requires(self, asked: BuildRequest) -> tuple[tuple[str, ...], bytes]:
        """What the backend asks for beside what is declared, and the log. Raises BuildError."""
        with tempfile.TemporaryDirectory(prefix="wheelhouse-answer-") as folder:
            answer = Path(folder, "answer")
            told, log = self._ask("requires", asked, answer)
            listed = told.get("requires")
            if not isinstance(listed, list):
                raise BuildError("its backend does not answer as PEP 517 has it", log=log)
            return tuple(map(str, listed)), log

    def wheel(self, asked: BuildRequest, folder: Path) -> tuple[Path, bytes]:
        """The wheel, in `folder` under its own name, and the log. Raises BuildError."""
        answer = folder / "answer"
        told, log = self._ask("wheel", asked, answer)
        name = str(told.get("wheel"))
        if not WHEEL_NAME.fullmatch(name):
            raise BuildError(f"its backend names the wheel `{name[:80]!a}`", log=log)
        final = folder / name
        with answer.open("rb") as reader, final.open("wb") as writer:
            reader.readline()
            while block := reader.read(1 << 20):
                writer.write(block)
        answer.unlink()
        return final, log

    def _ask(self, hook: str, asked: BuildRequest, answer: Path) -> tuple[dict[str, Any], bytes]:
        path = self.room.path
        sdist = f"{HERE}/{asked.sdist.name}"
        shown = {ENVIRONMENT: asked.environment, sdist: asked.sdist, HOOKS: hooks_script(), SCRIPT: INSIDE}
        environment = path(ENVIRONMENT, asked.environment)
        order = {
            "hook": hook,
            "sdist": sdist,
            "backend": asked.system.backend,
            "backend_path": list(asked.system.backend_path),
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
            "SOURCE_DATE_EPOCH": str(asked.epoch),
        }
        with self._hands:
            outcome = self._run(order, variables, shown, answer)
        if outcome.code != 0 or outcome.stopped:
            raise BuildError(outcome.stopped or f"its build ended with code {outcome.code}", log=outcome.log)
        return _first_line(answer, outcome.log), outcome.log

    def _run(
        self, order: Mapping[str, Any], variables: Mapping[str, str], shown: Mapping[str, Path], answer: Path
    ) -> SandboxResult:
        command = [str(self.interpreter.path), "-I", SCRIPT, json.dumps(order)]
        return self.room.run(
            SandboxCommand(command, variables, self.interpreter.shown | dict(shown), self.limits), answer
        )

    def prove(self, folder: Path) -> None:
        """Raise MachineError where the room shows, reaches or lets write what it must not, or cannot be made at all.

        A server that answers on this machine, and a file that lies beside the room, must not be found from inside.
        """
        canary = folder / f"canary-{secrets.token_hex(8)}"
        canary.write_text("not to be seen", encoding="utf-8")
        with socket.create_server(("127.0.0.1", 0)) as server:
            order = {
                "hook": "prove",
                "addresses": [list(server.getsockname()), list(NOWHERE)],
                "unseen": [str(canary), str(folder)],
                "readonly": ["/", "/usr", "/etc", "/dev", HERE, *self.interpreter.shown],
                "work": WORK,
            }
            answer = folder / "proof"
            outcome = self._run(order, {"PATH": SYSTEM_PATH}, {SCRIPT: INSIDE}, answer)
        if outcome.code != 0 or outcome.stopped:
            lines = outcome.log.decode("utf-8", "replace").strip().splitlines()
            raise MachineError(lines[-1] if lines else outcome.stopped or f"it ended with code {outcome.code}")
        _must_hold(json.loads(answer.read_bytes()))


def _must_hold(proof: Mapping[str, Any]) -> None:
    leaks = [f"it has the network device {name}" for name in proof["devices"] if name != "lo"]
    leaks += [f"it reaches {address[0]}" for address in proof["reached"]]
    leaks += [f"it sees {path}" for path in proof["seen"]]
    leaks += [f"it can write to {path}" for path in proof["written"]]
    leaks += [] if proof["works"] else ["its own folder cannot be written to"]
    if leaks:
        raise MachineError("; ".join(leaks))


def _first_line(answer: Path, log: bytes) -> dict[str, Any]:
    try:
        with answer.open("rb") as file:
            told = json.loads(file.readline(1 << 20))
    except (ValueError, RecursionError) as error:
        raise BuildError("its build gave no answer that can be read", log=log) from error
    if not isinstance(told, dict):
        raise BuildError("its build gave no answer that can be read", log=log)
    return told


def hooks_script() -> Path:
    """pyproject_hooks' script that calls a hook, which runs alone, under any Python since 3.6."""
    with _in_proc_script_path() as path:  # type: ignore[no-untyped-call]
        return Path(path)


def open_builder(target: Target, where: BuildLocation, hands: int) -> Builder:
    """A bench to build for a target on, proved. Raises MachineError where there is no interpreter, or no room can be sealed."""
    if where.image:
        return _in_image(target, where, where.image, hands)
    interpreter = find_interpreter(target, where.named, where.places)
    if where.unsealed:
        return Builder(Sandbox("", unsealed), interpreter, where.limits, hands)
    try:
        return sealed_builder(interpreter, where.limits, hands)
    except MachineError as error:
        raise MachineError(
            f"{error}, so nothing is built",
            hint="install bubblewrap, permit user namespaces, build in a container with --in-image IMAGE, or accept that "
            "the builds see this machine and its network: --unsealed",
            details=error.details,
        ) from error


def sealed_builder(interpreter: Interpreter, limits: Limits, hands: int) -> Builder:
    """A proved bench in whichever kind of room this machine permits. Raises MachineError saying why there is none."""
    reasons: list[str] = []
    for seal in SEALS:
        bench = Builder(Sandbox(seal.__name__, seal), interpreter, limits, hands)
        try:
            _proved(bench)
        except MachineError as error:
            reasons.append(f"{seal.__name__}: {error}")
        else:
            return bench
    raise MachineError("no room can be sealed on this machine", details=tuple(reasons))


def _proved(bench: Builder) -> None:
    with tempfile.TemporaryDirectory(prefix="wheelhouse-proof-") as folder:
        bench.prove(Path(folder))


def _in_image(target: Target, where: BuildLocation, image: str, hands: int) -> Builder:
    room = Sandbox(f"docker {image}", partial(docker, image, where.engine))
    interpreter = _interpreter_in(room, target, image)
    bench = Builder(room, interpreter, where.limits, hands)
    try:
        _proved(bench)
    except MachineError as error:
        raise MachineError(f"the container of `{image}` is not sealed: {error}") from error
    return bench


def _interpreter_in(room: Sandbox, target: Target, image: str) -> Interpreter:
    reasons: dict[str, str] = {}
    for name in (f"python{target.python.minor}", "python3", "python"):
        try:
            found = _facts_in(room, name)
        except WheelhouseError as error:
            reasons[name] = " ".join((str(error), *error.details))
            continue
        reason = unfit(found.target, target)
        if reason is None:
            return Interpreter(found.path, (), found.target)
        reasons[name] = reason
    raise MachineError(
        f"the image `{image}` has no interpreter that builds for {target.name}",
        hint=f"name an image that has Python {target.python.minor}: --in-image python:{target.python.minor}",
        details=tuple(f"{name}: {reason}" for name, reason in reasons.items()),
    )


def _facts_in(room: Sandbox, name: str) -> Interpreter:
    with tempfile.TemporaryDirectory(prefix="wheelhouse-facts-") as folder:
        answer = Path(folder, "answer")
        place = f"{HERE}/facts.py"
        order = SandboxCommand([name, "-I", "-S", "-B", place], {"PATH": SYSTEM_PATH}, {place: FACTS}, Limits())
        outcome = room.run(order, answer)
        return interpreter_of(read_facts(answer.read_bytes(), name, outcome.code, outcome.log))
