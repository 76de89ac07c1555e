"""The plainest HTTP answer: header in one piece, Content-Length, no encoding, connection kept. Nearly all files come so.

It is read here with a quarter of the work that http.client and urllib3 need; they read every other answer.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wheelhouse.index.connections import PacedSocket

MAX_HEADERS = 100
"""As in http.client."""
HEAD = re.compile(
    rb"HTTP/1\.1 (?P<status>200|206|404) (?P<reason>[\x20-\x7e]*)\r\n"
    rb"(?P<fields>(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*\r\n)*)\r\n"
)
"""A status line and fields without folding (RFC 9112, 4 and 5), in ASCII."""
LENGTH = re.compile(r"\d{1,18}")


class CutShortError(Exception):
    """The connection ended before the body."""


class Fields(dict[str, str]):
    """Header fields; names are found in any case, and kept in lower case."""

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  (as in a dictionary)
        """The value of the field with this name, in any case; `default` if there is none."""
        return super().get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())


class PlainAnswer:
    """An answer, with those methods and attributes of urllib3's that its pools and `Connections` use."""

    retries: Any = None
    version_string = "HTTP/1.1"
    will_close = False

    def __init__(self, status: int, reason: str, fields: Fields, source: "PacedSocket", begun: bytes) -> None:
        """`begun` is the part of the body that came with the header."""
        self.status, self.reason, self.headers, self.url = status, reason, fields, ""
        self._source, self._begun = source, begun
        self.length_remaining = int(fields["content-length"])
        self._pool: Any = None
        self._connection: Any = None

    def begin(self) -> None:
        """Does nothing. http.client calls it to read the header, which is read already."""

    def isclosed(self) -> bool:
        """Whether all of the body has been read."""
        return not self.length_remaining

    @property
    def closed(self) -> bool:
        """Whether all of the body has been read."""
        return not self.length_remaining

    def read(self, amount: int, *, decode_content: bool = False) -> bytes:
        """The next bytes of the body, `amount` if so many are left, fewer if the connection ends in them. A read after the
        last byte is empty, and gives the connection back to its pool. `decode_content` is ignored.

        Raises CutShortError if the connection gave no byte before the body's end, OSError.
        """
        del decode_content
        if not self.length_remaining:
            self.release_conn()
            return b""
        wanted = min(amount, self.length_remaining)
        chunk, self._begun = self._begun[:wanted], self._begun[wanted:]
        if len(chunk) < wanted:
            chunk += self._received(wanted - len(chunk))
        if not chunk:
            raise CutShortError
        self.length_remaining -= len(chunk)
        return chunk

    def _received(self, amount: int) -> bytes:
        """So many bytes from the connection alone, or fewer if it ends before. Reads repeatedly: one read of TLS gives 16 kB at most."""
        buffer = bytearray(amount)
        view, filled = memoryview(buffer), 0
        while filled < amount and (count := self._source.recv_into(view[filled:])):
            filled += count
        return bytes(view[:filled])

    def release_conn(self) -> None:
        """Give the connection back to its pool, once."""
        if self._pool and self._connection:
            self._pool._put_conn(self._connection)  # as urllib3's own answers do
            self._connection = None

    def close(self) -> None:
        """Close the connection: what is left of the body is not wanted."""
        if self._connection:
            self._connection.close()

    def shutdown(self) -> None:
        """End a read of another thread."""
        self._source.shutdown()


def plain_answer(received: bytes, source: "PacedSocket") -> PlainAnswer | None:
    """The answer that begins with these bytes; None if it is not of the plainest kind, or more came than its body.

    Of other statuses than 200, 206 and 404, and of a header that is not complete in `received`, it is None, too.
    """
    head = HEAD.match(received)
    fields = _fields(head["fields"].decode("ascii")) if head else None
    if not head or fields is None or not _is_plain(fields):
        return None
    begun = received[head.end() :]
    if len(begun) > int(fields["content-length"]):
        return None
    return PlainAnswer(int(head["status"]), head["reason"].decode("ascii").strip(), fields, source, begun)


def _fields(text: str) -> Fields | None:
    """The fields of a header, as HEAD matched them, their names in lower case; None if one is there twice, or if there are
    more than MAX_HEADERS.
    """
    fields = Fields()
    lines = text.splitlines()
    for line in lines:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip(" \t")
    return fields if len(fields) == len(lines) <= MAX_HEADERS else None


def _is_plain(fields: Mapping[str, str]) -> bool:
    """Whether Content-Length alone says where the body ends, the body is not encoded, and the connection is kept."""
    kept = fields.get("connection", "keep-alive").lower() == "keep-alive"
    encoded = "transfer-encoding" in fields or "content-encoding" in fields
    return kept and not encoded and bool(LENGTH.fullmatch(fields.get("content-length", "")))
