"""Images in one file, as `docker save`, `podman save` and skopeo write them, unpacked into an OCI layout.

Sources: the OCI image specification 1.1, "Image Layout"; moby's image specification 1.2, whose `manifest.json` names an image's
configuration and layers. Of an archive only the members that these name are written, under names that follow from their hash.
"""

import hashlib
import json
import posixpath
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from wheelhouse.archive.compressed import compression_by_content, decompressed
from wheelhouse.archive.tar import HARD_LINK, TarReader
from wheelhouse.documents import DocumentType
from wheelhouse.errors import InputError, IntegrityError, RefusedError
from wheelhouse.files.disk import kind_of, os_errors_as_machine_error
from wheelhouse.humanize import listed
from wheelhouse.lock.wheelhouse import sha256_of_bytes
from wheelhouse.oci.image_lock import BLOBS, DOCKER_MANIFEST, INDEX
from wheelhouse.oci.image_manifest import CONFIGS, MAX_CONFIG_BYTES, MAX_IMAGE_BYTES, MAX_LAYERS, MAX_MANIFEST_BYTES
from wheelhouse.oci.image_manifest import DOCKER_MANIFEST as DOCKER_MANIFEST_TYPE
from wheelhouse.oci.reference import Reference

BLOB = re.compile(rf"{BLOBS}/[0-9a-f]{{64}}")
CHUNK = 1 << 20
ZSTD = b"\x28\xb5\x2f\xfd"
"""How a file in zstd begins (RFC 8878, 3.1.1)."""
MAX_IMAGES = 1000
MAX_NAMED = 10
LAYER_TYPES = {
    None: "application/vnd.docker.image.rootfs.diff.tar",
    "gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
"""How a layer is compressed → its media type. Engines write no other."""


class _Saved(msgspec.Struct):
    Config: str
    Layers: list[str]
    RepoTags: list[str] | None = None


_SAVED = DocumentType(list[_Saved])


@dataclass(slots=True)
class _Unpacked:
    """What was written of an archive: member → sha256 and size, link → member, and the small files that describe images."""

    hashes: dict[str, tuple[str, int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)

    def blob(self, name: str) -> tuple[str, int]:
        """The sha256 and size of a member that was written, by its path, which is normalised first; a link is followed once.

        Raises KeyError if none was written.
        """
        name = posixpath.normpath(name)
        return self.hashes[self.links.get(name, name)]


def unpack_oci_archive(archive: Path, folder: Path) -> None:
    """Write the blobs and index.json of an OCI archive, a tar of an OCI layout, into a folder.

    Nothing is compared: a blob is named by its true sha256, and blobs that index.json names may be missing.
    Raises InputError if there is no file or no index.json, IntegrityError if it cannot be read, and MachineError.
    """
    unpacked = _unpack(archive, folder, lambda name: BLOB.fullmatch(name) is not None)
    if INDEX not in unpacked.texts:
        hint = "if the file comes from `docker save`, write docker-archive:FILE"
        raise InputError(f"`{archive}` is not an OCI archive: it has no {INDEX}", hint=hint)
    (folder / INDEX).write_bytes(unpacked.texts[INDEX])


def unpack_docker_archive(archive: Path, folder: Path, wanted: Reference | None) -> Reference:
    """Unpack an image of a Docker archive into a folder, as an OCI layout with a new manifest; return the image's name.

    With `wanted`, it is the first image of that name, or the only image whatever its name, and gets that name. Without it,
    the archive must hold exactly one name. Blobs of other images are written too. Only the first MAX_IMAGES images
    count. Raises InputError, IntegrityError and MachineError.
    """
    unpacked = _unpack(archive, folder, lambda name: name.endswith((".json", ".tar")) or bool(BLOB.fullmatch(name)))
    if DOCKER_MANIFEST not in unpacked.texts:
        hint = "if the file is a tar of an OCI layout, write oci-archive:FILE"
        raise InputError(f"`{archive}` is not a Docker archive: it has no {DOCKER_MANIFEST}", hint=hint)
    try:
        images = _SAVED.from_json(unpacked.texts[DOCKER_MANIFEST])
    except ValueError as error:
        raise IntegrityError(f"`{archive}` is not a Docker archive: {error}") from error
    saved, reference = _chosen(images[:MAX_IMAGES], archive, wanted)
    manifest = json.dumps(_manifest(saved, unpacked, folder, archive)).encode()
    descriptor = {"mediaType": DOCKER_MANIFEST_TYPE, "digest": _digest(manifest), "size": len(manifest)}
    (folder / BLOBS / sha256_of_bytes(manifest)).write_bytes(manifest)
    (folder / INDEX).write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}), encoding="utf-8")
    return reference


def _chosen(images: list[_Saved], archive: Path, wanted: Reference | None) -> tuple[_Saved, Reference]:
    """An image, and the name to use: the first image named `wanted`, or the only image, whatever its name, both with the name `wanted`;
    without `wanted`, the image of the only name, with that name.

    Raises InputError with up to MAX_NAMED names if there is none, and for any name of the archive that cannot be parsed.
    """
    tags = [(saved, Reference.parse(tag)) for saved in images for tag in saved.RepoTags or ()]
    if wanted is not None:
        named = [saved for saved, tag in tags if _is_same(tag, wanted)] or (images if len(images) == 1 else [])
        if named:
            return named[0], wanted
    elif len(tags) == 1:
        return tags[0]
    names = listed([str(tag) for _, tag in tags], MAX_NAMED) or "none"
    what = f"no image `{wanted}`" if wanted else "several image names" if tags else "no image name"
    raise InputError(f"`{archive}` has {what}; the names of its images: {names}", hint="write docker-archive:FILE:NAME")


