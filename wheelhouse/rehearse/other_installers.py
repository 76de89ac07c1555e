"""The same files by other installers, and a second opinion on the lock: uv, pip by the pylock, pip-sync, pip-compile."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelhouse.build.environment import make_environment
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.files.disk import has_locked_bytes, write
from wheelhouse.lock.lock import Lock
from wheelhouse.rehearse.install_checks import InstallContext, SandboxRun, overrides_metadata
from wheelhouse.rehearse.pip_compile_check import differences, question
from wheelhouse.rehearse.rehearsal import Step
from wheelhouse.sandbox.commands import CommandResult, InstallCommand, own_pip
from wheelhouse.sandbox.sandbox import HERE, WORK
from wheelhouse.target.interpreters import unfit
from wheelhouse.verify.verify import load_wheelhouse

PYLOCK_SINCE = Version("26.1")
"""The first pip that installs from a pylock.toml."""
UV_SINCE = SpecifierSet(">=3.8")
UV, PIP, TOOLS, TOOLBOX = f"{HERE}/uv", f"{HERE}/pip", f"{HERE}/tools", f"{HERE}/toolbox"
BARE, SYNCED, COMPILED = f"{WORK}/bare", f"{WORK}/synced", f"{WORK}/compiled.txt"
WANTED = f"{HERE}/wanted.in"
PIP_TOOLS = "pip-tools"


@dataclass(frozen=True, slots=True)
class InstallTools:
    """Further install tools: a uv, and a wheelhouse with pip-tools for the target's Python."""

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
    """Install the same files by every other tool that is available. `scratch` is an empty folder outside the sandbox."""
    shown = {context.place: context.folder}
    methods = [
        _by_uv(context, install_tools, shown),
        _by_pylock(context, shown),
        *_by_pip_tools(context, install_tools, shown, scratch),
    ]
    python = str(context.builder.interpreter.path)
    bare = InstallCommand("bare environment", (python, "-I", "-m", "venv", "--without-pip", BARE), vital=True)
    commands = [bare, *(command for method in methods for command in method.commands)]
    return SandboxRun(tuple(commands), shown, lambda results: _steps(context, methods, results))


def _steps(
    context: InstallContext, methods: list[InstallMethod], results: Mapping[str, CommandResult]
) -> Iterator[Step]:
    target = context.lock.target.name
    for method in methods:
        if method.skipped or method.name not in results:
            yield Step(method.name, target, skipped=method.skipped or "what it needs could not be made")
            continue
        result = results[method.name]
        findings = context.new_findings(result)
        if method.name == "pip-compile" and result.code == 0:
            findings = tuple(differences(context.lock, result.output, {finding.subject for finding in context.strange}))
        yield context.step(result, findings, method.note)


def _by_uv(context: InstallContext, install_tools: InstallTools, shown: dict[str, Path]) -> InstallMethod:
    if install_tools.uv is None:
        return InstallMethod("uv", skipped="no uv is installed here")
    if not context.builder.interpreter.target.allows(UV_SINCE):
        return InstallMethod("uv", skipped=f"uv does not install for Python {context.lock.target.python.minor}")
    shown[UV] = install_tools.uv
    words = ["--offline", "--no-index", "--no-config", "--no-cache", *context.links, "--require-hashes"]
    words += ["--no-deps"] if overrides_metadata(context.lock) else []
    command = (UV, "pip", "install", *words, "--python", f"{BARE}/bin/python", "-r", context.requirements)
    return InstallMethod("uv", (InstallCommand("uv", command),))


def _by_pylock(context: InstallContext, shown: dict[str, Path]) -> InstallMethod:
    """Pip reads the pylock, as a dry run: it has installed the same files already."""
    pip = own_pip()
    if pip.version < PYLOCK_SINCE or not context.builder.interpreter.target.allows(pip.requires_python):
        why = f"wheelhouse's own pip is {pip.version}, for Python {pip.requires_python}, and pip reads it since {PYLOCK_SINCE}"
        return InstallMethod("pylock", skipped=why)
    here, wanted = context.builder.interpreter.target.python.version, context.lock.target.python.version
    if here != wanted:
        return InstallMethod(
            "pylock", skipped=f"the lock is for Python {wanted}, and the Python here is {here}: pip refuses it"
        )
    shown[PIP] = pip.folder
    words = ("install", "--dry-run", "--ignore-installed", "--no-index", "--no-cache-dir", *context.links)
    command = (f"{BARE}/bin/python", "-I", PIP, *words, "-r", f"{context.place}/{context.lock.filename}")
    return InstallMethod("pylock", (InstallCommand("pylock", command),), note=f"pip {pip.version}, a dry run")


