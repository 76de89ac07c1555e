"""Pages kept between runs, as far as their servers allow it (RFC 9111): fresh for max-age, then validated.

A page that was fetched with credentials, or whose server calls it private, is kept for this user and these credentials alone.
A page with queries in its links is not kept, because a query may be a signature.

If a server says nothing about freshness, a cache may judge for itself (4.2.2): releases that are pinned to an exact version are
fresh for a tenth of the time since the newest of their files was uploaded, and for ten minutes at most.
"""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from wheelhouse.files.store import Store
from wheelhouse.index.http import Http, Reply
from wheelhouse.index.page_data import IndexFile, Status
from wheelhouse.index.pages import Page
from wheelhouse.index.urls import without_query

KIND, RELEASES = "pages", "releases-1"
MAX_FRESH_SECONDS = 600.0
"""How long releases are fresh, at most, if their server says nothing: PyPI's own max-age."""
CACHE_HEADERS = ("Cache-Control", "Expires", "Pragma", "ETag", "Last-Modified")
DIRECTIVE = re.compile(r"([a-z-]+)(?:=\"?(\d{1,9})\d*\"?)?")
COVERED_BY_KEY = frozenset(("authorization", "accept-encoding"))
"""Headers in Vary that need no comparison: the key of a page holds the credentials, and its body is kept decoded."""
Read = Callable[[Reply], Page | None]


class _KeptPage(msgspec.Struct, array_like=True, frozen=True):
    """An answer with status 200. `lifetime` in seconds counts from the time of the file. `vary` has the headers named by Vary."""

    url: str
    content_type: str
    etag: str
    last_modified: str
    lifetime: int
    body: bytes
    vary: dict[str, str]

    def reply(self) -> Reply:
        """The kept answer as a `Reply` with status 200 and two headers: Content-Type and Cache-Control."""
        return Reply(
            self.url, 200, {"Content-Type": self.content_type, "Cache-Control": f"max-age={self.lifetime}"}, self.body
        )

    def conditions(self) -> dict[str, str]:
        """The request headers that ask for a newer page only (RFC 9110, 13); empty if the answer had no validator."""
        validators = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in validators.items() if value}


class _KeptReleases(msgspec.Struct, array_like=True, frozen=True):
    """The files of some releases on a page, and the seconds for which they are fresh, from the time of the file."""

    url: str
    base: str
    status: Status
    lifetime: float
    files: list[IndexFile]


_page_decoder = msgspec.msgpack.Decoder(_KeptPage)
_releases_decoder = msgspec.msgpack.Decoder(_KeptReleases)


@dataclass(frozen=True, slots=True)
class _Place:
    """A part of the store, and the key of a page in it."""

    store: Store
    key: str

    def page(self) -> _KeptPage | None:
        """The page kept here, else one that other machines keep; None if there is none, or it cannot be decoded. Its age is
        not considered.
        """
        raw = self.store.noted(KIND, self.key) or self.store.bring_note(KIND, self.key)
        with suppress(msgspec.DecodeError):
            return _page_decoder.decode(raw) if raw else None
        return None


