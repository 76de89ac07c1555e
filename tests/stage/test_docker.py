"""Real image builds with no network, from flat-staged folders: as root, and with --user as Airflow's own image wants it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.baseimage import base_image
from tests.support.docker import DockerEngine
from tests.support.index import IndexServer
from tests.support.real import need_python
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_sdist, build_wheel

pytest_plugins = ["tests.support.docker_fixtures", "tests.support.real_wheelhouses"]
pytestmark = pytest.mark.docker

FOLDER = "docker-context-files"
MAKER = """\
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    held = {
        "made.py": "by = 'maker'\\n",
        "app-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: app\\nVersion: 1.0\\n",
        "app-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = "app-1.0.dist-info/RECORD"
    rows = "".join(path + ",,\\n" for path in [*held, record])
    with zipfile.ZipFile(folder + "/app-1.0-py3-none-any.whl", "w") as archive:
        for path, text in [*held.items(), (record, rows)]:
            archive.writestr(path, text)
    return "app-1.0-py3-none-any.whl"
"""
AS_USER = "FROM {base}\nRUN mkdir -p /home/airflow && chown 50000:0 /home/airflow\nENV HOME=/home/airflow\nUSER 50000\n"


@pytest.fixture(scope="session")
def bases(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """A base image for each way of installing: as root, and as a user who may write to nothing but a home folder."""
    root = base_image(docker_engine, need_python("3.12").parents[1], "wheelhouse-test-base:3.12")
    user = "wheelhouse-test-user:3.12"
    built = docker_engine.build(tmp_path_factory.mktemp("empty"), AS_USER.format(base=root), user)
    assert built.returncode == 0, built.stderr
    return {"": root, "--user": user}


def built(engine: DockerEngine, context: Path, tag: str, base: str, pip_options: str) -> str:
    """The image that the staged folder in `context` makes, by its own fragment."""
    arguments = {"BASE_IMAGE": base, "PIP_OPTIONS": pip_options}
    done = engine.build(context, context / FOLDER / "install.Dockerfile", tag, arguments)
    assert done.returncode == 0, done.stderr[-6000:]
    return tag


@pytest.mark.parametrize("pip_options", ["", "--user"])
def test_a_made_project(
    docker_engine: DockerEngine, bases: Mapping[str, str], tmp_path: Path, pip_options: str
) -> None:
    build_wheel(tmp_path / "offered", "app", "1.0", requires=["lib"])
    build_wheel(tmp_path / "offered", "lib", "2.0")
    with IndexServer(tmp_path / "offered") as index:
        assert wheelhouse("fetch", "app", "--python", "3.12", "--index", index.url, cwd=tmp_path).returncode == 0
    staged = wheelhouse("stage", cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    tag = built(docker_engine, tmp_path, f"wheelhouse-test-made:root{pip_options}", bases[pip_options], pip_options)
    ran = docker_engine.run(tag, "python", "-c", "import app, lib; print(app.__version__, lib.__version__)")
    assert ran.stdout == "1.0 2.0\n", ran.stderr
    assert FOLDER not in docker_engine.run(tag, "ls", "/", FOLDER).stdout.split(), (
        "the folder's files were left in the image"
    )


@pytest.mark.parametrize("dest", ["docker-context-files", "deep/er/out", "größe", "my folder, 2"])
def test_the_printed_commands_build_an_sdist_with_no_network(
    docker_engine: DockerEngine, bases: Mapping[str, str], tmp_path: Path, dest: str
) -> None:
    with IndexServer() as index:
        index.add(build_wheel(tmp_path / "made", "maker", "1.0", files={"maker_backend.py": MAKER.encode()}))
        project = '[build-system]\nrequires = ["maker"]\nbuild-backend = "maker_backend"\n'
        index.add(build_sdist(tmp_path / "made", "app", "1.0", metadata_version="2.1", pyproject=project))
        assert wheelhouse("fetch", "app", "--python", "3.12", "--index", index.url, cwd=tmp_path).returncode == 0
    staged = wheelhouse("stage", "--dest", dest, "--base-image", bases[""], cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    commands = staged.stdout[staged.stdout.index("\n\n") :].replace("\nthen:\n", "\n")
    tag = f"wheelhouse-test-printed:{abs(hash(dest))}"
    done = run("sh", "-euc", commands.replace("my-image", tag), cwd=tmp_path, env=docker_engine.env, timeout=600)
    assert done.returncode == 0, done.stderr[-6000:]
    ran = docker_engine.run(tag, "python", "-c", "import made; print(made.by)")
    assert ran.stdout == "maker\n", ran.stderr


@pytest.mark.index
@pytest.mark.parametrize("pip_options", ["", "--user"])
def test_airflow(
    docker_engine: DockerEngine, bases: Mapping[str, str], wheelhouse_2_10: Path, tmp_path: Path, pip_options: str
) -> None:
    staged = wheelhouse("stage", wheelhouse_2_10, "--layout", "flat", cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    assert len([*(tmp_path / FOLDER).glob("*.whl"), *(tmp_path / FOLDER).glob("*.tar.gz")]) == 177
    tag = built(docker_engine, tmp_path, f"wheelhouse-test-airflow:root{pip_options}", bases[pip_options], pip_options)
    ran = docker_engine.run(tag, "python", "-m", "airflow", "version")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "2.10.5"
    checked = docker_engine.run(tag, "python", "-m", "pip", "check")
    assert checked.stdout == "No broken requirements found.\n"
