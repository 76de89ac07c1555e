"""Where foreign code can run here: the sandboxes, each proved sealed, and the container engines."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from wheelhouse.doctor.diagnosis import Check, State, Topic
from wheelhouse.errors import MachineError, WheelhouseError
from wheelhouse.sandbox.builder import HOST_SANDBOXES, proved_builder
from wheelhouse.sandbox.engine import PROBES, answering_engine
from wheelhouse.sandbox.sandbox import Limits, Sandbox
from wheelhouse.target.interpreters import Interpreter, facts_of, interpreter_of


def sandbox_checks() -> Iterator[Check]:
    """Each sandbox that wheelhouse can make on a host, started and proved as before a build. One is enough.

    Raises MachineError if the Python that runs wheelhouse cannot be run.
    """
    interpreter = interpreter_of(facts_of(Path(sys.executable)))
    yield from _alternatives([_sandbox_check(sandbox, interpreter) for sandbox in HOST_SANDBOXES])


def _alternatives(checks: Sequence[Check]) -> Iterator[Check]:
    """The checks of things of which one is enough. Each that is not GOOD gets the fact `has_another`: whether another one is GOOD."""
    has_one = any(check.state is State.GOOD for check in checks)
    for check in checks:
        yield check if check.state is State.GOOD else replace(check, facts={**check.facts, "has_another": has_one})


def _sandbox_check(sandbox: Sandbox, interpreter: Interpreter) -> Check:
    """GOOD with the protections of a sandbox, if it can be made and is proved sealed here; else MISSING with the reason."""
    try:
        builder = proved_builder(sandbox, interpreter, Limits(), 1)
    except WheelhouseError as error:
        return Check(Topic.SANDBOX, sandbox.name, State.MISSING, {"reason": str(error)})
    return Check(Topic.SANDBOX, sandbox.name, State.GOOD, {"holds": builder.protections})


def engine_checks(environment: Mapping[str, str]) -> Iterator[Check]:
    """Each container engine: GOOD if it answers, else MISSING. `environment` is that of its client. One is enough."""
    yield from _alternatives([_engine_check(name, environment) for name in PROBES])


def _engine_check(name: str, environment: Mapping[str, str]) -> Check:
    """GOOD with the path of the engine's program if the engine answers; else MISSING with the reason."""
    try:
        engine = answering_engine(name, environment)
    except MachineError as error:
        return Check(Topic.ENGINE, name, State.MISSING, {"reason": str(error)})
    return Check(Topic.ENGINE, name, State.GOOD, {"path": engine.program})
