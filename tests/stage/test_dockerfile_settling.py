"""What a wheelhouse settles of a Dockerfile's needs, and the script that builds it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.debian.debian_lock import DebianInputs, DebianLock, LockedDeb, LockedSuite
from wheelhouse.dockerfile.dockerfile_syntax import parse_dockerfile
from wheelhouse.dockerfile.network_needs import network_needs
from wheelhouse.dockerfile.network_programs import KINDS
from wheelhouse.oci.image_lock import BaseImage, Blob, ImageLock
from wheelhouse.stage.dockerfile_settling import WHAT, Settlement, base_dockerfile, settled

BLOB = Blob("0" * 64, 1, "application/vnd.oci.image.manifest.v1+json")
IMAGES = ImageLock((BaseImage("python:3.12-slim", "x", "amd64", BLOB, BLOB, ()),))


def deb(name: str, version: str) -> LockedDeb:
    return LockedDeb(
        name,
        version,
        "amd64",
        "debian",
        f"pool/{name}.deb",
        "0" * 64,
        1,
        "bookworm",
        "main",
        name,
        version,
        ("packages",),
    )


SUITE = LockedSuite("debian", "https://mirror.example/debian", "bookworm", ("main",), ("bookworm",), (), ())
INPUTS = DebianInputs({"packages": ("git=1:2.39", "tzdata")})
DEBIAN = DebianLock(INPUTS, "debian-12", (SUITE,), (deb("git", "1:2.39"), deb("git-man", "1:2.39")))


def settle(text: str, images: ImageLock = IMAGES, debian: DebianLock = DEBIAN) -> tuple[Settlement, ...]:
    return settled(network_needs(parse_dockerfile(text, "it")), images, debian)


def test_every_kind_of_need_has_words() -> None:
    assert set(WHAT) == KINDS | {"frontend", "base-image", "copied-image", "address", "instruction"}


def test_base_image_packages_and_syntax_line_are_settled() -> None:
    text = "# syntax=docker/dockerfile:1\nFROM python:3.12-slim\nRUN apt-get update && apt-get install -y git=1:2.39 tzdata\n"
    assert all(one.by for one in settle(text))


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("FROM python:3.13-slim", "the base image python:3.13-slim; fetch the image: --base-image python:3.13-slim"),
        ("COPY --from=tool:1 /a /a", "the image tool:1; name a local image: --build-context tool:1=docker-image://…"),
        ("RUN apt-get install -y git=1:2.40", "apt installs git=1:2.40; fetch the packages: --deb git=1:2.40"),
        ("RUN apt-get install -y $X", "apt installs $X; fetch the packages: --deb $X"),
        (
            "RUN curl https://e.example",
            "a download of https://e.example; add the file to [[files]] of wheelhouse.toml, and COPY it",
        ),
        ("ONBUILD RUN npm ci", "npm or yarn installs something (in a build from this image)"),
        ("RUN make", "make runs, and wheelhouse does not know what it downloads"),
        ("HOP x", "the instruction HOP, which wheelhouse does not know"),
    ],
)
def test_what_is_left_is_told_with_its_line(line: str, rest: str) -> None:
    *_, last = settle(f"FROM python:3.12-slim\n{line}\n")
    assert last.by is None
    assert last.sentence("docker-context-files") == f"line 2: {rest}"


@pytest.mark.parametrize(
    ("requests", "line", "is_settled"),
    [
        (("git=1:2.39",), "git", True),
        (("git=1:2.39",), "git=1:2.39", True),
        (("git=1:2.39",), "git=1:2.40", False),
        (("git",), "git=1:2.39", False),
        (("vim/bookworm",), "vim", True),
        (("vim/bookworm",), "vim/bookworm", True),
        (("vim",), "vim/trixie", False),
        (("git",), "git:arm64", False),
        (("git",), "git:amd64", True),
    ],
)
def test_what_the_base_had_when_it_was_requested_is_settled(
    requests: tuple[str, ...], line: str, is_settled: bool
) -> None:
    debian = DebianLock(DebianInputs({"packages": requests}, architecture="amd64"), "debian-12", (SUITE,), ())
    *_, last = settle(f"FROM python:3.12-slim\nRUN apt-get install -y {line}\n", debian=debian)
    assert bool(last.by) == is_settled


@pytest.mark.parametrize(
    ("line", "is_settled"),
    [
        ("git", True),
        ("git:amd64", True),
        ("git:any", True),
        ("git:arm64", False),
        ("git/bookworm", True),
        ("git/stable", True),
        ("git/trixie", False),
        ("git=1:2.*", True),
    ],
)
def test_a_locked_package_settles_only_its_own_suite_and_architecture(line: str, is_settled: bool) -> None:
    debian = replace(DEBIAN, suites=(replace(SUITE, names=("bookworm", "stable")),))
    *_, last = settle(f"FROM python:3.12-slim\nRUN apt-get install -y {line}\n", debian=debian)
    assert bool(last.by) == is_settled


def test_apt_update_is_settled_only_with_all_packages_of_its_stage() -> None:
    (_, update, install) = settle("FROM python:3.12-slim\nRUN apt-get update && apt-get install -y vim\n")
    assert (update.by, install.by) == (None, None)


def test_packages_do_not_count_where_a_base_image_is_missing() -> None:
    text = "FROM python:3.12-slim AS build\nFROM other:1\nRUN apt-get update && apt-get install -y tzdata\n"
    assert [one.by is not None for one in settle(text)] == [True, False, False, False]
    assert not any(one.by for one in settle(text, images=ImageLock()))


def test_packages_are_installed_in_the_base_and_nothing_of_the_mirror_stays() -> None:
    text = base_dockerfile("python:3.12-slim", DEBIAN)
    assert "RUN --mount=type=bind,source=debian,target=/wheelhouse-apt" in text
    assert "'deb [check-valid-until=no lang=none] file:/wheelhouse-apt/debian bookworm main'" in text
    assert "git=1:2.39 \\\n        git-man=1:2.39 \\\n" in text
    assert "apt-mark auto git-man " in text
    assert "USER root\n" in text and text.endswith("/tmp/wheelhouse.list\n")


def test_an_image_that_is_extended_keeps_its_user() -> None:
    text = base_dockerfile("apache/airflow:3.3.2", DEBIAN, "50000")
    assert text.startswith("FROM apache/airflow:3.3.2\nUSER root\n") and text.endswith("\nUSER 50000\n")


def test_stage_lists_what_a_dockerfile_asks_for_and_refuses_it_when_sealed(tmp_path: Path) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    build_wheel(offered, "lib", "1.0")
    with IndexServer(offered) as index:
        wheelhouse("fetch", "lib", "--python", "3.12", "--index", index.url, cwd=tmp_path)
    (tmp_path / "Dockerfile").write_text("# syntax=docker/dockerfile:1\nFROM scratch\nRUN pip install -r r.txt\n")
    refused = wheelhouse("stage", "--dockerfile", "Dockerfile", "--sealed", cwd=tmp_path)
    assert refused.returncode == 1
    assert "line 3: pip installs r.txt; mount the staged folder" in refused.stderr
    assert not (tmp_path / "docker-context-files").exists()
    done = wheelhouse("stage", "--dockerfile", "Dockerfile", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["command"] == ["sh", "docker-context-files/build-dockerfile.sh"]
    script = (tmp_path / "docker-context-files/build-dockerfile.sh").read_text()
    assert "# still needs a network: line 3: pip installs r.txt" in script
    assert script.endswith("| docker build --network none -f - -t my-image .\n")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY a /a\n")
    assert wheelhouse("stage", "--dockerfile", "Dockerfile", "--sealed", cwd=tmp_path).returncode == 0
    assert wheelhouse("stage", "--dockerfile", "nosuch", cwd=tmp_path).returncode == 2
