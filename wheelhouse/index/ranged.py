"""A wheel's METADATA from a few ranged reads of its tail, without the rest (RFC 9110, 14; what PEP 658 is for where it is missing)."""

import io
import re
import struct
import zipfile
import zlib

from wheelhouse.errors import ServerError
from wheelhouse.index.http import Http
from wheelhouse.index.urls import redact

TAIL = 32 << 10
MAX_METADATA_BYTES = 16 << 20
UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
"""What `zipfile` raises over an archive that is none."""


class TailError(ServerError):
    """This file's metadata cannot be read from its tail."""


class NoRangesError(TailError):
    """The server sends whole files only."""


class _RemoteFile(io.RawIOBase):
    """A file on a server that reads what it is asked for, and somewhat more, and keeps it. `zipfile` asks for the tail first."""

    def __init__(self, http: Http, url: str) -> None:
        self._http, self._url = http, url
        self._position = 0
        start, body, self._size = self._get(f"bytes=-{TAIL}")
        self._pieces = [(start, body)]

    def _get(self, ranges: str) -> tuple[int, bytes, int]:
        headers = {"Range": ranges, "Accept-Encoding": "identity"}
        with self._http.open(self._url, headers) as response:
            found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
            if response.status != 206 or not found:
                raise NoRangesError(f"{redact(self._url)} is not served in ranges")
            start, end, size = (int(number) for number in found.groups())
            if end - start > MAX_METADATA_BYTES:
                raise NoRangesError(f"{redact(self._url)} answered with more than was asked for")
            body = b"".join(self._http.chunks(response, self._url, as_sent=True))
        if len(body) != end - start + 1:
            raise NoRangesError(f"{redact(self._url)} answered with another range than it said")
        return start, body, size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        start = self._position
        end = self._size if size is None or size < 0 else min(start + size, self._size)
        if start >= end:
            return b""
        self._position = end
        for first, body in self._pieces:
            if first <= start and end <= first + len(body):
                return body[start - first : end - first]
        return self._fetched(start, end)

    def _fetched(self, start: int, end: int) -> bytes:
        if end - start > MAX_METADATA_BYTES:
            raise TailError(f"{redact(self._url)} has a directory, or metadata, of {end - start} bytes")
        last = min(max(end, start + TAIL), self._size) - 1
        first, body, _ = self._get(f"bytes={start}-{last}")
        if (first, len(body)) != (start, last - start + 1):
            raise NoRangesError(f"{redact(self._url)} answered with another range than was asked for")
        self._pieces.append((start, body))
        return body[: end - start]


def ranged_metadata(http: Http, url: str, filename: str) -> bytes:
    """A wheel's raw METADATA; provisional until the whole file was checked.

    Raises NoRangesError where the server has no ranges, TailError where the tail is not a wheel's.
    """
    try:
        with zipfile.ZipFile(_RemoteFile(http, url)) as archive:
            names = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
            if len(names) != 1 or not _is_readable(archive.getinfo(names[0])):
                raise TailError(f"`{filename}` has no single METADATA to read from its tail")
            return archive.read(names[0])
    except UNREADABLE as error:
        raise TailError(f"`{filename}` cannot be read from its tail: {error}") from error


def _is_readable(member: zipfile.ZipInfo) -> bool:
    return member.file_size <= MAX_METADATA_BYTES and member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
