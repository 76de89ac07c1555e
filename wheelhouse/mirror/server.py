"""A read-only Simple index over HTTP: an ASGI application."""

import asyncio
import hashlib
import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.errors import MachineError
from wheelhouse.files.disk import sha256_of
from wheelhouse.mirror.byte_ranges import UnsatisfiableRangeError, requested_range
from wheelhouse.mirror.simple import HTML_TYPE, JSON_TYPE, ProjectPage, project_html, project_json, root_html, root_json

Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Headers = dict[str, str]
FILES = "files"
BLOCK = 1 << 19
"""Bytes that are read and sent at once, in the event loop: handing them to a thread costs more than reading them."""


@dataclass(slots=True)
class Served:
    """A file on disk, served only while it has the hash of its lock file. `stamp` says what it was when it was hashed."""

    path: Path
    sha256: str
    size: int
    stamp: tuple[int, ...] | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def is_untouched(self) -> bool:
        """Whether size, times and inode are those of the hashed file. Fast enough for the event loop."""
        try:
            return self.stamp is not None and self._stamp() == self.stamp
        except OSError:
            return False

    def _stamp(self) -> tuple[int, ...]:
        """What changes when the file is replaced or written to: size, times, inode."""
        stat = self.path.stat()
        return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)

    def is_right(self) -> bool:
        """Whether the file has its hash. It is hashed again only if it was touched."""
        try:
            with self._guard:
                stamp = self._stamp()
                if stamp == self.stamp:
                    return True
                if stamp[0] != self.size or sha256_of(self.path) != self.sha256:
                    return False
                self.stamp = stamp
                return True
        except (OSError, MachineError):
            return False


@dataclass(frozen=True, slots=True)
class Content:
    """The body of an answer, in memory."""

    body: bytes
    kind: str
    etag: str


