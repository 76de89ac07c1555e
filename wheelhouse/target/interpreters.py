"""Other Pythons on this machine: what one says of itself, and which can build for a target."""

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
"""All that is passed on: a Python built with an old macOS SDK is told the true version only with the second."""


def facts_of(interpreter: Path) -> InterpreterFacts:
    """Ask a Python, 3.6 or newer, in isolation and with no site, so that no file of an installed project is run.

    Raises MachineError where it is missing, fails, or is no such Python.
    """
    command = [str(interpreter), "-I", "-S", "-B", str(SCRIPT)]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, env=ENVIRONMENT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"`{interpreter}` could not be run: {error}", hint="name a Python's own path") from error
    return read_facts(ran.stdout, str(interpreter), ran.returncode, ran.stderr)


def read_facts(said: bytes, interpreter: str, code: int, log: bytes) -> InterpreterFacts:
    """What the script of facts wrote. Raises MachineError naming the interpreter that it ran under."""
    try:
        return _decoder.decode(said)
    except msgspec.DecodeError as error:
        raise MachineError(
            f"`{interpreter}` does not say what it is: it ended with code {code}",
            hint="name a Python of version 3.6 or newer",
            details=tuple(log.decode("utf-8", "replace").splitlines()[-3:]),
        ) from error


PREFIX_PARTS = ("bin", "include", "lib", "lib64")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter to build with: its real path, the folders that it lives in, and the target that it is."""

    path: Path
    prefixes: tuple[Path, ...]
    target: Target

    @property
    def described(self) -> str:
        """`CPython 3.7.16, manylinux_2_36_x86_64`: which one it is, on whatever machine."""
        name = self.target.environment["platform_python_implementation"]
        return f"{name} {self.target.python.version}, {self.target.platform.tag}"

    @property
    def shown(self) -> dict[str, Path]:
        """What a room must show of it: no more than it needs of each prefix, which may lie in somebody's home."""
        own = [prefix for prefix in self.prefixes if prefix not in (Path("/usr"), Path("/"))]
        paths = [prefix / part for prefix in own for part in PREFIX_PARTS if (prefix / part).is_dir()]
        return {str(path): path for path in paths}


def interpreter_of(facts: InterpreterFacts) -> Interpreter:
    """An interpreter by what it says of itself. Raises InputError for one that no target describes."""
    found = target_of(facts)
    target = Target.of(found.python, Platform.parse(found.platform.tag))  # without the release of this very kernel
    return Interpreter(Path(facts.executable), tuple(map(Path, facts.prefixes)), target)


def unfit(found: Target, wanted: Target) -> str | None:
    """Why an interpreter cannot build for a target, in a few words; None where it can. Its patch release does not matter."""
    if (found.python.tag, found.platform.system) != (wanted.python.tag, wanted.platform.system):
        return f"it is {found.python.tag} on {found.platform.system}"
    if found.platform.machine != wanted.platform.machine:
        return f"it runs on {found.platform.machine}, and the target on {wanted.platform.machine}"
    libc, other = found.platform.tag.partition("_")[0], wanted.platform.tag.partition("_")[0]
    return None if libc == other else f"its platform is {libc}, and the target's {other}"


@dataclass(frozen=True, slots=True)
class InterpreterPlaces:
    """Where interpreters are looked for: the folders of PATH, the home folder, pyenv's own, as far as there are any."""

    path: str
    home: Path | None
    pyenv: Path | None

    def candidates(self, minor: str) -> Iterator[Path]:
        """Interpreters that may be of this version, the likeliest first."""
        for name in (f"python{minor}", f"pypy{minor}", "python3", "python"):
            if found := shutil.which(name, path=self.path):
                yield Path(found)
        yield from _matching(self.pyenv, f"versions/*{minor}*/bin/python")
        yield from _matching(self.home, f".local/share/uv/python/*{minor}*/bin/python{minor}")


def _matching(folder: Path | None, pattern: str) -> list[Path]:
    """The paths below a folder, in reverse order; none where it may not be read, for which pathlib's glob raises."""
    names = glob(pattern, root_dir=folder) if folder else []  # noqa: PTH207
    return [Path(folder or "", name) for name in sorted(names, reverse=True)]


def named_interpreter(text: str, path: str) -> Path:
    """The interpreter that a user names, as a shell finds it: a bare name on PATH, whose folders are `path`, else where it lies.

    Links are not followed: an environment's Python is a link to another. Raises MachineError where no such name is on PATH.
    """
    if os.sep in text:
        return Path(text).absolute()
    if found := shutil.which(text, path=path):
        return Path(found).absolute()
    hint = f"write `./{text}` for the one in this folder" if Path(text).is_file() else "name a Python's own path"
    raise MachineError(f"`{text}` is not on PATH", hint=hint)


def find_interpreter(target: Target, named: Sequence[Path], places: InterpreterPlaces) -> Interpreter:
    """The interpreter to build for a target with: of those named, else of those found.

    Raises MachineError saying which were looked at, and what would match.
    """
    reasons: dict[Path, str] = {}
    for path in named or dict.fromkeys(places.candidates(target.python.minor)):
        try:
            found = interpreter_of(facts_of(path))
        except WheelhouseError as error:
            reasons[path] = str(error)
            continue
        reason = unfit(found.target, target)
        if reason is None:
            return found
        reasons[path] = reason
    wanted = f"Python {target.python.minor} on {target.platform.tag}, whichever its version of the C library"
    raise MachineError(
        f"no interpreter was found for {target.name}",
        hint=f"name one with --interpreter ({wanted}), or build in an image: --in-image python:{target.python.minor}",
        details=tuple(f"{path}: {reason}" for path, reason in reasons.items()),
    )
