"""The recipe that is read from Airflow's own Dockerfile; where a folder has the real ones, they say what the data say."""

import dataclasses
import os
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support.own_dockerfile import OWN_DOCKERFILE
from wheelhouse.airflow import Airflow
from wheelhouse.airflow.apt_lists import apt_lists
from wheelhouse.airflow.own_dockerfile import with_own_dockerfile
from wheelhouse.airflow.releases import CHANGES, NEWEST_OF_LINE, OwnRecipe
from wheelhouse.errors import InputError


def read(text: str = OWN_DOCKERFILE, release: str = "3.9.1") -> OwnRecipe:
    airflow = with_own_dockerfile(Airflow.parse(release), text, "it")
    assert airflow and airflow.own and airflow.recipe == airflow.own.recipe
    return airflow.own


def test_versions_arguments_globs_and_tools_are_those_of_the_dockerfile() -> None:
    recipe = read().recipe
    assert (recipe.pip, recipe.uv, recipe.debian, recipe.compiles_python) == ("26.9", "0.99.1", "trixie", True)
    assert recipe.tools == ("packaging", "prek", "prek-uv")
    assert recipe.globs == (
        "apache?airflow?[0-9]*",
        "apache?airflow?providers*",
        "apache?airflow?task?sdk*",
        "apache?airflow?ctl*",
    )
    assert recipe.clients == ("mysql", "postgres")
    assert recipe.copies == ("scripts/docker/keys/",)
    assert recipe.context_argument == "INSTALL_DISTRIBUTIONS_FROM_CONTEXT"
    assert recipe.constraints_argument == "USE_CONSTRAINTS_FOR_CONTEXT_DISTRIBUTIONS"
    assert recipe.pip_conf and not recipe.renames and recipe.pre_cache_argument is None


@pytest.mark.parametrize(
    ("image", "python"),
    [("python:3.8-slim-bookworm", "3.8"), ("r.example/python:3.12.1", "3.12.1"), ("python:${X}-slim", None)],
)
def test_its_python_is_the_one_that_it_compiles_or_that_of_its_base(image: str, python: str | None) -> None:
    assert read().python == "3.13.14"
    text = OWN_DOCKERFILE.replace('ARG AIRFLOW_PYTHON_VERSION="3.13.14"', f'ARG PYTHON_BASE_IMAGE="{image}"')
    assert read(text.replace("ARG AIRFLOW_PYTHON_VERSION\n", "")).python == python


def test_debian_packages_are_those_of_its_script_for_its_debian() -> None:
    airflow = with_own_dockerfile(Airflow.parse("3.9.1"), OWN_DOCKERFILE, "it")
    assert airflow
    lists = apt_lists(airflow, without=("mysql",))
    assert lists["development"] == tuple(
        sorted(["apt-utils", "build-essential", "gnupg2", "libnew-dev", "libpq-dev", "postgresql-client", "wget"])
    )
    assert lists["runtime"] == tuple(sorted(["curl", "dumb-init", "libpq5", "libssl3t64", "postgresql-client", "wget"]))


def test_what_it_does_not_say_is_as_in_the_data() -> None:
    text = OWN_DOCKERFILE.replace("ARG AIRFLOW_PIP_VERSION=26.9", "ARG AIRFLOW_PIP_VERSION=git+https://git.example/pip")
    recipe = read(text.replace("trixie", "sid"), "2.8.4").recipe
    assert (recipe.pip, recipe.debian, recipe.dotted_extras) == ("24.0", "bookworm", True)


@pytest.mark.parametrize(
    "text",
    [
        *("FROM x\n", "RUN true\n", "FROM x as airflow-build-image\n", "\0", "FROM x\nRUN <<A\n"),
        "ARG () x\nFROM x as airflow-build-image\nARG\nARG =\n",
        "ARG AIRFLOW_VERSION=1\nFROM airflow-build-image\n",
        "ARG AIRFLOW_VERSION=1\nFROM x as y airflow-build-image\n",
    ],
)
def test_another_dockerfile_is_not_airflows(text: str) -> None:
    assert with_own_dockerfile(Airflow.parse("3.1.0"), text, "it") is None