def _content(text: str | bytes, kind: str) -> Content:
    """A body with its type and its ETag."""
    body = text.encode() if isinstance(text, str) else text
    return Content(body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that is served: pages as JSON and HTML by project, sidecars and files by name."""

    pages: Mapping[str, tuple[Content, Content]]
    sidecars: Mapping[str, Content]
    files: Mapping[str, Served]

    @classmethod
    def of(
        cls,
        project_pages: Mapping[NormalizedName, ProjectPage],
        sidecars: Mapping[str, bytes],
        files: Mapping[str, Served],
    ) -> "Catalogue":
        """The pages are written once. Their links are relative, so the index works below any path."""
        prefix = f"../../{FILES}/"
        pages = {
            str(project): (
                _content(project_json(project, page, prefix), JSON_TYPE),
                _content(project_html(project, page, prefix), HTML_TYPE),
            )
            for project, page in project_pages.items()
        }
        pages[""] = (_content(root_json(project_pages), JSON_TYPE), _content(root_html(project_pages), HTML_TYPE))
        kind = "application/octet-stream"
        return cls(pages, {name: _content(raw, kind) for name, raw in sidecars.items()}, files)


class Application:
    """The ASGI application. It answers GET and HEAD of `/simple/`, `/simple/<project>/`, and `/files/<name>` of files and sidecars."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        reply = _Reply(scope, send)
        if scope["method"] not in ("GET", "HEAD"):
            await reply.text(405, "this index is read-only", {"allow": "GET, HEAD"})
            return
        await self._route(scope, reply)

    async def _route(self, scope: Scope, reply: "_Reply") -> None:
        parts = scope["path"].strip("/").split("/")
        match parts:
            case ["simple"] | [""]:
                await self._page("", scope, reply)
            case ["simple", name]:
                await self._page(name, scope, reply)
            case ["files", name]:
                await self._file(name, scope, reply)
            case _:
                await reply.text(404, "no such page")

    async def _page(self, name: str, scope: Scope, reply: "_Reply") -> None:
        project = canonicalize_name(name)
        page = self._catalogue.pages.get(project)
        if page is None:
            await reply.text(404, f"this index has no project {project!a}")
        elif not scope["path"].endswith("/") or project != name or scope["path"] == "/":
            location = f"{scope.get('root_path', '')}/simple/{f'{project}/' if project else ''}"
            await reply.text(301, "moved", {"location": location})
        else:
            await reply.content(_negotiated(page, reply.headers.get("accept", "*/*")), {"vary": "Accept"})

    async def _file(self, name: str, _scope: Scope, reply: "_Reply") -> None:
        if (sidecar := self._catalogue.sidecars.get(name)) is not None:
            await reply.content(sidecar, {})
            return
        served = self._catalogue.files.get(name)
        if served is None:
            await reply.text(404, f"this index has no file {name!a}")
        elif not (served.is_untouched() or await asyncio.get_running_loop().run_in_executor(None, served.is_right)):
            await reply.text(500, f"{name} differs from its lock file and is not served")
        else:
            await reply.file(served)


def _negotiated(page: tuple[Content, Content], accept: str) -> Content:
    """The form that the client prefers (PEP 691, "Content-Type"; RFC 9110, 12.5.1); JSON only if the client names it."""
    best, form = 0.0, page[1]
    for part in accept.lower().split(","):
        kind, _, parameters = part.strip().partition(";")
        quality = re.search(r"q\s*=\s*([01](?:\.\d+)?)", parameters)
        weight = float(quality[1]) if quality else 1.0
        candidate = page[0] if kind.endswith("+json") else page[1]
        if weight > best and kind in (
            JSON_TYPE,
            "application/vnd.pypi.simple.latest+json",
            HTML_TYPE,
            "text/html",
            "*/*",
        ):
            best, form = weight, candidate
    if form is page[1] and HTML_TYPE not in accept:
        return Content(form.body, "text/html; charset=utf-8", form.etag)
    return form


class _Reply:
    """The answer to one request."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._send = send
        self._head = scope["method"] == "HEAD"

    async def text(self, status: int, sentence: str, headers: Headers | None = None) -> None:
        await self._whole(
            status, f"{sentence}\n".encode(), {"content-type": "text/plain; charset=utf-8", **(headers or {})}
        )

    async def content(self, content: Content, headers: Headers) -> None:
        headers = {"etag": content.etag, **headers}
        if self._matches(content.etag):
            await self._whole(304, b"", headers)
        else:
            headers = {"content-type": content.kind, "cache-control": "max-age=60", **headers}
            await self._whole(200, content.body, headers)

    def _matches(self, etag: str) -> bool:
        """Whether the client has this body already. If-None-Match compares weakly (RFC 9110, 13.1.2)."""
        tags = self.headers.get("if-none-match", "")
        return tags == "*" or etag in {tag.strip().removeprefix("W/") for tag in tags.split(",")}

    async def file(self, served: Served) -> None:
        etag = f'"{served.sha256}"'
        headers = {
            "content-type": "application/octet-stream",
            "etag": etag,
            "accept-ranges": "bytes",
            "cache-control": "max-age=31536000, immutable",
            "last-modified": formatdate(served.path.stat().st_mtime, usegmt=True),
        }
        if self._matches(etag):
            await self._whole(304, b"", headers)
            return
        await self._requested_part(served, headers)

    async def _requested_part(self, served: Served, headers: Headers) -> None:
        """The part of a file that the Range header requests, if If-Range names this very file; else all of it."""
        requested = self.headers.get("range", "")
        if self.headers.get("if-range", headers["etag"]) != headers["etag"]:
            requested = ""
        try:
            part = requested_range(requested, served.size)
        except UnsatisfiableRangeError:
            await self._whole(416, b"", {"content-range": f"bytes */{served.size}"})
            return
        if part is None:
            await self._span(200, served.path, range(served.size), headers)
        else:
            headers = {**headers, "content-range": f"bytes {part.start}-{part.stop - 1}/{served.size}"}
            await self._span(206, served.path, part, headers)

    async def _span(self, status: int, path: Path, part: range, headers: Headers) -> None:
        length = len(part)
        with path.open("rb") as file:
            file.seek(part.start)
            await self._start(status, {**headers, "content-length": str(length)})
            if self._head or not length:
                await self._send({"type": "http.response.body", "body": b""})
            while length and not self._head:
                block = file.read(min(BLOCK, length))
                if not block:
                    raise ConnectionResetError(f"{path.name} was truncated while it was sent")
                length -= len(block)
                await self._send({"type": "http.response.body", "body": block, "more_body": length > 0})

    async def _whole(self, status: int, body: bytes, headers: Headers) -> None:
        await self._start(status, headers if status == 304 else {**headers, "content-length": str(len(body))})
        await self._send({"type": "http.response.body", "body": b"" if self._head else body})

    async def _start(self, status: int, headers: Headers) -> None:
        raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw_headers})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
