"""A read-only Simple index over HTTP: an ASGI and RSGI application."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from html import escape
from typing import Any

from packaging.utils import canonicalize_name

from wheelhouse.mirror.answer import Answer, FilePart, Request, text_answer
from wheelhouse.mirror.byte_ranges import UnsatisfiableRangeError, requested_range
from wheelhouse.mirror.kept_answers import plain
from wheelhouse.mirror.reader_access import EVERYBODY, Access
from wheelhouse.mirror.records import Records
from wheelhouse.mirror.served import Content, Served
from wheelhouse.mirror.served_pages import BROWSE_TYPE, Catalogue
from wheelhouse.mirror.simple import HTML_TYPE, JSON_TYPE, PAGE_BROWSE

Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
BLOCK = 1 << 19
"""Bytes that are read and sent at once, in the event loop: handing them to a thread costs more than reading them."""
POLL_SECONDS = 0.1
LOGIN = {"www-authenticate": 'Basic realm="wheelhouse", charset="UTF-8"'}
JSON_NAMES = (JSON_TYPE, "application/vnd.pypi.simple.latest+json")
HTML_NAMES = (HTML_TYPE, "text/html", "*/*")


class Application:
    """It answers GET and HEAD of `/simple/`, `/simple/<project>/`, and `/files/<name>` of files and sidecars.

    With several catalogues by name, each lies below its name. `/health` and `/metrics` are about the server.
    """

    def __init__(
        self, catalogue: Catalogue | Mapping[str, Catalogue], access: Access = EVERYBODY, records: Records | None = None
    ) -> None:
        self._catalogues = {"": catalogue} if isinstance(catalogue, Catalogue) else dict(catalogue)
        self._access = access
        self.records = records or Records()
        self._active, self._is_ending = 0, False

    async def settled(self, seconds: float) -> None:
        """Refuse new requests from now on (503), and wait until all others are answered, or until `seconds` have passed."""
        self._is_ending = True
        end = time.monotonic() + seconds
        while self._active and time.monotonic() < end:
            await asyncio.sleep(POLL_SECONDS)
        await asyncio.sleep(POLL_SECONDS)  # the last answers are on their way

    def replace(self, name: str, catalogue: Catalogue) -> None:
        """Serve another catalogue under a name from the next request on."""
        self._catalogues = {**self._catalogues, name: catalogue}

    def admit(self, access: Access) -> None:
        """Let these users read, instead of those of before, from the next request on."""
        self._access = access

    async def answer(self, request: Request) -> Answer:
        """Make the answer to one request, and record it. While the server ends, it is 503 and not recorded."""
        if self._is_ending:
            return text_answer(503, "this server is shutting down", {"retry-after": "1", "connection": "close"})
        started = time.perf_counter()
        access = self._access
        user = await access.user_of(request.header("authorization")) if access.is_required else None
        answer = await self._answered(request, user)
        self.records.add(request, answer, user, time.perf_counter() - started)
        return answer

    async def _answered(self, request: Request, user: str | None) -> Answer:
        """The answer of `/health`, `/metrics` or an index; 405 for other methods; 401 without a required user, but not for `/health`."""
        parts = request.path.strip("/").split("/")
        if request.method not in ("GET", "HEAD"):
            return text_answer(405, "this index is read-only", {"allow": "GET, HEAD"})
        if parts == ["health"]:
            return self.records.health()
        if self._access.is_required and user is None:
            return text_answer(401, "this index needs a user and a password, or a token", LOGIN)
        if parts == ["metrics"]:
            return self.records.metrics(self._readable(user))
        if "" in self._catalogues:
            return await self._of_catalogue(self._catalogues[""], parts, request, "")
        return await self._of_several(parts, request, user)

    def _readable(self, user: str | None) -> dict[str, Catalogue]:
        """The catalogues that a user may read, by name."""
        return {name: one for name, one in self._catalogues.items() if self._access.may_read(user, name)}

    async def _of_several(self, parts: list[str], request: Request, user: str | None) -> Answer:
        """The answer if each wheelhouse has a path of its own: the list of readable indexes at its root, or one index's.

        403 for a name that the user may not read, also if it is not served; 404 only if all may read everything.
        """
        name, *rest = parts
        if not name:
            links = "".join(
                f'<li><a href="{escape(each)}/simple/">{escape(each)}</a></li>\n' for each in self._readable(user)
            )
            page = f"<!DOCTYPE html>\n<title>Package indexes</title>\n<ul>\n{links}</ul>\n"
            return Answer(200, {"content-type": BROWSE_TYPE}, page.encode())
        if not self._access.may_read(user, name):  # the same for a name that is not served: nobody finds out which are
            return text_answer(403, "this page does not exist, or this user may not read it")
        if name not in self._catalogues:
            return text_answer(404, "no such page")
        return await self._of_catalogue(self._catalogues[name], rest or [""], request, f"/{name}")

    async def _of_catalogue(self, catalogue: Catalogue, parts: list[str], request: Request, prefix: str) -> Answer:
        """The answer of one index. `prefix` is the path of the index.

        If its status is 200, it is kept for equal plain requests, unless it is of a file that leaves the index.
        """
        asked = plain(request)
        if asked and (kept := catalogue.answers.get(asked)):
            return kept
        answer = await self._made(catalogue, parts, request, prefix)
        if asked and parts[-1] not in catalogue.leaving:
            catalogue.answers.keep(asked, answer)
        return answer

    async def _made(self, catalogue: Catalogue, parts: list[str], request: Request, prefix: str) -> Answer:
        """Make the answer of one index by the parts of the path: a page, a page for people, a file, or 404.

        A file is also at `simple/<name of any project>/<name>`.
        """
        match parts:
            case ["simple"] | [""]:
                return _page(catalogue, "", request, prefix)
            case ["simple", page] if page == PAGE_BROWSE:
                return _browse(catalogue, "", request)
            case ["simple", name]:
                return _page(catalogue, name, request, prefix)
            case ["simple", name, page] if page == PAGE_BROWSE:
                return _browse(catalogue, name, request)
            case ["simple", _, name] | ["files", name]:
                return await _file(catalogue, name, request)
        return text_answer(404, "no such page")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request over ASGI."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        self._active += 1
        try:
            await self._over_asgi(scope, send)
        finally:
            self._active -= 1

    async def _over_asgi(self, scope: Scope, send: Send) -> None:
        """Answer one HTTP request over ASGI; a file is sent in blocks."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        client = (scope.get("client") or ("",))[0]
        request = Request(scope["method"], scope["path"], headers.get, scope.get("root_path", ""), client)
        answer = await self.answer(request)
        raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.all_headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw_headers})
        if isinstance(answer.body, bytes) or request.method == "HEAD":
            body = b"" if request.method == "HEAD" else answer.body
            await send({"type": "http.response.body", "body": body})
            return
        left = answer.length
        for block in answer.body.blocks(BLOCK):
            left -= len(block)
            await send({"type": "http.response.body", "body": block, "more_body": left > 0})

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:  # noqa: ANN401  (granian's own types)
        """Answer one request over RSGI, in which an answer in one piece is one call."""
        self._active += 1
        try:
            await self._over_rsgi(scope, protocol)
        finally:
            self._active -= 1

    async def _over_rsgi(self, scope: Any, protocol: Any) -> None:  # noqa: ANN401
        """Answer one HTTP request over RSGI; a file longer than BLOCK is sent in blocks."""
        request = Request(scope.method, scope.path, scope.headers.get, "", scope.client.rpartition(":")[0])
        answer = await self.answer(request)
        if request.method == "HEAD":
            protocol.response_empty(answer.status, answer.all_headers)
        elif isinstance(answer.body, bytes):
            protocol.response_bytes(answer.status, answer.all_headers, answer.body)
        elif answer.length <= BLOCK:
            protocol.response_bytes(answer.status, answer.all_headers, answer.body.read())
        else:
            stream = protocol.response_stream(answer.status, answer.all_headers)
            for block in answer.body.blocks(BLOCK):
                await stream.send_bytes(block)


