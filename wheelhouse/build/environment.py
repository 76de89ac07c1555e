"""A build environment: a virtual environment's folder, filled with locked wheels. None of their code is run."""

import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InstallerError
from installer.sources import WheelFile

from wheelhouse.errors import IntegrityError
from wheelhouse.files.disk import os_errors_as_machine_error
from wheelhouse.target.interpreters import Interpreter


def make_environment(folder: Path, interpreter: Interpreter, wheels: Iterable[Path], location: str) -> None:
    """Make `folder` a virtual environment (PEP 405) of an interpreter, with these wheels installed; builds will see it at `location`.

    Raises IntegrityError for a wheel that cannot be installed, also if two wheels have the same file, and MachineError.
    """
    minor = interpreter.target.python.minor
    site = folder / "lib" / f"python{minor}" / "site-packages"
    with os_errors_as_machine_error(folder):
        site.mkdir(parents=True)
        (folder / "bin").mkdir()
        for name in ("python", "python3", f"python{minor}"):
            (folder / "bin" / name).symlink_to(interpreter.path)
        settings = f"home = {interpreter.path.parent}\ninclude-system-site-packages = false\n"
        (folder / "pyvenv.cfg").write_text(settings, encoding="utf-8")
    scheme = {
        "purelib": site,
        "platlib": site,
        "scripts": folder / "bin",
        "data": folder,
        "headers": folder / "include",
    }
    paths = {name: str(path) for name, path in scheme.items()}
    installed: list[Path] = []
    for wheel in wheels:
        _install(wheel, SchemeDictionaryDestination(paths, f"{location}/bin/python", "posix"), installed)
        installed.append(wheel)
    _open_to_others(folder)


def _open_to_others(folder: Path) -> None:
    """Make all files and folders readable, and the scripts in `bin` executable, whatever umask and wheels say.

    A sandbox builds as another user.
    """
    with os_errors_as_machine_error(folder):
        for parent, _, names in os.walk(folder):
            Path(parent).chmod(0o755)
            for path in (Path(parent, name) for name in names):
                if not path.is_symlink():
                    path.chmod(0o755 if path.parent == folder / "bin" else path.stat().st_mode | 0o444)


def _install(wheel: Path, destination: SchemeDictionaryDestination, installed: Iterable[Path]) -> None:
    """Unpack a wheel into an environment that has the wheels of `installed`. The wheel was inspected before.

    Raises IntegrityError if that is not possible, and MachineError for an error of the system, such as a full disk.
    """
    try:
        with os_errors_as_machine_error(wheel), WheelFile.open(wheel) as source:
            try:
                install(source, destination, {"INSTALLER": b"wheelhouse"})
            except FileExistsError as error:
                reason = _why_file_exists(wheel, installed)
                raise IntegrityError(f"`{wheel.name}` cannot be installed: {reason}") from error
    except (InstallerError, ValueError, KeyError, AssertionError) as error:
        raise IntegrityError(f"`{wheel.name}` cannot be installed: {error}") from error


def _why_file_exists(wheel: Path, installed: Iterable[Path]) -> str:
    """A clause that names the wheel which has a file of this wheel too, if one has it under the same name; else one that names none."""
    names = _files_of(wheel)
    for other in installed:
        if shared := names & _files_of(other):
            return f"it and `{other.name}` both have the file `{min(shared)}`"
    return "one of its files is in the build environment already"


def _files_of(wheel: Path) -> set[str]:
    """The names of the files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}
