"""The scenes of a rehearsal: what is run in one sealed room, and what its outcome means for a lock."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import Version

from wheelhouse.archive.build_system import build_system
from wheelhouse.archive.sdistfile import read_pyproject
from wheelhouse.files.disk import read_text
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import BUILD
from wheelhouse.rehearse.install_errors import explained, install_findings, last_words, unseen_by
from wheelhouse.rehearse.rehearsal import (
    IN_EVERY_ENVIRONMENT,
    Step,
    differently_installed,
    error,
    not_imported,
    without_builder,
)
from wheelhouse.sandbox.builder import Builder
from wheelhouse.sandbox.commands import CHECK_SCRIPT, VENV, CommandResult, InstallCommand, run_commands
from wheelhouse.sandbox.sandbox import HERE
from wheelhouse.stage.airflow.airflow_layout import BUILD_ARGS
from wheelhouse.stage.airflow.arguments import constraints_name
from wheelhouse.stage.airflow.image_settings import BASE_DOCKERFILE
from wheelhouse.stage.airflow.script import base_image, build_arguments_of, default_arguments, install_script
from wheelhouse.stage.destination import FOLDER
from wheelhouse.stage.layout import FRAGMENT, TOOLS

PYTHON = f"{VENV}/bin/python"
HOUSE, CONTEXT = f"{HERE}/house", f"/{FOLDER}"
SPEAK = "import pip; print(pip.__version__)"


@dataclass(frozen=True, slots=True)
class InstallContext:
    """What is rehearsed for one target: its lock, the folder of its files and where that is inside, the room.

    `known` are the subjects of what is said already, `runs` the commands that the user wants to see run in the end. Of the
    projects in `free`, a build decides the version itself; `pip` is the one that it takes, where that is not the interpreter's own.
    `strange` is what the lock lacks, or has too much, under this very interpreter.
    """

    lock: Lock
    folder: Path
    place: str
    builder: Builder
    known: frozenset[str]
    runs: tuple[str, ...] = ()
    free: frozenset[str] = frozenset()
    pip: str | None = None
    strange: tuple[Finding, ...] = ()

    @property
    def requirements(self) -> str:
        """The hash-pinned requirements of the target, inside."""
        return f"{self.place}/{self.lock.requirements_filename}"

    @property
    def links(self) -> list[str]:
        """Where an installer looks for files: in the folder, and where what its sdists are built with lies."""
        inner = [f"{self.place}/{name}" for name in (TOOLS, BUILD) if (self.folder / name).is_dir()]
        sdists = any(not artifact.is_wheel for artifact in self.lock.artifacts)
        return [word for place in (self.place, *(inner if sdists else ())) for word in ("--find-links", place)]

    @property
    def constraints(self) -> str | None:
        """The file of constraints in the folder, if there is one."""
        names = (self.lock.constraints_filename, constraints_name(self.lock))
        return next((name for name in names if (self.folder / name).is_file()), None)

    @property
    def under(self) -> str:
        """The interpreter, in words."""
        return self.builder.interpreter.described

    def step(self, ran: CommandResult, findings: tuple[Finding, ...] = (), note: str = "") -> Step:
        """The step that a command was."""
        return Step(ran.name, self.lock.target.name, ran.seconds, findings, note=note)

    def complaints(self, ran: CommandResult, more: Iterable[Finding] = ()) -> tuple[Finding, ...]:
        """What a failed command's words mean, without what was said already."""
        if ran.code == 0:
            return ()
        found = {finding.subject: finding for finding in more} or {
            finding.subject: finding for finding in explained(ran.output, self.lock, ran.name)
        }
        unknown = [finding for subject, finding in found.items() if subject not in self.known]
        stops = error(self.lock.filename, "command", f"`{ran.name}` stops over what is said above")
        return tuple(unknown) or (stops,)


@dataclass(frozen=True, slots=True)
class SandboxRun:
    """Commands in one room, what it shows them, and the steps that they were once they ran, by name."""

    commands: tuple[InstallCommand, ...]
    shown: Mapping[str, Path]
    steps: Callable[[Mapping[str, CommandResult]], Iterator[Step]]


def perform(scene: SandboxRun, builder: Builder) -> Iterator[Step]:
    """Run a scene. Raises MachineError where its room cannot be had."""
    ran = {one.name: one for one in run_commands(builder, scene.commands, scene.shown)}
    return scene.steps(ran)


def install_run(act: InstallContext, install: InstallCommand) -> SandboxRun:
    """A fresh virtual environment, one command that installs everything, and a look at what came of it."""
    commands = (
        InstallCommand("environment", (str(act.builder.interpreter.path), "-I", "-m", "venv", VENV), vital=True),
        InstallCommand("pip", (PYTHON, "-I", "-c", SPEAK), vital=True),
        install,
        InstallCommand("check", (PYTHON, "-I", "-m", "pip", "check")),
        InstallCommand("import", (PYTHON, "-I", CHECK_SCRIPT)),
        *(InstallCommand(f"run {text}", ("sh", "-c", text)) for text in act.runs),
    )
    return SandboxRun(commands, {act.place: act.folder}, lambda ran: _installed(act, install.name, ran))


def pip_install(act: InstallContext) -> InstallCommand:
    """What a user types to install a house."""
    words = ["--no-index", *act.links, "--require-hashes", "--no-cache-dir"]
    words += ["--no-deps"] if decides_alone(act.lock) else []
    return InstallCommand("install", (PYTHON, "-m", "pip", "install", *words, "-r", act.requirements), vital=True)


def decides_alone(lock: Lock) -> bool:
    """Whether a lock says otherwise than its files' own metadata: by an override, an exclusion, or as a lock that was given."""
    inputs = lock.inputs
    return bool(inputs.overrides or inputs.excluded or inputs.given_sha256)


