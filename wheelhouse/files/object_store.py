"""Objects in a bucket, or in a folder that machines share: read, made once, replaced by compare-and-swap, removed, listed.

The client is `obstore`, which is an extra and is loaded with the first store. It reads the cloud's own environment variables.
Its errors may quote addresses with a signature, so no text of them is shown.
"""

import hashlib
import io
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from wheelhouse.errors import InputError, MachineError, ServerError
from wheelhouse.extras import install_command
from wheelhouse.files.disk import os_errors_as_machine_error, write_all
from wheelhouse.humanize import size_text

SCHEMES = ("file", "s3", "gs", "az")
HINT = "give a URL such as s3://bucket/folder, gs://bucket/folder, az://container/folder or file:///srv/store"
T = TypeVar("T")
CONNECT_SECONDS, READ_SECONDS, REQUEST_SECONDS = 5, 20, 900
MAX_RETRIES = 2
MAX_SINGLE_BYTES = 16 << 20
"""A larger file is sent in parts, which hold little memory; no store makes parts conditional."""
SLOW_SECONDS, MIN_BYTES_A_SECOND = 20.0, 64 << 10
"""A store that sends less than this for so long is left: the index is faster."""
MAX_LISTED = 1000
LOST = r"HttpError \{\s+kind: (Interrupted|Request|Unknown)\b"
"""What the debug text of an error contains if the connection ended and nobody knows whether the request was carried out."""
REASONS = (
    (r"status: 507|StorageFull|No space left|QuotaExceeded", "is full"),
    (r"kind: Timeout|TimedOut", "is too slow"),
    (r"dns error", "does not answer: no address was found for the name of its endpoint"),
    (r"kind: Connect\b", "does not answer"),
    (LOST, "ended the connection before it answered"),
    (r"BadScheme", "has an endpoint with an unknown kind of URL"),
    (r"NoSuchBucket|kind: NotFound", "does not exist"),
    (r"MissingAccount", "needs an environment variable that names the account"),
    (r"kind: PermissionDenied|kind: ReadOnlyFilesystem", "does not let this user write"),
    (r"status: (\d{3})", r"answered \1"),
)
"""What the debug text of an error contains, and what that means."""


class StoreError(ServerError):
    """A store did not do what was asked."""


class RefusedByStoreError(StoreError):
    """A store refused the credentials, or what they may do."""


class LostError(StoreError):
    """A store ended the connection before it answered: what was asked may be done, or not."""


def repeated(work: Callable[[], T]) -> T:
    """The result of `work`, which is called once more if it raises LostError: the request may be carried out twice. Raises
    what the second call raises, and any other error at once.
    """
    try:
        return work()
    except LostError:
        return work()


class ChangedError(StoreError):
    """An object was changed by another writer since it was read."""


class TooLargeError(StoreError):
    """An object is larger than its reader allows."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The bytes of an object, and the version that `replace` compares."""

    content: bytes
    version: Any


@dataclass(frozen=True, slots=True)
class Listed:
    """An object of a listing; `size` in bytes."""

    key: str
    size: int
    changed: datetime