@pytest.mark.parametrize(
    ("release", "doubt"),
    [
        ("2.10.5", None),
        ("2.10.6", "Airflow 2.10.6 is newer than 2.10.5, the newest release of Airflow 2.10 that wheelhouse knows"),
        ("2.11.2", "wheelhouse knows no release of Airflow 2.11, so it treats Airflow 2.11.2 like 2.10.5"),
        ("3.1.8", "Airflow 3.1.8 is newer than 3.1.5, the newest release of Airflow 3.1 that wheelhouse knows"),
        (
            "3.2.2",
            "wheelhouse knows no release of Airflow 3.2, so it treats Airflow 3.2.2 like 3.1.5, but with pip==26.0.1 and uv==0.11.8",
        ),
        ("3.1.5rc1", None),
        ("3.3.2", "Airflow 3.3.2 is newer than 3.3.0, the newest release of Airflow 3.3 that wheelhouse knows"),
        ("4.0.0", "wheelhouse knows no release of Airflow 4.0, so it treats Airflow 4.0.0 like 3.3.0"),
    ],
)
def test_a_release_is_doubted_by_its_own_line(monkeypatch: pytest.MonkeyPatch, release: str, doubt: str | None) -> None:
    newest = {(2, 10): "2.10.5", (3, 1): "3.1.5", (3, 3): "3.3.0"}
    monkeypatch.setattr("wheelhouse.airflow.releases.NEWEST_OF_LINE", newest)
    airflow = Airflow.parse(release)
    assert airflow.doubt == doubt
    own = with_own_dockerfile(airflow, OWN_DOCKERFILE, "it")
    assert own and own.doubt is None


@pytest.mark.parametrize("release", ["3.0.0rc1", "3.0.0b1", "3.0.0.dev0"])
def test_a_pre_release_is_built_like_its_final_release(release: str) -> None:
    early, final = Airflow.parse(release), Airflow.parse("3.0.0")
    assert early.recipe == final.recipe and early.doubt is None
    assert apt_lists(early) == apt_lists(final)
    assert str(early.version) == str(Version(release))


@pytest.mark.parametrize("text", ["x", f"3.{'1' * 5000}"])
def test_what_is_no_version_is_bad_input(text: str) -> None:
    with pytest.raises(InputError, match="is not a version of Airflow") as caught:
        Airflow.parse(text)
    assert len(str(caught.value)) < 500


def test_a_tool_is_named_once() -> None:
    text = OWN_DOCKERFILE.replace("uv tool install ", "uv tool install packaging ")
    assert text != OWN_DOCKERFILE and read(text).recipe.tools.count("packaging") == 1


def test_a_tool_is_also_named_with_an_equals_sign() -> None:
    text = OWN_DOCKERFILE.replace("--with prek-uv", '--with=prek-uv --with="other==${OTHER}" --with=')
    assert text != OWN_DOCKERFILE and read(text).recipe.tools == ("packaging", "prek", "prek-uv", "other")


def test_the_name_of_a_stage_is_in_any_case() -> None:
    text = OWN_DOCKERFILE.replace("as airflow-build-image", "AS Airflow-Build-Image")
    assert text != OWN_DOCKERFILE and read(text).recipe == read().recipe


def test_no_entry_is_newer_than_the_newest_of_its_line() -> None:
    for since in map(Version, CHANGES):
        newest = NEWEST_OF_LINE.get((since.major, since.minor))
        assert newest is None or since <= Version(newest)


OWN = sorted(Path(os.environ.get("WHEELHOUSE_DOCKERFILES", "/nowhere")).glob("Dockerfile.[0-9]*"))
OWN = [path for path in OWN if path.stat().st_size]


@pytest.mark.skipif(
    not OWN, reason="WHEELHOUSE_DOCKERFILES names no folder with Airflow's Dockerfiles, Dockerfile.2.10.1"
)
@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_the_real_ones_say_what_the_data_say(path: Path) -> None:
    known = Airflow.parse(path.name.removeprefix("Dockerfile."))
    own = with_own_dockerfile(known, path.read_text(), "it")
    assert own and own.own
    assert bool(own.own.lists) == (known.version >= Version("2.4"))
    assert apt_lists(own) == apt_lists(known)
    read_fields, known_fields = (dataclasses.asdict(one.recipe) for one in (own, known))
    left_out = {"copies"} | ({"eager_argument"} if known.version < Version("2.3.1") else set())
    assert {key: value for key, value in read_fields.items() if key not in left_out} == {
        key: value for key, value in known_fields.items() if key not in left_out
    }
