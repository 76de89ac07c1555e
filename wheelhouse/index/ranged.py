"""A wheel's METADATA from ranged requests for its tail, without the rest (RFC 9110, 14), if the index has no sidecar (PEP 658)."""

import io
import re
import struct
import zipfile
import zlib

from wheelhouse.errors import ServerError
from wheelhouse.index.http import Http
from wheelhouse.index.urls import redact

TAIL_BYTES = 32 << 10
MAX_METADATA_BYTES = 16 << 20
UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
"""What `zipfile` raises for invalid archives."""


class TailError(ServerError):
    """The metadata of a file cannot be read from its end."""


class NoRangesError(TailError):
    """The server does not serve ranges."""


class _RemoteFile(io.RawIOBase):
    """A file on a server, for `zipfile`, which reads the tail first. Each request fetches some bytes more, which are kept."""

    def __init__(self, http: Http, url: str) -> None:
        self._http, self._url = http, url
        self._position = 0
        start, body, self._size = self._get(f"bytes=-{TAIL_BYTES}")
        self._pieces = [(start, body)]

    def _get(self, ranges: str) -> tuple[int, bytes, int]:
        """Request a range: where the answer starts, its bytes, and the size of the file. Raises NoRangesError for any other
        answer, ServerError as `Http.open`, and for a body of more than MAX_METADATA_BYTES + 1 bytes.
        """
        headers = {"Range": ranges, "Accept-Encoding": "identity"}
        with self._http.open(self._url, headers) as response:
            content_range = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
            if response.status != 206 or not content_range:
                raise NoRangesError(f"{redact(self._url)} does not support range requests")
            start, end, size = (int(number) for number in content_range.groups())
            if end - start > MAX_METADATA_BYTES:
                raise NoRangesError(f"{redact(self._url)} answered with more bytes than were requested")
            body = self._http.body(response, self._url, MAX_METADATA_BYTES + 1, as_sent=True)
        if len(body) != end - start + 1:
            raise NoRangesError(f"{redact(self._url)} sent a number of bytes that does not match its Content-Range")
        return start, body, size

    def readable(self) -> bool:
        """Always True: `io` asks it of a stream."""
        return True

    def seekable(self) -> bool:
        """Always True: `io` asks it of a stream."""
        return True

    def tell(self) -> int:
        """The position of the next `read`."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position of the next `read`, never before the start, and return it. Nothing is requested."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, from those that are kept, else requested; fewer than `size` at the end.

        Raises NoRangesError or TailError, and ServerError as `Http.open`.
        """
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
        """Bytes that no kept piece has: requested, and kept, in a piece of TAIL_BYTES, if they are not more and the file
        does not end before.

        Raises TailError for too many bytes, NoRangesError for an answer with another range, and as `_get`.
        """
        if end - start > MAX_METADATA_BYTES:
            raise TailError(
                f"the ZIP directory or the metadata of {redact(self._url)} would have {end - start} bytes, "
                f"but the limit is {MAX_METADATA_BYTES} bytes"
            )
        last = min(max(end, start + TAIL_BYTES), self._size) - 1
        first, body, _ = self._get(f"bytes={start}-{last}")
        if (first, len(body)) != (start, last - start + 1):
            raise NoRangesError(f"{redact(self._url)} answered with a range that was not requested")
        self._pieces.append((start, body))
        return body[: end - start]


def ranged_metadata(http: Http, url: str, filename: str) -> bytes:
    """A wheel's raw METADATA; provisional until the whole file is checked. One attempt, without retries.

    It is the only METADATA of a `.dist-info` folder in the wheel, whatever the name of the folder.

    Raises NoRangesError if the server serves no ranges, TailError if the tail is not that of a wheel, ServerError as
    `Http.open`.
    """
    try:
        with zipfile.ZipFile(_RemoteFile(http, url)) as archive:
            names = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
            if len(names) != 1 or not _is_readable(archive.getinfo(names[0])):
                raise TailError(f"`{filename}` does not have exactly one readable METADATA file")
            return archive.read(names[0])
    except UNREADABLE as error:
        raise TailError(f"the ZIP directory or the metadata of `{filename}` cannot be read: {error}") from error


def _is_readable(member: zipfile.ZipInfo) -> bool:
    """Whether a member is small enough, and compressed in a way that wheels may use."""
    return member.file_size <= MAX_METADATA_BYTES and member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
