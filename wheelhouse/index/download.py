"""The download of one file: resumed where an earlier attempt stopped, hashed as it arrives, its length checked."""

import hashlib
import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wheelhouse.errors import IntegrityError, ServerError, TransientError
from wheelhouse.files.disk import os_errors_as_machine_error, write_all
from wheelhouse.humanize import size_text
from wheelhouse.index.http import Http
from wheelhouse.index.urls import redact

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse


class TooLargeError(ServerError):
    """A file is larger than the user allows."""


class WrongSizeError(TransientError):
    """A server sent the whole file, and its size is not the one that the index gives."""


TOTAL, LENGTH = re.compile(r"/(\d{1,18})$"), re.compile(r"(\d{1,18})")
"""The size of the whole file in Content-Range, and in Content-Length."""


@dataclass
class Download:
    """A file at `url` on its way to `path`, where a part of it may be already. Sizes are in bytes.

    `on_bytes` receives how many more arrived; `total` is the size that the server gives. `run` may be called again after a
    TransientError, and continues from there. The body is stored as it was sent, whatever `encoding` (Content-Encoding) the
    server gives: an encoded body has other bytes than a plain one, so neither continues the other.
    """

    http: Http
    url: str
    path: Path
    filename: str
    size: int | None
    on_bytes: Callable[[int], None]
    validator: str | None = None
    resumed: bool = False
    total: int | None = None
    encoding: str | None = None

    def run(self) -> str:
        """Fetch what is missing of the file at `path`, which must exist, and return the sha256 of the whole file, which is
        not compared. A file with the size of the index is only hashed, without a request.

        Raises TransientError if the connection fails or the file was cut short, ServerError if the server has no such file,
        TooLargeError for a file with more bytes than HttpSettings.max_file_bytes, WrongSizeError or IntegrityError for
        another size than the index gives, and MachineError.
        """
        self._must_not_exceed(self.size)
        with os_errors_as_machine_error(self.path), io.FileIO(self.path, "r+") as file:
            have = os.fstat(file.fileno()).st_size
            digest = hashlib.file_digest(file, "sha256") if have else hashlib.sha256()
            self.resumed = have > 0
            if have == 0 or have != self.size:
                digest, have = self._receive(file, digest, have)
        self._check_length(have)
        return digest.hexdigest()

    def start_anew(self) -> None:
        """Empty the file at `path`, so that `run` downloads all of it."""
        with os_errors_as_machine_error(self.path), self.path.open("r+b") as file:
            file.truncate(0)
        self.resumed = False

    def _receive(self, file: io.FileIO, digest: "hashlib._Hash", have: int) -> tuple["hashlib._Hash", int]:
        """Append what the server sends after the first `have` bytes; if it sends the whole file, replace them. Stops once
        the file has more than `size` bytes. Returns the digest and the size of the file then. Raises TooLargeError, and what
        `_continues` raises.
        """
        with self.http.open(self.url, self._headers(have)) as response:
            if not self._continues(response, have):
                file.seek(0)
                file.truncate()
                digest, have = hashlib.sha256(), 0
            for chunk in self.http.chunks(response, self.url, as_sent=True):
                write_all(file, chunk)
                digest.update(chunk)
                have += len(chunk)
                self.on_bytes(len(chunk))
                self._must_not_exceed(have)
                if self.size is not None and have > self.size:
                    break
        return digest, have

    def _headers(self, have: int) -> dict[str, str]:
        """The headers of a request for the file without its first `have` bytes; for all of it if `have` is 0."""
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self.validator:
                headers["If-Range"] = self.validator
        return headers

    def _continues(self, response: "BaseHTTPResponse", have: int) -> bool:
        """Whether the answer starts where the file ends; False if it is the whole file. Notes `total`, `validator` and `encoding`.

        If it is neither, empties the file and raises TransientError. Raises ServerError if there is no file (404, 410),
        TooLargeError if the server says that it is over the limit.
        """
        if response.status in (404, 410):
            hint = "try again later, or choose another version: the index lists this file, but the file's server does not have it"
            raise ServerError(f"`{self.filename}` is not at {redact(self.url)} ({response.status})", hint=hint)
        self.validator = strong_validator(response.headers.get("ETag", ""))
        earlier, self.encoding = self.encoding, response.headers.get("Content-Encoding", "")
        content_range = response.headers.get("Content-Range", "")
        if response.status == 206:
            fits = content_range.startswith(f"bytes {have}-") and earlier in (None, self.encoding)
        else:
            fits = response.status != 416
        if not fits:
            self.start_anew()
            raise TransientError(
                f"the download of `{self.filename}` cannot be continued: it starts again", retry_after=0
            )
        total = TOTAL.search(content_range) or LENGTH.fullmatch(response.headers.get("Content-Length", ""))
        self.total = int(total[1]) if total else None
        self._must_not_exceed(self.total)
        return response.status == 206

    def _must_not_exceed(self, size: int | None) -> None:
        """Empty the file and raise TooLargeError if a size is over the limit; None is never over it."""
        limit = self.http.settings.max_file_bytes
        if size is not None and size > limit:
            self.start_anew()
            sentence = f"`{self.filename}` at {redact(self.url)} is larger than {size_text(limit)}"
            raise TooLargeError(sentence, hint="if the file must be that large, give a larger --max-file-size")

    def _check_length(self, have: int) -> None:
        """Raise an error if the file has another size than its index, or else its server, says. If it was cut short, TransientError,
        and the file stays; else WrongSizeError or IntegrityError, and it is emptied.
        """
        size = self.total if self.size is None else self.size
        if size is None or have == size:
            return
        if have == self.total:
            self.start_anew()
            raise WrongSizeError(f"`{self.filename}` has {have} bytes on its server, but the index says {size}")
        if have < size:
            raise TransientError(
                f"`{self.filename}` was cut short: {have} of {size} bytes came from {redact(self.url)}"
            )
        self.start_anew()
        raise IntegrityError(f"`{self.filename}` is longer than the expected {size} bytes")


def strong_validator(etag: str) -> str | None:
    """An ETag that may stand in If-Range (RFC 9110, 13.1.5); None for none, or for a weak one, which other bytes may share."""
    return etag if etag and not etag.startswith("W/") else None
