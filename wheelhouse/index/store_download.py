"""One file with a known URL into the store: taken from there if it has it, else downloaded and compared with its sha256."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wheelhouse.errors import IntegrityError
from wheelhouse.events import Finished, Listener, Received, Waiting
from wheelhouse.index.download import Download, WrongSizeError
from wheelhouse.index.http import Http
from wheelhouse.index.store_access import StoreAccess

NOT_THIS_FILE = "do not use this file; find out why the store has a different file under this name"


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file at `url`. `name` is what progress and errors call it; `sha256` and `size` (bytes) are None if they are unknown."""

    url: str
    name: str
    sha256: str | None = None
    size: int | None = None


def stored_or_downloaded(
    request: FileRequest,
    http: Http,
    access: StoreAccess,
    on_event: Listener,
    check: Callable[[Path], bool] | None = None,
) -> tuple[Path, str]:
    """The path of the file in the store, and its sha256: from the cache if `check` accepts the path, else from the store
    that machines share, else downloaded. A file whose sha256 is not known is always downloaded. Emits events.

    Raises IntegrityError if a downloaded file has another sha256 or size (one from the cache is not hashed), ServerError as
    `Download` does, and if the server refuses the credentials for a file of the cache, or cannot answer.
    """
    if request.sha256 and (path := _stored(request, access, check)):
        on_event(Finished(request.name, reused=True))
        return path, request.sha256
    on_event(Waiting(request.name, request.size))
    with access.part_for(request.url).partial(request.sha256 or request.url) as partial:
        if request.sha256 and (path := _stored(request, access, check)):  # another job or run brought it meanwhile
            on_event(Finished(request.name, reused=True))
            return path, request.sha256
        sha256 = _brought(request, partial, access, on_event) or _downloaded(request, partial, http, on_event)
        access.grant(sha256, request.url)
        path = access.part_for(request.url).keep(partial, sha256)
    on_event(Finished(request.name))
    return path, sha256


def _brought(request: FileRequest, partial: Path, access: StoreAccess, on_event: Listener) -> str | None:
    """The sha256 of a file from the store that machines share, written to `partial`; None if the request has no
    sha256, or if they have no file of the right size.
    """

    def received(count: int) -> None:
        """Emit how many more bytes of the file arrived."""
        on_event(Received(request.name, count))

    if request.sha256 and access.bring(request.sha256, request.url, partial, received):
        if request.size in (None, partial.stat().st_size):
            return request.sha256
        os.truncate(partial, 0)
    return None


def _stored(request: FileRequest, access: StoreAccess, check: Callable[[Path], bool] | None) -> Path | None:
    """The path of the file in the cache; None if it has none that these credentials may read, `check` refuses it, or the request has
    no sha256. Not hashed here. Raises ServerError if the server refuses the credentials, or cannot answer.
    """
    path = access.artifact(request.sha256, request.url) if request.sha256 else None
    return path if path and (check is None or check(path)) else None


def _downloaded(request: FileRequest, partial: Path, http: Http, on_event: Listener) -> str:
    """Download a file to `partial`, and return its sha256. If it was resumed and its sha256 is wrong, it is downloaded once
    more, whole.

    Raises IntegrityError for a wrong sha256 (`partial` is then removed) or size, ServerError if it cannot be had.
    """

    def received(count: int) -> None:
        """Emit how many more bytes of the file arrived."""
        on_event(Received(request.name, count))

    download = Download(http, request.url, partial, request.name, request.size, received)
    try:
        sha256 = http.retrying(request.name, download.run)
        if request.sha256 and sha256 != request.sha256 and download.resumed:
            download.start_anew()
            sha256 = http.retrying(request.name, download.run)
    except WrongSizeError as error:
        raise IntegrityError(str(error), hint=NOT_THIS_FILE) from error
    if request.sha256 and sha256 != request.sha256:
        partial.unlink(missing_ok=True)
        sentence = f"`{request.name}` has the sha256 {sha256}, but {request.sha256} was expected"
        raise IntegrityError(sentence, hint=NOT_THIS_FILE)
    return sha256
