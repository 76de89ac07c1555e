"""Where base images come from: a registry, whose blobs the store keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wheelhouse.errors import IntegrityError
from wheelhouse.events import Listener
from wheelhouse.index.http import Http
from wheelhouse.index.store_access import StoreAccess
from wheelhouse.index.store_download import FileRequest, stored_or_downloaded
from wheelhouse.lock.wheelhouse import sha256_of_bytes
from wheelhouse.oci.image_lock import Blob
from wheelhouse.oci.image_manifest import NOT_THIS_IMAGE, Manifest, parse_manifest
from wheelhouse.oci.reference import Mirror, Reference
from wheelhouse.oci.registry import Registry


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
        """The image of a tag or digest for an architecture. Raises ServerError, InputError and IntegrityError."""

    def blob(self, blob: Blob, name: str) -> Path:
        """The path of a blob's file, with the right size and digest; `name` is what progress calls it."""

    def discard(self, path: Path) -> None:
        """Forget a file that was altered since."""


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
        """The registry's address and the repository."""
        return self._reference.api

    def find(self, requested: str, architecture: str) -> FoundImage:
        """As the registry has it; an index is followed once."""
        name = str(self._reference)
        raw, media_type = self._registry.manifest(self._reference, requested)
        found = parse_manifest(raw, media_type, name, architecture)
        if isinstance(found, Manifest):
            return _found(raw, found, None)
        index = f"sha256:{sha256_of_bytes(raw)}"
        chosen = found
        raw, _ = self._registry.manifest(self._reference, chosen.digest)
        found = parse_manifest(raw, chosen.media_type, name, architecture)
        if isinstance(found, Blob) or len(raw) != chosen.size:
            raise IntegrityError(
                f"the index of `{name}` does not describe what `{chosen.digest}` is", hint=NOT_THIS_IMAGE
            )
        return _found(raw, found, index)

    def blob(self, blob: Blob, name: str) -> Path:
        """From the store, else from the registry; resumed if an earlier run has a part of it."""
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


def _found(raw: bytes, manifest: Manifest, index: str | None) -> FoundImage:
    """An image by its manifest's bytes, and the index that led to it."""
    return FoundImage(raw, Blob(sha256_of_bytes(raw), len(raw), manifest.media_type), manifest, index)