class ObjectStore:
    """The objects below one URL, for many threads. `name` is the URL. Each request has a limit of time and of attempts.

    With `allow_http` an endpoint may be without TLS. A folder is made only if `make` says so. Raises StoreError.
    """

    def __init__(self, url: str, *, allow_http: bool = False, make: bool = True) -> None:
        self.name = _checked(url)
        self._obstore, exceptions, stores = _modules()
        self._refusals = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)
        self._exists, self._changed = exceptions.AlreadyExistsError, exceptions.PreconditionError
        self._errors = (exceptions.BaseError, ValueError, OSError, NotImplementedError)
        self._guard = threading.Lock()
        self._folders: dict[str, Any] = {}
        self._stores, self._allow_http = stores, allow_http
        with self._store_errors():
            self._store = _opened(self.name, stores, allow_http=allow_http, make=make)

    def read(self, key: str, max_bytes: int) -> StoredObject | None:
        """The bytes and the version of an object of at most `max_bytes`; None if there is none, or if it is larger. Raises StoreError."""
        try:
            return self.read_within(key, max_bytes)
        except TooLargeError:
            return None

    def read_within(self, key: str, max_bytes: int) -> StoredObject | None:
        """The bytes and the version of an object; None if there is none. Raises TooLargeError if it is larger than `max_bytes`,
        StoreError.
        """
        with self._store_errors():
            try:
                result = self._obstore.get(*self._at(key))
            except FileNotFoundError:
                return None
            if (size := result.meta["size"]) > max_bytes:
                raise TooLargeError(f"`{key}` in {self.name} is too large: {size_text(size)}")
            return StoredObject(bytes(result.bytes()), _version(result.meta))

    def read_into(self, key: str, path: Path, max_bytes: int, on_bytes: Callable[[int], None]) -> str | None:
        """Write an object's bytes to `path`, and return their sha256; None if there is none, or if it is larger.

        Raises StoreError, also for a store that is too slow, and MachineError if `path` cannot be written; `path` is then
        as it was or, if bytes were on their way, empty.
        """
        with self._store_errors():
            try:
                result = self._obstore.get(*self._at(key))
            except FileNotFoundError:
                return None
            if result.meta["size"] > max_bytes:
                return None
            with os_errors_as_machine_error(path):
                file = io.FileIO(path, "w")
            with file:
                try:
                    return self._written(result.stream(min_chunk_size=1), file, path, on_bytes)
                except BaseException:
                    file.truncate(0)
                    raise

    def _written(self, chunks: Iterable[Any], file: io.FileIO, path: Path, on_bytes: Callable[[int], None]) -> str:
        """Write chunks to a file as they arrive, and return their sha256. Raises StoreError if they arrive too slowly,
        MachineError if they cannot be written; `path` is only for its message.
        """
        digest, started, total = hashlib.sha256(), time.monotonic(), 0
        for chunk in chunks:
            content = memoryview(chunk)
            with os_errors_as_machine_error(path):
                write_all(file, content)
            digest.update(content)
            total += len(content)
            on_bytes(len(content))
            seconds = time.monotonic() - started
            if seconds > SLOW_SECONDS and total < seconds * MIN_BYTES_A_SECOND:
                raise StoreError(f"the store {self.name} is too slow")
        return digest.hexdigest()

    def create(self, key: str, content: bytes | Path, content_type: str = "application/octet-stream") -> bool:
        """Make an object of bytes or of a file; False if it is there already. Raises StoreError, also if the file cannot be
        read.

        A file of more than MAX_SINGLE_BYTES is sent in parts: what another run makes meanwhile is replaced.
        """
        attributes = {} if self.is_folder else {"Content-Type": content_type}
        with self._store_errors():
            if isinstance(content, Path) and content.stat().st_size > MAX_SINGLE_BYTES:
                if self.has(key):
                    return False
                self._obstore.put(*self._at(key), content, attributes=attributes, max_concurrency=2)
                return True
            try:
                self._obstore.put(*self._at(key), content, attributes=attributes, mode="create")
            except (self._exists, self._changed):
                return False
            return True

    def put(self, key: str, content: bytes) -> None:
        """Make an object, or replace it. Raises StoreError."""
        with self._store_errors():
            self._obstore.put(*self._at(key), content)

    def replace(self, key: str, content: bytes, version: Any, content_type: str) -> Any:  # noqa: ANN401  (a store's own)
        """Replace the object that has this version, and return its new version. Raises ChangedError if it was changed or
        removed since, StoreError for a store that is a folder.
        """
        attributes = {"Content-Type": content_type}
        with self._store_errors():
            try:
                return _version(self._obstore.put(*self._at(key), content, attributes=attributes, mode=version))
            except (self._changed, self._exists, FileNotFoundError) as error:
                raise ChangedError(f"`{key}` in {self.name} was changed by another run") from error

    def has(self, key: str) -> bool:
        """Whether there is an object with this key. Raises StoreError."""
        return self.size_of(key) is not None

    def size_of(self, key: str) -> int | None:
        """The size of an object in bytes; None if there is none. Raises StoreError."""
        with self._store_errors():
            try:
                return int(self._obstore.head(*self._at(key))["size"])
            except FileNotFoundError:
                return None

    def remove(self, key: str) -> None:
        """Remove an object, if it is there. Raises StoreError.

        A lost request is sent again: obstore repeats reads, and no removal.
        """
        repeated(lambda: self._remove(key))

    def _remove(self, key: str) -> None:
        """One attempt of `remove`."""
        with self._store_errors(), suppress(FileNotFoundError):
            self._obstore.delete(*self._at(key))

    def listed(self, prefix: str = "") -> Iterator[Listed]:
        """All objects, at any depth, whose key starts with the folders of `prefix`. They are requested as they are read. Raises
        StoreError.
        """
        with self._store_errors():
            for rows in self._obstore.list(self._store, prefix or None, chunk_size=MAX_LISTED):
                for row in rows:
                    yield Listed(row["path"], row["size"], row["last_modified"])

    def _at(self, key: str) -> tuple[Any, str]:
        """What obstore takes for a key: a store and a key in it. obstore strips a `/` at the end of a key, but not the one between
        a bucket and an empty key.
        """
        if not key.endswith("/"):
            return self._store, key
        with self._guard:
            if key not in self._folders:
                self._folders[key] = _opened_folder(f"{self.name}/{key}", self._stores, allow_http=self._allow_http)
            return self._folders[key], ""

    @property
    def takes_folder_keys(self) -> bool:
        """Whether this client can write keys that end in `/`: only in stores with the API of S3."""
        return self.name.startswith("s3:")

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, of this machine or mounted here, and not a bucket."""
        return self.name.startswith("file:")

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        """Raise errors of obstore as StoreError, RefusedByStoreError or LostError, without their own texts, which may hold a
        signature. Every ValueError, OSError and NotImplementedError in the block becomes a StoreError, too.
        """
        try:
            yield
        except self._refusals as error:
            raise RefusedByStoreError(f"the store {self.name} refuses the credentials") from error
        except self._errors as error:
            kind = LostError if re.search(LOST, str(error)) else StoreError
            raise kind(f"the store {self.name} {_reason(str(error))}") from error


def _modules() -> tuple[Any, Any, Any]:
    """The module `obstore` and its modules `exceptions` and `store`; it is an extra. Raises MachineError if it is not installed."""
    try:
        import obstore  # noqa: PLC0415
        from obstore import exceptions, store  # noqa: PLC0415
    except ImportError as error:
        hint = f"install it with: {install_command('store')}"
        raise MachineError("a store needs the project `obstore`, which is not installed", hint=hint) from error
    return obstore, exceptions, store


def _checked(url: str) -> str:
    """A store's URL, its scheme in lower case, without a `/` at its end. Raises InputError for a scheme that no store has, for a
    credential, query or fragment, for a `file:` URL that is no absolute path, for no bucket, and for a text that is no URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InputError("the address of a store cannot be read", hint=HINT) from error
    if parts.scheme not in SCHEMES:
        raise InputError(f"`{parts.scheme or url}` is not a kind of store", hint=HINT)
    if parts.username or parts.password or parts.query or parts.fragment:
        hint = "set environment variables of the cloud, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise InputError(f"the address of a store ({parts.scheme}:) cannot have a credential or a query", hint=hint)
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise InputError(f"the store `{url}` is not an absolute path", hint="write three slashes: file:///srv/store")
    if parts.scheme != "file" and not parts.netloc:
        raise InputError(f"the store `{url}` names no bucket", hint=f"write {parts.scheme}://bucket/folder")
    return f"{parts.scheme}:{url.partition(':')[2]}".rstrip("/")


