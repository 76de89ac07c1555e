"""Wheelhouses made of the files that lie in a folder, in no time and without any index."""

from pathlib import Path

from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.files.disk import sha256_of
from wheelhouse.lock.lock import Inputs, Lock, Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.target.target import Platform, Python, Target


def wheelhouse_of(folder: Path, *requirements: str) -> Path:
    """Make a wheelhouse for CPython 3.12 of the wheels and sdists that lie in a folder, without any index."""
    target = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))
    pins = tuple(_pin(path, target) for path in sorted(folder.iterdir()))
    lock = Lock(target, Inputs(requirements=requirements), tuple(sorted(pins, key=lambda pin: pin.project)))
    for name, text in Wheelhouse((lock,)).texts.items():
        (folder / name).write_text(text)
    return folder


def _pin(path: Path, target: Target) -> Pin:
    metadata = inspect(path, path.name).metadata
    artifact = Artifact(path.name, sha256_of(path), path.stat().st_size, f"https://index.example/files/{path.name}")
    needs = tuple(f"{asked.name}{asked.specifier}" for asked, _ in metadata.requirements(target))
    because = None if artifact.is_wheel else "the project published no wheel"
    return Pin(metadata.project, metadata.version, artifact, dependencies=needs, sdist_because=because)
