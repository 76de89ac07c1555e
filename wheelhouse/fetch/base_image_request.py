"""From the options to the base images in the wheelhouse, and to what they say of the job's targets."""

from dataclasses import replace
from pathlib import Path

from wheelhouse.errors import InputError
from wheelhouse.events import Listener, Noted
from wheelhouse.fetch.fetch_base_images import fetch_base_images
from wheelhouse.fetch.gather import Options, architectures
from wheelhouse.fetch.local_base_image import is_local, local_source
from wheelhouse.files.store import Store
from wheelhouse.index.http import Http
from wheelhouse.index.store_access import StoreAccess
from wheelhouse.oci.docker_config import DockerConfig
from wheelhouse.oci.image_lock import ImageLock
from wheelhouse.oci.image_source import RegistrySource
from wheelhouse.oci.reference import Mirror, Reference
from wheelhouse.oci.registry import Registry
from wheelhouse.target.image import Image


def with_base_images(
    options: Options, wheelhouse: Path, http: Http, store: Store, docker_config: Path | None, on_event: Listener
) -> tuple[Options, ImageLock]:
    """Fetch the base image that the options name into the wheelhouse's `image/`, for each architecture. Returns the options
    with the facts of the images in `held_images`, and the lock of the images.

    Raises InputError if --image is given too, or if neither the files nor the name of an image tell its C library.
    """
    if options.image:
        raise InputError(
            "--base-image and --image exclude each other", hint="leave --image out: the image itself is read"
        )
    wanted = architectures(options)
    name = options.base_image or ""
    if is_local(name):
        with local_source(name) as (local, reference):
            lock = fetch_base_images(
                str(reference), local, reference.requested, wanted, wheelhouse, on_event, upgrade=options.upgrade
            )
        return replace(options, held_images=_facts(lock, on_event)), lock
    reference = Reference.parse(name)
    mirrors = [Mirror.parse(text) for text in options.image_mirrors]
    registry = Registry(http, DockerConfig(docker_config))
    source = RegistrySource(reference, mirrors, registry, http, StoreAccess(http, store), on_event)
    lock = fetch_base_images(name, source, reference.requested, wanted, wheelhouse, on_event, upgrade=options.upgrade)
    return replace(options, held_images=_facts(lock, on_event)), lock


def _facts(lock: ImageLock, on_event: Listener) -> dict[str, Image]:
    """The facts of each image by its architecture. If the files of an image tell no C library: those that its name gives, with
    a note.
    """
    facts: dict[str, Image] = {}
    for image in lock.images:
        if image.facts is None:
            on_event(Noted(f"`{image.name}` has neither glibc nor musl; its name alone says what it is"))
        facts[image.architecture] = image.facts or Image.parse(image.name)
    return facts
