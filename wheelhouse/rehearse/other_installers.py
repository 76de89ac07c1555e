"""The same files by other installers, and a second opinion on the lock: uv, pip by the pylock, pip-sync, pip-compile."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelhouse.files.disk import write
from wheelhouse.rehearse.install_checks import InstallContext, SandboxRun, overrides_metadata
from wheelhouse.rehearse.pip_compile_check import differences, requirements_text
from wheelhouse.rehearse.pip_tools import SYNCED, PipTools, PipToolsUnusableError, own_pip_tools, pip_tools_of
from wheelhouse.rehearse.rehearsal import Step
from wheelhouse.sandbox.commands import CommandResult, InstallCommand, own_pip
from wheelhouse.sandbox.sandbox import HERE, WORK

PYLOCK_SINCE = Version("26.1")
"""The first pip that installs from a pylock.toml."""
UV_SINCE = SpecifierSet(">=3.8")
UV, PIP, REQUIREMENTS_IN = f"{HERE}/uv", f"{HERE}/pip", f"{HERE}/requirements.in"
BARE, COMPILED = f"{WORK}/bare", f"{WORK}/compiled.txt"
BARE_ENVIRONMENT = "bare environment"
"""The name of the command that makes BARE, the environment of uv and pip."""


@dataclass(frozen=True, slots=True)
class InstallTools:
    """Further install tools: a uv, and a wheelhouse with another pip-tools than that installed beside wheelhouse."""

    uv: Path | None = None
    tools: Path | None = None


@dataclass(frozen=True, slots=True)
class InstallMethod:
    """Another way to install: its commands, of which the last is the step; or why it is skipped."""

    name: str
    commands: tuple[InstallCommand, ...] = ()
    skipped: str = ""
    note: str = ""


def other_installers_run(context: InstallContext, install_tools: InstallTools, scratch: Path) -> SandboxRun:
    """The run that tries the same files with uv, pip (a dry run by the pylock), pip-sync and pip-compile, which only resolves. A
    tool that cannot be used becomes a skipped step.

    Nothing runs yet, but `scratch`, an empty folder outside the sandbox, is filled. Raises InputError, IntegrityError or
    MachineError if the wheelhouse `tools` that the user names cannot be used.
    """
    shown = {context.place: context.folder}
    methods = [
        _by_uv(context, install_tools, shown),
        _by_pylock(context, shown),
        *_by_pip_tools(context, install_tools, shown, scratch),
    ]
    python = str(context.builder.interpreter.path)
    bare = InstallCommand(BARE_ENVIRONMENT, (python, "-I", "-m", "venv", "--without-pip", BARE), vital=True)
    commands = [bare, *(command for method in methods for command in method.commands)]
    return SandboxRun(tuple(commands), shown, lambda results: _steps(context, methods, results))


def _steps(
    context: InstallContext, methods: list[InstallMethod], results: Mapping[str, CommandResult]
) -> Iterator[Step]:
    """The step of each method, from the result of its last command; of pip-compile the differences from the lock.

    Skipped if it was not tried, or if that has no result: its environment could not be made, or the sandbox ended before it ran.
    """
    target, bare = context.lock.target.name, results.get(BARE_ENVIRONMENT)
    lost = "its environment could not be made" if bare and bare.code else "the sandbox ended before this step"
    for method in methods:
        if method.skipped or method.name not in results:
            yield Step(method.name, target, skipped=method.skipped or lost)
            continue
        result = results[method.name]
        findings = context.new_findings(result)
        if method.name == "pip-compile" and result.code == 0:
            findings = tuple(
                differences(context.lock, result.output, {finding.subject for finding in context.only_here})
            )
        yield context.step(result, findings, method.note)


def _by_uv(context: InstallContext, install_tools: InstallTools, shown: dict[str, Path]) -> InstallMethod:
    """The install of the same requirements by uv, which is added to `shown`; or why it is skipped."""
    if install_tools.uv is None:
        return InstallMethod("uv", skipped="uv is not installed here")
    if not context.builder.interpreter.target.allows(UV_SINCE):
        return InstallMethod("uv", skipped=f"uv does not install for Python {context.lock.target.python.minor}")
    shown[UV] = install_tools.uv
    words = ["--offline", "--no-index", "--no-config", "--no-cache", *context.links, "--require-hashes"]
    words += ["--no-deps"] if overrides_metadata(context.lock) else []
    command = (UV, "pip", "install", *words, "--python", f"{BARE}/bin/python", "-r", context.requirements)
    return InstallMethod("uv", (InstallCommand("uv", command),))


def _by_pylock(context: InstallContext, shown: dict[str, Path]) -> InstallMethod:
    """The install of the pylock by pip, as a dry run because the files were installed before; or why it is skipped. Adds pip to `shown`."""
    pip = own_pip()
    if pip.version < PYLOCK_SINCE or not context.builder.interpreter.target.allows(pip.requires_python):
        own = f"wheelhouse's own pip is {pip.version}"
        why = (
            f"{own}, but pip reads lock files since {PYLOCK_SINCE}"
            if pip.version < PYLOCK_SINCE
            else f"{own}, which needs Python {pip.requires_python}"
        )
        return InstallMethod("pylock", skipped=why)
    here, locked = context.builder.interpreter.target.python.version, context.lock.target.python.version
    if here != locked:
        return InstallMethod(
            "pylock",
            skipped=f"pip refuses the lock file: the lock file is for Python {locked}, but the Python here is {here}",
        )
    shown[PIP] = pip.folder
    words = ("install", "--dry-run", "--ignore-installed", "--no-index", "--no-cache-dir", *context.links)
    command = (f"{BARE}/bin/python", "-I", PIP, *words, "-r", f"{context.place}/{context.lock.filename}")
    return InstallMethod("pylock", (InstallCommand("pylock", command),), note=f"pip {pip.version}, a dry run")


def _by_pip_tools(
    context: InstallContext, install_tools: InstallTools, shown: dict[str, Path], scratch: Path
) -> Iterator[InstallMethod]:
    """pip-sync installs the lock's requirements, and pip-compile resolves them; or why both are skipped.

    Adds their files to `shown`. Raises what `_pip_tools` raises, except PipToolsUnusableError.
    """
    if overrides_metadata(context.lock):
        yield from _skipped(
            "pip's resolver cannot reproduce a lock file that has overrides, or that another tool wrote"
        )
        return
    try:
        pip_tools = _pip_tools(context, install_tools.tools, scratch)
    except PipToolsUnusableError as reason:
        minor, platform = context.lock.target.python.minor, context.lock.target.platform.tag
        fetch = f"wheelhouse fetch pip-tools --python {minor} --platform {platform} --dest rehearsal-tools"
        yield from _skipped(
            f"{reason}; to use another pip-tools, run `{fetch}`, then rehearse with --tools rehearsal-tools"
        )
        return
    shown |= pip_tools.shown
    note = f"pip-tools {pip_tools.version}"
    yield InstallMethod("pip-sync", _sync(context, pip_tools), note=note)
    yield InstallMethod("pip-compile", _compile(context, pip_tools, shown, scratch), note=f"{note}, {context.under}")


def _skipped(reason: str) -> Iterator[InstallMethod]:
    """pip-sync and pip-compile as skipped, with the reason."""
    yield from (InstallMethod(name, skipped=reason) for name in ("pip-sync", "pip-compile"))


def _pip_tools(context: InstallContext, tools: Path | None, scratch: Path) -> PipTools:
    """The pip-tools of the wheelhouse `tools`, or without it the one beside wheelhouse.

    Raises PipToolsUnusableError if the one beside wheelhouse cannot run under this interpreter; for `tools` InputError,
    IntegrityError or MachineError.
    """
    interpreter = context.builder.interpreter
    return pip_tools_of(tools, interpreter, scratch) if tools else own_pip_tools(interpreter)


def _sync(context: InstallContext, pip_tools: PipTools) -> tuple[InstallCommand, ...]:
    """The commands that make an environment, and let pip-sync fill it."""
    words = ("sync", "--no-index", *context.links, "--python-executable", f"{SYNCED}/bin/python", context.requirements)
    return (*pip_tools.make_synced, InstallCommand("pip-sync", (*pip_tools.argv, *words)))


def _compile(
    context: InstallContext, pip_tools: PipTools, shown: dict[str, Path], scratch: Path
) -> tuple[InstallCommand, ...]:
    """The command that runs pip-compile and prints its result; its input is written to `scratch`, and added to `shown`."""
    constraints = f"{context.place}/{context.constraints}" if context.constraints else None
    write(scratch, "requirements.in", requirements_text(context.lock, constraints))
    shown[REQUIREMENTS_IN] = scratch / "requirements.in"
    quiet = ("--no-header", "--no-annotate", "--strip-extras", "--allow-unsafe", "--resolver", "backtracking")
    words = ("compile", *quiet, *context.links, "--pip-args=--no-index", "-o", COMPILED, REQUIREMENTS_IN)
    script = f'"$@" >/dev/null && cat {COMPILED}'
    return (InstallCommand("pip-compile", ("sh", "-c", script, "sh", *pip_tools.argv, *words)),)
