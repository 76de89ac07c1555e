"""Prove on this side of the gap that a house, or a staged folder, installs with no network: step by step, with the real parts."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wheelhouse.doors.bench import sealed_bench
from wheelhouse.doors.interpreter import Interpreter, Places, find_interpreter
from wheelhouse.doors.sandbox import Limits
from wheelhouse.errors import MachineError
from wheelhouse.events import Listener, ignore
from wheelhouse.model.closure import closure
from wheelhouse.model.lock import Lock
from wheelhouse.model.policy import Finding
from wheelhouse.model.rehearsal import Step
from wheelhouse.steps.scenes import HOUSE, Act, install_scene, perform, pip_install
from wheelhouse.steps.stage import verify_folder
from wheelhouse.steps.verify import Verdict

CLOSURE = ("closure", "unneeded")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants of a rehearsal: which interpreters, and which commands to see run in the end."""

    places: Places
    named: Sequence[Path] = ()
    runs: tuple[str, ...] = ()
    limits: Limits = field(default=Limits())


def rehearse(folder: Path, wanted: Wanted, on_event: Listener = ignore) -> Iterator[Step]:
    """Every step that applies, as it ends.

    Raises InputError for what is neither house nor staged folder, MachineError where no room can be sealed, or a named
    interpreter fits no target.
    """
    started = time.monotonic()
    verdict = verify_folder(folder, on_event)
    found = [finding for finding in verdict.findings if finding.rule not in CLOSURE]
    targets = ", ".join(lock.target.name for lock in verdict.house.locks)
    yield Step("files", targets, time.monotonic() - started, tuple(found))
    for lock in verdict.house.locks:
        yield _closure(lock, verdict)
    refusals: list[MachineError] = []
    for lock in verdict.house.locks:
        try:
            interpreter = find_interpreter(lock.target, wanted.named, wanted.places)
        except MachineError as error:
            refusals.append(error)
            yield Step("install", lock.target.name, skipped=str(error))
        else:
            yield from _installed(folder, lock, interpreter, found, wanted)
    if wanted.named and len(refusals) == len(verdict.house.locks):
        raise refusals[0]


def _closure(lock: Lock, verdict: Verdict) -> Step:
    started, target = time.monotonic(), lock.target.name
    files = {pin.project: pin.artifact.filename for pin in lock.pins}
    unread = sorted(filename for filename in files.values() if filename not in verdict.contents)
    if unread:
        return Step("closure", target, skipped=f"it takes every file, and {unread[0]} is not as locked")
    metadata = {project: verdict.contents[filename].metadata for project, filename in files.items()}
    findings = tuple(sorted(set(closure(lock, metadata))))
    return Step("closure", target, time.monotonic() - started, findings)


def _installed(
    folder: Path, lock: Lock, interpreter: Interpreter, found: Sequence[Finding], wanted: Wanted
) -> Iterator[Step]:
    bench = sealed_bench(interpreter, wanted.limits, 2)
    act = Act(lock, folder, HOUSE, bench, frozenset(finding.subject for finding in found), wanted.runs)
    yield from perform(install_scene(act, pip_install(act), {}), bench)
