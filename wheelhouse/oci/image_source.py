"""Where base images come from: a registry, whose blobs the store keeps; a layout, an archive or the Docker engine of this machine."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wheelhouse.errors import InputError, IntegrityError, TransientError
from wheelhouse.events import Listener
from wheelhouse.files.disk import kind_of, read_regular
from wheelhouse.index.http import Http
from wheelhouse.index.store_access import StoreAccess
from wheelhouse.index.store_download import FileRequest, stored_or_downloaded
from wheelhouse.lock.wheelhouse import sha256_of_bytes
from wheelhouse.oci.image_lock import BLOBS, INDEX, Blob
from wheelhouse.oci.image_manifest import (
    MAX_MANIFEST_BYTES,
    NOT_THIS_IMAGE,
    Manifest,
    parse_layout_index,
    parse_manifest,
)
from wheelhouse.oci.reference import DIGEST, LATEST, Mirror, Reference
from wheelhouse.oci.registry import Registry

ELSEWHERE = (
    "use a mirror of the registry (--image-mirror {}=https://…) or a saved image (--base-image docker-archive:FILE)"
)
"""What to do if a registry cannot be reached."""


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image for one architecture, before its blobs are here. `raw` are the bytes of its manifest.

    `index` is the digest of the image index that led to it; None if there was none.
    """

    raw: bytes
    blob: Blob
    manifest: Manifest
    index: str | None


class ImageSource(Protocol):
    """One image in one place."""

    @property
    def origin(self) -> str:
        """The place, as a lock names it: without credentials, and without a path of this machine."""

    def find(self, requested: str, architecture: str) -> FoundImage:
        """The image of a tag or digest for an architecture.

        Raises ServerError if a registry does not have it or cannot be reached, InputError if a layout does not have it
        or there is no image for the architecture, IntegrityError for other bytes than the digest says, and
        MachineError.
        """

    def blob(self, blob: Blob, name: str) -> Path:
        """The path of a blob's file, which has the right size; the caller checks the digest of a layout's. Progress calls it `name`."""

    def discard(self, path: Path) -> None:
        """Forget a file of `blob` that was altered since, if the store has it."""


class RegistrySource(ImageSource):
    """An image in a registry, or in the mirror of it that the user named."""

    def __init__(
        self,
        reference: Reference,
        mirrors: Sequence[Mirror],
        registry: Registry,
        http: Http,
        access: StoreAccess,
        on_event: Listener,
    ) -> None:
        mirror = next((one for one in mirrors if one.registry == reference.registry), None)
        self._reference = mirror.of(reference) if mirror else reference
        self._registry, self._http, self._access, self._on_event = registry, http, access, on_event

    @property
    def origin(self) -> str:
        """The address of the repository at the registry, or at its mirror, as `Reference.api` has it."""
        return self._reference.api

    def find(self, requested: str, architecture: str) -> FoundImage:
        """The image of a tag or digest in the registry, for an architecture; an index is followed once.

        What is no index is not compared with the architecture. Raises TransientError with the hint ELSEWHERE if the registry
        cannot be reached, IntegrityError if an index leads to an index or to another size than it says.
        """
        name = str(self._reference)
        raw, media_type = self._manifest(requested)
        found = parse_manifest(raw, media_type, name, architecture)
        if isinstance(found, Manifest):
            return _found(raw, found, None)
        index = f"sha256:{sha256_of_bytes(raw)}"
        chosen = found
        raw, _ = self._manifest(chosen.digest)
        found = parse_manifest(raw, chosen.media_type, name, architecture)
        if isinstance(found, Blob) or len(raw) != chosen.size:
            raise IntegrityError(
                f"the type or the size of `{chosen.digest}` differs from the index of `{name}`", hint=NOT_THIS_IMAGE
            )
        return _found(raw, found, index)

    def _manifest(self, requested: str) -> tuple[bytes, str]:
        """The bytes and media type of a manifest or index, by tag or digest. A TransientError gets the hint ELSEWHERE."""
        try:
            return self._registry.manifest(self._reference, requested)
        except TransientError as error:
            raise TransientError(str(error), hint=ELSEWHERE.format(self._reference.registry)) from error

    def blob(self, blob: Blob, name: str) -> Path:
        """The path of a blob in the store; it is downloaded if the store lacks it.

        A part that an earlier run has is continued. Of what is in this machine's store only the size is checked. Logs in as
        `authorized` does, and raises what that and `stored_or_downloaded` raise.
        """
        request = FileRequest(f"{self._reference.api}/blobs/{blob.digest}", name, blob.sha256, blob.size)
        return self._registry.authorized(
            self._reference,
            lambda: stored_or_downloaded(
                request, self._http, self._access, self._on_event, lambda path: path.stat().st_size == blob.size
            )[0],
        )

    def discard(self, path: Path) -> None:
        """Remove it from the store."""
        self._access.discard(path)


