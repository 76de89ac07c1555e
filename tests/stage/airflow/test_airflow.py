"""The rules that make a plan of a release: names, arguments, settings, what remains; and a made wheelhouse staged for real."""

import json
from pathlib import Path

import pytest
from packaging.utils import parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from tests.support.airflow_locks import COMPANY, PYTHONS, made_lock, made_tools
from tests.support.index import IndexServer
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.airflow import CLIENTS, Airflow
from wheelhouse.airflow.releases import CHANGES, NEWEST_OF_LINE, RECIPES
from wheelhouse.errors import InputError
from wheelhouse.oci.reference import TAG
from wheelhouse.stage.airflow.airflow_layout import lay_out_airflow
from wheelhouse.stage.airflow.arguments import ROUTES, Choices, Route
from wheelhouse.stage.airflow.breeze import breeze_command
from wheelhouse.stage.airflow.image_settings import Base
from wheelhouse.stage.airflow.names import capitals, staged_names
from wheelhouse.stage.airflow.remains import remains
from wheelhouse.stage.airflow.script import base_commands
from wheelhouse.stage.plan import Plan

DROPPED = {
    "wheels",
    "dist",
    "lib",
    "build",
    "downloads",
    "env",
    "parts",
    "sdist",
    "var",
    "eggs",
    "develop-eggs",
    "lib64",
}
"""Folders that the .dockerignore of Airflow's sources keeps out of an image build."""


def plan(release: str, route: Route = "configured", *more: str, **choices: object) -> Plan:
    chosen = Choices(route=route, **choices)  # type: ignore[arg-type]
    return lay_out_airflow(made_lock(release, *more), "statsd==3.3.0\n", made_tools(release), None, chosen)


def arguments(made: Plan) -> dict[str, str]:
    lines = [line.partition("=") for line in made.texts["build.args"].splitlines()]
    return {name: value for name, _, value in lines}


@pytest.mark.parametrize(
    ("plain", "staged"),
    [
        ("apache_airflow-2.0.1-py3-none-any.whl", "Apache_Airflow-2.0.1-py3-none-any.whl"),
        ("apache_airflow_providers_http-1.0-py3-none-any.whl", "Apache_Airflow_Providers_Http-1.0-py3-none-any.whl"),
        (COMPANY, "Acme_Apache_Airflow_Plugins-1.0-py3-none-any.whl"),
        ("apache-airflow-providers-http-1.0.tar.gz", "Apache-Airflow-Providers-Http-1.0.tar.gz"),
        ("apache_airflow-2.0.1.tar.gz", "Apache_Airflow-2.0.1.tar.gz"),
    ],
)
def test_capitals_name_the_same_distribution(plain: str, staged: str) -> None:
    parse = parse_wheel_filename if plain.endswith(".whl") else parse_sdist_filename
    assert capitals(plain) == staged
    assert parse(staged) == parse(plain)


def test_from_2_7_1_only_what_no_glob_names_is_renamed() -> None:
    names = ["apache_airflow-2.7.1-py3-none-any.whl", COMPANY, "statsd-3.3.0-py2.py3-none-any.whl"]
    before, since = (staged_names(names, Airflow.parse(text).recipe, "context", "auto") for text in ("2.7.0", "2.7.1"))
    assert [old for old, new in before.items() if old != new] == names[:2]
    assert [old for old, new in since.items() if old != new] == [COMPANY]


def test_in_3_x_ctl_is_renamed_because_no_glob_names_it() -> None:
    staged = plan("3.1.0", "context").renamed
    assert staged["apache_airflow_ctl-0.1.0-py3-none-any.whl"] == "Apache_Airflow_Ctl-0.1.0-py3-none-any.whl"
    assert "apache_airflow_core-3.1.0-py3-none-any.whl" not in staged


@pytest.mark.parametrize("release", PYTHONS)
def test_route_configured_renames_nothing(release: str) -> None:
    assert plan(release).renamed == {}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("release", PYTHONS)
def test_nothing_is_staged_where_dockerignore_drops_it(release: str, route: Route) -> None:
    made = plan(release, route)
    folders = {Path(path).parts[0] for path in (*made.files, *made.texts) if len(Path(path).parts) > 1}
    assert folders and not folders & DROPPED
    assert "requirements.txt" not in made.texts
    assert all("/" in path or path in (*made.files, *made.texts) for path in made.files)
    assert not [path for path in made.texts if path.endswith((".whl", ".tar.gz"))]


