"""The whole image in a real engine: a Dockerfile of the shape of Airflow's, on a base whose apt is a stand-in, with no network."""

import gzip
import json
import os
from pathlib import Path

import pytest

from tests.stage.airflow.test_whole_image import LOAD, MadeMirror
from tests.support.airflow_locks import made_lock, made_tools
from tests.support.baseimage import base_image
from tests.support.docker import DockerEngine, must_lose
from tests.support.real import need_python
from tests.support.registry import CONFIG, LAYER, MANIFEST, descriptor, layer_tar, sha256
from tests.support.tools import run
from wheelhouse.airflow import Airflow
from wheelhouse.airflow.apt_lists import apt_lists
from wheelhouse.errors import InputError
from wheelhouse.oci.image_lock import BaseImage, Blob
from wheelhouse.rehearse.image_build import Image, rehearse_image
from wheelhouse.sandbox.engine import find_engine
from wheelhouse.stage.airflow.airflow_layout import lay_out_airflow
from wheelhouse.stage.airflow.arguments import Choices
from wheelhouse.stage.carried_image import with_carried_image
from wheelhouse.stage.destination import USUAL
from wheelhouse.stage.layouts import StageInputs
from wheelhouse.stage.manifest import RecordedOptions, StageRecord
from wheelhouse.stage.staged_folder import StagedFolder

pytest_plugins = ["tests.support.docker_fixtures"]
pytestmark = pytest.mark.docker

RELEASE = "2.10.4"
"""No other test makes an image of this release, so that none of this one's names are another's."""
NAME = f"wheelhouse-test-whole:{os.getpid()}"
"""Of this process alone: the tests that use it remove it, and the processes of one run share an engine."""
APT = b"""#!/bin/sh
# Stands in for apt-get: it sees the mirror, and remembers what was installed.
case "$*" in
*" update") list=${2#*=}; test -s "$list"; test -f /wheelhouse-apt/archive/InRelease;;
*" install "*) for word in "$@"; do case $word in *=*:*) ;; -*|install) ;; *) echo "$word" >> /installed;; esac; done;;
esac
"""
FILES: dict[str, bytes | str] = {
    "usr/bin/apt-get": APT,
    "usr/bin/apt-mark": b'#!/bin/sh\necho "$@" >> /marked\n',
}
DOCKERFILE = """# syntax=docker/dockerfile:1.4
ARG PYTHON_BASE_IMAGE="nowhere.invalid/python:1"
FROM scratch as scripts
COPY <<"EOF" /install_os_dependencies.sh
#!/usr/bin/env bash
curl --fail https://nowhere.invalid
exit 1
EOF
COPY <<"EOF" /install_mysql.sh
exit 1
EOF
COPY <<"EOF" /common.sh
#!/usr/bin/env bash
echo "$1 by the Dockerfile's own script"
EOF
FROM ${PYTHON_BASE_IMAGE} as airflow-build-image
COPY --from=scripts install_os_dependencies.sh install_mysql.sh common.sh /scripts/
RUN bash /scripts/install_os_dependencies.sh dev && bash /scripts/install_mysql.sh dev
ARG DOCKER_CONTEXT_FILES="Dockerfile"
COPY ${DOCKER_CONTEXT_FILES} /docker-context-files
RUN bash /scripts/common.sh built > /built && cp /installed /installed-in-the-build-stage && env | sort > /environment
FROM ${PYTHON_BASE_IMAGE} as main
COPY --from=scripts install_os_dependencies.sh /scripts/
RUN bash /scripts/install_os_dependencies.sh runtime
COPY --from=airflow-build-image /built /environment /installed-in-the-build-stage /
"""


