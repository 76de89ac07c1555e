"""Real image builds: other files brought into an image with no network, and an index's credentials that no layer keeps."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.fetch.test_other_files import JAR, JAR_ENTRY, SDK, SDK_ENTRY
from tests.support.baseimage import base_image
from tests.support.docker import DockerEngine
from tests.support.index import IndexServer
from tests.support.real import need_python
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel

pytest_plugins = ["tests.support.docker_fixtures"]
pytestmark = pytest.mark.docker

FOLDER = "docker-context-files"
PIP = 'grep -q s3cret "$NETRC" && grep index-url "$PIP_CONFIG_FILE" > /proof'
SHIM = f"""FROM {{base}}
RUN mkdir /shim && printf '#!/bin/sh\\n{PIP}\\n' > /shim/pip && chmod 755 /shim/pip
ENV PATH=/shim:$PATH
"""


@pytest.fixture(scope="module")
def base(docker_engine: DockerEngine) -> str:
    return base_image(docker_engine, need_python("3.12").parents[1], "wheelhouse-test-base:3.12")


def fetched(folder: Path, *entries: str) -> None:
    build_wheel(folder / "offered", "lib", "1.0")
    with IndexServer(folder / "offered") as server:
        server.put("/down/connector.jar", JAR)
        server.put("/down/sdk-1.0.tar.gz", SDK)
        server.put("/down/sdk-1.0.tar.gz.sha512", f"{hashlib.sha512(SDK).hexdigest()}  sdk-1.0.tar.gz\n".encode())
        files = "".join(f"[[files]]\n{one.replace('ORIGIN', server.origin)}\n" for one in entries)
        (folder / "wheelhouse.toml").write_text(f'requirements = ["lib"]\npython = "3.12"\n{files}')
        done = wheelhouse("fetch", "--index", server.url, cwd=folder)
    assert done.returncode == 0, done.stderr


def test_other_files_come_into_the_image(docker_engine: DockerEngine, base: str, tmp_path: Path) -> None:
    fetched(tmp_path, JAR_ENTRY, SDK_ENTRY)
    assert wheelhouse("stage", cwd=tmp_path).returncode == 0
    tag = "wheelhouse-test-files:made"
    done = docker_engine.build(tmp_path, tmp_path / FOLDER / "files.Dockerfile", tag, {"BASE_IMAGE": base})
    assert done.returncode == 0, done.stderr[-3000:]
    ran = docker_engine.run(
        tag, "sh", "-c", "sha256sum /opt/spark/jars/connector.jar; test -x /opt/sdk/bin/sdk; echo $?; ls /"
    )
    digest, _, rest = ran.stdout.partition(" ")
    assert digest == hashlib.sha256(JAR).hexdigest()
    assert rest.splitlines()[1] == "0" and not {FOLDER, "unpacked"} & set(rest.split())


def test_no_layer_keeps_the_credentials(docker_engine: DockerEngine, base: str, tmp_path: Path) -> None:
    fetched(tmp_path)
    staged = wheelhouse("stage", "--index", "https://mirror.example/simple/", cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    (tmp_path / "netrc").write_text("machine mirror.example login me password s3cret\n")
    shim, tag = "wheelhouse-test-shim:made", "wheelhouse-test-secret:made"
    assert docker_engine.build(tmp_path / "offered", SHIM.format(base=base), shim).returncode == 0
    secret = f"--secret=id=netrc,src={tmp_path / 'netrc'}"
    fragment = tmp_path / FOLDER / "install.Dockerfile"
    done = docker_engine.build(tmp_path, fragment, tag, {"BASE_IMAGE": shim}, secret)
    assert done.returncode == 0, done.stderr[-3000:]
    proof = docker_engine.run(tag, "sh", "-c", "cat /proof; ls -A /run/secrets 2>/dev/null; ls /")
    assert proof.stdout.splitlines()[0] == "index-url = https://mirror.example/simple/"
    assert FOLDER not in proof.stdout.split()
    saved = tmp_path / "image.tar"
    assert docker_engine.docker("save", "-o", str(saved), tag).returncode == 0
    kept = [
        subprocess.run(["grep", "-q", text, saved], check=False).returncode == 0 for text in ("index-url", "login me")
    ]
    assert kept == [True, False]
