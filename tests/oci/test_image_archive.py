"""Base images from an archive, as `docker save` and skopeo write one, and from the Docker engine itself."""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.oci.test_fetch_base_image import Fetching
from tests.support.baseimage import base_image
from tests.support.docker import DockerEngine
from tests.support.real import need_python
from tests.support.registry import INDEX, MANIFEST, TinyImage, descriptor, layer_tar, python_files, sha256, tiny_image
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError, IntegrityError, MachineError
from wheelhouse.oci import image_archive

pytest_plugins = ["tests.support.docker_fixtures"]


@pytest.fixture
def fetching(tmp_path: Path) -> Fetching:
    return Fetching(tmp_path)


def tar_of(path: Path, members: Mapping[str, bytes | str]) -> Path:
    """A tar; a text is the target of a symbolic link."""
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def old_docker_archive(path: Path, *tags: str, layers: int = 1, **saved: object) -> Path:
    """As Docker before 25 writes it: a folder for each layer, the same layer twice as a link."""
    plain = layer_tar(python_files())
    config = json.loads(tiny_image().blobs[tiny_image().document["config"]["digest"]])
    config["rootfs"]["diff_ids"] = [sha256(plain)] * layers
    raw = json.dumps(config).encode()
    names = [f"{number}/layer.tar" for number in range(layers)]
    manifest = [{"Config": f"{sha256(raw)[7:]}.json", "RepoTags": list(tags), "Layers": names, **saved}]
    links = dict.fromkeys(names[1:], "../0/layer.tar")
    files = {
        "0/layer.tar": plain,
        **links,
        f"{sha256(raw)[7:]}.json": raw,
        "manifest.json": json.dumps(manifest).encode(),
    }
    return tar_of(path, files)


def oci_members(image: TinyImage) -> dict[str, bytes | str]:
    blobs: dict[str, bytes | str] = {f"blobs/sha256/{digest[7:]}": raw for digest, raw in image.blobs.items()}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(MANIFEST, image.raw)]}
    return {**blobs, f"blobs/sha256/{image.digest[7:]}": image.raw, "index.json": json.dumps(index).encode()}


def new_docker_members(image: TinyImage, *tags: str) -> dict[str, bytes | str]:
    """As Docker since 25 writes it: an OCI layout with a manifest.json."""
    document = image.document
    layers = [f"blobs/sha256/{layer['digest'][7:]}" for layer in document["layers"]]
    saved = [{"Config": f"blobs/sha256/{document['config']['digest'][7:]}", "RepoTags": list(tags), "Layers": layers}]
    return {**oci_members(image), "manifest.json": json.dumps(saved).encode()}


def test_an_old_docker_archive_is_read_and_its_name_is_known(fetching: Fetching, tmp_path: Path) -> None:
    archive = old_docker_archive(tmp_path / "base.tar", "python:3.12-slim", layers=2)
    [image] = fetching(f"docker-archive:{archive}").images
    assert (image.name, image.source, len(image.layers)) == ("python:3.12-slim", "a Docker archive", 2)
    assert image.facts and (image.facts.libc, image.facts.python) == ("manylinux_2_36", "3.12.4")
    again = fetching(f"docker-archive:{archive}:python:3.12-slim")
    assert again.images == (image,) and all(fetching.reused)
    (fetching.house / "image" / image.layers[0].path).unlink()
    assert fetching(f"docker-archive:{archive}").images == (image,)


@pytest.mark.parametrize("start", [b"\x28\xb5\x2f\xfd", b"BZh9"])
def test_a_layer_in_a_compression_that_no_manifest_names_is_refused(
    fetching: Fetching, tmp_path: Path, start: bytes
) -> None:
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})
    saved = json.dumps([{"Config": "config.json", "Layers": ["layer.tar"], "RepoTags": ["python:3"]}])
    members = {"config.json": config.encode(), "layer.tar": start + bytes(1020), "manifest.json": saved.encode()}
    archive = tar_of(tmp_path / "base.tar", members)
    with pytest.raises(IntegrityError, match="has a layer that is neither a tar file nor a tar file in gzip"):
        fetching(f"docker-archive:{archive}:python:3")


def test_an_archive_is_not_needed_while_the_lock_has_everything(fetching: Fetching, tmp_path: Path) -> None:
    archive = old_docker_archive(tmp_path / "base.tar", "python:3.12-slim")
    lock = fetching(f"docker-archive:{archive}:corp/base:1")
    assert lock.images[0].name == "corp/base:1"
    archive.unlink()
    assert fetching(f"docker-archive:{archive}:corp/base:1") == lock


@pytest.mark.parametrize("packed", [False, True])
def test_an_image_of_several_is_chosen_by_its_name(fetching: Fetching, tmp_path: Path, packed: bool) -> None:
    image = tiny_image()
    members = new_docker_members(image, "docker.io/library/python:3", "other:2")
    archive = tar_of(tmp_path / "base.tar", members)
    if packed:
        archive.write_bytes(gzip.compress(archive.read_bytes()))
    assert fetching(f"docker-archive:{archive}:python:3").images[0].name == "python:3"
    with pytest.raises(
        InputError,
        match=r"has several image names; the names of its images: docker\.io/library/python:3, other:2",
    ):
        fetching(f"docker-archive:{archive}")


