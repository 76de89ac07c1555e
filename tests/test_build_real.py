"""Real sdists of their day, built under real Pythons."""

import re
from pathlib import Path

import pytest

from tests.support.pythons import find_python
from tests.support.rooms import needs_room
from tests.support.shared import shared
from tests.support.tools import run, wheelhouse

pytestmark = [pytest.mark.index, pytest.mark.interpreters]
EXTRAS = "async,aws,azure,celery,dask,elasticsearch,gcp,kubernetes,postgres,redis,slack,ssh,statsd,virtualenv"


def python(version: str) -> Path:
    needs_room()
    found = find_python(version)
    if found is None:
        pytest.skip(f"there is no Python {version} here")
    return found


def built(tmp_path: Path, interpreter: Path, *arguments: str) -> Path:
    done = wheelhouse("fetch", *arguments, "--build", "--interpreter", str(interpreter), cwd=tmp_path, timeout=1500)
    assert done.returncode == 0, done.stderr
    house = tmp_path / "wheels"
    assert not list(house.glob("*.tar.gz"))
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0
    return house


def offline(interpreter: Path, house: Path, into: Path) -> Path:
    """A virtual environment with a house's files in it, and nothing from anywhere else."""
    assert run(interpreter, "-m", "venv", into).returncode == 0
    (requirements,) = house.glob("requirements.*.txt")
    pip = (into / "bin" / "python", "-m", "pip", "--disable-pip-version-check")
    links = ("--no-index", "--require-hashes", "--find-links", house)
    installed = run("unshare", "--net", *pip, "install", "-q", *links, "-r", requirements, timeout=1500)
    assert installed.returncode == 0, installed.stderr
    checked = run("unshare", "--net", *pip, "check")
    assert checked.returncode == 0, checked.stdout
    return into / "bin"


def test_flask_openid_builds_as_of_its_day(tmp_path: Path) -> None:
    interpreter = python("3.7")
    house = built(tmp_path, interpreter, "Flask-OpenID==1.2.5", "--python", "3.7", "--uploaded-prior-to", "2020-12-18")
    text = next(house.glob("pylock.*.toml")).read_text(encoding="utf-8")
    assert '"setuptools==40.8.0"' in text  # the first that knows PEP 517; of its own day, 2015, there is none
    assert "python3-openid" in text  # which only the build tells: its PKG-INFO was made under Python 2


def test_what_fails_by_its_age_says_which_cutoff_to_try(tmp_path: Path) -> None:
    interpreter = python("3.7")
    asked = ("Flask-OpenID==1.2.5", "--python", "3.7", "--build", "--interpreter", str(interpreter))
    done = wheelhouse("fetch", *asked, "--build-uploaded-prior-to", "2023-07-01", cwd=tmp_path, timeout=600)
    assert done.returncode == 6
    assert "use_2to3" in done.stderr
    assert "--build-uploaded-prior-to 2021-09-04" in done.stderr


@pytest.mark.parametrize("constraints", ["2.0.0", "2.0.0/history-2020-12-15"])
def test_airflow_2_0_0_of_its_day_becomes_a_house_of_wheels(tmp_path: Path, constraints: str) -> None:
    interpreter = python("3.7")
    limits = shared(f"constraints/{constraints}/constraints-3.7.txt")
    day = () if constraints == "2.0.0" else ("--uploaded-prior-to", "2020-12-31")
    house = built(tmp_path, interpreter, f"apache-airflow[{EXTRAS}]==2.0.0", "-c", str(limits), "--python", "3.7", *day)
    programs = offline(interpreter, house, tmp_path / "environment")
    environment = {
        "HOME": str(tmp_path),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "PATH": f"{programs}:/usr/bin:/bin",
    }
    version = run("unshare", "--net", programs / "airflow", "version", env=environment)
    assert re.search(r"^2\.0\.0$", version.stdout, re.MULTILINE)
    made = run("unshare", "--net", programs / "airflow", "db", "init", env=environment, timeout=600)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "airflow" / "airflow.db").stat().st_size > 100_000
