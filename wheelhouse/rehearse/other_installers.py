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
from wheelhouse.rehearse.install_checks import InstallContext, SandboxRun, decides_alone
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
    """What else is here to install with: a uv, and a house with pip-tools for the target's Python."""

    uv: Path | None = None
    tools: Path | None = None


@dataclass(frozen=True, slots=True)
class InstallMethod:
    """Another way to install: the commands, of which the last is the step; or why it is not gone."""

    name: str
    commands: tuple[InstallCommand, ...] = ()
    skipped: str = ""
    note: str = ""


def other_installers_run(act: InstallContext, instruments: InstallTools, scratch: Path) -> SandboxRun:
    """Everything that is here to try the same files with. `scratch` is a folder of its own, on this side."""
    shown = {act.place: act.folder}
    ways = [_by_uv(act, instruments, shown), _by_pylock(act, shown), *_by_pip_tools(act, instruments, shown, scratch)]
    python = str(act.builder.interpreter.path)
    bare = InstallCommand("bare environment", (python, "-I", "-m", "venv", "--without-pip", BARE), vital=True)
    commands = [bare, *(command for way in ways for command in way.commands)]
    return SandboxRun(tuple(commands), shown, lambda ran: _steps(act, ways, ran))


def _steps(act: InstallContext, ways: list[InstallMethod], ran: Mapping[str, CommandResult]) -> Iterator[Step]:
    target = act.lock.target.name
    for way in ways:
        if way.skipped or way.name not in ran:
            yield Step(way.name, target, skipped=way.skipped or "what it needs could not be made")
            continue
        one = ran[way.name]
        findings = act.complaints(one)
        if way.name == "pip-compile" and one.code == 0:
            findings = tuple(differences(act.lock, one.output, {finding.subject for finding in act.strange}))
        yield act.step(one, findings, way.note)


def _by_uv(act: InstallContext, instruments: InstallTools, shown: dict[str, Path]) -> InstallMethod:
    if instruments.uv is None:
        return InstallMethod("uv", skipped="no uv is installed here")
    if not act.builder.interpreter.target.allows(UV_SINCE):
        return InstallMethod("uv", skipped=f"uv does not install for Python {act.lock.target.python.minor}")
    shown[UV] = instruments.uv
    words = ["--offline", "--no-index", "--no-config", "--no-cache", *act.links, "--require-hashes"]
    words += ["--no-deps"] if decides_alone(act.lock) else []
    command = (UV, "pip", "install", *words, "--python", f"{BARE}/bin/python", "-r", act.requirements)
    return InstallMethod("uv", (InstallCommand("uv", command),))


def _by_pylock(act: InstallContext, shown: dict[str, Path]) -> InstallMethod:
    """Pip itself, told by the pylock; nothing is unpacked, for it is the same pip with the same files."""
    pip = own_pip()
    if pip.version < PYLOCK_SINCE or not act.builder.interpreter.target.allows(pip.requires_python):
        why = f"wheelhouse's own pip is {pip.version}, for Python {pip.requires_python}, and pip reads it since {PYLOCK_SINCE}"
        return InstallMethod("pylock", skipped=why)
    here, wanted = act.builder.interpreter.target.python.version, act.lock.target.python.version
    if here != wanted:
        return InstallMethod(
            "pylock", skipped=f"the lock is for Python {wanted}, and the Python here is {here}: pip refuses it"
        )
    shown[PIP] = pip.folder
    words = ("install", "--dry-run", "--ignore-installed", "--no-index", "--no-cache-dir", *act.links)
    command = (f"{BARE}/bin/python", "-I", PIP, *words, "-r", f"{act.place}/{act.lock.filename}")
    return InstallMethod("pylock", (InstallCommand("pylock", command),), note=f"pip {pip.version}, a dry run")


