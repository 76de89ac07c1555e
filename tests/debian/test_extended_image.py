"""An image that is extended, for another architecture: base image, Debian packages and wheels in one fetch, and the staged build."""

from pathlib import Path

import pytest

from tests.support.debian_archive import MadeSuite, make_signer, publish, status_of
from tests.support.registry import GLIBC, RegistryServer, tiny_image
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.verify.verify import verify
from wheelhouse.verify.verify_other_files import load_base_images, load_debian

PACKAGES = [
    {"Package": "git", "Version": "1:2.39.5-0", "Depends": "libc6 (>= 2.36), git-man"},
    {"Package": "git-man", "Version": "1:2.39.5-0", "Architecture": "all"},
]
DOCKERFILE = """# syntax=docker/dockerfile:1.4
FROM NAME
USER root
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
USER airflow
RUN --mount=type=bind,source=docker-context-files,target=/docker-context-files \\
    pip install --no-index --find-links /docker-context-files native
"""


@pytest.fixture
def registry(tmp_path: Path) -> RegistryServer:
    """A registry, an archive and an index in one server: images, packages and wheels of two architectures."""
    offered = tmp_path / "offered"
    offered.mkdir()
    for machine in ("x86_64", "aarch64"):
        build_wheel(offered, "native", "1.0", tag=f"cp313-cp313-manylinux_2_28_{machine}")
    with RegistryServer(offered) as server:
        signer = make_signer(tmp_path / "keys", "archive")
        images = []
        for architecture in ("amd64", "arm64"):
            line = publish(server, architecture, MadeSuite("bookworm", {"main": PACKAGES}, "", architecture), signer)
            files: dict[str, bytes | str] = {
                "usr/lib/libc.so.6": GLIBC,
                "usr/local/bin/python3": "/usr/python/bin/python3.13",
                "usr/python/bin/python3.13": b"\x003.13.14\0",
                "etc/apt/sources.list": f"{line}\n".encode(),
                "etc/apt/trusted.gpg.d/made.gpg": signer.public,
                "var/lib/dpkg/status": status_of(
                    [{"Package": "dpkg", "Version": "1.21"}, {"Package": "libc6", "Version": "2.36-9"}], architecture
                ).encode(),
            }
            images.append(tiny_image(files, architecture=architecture, user="50000"))
        server.push("apache/airflow", "3.3.2", *images)
        yield server


def test_an_airflow_image_of_arm64_is_extended_with_its_packages_and_wheels(
    registry: RegistryServer, tmp_path: Path
) -> None:
    name = f"{registry.host}/apache/airflow:3.3.2"
    options = ("--base-image", name, "--platform", "linux/arm64", "--deb", "git", "--index", registry.url)
    done = wheelhouse("fetch", "native", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    house = tmp_path / "wheels"
    assert not verify(house).findings
    assert [path.name for path in house.glob("*.whl")] == ["native-1.0-cp313-cp313-manylinux_2_28_aarch64.whl"]
    assert [image.architecture for image in load_base_images(house).images] == ["arm64"]
    assert {(deb.name, deb.architecture) for deb in load_debian(house).packages} == {
        ("git", "arm64"),
        ("git-man", "all"),
    }
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.replace("NAME", name))
    done = wheelhouse("stage", "--dockerfile", "Dockerfile", "--sealed", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    staged = tmp_path / "docker-context-files"
    script = (staged / "build-dockerfile.sh").read_text()
    assert script.count("docker build --platform linux/arm64 --network none -f ") == 2
    derived = (staged / "debian.Dockerfile").read_text()
    assert derived.startswith(f"FROM {name}\nUSER root\n") and derived.endswith("\nUSER 50000\n")
