"""Prove before the transfer that a wheelhouse or staged folder installs without network, step by step, with the real tools.

The commands of an install run one after another in one sandbox. At the same time, a second sandbox tries uv, pip-tools and the
pylock (as a dry run, because pip has already unpacked these files), so a rehearsal takes little longer than the install alone.
"""

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.airflow import Airflow
from wheelhouse.archive.metadata import Metadata
from wheelhouse.archive.waivers import NO_WAIVERS, Waivers
from wheelhouse.errors import MachineError
from wheelhouse.events import Listener, Noted, ignore
from wheelhouse.files.disk import must_be_readable, read_text
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.findings import Finding
from wheelhouse.humanize import counted
from wheelhouse.lock.lock import Lock
from wheelhouse.rehearse.image_build import Image, rehearse_image
from wheelhouse.rehearse.install_checks import (
    CONTEXT,
    WHEELHOUSE,
    InstallContext,
    SandboxRun,
    airflow_arguments,
    airflow_install,
    fragment_install,
    install_run,
    perform,
    pip_install,
    without_builders,
)
from wheelhouse.rehearse.other_installers import InstallTools, other_installers_run
from wheelhouse.rehearse.rehearsal import Step, error, installed_for
from wheelhouse.sandbox.builder import Builder, sealed_builder
from wheelhouse.sandbox.engine import find_engine
from wheelhouse.sandbox.sandbox import Limits
from wheelhouse.stage.airflow.arguments import constraints_name
from wheelhouse.stage.airflow.names import misnamed
from wheelhouse.stage.plan import FRAGMENT
from wheelhouse.stage.staged_folder import StagedFolder, verify_folder
from wheelhouse.target.interpreters import Interpreter, InterpreterPlaces, find_interpreter
from wheelhouse.target.target import Target
from wheelhouse.verify.closure import against_constraints, closure
from wheelhouse.verify.verify import Verdict

CLOSURE = ("closure", "unneeded")
LINUX = "Linux"
"""The system of the targets that a sandbox can be made for."""
OF_THE_IMAGE = frozenset({"pip", "setuptools", "wheel", "uv", "packaging"})
"""The projects whose versions an image build of Airflow chooses itself."""


@dataclass(frozen=True, slots=True)
class RehearsalOptions:
    """The user's options: interpreters, own commands to run last in `runs`, further install tools in `instruments`.

    With a base `image` or a `dockerfile`, a container engine builds an image; `engine` is the environment of its client.
    `waivers` are those of the policy.
    """

    places: InterpreterPlaces
    named: Sequence[Path] = ()
    runs: tuple[str, ...] = ()
    image: str | None = None
    dockerfile: Path | None = None
    engine: Mapping[str, str] = field(default_factory=dict)
    instruments: InstallTools = field(default=InstallTools())
    limits: Limits = field(default=Limits())
    waivers: Waivers = NO_WAIVERS


def rehearse(folder: Path, options: RehearsalOptions, on_event: Listener = ignore) -> Iterator[Step]:
    """Yields every step that applies, when it ends.

    Raises InputError if the folder is neither wheelhouse nor staged folder, or if the options do not fit it; IntegrityError
    for an sdist whose pyproject.toml cannot be used, and for altered `tools`; MachineError if no sandbox can be sealed, no
    container engine answers, or, after the last step, if no step failed and yet nothing was installed: no target has an
    interpreter here.
    """
    steps: list[Step] = []
    refusals: dict[Target, MachineError] = {}
    for step in _steps(folder, options, refusals, on_event):
        steps.append(step)
        yield step
    if not installed_for(steps) and not any(step.failed for step in steps):
        raise _nothing_installed(folder, refusals)


def _nothing_installed(folder: Path, refusals: Mapping[Target, MachineError]) -> MachineError:
    """The error, to be raised, of a rehearsal in which no target has an interpreter here, with the command that names one."""
    target = next((refused for refused in refusals if refused.platform.system == LINUX), next(iter(refusals)))
    more = f" and {counted(len(refusals) - 1, 'more target')}" if len(refusals) > 1 else ""
    command = f"wheelhouse rehearse {shlex.quote(str(folder))} --interpreter /path/to/{target.python.program}"
    return MachineError(
        f"nothing was installed: no interpreter was found for {target.name}{more}",
        hint=f"name an interpreter with the target's implementation, minor version and platform: `{command}`",
        details=tuple(dict.fromkeys(detail for refusal in refusals.values() for detail in refusal.details)),
    )


def _steps(
    folder: Path, options: RehearsalOptions, refusals: dict[Target, MachineError], on_event: Listener
) -> Iterator[Step]:
    """The steps of all targets: the files, the closure of each lock, the image if one is asked for, and the installs.

    The image is built for the first lock alone. Without an interpreter, a step `sdists` names
    those that cannot be built, if any.

    Why a target has no interpreter is added to `refusals`; its install is a skipped step.
    """
    started = time.monotonic()
    verdict, staged = verify_folder(folder, options.waivers, on_event)
    findings = [finding for finding in verdict.findings if finding.rule not in CLOSURE]
    targets = ", ".join(lock.target.name for lock in verdict.wheelhouse.locks)
    findings += _misplaced(folder, verdict, staged)
    yield Step("files", targets, time.monotonic() - started, tuple(findings))
    for lock in verdict.wheelhouse.locks:
        yield _closure(lock, verdict)
    if options.image or options.dockerfile:
        image = Image(options.image, options.dockerfile, options.runs)
        yield from rehearse_image(folder, verdict.wheelhouse.locks[0], staged, image, find_engine(options.engine))
    for lock in verdict.wheelhouse.locks:
        try:
            interpreter = find_interpreter(lock.target, options.named, options.places)
        except MachineError as error:
            refusals[lock.target] = error
            yield Step("install", lock.target.name, skipped=str(error))
            if unbuildable := tuple(without_builders(lock, folder)):
                yield Step("sdists", lock.target.name, findings=unbuildable)
        else:
            on_event(Noted(f"installing for {lock.target.name} under {interpreter.described}, with no network"))
            yield from _installed(folder, staged, lock, interpreter, verdict, findings, options)


