"""What is asked and what is answered over HTTP, and the ways to answer it: all pure, with no socket in sight.

RFC 9110 is the source: content negotiation (12), conditional requests (13), ranges (14); of authentication, RFC 7617.
"""

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Ask:
    """A request as it came: `path` with its query and still quoted, header names in lower case, the client's port."""

    method: str
    path: str
    headers: Mapping[str, str]
    client: int = 0


@dataclass(frozen=True)
class Reply:
    """An answer, and how to send it: after `delay` seconds, at `rate` bytes a second, only `cut` bytes, or a reset."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    rate: int | None = None
    cut: int | None = None
    reset: bool = False

    def having(self, **headers: str) -> "Reply":
        """The same with more headers, whose hyphens are written as underscores."""
        return replace(self, headers={**self.headers, **{name.replace("_", "-"): v for name, v in headers.items()}})


@dataclass(frozen=True)
class Request:
    """One line of the log: what was asked, and the status and number of body bytes that were set out to be sent.

    A reset counts as status 0. Requests with the same `client` came over one connection.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    status: int
    sent: int
    client: int


def redirect(url: str, status: int = 301) -> Reply:
    """Go there instead."""
    return Reply(status, b"", {"Location": url})


def not_found(path: str) -> Reply:
    """There is no such thing."""
    return Reply(404, f"404: no {path}\n".encode(), {"Content-Type": "text/plain"})


def negotiate(accept: str, offered: Sequence[str]) -> str:
    """The offered content type that `Accept` likes best, the first of equals, even where it likes none."""
    wanted = dict(_preference(item) for item in accept.split(","))
    return max(offered, key=lambda kind: wanted.get(kind, wanted.get("*/*", 0.0)))


def _preference(item: str) -> tuple[str, float]:
    kind, _, parameters = item.partition(";")
    quality = re.search(r"q=([\d.]+)", parameters)
    return kind.strip().lower(), float(quality[1]) if quality else 1.0


def authorized(ask: Ask, auth: tuple[str, str] | None) -> bool:
    """Whether the request names this user and password, if there is one to name."""
    if auth is None:
        return True
    token = base64.b64encode(":".join(auth).encode()).decode()
    return ask.headers.get("authorization") == f"Basic {token}"


def compressed(reply: Reply, ask: Ask) -> Reply:
    """The reply in gzip, where the client takes it."""
    reply = reply.having(Vary="Accept, Accept-Encoding")
    if "gzip" not in ask.headers.get("accept-encoding", ""):
        return reply
    return replace(reply, body=gzip.compress(reply.body, mtime=0)).having(Content_Encoding="gzip")


def validated(reply: Reply, ask: Ask, digest: str | None = None) -> Reply:
    """The reply with an ETag, or 304 where the client has it already; `digest` saves hashing a long body."""
    tag = f'"{digest or hashlib.sha256(reply.body).hexdigest()}"'
    reply = reply.having(ETag=tag, Cache_Control="no-cache")
    if tag in ask.headers.get("if-none-match", ""):
        return replace(reply, status=304, body=b"")
    return reply


def ranged(reply: Reply, ask: Ask) -> Reply:
    """The part of the body that `Range` asks for, unless `If-Range` names another ETag; several ranges get it all."""
    reply, size = reply.having(Accept_Ranges="bytes"), len(reply.body)
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", ask.headers.get("range", ""))
    if reply.status != 200 or not found or found[0] == "bytes=-" or not _unchanged(reply, ask):
        return reply
    start = int(found[1]) if found[1] else max(size - int(found[2]), 0)
    stop = min(int(found[2]) + 1, size) if found[1] and found[2] else size
    if start >= stop:
        return Reply(416).having(Content_Range=f"bytes */{size}")
    part = replace(reply, status=206, body=reply.body[start:stop])
    return part.having(Content_Range=f"bytes {start}-{stop - 1}/{size}")


def _unchanged(reply: Reply, ask: Ask) -> bool:
    return ask.headers.get("if-range", reply.headers.get("ETag")) == reply.headers.get("ETag")
