"""What is installed here: Pythons, extras, programs, and folders that can be written to."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from wheelhouse.doctor.diagnosis import Check, FactValue, State, Topic
from wheelhouse.errors import MachineError, WheelhouseError
from wheelhouse.extras import extras, install_command, missing
from wheelhouse.files.disk import folder_lock, temp_file
from wheelhouse.target.interpreters import InterpreterPlaces, facts_of, interpreter_of

PROGRAMS = ("gpg", "gpgv", "auditwheel", "uv", "par2")
"""Programs that some command starts if it finds them."""
MINORS = tuple(f"3.{minor}" for minor in range(6, 16))


def python_check() -> Check:
    """The Python that runs wheelhouse, and this system and machine. Always GOOD."""
    facts = {
        "version": platform.python_version(),
        "path": sys.executable,
        "system": platform.system(),
        "machine": platform.machine(),
    }
    return Check(Topic.PYTHON, Topic.PYTHON, State.GOOD, facts)


def folder_checks(cache: Path | None, scratch: Path, here: Path) -> Iterator[Check]:
    """Whether the cache, the folder for temporary files and the current folder can be written to, and how many bytes are free.

    The cache is MISSING if it has no folder.
    """
    if cache is None:
        yield Check(Topic.FOLDER, "cache", State.MISSING)
    else:
        yield _folder_check("cache", cache)
    yield _folder_check("temporary files", scratch)
    yield _folder_check("current folder", here)


def _folder_check(name: str, folder: Path) -> Check:
    """Whether a folder can be written to and locked, and its free bytes; BROKEN with the reason if not.

    Of a folder that is not there, the nearest parent is tried. No folder is made; temporary files that earlier runs left are
    removed.
    """
    existing = next(place for place in (folder.absolute(), *folder.absolute().parents) if _exists(place))
    try:
        with temp_file(existing), folder_lock(existing):
            free = shutil.disk_usage(existing).free
    except (MachineError, OSError) as error:
        return Check(Topic.FOLDER, name, State.BROKEN, {"path": str(folder), "reason": _reason(error)})
    return Check(Topic.FOLDER, name, State.GOOD, {"path": str(folder), "free_bytes": free})


def _exists(path: Path) -> bool:
    """Whether a path exists; False also if this user may not see it."""
    try:
        return path.exists()
    except OSError:
        return False


def _reason(error: Exception) -> str:
    """The system's own words for why it refused, without a path; the text of the error if the system said nothing."""
    cause = error if isinstance(error, OSError) else error.__cause__
    return (isinstance(cause, OSError) and cause.strerror) or str(error)


def interpreter_checks(places: InterpreterPlaces) -> Iterator[Check]:
    """The Pythons that `build` and `rehearse` can use: of each minor version the first that works. One check, MISSING, if there is none."""
    checks = [check for minor in MINORS if (check := _interpreter_check(minor, places))]
    yield from checks or [Check(Topic.INTERPRETER, "any", State.MISSING)]


def _interpreter_check(minor: str, places: InterpreterPlaces) -> Check | None:
    """A GOOD check of the first Python of a minor version that works; None if there is none. Each Python is run."""
    for path in dict.fromkeys(places.candidates(minor)):
        try:
            interpreter = interpreter_of(facts_of(path))
        except WheelhouseError:
            continue
        if interpreter.target.python.minor == minor:
            facts = {"path": str(path), "described": interpreter.described}
            return Check(Topic.INTERPRETER, minor, State.GOOD, facts)
    return None


def extra_checks() -> Iterator[Check]:
    """Each extra of wheelhouse: GOOD, or MISSING with the projects that lack and the command that installs all of the extra.

    Nothing if wheelhouse is not installed.
    """
    for extra in extras():
        if lacking := missing(extra):
            facts: dict[str, FactValue] = {"missing": lacking, "command": install_command(extra)}
            yield Check(Topic.EXTRA, extra, State.MISSING, facts)
        else:
            yield Check(Topic.EXTRA, extra, State.GOOD)


def program_checks(path: str) -> Iterator[Check]:
    """Whether each of PROGRAMS is there; `path` has the folders of PATH. uv is first looked for beside the Python that runs wheelhouse."""
    beside_python = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    for name in PROGRAMS:
        program = shutil.which(name, path=beside_python if name == "uv" else path)
        facts: dict[str, FactValue] = {"path": program} if program else {}
        yield Check(Topic.PROGRAM, name, State.GOOD if program else State.MISSING, facts)
