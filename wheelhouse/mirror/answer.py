"""A request and its answer, for every kind of server interface."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from wheelhouse.mirror.served import Served

Headers = Mapping[str, str]


class Request(NamedTuple):
    """One request. `header` gives a header by its lower-case name; `prefix` is the path below which the server was mounted."""

    method: str
    path: str
    header: Callable[[str], str | None]
    prefix: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A part of a served file, in bytes."""

    served: Served
    part: range

    def __len__(self) -> int:
        """Its length in bytes."""
        return len(self.part)

    def read(self) -> bytes:
        """All of it in one piece. Raises ConnectionResetError if the file was truncated, so that the client notices."""
        body = self.served.read(self.part)
        self._must_be_whole(len(body))
        return body

    def blocks(self, most: int) -> Iterator[bytes]:
        """All of it, in blocks of at most so many bytes. Raises ConnectionResetError like `read`, after the last block."""
        length = 0
        for block in self.served.blocks(self.part, most):
            length += len(block)
            yield block
        self._must_be_whole(length)

    def _must_be_whole(self, length: int) -> None:
        """Raise ConnectionResetError if `length` is not that of the part."""
        if length != len(self.part):
            raise ConnectionResetError(f"{self.served.path.name} was truncated while it was sent")


@dataclass(frozen=True)
class Answer:
    """An answer; a HEAD request gets its headers alone. It is made once for many requests (`KeptAnswers`)."""

    status: int
    headers: Headers = field(default_factory=dict)
    body: bytes | FilePart = b""

    @cached_property
    def length(self) -> int:
        """The length of the body, in bytes."""
        return len(self.body)

    @cached_property
    def all_headers(self) -> list[tuple[str, str]]:
        """The headers as (name, value), with the length of the body last; an answer 304 has no length."""
        rows = list(self.headers.items())
        return rows if self.status == 304 else [*rows, ("content-length", str(self.length))]


def text_answer(status: int, sentence: str, headers: Headers | None = None) -> Answer:
    """An answer with a sentence and a line end as plain text; `headers` are added."""
    return Answer(status, {"content-type": "text/plain; charset=utf-8", **(headers or {})}, f"{sentence}\n".encode())
