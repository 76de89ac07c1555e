"""The base images of a wheelhouse, and their lock file: an OCI image layout that `docker load` reads too (pure).

Sources: the OCI image specification 1.1 ("Image Layout", "Image Index"); moby's `docker load`, which reads `manifest.json`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import tomli_w

from wheelhouse.archive.artifact import Artifact
from wheelhouse.documents import DocumentType, parse_toml
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.lock.lock_tables import Sha256, Size, Table
from wheelhouse.lock.wheelhouse import SUMS, sha256_of_text, sums
from wheelhouse.oci.reference import Reference
from wheelhouse.target.image import Image
from wheelhouse.target.platform import ARCHITECTURES

FOLDER, LOCK, VERSION = "image", "image.lock.toml", 1
LAYOUT, INDEX, DOCKER_MANIFEST = "oci-layout", "index.json", "manifest.json"
BLOBS = "blobs/sha256"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar"
COMPRESSIONS = {
    PLAIN_LAYER: None,
    f"{PLAIN_LAYER}+gzip": "gzip",
    f"{PLAIN_LAYER}+zstd": "compression.zstd",
    "application/vnd.docker.image.rootfs.diff.tar": None,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "gzip",
}
"""Media types of layers → the module that decompresses them; None for a plain tar."""
REF_NAME, IMAGE_NAME = "org.opencontainers.image.ref.name", "io.containerd.image.name"
"""Annotations with the tag, and with the whole name, by which engines and tools find an image in a layout."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A file of an image: its sha256, its size in bytes, its media type."""

    sha256: str
    size: int
    media_type: str

    @property
    def digest(self) -> str:
        """The digest as registries write it: `sha256:…`."""
        return f"sha256:{self.sha256}"

    @property
    def filename(self) -> str:
        """The name of its file: the sha256."""
        return self.sha256

    @property
    def path(self) -> str:
        """Its path in a layout: `blobs/sha256/…`."""
        return f"{BLOBS}/{self.sha256}"


@dataclass(frozen=True, slots=True)
class BaseImage:
    """One image for one architecture, such as `amd64` or `arm/v7`. `name` is the user's, `source` the place that it came from.

    `index` is the digest of the image index that led to it; None if there was none. `facts` are its C library and Python,
    read from its files; None if it has no known C library. `distribution` is such as `debian 12 bookworm`.
    """

    name: str
    source: str
    architecture: str
    manifest: Blob
    config: Blob
    layers: tuple[Blob, ...]
    index: str | None = None
    facts: Image | None = None
    distribution: str = ""

    @property
    def reference(self) -> Reference:
        """Its name, parsed."""
        return Reference.parse(self.name)

    @property
    def tag(self) -> str:
        """The name with a tag by which an engine knows it once it is loaded: `Reference.tagged`."""
        return self.reference.tagged

    @property
    def machine(self) -> str:
        """The architecture as Linux names it: `x86_64` for `amd64`."""
        return ARCHITECTURES[self.architecture]

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """Manifest, configuration and layers. A layer can occur more than once."""
        return (self.manifest, self.config, *self.layers)


@dataclass(frozen=True, slots=True)
class ImageLock:
    """The base images of a wheelhouse, one for each architecture."""

    images: tuple[BaseImage, ...] = ()

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """Each blob of all images, without an address, by its path in the folder `image`; shared ones once."""
        blobs = (blob for image in self.images for blob in image.blobs)
        return {blob.path: Artifact(blob.sha256, blob.sha256, blob.size) for blob in blobs}

    @property
    def texts(self) -> dict[str, str]:
        """The texts of the folder's other files, by name: SHA256SUMS of all the rest, the lock file and `layout_texts`.

        Empty if there are no images.
        """
        if not self.images:
            return {}
        texts = {**layout_texts(self.images), LOCK: self.to_toml()}
        hashes = {path: artifact.sha256 for path, artifact in self.artifacts.items()}
        hashes |= {name: sha256_of_text(text) for name, text in texts.items()}
        return {SUMS: sums(hashes), **texts}

    def for_machine(self, machine: str) -> BaseImage | None:
        """The image for an architecture, named as Linux does (`x86_64`); None if there is none."""
        return next((image for image in self.images if image.machine == machine), None)

    def to_toml(self) -> str:
        """The text of the lock file."""
        return tomli_w.dumps({"version": VERSION, "images": [_table(image) for image in self.images]})