def _page(catalogue: Catalogue, name: str, request: Request, prefix: str) -> Answer:
    """The answer with a page of the Simple API, JSON or HTML: 200, 304, or 301 to its normal address.

    404 for an unknown project, at any address.
    """
    project = canonicalize_name(name)
    kind = _negotiated(request.header("accept") or "*/*")
    content = catalogue.page(project, JSON_TYPE if kind == JSON_TYPE else HTML_TYPE)
    if content is None:
        return text_answer(404, f"this index has no project {project!a}")
    if not request.path.endswith("/") or project != name or request.path == f"{prefix}/":
        location = f"{request.prefix}{prefix}/simple/{f'{project}/' if project else ''}"
        return text_answer(301, "moved", {"location": location})
    return _content(content, kind, request, {"vary": "Accept, Accept-Encoding"})


def _browse(catalogue: Catalogue, name: str, request: Request) -> Answer:
    """The answer with a page for people, 200 or 304; 404 for an unknown project, or a name that is not normalized."""
    content = catalogue.page(name, BROWSE_TYPE)
    if content is None:
        return text_answer(404, f"this index has no project {name!a}")
    return _content(content, BROWSE_TYPE, request, {"vary": "Accept-Encoding"})


def _negotiated(accept: str) -> str:
    """The content type that the client prefers (PEP 691; RFC 9110, 12.5.1), the first of equal weights: JSON only if the
    client names it. HTML is HTML_TYPE if the client names that anywhere, else `text/html; charset=utf-8`, also if it
    accepts none of ours.
    """
    best, form = 0.0, HTML_TYPE
    for part in accept.lower().split(","):
        kind, _, parameters = part.strip().partition(";")
        quality = re.search(r"q\s*=\s*([01](?:\.\d+)?)", parameters)
        weight = float(quality[1]) if quality else 1.0
        kind = kind.rstrip()
        if weight > best and kind in (*JSON_NAMES, *HTML_NAMES):
            best, form = weight, JSON_TYPE if kind in JSON_NAMES else HTML_TYPE
    return "text/html; charset=utf-8" if form == HTML_TYPE and HTML_TYPE not in accept else form


def _content(content: Content, kind: str, request: Request, headers: dict[str, str]) -> Answer:
    """The answer 200 with a body from memory, encoded if the client accepts that; 304 if the client has it already."""
    encoding, body = content.encoded(request.header("accept-encoding") or "")
    headers = {"etag": body.etag, **headers, **({"content-encoding": encoding} if encoding else {})}
    if _matches(request, body.etag):
        return Answer(304, headers)
    return Answer(200, {"content-type": kind, "cache-control": "max-age=60", **headers}, body.body)


def _matches(request: Request, etag: str) -> bool:
    """Whether If-None-Match names this body, or is `*`: the client has it already. It compares weakly (RFC 9110, 13.1.2)."""
    tags = request.header("if-none-match") or ""
    return tags == "*" or (bool(tags) and etag in {tag.strip().removeprefix("W/") for tag in tags.split(",")})


async def _file(catalogue: Catalogue, name: str, request: Request) -> Answer:
    """The answer with a sidecar (`_content`) or a file (`_requested_part`): 404 for an unknown name, 500 for a file that no
    longer has its sha256.
    """
    if (sidecar := catalogue.sidecars.get(name)) is not None:
        return _content(sidecar, sidecar.kind, request, {"vary": "Accept-Encoding"})
    served = catalogue.file(name)
    if served is None:
        return text_answer(404, f"this index has no file {name!a}")
    if not (served.is_untouched() or await asyncio.get_running_loop().run_in_executor(None, served.is_right)):
        return text_answer(500, f"{name} differs from its lock file and is not served")
    return _requested_part(served, request)


def _requested_part(served: Served, request: Request) -> Answer:
    """The answer 206 with the part of a file that Range requests, if If-Range, when given, names this very file; else 200 with all of it.

    304 if the client has it already; 416 for a Range that `requested_range` refuses. All of it, too, for several ranges.
    """
    headers = {
        "content-type": "application/octet-stream",
        "etag": f'"{served.sha256}"',
        "accept-ranges": "bytes",
        "cache-control": "max-age=31536000, immutable",
        "last-modified": formatdate(served.changed, usegmt=True),
    }
    if _matches(request, headers["etag"]):
        return Answer(304, headers)
    requested = request.header("range") or ""
    if (request.header("if-range") or headers["etag"]) != headers["etag"]:
        requested = ""
    try:
        part = requested_range(requested, served.size)
    except UnsatisfiableRangeError:
        return Answer(416, {"content-range": f"bytes */{served.size}"})
    if part is None:
        return Answer(200, headers, FilePart(served, range(served.size)))
    span = f"bytes {part.start}-{part.stop - 1}/{served.size}"
    return Answer(206, {**headers, "content-range": span}, FilePart(served, part))


async def _lifespan(receive: Receive, send: Send) -> None:
    """Confirm each message of ASGI's lifespan protocol, until the shutdown."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
