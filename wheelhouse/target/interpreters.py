"""The Pythons on this machine: the facts of each, and which of them can build for a target."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

import msgspec

from wheelhouse.errors import MachineError, WheelhouseError
from wheelhouse.target.interpreter_facts_model import InterpreterFacts, target_of
from wheelhouse.target.target import Platform, Target

SCRIPT = Path(__file__).with_name("interpreter_facts.py")
SECONDS = 60
_decoder = msgspec.json.Decoder(InterpreterFacts)
ENVIRONMENT = {"LC_ALL": "C", "SYSTEM_VERSION_COMPAT": "0"}
"""The whole environment of an interpreter. A Python built with an old macOS SDK needs the second to see the true version."""


def facts_of(interpreter: Path) -> InterpreterFacts:
    """Run a Python, 3.6 or newer, for its facts: in isolation and without site, so that no file of an installed project runs.

    Raises MachineError if it is missing, fails, or is no such Python.
    """
    command = [str(interpreter), "-I", "-S", "-B", str(SCRIPT)]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, env=ENVIRONMENT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"`{interpreter}` could not be run: {error}", hint="give the path of a Python") from error
    return read_facts(ran.stdout, str(interpreter), ran.returncode, ran.stderr)


def read_facts(output: bytes, interpreter: str, code: int, log: bytes) -> InterpreterFacts:
    """The facts that the script wrote as JSON, whatever its exit code.

    Raises MachineError if they cannot be read, with the interpreter, its exit code and the last three lines of its log.
    """
    try:
        return _decoder.decode(output)
    except msgspec.DecodeError as error:
        raise MachineError(
            f"`{interpreter}` did not report its version and platform: it ended with code {code}",
            hint="choose a Python of version 3.6 or newer",
            details=tuple(log.decode("utf-8", "replace").splitlines()[-3:]),
        ) from error


PREFIX_PARTS = ("bin", "include", "lib", "lib64")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter to build with: its real path, the folders that it is installed in, and its target."""

    path: Path
    prefixes: tuple[Path, ...]
    target: Target

    @property
    def described(self) -> str:
        """A text of its name, version and platform: `CPython 3.7.16, manylinux_2_36_x86_64`."""
        name = self.target.environment["platform_python_implementation"]
        return f"{name} {self.target.python.version}, {self.target.platform.tag}"

    @property
    def shown(self) -> dict[str, Path]:
        """The folders that a sandbox must show, by path: those of PREFIX_PARTS in its prefixes that exist, but none of `/` and `/usr`.

        No whole prefix is shown, because it can be in a user's home.
        """
        own = [prefix for prefix in self.prefixes if prefix not in (Path("/usr"), Path("/"))]
        paths = [prefix / part for prefix in own for part in PREFIX_PARTS if (prefix / part).is_dir()]
        return {str(path): path for path in paths}


def interpreter_of(facts: InterpreterFacts) -> Interpreter:
    """The interpreter that has these facts; its target leaves the kernel's release unknown. Raises InputError if no target describes it."""
    exact = target_of(facts)
    target = Target.of(exact.python, Platform.parse(exact.platform.tag))  # without the release of this kernel
    return Interpreter(Path(facts.executable), tuple(map(Path, facts.prefixes)), target)


def unfit(interpreter: Target, target: Target) -> str | None:
    """Why an interpreter cannot build for a target, in a few words; None if it can. Neither the patch release
    nor the version of the C library matters.
    """
    here, there = interpreter.platform, target.platform
    if (interpreter.python.tag, here.system) != (target.python.tag, there.system):
        return f"it is {interpreter.python.tag} on {here.system}"
    if here.machine != there.machine:
        return f"it runs on {here.machine}, but the target runs on {there.machine}"
    libc, other = here.tag.partition("_")[0], there.tag.partition("_")[0]
    return None if libc == other else f"its platform is {libc}, but the platform of the target is {other}"


@dataclass(frozen=True, slots=True)
class InterpreterPlaces:
    """Where interpreters are searched: the folders of PATH, the home folder, pyenv's folder; None if there is none."""

    path: str
    home: Path | None
    pyenv: Path | None

    def candidates(self, minor: str) -> Iterator[Path]:
        """Existing interpreters that may have this version (`3.12`), the likeliest first: on PATH, of pyenv, of uv. They are not run.

        One can come twice.
        """
        for name in (f"python{minor}", f"python{minor}t", f"pypy{minor}", "python3", "python"):
            if program := shutil.which(name, path=self.path):
                yield Path(program)
        yield from _matching(self.pyenv, f"versions/*{minor}*/bin/python")
        yield from _matching(self.home, f".local/share/uv/python/*{minor}*/bin/python{minor}")


def _matching(folder: Path | None, pattern: str) -> list[Path]:
    """The paths below a folder that match a glob, with the folder, in reverse order of their text (3.9 before 3.10); empty
    for None or an unreadable folder.
    """
    if folder is None:
        return []
    return [folder / name for name in sorted(glob(pattern, root_dir=folder), reverse=True)]  # noqa: PTH207


def named_interpreter(text: str, path: str) -> Path:
    """The absolute path of the interpreter that a user names, as a shell finds it: a bare name on PATH, which is `path`; else a path.

    Links are not followed: an environment's Python is a link to another. Raises MachineError if PATH has no
    such name; a path need not exist.
    """
    if os.sep in text:
        return Path(text).absolute()
    if program := shutil.which(text, path=path):
        return Path(program).absolute()
    hint = f"write `./{text}` for the file in this folder" if Path(text).is_file() else "give the path of a Python"
    raise MachineError(f"`{text}` is not on PATH", hint=hint)


class NoInterpreterError(MachineError):
    """This machine has no interpreter that can build for a target."""


def find_interpreter(target: Target, named: Sequence[Path], places: InterpreterPlaces) -> Interpreter:
    """The first interpreter that can build for a target: of those that are named; if none is named, of those on this machine.

    Runs one after the other. Raises NoInterpreterError that lists the rejected ones, each with its reason.
    """
    reasons: dict[Path, str] = {}
    for path in named or dict.fromkeys(places.candidates(target.python.minor)):
        try:
            interpreter = interpreter_of(facts_of(path))
        except WheelhouseError as error:
            reasons[path] = str(error)
            continue
        reason = unfit(interpreter.target, target)
        if reason is None:
            return interpreter
        reasons[path] = reason
    wanted = f"Python {target.python.minor} on {target.platform.tag}, with any version of the C library"
    raise NoInterpreterError(
        f"no interpreter was found for {target.name}",
        hint=f"name an interpreter with --interpreter ({wanted}), or build in an image: --in-image python:{target.python.minor}",
        details=tuple(f"{path}: {reason}" for path, reason in reasons.items()),
    )