@pytest.mark.parametrize("release", [*PYTHONS, "2.10.3", "2.11.0", "3.3.0"])
def test_pip_and_uv_arguments_are_what_lies_in_tools(release: str) -> None:
    made = plan(release)
    told = arguments(made)
    pip = told.get("AIRFLOW_PIP_VERSION") or told["PIP_VERSION"]
    assert f"tools/pip-{pip}-py3-none-any.whl" in made.files
    if uv := told.get("AIRFLOW_UV_VERSION"):
        assert f"tools/uv-{uv}-py3-none-any.whl" in made.files


def test_a_newer_release_is_treated_as_the_newest_known_with_a_warning() -> None:
    known = max(map(Version, NEWEST_OF_LINE.values()))
    line = f"{known.major}.{known.minor + 9}"
    newer = plan(f"{line}.0")
    assert Airflow.parse(f"{line}.0").recipe == Airflow(max(RECIPES)).recipe
    expected = f"no release of Airflow {line}, so it treats Airflow {line}.0 like {known}: run `wheelhouse stage`"
    assert expected in newer.warnings[0]
    assert str(max(map(Version, CHANGES))) in NEWEST_OF_LINE.values()


def test_the_newest_known_release_is_tried() -> None:
    assert str(max(RECIPES)) in PYTHONS


def test_a_release_before_2_0_is_refused() -> None:
    with pytest.raises(InputError, match=r"older than 2\.0\.0"):
        Airflow.parse("1.10.15")


def test_install_version_has_both_equals_signs() -> None:
    assert "AIRFLOW_INSTALL_VERSION===2.0.0" in plan("2.0.0").command
    assert '--build-arg AIRFLOW_INSTALL_VERSION="==2.0.0"' in plan("2.0.0").texts["build-image.sh"]


def test_extras_are_spelled_as_the_release_spells_them() -> None:
    assert arguments(plan("2.8.4"))["AIRFLOW_EXTRAS"] == "celery,cncf.kubernetes,mysql,statsd"
    assert arguments(plan("2.9.3"))["AIRFLOW_EXTRAS"] == "celery,cncf-kubernetes,mysql,statsd"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_is_left_out_of_extras_and_image_alike(client: str) -> None:
    told = arguments(plan("2.10.5", without=(client,)))
    assert told[f"INSTALL_{client.upper()}_CLIENT"] == "false"
    assert client not in told["AIRFLOW_EXTRAS"]
    assert not [note for note in plan("2.10.5", without=(client,)).notes if f"--disable-{client}-client" in note]


def test_a_client_left_out_by_fetch_needs_no_word_to_stage() -> None:
    lock = made_lock("2.0.0", without=("mysql",))
    told = arguments(lay_out_airflow(lock, None, None, None, Choices()))
    assert (told["INSTALL_MYSQL_CLIENT"], told["AIRFLOW_EXTRAS"]) == ("false", "celery,cncf.kubernetes,statsd")


def test_an_argument_that_a_dockerfile_lacks_is_not_passed() -> None:
    told = arguments(plan("2.1.4", without=("mysql", "mssql", "postgres")))
    assert [name for name in told if name.endswith("_CLIENT")] == ["INSTALL_MYSQL_CLIENT"]


def test_what_was_asked_for_beside_airflow_is_installed_as_locked() -> None:
    lock = made_lock("2.1.4", "pandas-1.2.2-py3-none-any.whl", requirements=("apache-airflow==2.1.4", "Pandas>1"))
    told = arguments(lay_out_airflow(lock, None, None, None, Choices()))
    assert told["ADDITIONAL_PYTHON_DEPS"] == "pandas==1.2.2"


def test_without_constraints_the_locks_own_pins_stand_in_for_them() -> None:
    made = lay_out_airflow(made_lock("2.1.4"), None, None, None, Choices())
    assert "apache-airflow==2.1.4" in made.texts["constraints-3.8.txt"]
    assert arguments(made)["AIRFLOW_CONSTRAINTS_LOCATION"] == "/docker-context-files/constraints-3.8.txt"


def test_apt_arguments_and_mirror() -> None:
    line = "deb https://mirror.example/debian bookworm main"
    made = plan("2.8.4", dev_apt=("gcc", "g++"), runtime_apt=("libaio1",), apt_sources=(line,))
    told = arguments(made)
    assert (told["ADDITIONAL_DEV_APT_DEPS"], told["ADDITIONAL_RUNTIME_APT_DEPS"]) == ("gcc g++", "libaio1")
    assert f"'{line}' >> /etc/apt/sources.list" in made.texts["base.Dockerfile"]
    assert made.first and told["PYTHON_BASE_IMAGE"] == "wheelhouse-base:python-3.11-slim-bookworm"
    assert not [note for note in made.notes if "apt installs" in note]