class LayoutSource(ImageSource):
    """An image in a folder that is an OCI image layout, as `skopeo copy … oci:FOLDER` and buildx write it."""

    PREFIX = "oci:"

    def __init__(self, folder: Path, reference: Reference) -> None:
        self._folder, self._reference = folder, reference

    @classmethod
    def parse(cls, text: str) -> "tuple[LayoutSource, Reference]":
        """The source and the image's name of `oci:FOLDER:NAME`; nothing is read. The first colon after `oci:` ends FOLDER.

        Raises InputError without a folder or a name (`FROM` needs one), and for a name that is not one of an image.
        """
        folder, _, name = text.removeprefix(cls.PREFIX).partition(":")
        if not folder or not name:
            raise InputError(
                f"`{text}` names no image", hint="write oci:FOLDER:NAME, such as oci:./base:python:3.12-slim"
            )
        reference = Reference.parse(name)
        return cls(Path(folder), reference), reference

    @property
    def origin(self) -> str:
        """The text "an OCI layout", without the folder."""
        return "an OCI layout"

    def find(self, requested: str, architecture: str) -> FoundImage:
        """The image of a digest in the layout; for any other text, the one with the reference's whole name or its tag (else `latest`),
        or the layout's only one, whatever its name.

        An index is followed once. What is no index is not compared with the architecture.
        """
        name = str(self._reference)
        if DIGEST.fullmatch(requested):
            raw = self._small(requested)
            found = parse_manifest(raw, "", name, architecture)
            return self._followed(raw, found, requested, architecture)
        index = read_regular(self._folder / "index.json", MAX_MANIFEST_BYTES, "the layout's index")
        chosen = parse_layout_index(index, name, self._reference.tag or LATEST, architecture)
        raw = self._small(chosen.digest)
        found = parse_manifest(raw, chosen.media_type, name, architecture)
        return self._followed(raw, found, chosen.digest, architecture)

    def _followed(self, raw: bytes, found: Manifest | Blob, digest: str, architecture: str) -> FoundImage:
        """The image that a manifest is, or that an index leads to; `raw` and `digest` are of the manifest or index, `found` is
        what was read of it: the manifest, or the index's entry for the architecture.

        Raises IntegrityError if the index leads to another index, and what `_small` raises.
        """
        if isinstance(found, Manifest):
            return _found(raw, found, None)
        inner = self._small(found.digest)
        manifest = parse_manifest(inner, found.media_type, str(self._reference), architecture)
        if isinstance(manifest, Blob):
            raise IntegrityError(
                f"the index of `{self._reference}` lists another index instead of a manifest", hint=NOT_THIS_IMAGE
            )
        return _found(inner, manifest, digest)

    def _small(self, digest: str) -> bytes:
        """The bytes of a manifest or index by its digest.

        Raises IntegrityError if the file has another one, InputError if it cannot be read or is too large.
        """
        raw = read_regular(self._path(digest.removeprefix("sha256:")), MAX_MANIFEST_BYTES, "the manifest")
        if f"sha256:{sha256_of_bytes(raw)}" != digest:
            raise IntegrityError(
                f"the manifest in `{self._folder}` does not have the digest {digest}", hint=NOT_THIS_IMAGE
            )
        return raw

    def blob(self, blob: Blob, name: str) -> Path:
        """The path of the layout's own file, which the caller hashes while it copies it.

        Raises IntegrityError if it is missing or has another size.
        """
        path = self._path(blob.sha256)
        if kind_of(path) != "file" or path.stat().st_size != blob.size:
            raise IntegrityError(
                f"`{path}` is not a file with the size in the manifest ({blob.size} bytes)", hint=NOT_THIS_IMAGE
            )
        return path

    def discard(self, path: Path) -> None:
        """Nothing: the folder is the user's."""

    def _path(self, sha256: str) -> Path:
        """The path that a blob with this sha256 has in the layout, whether or not it is there."""
        return self._folder / BLOBS / sha256


class ArchiveSource(ImageSource):
    """An image in a file, or in the Docker engine of this machine, which saves it into one. It is unpacked when it is needed.

    `unpack` makes a folder an OCI layout.
    """

    def __init__(self, origin: str, folder: Path, reference: Reference, unpack: Callable[[Path], object]) -> None:
        self._origin, self._folder, self._unpack = origin, folder, unpack
        self._layout = LayoutSource(folder, reference)
        self._guard = threading.Lock()

    @property
    def origin(self) -> str:
        """The text that the constructor got: what kind of source it was, without a path."""
        return self._origin

    def find(self, requested: str, architecture: str) -> FoundImage:
        """What the unpacked layout has; unpacks it first, if that was not done."""
        with self._guard:
            if not (self._folder / INDEX).is_file():
                self._unpack(self._folder)
        return self._layout.find(requested, architecture)

    def blob(self, blob: Blob, name: str) -> Path:
        """The path of the unpacked file. Raises IntegrityError for another size, or before `find` has unpacked it."""
        return self._layout.blob(blob, name)

    def discard(self, path: Path) -> None:
        """Nothing: the folder is temporary."""


def _found(raw: bytes, manifest: Manifest, index: str | None) -> FoundImage:
    """A FoundImage of a manifest, its bytes, and the digest of the index that led to it."""
    return FoundImage(raw, Blob(sha256_of_bytes(raw), len(raw), manifest.media_type), manifest, index)
