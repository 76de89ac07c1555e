"""Each release's install steps, run with no network on what `stage` wrote of a real small house, by both routes.

A few releases by default; all of them with WHEELHOUSE_EVERY_RELEASE=1, which takes minutes for each. The houses' few sdists are
made into wheels before, outside, with setuptools of the time.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.airflow_build import Build
from tests.support.airflow_house import PYTHONS
from tests.support.index import IndexServer
from tests.support.pythons import find_python
from tests.support.shared import shared
from tests.support.tools import clean_environment, run, wheelhouse
from wheelhouse.model.airflow.arguments import ROUTES

EXTRAS = "celery,statsd"
BY_DEFAULT = ("2.0.0", "2.7.3", "3.1.0")
RELEASES = tuple(PYTHONS) if os.environ.get("WHEELHOUSE_EVERY_RELEASE") else BY_DEFAULT
CONSTRAINTS = {"2.0.1": "2.0.0"}
"""Whose constraints are taken where a release's own are not at hand."""

IN_BASE_IMAGE = ("setuptools", "wheel")
CERTIFICATES = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}
PIP_CERTIFICATES = {"PIP_CERT": CERTIFICATES["SSL_CERT_FILE"]} if CERTIFICATES else {}
CACHE = {name: os.environ[name] for name in ("WHEELHOUSE_CACHE_DIR",) if name in os.environ}


def interpreter_of(release: str) -> Path:
    found = find_python(PYTHONS[release].rpartition(".")[0])
    if found is None:
        pytest.skip(f"no Python {PYTHONS[release]} here")
    return found


def constraints_of(release: str) -> Path:
    minor = PYTHONS[release].rpartition(".")[0]
    return shared(f"constraints/{CONSTRAINTS.get(release, release)}/constraints-{minor}.txt")


def fetch(release: str, python: str, dest: Path, *more: str) -> None:
    asked = ("--airflow", release, "--extra", EXTRAS, "-c", constraints_of(release), "--python", python)
    env = CERTIFICATES | CACHE
    done = wheelhouse("fetch", *asked, "--dest", dest, "--quiet", *more, cwd=dest.parent, env=env)
    assert done.returncode == 0, done.stderr


def make_wheels(interpreter: Path, sdists: list[Path], dest: Path, setuptools: str) -> None:
    """Make wheels of sdists, with setuptools of their time: the step that a house of wheels has behind it."""
    venv = dest.parent / "builder"
    assert run(interpreter, "-I", "-m", "venv", venv).returncode == 0
    pip = (venv / "bin/python", "-I", "-m", "pip", "--quiet", "--disable-pip-version-check")
    env = clean_environment(**CERTIFICATES, **PIP_CERTIFICATES)
    backends = (setuptools, "wheel<0.44", "poetry-core", "flit-core", "hatchling", "setuptools-scm", "cython<3")
    ready = run(*pip, "install", *backends, env=env, timeout=600)
    assert ready.returncode == 0, ready.stderr
    options = ("--use-pep517", "--no-build-isolation", "--no-deps", "-w", dest)
    made = run(*pip, "wheel", *options, *sdists, env=env, timeout=600)
    assert made.returncode == 0, made.stderr


@pytest.fixture(scope="module", params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def house(release: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A house of wheels alone: fetched, its sdists made into wheels, and fetched again from an index of all that."""
    base = tmp_path_factory.mktemp(f"airflow-{release}")
    interpreter, offered = interpreter_of(release), base / "offered"
    python = run(interpreter, "-c", "import platform; print(platform.python_version())").stdout.strip()
    fetch(release, python, base / "real")
    offered.mkdir()
    sdists = sorted((base / "real").glob("*.tar.gz")) + sorted((base / "real").glob("*.zip"))
    for path in [*(base / "real").glob("*.whl"), *(base / "real/tools").glob("*.whl")]:
        shutil.copy(path, offered)
    if sdists:
        make_wheels(
            interpreter, sdists, offered, "setuptools<58" if Version(release) < Version("2.6") else "setuptools<80"
        )
    with IndexServer(offered) as index:
        fetch(release, python, base / "house", "--index", index.url)
    assert not list((base / "house").glob("*.tar.gz"))
    yield base / "house"
    shutil.rmtree(base)


@pytest.mark.index
@pytest.mark.interpreters
@pytest.mark.parametrize("route", ROUTES)
def test_the_build_ends_well_with_no_network(release: str, route: str, house: Path, tmp_path: Path) -> None:
    staged = wheelhouse("stage", house, "--route", route, "--dest", "staged", "--json", cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    told = json.loads(staged.stdout)
    assert told["route"] == ("configured" if release == "2.0.0" else route)
    assert not told["warnings"]
    build = Build(Version(release), tmp_path / "staged", interpreter_of(release), tmp_path / "work")
    done = build()
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert (build.work / "version.txt").read_text().strip() == release
    pins = installed(build.venv)
    locked = {name: version for name, version in lock_of(house).items() if name not in IN_BASE_IMAGE}
    assert {name: pins.get(name) for name in locked} == locked
    assert obeyed(pins, constraints_of(release)) == []


def installed(venv: Path) -> dict[str, str]:
    listed = run(venv / "bin/python", "-I", "-m", "pip", "list", "--format=json", "--disable-pip-version-check")
    return {canonicalize_name(entry["name"]): entry["version"] for entry in json.loads(listed.stdout)}


def lock_of(house: Path) -> dict[str, str]:
    (path,) = house.glob("requirements.*.txt")
    lines = [line.partition(" ")[0] for line in path.read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def obeyed(pins: dict[str, str], constraints: Path) -> list[str]:
    """What is installed otherwise than the constraints say; pip itself is the image build's own."""
    lines = [Requirement(line) for line in constraints.read_text().splitlines() if line and not line.startswith("#")]
    wrong = []
    for line in lines:
        name = canonicalize_name(line.name)
        if name not in ("pip", "uv") and name in pins and not line.specifier.contains(pins[name], prereleases=True):
            wrong.append(f"{name} {pins[name]}, not {line.specifier}")
    return wrong
