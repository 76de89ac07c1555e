"""A plan that follows Airflow's own Dockerfile, and the folder that is staged in a checkout of it."""

import json
from pathlib import Path

import pytest
from packaging.version import Version

from tests.stage.airflow.test_whole_image import IMAGE, LOAD, MadeMirror
from tests.support.airflow_locks import made_lock, made_tools
from tests.support.index import IndexServer
from tests.support.own_dockerfile import OWN_DOCKERFILE
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.airflow import Airflow
from wheelhouse.airflow.apt_lists import apt_lists
from wheelhouse.airflow.own_dockerfile import with_own_dockerfile
from wheelhouse.stage.airflow.airflow_layout import lay_out_airflow
from wheelhouse.stage.airflow.arguments import Choices, Route
from wheelhouse.stage.airflow.script import install_script
from wheelhouse.stage.plan import Plan

RELEASE = "3.3.2"


def plan(route: Route = "configured", text: str = OWN_DOCKERFILE, without: tuple[str, ...] = ()) -> Plan:
    choices = Choices(route=route, without=without)
    return lay_out_airflow(made_lock(RELEASE), None, made_tools(RELEASE), None, choices, own_dockerfile=text)


def whole(text: str = OWN_DOCKERFILE) -> Plan:
    airflow = with_own_dockerfile(Airflow.parse(RELEASE), text, "it")
    assert airflow
    mirror = MadeMirror(apt_lists(airflow))
    lock, tools = made_lock(RELEASE), made_tools(RELEASE)
    return lay_out_airflow(lock, None, tools, IMAGE, Choices(), LOAD, mirror, text)


def test_the_plan_follows_the_dockerfile_and_keeps_a_copy() -> None:
    made = plan()
    assert "AIRFLOW_PYTHON_VERSION=3.12.16" in made.command
    assert "BASE_IMAGE=wheelhouse-base:debian-trixie-slim" in made.command
    assert not any("PRE_CACHED" in word for word in made.command)
    assert made.texts["airflow.Dockerfile"] == OWN_DOCKERFILE
    assert "cmp -s Dockerfile docker-context-files/airflow.Dockerfile ||" in made.texts["build-image.sh"]
    assert not [one for one in made.warnings if "knows no release" in one or "newer than" in one]
    assert (
        "the Dockerfile copies scripts/docker/keys/ from the checkout of Airflow, so the checkout must have these files"
        in made.notes
    )


def test_a_dockerfile_of_another_time_is_a_warning() -> None:
    older = plan(text=OWN_DOCKERFILE.replace('AIRFLOW_VERSION="3.3.0"', 'AIRFLOW_VERSION="2.9.3"'))
    [warning] = [one for one in older.warnings if "Dockerfile" in one]
    assert warning.startswith("the Dockerfile is from Airflow 2.9.3, but the wheelhouse has 3.3.2")
    assert not [one for one in plan().warnings if "of the time" in one]


def test_its_globs_decide_what_is_renamed() -> None:
    assert "apache_airflow_ctl-0.1.0-py3-none-any.whl" not in plan("context").renamed
    older = plan("context", OWN_DOCKERFILE.replace(",ctl}", ",airflowctl}"))
    assert "apache_airflow_ctl-0.1.0-py3-none-any.whl" in older.renamed


def test_what_asks_a_network_is_what_the_dockerfile_asks_for() -> None:
    _base, *steps = plan().unsettled
    unsettled = [step.removeprefix("still needs a network: ").split(";")[0] for step in steps]
    lines = OWN_DOCKERFILE.splitlines()
    tool, other = ([word in line for line in lines].index(True) + 1 for word in ("extra.example", "git clone"))
    assert unsettled == [
        "apt installs Debian packages, in two stages",
        "the MySQL client comes from archive.mariadb.org",
        "the Docker client comes from download.docker.com",
        "Python is compiled from its source at www.python.org",
        "rustup and its toolchain come from static.rust-lang.org",
        f"Airflow's Dockerfile, line {tool}: a download of https://extra.example/tool",
        f"Airflow's Dockerfile, line {other}: git fetches https://git.example/other.git",
    ]


def test_a_whole_image_settles_what_its_replaced_scripts_ask_and_lists_the_rest() -> None:
    [left] = whole().unsettled
    assert left.endswith(": git fetches https://git.example/other.git")
    assert not whole(OWN_DOCKERFILE.replace("git clone https://git.example/other.git", "true")).unsettled
    assert not [one for one in whole().warnings if "the image lacks" in one]
    assert "cmp -s Dockerfile" in whole().texts["build-image.sh"]