def layout_texts(images: Iterable[BaseImage]) -> dict[str, str]:
    """Name → text of LAYOUT, INDEX and DOCKER_MANIFEST, which make a folder of blobs an OCI layout; as a tar, `docker load` reads it."""
    images = tuple(images)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_descriptor(image) for image in images]}
    loaded = [
        {"Config": image.config.path, "RepoTags": [image.tag], "Layers": [layer.path for layer in image.layers]}
        for image in images
    ]
    return {LAYOUT: '{"imageLayoutVersion":"1.0.0"}\n', INDEX: _json(index), DOCKER_MANIFEST: _json(loaded)}


def _json(document: object) -> str:
    """A document as JSON, indented by one space, with a line end."""
    return json.dumps(document, indent=1) + "\n"


def _descriptor(image: BaseImage) -> dict[str, Any]:
    """The entry of an image in the layout's index, with its platform, and its tag and tagged name as annotations."""
    architecture, _, variant = image.architecture.partition("/")
    platform = {"architecture": architecture, "os": "linux", **({"variant": variant} if variant else {})}
    return {
        "mediaType": image.manifest.media_type,
        "digest": image.manifest.digest,
        "size": image.manifest.size,
        "platform": platform,
        "annotations": {REF_NAME: image.tag.rpartition(":")[2], IMAGE_NAME: image.tag},
    }


def _table(image: BaseImage) -> dict[str, Any]:
    """An image as a table of the lock file, without what is None or an empty text."""
    facts = {"libc": image.facts.libc, "python": image.facts.python} if image.facts else {}
    table = {
        "name": image.name,
        "source": image.source,
        "architecture": image.architecture,
        "index": image.index,
        "distribution": image.distribution,
        **facts,
        "manifest": _blob_table(image.manifest),
        "config": _blob_table(image.config),
        "layers": [_blob_table(layer) for layer in image.layers],
    }
    return {key: value for key, value in table.items() if value not in (None, "")}


def _blob_table(blob: Blob) -> dict[str, Any]:
    """A blob as a table of the lock file."""
    return {"sha256": blob.sha256, "size": blob.size, "media-type": blob.media_type}


class _BlobTable(Table, frozen=True):
    sha256: Sha256
    size: Size
    media_type: Annotated[str, msgspec.Meta(pattern=r"\A[\w.+/-]{1,200}\Z")]

    def blob(self) -> Blob:
        """The table as a Blob."""
        return Blob(self.sha256, self.size, self.media_type)


class _ImageTable(Table, frozen=True):
    name: str
    source: str
    architecture: str
    manifest: _BlobTable
    config: _BlobTable
    layers: tuple[_BlobTable, ...]
    index: Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")] | None = None
    distribution: Annotated[str, msgspec.Meta(pattern=r"\A[\w. -]{0,100}\Z")] = ""
    libc: Annotated[str, msgspec.Meta(pattern=r"\A(many|musl)linux_\d{1,2}_\d{1,2}\Z")] | None = None
    python: Annotated[str, msgspec.Meta(pattern=r"\A3\.\d{1,2}(\.\d{1,2}\w{0,6})?\Z")] | None = None


class _LockTable(Table, frozen=True):
    version: int
    images: tuple[_ImageTable, ...] = ()


_LOCK_TABLE = DocumentType(_LockTable)


def parse_image_lock(text: str, source: str) -> ImageLock:
    """Read the text of a lock of base images.

    Raises InputError, naming `source`, for any other text, another version, and two images of one architecture.
    """
    try:
        table = _LOCK_TABLE.from_table(parse_toml(text), "")
        if table.version != VERSION:
            raise ValueError(f"version {table.version} is unknown")
        lock = ImageLock(tuple(map(_image, table.images)))
        if len({image.architecture for image in lock.images}) < len(lock.images):
            raise ValueError("it has two images for one architecture")
    except (InputError, IntegrityError, ValueError) as error:
        raise InputError(f"`{source}` is not a lock that wheelhouse wrote: {error}", hint="fetch again") from error
    return lock


def _image(table: _ImageTable) -> BaseImage:
    """An image of a parsed table; without a libc, its Python does not count.

    Raises ValueError for an unknown architecture or media type of a layer, InputError for a bad name.
    """
    if table.architecture not in ARCHITECTURES:
        raise ValueError(f"`{table.architecture}` is not an architecture")
    if unknown := next((layer.media_type for layer in table.layers if layer.media_type not in COMPRESSIONS), None):
        raise ValueError(f"`{unknown}` is not the media type of a layer")
    Reference.parse(table.name)
    return BaseImage(
        table.name,
        table.source,
        table.architecture,
        table.manifest.blob(),
        table.config.blob(),
        tuple(layer.blob() for layer in table.layers),
        table.index,
        Image(table.libc, table.python) if table.libc else None,
        table.distribution,
    )
