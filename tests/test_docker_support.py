"""The tests' own Docker support: an engine without a network, and base images of this machine's Pythons."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import docker_packages, pythons
from tests.support.baseimage import base_image
from tests.support.checkout import ROOT
from tests.support.docker import DockerEngine, DockerUnavailableError
from tests.support.docker_daemon import DaemonLease, answers, client_environment

pytest_plugins = ["tests.support.docker_fixtures"]

INTERFACES = "import os; print(os.listdir('/sys/class/net'))"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def base(docker_engine: DockerEngine) -> str:
    return base_image(docker_engine, Path(sys.base_prefix), f"wheelhouse-test-base:{VERSION}")


@pytest.fixture
def own_engine(docker_engine: DockerEngine) -> DockerEngine:
    if docker_engine.is_existing:
        pytest.skip("the machine's own Docker is in use")
    return docker_engine


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for the names of sockets."""
    with tempfile.TemporaryDirectory(prefix="wh-") as folder:
        yield Path(folder)


@pytest.mark.docker
def test_an_image_built_without_network_runs_its_python(docker_engine: DockerEngine, base: str, tmp_path: Path) -> None:
    (tmp_path / "greeting.py").write_text("print('hello from', __import__('sys').argv[1])\n")
    dockerfile = """
        ARG BASE
        FROM ${BASE}
        ARG NAME
        COPY greeting.py /opt/greeting.py
        RUN python /opt/greeting.py "${NAME}" > /opt/greeting.txt && pip --version
        """
    built = docker_engine.build(tmp_path, dockerfile, "wheelhouse-test-trivial:1", {"BASE": base, "NAME": "a build"})
    assert built.returncode == 0, built.stderr
    program = "import sys; print('%d.%d' % sys.version_info[:2]); print(open('/opt/greeting.txt').read())"
    ran = docker_engine.run("wheelhouse-test-trivial:1", "python", "-c", program)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split("\n")[:2] == [VERSION, "hello from a build"]


@pytest.mark.docker
def test_neither_a_build_nor_a_container_has_a_network(docker_engine: DockerEngine, base: str, tmp_path: Path) -> None:
    dockerfile = tmp_path / "Network.Dockerfile"
    dockerfile.write_text(f'FROM {base}\nRUN ["python", "-c", "{INTERFACES}"]\n')
    built = docker_engine.build(tmp_path, dockerfile, "wheelhouse-test-network:1", None, "--no-cache")
    assert built.returncode == 0, built.stderr
    assert "['lo']" in built.stderr
    assert docker_engine.run(base, "python", "-c", INTERFACES).stdout == "['lo']\n"


@pytest.mark.docker
def test_what_fails_in_a_build_is_told(docker_engine: DockerEngine, base: str, tmp_path: Path) -> None:
    built = docker_engine.build(tmp_path, f"FROM {base}\nRUN echo so it ends; exit 7\n", "wheelhouse-test-failing:1")
    assert built.returncode != 0
    assert "so it ends" in built.stderr
    assert "exit code: 7" in built.stderr


@pytest.mark.docker
def test_the_python_of_a_base_image_has_its_compiled_modules(docker_engine: DockerEngine, base: str) -> None:
    modules = "bz2, ctypes, hashlib, lzma, pip, sqlite3, ssl, venv, zlib"
    ran = docker_engine.run(base, "python", "-W", "error", "-c", f"import {modules}")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.docker
def test_a_base_image_is_made_once(docker_engine: DockerEngine, base: str) -> None:
    def created() -> str:
        return docker_engine.docker("image", "inspect", "--format={{.Created}}", base).stdout

    before = created()
    base_image(docker_engine, Path(sys.prefix), base)
    assert before
    assert created() == before


@pytest.mark.docker
def test_an_engine_lasts_until_its_last_user_leaves_it(own_engine: DockerEngine, base: str) -> None:
    with DockerEngine(own_engine.cache, use_existing=False) as second:
        assert second.run(base, "true").returncode == 0
    assert own_engine.run(base, "true").returncode == 0


@pytest.mark.docker
def test_a_docker_that_answers_is_used(
    own_engine: DockerEngine, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in own_engine.env.items():
        monkeypatch.setenv(name, value)
    with DockerEngine() as second:
        assert second.is_existing
        assert second.run(base, "true").returncode == 0
        assert second.build(tmp_path, f"FROM {base}\n", "wheelhouse-test-kept:1").returncode == 0
    assert own_engine.docker("image", "inspect", "wheelhouse-test-kept:1").returncode != 0
    assert own_engine.docker("image", "inspect", base).returncode == 0


@pytest.mark.docker
def test_a_daemon_ends_without_a_trace(own_engine: DockerEngine, short_folder: Path) -> None:
    packages = docker_packages.unpacked_engine(own_engine.cache)
    lease = DaemonLease(short_folder / "engine", packages)
    lease.acquire()
    process = Path("/proc", (lease.folder / "docker.pid").read_text())
    assert answers(client_environment(lease.folder, packages))
    assert process.exists()
    lease.release()
    assert not process.exists()
    assert not {"data", "exec", "docker.sock"} & {path.name for path in lease.folder.iterdir()}
    assert str(short_folder) not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.docker
def test_a_daemon_ends_with_users_that_are_killed(own_engine: DockerEngine, short_folder: Path) -> None:
    packages = docker_packages.unpacked_engine(own_engine.cache)
    folder = short_folder / "engine"
    program = (
        "import os, sys; from pathlib import Path; from tests.support.docker_daemon import DaemonLease\n"
        "DaemonLease(*map(Path, sys.argv[1:])).acquire(); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", program, folder, packages], env=environment, check=False)
    assert killed.returncode == -9
    process = Path("/proc", (folder / "docker.pid").read_text())
    DaemonLease(folder, packages)._keeper.wait(60)
    assert not process.exists()


@pytest.mark.docker
def test_a_folder_that_cannot_be_used_is_a_reason(own_engine: DockerEngine, short_folder: Path) -> None:
    (short_folder / "file").write_text("")
    assert "no folder for the engine" in str(DockerEngine(short_folder / "file", use_existing=False).available())
    (short_folder / "open").mkdir()
    (short_folder / "open").chmod(0o777)
    assert "others may write" in str(DockerEngine(short_folder / "open", use_existing=False).available())
    long = short_folder / ("long" * 20)
    assert "too long" in str(DockerEngine(long, use_existing=False).available())
    assert not long.exists()


def test_only_root_can_have_an_engine_of_the_tests_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    engine = DockerEngine(tmp_path / "cache", use_existing=False)
    assert "only root" in str(engine.available())
    with pytest.raises(DockerUnavailableError, match="only root"):
        engine.start()
    assert not (tmp_path / "cache").exists()


def test_a_python_is_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"python{VERSION}").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    found = pythons.find_python(VERSION)
    assert found is not None
    assert found.resolve() == Path(sys.executable).resolve()


def test_the_newest_python_of_a_version_is_found_in_pyenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for release in ("9", "10"):
        binaries = tmp_path / "versions" / f"{VERSION}.{release}" / "bin"
        binaries.mkdir(parents=True)
        (binaries / "python").symlink_to(sys.executable)
    shim = tmp_path / f"python{VERSION}"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert pythons.find_python(VERSION) == tmp_path / f"versions/{VERSION}.10/bin/python"


def test_a_python_that_is_missing_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert pythons.find_python("3.12") is None
