"""Small houses, made by the real command from a made index."""

from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.doors.disk import sha256_of
from wheelhouse.doors.wheelfile import inspect
from wheelhouse.model.artifact import Artifact
from wheelhouse.model.house import House
from wheelhouse.model.lock import Inputs, Lock, Pin
from wheelhouse.model.target import Platform, Python, Target


@pytest.fixture(scope="session")
def small_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house for CPython 3.11: an application, what it needs, a yanked release, a local version and an sdist."""
    base = tmp_path_factory.mktemp("small")
    offered = base / "offered"
    offered.mkdir()
    build_wheel(
        offered, "app", "1.0", requires=["lib[fast]>=1", "old==0.9", "local", "raw"], requires_python=">=3.8,<4"
    )
    build_wheel(offered, "lib", "1.0", requires=["six-like"], extras={"fast": ["quick"]})
    for name in ("quick", "six-like"):
        build_wheel(offered, name, "1.0")
    build_wheel(offered, "local", "1.0+cpu", files={"local/data.bin": bytes(range(256)) * 2000})
    build_sdist(offered, "raw", "1.0")
    yanked = build_wheel(base, "old", "0.9")
    with IndexServer(offered) as server:
        server.add(yanked, yanked="it was <bad> & worse")
        made = wheelhouse("fetch", "app", "--python", "3.11", "--index", server.url, "--dest", "house", cwd=base)
        assert made.returncode == 0, made.stderr
    return base / "house"


def house_of(folder: Path, *requirements: str) -> Path:
    """Make a house for CPython 3.12 of the wheels and sdists that lie in a folder, without any index."""
    target = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))
    pins = tuple(_pin(path, target) for path in sorted(folder.iterdir()))
    lock = Lock(target, Inputs(requirements=requirements), tuple(sorted(pins, key=lambda pin: pin.project)))
    for name, text in House((lock,)).texts.items():
        (folder / name).write_text(text)
    return folder


def _pin(path: Path, target: Target) -> Pin:
    metadata = inspect(path, path.name).metadata
    artifact = Artifact(path.name, sha256_of(path), path.stat().st_size, f"https://index.example/files/{path.name}")
    needs = tuple(f"{asked.name}{asked.specifier}" for asked, _ in metadata.requirements(target))
    because = None if artifact.is_wheel else "the project published no wheel"
    return Pin(metadata.project, metadata.version, artifact, dependencies=needs, sdist_because=because)