def test_an_oci_archive_keeps_the_digest(fetching: Fetching, tmp_path: Path) -> None:
    image = tiny_image()
    archive = tar_of(tmp_path / "base.tar", oci_members(image))
    [held] = fetching(f"oci-archive:{archive}:python:3.12").images
    assert (held.manifest.digest, held.source) == (image.digest, "an OCI archive")


def broken(image: TinyImage) -> dict[str, bytes | str]:
    [layer] = [f"blobs/sha256/{one['digest'][7:]}" for one in image.document["layers"]]
    return {**oci_members(image), layer: b"x"}


@pytest.mark.parametrize(
    ("prefix", "members", "error", "message"),
    [
        ("docker-archive", oci_members(tiny_image()), InputError, "archive: it has no manifest.json"),
        ("oci-archive", {"manifest.json": b"[]"}, InputError, "archive: it has no index.json"),
        (
            "docker-archive",
            {"manifest.json": b"[]"},
            InputError,
            "no image `python:3`; the names of its images: none",
        ),
        ("docker-archive", {"manifest.json": b"{}"}, IntegrityError, "is not a Docker archive"),
        (
            "docker-archive",
            {
                "manifest.json": json.dumps(
                    [{"Config": "../../etc/passwd", "Layers": [], "RepoTags": ["python:3"]}]
                ).encode()
            },
            IntegrityError,
            "lacks '../../etc/passwd'",
        ),
        (
            "docker-archive",
            {
                "manifest.json": json.dumps(
                    [{"Config": "config.json", "Layers": ["layer.tar"] * 501, "RepoTags": ["python:3"]}]
                ).encode(),
                "config.json": b"{}",
                "layer.tar": b"",
            },
            IntegrityError,
            "has 501 layers, more than 500",
        ),
        (
            "oci-archive",
            broken(tiny_image()),
            IntegrityError,
            r"is not a file with the size in the manifest \([0-9]+ bytes\)",
        ),
    ],
)
def test_an_archive_that_is_none_is_refused(
    fetching: Fetching,
    tmp_path: Path,
    prefix: str,
    members: dict[str, bytes | str],
    error: type[Exception],
    message: str,
) -> None:
    archive = tar_of(tmp_path / "base.tar", members)
    with pytest.raises(error, match=message):
        fetching(f"{prefix}:{archive}:python:3")
    assert not (fetching.house / "image" / "image.lock.toml").exists()


def test_an_archive_that_unpacks_to_far_too_much_is_refused(
    fetching: Fetching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tiny_image(python_files(), {"a": bytes(range(256)) * 40})
    archive = tar_of(tmp_path / "base.tar", oci_members(image))
    monkeypatch.setattr(image_archive, "MAX_IMAGE_BYTES", 1_000)
    with pytest.raises(IntegrityError, match="it unpacks to more than 1000 bytes"):
        fetching(f"oci-archive:{archive}:python:3.12")
    assert not (fetching.house / "image").exists()


def test_a_file_that_is_no_tar_and_names_that_are_none(fetching: Fetching, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello" * 1000)
    with pytest.raises(IntegrityError, match="cannot be read"):
        fetching(f"docker-archive:{tmp_path}/text:python:3")
    for name in (
        "docker-archive:",
        "docker-archive:f:",
        "oci-archive:f",
        "docker-daemon:",
        "docker-archive:/nowhere:a:1",
    ):
        with pytest.raises(InputError):
            fetching(name)


def test_without_docker_the_error_says_what_to_use(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="no `docker` on PATH"):
        fetching("docker-daemon:python:3")


def test_the_docker_client_is_asked_to_save(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = old_docker_archive(tmp_path / "base.tar", "python:3")
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(
        '#!/bin/sh\n[ "$1 $2 $4" = "save --output python:3" ] || { echo "no such image" >&2; exit 1; }\n'
        f'cp {archive} "$3"\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")
    assert fetching("docker-daemon:python:3").images[0].source == "the Docker engine"
    with pytest.raises(MachineError, match="`docker save python:4` failed: no such image"):
        fetching("docker-daemon:python:4")


@pytest.mark.docker
def test_a_real_engine_gives_its_image_and_loads_it_again(docker_engine: DockerEngine, tmp_path: Path) -> None:
    tag = "wheelhouse-test-base:3.12"
    base_image(docker_engine, need_python("3.12").parents[1], tag)
    build_wheel(tmp_path / "offered", "lib", "1.0")
    saved = docker_engine.docker("save", "--output", str(tmp_path / "base.tar"), tag)
    assert saved.returncode == 0, saved.stderr
    names = {"daemon": f"docker-daemon:{tag}", "archive": "docker-archive:base.tar"}
    locks = {}
    for folder, name in names.items():
        options = ("--base-image", name, "--no-index", "--find-links", "offered", "--dest", folder)
        done = wheelhouse("fetch", "lib", *options, cwd=tmp_path, env=docker_engine.env)
        assert done.returncode == 0, done.stderr
        locks[folder] = (tmp_path / folder / "image/image.lock.toml").read_text()
    assert locks["daemon"].replace("the Docker engine", "a Docker archive") == locks["archive"]
    assert wheelhouse("stage", "daemon", cwd=tmp_path).returncode == 0
    loaded = run("sh", "docker-context-files/load-base-image.sh", cwd=tmp_path, env=docker_engine.env, timeout=300)
    assert loaded.returncode == 0 and tag in loaded.stdout, loaded.stderr
