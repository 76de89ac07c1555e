"""Which manifest of an index is the one for an architecture."""

import json

import pytest

from wheelhouse.oci.image_lock import OCI_INDEX, Blob
from wheelhouse.oci.image_manifest import OCI_MANIFEST, parse_manifest


@pytest.mark.parametrize(
    ("platforms", "architecture", "chosen"),
    [
        (["amd64/v3", "amd64"], "amd64", 1),
        (["amd64/v3", "amd64/v2", "amd64/v1"], "amd64", 2),
        (["amd64/v2", "amd64/v3"], "amd64", 0),
        (["arm64/v9", "arm64/v8"], "arm64", 1),
        (["arm/v6", "arm/v7"], "arm/v7", 1),
    ],
)
def test_the_image_that_every_machine_of_an_architecture_runs_is_chosen(
    platforms: list[str], architecture: str, chosen: int
) -> None:
    """Images of amd64/v3 need instructions that not every machine has; containerd's `platforms` calls v1 and v8 the baseline."""
    manifests = []
    for number, platform in enumerate(platforms):
        name, _, variant = platform.partition("/")
        described = {"os": "linux", "architecture": name} | ({"variant": variant} if variant else {})
        digest = f"sha256:{number:064x}"
        manifests.append({"mediaType": OCI_MANIFEST, "digest": digest, "size": 9, "platform": described})
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()
    assert parse_manifest(index, "", "it", architecture) == Blob(f"{chosen:064x}", 9, OCI_MANIFEST)
