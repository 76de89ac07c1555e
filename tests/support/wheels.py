"""Deterministic wheels and sdists, correct by default, any part made wrong on request."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.support.archive import Member, tar_bytes, write_file, zip_bytes
from tests.support.contents import core_metadata, import_name, package_files, stem, wheel_filename, wheel_members
from tests.support.hostile import hostile_wheels

__all__ = ["Member", "build_sdist", "build_wheel", "core_metadata", "hostile_wheels", "wheel_filename"]

# An in-tree backend (PEP 517) that asks nothing of any index: the wheel lies ready in the sdist.
_PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
_BACKEND = b"""\
import pathlib, shutil

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    (wheel,) = pathlib.Path(__file__).parent.glob("prebuilt/*.whl")
    return pathlib.Path(shutil.copy(wheel, wheel_directory)).name
"""


def build_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] = {},
    requires_python: str | None = None,
    tag: str = "py3-none-any",
    build: str | None = None,
    files: Mapping[str, bytes] | None = None,
    metadata: bytes | None = None,
    record: bytes | None = None,
    mutate: Callable[[list[Member]], list[Member]] | None = None,
    filename: str | None = None,
) -> Path:
    """Write a wheel (PEP 427) into `folder`, the same bytes each time.

    `files` takes the place of the default module, and of any file in .dist-info that it names; `metadata` and `record`
    take the place of METADATA and RECORD; `mutate` has the last word on the members, RECORD among them.
    """
    if metadata is None:
        metadata = core_metadata(name, version, requires=requires, extras=extras, requires_python=requires_python)
    members = wheel_members(name, version, metadata, tag=tag, build=build, files=files, record=record)
    path = folder / (filename or wheel_filename(name, version, tag, build))
    return write_file(path, zip_bytes(mutate(members) if mutate else members))


def build_sdist(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] = {},
    requires_python: str | None = None,
    pkg_info: bytes | None = None,
    metadata_version: str = "2.2",
    dynamic: Sequence[str] = (),
    egg_info_requires: str | None = None,
    setup_py: str | None = None,
    pyproject: str | None = None,
    files: Mapping[str, bytes] = {},
    suffix: str = ".tar.gz",
    top: str | None = None,
    filename: str | None = None,
) -> Path:
    """Write an sdist (PEP 517, PEP 625, PEP 643) into `folder`, the same bytes each time.

    By default it builds with nothing but itself; with `setup_py` or `pyproject` it has what these say and no more.
    `pkg_info` takes the place of PKG-INFO; `egg_info_requires` is what `<name>.egg-info/requires.txt` says; `files` are
    added, or take the place of others. `top` is the folder that holds it all, `<name>-<version>/` where it is None.
    """
    metadata = partial(core_metadata, name, version, requires=requires, extras=extras, requires_python=requires_python)
    if pkg_info is None:
        pkg_info = metadata(metadata_version=metadata_version, dynamic=dynamic)
    held = {"PKG-INFO": pkg_info, **package_files(name, version)}
    held |= _build_files(setup_py, pyproject) or _own_backend(name, version, metadata())
    held |= _egg_info(name, pkg_info, egg_info_requires) | dict(files)
    top = f"{stem(name, version)}/" if top is None else top
    members = [Member(f"{top}{path}", data) for path, data in sorted(held.items())]
    data = zip_bytes(members) if suffix == ".zip" else tar_bytes(members, suffix)
    return write_file(folder / (filename or f"{stem(name, version)}{suffix}"), data)


def _build_files(setup_py: str | None, pyproject: str | None) -> dict[str, bytes]:
    told = {"setup.py": setup_py, "pyproject.toml": pyproject}
    return {path: text.encode() for path, text in told.items() if text is not None}


def _own_backend(name: str, version: str, metadata: bytes) -> dict[str, bytes]:
    wheel = zip_bytes(wheel_members(name, version, metadata))
    return {
        "pyproject.toml": _PYPROJECT.encode(),
        "backend.py": _BACKEND,
        f"prebuilt/{wheel_filename(name, version)}": wheel,
    }


def _egg_info(name: str, pkg_info: bytes, requires: str | None) -> dict[str, bytes]:
    if requires is None:
        return {}
    folder = f"{import_name(name)}.egg-info"
    return {f"{folder}/PKG-INFO": pkg_info, f"{folder}/requires.txt": requires.encode()}