def test_without_a_dockerfile_no_key_server_is_listed_for_3_3() -> None:
    choices = Choices()
    text = "\n".join(lay_out_airflow(made_lock(RELEASE), None, made_tools(RELEASE), None, choices).unsettled)
    assert "cosign" in text and "key server" not in text and "openpgp" not in text
    older = "\n".join(lay_out_airflow(made_lock("3.1.5"), None, made_tools("3.1.5"), None, choices).unsettled)
    assert "key server" in older and "keys.openpgp.org" in older and "cosign" not in older


def test_a_rehearsal_installs_what_the_globs_of_the_release_name() -> None:
    for release, glob in {"3.1.5": "apache?airflow?airflowctl*", RELEASE: "apache?airflow?ctl*"}.items():
        assert f" {glob}; do" in install_script(Version(release), "/folder")
        assert glob in Airflow.parse(release).recipe.globs


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse of a made release, fetched with its Dockerfile."""
    place = tmp_path_factory.mktemp("own")
    offered = place / "offered"
    offered.mkdir()
    for name, version in {
        "apache-airflow": RELEASE,
        "packaging": "25.0",
        "prek": "0.3",
        "prek-uv": "1.0",
        "pip": "26.9",
        "uv": "0.99.1",
    }.items():
        build_wheel(offered, name, version)
    (place / "checkout" / "scripts/docker/keys").mkdir(parents=True)
    (place / "checkout" / "Dockerfile").write_text(OWN_DOCKERFILE)
    (place / "constraints.txt").write_text("packaging==25.0\n")
    options = ("-c", "constraints.txt", "--dockerfile", "checkout/Dockerfile")
    with IndexServer(offered) as index:
        done = wheelhouse("fetch", "--airflow", RELEASE, *options, "--index", index.url, cwd=place)
    assert done.returncode == 0, done.stderr
    assert "newer than" not in done.stderr
    return place


def test_fetch_takes_the_tools_of_the_dockerfile(wheels: Path) -> None:
    names = {path.name for path in (wheels / "wheels/tools").glob("*.whl")}
    assert [path.name for path in (wheels / "wheels").glob("pylock*")] == ["pylock.cp313-manylinux_2_41_x86_64.toml"]
    assert {"pip-26.9-py3-none-any.whl", "uv-0.99.1-py3-none-any.whl", "prek_uv-1.0-py3-none-any.whl"} <= names


def test_stage_in_a_checkout_reads_its_dockerfile_and_verify_reads_the_copy(wheels: Path) -> None:
    checkout = wheels / "checkout"
    done = wheelhouse("stage", "../wheels", "--json", cwd=checkout)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["layout"] == "airflow" and not document["warnings"]
    assert wheelhouse("verify", "docker-context-files", cwd=checkout).returncode == 0
    (checkout / "docker-context-files/airflow.Dockerfile").write_text(
        OWN_DOCKERFILE.replace("libnew-dev", "libold-dev")
    )
    assert wheelhouse("verify", "docker-context-files", cwd=checkout).returncode == 1


def test_a_dockerfile_of_somebody_else_or_of_no_text_changes_nothing(wheels: Path, tmp_path: Path) -> None:
    for content in (b"FROM x\n", b"\xff\xfe", b"FROM x as airflow-build-image\nRUN <<A\n"):
        (tmp_path / "Dockerfile").write_bytes(content)
        options = ("--base-image", "debian:trixie-slim", "--dry-run", "--json")
        done = wheelhouse("stage", str(wheels / "wheels"), *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "airflow.Dockerfile" not in json.loads(done.stdout)["texts"]


def test_a_path_that_is_missing_in_the_checkout_is_a_warning(wheels: Path, tmp_path: Path) -> None:
    (tmp_path / "Other").write_text(OWN_DOCKERFILE)
    done = wheelhouse("stage", str(wheels / "wheels"), "--dockerfile", "Other", "--dry-run", "--json", cwd=tmp_path)
    [warning] = json.loads(done.stdout)["warnings"]
    assert warning.startswith("`Other` copies scripts/docker/keys/, which is not in the same folder")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--airflow", RELEASE, "--dockerfile", "made"), "`made` is not Airflow's own Dockerfile"),
        (("x", "--dockerfile", "made"), "--dockerfile goes with --airflow"),
        (("--airflow", RELEASE, "--dockerfile", "nosuch"), "nosuch"),
    ],
)
def test_another_dockerfile_is_refused_by_fetch(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    (tmp_path / "made").write_text("FROM x\n")
    done = wheelhouse("fetch", *options, "--python", "3.13", cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr
