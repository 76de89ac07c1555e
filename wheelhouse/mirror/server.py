"""A read-only Simple index over HTTP, from houses as they stand: an ASGI application."""

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
"""Bytes that are read and sent at a time, in the event loop: to have a thread read them costs more than reading them."""


@dataclass(slots=True)
class Served:
    """A file on disk that may be served while it is what it was when its hash was right."""

    path: Path
    sha256: str
    size: int
    stamp: tuple[int, ...] | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def is_untouched(self) -> bool:
        """Whether the file is as it was when its hash was right: a look at its times, fit for the event loop."""
        try:
            return self.stamp is not None and self._stamp() == self.stamp
        except OSError:
            return False

    def _stamp(self) -> tuple[int, ...]:
        found = self.path.stat()
        return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    def is_right(self) -> bool:
        """Whether the bytes are those of the hash; hashed again whenever the file was touched."""
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
    """An answer in memory."""

    body: bytes
    kind: str
    etag: str


def _content(text: str | bytes, kind: str) -> Content:
    body = text.encode() if isinstance(text, str) else text
    return Content(body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that is served: pages in both forms, sidecars, and files by name."""

    pages: Mapping[str, tuple[Content, Content]]
    sidecars: Mapping[str, Content]
    files: Mapping[str, Served]

    @classmethod
    def of(
        cls, shelves: Mapping[NormalizedName, ProjectPage], sidecars: Mapping[str, bytes], files: Mapping[str, Served]
    ) -> "Catalogue":
        """Pages made once. Their addresses are relative, so that any prefix serves."""
        prefix = f"../../{FILES}/"
        pages = {
            str(project): (
                _content(project_json(project, shelf, prefix), JSON_TYPE),
                _content(project_html(project, shelf, prefix), HTML_TYPE),
            )
            for project, shelf in shelves.items()
        }
        pages[""] = (_content(root_json(shelves), JSON_TYPE), _content(root_html(shelves), HTML_TYPE))
        kind = "application/octet-stream"
        return cls(pages, {name: _content(raw, kind) for name, raw in sidecars.items()}, files)


class Application:
    """The ASGI application. `/simple/`, `/simple/<project>/`, `/files/<name>` and what lies beside a file; GET and HEAD."""

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
                await reply.text(404, "not here")

    async def _page(self, name: str, scope: Scope, reply: "_Reply") -> None:
        project = canonicalize_name(name)
        found = self._catalogue.pages.get(project)
        if found is None:
            await reply.text(404, f"there is no project {project!a} here")
        elif not scope["path"].endswith("/") or project != name or scope["path"] == "/":
            location = f"{scope.get('root_path', '')}/simple/{f'{project}/' if project else ''}"
            await reply.text(301, "moved", {"location": location})
        else:
            await reply.content(_negotiated(found, reply.headers.get("accept", "*/*")), {"vary": "Accept"})

    async def _file(self, name: str, _scope: Scope, reply: "_Reply") -> None:
        if (sidecar := self._catalogue.sidecars.get(name)) is not None:
            await reply.content(sidecar, {})
            return
        served = self._catalogue.files.get(name)
        if served is None:
            await reply.text(404, f"there is no file {name!a} here")
        elif not (served.is_untouched() or await asyncio.get_running_loop().run_in_executor(None, served.is_right)):
            await reply.text(500, f"{name} is no longer what its lock says, and is not served")
        else:
            await reply.file(served)


def _negotiated(page: tuple[Content, Content], accept: str) -> Content:
    """The form that the client likes best (PEP 691, "Content-Type"; RFC 9110, 12.5.1). JSON only where it is asked for."""
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
    def __init__(self, scope: Scope, send: Send) -> None:
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._send = send
        self._head = scope["method"] == "HEAD"

    async def text(self, status: int, sentence: str, headers: Headers | None = None) -> None:
        await self._whole(
            status, f"{sentence}\n".encode(), {"content-type": "text/plain; charset=utf-8", **(headers or {})}
        )

    async def content(self, content: Content, headers: Headers) -> None:
        sent = {"content-type": content.kind, "etag": content.etag, "cache-control": "max-age=60", **headers}
        if self._matches(content.etag):
            await self._whole(304, b"", {"etag": content.etag, **headers})
        else:
            await self._whole(200, content.body, sent)

    def _matches(self, etag: str) -> bool:
        wanted = self.headers.get("if-none-match", "")
        return wanted == "*" or etag in {tag.strip().removeprefix("W/") for tag in wanted.split(",")}

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
                    raise ConnectionResetError(f"{path.name} became shorter")
                length -= len(block)
                await self._send({"type": "http.response.body", "body": block, "more_body": length > 0})

    async def _whole(self, status: int, body: bytes, headers: Headers) -> None:
        await self._start(status, headers if status == 304 else {**headers, "content-length": str(len(body))})
        await self._send({"type": "http.response.body", "body": b"" if self._head else body})

    async def _start(self, status: int, headers: Headers) -> None:
        spelled = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": spelled})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
