"""The base image in a staged folder: an OCI layout that, as a tar, every container engine loads (pure).

moby's `docker load` reads `manifest.json` and takes compressed layers; `podman load` and skopeo (`oci:`) read the layout.
"""

from dataclasses import replace

from wheelhouse.oci.image_lock import BLOBS, DOCKER_MANIFEST, FOLDER, INDEX, LAYOUT, BaseImage, ImageLock
from wheelhouse.stage.base_image import must_be_installable
from wheelhouse.stage.destination import Destination
from wheelhouse.stage.plan import Plan
from wheelhouse.target.target import Target

SCRIPT = "load-base-image.sh"


def load_command(destination: Destination) -> tuple[str, ...]:
    """The command that runs the staged script `load-base-image.sh`: it gives the image to the container engine."""
    return ("sh", destination.path(SCRIPT))


def with_carried_image(plan: Plan, image: BaseImage, target: Target, destination: Destination) -> Plan:
    """The plan with the base image in `image/`, the script that loads it, and the command in `load`.

    Raises InputError if the C library of the image, or its Python, is known and does not suit the target.
    """
    if image.facts:
        must_be_installable(image.facts, image.name, target)
    lock = ImageLock((image,))
    files = {f"{FOLDER}/{path}": artifact for path, artifact in lock.artifacts.items()}
    texts = {f"{FOLDER}/{name}": text for name, text in lock.texts.items()} | {SCRIPT: _script(image)}
    return replace(plan, files={**plan.files, **files}, texts={**plan.texts, **texts}, load=load_command(destination))


def _script(image: BaseImage) -> str:
    """The text of the script that loads the image into docker, or into the engine that is its first argument."""
    members = f"{LAYOUT} {INDEX} {DOCKER_MANIFEST} {BLOBS.partition('/')[0]}"
    return f"""#!/bin/sh
# Gives the container engine the base image {image.tag}, {image.manifest.digest}.
# Usage: load-base-image.sh [docker|podman]
set -eu
tar -C "$(dirname "$0")/{FOLDER}" -cf - {members} | "${{1:-docker}}" load
"""
