"""Base images of this machine: `oci:`, `oci-archive:`, `docker-archive:` and `docker-daemon:`."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from wheelhouse.errors import InputError, MachineError
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.humanize import plain
from wheelhouse.oci.image_archive import unpack_docker_archive, unpack_oci_archive
from wheelhouse.oci.image_source import ArchiveSource, ImageSource, LayoutSource
from wheelhouse.oci.reference import Reference

OCI_ARCHIVE, DOCKER_ARCHIVE, DOCKER_DAEMON = "oci-archive:", "docker-archive:", "docker-daemon:"
PREFIXES = (LayoutSource.PREFIX, OCI_ARCHIVE, DOCKER_ARCHIVE, DOCKER_DAEMON)
SAVE_SECONDS = 3600


def is_local(name: str) -> bool:
    """Whether a name has the prefix of an image on this machine, so that no registry is asked."""
    return name.startswith(PREFIXES)


@contextmanager
def local_source(text: str) -> Iterator[tuple[ImageSource, Reference]]:
    """The image that a text such as `docker-archive:FILE:NAME` names, and its name; unpacked files are removed when the block
    ends.

    The text must have one of PREFIXES. Raises InputError for one that names no image, such as `oci-archive:FILE`. An
    archive is unpacked, and the Docker engine asked (MachineError), when the image is looked up; a Docker archive without
    NAME at once.
    """
    if text.startswith(LayoutSource.PREFIX):
        yield LayoutSource.parse(text)
        return
    with scratch_folder("image") as scratch:
        layout = scratch / "layout"
        if text.startswith(DOCKER_DAEMON):
            reference = Reference.parse(text.removeprefix(DOCKER_DAEMON))
            origin = "the Docker engine"
            unpack: Callable[[Path], object] = partial(_save_and_unpack, reference, scratch / "saved.tar")
        elif text.startswith(OCI_ARCHIVE):
            path, named = _split(text, OCI_ARCHIVE)
            if named is None:
                raise InputError(f"`{text}` names no image", hint="write oci-archive:FILE:NAME")
            reference, origin = named, "an OCI archive"
            unpack = partial(unpack_oci_archive, path)
        else:
            path, named = _split(text, DOCKER_ARCHIVE)
            reference = named or unpack_docker_archive(path, layout, None)
            origin = "a Docker archive"
            unpack = partial(unpack_docker_archive, path, wanted=reference)
        yield ArchiveSource(origin, layout, reference, unpack), reference


def _split(text: str, prefix: str) -> tuple[Path, Reference | None]:
    """File and name of `PREFIX:FILE[:NAME]`; None for the name if the text has none. The first colon after the prefix ends
    FILE. Raises InputError for an empty or invalid one.
    """
    file, colon, name = text.removeprefix(prefix).partition(":")
    if not file or (colon and not name):
        raise InputError(f"`{text}` names no image", hint=f"write {prefix}FILE:NAME")
    return Path(file), Reference.parse(name) if name else None


def _save_and_unpack(reference: Reference, archive: Path, folder: Path) -> None:
    """Let the Docker engine save an image to `archive`, and unpack it into `folder`. Raises MachineError if the engine fails."""
    docker = shutil.which("docker")
    if docker is None:
        raise MachineError(
            "there is no `docker` on PATH to save the image", hint="use docker-archive:FILE, or a registry"
        )
    command = [docker, "save", "--output", str(archive), str(reference)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SAVE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"`docker save` failed: {error}") from error
    if done.returncode:
        reason = plain(done.stderr.strip()) or f"exit code {done.returncode}"
        raise MachineError(
            f"`docker save {reference}` failed: {reason}",
            hint=f"pull the image (`docker pull {reference}`), or name another image",
        )
    unpack_docker_archive(archive, folder, reference)