def _misplaced(folder: Path, verdict: Verdict, staged: StagedFolder | None) -> Iterator[Finding]:
    """Findings for constraints that forbid pins of the lock (not with overrides), and for files of Airflow under a wrong name."""
    for lock in verdict.wheelhouse.locks:
        plan = staged.plan if staged else None
        name = constraints_name(lock) if plan and plan.release else lock.constraints_filename
        if (folder / name).is_file() and not lock.inputs.overrides:
            yield from against_constraints(lock, read_text(folder / name, "the constraints file"), name)
        if staged and plan and plan.release and plan.route:
            names = {artifact.filename: artifact.filename for artifact in lock.artifacts} | plan.renamed
            yield from misnamed(names, staged.inputs.airflow or Airflow.parse(plan.release), plan.route)


def _closure(lock: Lock, verdict: Verdict) -> Step:
    """The step that checks whether a lock's files satisfy each other; skipped if a file is not as locked.

    Raises InputError as `closure` does.
    """
    started, target = time.monotonic(), lock.target.name
    unread = sorted(pin.artifact.filename for pin in lock.pins if pin.artifact.filename not in verdict.contents)
    if unread:
        return Step(
            "closure", target, skipped=f"this check needs every file, but {unread[0]} differs from the lock file"
        )
    findings = tuple(sorted(set(closure(lock, _metadata(lock, verdict)))))
    return Step("closure", target, time.monotonic() - started, findings)


def _metadata(lock: Lock, verdict: Verdict) -> dict[NormalizedName, Metadata]:
    """The metadata of each project whose file was read, by project."""
    contents = verdict.contents
    return {pin.project: contents[name].metadata for pin in lock.pins if (name := pin.artifact.filename) in contents}


def _only_under(lock: Lock, verdict: Verdict, interpreter: Interpreter) -> tuple[Finding, ...]:
    """Closure findings that appear only under this interpreter: its patch release may differ from the target's.

    Empty if a file of the lock was not read.
    """
    metadata = _metadata(lock, verdict)
    if len(metadata) < len(lock.pins):
        return ()
    own = set(closure(replace(lock, target=interpreter.target), metadata))
    return tuple(sorted(own - set(closure(lock, metadata))))


def _installed(
    folder: Path,
    staged: StagedFolder | None,
    lock: Lock,
    interpreter: Interpreter,
    verdict: Verdict,
    findings: Sequence[Finding],
    options: RehearsalOptions,
) -> Iterator[Step]:
    """Install everything as the recipient of this folder will, and yield the steps. A wheelhouse and layout flat are also tried
    by other installers.

    `findings` are the earlier ones: a command that fails because of their subjects says only that. Raises MachineError if no
    sandbox can be sealed or root's files are unreadable to others, InputError if a file of the folder cannot be read.
    """
    must_be_readable(folder)
    builder = _open_builder(interpreter, options.limits)
    path_inside = CONTEXT if staged else WHEELHOUSE
    known = frozenset(finding.subject for finding in findings)
    context = InstallContext(
        lock, folder, path_inside, builder, known, options.runs, only_here=_only_under(lock, verdict, interpreter)
    )
    if staged and staged.plan.release:
        airflow = staged.inputs.airflow or Airflow.parse(staged.plan.release)
        arguments = airflow_arguments(folder)
        context = replace(context, free=OF_THE_IMAGE, pip=arguments.get(airflow.recipe.pip_argument))
        yield from perform(install_run(context, airflow_install(context, airflow, arguments)), builder)
    else:
        yield from _with_other_installers(
            install_run(context, fragment_install(context) if (folder / FRAGMENT).is_file() else pip_install(context)),
            context,
            options,
        )


def _open_builder(interpreter: Interpreter, limits: Limits) -> Builder:
    """A builder whose sandbox is sealed. Raises MachineError if there is none."""
    try:
        return sealed_builder(interpreter, limits, 2)
    except MachineError as error:
        hint = "install bubblewrap, or permit user namespaces"
        raise MachineError(f"{error}, so nothing is installed", hint=hint, details=error.details) from error


def _with_other_installers(first: SandboxRun, context: InstallContext, options: RehearsalOptions) -> Iterator[Step]:
    """The steps of the install, then those of other installers, which ran at the same time in another sandbox.

    If the install failed, the failed steps of the others only say that they also failed. Raises what `other_installers_run`
    raises, before anything runs, and MachineError if a sandbox cannot be made.
    """
    with scratch_folder("rehearsal") as scratch, ThreadPoolExecutor(1) as pool:
        second = other_installers_run(context, options.instruments, scratch)
        other_steps = pool.submit(lambda: list(perform(second, context.builder)))
        install_steps = list(perform(first, context.builder))
        yield from install_steps
        failed = any(step.failed for step in install_steps)
        yield from (
            _fails_as_well(step, context.lock) if failed and step.failed else step for step in other_steps.result()
        )


def _fails_as_well(step: Step, lock: Lock) -> Step:
    """A failed step with one finding in place of its own: it failed as pip's own install did, whose findings give the reason."""
    return replace(step, findings=(error(lock.filename, "command", case="also", command=step.name),))
