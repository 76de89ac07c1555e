"""Pages kept between runs, as far as their servers allow it (RFC 9111): fresh for max-age, then asked about again.

Where a server says nothing at all, a cache may judge for itself (4.2.2): releases that are asked for by their exact version are
believed for a tenth of the time since the newest of their files came there, and for ten minutes at most.
"""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from wheelhouse.files.store import Store
from wheelhouse.index.http import Reply
from wheelhouse.index.page_data import IndexFile, Status
from wheelhouse.index.pages import Page

T = TypeVar("T")
KIND, RELEASES = "pages", "releases-1"
MAX_FRESH_SECONDS = 600.0
"""Seconds for which releases are believed of whose page its server says nothing: what PyPI says of its own."""
CACHE_HEADERS = ("Cache-Control", "Expires", "Pragma", "ETag", "Last-Modified")
DIRECTIVE = re.compile(r"([a-z-]+)(?:=\"?(\d{1,9})\d*\"?)?")


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    """An answer with 200; how long it stays fresh, in seconds, counts from the file's own time."""

    url: str
    content_type: str
    etag: str
    last_modified: str
    lifetime: int
    body: bytes

    def reply(self) -> Reply:
        return Reply(
            self.url, 200, {"Content-Type": self.content_type, "Cache-Control": f"max-age={self.lifetime}"}, self.body
        )

    def conditions(self) -> dict[str, str]:
        """What to ask for a newer one with (RFC 9110, 13)."""
        stated = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in stated.items() if value}


class _KeptReleases(msgspec.Struct, array_like=True, frozen=True):
    """Files of some releases as a page named them, and the seconds that they are believed, from the note's own time."""

    url: str
    base: str
    status: Status
    lifetime: float
    files: list[IndexFile]


_decoder = msgspec.msgpack.Decoder(_Kept)
_releases_decoder = msgspec.msgpack.Decoder(_KeptReleases)


class PageCache:
    """Asks for pages, and keeps those that may be kept. With `ask_always` a fresh one is asked about, too."""

    def __init__(self, store: Store, *, ask_always: bool = False) -> None:
        self._store, self._ask_always = store, ask_always

    def get(self, url: str, ask: Callable[[Mapping[str, str]], Reply], read: Callable[[Reply], T]) -> T:
        """What `read` makes of the answer for an address: of the kept one, where it is fresh or its server says that it stands.

        What `read` cannot read is not kept.
        """
        kept = self._kept(url)
        if kept and not self._ask_always and self._store.age(KIND, url, time.time()) < kept.lifetime:
            return read(kept.reply())
        reply = ask(kept.conditions() if kept else {})
        if kept and reply.status == 304:
            self._store.touch(KIND, url)
            return read(kept.reply())
        result = read(reply)
        self._keep(url, reply, kept)
        return result

    def releases(self, url: str, allowed: SpecifierSet, project: NormalizedName, index: str) -> Page | None:
        """The page for an address, with these releases alone, where it was kept and is believed."""
        key = _key(url, allowed)
        if self._ask_always or not (raw := self._store.noted(RELEASES, key)):
            return None
        with suppress(msgspec.DecodeError):
            kept = _releases_decoder.decode(raw)
            if self._store.age(RELEASES, key, time.time()) < kept.lifetime:
                return Page(project, index, kept.url, kept.files, kept.status, kept.base)
        return None

    def keep_releases(self, url: str, allowed: SpecifierSet, page: Page) -> None:
        """Keep what a page for an address says of these releases, if its server leaves that to us."""
        files = page.within(allowed).files if page.unsaid else []
        if files and (lifetime := _believed(files, time.time())) > 0:
            kept = _KeptReleases(page.url, page.base, page.status, lifetime, files)
            self._store.note(RELEASES, _key(url, allowed), msgspec.msgpack.encode(kept))

    def _kept(self, url: str) -> _Kept | None:
        raw = self._store.noted(KIND, url)
        with suppress(msgspec.DecodeError):
            return _decoder.decode(raw) if raw else None
        return None

    def _keep(self, url: str, reply: Reply, before: _Kept | None) -> None:
        directives = dict(DIRECTIVE.findall(reply.headers.get("Cache-Control", "").lower()))
        etag, modified = reply.headers.get("ETag", ""), reply.headers.get("Last-Modified", "")
        lifetime = 0 if "no-cache" in directives else int(directives.get("max-age") or 0) - _age(reply)
        if reply.status != 200 or "no-store" in directives or not (etag or modified or lifetime > 0):
            if before:
                self._store.forget(KIND, url)
            return
        kept = _Kept(reply.url, reply.headers.get("Content-Type", ""), etag, modified, lifetime, reply.body)
        self._store.note(KIND, url, msgspec.msgpack.encode(kept))


def lacks_freshness(reply: Reply) -> bool:
    """Whether a server leaves it to a cache how long to believe its answer."""
    return not any(name in reply.headers for name in CACHE_HEADERS)


def _key(url: str, allowed: SpecifierSet) -> str:
    return f"{url} {allowed}"


def _believed(files: list[IndexFile], now: float) -> float:
    """Seconds for which to believe what a page says of these files; 0 where it does not say when each came there."""
    try:
        newest = max(datetime.fromisoformat(file.upload_time or "").timestamp() for file in files)
    except (ValueError, OverflowError):
        return 0.0
    return min((now - newest) / 10, MAX_FRESH_SECONDS)


def _age(reply: Reply) -> int:
    """Seconds that it lay in a cache before ours (RFC 9111, 5.1)."""
    text = reply.headers.get("Age", "")
    return int(text[:9]) if text.isascii() and text.isdigit() else 0
