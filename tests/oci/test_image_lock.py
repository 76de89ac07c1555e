"""The lock of base images: what it holds is read again, and what it must not hold is refused."""

import json

import pytest

from wheelhouse.errors import InputError
from wheelhouse.oci.image_lock import BaseImage, Blob, ImageLock, parse_image_lock
from wheelhouse.target.image import Image

MANIFEST = Blob("1" * 64, 500, "application/vnd.oci.image.manifest.v1+json")
CONFIG = Blob("2" * 64, 300, "application/vnd.oci.image.config.v1+json")
LAYER = Blob("3" * 64, 10_000, "application/vnd.oci.image.layer.v1.tar+gzip")
IMAGE = BaseImage(
    "r.corp/python:3.12",
    "https://r.corp",
    "amd64",
    MANIFEST,
    CONFIG,
    (LAYER, LAYER),
    f"sha256:{'4' * 64}",
    Image("manylinux_2_36", "3.12.4"),
    "debian 12 bookworm",
)


def test_it_is_read_as_it_was_written() -> None:
    lock = ImageLock((IMAGE,))
    assert parse_image_lock(lock.to_toml(), "lock") == lock
    assert list(lock.artifacts) == [MANIFEST.path, CONFIG.path, LAYER.path]
    assert lock.for_machine("x86_64") == IMAGE and lock.for_machine("aarch64") is None


def test_the_folder_is_an_oci_layout_and_what_docker_load_reads() -> None:
    texts = ImageLock((IMAGE,)).texts
    assert json.loads(texts["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    [entry] = json.loads(texts["index.json"])["manifests"]
    assert entry["digest"] == MANIFEST.digest and entry["platform"] == {"architecture": "amd64", "os": "linux"}
    assert json.loads(texts["manifest.json"]) == [
        {"Config": CONFIG.path, "RepoTags": ["r.corp/python:3.12"], "Layers": [LAYER.path, LAYER.path]}
    ]
    assert f"{LAYER.sha256}  {LAYER.path}\n" in texts["SHA256SUMS"] and "image.lock.toml\n" in texts["SHA256SUMS"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3" * 64, "../../etc/passwd"),
        ("3" * 64, "A" * 64),
        ("size = 500", "size = -1"),
        ('architecture = "amd64"', 'architecture = "x/../y"'),
        ('name = "r.corp/python:3.12"', 'name = "$(id)"'),
        ('libc = "manylinux_2_36"', 'libc = "manylinux; id"'),
        ('distribution = "debian 12 bookworm"', 'distribution = "a\\nb"'),
        ("version = 1", "version = 2"),
        ("layer.v1.tar+gzip", "layer.v1.tar+bzip2"),
    ],
)
def test_a_lock_that_wheelhouse_never_writes_is_refused(old: str, new: str) -> None:
    text = ImageLock((IMAGE,)).to_toml()
    assert old in text
    with pytest.raises(InputError, match="`lock` is not a lock that wheelhouse wrote"):
        parse_image_lock(text.replace(old, new), "lock")
