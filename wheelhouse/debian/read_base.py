"""A base that lies in a folder, such as `/`, or in the layers of a base image."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from wheelhouse.debian.base_system import BASE_PATHS, BaseSystem, base_system
from wheelhouse.errors import InputError
from wheelhouse.files.disk import read_bytes
from wheelhouse.oci.image_facts import RootFile, followed

MAX_LINKS = 40
"""On the way to one file, as Linux allows."""


def read_base(root: Path) -> BaseSystem:
    """The base whose root folder is `root`.

    Raises InputError if there is no such folder, and as `read_base_files` and `base_system` do.
    """
    if not root.is_dir():
        raise InputError(f"there is no folder `{root}`", hint="name the root folder of the base: --deb-base /")
    return base_system(read_base_files(root, BASE_PATHS), f"`{root}`")


def read_base_files(root: Path, patterns: tuple[str, ...]) -> dict[str, bytes]:
    """The contents of files below a folder that match patterns, by path relative to it; only the last part of a pattern
    has wildcards. Links are followed inside the folder: an absolute one starts there. What is no file, and what lies in a
    folder that cannot be listed or searched, is left out. Raises InputError for a file that cannot be read.
    """
    files: dict[str, bytes] = {}
    for pattern in patterns:
        folder, _, name = pattern.rpartition("/")
        for path in (f"{folder}/{entry}" for entry in _names(_inside(root, folder)) if fnmatchcase(entry, name)):
            if end := _file_at(root, path):
                files[path] = read_bytes(end, "the file")
    return files


def _file_at(root: Path, path: str) -> Path | None:
    """The file that a path below a root folder leads to; None if there is none, or a folder on the way may not be searched."""
    try:
        end = _inside(root, path)
        return end if end and end.is_file() else None
    except PermissionError:
        return None


def _names(folder: Path | None) -> list[str]:
    """The names in a folder, sorted; none if it is no folder, or cannot be read."""
    try:
        return sorted(path.name for path in folder.iterdir()) if folder else []
    except OSError:
        return []


def _inside(root: Path, path: str) -> Path | None:
    """Where a path below a root folder leads to if that folder is `/`; None for too many links. Nothing need be there."""
    parts, place, links = path.split("/")[::-1], root, 0
    while parts:
        part = parts.pop()
        if part == "..":
            place = place.parent if place != root else root
        elif (place / part).is_symlink():
            links += 1
            if links > MAX_LINKS:
                return None
            target = str((place / part).readlink())
            place = root if target.startswith("/") else place
            parts += target.split("/")[::-1]
        elif part not in ("", "."):
            place /= part
    return place


def base_in_image(files: Mapping[str, RootFile], what: str) -> BaseSystem:
    """The base in an image, from the files of its layers that `is_base_path` chose. A link to none of them is left out.

    Raises InputError, naming `what`, as `base_system` does.
    """
    ends = {path: end for path in files if (end := followed(path, files))}
    contents = {path: files[end].content for path, end in ends.items()}
    return base_system(contents, what)
