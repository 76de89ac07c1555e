"""What commands read of this machine: its clock, environment, home folder, interpreters and umask."""

import functools
import os
import pwd
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.target.interpreters import InterpreterPlaces


def now() -> datetime:
    """The time now, in UTC. Each call reads the clock."""
    return datetime.now(UTC)


def interpreter_places() -> "InterpreterPlaces":
    """Where interpreters are looked for: PATH, the home folder, and PYENV_ROOT, else ~/.pyenv. Nothing is looked for yet."""
    from wheelhouse.target.interpreters import InterpreterPlaces

    home, pyenv = home_folder(), os.environ.get("PYENV_ROOT")
    return InterpreterPlaces(_path(), home, Path(pyenv) if pyenv else home and home / ".pyenv")


def named_interpreters(texts: Sequence[str]) -> tuple[Path, ...]:
    """The interpreters that texts name, as absolute paths: a bare name is looked for on PATH.

    Raises MachineError for a bare name that PATH does not have. A path need not exist.
    """
    from wheelhouse.target.interpreters import named_interpreter

    return tuple(named_interpreter(text, _path()) for text in texts)


def _path() -> str:
    """PATH; the system's default if it is not set."""
    return os.environ.get("PATH", os.defpath)


def home_folder() -> Path | None:
    """The user's home: HOME if it is absolute, else the one in the user database; None if there is none."""
    home = Path(os.environ.get("HOME", ""))
    if home.is_absolute():
        return home
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


def cache_folder(named: str | Path | None) -> Path | None:
    """The folder of the cache: as named, else `wheelhouse` in XDG_CACHE_HOME, else in ~/.cache; None if there is neither.

    It is not made. A relative XDG_CACHE_HOME is ignored (XDG Base Directory Specification).
    """
    if named:
        return Path(named)
    base, home = Path(os.environ.get("XDG_CACHE_HOME", "")), home_folder()
    if base.is_absolute():
        return base / "wheelhouse"
    return home / ".cache" / "wheelhouse" if home else None


def user_name() -> str:
    """The name of the user who runs the command, under sudo that of the user who called it; the user's number if there is no name."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def netrc_file() -> Path | None:
    """The file that NETRC names, else .netrc of the home folder if it is readable, else None: under sudo, HOME may be another user's."""
    if named := os.environ.get("NETRC"):
        return Path(named)
    home = home_folder()
    return home / ".netrc" if home and os.access(home / ".netrc", os.R_OK) else None


def docker_config_file() -> Path | None:
    """The path of Docker's config.json: in the folder that DOCKER_CONFIG names, else in the home folder. The file may be missing.

    None if there is neither folder.
    """
    if named := os.environ.get("DOCKER_CONFIG"):
        return Path(named) / "config.json"
    home = home_folder()
    return home / ".docker" / "config.json" if home else None


def variable(name: str) -> str:
    """A variable of the environment: by this lower-case name, or if that is empty, by the name in upper case, else empty."""
    return os.environ.get(name) or os.environ.get(name.upper(), "")


@functools.cache
def own_umask() -> int:
    """The umask that the user had. From the first call on, all users can read new folders, as they can read new files.

    Web servers, image builds and sandboxes, which are other users, read a wheelhouse. The cache keeps the user's umask.
    """
    mask = os.umask(0o022)
    os.umask(mask & 0o022)
    return mask


def engine_environment() -> dict[str, str]:
    """The variables that a container engine's client gets: PATH, HOME, XDG_RUNTIME_DIR, DOCKER_*, CONTAINER*, BUILDAH_*."""
    names, prefixes = ("PATH", "HOME", "XDG_RUNTIME_DIR"), ("DOCKER_", "CONTAINER", "BUILDAH_")
    return {name: value for name, value in os.environ.items() if name in names or name.startswith(prefixes)}


def pip_default_index() -> str:
    """The URL of the index that pip uses without any configuration."""
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)


def must_be_file(path: Path) -> Path:
    """The path itself, if a file is there. Raises InputError if not."""
    if not path.is_file():
        raise InputError(f"there is no file `{path}`", hint="check the path")
    return path
