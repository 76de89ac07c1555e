"""The image of wheelhouse itself, built with no network from a wheelhouse that wheelhouse made of itself."""

import platform
import sys
from pathlib import Path

import pytest

from tests.support.baseimage import base_image
from tests.support.checkout import ROOT
from tests.support.docker import DockerEngine
from tests.support.installed import needed_by, wheel_of
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.bundle.self_wheel import DISTRIBUTION, own_wheel

pytest_plugins = ["tests.support.docker_fixtures"]

DOCKERFILE = ROOT / "integrations/container/Dockerfile"
EXTRAS = ("serve", "signing")
PYTHON = platform.python_version()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse of wheelhouse itself, for this machine's Python; its dependencies are those that are installed here."""
    folder = tmp_path_factory.mktemp("own")
    for distribution in needed_by(DISTRIBUTION, EXTRAS).values():
        wheel_of(distribution, folder / "offered")
    wheel = own_wheel(folder)
    target = (
        "--python",
        PYTHON,
        "--platform",
        f"manylinux_{platform.libc_ver()[1].replace('.', '_')}_{platform.machine()}",
    )
    offered = ("--no-index", "--find-links", "offered")
    done = wheelhouse("fetch", f"./{wheel.name}[{','.join(EXTRAS)}]", *target, *offered, "--dest", "own", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "own"


@pytest.mark.docker
def test_the_image_is_built_with_no_network_and_does_its_work(
    docker_engine: DockerEngine, own: Path, tmp_path: Path
) -> None:
    base = base_image(docker_engine, Path(sys.base_prefix), f"wheelhouse-test-base:{PYTHON}")
    built = docker_engine.build(own, DOCKERFILE, "wheelhouse-test-own", {"BASE_IMAGE": base})
    assert built.returncode == 0, built.stderr[-6000:]
    build_wheel(tmp_path / "offered", "app", "1.0")
    tmp_path.chmod(0o777)
    mounted = ("--volume", f"{tmp_path}:/work")
    fetch = ("fetch", "app", "--python", "3.12", "--no-index", "--find-links", "offered")
    done = docker_engine.run("wheelhouse-test-own", *fetch, options=mounted)
    assert done.returncode == 0, done.stderr
    verified = wheelhouse("verify", "wheels", cwd=tmp_path)
    assert verified.returncode == 0, verified.stderr
    shown = docker_engine.run("wheelhouse-test-own", "--version")
    assert shown.stdout.startswith("wheelhouse "), shown.stderr