def _opened(url: str, stores: Any, *, allow_http: bool, make: bool) -> Any:  # noqa: ANN401  (obstore's own types are many)
    """The store object that obstore has for a URL. The folder of a `file:` URL is made if `make` says so."""
    if url.startswith("file:"):
        return stores.LocalStore(unquote(urlsplit(url).path) or "/", mkdir=make)
    return stores.from_url(url, **_limits(allow_http=allow_http))


def _opened_folder(url: str, stores: Any, *, allow_http: bool) -> Any:  # noqa: ANN401
    """A store with the API of S3 whose object with the empty key is the one at a URL that ends in `/`."""
    parts = urlsplit(url)
    path = f"{parts.netloc}{parts.path}".rstrip("/")
    options = {"virtual_hosted_style_request": False, "disable_bulk_delete": True}
    return stores.S3Store(path, **options, **_limits(allow_http=allow_http))


def _limits(*, allow_http: bool) -> dict[str, Any]:
    """The limits of time and of attempts, as obstore takes them."""
    client = {
        "allow_http": allow_http,
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
        "read_timeout": timedelta(seconds=READ_SECONDS),
        "timeout": timedelta(seconds=REQUEST_SECONDS),
    }
    retry = {"max_retries": MAX_RETRIES, "retry_timeout": timedelta(seconds=READ_SECONDS)}
    return {"client_options": client, "retry_config": retry}


def _version(meta: Any) -> dict[str, str | None]:  # noqa: ANN401
    """What a conditional write compares: the `e_tag` and `version` that the store gave."""
    return {name: meta[name] for name in ("e_tag", "version") if meta[name] is not None}


def _reason(text: str) -> str:
    """What happened, as the end of a sentence, from the text of an error of obstore, of which nothing but a status is quoted."""
    for pattern, reason in REASONS:
        if match := re.search(pattern, text):
            return match.expand(reason)
    return "does not behave like a store"
