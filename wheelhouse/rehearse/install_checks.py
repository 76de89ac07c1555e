"""The runs of a rehearsal: the commands of one sandbox, and what their results mean for a lock."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wheelhouse.airflow import Airflow
from wheelhouse.archive.build_system import build_system
from wheelhouse.archive.sdistfile import read_pyproject
from wheelhouse.documents import DocumentType
from wheelhouse.files.disk import read_text, sha256_of
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import BUILD, TOOLS
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
from wheelhouse.stage.airflow.script import base_commands, build_arguments_of, default_arguments, install_script
from wheelhouse.stage.destination import FOLDER
from wheelhouse.stage.plan import DEVELOPMENT_DOCKERFILE, FRAGMENT

PYTHON = f"{VENV}/bin/python"
WHEELHOUSE, CONTEXT = f"{HERE}/wheels", f"/{FOLDER}"
PRINT_PIP_VERSION = "import pip; print(pip.__version__)"
PIP_CHECK = (
    "import glob, os, runpy, sys; "
    f"sys.path[:0] = sorted(set(map(os.path.realpath, glob.glob('{VENV}/lib*/*/site-packages')))); "
    "sys.argv[1:] = ['check']; runpy.run_module('pip', None, '__main__', alter_sys=True)"
)
"""`pip check` without the `.pth` files and `sitecustomize` of packages, which could answer in its place."""


class _EnvironmentReport(msgspec.Struct, frozen=True):
    """What `inside_environment` prints: versions by distribution, and by distribution and module why it does not import."""

    installed: dict[str, str]
    failed: dict[str, dict[str, str]]


_report_type = DocumentType(_EnvironmentReport)


@dataclass(frozen=True, slots=True)
class InstallContext:
    """One target's rehearsal: its lock, the folder of its files, the path of that folder inside, the builder.

    `known` has the subjects of earlier findings, `runs` the user's own commands to run last. An image build chooses the versions
    of the projects in `free`; `pip` is the version that it takes, if not the interpreter's own. `only_here` has the findings on the
    lock's closure that appear only under this interpreter.
    """

    lock: Lock
    folder: Path
    place: str
    builder: Builder
    known: frozenset[str]
    runs: tuple[str, ...] = ()
    free: frozenset[str] = frozenset()
    pip: str | None = None
    only_here: tuple[Finding, ...] = ()

    @property
    def requirements(self) -> str:
        """The path, inside the sandbox, of the hash-pinned requirements of the target."""
        return f"{self.place}/{self.lock.requirements_filename}"

    @property
    def links(self) -> list[str]:
        """The --find-links options: the folder; if the lock has sdists, also the folders with build requirements that are there."""
        inner = [f"{self.place}/{name}" for name in (TOOLS, BUILD) if (self.folder / name).is_dir()]
        sdists = any(not artifact.is_wheel for artifact in self.lock.artifacts)
        return [word for place in (self.place, *(inner if sdists else ())) for word in ("--find-links", place)]

    @property
    def constraints(self) -> str | None:
        """The name of the constraints file in the folder; None if there is none."""
        names = (self.lock.constraints_filename, constraints_name(self.lock))
        return next((name for name in names if (self.folder / name).is_file()), None)

    @property
    def under(self) -> str:
        """The interpreter, in words."""
        return self.builder.interpreter.described

    def step(self, result: CommandResult, findings: tuple[Finding, ...] = (), note: str = "") -> Step:
        """The step of one command of this target, with these findings."""
        return Step(result.name, self.lock.target.name, result.seconds, findings, note=note)

    def new_findings(self, result: CommandResult, causes: Iterable[Finding] = ()) -> tuple[Finding, ...]:
        """The findings of a failed command, without those on known subjects; empty if the command succeeded.

        They are `causes` if there are any, else what its output shows, for each subject the last one. If all subjects are
        known, one finding says that the command fails because of them.
        """
        if result.code == 0:
            return ()
        by_subject = {finding.subject: finding for finding in causes} or {
            finding.subject: finding for finding in explained(result.output, self.lock, result.name)
        }
        unknown = [finding for subject, finding in by_subject.items() if subject not in self.known]
        stops = error(self.lock.filename, "command", case="known", command=result.name)
        return tuple(unknown) or (stops,)


@dataclass(frozen=True, slots=True)
class SandboxRun:
    """Commands of one sandbox, the files shown to them, and a function from results by name to steps."""

    commands: tuple[InstallCommand, ...]
    shown: Mapping[str, Path]
    steps: Callable[[Mapping[str, CommandResult]], Iterator[Step]]


def perform(sandbox_run: SandboxRun, builder: Builder) -> Iterator[Step]:
    """Run the commands, up to a vital one that fails, and then return their steps.

    Raises MachineError if the sandbox cannot be made.
    """
    results = {result.name: result for result in run_commands(builder, sandbox_run.commands, sandbox_run.shown)}
    return sandbox_run.steps(results)


def install_run(context: InstallContext, install: InstallCommand) -> SandboxRun:
    """The run that makes a new virtual environment, installs everything by one command, checks the result, and runs the user's commands.

    Nothing runs yet.
    """
    commands = (
        InstallCommand("environment", (str(context.builder.interpreter.path), "-I", "-m", "venv", VENV), vital=True),
        InstallCommand("pip", (PYTHON, "-I", "-c", PRINT_PIP_VERSION), vital=True),
        install,
        InstallCommand("check", (PYTHON, "-I", "-S", "-c", PIP_CHECK)),
        InstallCommand("import", (PYTHON, "-I", "-S", CHECK_SCRIPT, VENV)),
        *(InstallCommand(f"run {text}", ("sh", "-c", text)) for text in context.runs),
    )
    return SandboxRun(
        commands, {context.place: context.folder}, lambda results: _installed(context, install.name, results)
    )


def pip_install(context: InstallContext) -> InstallCommand:
    """The pip command that a user types to install a wheelhouse by its requirements; with `--no-deps` if the lock overrides metadata."""
    words = ["--no-index", *context.links, "--require-hashes", "--no-cache-dir"]
    words += ["--no-deps"] if overrides_metadata(context.lock) else []
    return InstallCommand("install", (PYTHON, "-m", "pip", "install", *words, "-r", context.requirements), vital=True)


def overrides_metadata(lock: Lock) -> bool:
    """Whether a lock may differ from its files' metadata: by an override, an exclusion, or as a given lock."""
    inputs = lock.inputs
    return bool(inputs.overrides or inputs.excluded or inputs.given_sha256)


