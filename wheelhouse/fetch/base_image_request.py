"""From the options to the base images in the wheelhouse, and to what they say of the job's targets."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from wheelhouse.errors import InputError
from wheelhouse.events import Listener, Noted
from wheelhouse.fetch.fetch_base_images import fetch_base_images
from wheelhouse.fetch.gather import Options, architectures
from wheelhouse.fetch.local_base_image import is_local, local_source
from wheelhouse.files.store import Store
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.index.http import Http
from wheelhouse.index.store_access import StoreAccess
from wheelhouse.oci.docker_config import DockerConfig
from wheelhouse.oci.image_lock import ImageLock
from wheelhouse.oci.image_source import ImageSource, RegistrySource
from wheelhouse.oci.reference import Mirror, Reference
from wheelhouse.oci.registry import Registry
from wheelhouse.target.image import Image
from wheelhouse.verify.verify_other_files import load_base_images


def with_base_images(
    options: Options,
    wheelhouse: Path,
    http: Http,
    store: Store,
    docker_config: Path | None,
    on_event: Listener,
    *,
    reads_only: bool = False,
) -> tuple[Options, ImageLock]:
    """Fetch the base image that the options name into the wheelhouse's `image/`, for each architecture. Returns the options
    with the facts of the images in `held_images`, and the lock of the images.

    With `reads_only` the wheelhouse stays as it is: its locked images are used, and if one of them is missing in the lock, all
    are fetched into a temporary folder.
    Raises InputError if --image is given too, for the name of an image or a mirror that is none, or if neither the files nor
    the name of an image tell its C library, and ServerError, IntegrityError as `fetch_base_images` does.
    """
    if options.image:
        raise InputError(
            "--base-image and --image exclude each other",
            hint="leave out --image: wheelhouse reads the image that --base-image names",
        )
    wanted = architectures(options)
    with _image_source(options, http, store, docker_config, on_event) as (name, source, requested):
        if not reads_only:
            lock = fetch_base_images(name, source, requested, wanted, wheelhouse, on_event, upgrade=options.upgrade)
        elif (held := _locked(name, wanted, wheelhouse)) is not None:
            lock = held
        else:
            with scratch_folder("image") as scratch:
                lock = fetch_base_images(name, source, requested, wanted, scratch, on_event)
    return replace(options, held_images=_facts(lock, on_event)), lock


@contextmanager
def _image_source(
    options: Options, http: Http, store: Store, docker_config: Path | None, on_event: Listener
) -> Iterator[tuple[str, ImageSource, str]]:
    """The name by which a lock has the base image of the options, where it comes from, and the tag or digest to ask for."""
    name = options.base_image or ""
    if is_local(name):
        with local_source(name) as (local, reference):
            yield str(reference), local, reference.requested
        return
    reference = Reference.parse(name)
    mirrors = [Mirror.parse(text) for text in options.image_mirrors]
    registry = Registry(http, DockerConfig(docker_config))
    source = RegistrySource(reference, mirrors, registry, http, StoreAccess(http, store), on_event)
    yield name, source, reference.requested


def _locked(name: str, architectures: Sequence[str], wheelhouse: Path) -> ImageLock | None:
    """The images of this name that a wheelhouse's lock has, one for each architecture; None if it lacks one."""
    images = {image.architecture: image for image in load_base_images(wheelhouse).images if image.name == name}
    if not images.keys() >= set(architectures):
        return None
    return ImageLock(tuple(images[architecture] for architecture in architectures))


def _facts(lock: ImageLock, on_event: Listener) -> dict[str, Image]:
    """The facts of each image by its architecture. If the files of an image tell no C library: those that its name gives, with
    a note. Raises InputError if the name tells none either.
    """
    facts: dict[str, Image] = {}
    for image in lock.images:
        if image.facts is None:
            on_event(
                Noted(
                    f"`{image.name}` has neither glibc nor musl, so wheelhouse takes the platform from the name of the image"
                )
            )
        facts[image.architecture] = image.facts or Image.parse(image.name)
    return facts
