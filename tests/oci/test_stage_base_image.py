"""A base image travels: through pack and unpack, into a staged folder, and into a container engine."""

import gzip
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.airflow_locks import made_lock, made_tools
from tests.support.baseimage import base_image
from tests.support.docker import DockerEngine
from tests.support.real import need_python
from tests.support.registry import (
    CONFIG,
    LAYER,
    MANIFEST,
    RegistryServer,
    TinyImage,
    descriptor,
    python_files,
    sha256,
    tiny_image,
)
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.bundle.pack import pack, unpack
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.stage.layouts import StageInputs, lay_out
from wheelhouse.stage.stage import plan_stage, stage
from wheelhouse.stage.staged_folder import verify_folder
from wheelhouse.target.image import Image
from wheelhouse.verify.verify import verify
from wheelhouse.verify.verify_other_files import load_base_images

pytest_plugins = ["tests.support.docker_fixtures"]


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A wheelhouse with a base image, and the image's name. No test changes it."""
    folder = tmp_path_factory.mktemp("carried")
    build_wheel(folder / "offered", "lib", "1.0")
    with RegistryServer(folder / "offered") as registry:
        registry.push("team/base", "12", tiny_image(python_files(), {"opt/x": b"1"}))
        name = f"{registry.host}/team/base:12"
        done = wheelhouse("fetch", "lib", "--index", registry.url, "--base-image", name, cwd=folder)
        assert done.returncode == 0, done.stderr
        yield folder / "wheels", name


def staged(house: Path, folder: Path, base: str | None = None) -> Path:
    plan = plan_stage(house, "auto", None, base, destination=folder)
    stage(house, folder, plan)
    return folder


def test_a_staged_folder_holds_it_as_a_layout_that_docker_load_reads(carried: tuple[Path, str], tmp_path: Path) -> None:
    house, name = carried
    folder = staged(house, tmp_path / "docker-context-files")
    plan = plan_stage(house, "auto", None, None)
    assert plan.load == ("sh", "docker-context-files/load-base-image.sh")
    assert f"ARG BASE_IMAGE={name}\n" in (folder / "install.Dockerfile").read_text()
    [entry] = json.loads((folder / "image/manifest.json").read_text())
    assert entry["RepoTags"] == [name]
    assert all((folder / "image" / path).is_file() for path in (entry["Config"], *entry["Layers"]))
    fake = tmp_path / "engine"
    fake.write_text('#!/bin/sh\ncat > "$(dirname "$0")/$1.tar"\n')
    fake.chmod(0o755)
    assert run("sh", folder / "load-base-image.sh", fake).returncode == 0
    with tarfile.open(tmp_path / "load.tar") as archive:
        assert {"oci-layout", "index.json", "manifest.json", entry["Config"]} <= set(archive.getnames())


def test_a_staged_folder_is_verified_with_its_image_and_staged_again_without(
    carried: tuple[Path, str], tmp_path: Path
) -> None:
    house, _ = carried
    folder = staged(house, tmp_path / "staged")
    assert not verify_folder(folder)[0].findings
    blob = folder / "image" / load_base_images(house).images[0].layers[0].path
    whole = blob.read_bytes()
    blob.write_bytes(b"x" * len(whole))
    [finding] = verify_folder(folder)[0].findings
    assert (finding.rule, finding.subject) == ("altered", f"image/{blob.relative_to(folder / 'image')}")
    blob.write_bytes(whole)
    staged(house, folder, "registry.example/python:3.12-slim-bookworm")
    assert not (folder / "image").exists() and not verify_folder(folder)[0].findings


def test_files_for_another_python_or_an_older_libc_are_refused(carried: tuple[Path, str], tmp_path: Path) -> None:
    house, _ = carried
    image = load_base_images(house).for_machine("x86_64")
    assert image and image.facts
    for facts in (Image("manylinux_2_31", "3.12.4"), Image("manylinux_2_36", "3.11.2")):
        inputs = StageInputs(lock=made_lock("2.10.5"), image=replace(image, facts=facts))
        with pytest.raises(InputError, match=r"do not install into|are not for the Python of"):
            lay_out("flat", inputs)


def test_the_script_of_an_airflow_build_loads_it_first(carried: tuple[Path, str]) -> None:
    image = load_base_images(carried[0]).for_machine("x86_64")
    plan = lay_out("airflow", StageInputs(lock=made_lock("2.10.5"), tools=made_tools("2.10.5"), image=image))
    script = plan.texts["build-image.sh"]
    assert script.index("sh docker-context-files/load-base-image.sh") < script.index("docker build")
    assert f"FROM {carried[1]}\n" in plan.texts["base.Dockerfile"]


def test_a_bundle_and_a_difference_carry_it(carried: tuple[Path, str], tmp_path: Path) -> None:
    house, _ = carried
    bundle = tmp_path / "all.whb"
    packed = pack(house, bundle, None, None, None)
    assert f"image/{load_base_images(house).images[0].manifest.path}" in packed.manifest.result
    there = tmp_path / "there"
    unpack(bundle, there, ())
    assert not verify(there).findings
    nothing = pack(house, tmp_path / "none.whb", bundle, None, None)
    assert not nothing.manifest.carried


