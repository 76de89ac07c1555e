"""Image indexes, manifests and configurations of any origin, read into checked values (pure).

Sources: the OCI image specification 1.1; Docker's manifest version 2, schema 2. What the two allow and no base image needs is
refused: foreign layers, layers from other addresses, an index in an index, and digests other than sha256.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from wheelhouse.documents import DocumentType
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.humanize import listed
from wheelhouse.oci.image_lock import COMPRESSIONS, OCI_INDEX, REF_NAME, Blob
from wheelhouse.target.platform import ARCHITECTURES

MAX_MANIFEST_BYTES = 4 << 20
"""What registries must accept at least (distribution specification, "Pushing Manifests")."""
MAX_CONFIG_BYTES = 8 << 20
MAX_LAYERS = 500
"""Docker's own limit is 127."""
MAX_IMAGE_BYTES = 32 << 30
"""Of all layers of an image together, and again when they are unpacked; CUDA's development images unpack to 10 to 20 GB."""
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES, MANIFESTS = (OCI_INDEX, DOCKER_INDEX), (OCI_MANIFEST, DOCKER_MANIFEST)
ACCEPTED = (*INDEXES, *MANIFESTS)
CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
BASELINE_VARIANTS = ("", "v1", "v8")
"""The variants of amd64 and arm64 that every such machine runs, as containerd has them."""
MAX_NAMED = 10
NOT_THIS_IMAGE = "use another image, or build this image again"

Digest = Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]


class _Platform(msgspec.Struct):
    architecture: str = ""
    os: str = ""
    variant: str = ""


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: Digest
    size: Size
    media_type: str = ""
    urls: list[str] = []
    annotations: dict[str, str] = {}
    platform: _Platform | None = None


class _Document(msgspec.Struct, rename="camel"):
    schema_version: int
    media_type: str = ""
    manifests: list[_Descriptor] | None = None
    config: _Descriptor | None = None
    layers: list[_Descriptor] | None = None


class _RootFs(msgspec.Struct):
    diff_ids: list[Digest]


class _Settings(msgspec.Struct):
    Env: list[str] | None = None
    User: str = ""


class _Config(msgspec.Struct):
    architecture: str
    os: str
    rootfs: _RootFs
    variant: str = ""
    config: _Settings | None = None


