"""A request and its answer, for every kind of server interface."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wheelhouse.mirror.served import Served

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
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


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; a HEAD request gets its headers alone."""

    status: int
    headers: Headers = field(default_factory=dict)
    body: bytes | FilePart = b""

    @property
    def all_headers(self) -> list[tuple[str, str]]:
        """The headers with the length of the body."""
        rows = list(self.headers.items())
        return rows if self.status == 304 else [*rows, ("content-length", str(len(self.body)))]


def text_answer(status: int, sentence: str, headers: Headers | None = None) -> Answer:
    """A sentence as plain text."""
    return Answer(status, {"content-type": "text/plain; charset=utf-8", **(headers or {})}, f"{sentence}\n".encode())
