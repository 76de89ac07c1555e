"""A package index on 127.0.0.1: PEP 503 and PEP 691 pages of real files, with abilities to lack and faults to show."""

import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Self, Unpack
from urllib.parse import quote, unquote, urlsplit

from packaging.utils import canonicalize_name

from tests.support.faults import KINDS, TRANSIENT, Fault, Plan, misheard, random_faults, spoiled, take
from tests.support.offers import Offer, Told, read_offer
from tests.support.pages import HTML, JSON_V1, Abilities, Project, project_html, project_json, root_html, root_json
from tests.support.replies import (
    Ask,
    Reply,
    Request,
    authorized,
    compressed,
    negotiate,
    not_found,
    ranged,
    redirect,
    validated,
)
from tests.support.server import Server

__all__ = ["KINDS", "TRANSIENT", "Abilities", "Fault", "IndexServer", "Request", "random_faults"]

ABLE = Abilities()
Render = Callable[[], bytes]


class IndexServer:
    """An index of the artifacts in a folder and of those added later; a context manager that serves inside `with`.

    `abilities`, `faults`, `plan` (asked when no fault in the list fits), `auth` and `relative_urls` may be changed
    while it serves. `auth` is a user and a password, `tls` a certificate's and a key's file;
    with `client_authority` a client must show a certificate that this authority signed.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        abilities: Abilities = ABLE,
        faults: Iterable[Fault] = (),
        plan: Plan | None = None,
        auth: tuple[str, str] | None = None,
        tls: tuple[Path, Path] | None = None,
        client_authority: Path | None = None,
        relative_urls: bool = False,
    ) -> None:
        self.abilities = abilities
        self.faults = list(faults)
        self.plan = plan
        self.auth = auth
        self.relative_urls = relative_urls
        self.requests: list[Request] = []
        self._tls, self._client_authority = tls, client_authority
        self._offers: dict[str, Offer] = {}
        self._statuses: dict[str, tuple[str, str | None]] = {}
        self._put: dict[str, Reply] = {}
        self._lock = threading.Lock()
        self._server: Server | None = None
        for path in sorted(folder.iterdir()) if folder else ():
            if path.name.endswith((".whl", ".zip", ".tgz", ".tbz", ".txz", ".tlz", ".tar")) or ".tar." in path.name:
                self.add(path)

    def add(self, path: Path, **told: Unpack[Told]) -> None:
        """Offer a file, in place of one with the same name; what is `told` of it stands, be it true or not."""
        offer = replace(read_offer(path), **told)
        with self._lock:
            self._offers[offer.filename] = offer

    def set_status(self, project: str, status: str, reason: str | None = None) -> None:
        """Mark a project active, archived, quarantined (its files are not offered) or deprecated (PEP 792)."""
        with self._lock:
            self._statuses[canonicalize_name(project)] = (status, reason)

    def put(self, path: str, body: bytes, content_type: str = "text/plain") -> str:
        """Serve these bytes at this path, whatever else would be there, and return the URL."""
        with self._lock:
            self._put[path] = Reply(200, body, {"Content-Type": content_type})
        return self.origin + path

    def send_on(self, path: str, url: str) -> None:
        """Redirect this path to a URL, whatever else would be there."""
        with self._lock:
            self._put[path] = redirect(url)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        if self._server is None:
            raise RuntimeError("the index isn't serving: use it in a with statement")
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The index URL, as pip's --index-url takes it."""
        return f"{self.origin}/simple"

    def start(self) -> Self:
        """Serve, until `stop`."""
        context = None
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._tls)
            if self._client_authority:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(self._client_authority)
        self._server = Server(self._answer, context)
        return self

    def stop(self) -> None:
        """End the connections that are open and serve no more; raise what went wrong in here, if anything did."""
        if self._server is None:
            return
        server = self._server
        server.stop()  # who is being answered still has to learn where this is
        self._server = None
        if server.errors:
            raise server.errors[0]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answer(self, ask: Ask) -> Reply:
        with self._lock:
            fault = take(self.faults, ask) or (self.plan(ask) if self.plan else None)
        reply = spoiled(fault, ask, self._reply(misheard(fault, ask)))
        sent = 0 if ask.method == "HEAD" else len(reply.body[: reply.cut])
        with self._lock:
            self.requests.append(Request(ask.method, ask.path, ask.headers, reply.status, sent, ask.client))
        return reply

    def _reply(self, ask: Ask) -> Reply:
        if not authorized(ask, self.auth):
            return Reply(401).having(WWW_Authenticate='Basic realm="index"')
        path = unquote(urlsplit(ask.path).path)
        if path in self._put:
            return self._finished(self._put[path], ask)
        match path.split("/"):
            case ["", "simple", *rest]:
                return self._page(ask, path, rest)
            case ["", "files", filename]:
                return self._file(ask, path, filename)
        return not_found(path)

    def _page(self, ask: Ask, path: str, rest: list[str]) -> Reply:
        match rest:
            case [""]:
                return self._root(ask)
            case []:
                return redirect("/simple/")
            case [name, *end] if end == [] or (end == [""] and name != canonicalize_name(name)):
                return redirect(f"/simple/{canonicalize_name(name)}/")
            case [name, ""]:
                return self._project(ask, name)
        return not_found(path)

    def _root(self, ask: Ask) -> Reply:
        names = sorted({offer.project for offer in self._shelf()} | set(self._statuses))
        return self._negotiated(ask, lambda: root_json(names), lambda: root_html(names))

    def _project(self, ask: Ask, name: str) -> Reply:
        offers = [offer for offer in self._shelf() if offer.project == name]
        status, reason = self._statuses.get(name, (None, None))
        if not offers and status is None:
            return not_found(ask.path)
        project = Project(name, [] if status == "quarantined" else offers, status, reason)
        told = (project, self._locate, self.abilities)
        return self._negotiated(ask, lambda: project_json(*told), lambda: project_html(*told))

    def _shelf(self) -> list[Offer]:
        with self._lock:
            return list(self._offers.values())

    def _locate(self, offer: Offer) -> str:
        root = "../.." if self.relative_urls else self.origin
        return offer.url or f"{root}/files/{quote(offer.filename)}"

    def _negotiated(self, ask: Ask, json: Render, html: Render) -> Reply:
        kind = negotiate(ask.headers.get("accept", "*/*"), self.abilities.content_types())
        body = json() if kind == JSON_V1 else html()
        reply = Reply(200, body, {"Content-Type": f"{kind}; charset=utf-8" if kind == HTML else kind})
        reply = compressed(reply, ask) if self.abilities.compression else reply
        reply = validated(reply, ask) if self.abilities.validators else reply
        return reply.having(Cache_Control=self.abilities.cache_control) if self.abilities.cache_control else reply

    def _file(self, ask: Ask, path: str, filename: str) -> Reply:
        offer = self._offers.get(filename)
        if offer:
            return self._finished(_binary(offer.path.read_bytes()), ask, offer.digest)
        offer = self._offers.get(filename.removesuffix(".metadata"))
        if offer and offer.metadata is not None and self.abilities.sidecars:
            return self._finished(_binary(offer.metadata), ask)
        return not_found(path)

    def _finished(self, reply: Reply, ask: Ask, digest: str | None = None) -> Reply:
        reply = validated(reply, ask, digest) if self.abilities.validators else reply
        return ranged(reply, ask) if self.abilities.ranges else reply


def _binary(data: bytes) -> Reply:
    return Reply(200, data, {"Content-Type": "application/octet-stream"})
