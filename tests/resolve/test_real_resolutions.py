"""Resolutions on the real index: Airflow as uv sees it, and other sets as pip sees them under the target's own Python."""

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.pythons import find_python
from tests.support.shared import shared
from tests.support.tools import clean_environment, run, wheelhouse

CERTIFICATES = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}
PIP_ENVIRONMENT = clean_environment(**CERTIFICATES)
if CERTIFICATES:
    PIP_ENVIRONMENT["PIP_CERT"] = CERTIFICATES["SSL_CERT_FILE"]
PIP_INSTALL = ("-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check")
PLATFORMS = {
    "linux/amd64": "x86_64-manylinux_2_28",
    "linux/arm64": "aarch64-manylinux_2_28",
    "macosx_13_0_arm64": "aarch64-apple-darwin",
    "windows/amd64": "x86_64-pc-windows-msvc",
}
SETS = {
    "requests": ["requests[socks]"],
    "flask": ["flask", "flask-sqlalchemy", "gunicorn"],
    "django": ["django", "djangorestframework"],
    "celery": ["celery[redis]"],
    "pandas": ["pandas", "pyarrow"],
    "fastapi": ["fastapi", "uvicorn[standard]"],
    "sphinx": ["sphinx"],
    "pytest": ["pytest", "pytest-cov", "hypothesis"],
    "boto3": ["boto3", "s3transfer"],
    "jupyter": ["ipykernel", "jupyter-client"],
}


def locked(folder: Path, *asked: str) -> dict[str, str]:
    """What `wheelhouse lock` chooses: projects and versions."""
    return {project["name"]: project["version"] for project in projects(folder, *asked)}


def projects(folder: Path, *asked: str) -> list[dict[str, str]]:
    ran = wheelhouse("lock", *asked, "--json", cwd=folder, env=CERTIFICATES)
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, str]] = json.loads(ran.stdout)["targets"][0]["projects"]
    return found


def by_uv(constraints: Path, python: str, platform: str, requirement: str, folder: Path) -> dict[str, str]:
    asked = folder / "asked.txt"
    asked.write_text(requirement)
    options = ("--no-annotate", "--no-header", "--no-config", "--cache-dir", folder / "uv", "--python", sys.executable)
    target = ("--python-version", python, "--python-platform", platform)
    command = (sys.executable, "-I", "-m", "uv", "pip", "compile", *options, *target, "-c", constraints, asked)
    ran = run(*command, env=clean_environment(**CERTIFICATES))
    assert ran.returncode == 0, ran.stderr
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", ran.stdout, re.MULTILINE))


@pytest.mark.index
@pytest.mark.parametrize("python", ["3.10", "3.13"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_airflow_3_1_0_is_what_uv_makes_of_its_constraints(python: str, platform: str, tmp_path: Path) -> None:
    constraints = shared(f"constraints/3.1.0/constraints-{python}.txt")
    asked = "apache-airflow[celery,postgres,redis,ssh]==3.1.0"
    ours = locked(tmp_path, asked, "-c", str(constraints), "--python", f"{python}.5", "--platform", platform)
    assert ours == by_uv(constraints, f"{python}.5", PLATFORMS[platform], asked, tmp_path)


@pytest.mark.index
def test_airflow_2_10_5_is_refused_on_python_3_13(tmp_path: Path) -> None:
    constraints = shared("constraints/2.10.5/constraints-3.12.txt")
    asked = ("apache-airflow==2.10.5", "-c", str(constraints), "--python", "3.13")
    refused = wheelhouse("lock", *asked, cwd=tmp_path, env=CERTIFICATES)
    assert refused.returncode == 3
    last = [line for line in refused.stderr.splitlines() if not line.startswith("hint: ")][-1]
    assert "apache-airflow" in last and "requires Python" in last and "<3.13" in last and "3.13" in last


@pytest.fixture(scope="module", params=["3.7", "3.9", "3.11", "3.13"])
def interpreter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real Python in an environment of its own, with the newest pip that there is for it."""
    found = find_python(request.param)
    if found is None:
        pytest.skip(f"no Python {request.param} here")
    venv = tmp_path_factory.mktemp("real") / "venv"
    assert run(found, "-I", "-m", "venv", venv).returncode == 0
    upgraded = run(venv / "bin" / "python", *PIP_INSTALL, "--upgrade", "pip", env=PIP_ENVIRONMENT)
    assert upgraded.returncode == 0, upgraded.stderr
    return venv / "bin" / "python"


def installed_by_pip(interpreter: Path, asked: Sequence[str], folder: Path) -> list[str]:
    """The files that pip would install, by a report of its own."""
    report = folder / "report.json"
    options = ("--dry-run", "--ignore-installed", "--report", report)
    ran = run(interpreter, *PIP_INSTALL, *options, *asked, env=PIP_ENVIRONMENT, timeout=900)
    assert ran.returncode == 0, ran.stderr
    entries = json.loads(report.read_text())["install"]
    return sorted(entry["download_info"]["url"].rpartition("/")[2] for entry in entries)


@pytest.mark.index
@pytest.mark.interpreters
@pytest.mark.parametrize("name", SETS)
def test_the_same_files_as_pip_under_the_real_python(interpreter: Path, name: str, tmp_path: Path) -> None:
    shown = wheelhouse("target", "show", "--interpreter", interpreter, cwd=tmp_path)
    (tmp_path / "target.json").write_text(shown.stdout)
    ours = projects(tmp_path, *SETS[name], "--target-file", "target.json")
    assert sorted(project["file"] for project in ours) == installed_by_pip(interpreter, SETS[name], tmp_path)