def test_a_bundle_with_a_blob_that_its_lock_does_not_name_is_refused(carried: tuple[Path, str], tmp_path: Path) -> None:
    from wheelhouse.bundle.bundle import difference
    from wheelhouse.bundle.lock_files import is_lock_path, is_possible_path, must_follow_from_locks
    from wheelhouse.bundle.pack import wheelhouse_files

    house, _ = carried
    files = wheelhouse_files(house)
    locks = {path: (house / path).read_bytes() for path in files if is_lock_path(path)}
    assert "image/image.lock.toml" in locks and is_possible_path(f"image/blobs/sha256/{'a' * 64}")
    must_follow_from_locks(difference(files, None), locks, "bundle")
    for path, what in (
        (f"image/blobs/sha256/{'a' * 64}", "no lock file in the bundle lists"),
        ("image/x", "no lock file in the bundle lists"),
    ):
        with pytest.raises(IntegrityError, match=what):
            must_follow_from_locks(difference({**files, path: ("b" * 64, 1)}, None), locks, "bundle")
    wrong = {**files, "image/manifest.json": ("b" * 64, 1)}
    with pytest.raises(IntegrityError, match="differs from the file that its lock file lists"):
        must_follow_from_locks(difference(wrong, None), locks, "bundle")


def test_the_bill_of_materials_has_the_image(carried: tuple[Path, str], tmp_path: Path) -> None:
    pytest.importorskip("cyclonedx")
    house, name = carried
    done = wheelhouse("vet", house, "--sbom", "bom.json", "--quiet", cwd=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    image = load_base_images(house).images[0]
    document = json.loads((tmp_path / "bom.json").read_text())
    [component] = [one for one in document["components"] if one["type"] == "container"]
    assert component["name"] == name.rpartition(":")[0] and component["version"] == image.manifest.digest
    assert component["purl"].startswith(f"pkg:oci/base@sha256:{image.manifest.sha256}?arch=amd64&repository_url=")
    [root] = [one for one in document["dependencies"] if "image/amd64" in one.get("dependsOn", [])]
    assert root["ref"] == document["metadata"]["component"]["bom-ref"]


def test_sealed_writes_nothing_where_the_base_image_would_be_asked_for(
    carried: tuple[Path, str], tmp_path: Path
) -> None:
    house, _ = carried
    done = wheelhouse("stage", house, "--sealed", "--dest", "in", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    asking = wheelhouse(
        "stage", house, "--sealed", "--base-image", "python:3.12-slim-bookworm", "--dest", "out", cwd=tmp_path
    )
    assert asking.returncode == 1 and not (tmp_path / "out").exists()
    assert "still needs a network: the base image `python:3.12-slim-bookworm`" in asking.stderr


# --- a real engine


def pushed_base(engine: DockerEngine, registry: RegistryServer, repository: str) -> None:
    """Put the tests' own base image with Python 3.12 into the registry."""
    base_image(engine, need_python("3.12").parents[1], "wheelhouse-test-base:3.12")
    [archive] = engine.cache.glob("base-python3.12-*.tar")
    plain = archive.read_bytes()
    packed = gzip.compress(plain, 1, mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [sha256(plain)]},
        }
    ).encode()
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(LAYER, packed)],
    }
    registry.push(
        repository, "3.12", TinyImage(json.dumps(document).encode(), {sha256(raw): raw for raw in (config, packed)})
    )


@pytest.mark.docker
def test_the_printed_commands_load_it_and_build_on_it_with_no_network(
    docker_engine: DockerEngine, tmp_path: Path
) -> None:
    build_wheel(tmp_path / "offered", "lib", "1.0")
    with RegistryServer(tmp_path / "offered") as registry:
        pushed_base(docker_engine, registry, "team/python")
        name = f"{registry.host}/team/python:3.12"
        done = wheelhouse("fetch", "lib", "--index", registry.url, "--base-image", name, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    staging = wheelhouse("stage", cwd=tmp_path)
    assert staging.returncode == 0, staging.stderr
    commands = (
        staging.stdout[staging.stdout.index("\n\n") :]
        .replace("\nthen:\n", "\n")
        .replace("my-image", "wheelhouse-test-carried")
    )
    ran = run("sh", "-euc", commands, cwd=tmp_path, env=docker_engine.env, timeout=600)
    assert ran.returncode == 0, ran.stderr[-6000:]
    held = docker_engine.docker("image", "inspect", "--format={{.Id}}", name).stdout.strip()
    assert held == load_base_images(tmp_path / "wheels").images[0].config.digest, (
        "Docker's own id is the configuration's digest"
    )
    assert (
        docker_engine.run("wheelhouse-test-carried", "python", "-c", "import lib; print(lib.__version__)").stdout
        == "1.0\n"
    )
    docker_engine.docker("image", "rm", "--force", "wheelhouse-test-carried", name)
