"""pip-tools for a rehearsal: the one installed beside wheelhouse, or that of a wheelhouse that the user names."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from wheelhouse.build.environment import make_environment
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.extras import install_command
from wheelhouse.files.disk import has_locked_bytes
from wheelhouse.lock.lock import Lock
from wheelhouse.sandbox.commands import InstallCommand
from wheelhouse.sandbox.sandbox import HERE, WORK
from wheelhouse.target.interpreters import Interpreter, unfit
from wheelhouse.target.target import Target
from wheelhouse.verify.verify import load_wheelhouse

PIP_TOOLS = "pip-tools"
TOOLS, TOOLBOX = f"{HERE}/tools", f"{HERE}/toolbox"
OWN_TOOLS, OWN_PIP = f"{HERE}/pip-tools", f"{HERE}/pip-tools-pip"
SYNCED = f"{WORK}/synced"
"""The virtual environment that pip-sync fills."""
RUN_OWN = f"import runpy, sys; sys.path.insert(0, {OWN_TOOLS!r}); runpy.run_module('piptools', None, '__main__', alter_sys=True)"


class PipToolsUnusableError(Exception):
    """The pip-tools installed beside wheelhouse cannot run under the target's Python; the text is the reason."""


@dataclass(frozen=True, slots=True)
class PipTools:
    """A pip-tools: how to run it, the files that the sandbox must show, and the commands that make SYNCED with a pip in it."""

    version: str
    argv: tuple[str, ...]
    shown: dict[str, Path] = field(repr=False)
    make_synced: tuple[InstallCommand, ...]


def own_pip_tools(interpreter: Interpreter) -> PipTools:
    """The pip-tools installed beside wheelhouse; nothing is run.

    Raises PipToolsUnusableError if it or a project that it needs is missing, or needs another Python.
    """
    distributions = dict(_closure(PIP_TOOLS, interpreter.target))
    shown = {
        f"{OWN_TOOLS}/{name}": path for found in distributions.values() for name, path in _top_entries(found).items()
    }
    pip = {f"{OWN_PIP}/{name}": path for name, path in _top_entries(distributions["pip"]).items()}
    python, minor = str(interpreter.path), interpreter.target.python.minor
    path_file = f"{SYNCED}/lib/python{minor}/site-packages/pip.pth"
    make_synced = (
        InstallCommand("synced environment", (python, "-I", "-m", "venv", "--without-pip", SYNCED)),
        InstallCommand("pip of pip-tools", ("sh", "-c", 'echo "$1" > "$2"', "sh", OWN_PIP, path_file)),
    )
    return PipTools(distributions[PIP_TOOLS].version, (python, "-I", "-c", RUN_OWN), shown | pip, make_synced)


def _closure(project: str, target: Target) -> Iterator[tuple[str, Distribution]]:
    """(name, distribution) of an installed project, and of all that it needs under a target; each name once.

    Names are spelled as in the requirement that asks; extras are not followed.

    Raises PipToolsUnusableError if one is missing, or needs another Python.
    """
    pending, seen = [project], set[str]()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        found = _installed(name, target)
        yield name, found
        requirements = [Requirement(text) for text in found.requires or ()]
        pending += [requirement.name for requirement in requirements if target.applies(requirement.marker)]


def _installed(name: str, target: Target) -> Distribution:
    """The installed distribution of a project. Raises PipToolsUnusableError if it is missing, or needs another Python."""
    try:
        found = distribution(name)
    except PackageNotFoundError as error:
        if name == PIP_TOOLS:
            raise PipToolsUnusableError(
                f"pip-tools is not installed beside wheelhouse (install it with: {install_command('second-opinion')})"
            ) from error
        under = f"under Python {target.python.minor}"
        raise PipToolsUnusableError(
            f"{under}, pip-tools needs {name}, which is not installed beside wheelhouse"
        ) from error
    requires_python = found.metadata["Requires-Python"] or ""
    if not target.allows(SpecifierSet(requires_python)):
        whose = name if name == PIP_TOOLS else f"pip-tools' dependency {name}"
        raise PipToolsUnusableError(
            f"{whose} {found.version} (installed beside wheelhouse) needs Python {requires_python}, "
            f"but the target has {target.python.minor}"
        )
    return found


def _top_entries(installed: Distribution) -> dict[str, Path]:
    """The files and folders of a distribution in `site-packages` itself, by name, but for `.pth` files and `__pycache__`."""
    names = {file.parts[0] for file in installed.files or ()} - {"..", "__pycache__"}
    return {name: Path(str(installed.locate_file(name))) for name in sorted(names) if not name.endswith(".pth")}


def pip_tools_of(folder: Path, interpreter: Interpreter, scratch: Path) -> PipTools:
    """The pip-tools of a wheelhouse, installed into a folder below `scratch`.

    Raises InputError if the wheelhouse has none for this interpreter, IntegrityError if a file differs from its lock file or
    cannot be installed, and MachineError.
    """
    lock = _lock_of(folder, interpreter)
    make_environment(
        scratch / "toolbox", interpreter, [folder / artifact.filename for artifact in lock.artifacts], TOOLBOX
    )
    version = next(pin.version for pin in lock.pins if pin.project == PIP_TOOLS)
    new_pip = ("-m", "pip", "install", "-U", "--no-index", "--find-links", TOOLS, "pip")
    make_synced = (
        InstallCommand("synced environment", (str(interpreter.path), "-I", "-m", "venv", SYNCED)),
        InstallCommand("pip of pip-tools", (f"{SYNCED}/bin/python", *new_pip)),
    )
    shown = {TOOLS: folder, TOOLBOX: scratch / "toolbox"}
    return PipTools(str(version), (f"{TOOLBOX}/bin/python", "-m", "piptools"), shown, make_synced)


def _lock_of(folder: Path, interpreter: Interpreter) -> Lock:
    """The first lock of a wheelhouse that has pip-tools for an interpreter, with unaltered files.

    Raises InputError if there is none, IntegrityError if a file differs from its lock file.
    """
    for lock in load_wheelhouse(folder).locks:
        projects = {pin.project for pin in lock.pins}
        if unfit(interpreter.target, lock.target) is None and PIP_TOOLS in projects:
            wrong = [artifact.filename for artifact in lock.artifacts if not has_locked_bytes(folder, artifact)]
            if wrong:
                raise IntegrityError(
                    f"`{folder / wrong[0]}` differs from its lock file", hint="fetch that wheelhouse again"
                )
            return lock
    raise InputError(
        f"`{folder}` has no pip-tools for {interpreter.described}",
        hint=f"fetch pip-tools: `wheelhouse fetch pip-tools --python {interpreter.target.python.minor} --dest {folder}`",
    )
