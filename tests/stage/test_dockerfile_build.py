"""The script that builds a Dockerfile of any origin, in a real engine with no network, on a base whose apt is a stand-in."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.stage.airflow.test_whole_image_build import NAME, carried_image
from tests.stage.test_dockerfile_settling import DEBIAN
from tests.support.airflow_locks import made_lock
from tests.support.docker import DockerEngine
from tests.support.tools import run
from wheelhouse.dockerfile.dockerfile_syntax import parse_dockerfile
from wheelhouse.dockerfile.network_needs import network_needs
from wheelhouse.oci.image_lock import ImageLock
from wheelhouse.stage.destination import USUAL
from wheelhouse.stage.dockerfile_settling import settled, with_dockerfile
from wheelhouse.stage.plan import Plan

pytest_plugins = ["tests.support.docker_fixtures"]
pytestmark = pytest.mark.docker

TAG = "my-image"
REPOSITORY, _, TAG_OF_BASE = NAME.partition(":")
DOCKERFILE = f"""# syntax=docker/dockerfile:1.4
ARG REPOSITORY={REPOSITORY}
FROM $REPOSITORY:{TAG_OF_BASE} AS build
RUN apt-get update \\
 && apt-get install -y git=2.39 tzdata
RUN <<EOF
cp /installed /from-the-build-stage
EOF
FROM {NAME}
COPY --from=build /from-the-build-stage /
COPY own.txt /
RUN --mount=type=bind,from={NAME},source=/etc,target=/other cp /other/passwd /copied
RUN --network=none cat /proc/net/dev > /devices
ONBUILD RUN true
"""


def staged_for(checkout: Path, engine: DockerEngine, text: str) -> Plan:
    """A folder with the base image, the mirror and the script for a Dockerfile."""
    folder = checkout / "docker-context-files"
    images = ImageLock((carried_image(engine, folder),))
    packages = tuple(replace(deb, archive="archive", version="2.39") for deb in DEBIAN.packages)
    debian = replace(DEBIAN, suites=(replace(DEBIAN.suites[0], archive="archive"),), packages=packages)
    (checkout / "Dockerfile").write_text(text)
    settlements = settled(network_needs(parse_dockerfile(text, "it")), images, debian)
    lock = made_lock("2.10.5")
    plan = with_dockerfile(
        Plan("flat", lock.target.name, {}, {}, ()), "Dockerfile", settlements, images, debian, lock.target, USUAL
    )
    for path, content in plan.texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    (folder / "debian" / "archive").mkdir(parents=True, exist_ok=True)
    (folder / "debian" / "archive" / "InRelease").write_text("signed")
    return plan


def test_the_script_builds_it_with_no_network_and_nothing_of_the_mirror_stays(
    docker_engine: DockerEngine, tmp_path: Path
) -> None:
    plan = staged_for(tmp_path, docker_engine, DOCKERFILE)
    assert not plan.unsettled, plan.unsettled
    (tmp_path / "own.txt").write_text("own\n")
    built = run("sh", "docker-context-files/build-dockerfile.sh", cwd=tmp_path, env=docker_engine.env, timeout=600)
    assert built.returncode == 0, built.stderr[-6000:]
    read = docker_engine.run(TAG, "cat", "/own.txt", "/from-the-build-stage", "/copied").stdout
    assert read.startswith("own\n") and "root:" in read
    assert {"git=2.39", "git-man=2.39"} <= set(read.split())
    assert docker_engine.run(TAG, "cat", "/devices").stdout.count(":") == 1, "only the loopback device"
    listed = docker_engine.run(TAG, "ls", "/", "/tmp").stdout.split()
    assert not {"wheelhouse-apt", "wheelhouse.list"} & set(listed)
    history = docker_engine.docker("history", "--no-trunc", TAG).stdout
    assert "trusted" not in history
    docker_engine.docker("image", "rm", "--force", TAG, NAME, "wheelhouse-base:debian")


def test_a_step_that_asks_a_network_fails_in_the_build_as_was_said(docker_engine: DockerEngine, tmp_path: Path) -> None:
    plan = staged_for(tmp_path, docker_engine, f"FROM {NAME}\nRUN python -m pip download --retries 0 nosuch\n")
    assert plan.unsettled == ("line 2: pip installs nosuch; " + plan.unsettled[0].partition("; ")[2],)
    built = run("sh", "docker-context-files/build-dockerfile.sh", cwd=tmp_path, env=docker_engine.env, timeout=600)
    assert built.returncode != 0
    docker_engine.docker("image", "rm", "--force", NAME)
