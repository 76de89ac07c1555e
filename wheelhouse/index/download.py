"""One file onto the disk: resumed where an earlier attempt stopped, hashed as it streams, its length checked."""

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
from wheelhouse.index.http import Http
from wheelhouse.index.urls import redact

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse


class WrongSizeError(TransientError):
    """A server sent all that it says it has, and that is not the size that the index gives."""


@dataclass
class Download:
    """A file at `url` on its way to `path`, where part of it may stand already. Sizes are in bytes.

    `on_bytes` is told how many more arrived; `told` is the size that the server gives. `run` may be called again after a
    TransientError, and goes on from there. The body is stored as it was sent, whatever `encoding` (Content-Encoding) its
    server gives: an encoded body is another one than a plain one, and continues none.
    """

    http: Http
    url: str
    path: Path
    filename: str
    size: int | None
    on_bytes: Callable[[int], None]
    validator: str | None = None
    resumed: bool = False
    told: int | None = None
    encoding: str | None = None

    def run(self) -> str:
        """Bring what is missing, and hash all of it: the sha256. Raises TransientError for what broke off."""
        with os_errors_as_machine_error(self.path), io.FileIO(self.path, "r+") as file:
            have = os.fstat(file.fileno()).st_size
            digest = hashlib.file_digest(file, "sha256") if have else hashlib.sha256()
            self.resumed = have > 0
            if have == 0 or have != self.size:
                digest, have = self._receive(file, digest, have)
        self._check_length(have)
        return digest.hexdigest()

    def start_anew(self) -> None:
        """Forget what stands already."""
        with os_errors_as_machine_error(self.path), self.path.open("r+b") as file:
            file.truncate(0)
        self.resumed = False

    def _receive(self, file: io.FileIO, digest: "hashlib._Hash", have: int) -> tuple["hashlib._Hash", int]:
        with self.http.open(self.url, self._headers(have)) as response:
            if not self._continues(response, have) and have:
                file.seek(0)
                file.truncate()
                digest, have = hashlib.sha256(), 0
            for chunk in self.http.chunks(response, self.url, as_sent=True):
                write_all(file, chunk)
                digest.update(chunk)
                have += len(chunk)
                self.on_bytes(len(chunk))
                if self.size is not None and have > self.size:
                    break
        return digest, have

    def _headers(self, have: int) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self.validator:
                headers["If-Range"] = self.validator
        return headers

    def _continues(self, response: "BaseHTTPResponse", have: int) -> bool:
        """Whether the answer goes on where the file stops; otherwise it is the whole file."""
        if response.status in (404, 410):
            hint = "the index names a file that its server does not have; try again later, or choose another version"
            raise ServerError(f"`{self.filename}` is not at {redact(self.url)} ({response.status})", hint=hint)
        etag = response.headers.get("ETag", "")
        self.validator = etag if etag and not etag.startswith("W/") else None
        earlier, self.encoding = self.encoding, response.headers.get("Content-Encoding", "")
        if response.status == 416 or (response.status == 206 and earlier not in (None, self.encoding)):
            self.start_anew()
            raise TransientError(f"`{self.filename}` had to be started anew", retry_after=0)
        total = re.search(r"/(\d{1,18})$", response.headers.get("Content-Range", "")) or re.fullmatch(
            r"(\d{1,18})", response.headers.get("Content-Length", "")
        )
        self.told = int(total[1]) if total else None
        return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")

    def _check_length(self, have: int) -> None:
        if self.size is None or have == self.size:
            return
        if have == self.told:
            self.start_anew()
            raise WrongSizeError(f"`{self.filename}` has {have} bytes on its server, and the index says {self.size}")
        if have < self.size:
            raise TransientError(
                f"`{self.filename}` was cut short: {have} of {self.size} bytes came from {redact(self.url)}"
            )
        self.start_anew()
        raise IntegrityError(f"`{self.filename}` is longer than the {self.size} bytes that the index gives")