def fragment_install(context: InstallContext) -> InstallCommand:
    """The install command in the Dockerfile fragment of a folder of layout flat, to be run by `sh`.

    A command that does nothing if the fragment has no such line. Raises InputError if it cannot be read.
    """
    text = read_text(context.folder / FRAGMENT, "the fragment")
    run = text.partition(f"target=/{FOLDER} \\\n")[2]
    return InstallCommand("install", ("sh", "-c", run), {"PIP_OPTIONS": ""}, vital=True)


def airflow_arguments(folder: Path) -> dict[str, str]:
    """The build arguments in `build.args` of a staged folder, by name. Raises InputError if it cannot be read."""
    return build_arguments_of(read_text(folder / BUILD_ARGS, "the build arguments"))


def airflow_install(context: InstallContext, airflow: Airflow, arguments: Mapping[str, str]) -> InstallCommand:
    """The install steps of an Airflow release's image build as one command, in their order.

    With the commands and settings of the folder's Dockerfile for the base, if any. The settings count before `arguments`,
    and these before the defaults.
    """
    files = [context.folder / name for name in (BASE_DOCKERFILE, DEVELOPMENT_DOCKERFILE)]
    dockerfile = next((read_text(path, "the Dockerfile") for path in files if path.is_file()), "")
    runs, settings = base_commands(dockerfile, context.place)
    own = {"VIRTUAL_ENV": VENV, "UV_PYTHON": f"{VENV}/bin/python", "SLUGIFY_USES_TEXT_UNIDECODE": "yes"}
    script = install_script(airflow.final, context.place, runs)
    return InstallCommand(
        "install",
        ("bash", "-c", script),
        {**default_arguments(airflow.final), **arguments, **settings, **own},
        vital=True,
    )


def _installed(context: InstallContext, name: str, results: Mapping[str, CommandResult]) -> Iterator[Step]:
    """The steps of an install, and of the checks that follow it, from the results of their commands.

    Only the step of the environment, or of its pip, if that command failed.
    """
    if name not in results:
        failed = results.get("pip") or results["environment"]
        output = last_words(failed.output)
        yield context.step(failed, (error(context.lock.target.name, "environment", output=output),))
        return
    pip = context.pip or results["pip"].output.strip()
    causes = _known_causes(context, pip) if results[name].code else ()
    findings = context.new_findings(results[name], causes) or tuple(
        install_findings(results[name].output, context.lock, context.free | IN_EVERY_ENVIRONMENT)
    )
    yield context.step(results[name], findings, f"pip {pip}, {context.under}")
    if "check" in results:
        yield from environment_findings(context, results)