def fragment_install(act: InstallContext) -> InstallCommand:
    """What a folder of layout flat says itself, in its Dockerfile fragment."""
    text = read_text(act.folder / FRAGMENT, "the fragment")
    run = text.partition(f"target=/{FOLDER} \\\n")[2]
    return InstallCommand("install", ("sh", "-c", run), {"PIP_OPTIONS": ""}, vital=True)


def airflow_arguments(folder: Path) -> dict[str, str]:
    """The build arguments that were staged."""
    return build_arguments_of(read_text(folder / BUILD_ARGS, "the build arguments"))


def airflow_install(act: InstallContext, release: Version, arguments: Mapping[str, str]) -> InstallCommand:
    """What the image build of an Airflow release takes with a folder, in its own order."""
    dockerfile = act.folder / BASE_DOCKERFILE
    runs, settings = base_image(read_text(dockerfile, "the Dockerfile") if dockerfile.is_file() else "", act.place)
    own = {"VIRTUAL_ENV": VENV, "UV_PYTHON": f"{VENV}/bin/python", "SLUGIFY_USES_TEXT_UNIDECODE": "yes"}
    script = install_script(release, act.place, runs)
    return InstallCommand(
        "install", ("bash", "-c", script), {**default_arguments(release), **arguments, **settings, **own}, vital=True
    )


def _installed(act: InstallContext, name: str, ran: Mapping[str, CommandResult]) -> Iterator[Step]:
    if "pip" not in ran:
        sentence = f"no virtual environment can be made: {last_words(ran['environment'].output)}"
        hint = "install what this Python lacks (Debian: python3-venv), or name another with --interpreter"
        yield act.step(ran["environment"], (error(act.lock.target.name, "environment", sentence, hint),))
        return
    pip = act.pip or ran["pip"].output.strip()
    foreseen = _foreseen(act, pip) if ran[name].code else ()
    said = act.complaints(ran[name], foreseen) or tuple(
        install_findings(ran[name].output, act.lock, act.free | IN_EVERY_ENVIRONMENT)
    )
    yield act.step(ran[name], said, f"pip {pip}, {act.under}")
    if "import" in ran:
        yield from environment_findings(act, ran)


def _otherwise_here(act: InstallContext) -> Iterator[Finding]:
    """What this very interpreter asks for, and its target does not."""
    target, here = act.lock.target, act.builder.interpreter.target
    hint = (
        f"rehearse under Python {target.python.version}: --interpreter PATH; or fetch for Python {here.python.version}"
    )
    for finding in act.strange:
        if finding.severity >= Severity.ERROR:
            sentence = f"{finding.sentence}; the Python here is {here.python.version}, and the target's {target.python.version}"
            yield replace(finding, sentence=sentence, hint=hint)


def _foreseen(act: InstallContext, pip: str) -> Iterator[Finding]:
    """Why an install must have failed, as far as the files themselves tell: tags that are too new, sdists with no builder."""
    newer = (
        "fetch it into the house's tools/, and stage again"
        if act.pip
        else "the base image, and the Python here, must have it"
    )
    yield from unseen_by(pip, act.lock, newer)
    yield from _otherwise_here(act)
    yield from without_builders(act.lock, act.folder)


def without_builders(lock: Lock, folder: Path) -> Iterator[Finding]:
    """A finding for each sdist whose build requirements do not lie where pip looks for them, in a house or a staged folder."""
    places = [folder, *(folder / name for name in (TOOLS, BUILD) if (folder / name).is_dir())]
    seen = [path.name for place in places for path in place.iterdir()]
    for pin in lock.pins:
        sdist = pin.artifact.filename
        if not pin.artifact.is_wheel and (path := folder / sdist).is_file():
            system = build_system(read_pyproject(path, sdist), sdist)
            yield from without_builder(sdist, system, seen, lock.target)


def environment_findings(act: InstallContext, ran: Mapping[str, CommandResult]) -> Iterator[Step]:
    """What pip's own check, a look at the environment, and the user's own commands found."""
    yield act.step(ran["check"], _checked(act, ran["check"]))
    look = ran["import"]
    try:
        told = json.loads(look.output.splitlines()[-1])
    except (IndexError, ValueError):
        yield act.step(look, (error(act.lock.filename, "import", f"the look at it failed: {last_words(look.output)}"),))
    else:
        different = differently_installed(act.lock, told["installed"], act.free)
        yield act.step(look, (*different, *not_imported(act.lock, told["failed"], act.under)))
    for text in act.runs:
        if one := ran.get(f"run {text}"):
            yield act.step(one, _ended(act, text, one), last_words(one.output) if one.code == 0 else "")


def _checked(act: InstallContext, ran: CommandResult) -> tuple[Finding, ...]:
    """What `pip check` says; warnings, where the lock was meant to say otherwise than its files do."""
    if ran.code == 0:
        return ()
    lines = [line for line in ran.output.splitlines() if " has requirement " in line or " requires " in line]
    meant = decides_alone(act.lock)
    severity, hint = (
        (Severity.WARNING, "the lock was meant to say so") if meant else (Severity.ERROR, "fetch the house again")
    )
    return tuple(
        Finding(line.partition(" ")[0], "check", severity, f"pip check says: {line}", hint)
        for line in lines or [last_words(ran.output)]
    )


def _ended(act: InstallContext, text: str, ran: CommandResult) -> tuple[Finding, ...]:
    if ran.code == 0:
        return ()
    sentence = f"`{text}` ended with code {ran.code}: {last_words(ran.output)}"
    return (error(act.lock.filename, "run", sentence, "it ran in the environment that was installed, with no network"),)
