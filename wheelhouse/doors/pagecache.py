"""Pages kept between runs, as far as their servers allow it (RFC 9111): fresh for max-age, then asked about again."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

import msgspec

from wheelhouse.doors.disk import Cache
from wheelhouse.doors.http import Reply

T = TypeVar("T")
KIND = "pages"
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
        return Reply(self.url, 200, {"Content-Type": self.content_type}, self.body)

    def conditions(self) -> dict[str, str]:
        """What to ask for a newer one with (RFC 9110, 13)."""
        stated = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in stated.items() if value}


_decoder = msgspec.msgpack.Decoder(_Kept)


class PageCache:
    """Asks for pages, and keeps those that may be kept. With `ask_always` a fresh one is asked about, too."""

    def __init__(self, cache: Cache, *, ask_always: bool = False) -> None:
        self._cache, self._ask_always = cache, ask_always

    def get(self, url: str, ask: Callable[[Mapping[str, str]], Reply], read: Callable[[Reply], T]) -> T:
        """What `read` makes of the answer for an address: of the kept one, where it is fresh or its server says that it stands.

        What `read` cannot read is not kept.
        """
        kept = self._kept(url)
        if kept and not self._ask_always and self._cache.age(KIND, url, time.time()) < kept.lifetime:
            return read(kept.reply())
        reply = ask(kept.conditions() if kept else {})
        if kept and reply.status == 304:
            self._cache.touch(KIND, url)
            return read(kept.reply())
        result = read(reply)
        self._keep(url, reply, kept)
        return result

    def _kept(self, url: str) -> _Kept | None:
        raw = self._cache.noted(KIND, url)
        with suppress(msgspec.DecodeError):
            return _decoder.decode(raw) if raw else None
        return None

    def _keep(self, url: str, reply: Reply, before: _Kept | None) -> None:
        directives = dict(DIRECTIVE.findall(reply.headers.get("Cache-Control", "").lower()))
        etag, modified = reply.headers.get("ETag", ""), reply.headers.get("Last-Modified", "")
        lifetime = 0 if "no-cache" in directives else int(directives.get("max-age") or 0) - _age(reply)
        if reply.status != 200 or "no-store" in directives or not (etag or modified or lifetime > 0):
            if before:
                self._cache.forget(KIND, url)
            return
        kept = _Kept(reply.url, reply.headers.get("Content-Type", ""), etag, modified, lifetime, reply.body)
        self._cache.note(KIND, url, msgspec.msgpack.encode(kept))


def _age(reply: Reply) -> int:
    """Seconds that it lay in a cache before ours (RFC 9111, 5.1)."""
    text = reply.headers.get("Age", "")
    return int(text[:9]) if text.isascii() and text.isdigit() else 0