def _by_pip_tools(
    act: InstallContext, instruments: InstallTools, shown: dict[str, Path], scratch: Path
) -> Iterator[InstallMethod]:
    names = ("pip-sync", "pip-compile")
    minor, platform = act.lock.target.python.minor, act.lock.target.platform.tag
    make = f"`wheelhouse fetch pip-tools --python {minor} --platform {platform} --dest rehearsal-tools`, then --tools rehearsal-tools"
    tools = _lock_of_tools(act, instruments.tools) if instruments.tools else None
    if tools is None or instruments.tools is None:
        yield from (InstallMethod(name, skipped=f"no pip-tools for Python {minor} was named: {make}") for name in names)
        return
    if decides_alone(act.lock):
        why = "the lock was adjusted, or was given: pip's resolver is not to reach it"
        yield from (InstallMethod(name, skipped=why) for name in names)
        return
    shown[TOOLS], shown[TOOLBOX] = instruments.tools, scratch / "toolbox"
    _furnish(act, tools, instruments.tools, scratch / "toolbox")
    piptools = (f"{TOOLBOX}/bin/python", "-m", "piptools")
    version = next(pin.version for pin in tools.pins if pin.project == PIP_TOOLS)
    yield InstallMethod("pip-sync", _sync(act, piptools), note=f"pip-tools {version}")
    yield InstallMethod(
        "pip-compile", _compile(act, piptools, shown, scratch), note=f"pip-tools {version}, {act.under}"
    )


def _sync(act: InstallContext, piptools: tuple[str, ...]) -> tuple[InstallCommand, ...]:
    python = f"{SYNCED}/bin/python"
    words = ("sync", "--no-index", *act.links, "--python-executable", python, act.requirements)
    return (
        InstallCommand("synced environment", (str(act.builder.interpreter.path), "-I", "-m", "venv", SYNCED)),
        InstallCommand("newer pip", (python, "-m", "pip", "install", "-U", "--no-index", "--find-links", TOOLS, "pip")),
        InstallCommand("pip-sync", (*piptools, *words)),
    )


def _compile(
    act: InstallContext, piptools: tuple[str, ...], shown: dict[str, Path], scratch: Path
) -> tuple[InstallCommand, ...]:
    constraints = act.constraints
    write(scratch, "wanted.in", question(act.lock, f"{act.place}/{constraints}" if constraints else None))
    shown[WANTED] = scratch / "wanted.in"
    quiet = ("--no-header", "--no-annotate", "--strip-extras", "--allow-unsafe", "--resolver", "backtracking")
    words = ("compile", *quiet, *act.links, "--pip-args=--no-index", "-o", COMPILED, WANTED)
    script = f'"$@" >/dev/null && cat {COMPILED}'
    return (InstallCommand("pip-compile", ("sh", "-c", script, "sh", *piptools, *words)),)


def _lock_of_tools(act: InstallContext, folder: Path) -> Lock | None:
    """The lock of a house with pip-tools that fits the interpreter. Raises IntegrityError where its files are not as locked."""
    for lock in load_wheelhouse(folder).locks:
        if unfit(act.builder.interpreter.target, lock.target) is None and PIP_TOOLS in {
            pin.project for pin in lock.pins
        }:
            wrong = [artifact.filename for artifact in lock.artifacts if not has_locked_bytes(folder, artifact)]
            if wrong:
                raise IntegrityError(f"`{folder / wrong[0]}` is not as locked", hint="fetch that house again")
            return lock
    raise InputError(
        f"`{folder}` holds no pip-tools for {act.builder.interpreter.described}",
        hint=f"fetch it: `wheelhouse fetch pip-tools --python {act.lock.target.python.minor} --dest {folder}`",
    )


def _furnish(act: InstallContext, tools: Lock, folder: Path, scratch: Path) -> None:
    wheels = [folder / artifact.filename for artifact in tools.artifacts]
    make_environment(scratch, act.builder.interpreter, wheels, TOOLBOX)