def _interpreter_differences(context: InstallContext) -> Iterator[Finding]:
    """The findings of `only_here` that are errors, with both Python versions, and `-here` at the end of their case."""
    target, here = context.lock.target, context.builder.interpreter.target
    pythons = {"python": str(target.python.version), "here": str(here.python.version)}
    for finding in context.only_here:
        if finding.severity >= Severity.ERROR:
            facts = dict(finding.facts)
            yield error(finding.subject, finding.rule, **{**facts, **pythons, "case": f"{facts['case']}-here"})


def _known_causes(context: InstallContext, pip: str) -> Iterator[Finding]:
    """Why an install must have failed, from the files and the lock alone: tags newer than pip, another Python, no build requirements."""
    yield from unseen_by(pip, context.lock, "tools" if context.pip else "interpreter")
    yield from _interpreter_differences(context)
    yield from without_builders(context.lock, context.folder)


def without_builders(lock: Lock, folder: Path) -> Iterator[Finding]:
    """A finding for each sdist in a wheelhouse or staged folder whose build requirements pip cannot find there. A missing or
    altered sdist is left out.

    Raises IntegrityError for an sdist whose pyproject.toml cannot be used.
    """
    places = [folder, *(folder / name for name in (TOOLS, BUILD) if (folder / name).is_dir())]
    seen = [path.name for place in places for path in place.iterdir()]
    for pin in lock.pins:
        sdist = pin.artifact.filename
        path = folder / sdist
        if not pin.artifact.is_wheel and path.is_file() and sha256_of(path) == pin.artifact.sha256:
            system = build_system(read_pyproject(path, sdist), sdist)
            yield from without_builder(sdist, system, seen, lock.target)


def environment_findings(context: InstallContext, results: Mapping[str, CommandResult]) -> Iterator[Step]:
    """The steps of `pip check`, of the environment check, and of the user's own commands that ran, from their results.

    `pip check` must have a result; if the environment check has none, the one step says that nothing was inspected.
    """
    if "import" not in results:  # the sandbox ended during `pip check`
        yield context.step(results["check"], (_unchecked(context, results["check"]),))
        return
    yield context.step(results["check"], _pip_check_findings(context, results["check"]))
    check = results["import"]
    try:
        report = _report_type.from_json(check.output.splitlines()[-1])
    except (IndexError, ValueError):
        yield context.step(check, (_unchecked(context, check),))
    else:
        different = differently_installed(context.lock, report.installed, context.free)
        yield context.step(check, (*different, *not_imported(context.lock, report.failed, context.under)))
    for text in context.runs:
        if result := results.get(f"run {text}"):
            yield context.step(
                result, _run_findings(context, text, result), last_words(result.output) if result.code == 0 else ""
            )


def _unchecked(context: InstallContext, check: CommandResult) -> Finding:
    """The finding for an installed environment that could not be inspected."""
    return error(context.lock.filename, "import", case="unchecked", output=last_words(check.output))


def _pip_check_findings(context: InstallContext, result: CommandResult) -> tuple[Finding, ...]:
    """A finding for each line of a failed `pip check` about a requirement; if there is none, one with the last words of its output.
    Empty if it passed.

    They are only warnings if the lock differs from its files' metadata on purpose.
    """
    if result.code == 0:
        return ()
    lines = [line for line in result.output.splitlines() if " has requirement " in line or " requires " in line]
    intended = overrides_metadata(context.lock)
    severity, case = (Severity.WARNING, "intended") if intended else (Severity.ERROR, "broken")
    return tuple(
        Finding.of(line.partition(" ")[0], "check", severity, case=case, line=line)
        for line in lines or [last_words(result.output)]
    )


def _run_findings(context: InstallContext, text: str, result: CommandResult) -> tuple[Finding, ...]:
    """A finding if the user's own command failed in the environment; else empty."""
    if result.code == 0:
        return ()
    output, code = last_words(result.output), result.code
    return (error(context.lock.filename, "run", case="environment", command=text, code=code, output=output),)