def carried_image(engine: DockerEngine, folder: Path) -> BaseImage:
    """The tests' own base image with the stand-in for apt, its blobs in the staged folder."""
    base_image(engine, need_python("3.12").parents[1], "wheelhouse-test-base:3.12")
    [archive] = engine.cache.glob("base-python3.12-*.tar")
    plain = [archive.read_bytes(), layer_tar(FILES)]
    packed = [gzip.compress(raw, 1, mtime=0) for raw in plain]
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [sha256(raw) for raw in plain]},
        }
    ).encode()
    layers = [descriptor(LAYER, raw) for raw in packed]
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, config), "layers": layers}
    manifest = json.dumps(document).encode()
    blobs = [Blob(sha256(raw)[7:], len(raw), kind) for raw, kind in ((manifest, MANIFEST), (config, CONFIG))]
    blobs += [Blob(sha256(raw)[7:], len(raw), LAYER) for raw in packed]
    for blob, raw in zip(blobs, (manifest, config, *packed), strict=True):
        path = folder / "image" / blob.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return BaseImage(NAME, "tests", "amd64", blobs[0], blobs[1], tuple(blobs[2:]))


def staged(engine: DockerEngine, checkout: Path) -> StagedFolder:
    """A checkout with the Dockerfile, and the staged folder in it; the made wheels of its lock do not exist."""
    folder, lock = checkout / "docker-context-files", made_lock(RELEASE)
    image = carried_image(engine, folder)
    lists, choices = apt_lists(Airflow.parse(RELEASE), ("mssql",)), Choices(without=("mssql",))
    plan = lay_out_airflow(lock, None, made_tools(RELEASE), NAME, choices, LOAD, MadeMirror(lists))
    for path, text in with_carried_image(plan, image, lock.target, USUAL).texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "debian" / "archive").mkdir(parents=True)
    (folder / "debian" / "archive" / "InRelease").write_text("signed")
    (checkout / "Dockerfile").write_text(DOCKERFILE)
    record = StageRecord("1", "airflow", None, None, RecordedOptions(), signed=False, files={})
    return StagedFolder(folder, plan, record, StageInputs(lock=lock))


def test_the_script_builds_a_dockerfile_that_asks_for_everything(docker_engine: DockerEngine, tmp_path: Path) -> None:
    staged(docker_engine, tmp_path)
    built = run("sh", "docker-context-files/build-image.sh", cwd=tmp_path, env=docker_engine.env, timeout=600)
    assert built.returncode == 0, built.stderr[-6000:]
    tag = f"my-airflow:{RELEASE}"

    def read(*paths: str) -> str:
        return docker_engine.run(tag, "cat", *paths).stdout

    assert read("/built") == "built by the Dockerfile's own script\n"
    assert "UV_OFFLINE=1" in read("/environment")
    assert "gcc" not in read("/installed") and "dumb-init:amd64=1.0" in read("/installed")
    assert "build-essential:amd64=1.0" in read("/installed-in-the-build-stage")
    assert read("/marked").split() == ["auto", "libdep:amd64"]
    listed = docker_engine.run(tag, "ls", "/").stdout.split()
    assert not {"wheelhouse-apt", "docker-context-files"} & set(listed)
    assert "UV_" not in docker_engine.run(tag, "env").stdout
    made = ("wheelhouse-development", "wheelhouse-runtime", "wheelhouse-build")
    docker_engine.docker("image", "rm", "--force", tag, NAME, *(f"{name}:{RELEASE}" for name in made))


def test_a_rehearsal_builds_the_checkouts_own_dockerfile(docker_engine: DockerEngine, tmp_path: Path) -> None:
    folder = staged(docker_engine, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="no Dockerfile is given"):
        list(
            rehearse_image(
                folder.folder, made_lock(RELEASE), folder, Image("base", None, ()), find_engine(docker_engine.env)
            )
        )
    image = Image(None, tmp_path / "Dockerfile", ("cat /built",))
    steps = list(rehearse_image(folder.folder, made_lock(RELEASE), folder, image, find_engine(docker_engine.env)))
    assert [(step.name, step.findings) for step in steps] == [("image", ()), ("run cat /built in the image", ())]
    assert steps[-1].note == "built by the Dockerfile's own script"
    must_lose(docker_engine, "wheelhouse-rehearsal")
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    docker_engine.docker("image", "rm", "--force", NAME)