def _by_pip_tools(
    context: InstallContext, install_tools: InstallTools, shown: dict[str, Path], scratch: Path
) -> Iterator[InstallMethod]:
    names = ("pip-sync", "pip-compile")
    minor, platform = context.lock.target.python.minor, context.lock.target.platform.tag
    make = f"`wheelhouse fetch pip-tools --python {minor} --platform {platform} --dest rehearsal-tools`, then --tools rehearsal-tools"
    tools = _lock_of_tools(context, install_tools.tools) if install_tools.tools else None
    if tools is None or install_tools.tools is None:
        yield from (InstallMethod(name, skipped=f"no pip-tools for Python {minor} was named: {make}") for name in names)
        return
    if overrides_metadata(context.lock):
        why = "the lock was adjusted, or was given: pip's resolver is not to reach it"
        yield from (InstallMethod(name, skipped=why) for name in names)
        return
    shown[TOOLS], shown[TOOLBOX] = install_tools.tools, scratch / "toolbox"
    _make_toolbox(context, tools, install_tools.tools, scratch / "toolbox")
    piptools = (f"{TOOLBOX}/bin/python", "-m", "piptools")
    version = next(pin.version for pin in tools.pins if pin.project == PIP_TOOLS)
    yield InstallMethod("pip-sync", _sync(context, piptools), note=f"pip-tools {version}")
    yield InstallMethod(
        "pip-compile", _compile(context, piptools, shown, scratch), note=f"pip-tools {version}, {context.under}"
    )


def _sync(context: InstallContext, piptools: tuple[str, ...]) -> tuple[InstallCommand, ...]:
    python = f"{SYNCED}/bin/python"
    words = ("sync", "--no-index", *context.links, "--python-executable", python, context.requirements)
    return (
        InstallCommand("synced environment", (str(context.builder.interpreter.path), "-I", "-m", "venv", SYNCED)),
        InstallCommand("newer pip", (python, "-m", "pip", "install", "-U", "--no-index", "--find-links", TOOLS, "pip")),
        InstallCommand("pip-sync", (*piptools, *words)),
    )


def _compile(
    context: InstallContext, piptools: tuple[str, ...], shown: dict[str, Path], scratch: Path
) -> tuple[InstallCommand, ...]:
    constraints = context.constraints
    write(scratch, "wanted.in", question(context.lock, f"{context.place}/{constraints}" if constraints else None))
    shown[WANTED] = scratch / "wanted.in"
    quiet = ("--no-header", "--no-annotate", "--strip-extras", "--allow-unsafe", "--resolver", "backtracking")
    words = ("compile", *quiet, *context.links, "--pip-args=--no-index", "-o", COMPILED, WANTED)
    script = f'"$@" >/dev/null && cat {COMPILED}'
    return (InstallCommand("pip-compile", ("sh", "-c", script, "sh", *piptools, *words)),)


def _lock_of_tools(context: InstallContext, folder: Path) -> Lock | None:
    """The lock of a wheelhouse with pip-tools that fits the interpreter. Raises IntegrityError if its files are not as locked."""
    for lock in load_wheelhouse(folder).locks:
        if unfit(context.builder.interpreter.target, lock.target) is None and PIP_TOOLS in {
            pin.project for pin in lock.pins
        }:
            wrong = [artifact.filename for artifact in lock.artifacts if not has_locked_bytes(folder, artifact)]
            if wrong:
                raise IntegrityError(f"`{folder / wrong[0]}` is not as locked", hint="fetch that house again")
            return lock
    raise InputError(
        f"`{folder}` holds no pip-tools for {context.builder.interpreter.described}",
        hint=f"fetch it: `wheelhouse fetch pip-tools --python {context.lock.target.python.minor} --dest {folder}`",
    )


def _make_toolbox(context: InstallContext, tools: Lock, folder: Path, scratch: Path) -> None:
    wheels = [folder / artifact.filename for artifact in tools.artifacts]
    make_environment(scratch, context.builder.interpreter, wheels, TOOLBOX)
