"""What `stage` prints works for the folder, the image and the architecture that it is for, or is refused."""

import json
import sys
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError
from wheelhouse.stage.base_image import default_base_image, must_suit, platform_option
from wheelhouse.stage.destination import Destination
from wheelhouse.stage.flat_layout import context_name
from wheelhouse.target.target import Platform, Python, Target

IMAGES = [
    ("3.11", "linux/amd64", "python:3.11-slim-bookworm", ()),
    ("3.11", "linux/arm64", "python:3.11-slim-bookworm", ("--platform", "linux/arm64")),
    ("3.12", "manylinux_2_41_x86_64", "python:3.12-slim-trixie", ()),
    ("3.12", "linux/arm/v7", "python:3.12-slim-bookworm", ("--platform", "linux/arm/v7")),
    ("3.12", "linux/riscv64", "python:3.12-slim-trixie", ("--platform", "linux/riscv64")),
    ("3.11", "alpine/amd64", "python:3.11-alpine", ()),
    ("3.11", "alpine/arm64", "python:3.11-alpine", ("--platform", "linux/arm64")),
    ("3.6", "linux/amd64", "python:3.6-slim-bullseye", ()),
    ("pypy3.10", "linux/amd64", "pypy:3.10-slim-bookworm", ()),
]


def target(python: str, platform: str) -> Target:
    return Target.of(Python.parse(python), Platform.parse(platform))


@pytest.mark.parametrize(("python", "platform", "image", "option"), IMAGES)
def test_the_image_that_a_target_installs_into(python: str, platform: str, image: str, option: tuple[str, ...]) -> None:
    wanted = target(python, platform)
    assert (default_base_image(wanted), platform_option(wanted)) == (image, option)
    must_suit(image, wanted)