_DOCUMENT, _CONFIG = DocumentType(_Document), DocumentType(_Config)


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image's configuration and layers, lowest layer first; `media_type` is the manifest's own."""

    media_type: str
    config: Blob
    layers: tuple[Blob, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """What an image's configuration says: architecture (as `ARCHITECTURES` names it), digests of the plain layers, environment.

    `user` is who its commands run as; empty for root.
    """

    architecture: str
    diff_ids: tuple[str, ...]
    environment: dict[str, str]
    user: str = ""


def parse_manifest(raw: bytes, media_type: str, name: str, architecture: str) -> Manifest | Blob:
    """The manifest in `raw`; of an index the Blob of its manifest for an architecture, which is not read. `name` is for errors.

    `media_type` counts only if `raw` names none and it is in ACCEPTED; without either, the content decides. A manifest is
    not compared with `architecture`. Raises InputError if an index has no image for the architecture, IntegrityError for
    what is no manifest of an image.
    """
    document = _document(raw, name)
    kind = document.media_type or (media_type if media_type in ACCEPTED else "")
    if document.manifests is not None and (document.layers is not None or document.config is not None):
        raise _wrong(name, "it is an index and a manifest at once")
    if document.manifests is not None and kind in ("", *INDEXES):
        return _chosen(document.manifests, name, architecture)
    if document.layers is None or document.config is None or kind not in ("", *MANIFESTS):
        raise _wrong(name, f"its media type {kind!r} does not fit its content")
    kind = kind or (OCI_MANIFEST if document.config.media_type == CONFIGS[0] else DOCKER_MANIFEST)
    return Manifest(kind, _config_blob(document.config, name), _layer_blobs(document.layers, name))


def parse_layout_index(raw: bytes, name: str, tag: str, architecture: str) -> Blob:
    """The Blob of the manifest or index that the `index.json` of a layout has for a tag or name; its only entry counts for any.

    Of several with the tag, it is the manifest for the architecture. Raises InputError if there is none, or the single
    one has a type not in ACCEPTED; IntegrityError for JSON of another shape, and if that one of several is no manifest.
    """
    entries = _document(raw, name).manifests or []
    tagged = [one for one in entries if one.annotations.get(REF_NAME) in (tag, name)]
    chosen = tagged or (entries if len(entries) == 1 else [])
    if len(chosen) > 1:
        return _chosen(chosen, name, architecture)
    if not chosen or chosen[0].media_type not in ACCEPTED:
        raise InputError(
            f"the layout has no image `{name}`", hint="name an image that its index.json lists: oci:FOLDER:NAME"
        )
    return Blob(chosen[0].digest.removeprefix("sha256:"), chosen[0].size, chosen[0].media_type)


def _document(raw: bytes, name: str) -> _Document:
    """The JSON of an index or manifest. Raises IntegrityError for another shape or schema version than 2."""
    try:
        document = _DOCUMENT.from_json(raw)
    except ValueError as error:
        raise _wrong(name, str(error)) from error
    if document.schema_version != 2:
        raise _wrong(name, f"it has the schema version {document.schema_version}, but wheelhouse reads version 2")
    return document


def _chosen(manifests: list[_Descriptor], name: str, architecture: str) -> Blob:
    """The manifest for Linux on an architecture: the first with a baseline variant, else the first with any.

    Raises InputError, listing the architectures, if there is none; IntegrityError if its type is not in MANIFESTS.
    """
    of_linux = [one for one in manifests if one.platform and one.platform.os == "linux"]
    fitting = [one for one in of_linux if one.platform and _named(one.platform) == architecture]
    if not fitting:
        names = sorted({_named(one.platform) for one in of_linux if one.platform})
        raise InputError(
            f"`{name}` has no image for {architecture}; it has images for: {listed(names, MAX_NAMED) or 'none'}",
            hint="choose another --platform, or another image",
        )
    chosen = min(fitting, key=lambda one: (one.platform or _Platform()).variant not in BASELINE_VARIANTS)
    if chosen.media_type not in MANIFESTS:
        raise _wrong(name, f"its index lists {chosen.media_type!r} instead of a manifest")
    return Blob(chosen.digest.removeprefix("sha256:"), chosen.size, chosen.media_type)


def _named(platform: _Platform) -> str:
    """The architecture of a platform: with its variant (`arm/v7`) if `ARCHITECTURES` lists that, else without."""
    full = f"{platform.architecture}/{platform.variant}" if platform.variant else platform.architecture
    return full if full in ARCHITECTURES else platform.architecture


def _config_blob(descriptor: _Descriptor, name: str) -> Blob:
    """The configuration of a manifest. Raises IntegrityError for another type than CONFIGS, or too many bytes."""
    if descriptor.media_type not in CONFIGS:
        raise _wrong(
            name, f"its configuration has the media type {descriptor.media_type!r}, so it is not a container image"
        )
    if descriptor.size > MAX_CONFIG_BYTES:
        raise _wrong(name, f"its configuration has {descriptor.size} bytes, more than {MAX_CONFIG_BYTES}")
    return Blob(descriptor.digest.removeprefix("sha256:"), descriptor.size, descriptor.media_type)


def _layer_blobs(descriptors: list[_Descriptor], name: str) -> tuple[Blob, ...]:
    """The layers of a manifest, in order. Raises IntegrityError for too many layers or bytes, for types that are not in
    COMPRESSIONS, and for a layer with `urls`.
    """
    if len(descriptors) > MAX_LAYERS:
        raise _wrong(name, f"it has {len(descriptors)} layers, more than {MAX_LAYERS}")
    for descriptor in descriptors:
        if descriptor.media_type not in COMPRESSIONS or descriptor.urls:
            raise _wrong(
                name,
                f"it has a layer that may be stored outside the registry, or that wheelhouse cannot read "
                f"(media type {descriptor.media_type!r})",
            )
    if (total := sum(descriptor.size for descriptor in descriptors)) > MAX_IMAGE_BYTES:
        raise _wrong(name, f"its layers have {total} bytes, more than {MAX_IMAGE_BYTES}")
    return tuple(Blob(one.digest.removeprefix("sha256:"), one.size, one.media_type) for one in descriptors)


def parse_configuration(raw: bytes, name: str, architecture: str, layers: int) -> Configuration:
    """Read an image's configuration; a variable without `=` is empty.

    Raises IntegrityError if it is malformed, not for Linux on `architecture`, or has another number of layers.
    """
    try:
        config = _CONFIG.from_json(raw)
    except ValueError as error:
        raise _wrong(name, str(error)) from error
    found = _named(_Platform(config.architecture, config.os, config.variant))
    if (found, config.os) != (architecture, "linux"):
        raise IntegrityError(
            f"`{name}` is an image for {config.os}/{found}, not for linux/{architecture}",
            hint="choose another --platform, or another image",
        )
    if len(config.rootfs.diff_ids) != layers:
        raise _wrong(name, f"it has {layers} layers, but its configuration lists {len(config.rootfs.diff_ids)} layers")
    settings = config.config or _Settings()
    variables = (text.partition("=") for text in settings.Env or ())
    environment = {key: value for key, _, value in variables}
    return Configuration(found, tuple(config.rootfs.diff_ids), environment, settings.User)


def _wrong(name: str, reason: str) -> IntegrityError:
    """The error that an image cannot be used, for the caller to raise."""
    return IntegrityError(f"`{name}` cannot be used as an image: {reason}", hint=NOT_THIS_IMAGE)