def _is_same(one: Reference, other: Reference) -> bool:
    """Whether two names have the same registry, repository and tag: `python:3.12` is `docker.io/library/python:3.12`.

    Without a tag it is `latest`, or `sha256-…` if there is a digest; with a tag, digests do not count.
    """
    return (one.registry, one.repository, one.tagged.rpartition(":")[2]) == (
        *(other.registry, other.repository),
        other.tagged.rpartition(":")[2],
    )


def _manifest(saved: _Saved, unpacked: _Unpacked, folder: Path, archive: Path) -> dict[str, object]:
    """A manifest made for a saved image, for JSON. An archive has none, so its digest is not that of a registry.

    Raises IntegrityError for more than MAX_LAYERS layers, missing members, a configuration above MAX_CONFIG_BYTES, and layers of
    another compression than LAYER_TYPES.
    """
    if len(saved.Layers) > MAX_LAYERS:
        raise IntegrityError(f"the image in `{archive}` has {len(saved.Layers)} layers, more than {MAX_LAYERS}")
    try:
        config, layers = unpacked.blob(saved.Config), [unpacked.blob(name) for name in saved.Layers]
    except KeyError as error:
        raise IntegrityError(f"`{archive}` lacks {error}, which its {DOCKER_MANIFEST} lists") from error
    if config[1] > MAX_CONFIG_BYTES:
        raise IntegrityError(f"the configuration in `{archive}` has {config[1]} bytes, more than {MAX_CONFIG_BYTES}")
    types = [_layer_type(folder / BLOBS / sha256) for sha256, _ in layers]
    if None in types:
        raise IntegrityError(f"`{archive}` has a layer that is neither a tar file nor a tar file in gzip")
    return {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST_TYPE,
        "config": _descriptor(CONFIGS[1], *config),
        "layers": [_descriptor(kind or "", *layer) for kind, layer in zip(types, layers, strict=True)],
    }


def _layer_type(path: Path) -> str | None:
    """The media type of a layer: of a tar, also of one in gzip; None for another compression."""
    with path.open("rb") as file:
        is_zstd = file.read(len(ZSTD)) == ZSTD
    return None if is_zstd else LAYER_TYPES.get(compression_by_content(path))


def _descriptor(media_type: str, sha256: str, size: int) -> dict[str, object]:
    """A blob as a manifest names it, for JSON."""
    return {"mediaType": media_type, "digest": f"sha256:{sha256}", "size": size}


def _digest(raw: bytes) -> str:
    """The digest of these bytes: `sha256:…`."""
    return f"sha256:{sha256_of_bytes(raw)}"


def _unpack(archive: Path, folder: Path, is_blob: Callable[[str], bool]) -> _Unpacked:
    """Write the members whose names `is_blob` accepts into `folder`/BLOBS, each under its true sha256, whatever its name.

    INDEX and DOCKER_MANIFEST are kept as texts instead, cut after MAX_MANIFEST_BYTES.
    Raises InputError if there is no such file, IntegrityError if it cannot be unpacked or holds more than MAX_IMAGE_BYTES,
    MachineError if the disk fails or this Python lacks the module for its compression.
    """
    if kind_of(archive) != "file":
        raise InputError(f"there is no file `{archive}`", hint="name the archive that contains the image")
    unpacked = _Unpacked()
    with os_errors_as_machine_error(folder):
        (folder / BLOBS).mkdir(parents=True, exist_ok=True)
        try:
            for reader, name in _members(archive, unpacked):
                if name in (INDEX, DOCKER_MANIFEST):
                    unpacked.texts[name] = reader.read(MAX_MANIFEST_BYTES)
                elif is_blob(name):
                    left = MAX_IMAGE_BYTES - sum(size for _, size in unpacked.hashes.values())
                    unpacked.hashes[name] = _write(reader, folder / BLOBS, left)
        except (tarfile.TarError, EOFError, RefusedError) as error:
            raise IntegrityError(f"`{archive}` cannot be read: {error}", hint="save the image again") from error
    return unpacked


def _members(archive: Path, unpacked: _Unpacked) -> Iterator[tuple[TarReader, str]]:
    """(reader of its content, normalised name) of each regular file of an archive; links are added to `unpacked`."""
    with decompressed(archive, compression_by_content(archive)) as stream:
        reader = TarReader(stream)
        for member in reader:
            name = posixpath.normpath(member.name)
            if member.target:
                place = "" if member.type == HARD_LINK else posixpath.dirname(name)
                unpacked.links[name] = posixpath.normpath(posixpath.join(place, member.target))
            elif member.is_file:
                yield reader, name


def _write(reader: TarReader, folder: Path, limit: int) -> tuple[str, int]:
    """Write the current member into a folder under its sha256; (sha256, size). Raises ReadError for more bytes than the limit."""
    digest, size = hashlib.sha256(), 0
    path = folder / "unpacking"
    with path.open("wb") as file:
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            size += file.write(chunk)
            if size > limit:
                raise tarfile.ReadError(f"it unpacks to more than {MAX_IMAGE_BYTES} bytes")
    path.rename(folder / digest.hexdigest())
    return digest.hexdigest(), size
