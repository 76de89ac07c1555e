"""Real sdists of their day, built under real Pythons."""

import os
import resource
import shutil
from pathlib import Path

import pytest

from tests.support.pythons import find_python
from tests.support.sandboxes import needs_any_sandbox
from tests.support.shared import shared
from tests.support.tools import PROGRAM, clean_environment, run, wheelhouse

LONGEST = 3000
"""Seconds, of a step that takes a minute or two where nothing else runs."""
pytestmark = [pytest.mark.index, pytest.mark.interpreters]
EXTRAS = "async,aws,azure,celery,dask,elasticsearch,gcp,kubernetes,postgres,redis,slack,ssh,statsd,virtualenv"

IMAGE_EXTRAS = (
    "aiobotocore,amazon,async,celery,cncf-kubernetes,common-io,docker,elasticsearch,fab,ftp,google,google-auth,graphviz,grpc,"
    "hashicorp,http,ldap,microsoft-azure,mysql,odbc,openlineage,pandas,postgres,redis,sendgrid,sftp,slack,snowflake,ssh,"
    "statsd,uv,virtualenv"
)
"""The Dockerfile's own AIRFLOW_EXTRAS, of 2.10.5."""
HEADERS = ("libmariadb-dev", "libmariadb-dev-compat", "default-libmysqlclient-dev", "libldap-dev", "libsasl2-dev")
WITHOUT = """
set -eu
mount -t tmpfs layer "$0"; mkdir "$0/upper" "$0/work"
mount -t overlay layer -o "lowerdir=/usr,upperdir=$0/upper,workdir=$0/work" /usr
dpkg -L $1 | while read -r path; do if [ -f "$path" ] || [ -L "$path" ]; then rm -f "$path"; fi; done
shift; exec "$@"
"""
"""Runs a command on this machine as it would be without some Debian packages' files."""


def python(version: str) -> Path:
    needs_any_sandbox()
    found = find_python(version)
    if found is None:
        pytest.skip(f"there is no Python {version} here")
    return found


def built(tmp_path: Path, interpreter: Path, *arguments: str) -> Path:
    done = wheelhouse("fetch", *arguments, "--build", "--interpreter", str(interpreter), cwd=tmp_path, timeout=LONGEST)
    assert done.returncode == 0, done.stderr
    house = tmp_path / "wheels"
    assert not list(house.glob("*.tar.gz"))
    assert wheelhouse("verify", cwd=tmp_path, timeout=LONGEST).returncode == 0
    return house


def offline(interpreter: Path, house: Path, into: Path) -> Path:
    """A virtual environment with a wheelhouse's files in it, and nothing from anywhere else."""
    assert run(interpreter, "-m", "venv", into, timeout=LONGEST).returncode == 0
    (requirements,) = house.glob("requirements.*.txt")
    pip = (into / "bin" / "python", "-m", "pip", "--disable-pip-version-check")
    links = ("--no-index", "--require-hashes", "--no-compile", "--find-links", house)
    installed = run("unshare", "--net", *pip, "install", "-q", *links, "-r", requirements, timeout=LONGEST)
    assert installed.returncode == 0, installed.stderr
    checked = run("unshare", "--net", *pip, "check", timeout=LONGEST)
    assert checked.returncode == 0, checked.stdout
    return into / "bin"


def airflow_answers(programs: Path, home: Path, release: str) -> dict[str, str]:
    """The environment in which Airflow runs, once it has told its version."""
    environment = {"HOME": str(home), "AIRFLOW_HOME": str(home / "airflow"), "PATH": f"{programs}:/usr/bin:/bin"}
    version = run("unshare", "--net", programs / "airflow", "version", env=environment, timeout=LONGEST)
    assert release in version.stdout.splitlines()
    return environment


def test_flask_openid_builds_as_of_its_day(tmp_path: Path) -> None:
    interpreter = python("3.7")
    house = built(tmp_path, interpreter, "Flask-OpenID==1.2.5", "--python", "3.7", "--uploaded-prior-to", "2020-12-18")
    text = next(house.glob("pylock.*.toml")).read_text(encoding="utf-8")
    assert '"setuptools==40.8.0"' in text  # the first that knows PEP 517; of its own day, 2015, there is none
    assert "python3-openid" in text  # which only the build tells: its PKG-INFO was made under Python 2