class PageCache:
    """Fetches pages, and keeps those that may be kept. With `ask_always` a fresh page is validated too."""

    def __init__(self, http: Http, store: Store, *, ask_always: bool = False) -> None:
        self._http, self._store, self._ask_always = http, store, ask_always

    def get(self, url: str, headers: Mapping[str, str], read: Read, subject: str) -> Page | None:
        """The result of `read` for the page at a URL: for the kept page if it is fresh or still valid, else for a new one, which is
        kept if its server allows it.

        A page that `read` cannot read, or that has links with queries, is not kept. A kept page is removed once `read` has
        read another answer than 304, also if that is no page (None).
        """
        sent = {"user-agent": self._http.settings.user_agent} | {name.lower(): text for name, text in headers.items()}
        place, kept = self._find(url, sent)
        if kept and not self._ask_always and place.store.age(KIND, place.key, time.time()) < kept.lifetime:
            return read(kept.reply())
        reply = self._http.get(url, {**headers, **(kept.conditions() if kept else {})}, subject=subject)
        if kept and reply.status == 304:
            place.store.touch(KIND, place.key)
            return read(kept.reply())
        page = read(reply)
        if kept:
            place.store.forget(KIND, place.key)
        if page and not page.has_queries:
            self._keep(url, reply, sent)
        return page

    def releases(self, url: str, allowed: SpecifierSet, project: NormalizedName, index: str) -> Page | None:
        """The part of a page with these releases, if it was kept and is fresh; else None, and always with `ask_always`. No request
        is sent to the index.
        """
        place = self._places(f"{url} {allowed}", url)[0]
        if self._ask_always:
            return None
        if not (raw := place.store.noted(RELEASES, place.key) or place.store.bring_note(RELEASES, place.key)):
            return None
        with suppress(msgspec.DecodeError):
            kept = _releases_decoder.decode(raw)
            if place.store.age(RELEASES, place.key, time.time()) < kept.lifetime:
                return Page(project, index, kept.url, kept.files, kept.status, kept.base)
        return None

    def keep_releases(self, url: str, allowed: SpecifierSet, page: Page) -> None:
        """Keep the part of a page with these releases, if its server says neither how long the page is fresh nor how to validate it.
        Not kept: a part without files, with a file without an upload time or with one in the future, or of a page with
        queries.
        """
        files = page.within(allowed).files if page.lacks_freshness and not page.has_queries else []
        if files and (lifetime := _heuristic_lifetime(files, time.time())) > 0:
            kept = _KeptReleases(without_query(page.url), without_query(page.base), page.status, lifetime, files)
            place = self._places(f"{url} {allowed}", url)[0]
            place.store.note(RELEASES, place.key, msgspec.msgpack.encode(kept))

    def _places(self, key: str, url: str) -> list[_Place]:
        """Where a page may be, in the order to look: the shared part, then the private one. With credentials only the private part,
        under a key that only the same credentials give.
        """
        if fingerprint := self._http.credentials.fingerprint(url):
            return [_Place(self._store.private, f"{fingerprint} {key}")]
        return [_Place(self._store, key), _Place(self._store.private, key)]

    def _find(self, url: str, sent: Mapping[str, str]) -> tuple[_Place, _KeptPage | None]:
        """The first kept page that answered the same headers (Vary), fresh or not, and its place. If there is none, None and the
        first place.
        """
        places = self._places(url, url)
        for place in places:
            kept = place.page()
            if kept and kept.vary == {name: sent.get(name, "") for name in kept.vary}:
                return place, kept
        return places[0], None

    def _keep(self, url: str, reply: Reply, sent: Mapping[str, str]) -> None:
        """Keep an answer, if its server allows it and it has status 200, and a validator or a lifetime (`max-age` without
        `no-cache`; Expires does not count). One that is `private`, or that credentials are for, goes to the private part.
        """
        directives = dict(DIRECTIVE.findall(reply.headers.get("Cache-Control", "").lower()))
        etag, modified = reply.headers.get("ETag", ""), reply.headers.get("Last-Modified", "")
        lifetime = 0 if "no-cache" in directives else int(directives.get("max-age") or 0) - _age(reply)
        vary = {name.strip().lower() for name in reply.headers.get("Vary", "").split(",")} - COVERED_BY_KEY - {""}
        if reply.status != 200 or "no-store" in directives or "*" in vary or not (etag or modified or lifetime > 0):
            return
        kept = _KeptPage(
            without_query(reply.url),
            reply.headers.get("Content-Type", ""),
            etag,
            modified,
            lifetime,
            reply.body,
            {name: sent.get(name, "") for name in sorted(vary)},
        )
        place = self._places(url, url)[-1 if "private" in directives else 0]
        place.store.note(KIND, place.key, msgspec.msgpack.encode(kept))


def lacks_freshness(reply: Reply) -> bool:
    """Whether an answer has none of CACHE_HEADERS: its server says neither how long it is fresh nor how to validate it."""
    return not any(name in reply.headers for name in CACHE_HEADERS)


def _heuristic_lifetime(files: list[IndexFile], now: float) -> float:
    """Seconds for which these files are fresh (RFC 9111, 4.2.2): a tenth of the time since the newest was uploaded, at most
    MAX_FRESH_SECONDS. A time without a zone counts as UTC. 0 if the page does not give all upload times; negative if one is
    in the future.
    """
    try:
        moments = [datetime.fromisoformat(file.upload_time or "") for file in files]
        newest = max((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() for moment in moments)
    except (ValueError, OverflowError):
        return 0.0
    return min((now - newest) / 10, MAX_FRESH_SECONDS)


def _age(reply: Reply) -> int:
    """Seconds that an answer spent in other caches (RFC 9111, 5.1); 0 if it has no valid Age."""
    text = reply.headers.get("Age", "")
    return int(text[:9]) if text.isascii() and text.isdigit() else 0