def test_further_build_arguments_pass_unless_stage_decides_them() -> None:
    assert arguments(plan("2.8.4", build_args=("AIRFLOW_UID=1000",)))["AIRFLOW_UID"] == "1000"
    with pytest.raises(InputError, match="wheelhouse stage` itself sets the build argument"):
        plan("2.8.4", build_args=("AIRFLOW_EXTRAS=all",))
    with pytest.raises(InputError, match="adds files that the wheelhouse does not have"):
        plan("2.8.4", build_args=("ADDITIONAL_PYTHON_DEPS=pandas",))
    with pytest.raises(InputError, match="not a build argument"):
        plan("2.8.4", build_args=("nonsense",))


@pytest.mark.parametrize(
    ("release", "route", "effect"),
    [
        ("2.0.1", "context", "the image has no Airflow"),
        ("2.2.5", "context", "the image has no Airflow"),
        ("2.3.4", "context", "asks the index"),
        ("2.1.4", "configured", "finds no apache-airflow"),
    ],
)
def test_the_documented_rename_is_applied_with_a_warning(release: str, route: Route, effect: str) -> None:
    made = plan(release, route, rename="documented")
    assert f"_apache_airflow-{release}-py3-none-any.whl" in made.files
    assert effect in " ".join(made.warnings)


def test_keeping_names_that_no_step_installs_is_warned_of() -> None:
    assert "no build step installs it" in " ".join(plan("2.10.5", "context", rename="never").warnings)
    assert not plan("2.10.5", "configured", rename="never").warnings


def test_2_0_0_from_context_wants_a_tar_gz() -> None:
    assert plan("2.0.0", "context").route == "configured"
    assert plan("2.0.0", "context", "thing-1.0.tar.gz").route == "context"


@pytest.mark.parametrize("release", ["2.0.0", "2.10.5"])
@pytest.mark.parametrize("suffix", [".tar.bz2", ".zip"])
def test_the_context_route_leaves_no_sdist_out(release: str, suffix: str) -> None:
    with pytest.raises(InputError, match=f"would leave out thing-1.0{suffix}"):
        plan(release, "context", f"thing-1.0{suffix}")
    assert ("links.html" in plan(release, "configured", f"thing-1.0{suffix}").texts) == (suffix == ".tar.bz2")


def test_2_0_1_without_its_two_extra_projects_is_warned_of() -> None:
    lock = made_lock("2.0.1", besides=False)
    (warning,) = lay_out_airflow(lock, None, made_tools("2.0.1"), None, Choices()).warnings
    assert "azure-storage-blob and azure-storage-file" in warning


def test_home_files_are_written_only_when_asked_for() -> None:
    assert not {".pypirc", ".piprc"} & plan("2.8.4").texts.keys()
    asked = plan("2.8.4", home_files=(".pypirc",))
    assert ".pypirc" in asked.texts
    assert "pip does not read it" in " ".join(asked.notes)


def test_pip_settings_by_folder_from_2_2_4_before_that_by_base_image() -> None:
    assert "pip.conf" in plan("2.2.5").texts and "base.Dockerfile" not in plan("2.2.5").texts
    assert "pip.conf" not in plan("2.1.4").texts
    assert "PIP_NO_INDEX=1" in plan("2.1.4").texts["base.Dockerfile"]
    assert "PIP_NO_INDEX" not in plan("3.1.0").texts["base.Dockerfile"]


# A made wheelhouse, staged for real


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    folder = tmp_path / "offered"
    build_wheel(
        folder,
        "apache-airflow",
        "2.0.1",
        requires=["lib"],
        extras={"mysql": ["mysqlclient"], "statsd": ["apache-airflow-providers-statsd"]},
    )
    build_wheel(folder, "apache-airflow-providers-statsd", "1.0", requires=["apache-airflow>=2.0.0"])
    build_wheel(folder, "acme-apache-airflow-plugins", "1.0")
    for name in ("azure-storage-blob", "azure-storage-file", "lib"):
        build_wheel(folder, name, "12.0")
    build_sdist(folder, "mysqlclient", "1.0")
    build_wheel(folder, "pip", "20.2.4")
    (tmp_path / "limits.txt").write_text("lib==12.0\npip==1.0\n")
    return folder


FETCH = ("fetch", "--airflow", "2.0.1", "--extra", "statsd,mysql", "--disable-mysql-client", "--python", "3.7")


def house(offered: Path, where: Path) -> None:
    with IndexServer(offered) as index:
        more = ("acme-apache-airflow-plugins", "-c", "limits.txt", "--index", index.url, "--quiet")
        fetched = wheelhouse(*FETCH, *more, cwd=where)
    assert fetched.returncode == 0, fetched.stderr


