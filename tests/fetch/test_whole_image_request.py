"""`fetch --whole-image`: the base image and the Debian lists follow from the release."""

from pathlib import Path

import pytest

from tests.support.own_dockerfile import OWN_DOCKERFILE
from tests.support.tools import wheelhouse
from wheelhouse.airflow import Airflow
from wheelhouse.airflow.apt_lists import apt_lists
from wheelhouse.errors import InputError
from wheelhouse.fetch.gather import Options
from wheelhouse.fetch.whole_image_request import with_whole_image


@pytest.mark.parametrize(
    ("release", "python", "image"),
    [
        ("2.3.4", "3.8", "python:3.8-slim-bullseye"),
        ("2.10.5", "3.12", "python:3.12-slim-bookworm"),
        ("3.1.0", "3.13.1", "python:3.13-slim-bookworm"),
    ],
)
def test_the_official_image_of_the_python_is_the_base(release: str, python: str, image: str) -> None:
    options = with_whole_image(Options(airflow=release, python=(python,)))
    assert options.base_image == image
    assert options.deb_lists == apt_lists(Airflow.parse(release))


def test_what_the_user_named_stays_and_is_added() -> None:
    given = Options(airflow="2.10.5", base_image="corp/base:1", deb_lists={"runtime": ("tini",), "packages": ("git",)})
    options = with_whole_image(given)
    assert options.base_image == "corp/base:1"
    assert options.deb_lists["runtime"][-1] == "tini" and "dumb-init" in options.deb_lists["runtime"]
    assert options.deb_lists["packages"] == ("git",)


def test_the_python_and_the_lists_of_a_dockerfile_count(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(OWN_DOCKERFILE)
    options = with_whole_image(Options(airflow="3.3.2", dockerfile=str(tmp_path / "Dockerfile")))
    assert options.base_image == "python:3.13-slim-trixie"
    assert "libnew-dev" in options.deb_lists["development"] and "libssl3t64" in options.deb_lists["runtime"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (Options(python=("3.12",)), "goes with --airflow"),
        (Options(airflow="2.2.5", python=("3.8",)), "cannot build the image without network"),
        (Options(airflow="2.10.5"), "none was requested"),
        (Options(airflow="2.10.5", python=("3.11", "3.12")), "2 were requested"),
    ],
)
def test_what_cannot_be_is_refused(options: Options, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        with_whole_image(options)


def test_the_command_line_has_it(tmp_path: Path) -> None:
    for name in ("fetch", "lock"):
        done = wheelhouse(name, "lib", "--whole-image", cwd=tmp_path)
        assert done.returncode == 2 and "--whole-image goes with --airflow" in done.stderr


# --- the lists, held against the Dockerfiles that they were read from


@pytest.mark.parametrize(
    ("release", "without", "stage", "has", "lacks"),
    [
        ("2.3.4", (), "development", "gosu python3-selinux", "graphviz yarn git"),
        ("2.4.0", (), "development", "git graphviz gosu", "python3-selinux libleveldb-dev"),
        ("2.7.3", (), "runtime", "libffi7 libldap-2.4-2 libssl1.1 netcat python3-selinux", "libxmlsec1 libssl3"),
        ("2.8.4", (), "runtime", "libffi8 libldap-2.5-0 libssl3 netcat-openbsd libxmlsec1", "gosu libev4"),
        ("2.10.1", (), "development", "zlib1g-dev libev-dev default-libmysqlclient-dev libpq-dev", "gosu lcov"),
        ("2.10.1", ("mysql", "postgres"), "runtime", "dumb-init curl", "mariadb-client postgresql-client"),
        ("3.1.0", (), "development", "lcov tk-dev xz-utils wget", "software-properties-common"),
        ("3.1.0", (), "runtime", "git gnupg iputils-ping", "python3-selinux"),
    ],
)
def test_a_list_is_that_of_the_release(
    release: str, without: tuple[str, ...], stage: str, has: str, lacks: str
) -> None:
    names = set(apt_lists(Airflow.parse(release), without)[stage])
    assert set(has.split()) <= names and names.isdisjoint(lacks.split())
