"""The store of a run: the cache of this machine, and the store that machines share behind it, if one is named."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wheelhouse.cli.machine import cache_folder, own_umask
from wheelhouse.config.options import ConnectionOptions, StoreLocation
from wheelhouse.errors import InputError
from wheelhouse.events import Listener, Warned

if TYPE_CHECKING:
    from wheelhouse.config.settings import Settings
    from wheelhouse.files.object_store import ObjectStore
    from wheelhouse.files.shared_store import SharedObjects
    from wheelhouse.files.store import Store
    from wheelhouse.signing.sign import PublicKey, Signer

ENDPOINTS = ("AWS_ENDPOINT", "AZURE_", "GOOGLE_")
"""What the names of the variables start with that may hold a store's endpoint."""


class SigningKeys:
    """The trusted keys of a store, and the key of this run if there is one."""

    def __init__(self, trusted: "tuple[PublicKey, ...]", signer: "Signer | None") -> None:
        self._trusted, self._signer = trusted, signer

    @property
    def can_sign(self) -> bool:
        """Whether this run has a key to sign with."""
        return self._signer is not None

    def sign(self, message: bytes) -> bytes:
        """The signature of a message by the key of this run. Raises InputError if there is no key."""
        if self._signer is None:
            raise InputError("there is no key to sign with", hint="name a key: --store-key FILE")
        return self._signer.sign(message)

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether one of the trusted keys made a signature of a message."""
        return any(key.has_signed(message, signature) for key in self._trusted)


@contextmanager
def opened_store(
    network: ConnectionOptions, from_file: "Settings", keys: SigningKeys | None, listener: Listener
) -> "Iterator[Store]":
    """The cache, with the shared store behind it if one is named and can be opened; if it cannot, a warning.

    In the end, also after an error, all that was to be sent is sent to the shared store, and the cache is closed. If the user
    interrupts the block, what is not sent yet is dropped. Raises InputError for a malformed URL, and MachineError without
    `obstore`.
    """
    from wheelhouse.files.cache import Cache

    cache = Cache(cache_folder(network.cache_dir), listener, mode=0o777 & ~own_umask())
    try:
        url = network.store or from_file.store.url
        if url is None:
            yield cache
            return
        shared = _shared_objects(url, network, from_file, keys, listener)
        if shared is None:
            yield cache
            return
        with _sending(shared):
            yield _behind(cache, shared, share_private=from_file.store_private)
    finally:
        cache.close()


def is_store_url(text: str) -> bool:
    """Whether a text is the URL of a store, and not the path of a folder: it has `://`."""
    return "://" in text


def store_url(place: StoreLocation, from_file: "Settings") -> str:
    """The store that the options, or else the settings name. Raises InputError if neither does."""
    if url := place.store or from_file.store.url:
        return url
    raise InputError(
        "no store is named", hint="name the store: --store URL, or `url` in the table [store] of wheelhouse.toml"
    )


def opened_objects(url: str, *, make: bool) -> "ObjectStore":
    """The store at a URL. Its endpoint may be without TLS if a variable says so (ENDPOINTS).

    Its name begins with one of these, and its value with `http://`. A folder is made only if `make` says so. Raises
    InputError for a malformed URL, StoreError for a store that cannot be opened, and MachineError without `obstore`.
    """
    from wheelhouse.files.object_store import ObjectStore

    allow_http = any(
        value.startswith("http://") for name, value in os.environ.items() if name.upper().startswith(ENDPOINTS)
    )
    return ObjectStore(url, allow_http=allow_http, make=make)


@contextmanager
def _sending(shared: "SharedObjects") -> Iterator[None]:
    """Wait in the end, also after an error, for what is on its way to the store, and close it. After an interrupt nothing is waited for."""
    try:
        yield
        shared.flush()
    except Exception:
        shared.flush()
        raise
    finally:
        shared.close()


def _shared_objects(
    url: str, network: ConnectionOptions, from_file: "Settings", keys: SigningKeys | None, listener: Listener
) -> "SharedObjects | None":
    """The shared store at a URL, as a run uses it; None, with a warning, if it cannot be opened.

    A folder is made if the settings let the run write. Raises InputError for a malformed URL, and MachineError without
    `obstore`.
    """
    from wheelhouse.files.object_store import StoreError
    from wheelhouse.files.shared_store import SharedObjects
    from wheelhouse.humanize import parse_size

    writes = not from_file.store_is_read_only
    try:
        objects = opened_objects(url, make=writes)
    except StoreError as error:
        listener(Warned(f"{error}: this run continues without the store"))
        return None
    max_bytes = parse_size(network.max_file_size)
    return SharedObjects(objects, keys, writes=writes, max_file_bytes=max_bytes, on_event=listener)


def _behind(cache: "Store", shared: "SharedObjects", *, share_private: bool) -> "Store":
    """The cache with a shared store behind it. Its private part has the store behind it only if `share_private`.

    Even then only its files and the notes on inspections and builds are shared.
    """
    from wheelhouse.files.shared_store import SharedStore

    if not share_private:
        return SharedStore(cache, shared)
    from wheelhouse.build.sdist_builds import REQUIRES, WHEELS
    from wheelhouse.build.shared_builds import MADE
    from wheelhouse.index.inspections import CONTENTS

    private = SharedStore(cache.private, shared, kinds=frozenset((CONTENTS, MADE, REQUIRES, WHEELS)))
    return SharedStore(cache, shared, private)