def test_fetch_leaves_the_client_out_and_adds_what_the_build_wants(offered: Path, tmp_path: Path) -> None:
    house(offered, tmp_path)
    names = {path.name for path in (tmp_path / "wheels").glob("*.whl")}
    assert {"azure_storage_blob-12.0-py3-none-any.whl", "azure_storage_file-12.0-py3-none-any.whl"} <= names
    assert not list((tmp_path / "wheels").glob("mysqlclient*"))
    assert [path.name for path in (tmp_path / "wheels/tools").glob("*.whl")] == ["pip-20.2.4-py3-none-any.whl"]


def test_a_folder_with_renamed_files_verifies_and_shows_what_was_altered(offered: Path, tmp_path: Path) -> None:
    house(offered, tmp_path)
    staged = wheelhouse("stage", "--route", "context", "--json", cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    told = json.loads(staged.stdout)
    assert "--build-arg INSTALL_MYSQL_CLIENT=false" in " ".join(told["command"])
    folder = tmp_path / "docker-context-files"
    assert (folder / "Apache_Airflow-2.0.1-py3-none-any.whl").is_file()
    assert (
        'path = "Apache_Airflow-2.0.1-py3-none-any.whl"'
        in (folder / "pylock.cp37-manylinux_2_28_x86_64.toml").read_text()
    )
    assert run("sh", "-n", folder / "build-image.sh").returncode == 0
    assert wheelhouse("verify", folder, cwd=tmp_path).returncode == 0
    (folder / "Acme_Apache_Airflow_Plugins-1.0-py3-none-any.whl").write_bytes(b"other")
    altered = wheelhouse("verify", folder, cwd=tmp_path)
    assert altered.returncode == 1
    assert "altered" in altered.stdout


def test_staging_by_the_other_route_takes_the_renamed_files_away(offered: Path, tmp_path: Path) -> None:
    house(offered, tmp_path)
    for route in ROUTES[::-1]:
        assert wheelhouse("stage", "--route", route, cwd=tmp_path).returncode == 0
    assert not list((tmp_path / "docker-context-files").glob("Apache*"))
    assert wheelhouse("verify", "docker-context-files", cwd=tmp_path).returncode == 0


def test_a_route_that_is_none_is_refused_with_the_choices(offered: Path, tmp_path: Path) -> None:
    house(offered, tmp_path)
    refused = wheelhouse("stage", "--route", "scenic", cwd=tmp_path)
    assert (refused.returncode, refused.stderr.splitlines()[-2:]) == (
        2,
        ["error: `scenic` is not a value of --route", "hint: write --route configured or context"],
    )


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("python:3.12-slim-bookworm", "python-3.12-slim-bookworm"),
        ("python:3.12-slim-bookworm@sha256:" + "a" * 64, "python-3.12-slim-bookworm-sha256-" + "a" * 64),
        ("mirror.example:5000/" + "deep/" * 40 + "python:3.12-slim", "python-3.12-slim"),
        ("[::1]:5000/python:3.12", "1--5000-python-3.12"),
    ],
)
def test_the_tag_of_the_derived_base_is_one_that_docker_takes(image: str, tag: str) -> None:
    name, _, made = Base(image).name.partition(":")
    assert name == "wheelhouse-base" and made.endswith(tag) and TAG.fullmatch(made)


def test_images_that_differ_at_their_end_have_bases_of_different_names() -> None:
    deep = "mirror.example/" + "deep/" * 40
    assert Base(f"{deep}python:3.12").name != Base(f"{deep}python:3.13").name


def test_the_settings_of_a_base_image_are_read_back() -> None:
    base = Base("python:3.12", pip_settings=True, uv_settings=True)
    _, settings = base_commands(base.dockerfile, "/folder")
    assert (settings["PIP_DISABLE_PIP_VERSION_CHECK"], settings["UV_OFFLINE"]) == ("1", "1")


@pytest.mark.parametrize("text", ["a\u00a0b", "a\ue000b", "a\nb", "a\x1bb"])
def test_an_option_with_an_unprintable_character_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="has an unprintable character"):
        Choices.parse({"build_args": (f"NAME={text}",)})


@pytest.mark.parametrize("release", ["2.1.0rc1", "2.3.0b1", "2.7.1rc2", "3.0.3rc1", "3.3.0rc1"])
def test_the_build_of_a_pre_release_is_that_of_its_final_release(release: str) -> None:
    early = Airflow.parse(release)
    final = Airflow.of(early.final)
    projects = ("lxml", "apache-airflow")
    assert [*remains(early, (), projects)] == [*remains(final, (), projects)]
    arguments = {early.recipe.context_argument: "true", "AIRFLOW_EXTRAS": "celery"}
    assert breeze_command(early, "3.12", arguments) == breeze_command(final, "3.12", arguments)
