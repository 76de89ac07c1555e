"""Rules about files that start by themselves, or replace those of Python and the system: an observation for a file, with paths (pure)."""

import posixpath
from collections.abc import Iterator

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.places import DIST_PACKAGES, INSTALLER_SETTINGS, PYTHON_FILE, STARTS_WITH_SYSTEM
from wheelhouse.vet.pth import pth_folders
from wheelhouse.vet.rules import Review, rule


@rule(Severity.ERROR)
def pth_start_module(facts: Facts, review: Review) -> Iterator[Observation]:
    """A .pth file adds a folder to sys.path, and the folder contains a sitecustomize or usercustomize module.

    At each start, Python imports such a module from any folder of sys.path. The module can be in another file of the
    wheelhouse.
    """
    for entry, text in facts.pth_files:
        folders = [_tail(folder) for folder in pth_folders(text)]
        for module, place in review.start_modules.items() if folders else ():
            if any(_is_same_folder(folder, place) for folder in folders):
                yield observed(path=entry.name, module=module)


def _tail(folder: str) -> str:
    """A line of a .pth file without `..` at its start, and with slashes: `../../share/x` is `share/x`. Empty if it has nothing else."""
    parts = posixpath.normpath(folder.replace("\\", "/")).split("/")
    return "/".join(part for part in parts if part != "..")


def _is_same_folder(tail: str, folder: str) -> bool:
    """Whether a line of a .pth file, as `_tail` gives it, can lead to an installed folder: one ends with the other's parts.

    A line of `..` alone leads to the prefix.
    """
    inside = folder.removeprefix("@data").removeprefix("/")
    return f"/{tail}".endswith(f"/{inside}") or f"/{inside}".endswith(f"/{tail}")


@rule(Severity.ERROR)
def python_replaced(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution overwrites Python itself: the program, the standard library, the settings or the activation scripts.

    Examples are `bin/python3`, `lib/python3.12/json.py`, `lib/python312.zip`, `pyvenv.cfg` and `bin/activate`. Modules of
    Debian's own Python (`lib/python3/dist-packages`) are also reported. No wheel needs to write to these paths.
    """
    paths = [path.removeprefix("@data/") for path in facts.installs if PYTHON_FILE.fullmatch(path)]
    members = [entry.name for entry in facts.entries if DIST_PACKAGES.match(entry.name)]
    if paths or members:
        yield observed(paths=(*paths, *members))


@rule(Severity.ERROR)
def starts_with_system(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution installs scripts or settings that a shell, a session, a scheduler or the system uses by itself.

    Examples are `etc/profile.d`, `etc/cron.d`, `etc/ld.so.preload`, `.bashrc`, `.ssh`, and the start scripts of conda and
    IPython. The .data/data folder of a wheel is unpacked into the prefix: `/usr`, `~/.local` or the folder of a venv.
    """
    if paths := [path.removeprefix("@data/") for path in facts.installs if STARTS_WITH_SYSTEM.fullmatch(path)]:
        yield observed(paths=tuple(paths))


@rule(Severity.ERROR)
def installer_settings(facts: Facts, review: Review) -> Iterator[Observation]:
    """The distribution installs settings of pip, uv, conda, npm, git or a tool that stores credentials.

    For example, a `pip.conf` in the folder of a venv sets the index for every later install.
    """
    if paths := [path.removeprefix("@data/") for path in facts.installs if INSTALLER_SETTINGS.fullmatch(path)]:
        yield observed(paths=tuple(paths))
