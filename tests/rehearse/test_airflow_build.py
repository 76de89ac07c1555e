"""Each release's install steps, rehearsed with no network on what `stage` wrote of a real small wheelhouse, by both routes.

A few releases by default; all of them with WHEELHOUSE_EVERY_RELEASE=1, which takes minutes for each.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.airflow_locks import PYTHONS
from tests.support.real import need_index, need_python, wheelhouse_connected
from tests.support.rehearsals import rehearse
from tests.support.shared import shared
from tests.support.tools import run, wheelhouse
from wheelhouse.stage.airflow.arguments import ROUTES

pytest_plugins = ["tests.support.real_wheelhouses"]
pytestmark = [pytest.mark.index, pytest.mark.interpreters]
EXTRAS = "celery,statsd"
BY_DEFAULT = ("2.0.0", "2.7.3", "3.1.0")
RELEASES = tuple(PYTHONS) if os.environ.get("WHEELHOUSE_EVERY_RELEASE") else BY_DEFAULT
CONSTRAINTS = {"2.0.1": "2.0.0"}
"""Whose constraints are taken where a release's own are not at hand."""


def interpreter_of(release: str) -> Path:
    return need_python(PYTHONS[release].rpartition(".")[0])


@pytest.fixture(scope="module", params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def house(release: str, real_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A wheelhouse of wheels alone, for the very Python that is here: fetched, and its few sdists built."""
    need_index()
    base, interpreter = tmp_path_factory.mktemp(f"airflow-{release}"), interpreter_of(release)
    python = run(interpreter, "-c", "import platform; print(platform.python_version())").stdout.strip()
    minor = PYTHONS[release].rpartition(".")[0]
    constraints = shared(f"constraints/{CONSTRAINTS.get(release, release)}/constraints-{minor}.txt")
    asked = ("--airflow", release, "--extra", EXTRAS, "-c", constraints, "--python", python)
    built = ("--build", "--interpreter", interpreter, "--dest", "house", "--quiet")
    wheelhouse_connected("fetch", *asked, *built, cwd=base, cache=real_cache)
    yield base / "house"
    shutil.rmtree(base)


@pytest.mark.parametrize("route", ROUTES)
def test_the_build_ends_well_with_no_network(release: str, route: str, house: Path, tmp_path: Path) -> None:
    staged = wheelhouse("stage", house, "--route", route, "--dest", "staged", "--json", cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    document = json.loads(staged.stdout)
    assert document["route"] == ("configured" if release == "2.0.0" else route)
    assert not document["warnings"]
    python = interpreter_of(release)
    told = rehearse(tmp_path / "staged", "--run", "airflow version", python=python, timeout=1800)
    assert (told.code, told.sentences) == (0, [])
    assert told.steps["run airflow version"]["note"] == release
