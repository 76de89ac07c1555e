"""The examples: each fits the schema of its engine, and its commands make, as they are written, the wheelhouses of a fleet."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.build.test_build import sdist
from tests.support.checkout import ROOT
from tests.support.index import IndexServer
from tests.support.real import connected_environment, need_index, need_python
from tests.support.sandboxes import MINOR, needs_any_sandbox
from tests.support.tools import clean_environment, run, wheelhouse
from tests.support.wheels import build_wheel

pytest_plugins = ["tests.support.team_fixtures"]
pytestmark = pytest.mark.rooms
EXAMPLES = ROOT / "examples"
KUBERNETES = EXAMPLES / "kubernetes/fleet.yaml"
GITLAB = EXAMPLES / "gitlab/.gitlab-ci.yml"
AIRFLOW = EXAMPLES / "airflow/wheelhouse_fleet.py"
JOBS = ("web", "etl")
"""The jobs that the examples name. `etl` has an sdist."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    folder = tmp_path_factory.mktemp("offered")
    build_wheel(folder, "lib", "1.0")
    sdist(folder, "app", requires=("lib",))
    with IndexServer(folder) as server:
        yield server


@pytest.fixture
def fleet(tmp_path: Path, key: Path) -> Path:
    """A folder with the settings of the jobs that the examples name."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "wheelhouse.toml").write_text(
        f'python = "{MINOR}"\n[jobs.web]\nrequirements = ["lib"]\n[jobs.etl]\nrequirements = ["app"]\n'
        f'[store]\ntrusted = ["{key}.pub"]\n'
    )
    return folder


@pytest.fixture
def environment(tmp_path: Path, index: IndexServer, key: Path) -> dict[str, str]:
    """The variables that the examples' comments name, and what runs `wheelhouse`."""
    return clean_environment(
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        HOME=str(tmp_path),
        WHEELHOUSE_INDEX=index.url,
        WHEELHOUSE_STORE=(tmp_path / "store").as_uri(),
        WHEELHOUSE_STORE_KEY=str(key),
    )


def documents(path: Path) -> list[Any]:
    """The documents of a YAML file."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: pip install --group examples")
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def typed(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def must_be_built(folder: Path) -> None:
    """Every job has its wheelhouse, and the sdist became a wheel."""
    assert wheelhouse("verify", "--all", cwd=folder).returncode == 0
    assert sorted(path.name for path in (folder / "wheelhouses").iterdir()) == sorted(JOBS)
    assert list((folder / "wheelhouses/etl").glob("app-1.0-*.whl"))


def test_the_kubernetes_example_fits_its_schema() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="it is not installed: pip install --group examples")
    for document in documents(KUBERNETES):
        validate.validate(document, "1.30", strict=True)


def test_the_commands_of_the_kubernetes_example(fleet: Path, environment: dict[str, str]) -> None:
    needs_any_sandbox()
    for document in documents(KUBERNETES):
        (container,) = document["spec"]["template"]["spec"]["containers"]
        own = {entry["name"]: entry["value"] for entry in container["env"] if entry["name"] not in environment}
        assert own["JOBS"].split() == list(JOBS)
        for number in range(document["spec"].get("completions", 1)):
            variables = {**environment, **own, "JOB_COMPLETION_INDEX": str(number)}
            typed([*container["command"], *container["args"]], fleet, variables)
    must_be_built(fleet)


def test_the_gitlab_example_fits_its_schema() -> None:
    pytest.importorskip("check_jsonschema", reason="it is not installed: pip install --group examples")
    options = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    done = run(sys.executable, "-m", "check_jsonschema", *options, GITLAB)
    assert done.returncode == 0, done.stdout


def test_the_commands_of_the_gitlab_example(fleet: Path, environment: dict[str, str]) -> None:
    needs_any_sandbox()
    (pipeline,) = documents(GITLAB)
    for stage in pipeline["stages"]:
        for job in (job for job in pipeline.values() if isinstance(job, dict) and job.get("stage") == stage):
            for variables in _matrix(job):
                typed(["bash", "-ec", "\n".join(job["script"])], fleet, environment | variables)
    must_be_built(fleet)


def _matrix(job: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The variables of each run of a job."""
    for entry in job.get("parallel", {}).get("matrix", [{}]):
        yield from (dict(zip(entry, values, strict=True)) for values in itertools.product(*entry.values()))


@pytest.mark.index
def test_airflow_runs_its_example(tmp_path: Path, fleet: Path, environment: dict[str, str]) -> None:
    """Airflow 2.10.5 from the real index, in an environment of its own: `airflow dags test`."""
    need_index()
    needs_any_sandbox()
    home = tmp_path / "airflow"
    (home / "dags").mkdir(parents=True)
    shutil.copy(AIRFLOW, home / "dags")
    own = tmp_path / "venv"
    constraints = ROOT / "constraints/airflow-2.10.5/constraints-3.12.txt"
    install = (own / "bin/python", "-m", "pip", "install", "-q", "apache-airflow==2.10.5", "-c", constraints)
    assert run(need_python("3.12"), "-m", "venv", own).returncode == 0
    assert run(*install, env=connected_environment(), timeout=3000).returncode == 0
    settings = environment | {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    settings |= {"WHEELHOUSE_FLEET": str(fleet)}
    airflow = own / "bin/airflow"
    assert run(airflow, "db", "migrate", env=settings, timeout=600).returncode == 0
    done = run(airflow, "dags", "test", "wheelhouse_fleet", "2025-01-01", env=settings, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    must_be_built(fleet)
