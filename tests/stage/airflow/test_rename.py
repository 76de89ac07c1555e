"""The two renames, put before real pips, from 20.2.4 to the newest, and uv: the documented form fails everywhere, ours works everywhere."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.pythons import find_python
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.stage.airflow.names import capitals

PLAIN = "apache_airflow-2.0.1-py3-none-any.whl"
PROVIDER = "apache_airflow_providers_http-1.0-py3-none-any.whl"
PIPS = {
    "20.2.4": "3.7",
    "21.3.1": "3.7",
    "22.3.1": "3.8",
    "23.2.1": "3.11",
    "24.0": "3.11",
    "25.3": "3.12",
    "newest": "3.13",
}
INSTALL = ("install", "--force-reinstall", "--no-deps", "--no-index")
CERTIFICATES = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Airflow, a provider and what it needs, with Airflow's own files under both new names and not under their own."""
    made = tmp_path / "docker-context-files"
    for name, version, needs in (
        ("apache-airflow", "2.0.1", ["lib"]),
        ("apache-airflow-providers-http", "1.0", ["apache-airflow>=2"]),
        ("lib", "1.0", []),
    ):
        build_wheel(made, name, version, requires=needs)
    for plain in (PLAIN, PROVIDER):
        (made / f"_{plain}").write_bytes((made / plain).read_bytes())
        (made / plain).rename(made / capitals(plain))
    return made


@pytest.fixture(params=PIPS)
def pip(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str | Path, ...]:
    """A fresh environment with one real pip in it, as a command."""
    version, python = request.param, PIPS[request.param]
    interpreter = find_python(python)
    if interpreter is None:
        pytest.skip(f"no Python {python} here")
    asked = "pip" if version == "newest" else f"pip=={version}"
    fetched = wheelhouse("fetch", asked, "--python", python, "--dest", "pip", cwd=tmp_path, env=CERTIFICATES)
    assert fetched.returncode == 0, fetched.stderr
    (wheel,) = (tmp_path / "pip").glob("pip-*.whl")
    venv = tmp_path / "venv"
    assert run(interpreter, "-I", "-m", "venv", "--without-pip", venv).returncode == 0
    installed = run(venv / "bin/python", wheel / "pip", "install", "--no-index", wheel)
    assert installed.returncode == 0, installed.stderr
    return (venv / "bin/python", "-I", "-m", "pip", "--disable-pip-version-check")


def installed_by(pip: tuple[str | Path, ...]) -> dict[str, str]:
    listed = run(*pip, "list", "--format=json")
    return {entry["name"].lower(): entry["version"] for entry in json.loads(listed.stdout)}


@pytest.mark.index
@pytest.mark.interpreters
def test_pip_takes_ours_by_path_and_by_name_and_refuses_the_documented_one(
    pip: tuple[str | Path, ...], folder: Path
) -> None:
    files = [folder / capitals(PLAIN), folder / capitals(PROVIDER), folder / "lib-1.0-py3-none-any.whl"]
    done = run(*pip, *INSTALL, *files)
    assert done.returncode == 0, done.stderr
    assert {"apache-airflow": "2.0.1", "apache-airflow-providers-http": "1.0", "lib": "1.0"}.items() <= installed_by(
        pip
    ).items()
    assert run(*pip, "uninstall", "--yes", "apache-airflow", "apache-airflow-providers-http", "lib").returncode == 0
    found = run(*pip, "install", "--no-index", "--find-links", folder, "apache-airflow-providers-http")
    assert found.returncode == 0, found.stderr
    assert installed_by(pip)["apache-airflow"] == "2.0.1"
    assert run(*pip, "check").returncode == 0
    refused = run(*pip, *INSTALL, folder / f"_{PLAIN}", folder / "lib-1.0-py3-none-any.whl")
    assert refused.returncode != 0
    assert "nvalid" in refused.stderr


def test_uv_takes_ours_and_refuses_the_documented_one(folder: Path, tmp_path: Path) -> None:
    uv = (sys.executable, "-I", "-m", "uv")
    python = ("--python", tmp_path / "venv/bin/python", "--no-config", "--no-cache")
    assert run(*uv, "venv", "--no-config", "--python", sys.executable, tmp_path / "venv").returncode == 0
    done = run(*uv, "pip", "install", *python, "--no-deps", "--no-index", folder / capitals(PLAIN))
    assert done.returncode == 0, done.stderr
    listed = run(*uv, "pip", "list", *python, "--format=json")
    assert json.loads(listed.stdout) == [{"name": "apache-airflow", "version": "2.0.1"}]
    refused = run(*uv, "pip", "install", *python, "--no-deps", "--no-index", folder / f"_{PLAIN}")
    assert refused.returncode != 0


def test_the_scripts_own_sorting_of_files_drops_the_documented_one(folder: Path) -> None:
    globs = "apache?airflow?[0-9]*.whl", "apache?airflow?providers*.whl"
    sees = (
        f"cd {folder} && ls {' '.join(globs)} 2>/dev/null; ls *.whl | grep -v apache_airflow | grep -v apache-airflow"
    )
    assert run("bash", "-c", sees).stdout.split() == [capitals(PLAIN), capitals(PROVIDER), "lib-1.0-py3-none-any.whl"]