@pytest.mark.parametrize(
    ("python", "platform"), [("3.13t", "linux/amd64"), ("pypy3.10", "alpine/amd64"), ("3.12", "manylinux_2_43_x86_64")]
)
def test_where_there_is_no_official_image_one_must_be_named(python: str, platform: str) -> None:
    with pytest.raises(InputError) as refused:
        default_base_image(target(python, platform))
    assert "--base-image" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("python:3.11-alpine", "musl"),
        ("mirror.example/python:3.11-slim-buster", "glibc 2.28"),
        ("python:3.12-slim-bookworm", "Python"),
        ("pypy:3.11-slim-bookworm", "Python"),
    ],
)
def test_an_image_that_says_it_does_not_suit_is_refused(image: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        must_suit(image, target("3.11", "manylinux_2_36_x86_64"))


def test_an_image_that_says_nothing_is_believed() -> None:
    must_suit("registry.example/base:7", target("3.11", "alpine/amd64"))


@pytest.fixture
def house(tmp_path: Path) -> Path:
    build_wheel(tmp_path / "offered", "app", "1.0")
    targets = (
        "--python",
        "3.11",
        "--platform",
        "alpine/amd64",
        "--platform",
        "linux/arm64",
        "--platform",
        "macos/arm64",
    )
    with IndexServer(tmp_path / "offered") as index:
        done = wheelhouse("fetch", "app", *targets, "--platform", "linux/amd64", "--index", index.url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "wheels"


def stage(house: Path, *more: str, name: str = "manylinux_2_28_x86_64") -> dict:
    done = wheelhouse("stage", "--json", "--target", f"cp311-{name}", *more, cwd=house.parent)
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("dest", "context"),
    [("out", "."), ("deep/er/out", "deep/er"), ("./out", "."), ("../{up}/out", "../{up}"), ("{here}/out", "{here}")],
)
def test_the_command_and_the_files_name_the_folder(house: Path, dest: str, context: str) -> None:
    known = {"here": str(house.parent), "up": house.parent.name}
    dest, context = dest.format(**known), context.format(**known)
    told = stage(house, "--dest", dest)
    assert told["command"][-1] == context
    fragment = told["command"][told["command"].index("-f") + 1]
    assert (house.parent / fragment).samefile(house.parent / dest / "install.Dockerfile")
    assert "source=out,target=/docker-context-files" in told["texts"]["install.Dockerfile"]
    assert "docker-context-files/install" not in told["texts"]["install.Dockerfile"]
    assert "copied-from" not in told and context_name(told["texts"]["install.Dockerfile"]) == "out"


def test_the_usual_folder_is_named_as_ever(house: Path) -> None:
    told = stage(house)
    expected = "docker build --network none -f docker-context-files/install.Dockerfile -t my-image ."
    assert told["command"] == expected.split()
    assert f"# As root:              {expected}\n" in told["texts"]["install.Dockerfile"]


@pytest.mark.parametrize("dest", ["my folder, 2", "größe"])
def test_a_name_that_no_dockerfile_takes_is_copied_to_the_usual_one(house: Path, dest: str) -> None:
    told = stage(house, "--dest", dest)
    assert told["copied-from"] == dest
    said = wheelhouse("stage", "--target", "cp311-manylinux_2_28_x86_64", "--dest", dest, cwd=house.parent)
    (copy,) = [line for line in said.stdout.splitlines() if line.startswith("mkdir")]
    assert run("sh", "-c", copy, cwd=house.parent).returncode == 0
    assert (house.parent / told["command"][told["command"].index("-f") + 1]).is_file()
    assert wheelhouse("verify", "docker-context-files", cwd=house.parent).returncode == 0


def test_a_link_is_named_by_what_it_leads_to(house: Path) -> None:
    (house.parent / "real").mkdir()
    (house.parent / "link").symlink_to("real")
    told = stage(house, "--dest", "link")
    assert "source=real," in told["texts"]["install.Dockerfile"]
    assert told["command"][-1] == str(house.parent)


def test_other_architectures_and_libraries_get_their_own_image(house: Path) -> None:
    arm = stage(house, name="manylinux_2_28_aarch64")
    assert arm["command"][:4] == ["docker", "build", "--platform", "linux/arm64"]
    alpine = stage(house, name="musllinux_1_2_x86_64")
    assert "ARG BASE_IMAGE=python:3.11-alpine\n" in alpine["texts"]["install.Dockerfile"]


@pytest.mark.rooms
def test_what_no_image_can_be_is_installed_on_its_own_machine(house: Path) -> None:
    told = stage(house, "--dest", "out", name="macosx_14_0_arm64")
    assert "install.Dockerfile" not in told["texts"]
    environment = house.parent / "environment"
    run(sys.executable, "-m", "venv", environment)
    done = run(environment / "bin/python", "-m", *told["command"], cwd=house.parent)
    assert done.returncode == 0, done.stderr
    assert wheelhouse("verify", "out", cwd=house.parent).returncode == 0


def test_what_does_not_suit_is_refused(house: Path) -> None:
    for asked in (("--index", "https://mirror.example/simple/"), ("--layout", "airflow")):
        done = wheelhouse("stage", "--target", "cp311-macosx_14_0_arm64", *asked, cwd=house.parent)
        assert done.returncode == 2
        assert "is not a Linux target" in done.stderr and "requirements.cp311-macosx_14_0_arm64.txt" in done.stderr
    wrong = wheelhouse(
        *("stage", "--target", "cp311-musllinux_1_2_x86_64", "--base-image", "python:3.11-slim-bookworm"),
        cwd=house.parent,
    )
    assert (wrong.returncode, "which has glibc" in wrong.stderr) == (2, True)


def test_a_destination_is_split_where_its_name_begins() -> None:
    assert Destination.of("docker-context-files").is_usual
    assert Destination.of("/srv/out") == Destination("/srv", "out")
    assert Destination.of("/out").path("file") == "/out/file"
    assert Destination.of("größe/out").is_plain and not Destination.of("größe").is_plain
