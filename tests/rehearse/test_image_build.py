"""Real images with a real engine and no network: each is built by the rehearsal, and Airflow runs in it."""

from pathlib import Path

import pytest

from tests.support.baseimage import base_image
from tests.support.docker import DockerEngine, must_lose
from tests.support.index import IndexServer
from tests.support.real import need_index, need_python, wheelhouse_connected
from tests.support.rehearsals import rehearse
from tests.support.shared import shared
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_wheel

pytest_plugins = ["tests.support.docker_fixtures", "tests.support.real_wheelhouses"]
pytestmark = pytest.mark.docker
RELEASES = {
    "2.0.0": ("3.7", "airflow db init"),
    "2.10.5": ("3.12", "airflow db migrate"),
    "3.1.0": ("3.13", "airflow db migrate"),
}


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """A staged folder of layout flat."""
    build_wheel(tmp_path / "offered", "app", "1.0", requires=["lib"])
    build_wheel(tmp_path / "offered", "lib", "2.0")
    with IndexServer(tmp_path / "offered") as index:
        assert wheelhouse("fetch", "app", "--python", "3.12", "--index", index.url, cwd=tmp_path).returncode == 0
    assert wheelhouse("stage", cwd=tmp_path).returncode == 0
    return tmp_path / "docker-context-files"


@pytest.fixture(scope="session")
def base(docker_engine: DockerEngine) -> str:
    return base_image(docker_engine, need_python("3.12").parents[1], "wheelhouse-test-base:3.12")


def test_the_fragment_builds_and_what_is_named_runs(docker_engine: DockerEngine, base: str, flat: Path) -> None:
    told = rehearse(
        flat, "--image", base, "--run", "python -c 'import app, lib'", python=need_python("3.12"), env=docker_engine.env
    )
    assert (told.code, told.sentences) == (0, [])
    assert told.outcome("image") == told.outcome("run python -c 'import app, lib' in the image") == "ok"
    must_lose(docker_engine, "wheelhouse-rehearsal")


def test_a_dockerfile_of_the_users_own(docker_engine: DockerEngine, base: str, flat: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "hello.txt").write_text("hello\n")
    own = "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY hello.txt /\nCOPY docker-context-files /files\n"
    own += "RUN pip install --no-index /files/lib-*.whl\n"
    (checkout / "Dockerfile").write_text(own)
    dockerfile = ("--dockerfile", checkout / "Dockerfile")
    told = rehearse(
        flat, "--image", base, *dockerfile, "--run", "cat /hello.txt", python=need_python("3.12"), env=docker_engine.env
    )
    assert told.steps["image"]["outcome"] == "ok", told.sentences
    assert told.steps["run cat /hello.txt in the image"]["note"] == "hello"
    (checkout / "Dockerfile").write_text(
        own.replace("/files/lib-*.whl", "'lib>3'").replace("install", "install --find-links /files")
    )
    failed = rehearse(flat, "--image", base, *dockerfile, python=need_python("3.12"), env=docker_engine.env)
    assert failed.code == 1
    assert any(
        "the install requires `lib>3`, but the lock file has 2.0" in sentence for sentence in failed.sentences
    ), failed.sentences


@pytest.mark.index
@pytest.mark.interpreters
@pytest.mark.parametrize("release", RELEASES)
def test_airflow_runs_and_migrates_its_database(
    docker_engine: DockerEngine, tmp_path: Path, real_cache: Path, release: str
) -> None:
    need_index()
    minor, migrate = RELEASES[release]
    python = need_python(minor)
    exact = run(python, "-c", "import platform; print(platform.python_version())").stdout.strip()
    asked = (
        "--airflow",
        release,
        "--extra",
        "celery,statsd",
        "-c",
        shared(f"constraints/{release}/constraints-{minor}.txt"),
    )
    fetched = (*asked, "--python", exact, "--build", "--interpreter", python, "--dest", "house", "-q")
    wheelhouse_connected("fetch", *fetched, cwd=tmp_path, cache=real_cache)
    staged = wheelhouse("stage", "house", cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    base = base_image(docker_engine, python.parents[1], f"wheelhouse-test-base:{minor}")
    named = ("--image", base, "--run", "airflow version", "--run", migrate)
    told = rehearse(tmp_path / "docker-context-files", *named, python=python, env=docker_engine.env, timeout=3000)
    assert (told.code, told.sentences) == (0, [])
    assert told.steps["run airflow version in the image"]["note"] == release
    assert told.outcome(f"run {migrate} in the image") == "ok"
