"""A base that lies in a folder, such as `/`, or in the layers of a base image."""

from collections.abc import Mapping
from pathlib import Path

from wheelhouse.debian.base_system import BASE_PATHS, BaseSystem, base_system
from wheelhouse.errors import InputError
from wheelhouse.files.disk import read_bytes
from wheelhouse.oci.image_facts import RootFile, followed


def read_base(root: Path) -> BaseSystem:
    """The base whose root folder is `root`. Raises InputError if there is no such folder, or no Debian system in it."""
    if not root.is_dir():
        raise InputError(f"there is no folder `{root}`", hint="name the root folder of the base: --deb-base /")
    return base_system(read_base_files(root, BASE_PATHS), f"`{root}`")


def read_base_files(root: Path, patterns: tuple[str, ...]) -> dict[str, bytes]:
    """The contents of files below a folder that match patterns, by path relative to it. Links to files are followed,
    absolute ones from the root folder of this host.
    """
    paths = [path for pattern in patterns for path in sorted(root.glob(pattern)) if path.is_file()]
    return {path.relative_to(root).as_posix(): read_bytes(path, "the file") for path in paths}


def base_in_image(files: Mapping[str, RootFile], what: str) -> BaseSystem:
    """The base in an image, from the files of its layers that `is_base_path` chose. Links among them are followed."""
    ends = {path: end for path in files if (end := followed(path, files))}
    contents = {path: files[end].content for path, end in ends.items()}
    return base_system(contents, what)