def test_what_fails_by_its_age_says_which_cutoff_to_try(tmp_path: Path) -> None:
    interpreter = python("3.7")
    asked = ("Flask-OpenID==1.2.5", "--python", "3.7", "--build", "--interpreter", str(interpreter))
    done = wheelhouse("fetch", *asked, "--build-uploaded-prior-to", "2023-07-01", cwd=tmp_path, timeout=LONGEST)
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
    environment = airflow_answers(programs, tmp_path, "2.0.0")
    made = run("unshare", "--net", programs / "airflow", "db", "init", env=environment, timeout=LONGEST)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "airflow" / "airflow.db").stat().st_size > 100_000


@pytest.fixture(scope="module")
def fetched_2_10_5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheelhouse of the image's default extras, with its sdists."""
    folder = tmp_path_factory.mktemp("airflow-2.10.5")
    limits = shared("constraints/2.10.5/constraints-3.12.txt")
    asked = (f"apache-airflow[{IMAGE_EXTRAS}]==2.10.5", "-c", str(limits), "--python", "3.12")
    done = wheelhouse("fetch", *asked, cwd=folder, timeout=LONGEST)
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "wheels").glob("*.tar.gz"))) == 5
    return folder / "wheels"


def test_airflow_2_10_5_with_the_image_s_extras_becomes_a_house_of_wheels(tmp_path: Path, fetched_2_10_5: Path) -> None:
    interpreter = python("3.12")
    _need_headers()
    shutil.copytree(fetched_2_10_5, tmp_path / "wheels")
    build = ("build", "--interpreter", str(interpreter))
    done = wheelhouse(*build, cwd=tmp_path, timeout=LONGEST)
    assert done.returncode == 0, done.stderr
    house = tmp_path / "wheels"
    assert len(list(house.glob("*.whl"))) == 370
    assert not list(house.glob("*.tar.gz"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    again = wheelhouse(*build, cwd=tmp_path, timeout=LONGEST)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "0 now, 5 before" in again.stdout
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 1
    programs = offline(interpreter, house, tmp_path / "environment")
    environment = airflow_answers(programs, tmp_path, "2.10.5")
    imported = run(
        "unshare", "--net", programs / "python", "-c", "import MySQLdb, ldap", env=environment, timeout=LONGEST
    )
    assert imported.returncode == 0, imported.stderr


def test_without_the_headers_each_missing_package_is_named_and_all_else_is_built(
    tmp_path: Path, fetched_2_10_5: Path
) -> None:
    interpreter = python("3.12")
    _need_headers()
    if os.geteuid() != 0:
        pytest.skip("it takes root to build on a machine without some of its files")
    shutil.copytree(fetched_2_10_5, tmp_path / "wheels")
    (tmp_path / "layer").mkdir()
    command = (*PROGRAM, "build", "--interpreter", interpreter)
    environment = clean_environment(XDG_CACHE_HOME=str(tmp_path / ".cache"))
    without = ("unshare", "--mount", "bash", "-c", WITHOUT, tmp_path / "layer", " ".join(HEADERS))
    done = run(*without, *command, cwd=tmp_path, env=environment, timeout=LONGEST)
    assert done.returncode == 6, done.stderr
    assert "2 of 5 sdists were not built; the wheelhouse has the wheels of all other projects" in done.stderr
    hint = done.stderr.splitlines()[-1]
    assert hint.startswith("hint: on Debian: apt-get install ")
    assert {"default-libmysqlclient-dev", "libldap2-dev"} <= set(hint.split())
    left = sorted(path.name for path in (tmp_path / "wheels").glob("*.tar.gz"))
    assert left == ["mysqlclient-2.2.7.tar.gz", "python-ldap-3.4.4.tar.gz"]
    assert len(list((tmp_path / "wheels").glob("*.whl"))) == 368


def _need_headers() -> None:
    if any(run("dpkg", "-L", package).returncode != 0 for package in HEADERS):
        pytest.skip(f"this machine is not Debian with {', '.join(HEADERS)}")
