"""A wheel's METADATA from its tail: what a server answers is compared with what was requested."""

import io
import random
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from wheelhouse.index.ranged import MAX_METADATA_BYTES, NoRangesError, TailError, ranged_metadata

METADATA = b"Metadata-Version: 2.1\nName: app\nVersion: 1.0\n"
NAME = "app-1.0.dist-info/METADATA"
URL = "https://me:secret@files.example/app-1.0-py3-none-any.whl"


def wheel(*metadata: str, method: int = zipfile.ZIP_DEFLATED, noise: int = 100_000) -> bytes:
    """A wheel whose METADATA come first, outside the tail."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name in metadata or (NAME,):
            archive.writestr(name, METADATA)
        archive.writestr("app/data.bin", random.Random(1).randbytes(noise), zipfile.ZIP_STORED)
    return held.getvalue()


class Server:
    """Answers ranges of one file; `change` may falsify (status, headers, body) of the answer with this number."""

    def __init__(self, file: bytes, number: int = 0, change: Any = None) -> None:
        self.file, self.number, self.change = file, number, change
        self.requested: list[str] = []

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str]) -> Iterator[Any]:
        assert url == URL and headers["Accept-Encoding"] == "identity"
        first, last = re.fullmatch(r"bytes=(\d*)-(\d+)", headers["Range"]).groups()  # type: ignore[union-attr]
        size = len(self.file)
        start, stop = (int(first), int(last) + 1) if first else (max(0, size - int(last)), size)
        self.requested.append(headers["Range"])
        answer = (206, start, stop - 1, size, self.file[start:stop])
        if self.change and len(self.requested) == self.number:
            answer = self.change(*answer)
        status, start, end, size, body = answer
        yield SimpleNamespace(status=status, headers={"Content-Range": f"bytes {start}-{end}/{size}"}, body=body)

    def body(self, response: Any, _url: str, max_bytes: int, *, as_sent: bool) -> bytes:
        assert as_sent and len(response.body) <= max_bytes
        return bytes(response.body)


def read(server: Server) -> bytes:
    return ranged_metadata(server, URL, "app-1.0-py3-none-any.whl")  # type: ignore[arg-type]


def test_the_metadata_are_read_with_two_requests() -> None:
    server = Server(wheel())
    assert read(server) == METADATA
    assert server.requested[0] == "bytes=-32768" and len(server.requested) == 2
    small = Server(wheel(noise=10))
    assert read(small) == METADATA and len(small.requested) == 1


CHANGES: dict[str, tuple[int, Any, str]] = {
    "the whole file": (1, lambda _status, *rest: (200, *rest), "does not support range requests"),
    "no range at all": (1, lambda status, _start, *rest: (status, "x", *rest), "does not support range requests"),
    "a body that is too short": (
        1,
        lambda status, start, end, size, body: (status, start, end, size, body[1:]),
        "a number of bytes that does not match its Content-Range",
    ),
    "a body that is too long": (
        2,
        lambda status, start, end, size, body: (status, start, end, size, body + b"x"),
        "a number of bytes that does not match its Content-Range",
    ),
    "a later range": (
        2,
        lambda status, start, end, size, body: (status, start + 1, end + 1, size, body),
        "a range that was not requested",
    ),
    "a shorter range": (
        2,
        lambda status, start, end, size, body: (status, start, end - 1, size, body[:-1]),
        "a range that was not requested",
    ),
    "more than can be metadata": (
        1,
        lambda status, _start, _end, _size, body: (status, 0, MAX_METADATA_BYTES + 1, MAX_METADATA_BYTES + 2, body),
        "answered with more bytes than were requested",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_answer_that_is_not_what_was_requested_is_refused(name: str) -> None:
    number, change, sentence = CHANGES[name]
    with pytest.raises(NoRangesError) as caught:
        read(Server(wheel(), number, change))
    assert sentence in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "file",
    [
        b"no zip" * 20_000,
        wheel("app-1.0.dist-info/METADATA", "other-1.0.dist-info/METADATA"),
        wheel("app-1.0.dist-info/OTHER"),
        wheel("vendored/app-1.0.dist-info/METADATA"),
        wheel(method=zipfile.ZIP_BZIP2),
        wheel(method=zipfile.ZIP_LZMA),
        wheel()[:-30] + bytes(30),
    ],
    ids=["no zip", "two", "none", "deeper", "bzip2", "lzma", "damaged"],
)
def test_a_tail_that_holds_no_single_metadata_is_refused(file: bytes) -> None:
    with pytest.raises(TailError):
        read(Server(file))
