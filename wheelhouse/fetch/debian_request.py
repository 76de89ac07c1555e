"""From the options to the job of the Debian packages: lists, base, sources, keys."""

from datetime import UTC, datetime
from pathlib import Path

from wheelhouse.debian.base_system import BaseSystem, is_base_path
from wheelhouse.debian.debian_job import HOST_KEYRINGS, DebianJob, debian_job
from wheelhouse.debian.debian_lock import DEFAULT_LIST
from wheelhouse.debian.read_base import base_in_image, read_base, read_base_files
from wheelhouse.errors import InputError
from wheelhouse.fetch.fetch_base_images import layers_of
from wheelhouse.fetch.gather import Options
from wheelhouse.files.disk import read_bytes
from wheelhouse.oci.root_files import read_root_files
from wheelhouse.verify.verify_other_files import load_base_images

HOST = Path("/")


def requested_debian(options: Options, wheelhouse: Path) -> DebianJob:
    """The Debian job that the options describe. Raises InputError for what cannot be read, and if there is no base.

    Raises also InputError as `debian_job` does; for layers of a base image IntegrityError and MachineError as
    `read_root_files` does.

    The base is in the folder of `--deb-base`, else in the only base image that the wheelhouse holds. The keyrings of this host
    are in the job too.
    """
    lists = dict(options.deb_lists) | ({DEFAULT_LIST: options.debs} if options.debs else {})
    base = read_base(Path(options.deb_base)) if options.deb_base else _base_of_image(wheelhouse)
    keyrings = tuple(read_bytes(Path(path), "the keyring") for path in options.deb_keyrings)
    host_keyrings = read_base_files(HOST, HOST_KEYRINGS)
    date = _date(options.deb_date) if options.deb_date else None
    return debian_job(lists, base, options.deb_sources, keyrings, host_keyrings, date)


def _base_of_image(wheelhouse: Path) -> BaseSystem:
    """The base in the only base image of a wheelhouse. Raises InputError if there is no image, or several.

    Raises also InputError as `base_system` does, IntegrityError and MachineError as `read_root_files` does.
    """
    images = load_base_images(wheelhouse).images
    if not images:
        raise InputError(
            "the Debian packages need a base system, but no base system was named",
            hint="name a base system: --base-image NAME, or --deb-base / for this host",
        )
    if len(images) > 1:
        names = ", ".join(image.architecture for image in images)
        raise InputError(
            f"the base image has several architectures ({names}), but Debian packages are locked for one architecture",
            hint="make a wheelhouse for each architecture: --platform linux/amd64 --dest wheels-amd64",
        )
    layers = layers_of(images[0], wheelhouse)
    return base_in_image(read_root_files(layers, is_base_path), f"the base image `{images[0].name}`")


def _date(text: str) -> datetime:
    """The time of an ISO 8601 text; without a time zone it is in UTC. Raises InputError."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"`{text}` is not a time", hint="write it as 2025-05-20, or as 20250520T000000Z") from error
    return date if date.tzinfo else date.replace(tzinfo=UTC)
