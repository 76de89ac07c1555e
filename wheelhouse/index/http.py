"""HTTP requests: retries, redirects, credentials, and limits on what a server may send.

The connections are loaded with the first request: a run that needs none does without them.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from wheelhouse.errors import InputError, ServerError, TransientError, WheelhouseError
from wheelhouse.events import Answered, Listener, Retrying, ignore
from wheelhouse.index.credentials import Credentials
from wheelhouse.index.pace import Pace
from wheelhouse.index.tls import Trust
from wheelhouse.index.urls import origin_of, redact, without_credentials

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

    from wheelhouse.index.connections import Connections

T = TypeVar("T")
REDIRECT_LIMIT = 5
REDIRECTS = (301, 302, 303, 307, 308)
RETRYABLE_STATUSES = (429, 500, 502, 503, 504)
MAX_WAIT_SECONDS = 20.0
"""A server that asks for a longer wait with Retry-After is reported, not waited for."""
MAX_REPLY_BYTES = 512 << 20
"""No page and no metadata file is larger."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How connections are made. `timeout` is in seconds, for connecting and for each read; `retries` follow a failure.

    `proxies` maps a scheme to a proxy's URL, as HTTPS_PROXY and the like give them; `no_proxy` is NO_PROXY's text. A file with
    more than `max_file_bytes` is not downloaded.
    """

    timeout: float = 15.0
    retries: int = 4
    proxies: Mapping[str, str] = field(default_factory=dict)
    no_proxy: str = ""
    trust: Trust = field(default_factory=Trust)
    netrc_file: Path | None = None
    user_agent: str = "wheelhouse"
    max_file_bytes: int = 5_000_000_000
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `url` is the URL after redirects."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class UnauthorizedError(ServerError):
    """A server answered 401. `url` is the address that did, after redirects; `challenge` is its WWW-Authenticate."""

    def __init__(self, sentence: str, *, hint: str, url: str, challenge: str) -> None:
        super().__init__(sentence, hint=hint)
        self.url, self.challenge = url, challenge


class StoppedError(WheelhouseError):
    """Work was stopped because something else failed, or the user interrupted it; never shown."""


class Http:
    """Connections to the servers of a run, shared by its threads. Closed with `close`."""

    def __init__(self, settings: HttpSettings | None = None, on_event: Listener = ignore) -> None:
        self.settings = settings or HttpSettings()
        self._on_event = on_event
        self._stop = threading.Event()
        self.credentials = Credentials(self.settings.netrc_file)
        self._connections: Connections | None = None
        self._guard = threading.Lock()
        self._live: set[BaseHTTPResponse] = set()

    def close(self) -> None:
        """Close all connections; threads that read from one stop at once with StoppedError."""
        self._stop.set()
        with self._guard:
            live = list(self._live)
        for response in live:
            with suppress(ValueError, RuntimeError, OSError):
                response.shutdown()
        if self._connections:
            self._connections.close()

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        subject: str | None = None,
        max_bytes: int | None = None,
    ) -> Reply:
        """The whole answer to a GET, retried after transient failures. Raises ServerError if there is no answer, or if it
        has more than `max_bytes` (MAX_REPLY_BYTES if None).

        2xx, 304, 404, 410 and 416 are answers; the caller decides what they mean. An `Authorization` among the headers goes
        to the server of `url` alone, in place of the known credentials, which are then sent only after a 401. Raises
        StoppedError after `close`, InputError for anything but an http(s) URL.
        """
        return self.retrying(
            subject or redact(url), lambda: self._get(url, headers or {}, max_bytes or MAX_REPLY_BYTES)
        )

    def _get(self, url: str, headers: Mapping[str, str], max_bytes: int) -> Reply:
        """One attempt of `get`, without retries."""
        with self.open(url, headers) as response:
            body = self.body(response, url, max_bytes)
            return Reply(response.url or url, response.status, response.headers, body)

    def body(self, response: "BaseHTTPResponse", url: str, max_bytes: int, *, as_sent: bool = False) -> bytes:
        """The whole body of an answer, decompressed unless `as_sent`. Raises ServerError if it has more than `max_bytes`,
        and what `chunks` raises.
        """
        pieces, size = [], 0
        for chunk in self.chunks(response, url, as_sent=as_sent):
            pieces.append(chunk)
            size += len(chunk)
            if size > max_bytes:
                raise ServerError(f"{redact(url)} answered with more than {max_bytes >> 20} MiB")
        return b"".join(pieces)

    def has(self, url: str) -> bool:
        """Whether a server has a file at a URL; False for 404 and 410. One byte is requested, and retried.

        Raises ServerError if it refuses these credentials, or cannot answer.
        """

        def ask() -> bool:
            """Whether the file is there, asked once, without retries."""
            with self.open(url, {"Range": "bytes=0-0", "Accept-Encoding": "identity"}) as response:
                return response.status not in (404, 410)

        return self.retrying(redact(url), ask)

    def retrying(self, subject: str, attempt: Callable[[], T]) -> T:
        """The result of `attempt`, which is called until it succeeds, raises anything but TransientError, or has failed `retries`
        times after the first. Waits between attempts, with an event; if the server asks for more than MAX_WAIT_SECONDS,
        raises at once. Raises StoppedError for a failure after this object is closed, and if it is closed while it waits.
        """
        for failures in range(self.settings.retries + 1):
            try:
                return attempt()
            except TransientError as error:
                if self._stop.is_set():
                    raise StoppedError("stopped") from error
                wait = min(0.25 * 2**failures * random.uniform(1, 1.5), 8.0)  # noqa: S311
                wait = wait if error.retry_after is None else error.retry_after
                if failures == self.settings.retries or wait > MAX_WAIT_SECONDS:
                    raise
                self._on_event(Retrying(subject, str(error), wait))
                if self._stop.wait(wait):
                    raise StoppedError("stopped") from error
        raise AssertionError

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str]) -> "Iterator[BaseHTTPResponse]":
        """One GET that follows redirects, without retries; `chunks` reads the body. The connection is released afterwards.

        Raises ServerError, or TransientError to retry; 404 and the other statuses that `get` returns are not raised.
        """
        response = self._follow(url, headers)
        with self._guard:
            self._live.add(response)
        try:
            _raise_for_status(response, url)
            yield response
        finally:
            with self._guard:
                self._live.discard(response)
            response.release_conn() if response.closed else response.close()

    def chunks(self, response: "BaseHTTPResponse", url: str, *, as_sent: bool = False) -> Iterator[bytes]:
        """The body as it arrives, decompressed unless `as_sent`. Raises TransientError if it breaks off, StoppedError
        after `close`.

        `as_sent` is for files: some servers give gzip as the Content-Encoding of a stored `.tar.gz`.
        """
        while True:
            if self._stop.is_set():
                raise StoppedError("stopped")
            try:
                chunk = self._open_connections().read(response, url, as_sent=as_sent)
            except TransientError:
                if self._stop.is_set():
                    raise StoppedError("stopped") from None
                raise
            if not chunk:
                return
            yield chunk

    def _follow(self, url: str, headers: Mapping[str, str]) -> "BaseHTTPResponse":
        """The answer after redirects, of any status. `Authorization` among the headers does not go to another server.

        Raises ServerError for more than REDIRECT_LIMIT redirects.
        """
        first = url
        for _ in range(REDIRECT_LIMIT + 1):
            response = self._request(url, headers)
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or not location:
                return response
            response.close()
            target = _redirected(url, location)
            if origin_of(target) != origin_of(url):
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            url = target
        raise ServerError(f"{redact(first)} redirects more than {REDIRECT_LIMIT} times")

    def _request(self, url: str, headers: Mapping[str, str]) -> "BaseHTTPResponse":
        """One GET without redirects, sent again with other credentials as long as the server answers 401 and there are any."""
        header = headers.get("Authorization") or self.credentials.auth(url)
        refused: list[str | None] = [header]
        response = self._send(url, headers, header)
        while response.status == 401 and (header := self.credentials.auth(url, refused)):
            refused.append(header)
            response.close()
            response = self._send(url, headers, header)
        return response

    def _send(self, url: str, headers: Mapping[str, str], authorization: str | None) -> "BaseHTTPResponse":
        """Send one GET with this Authorization, and without the credentials in the URL. Emits `Answered`."""
        bare = without_credentials(url)
        sent = {"User-Agent": self.settings.user_agent, **headers}
        if authorization:
            sent["Authorization"] = authorization
        connections, started = self._open_connections(), time.monotonic()
        response = connections.get(url, bare, sent)
        self._on_event(Answered(redact(url), response.status, round(time.monotonic() - started, 3)))
        return response

    def _open_connections(self) -> "Connections":
        """The connections of this object, made when they are first needed."""
        if self._connections is not None:
            return self._connections
        from wheelhouse.index.connections import Connections  # noqa: PLC0415  (80 ms, and some runs need none)

        with self._guard:
            if self._connections is None:
                settings = self.settings
                self._connections = Connections(
                    settings.timeout, settings.trust, settings.proxies, settings.no_proxy, settings.pace
                )
            return self._connections


def _redirected(url: str, location: str) -> str:
    """The absolute target of a redirect. Raises ServerError for anything but an http(s) URL, and for http after https."""
    try:
        target = urljoin(url, location)
        scheme = origin_of(target)[0]
    except (ValueError, InputError) as error:
        raise ServerError(f"{redact(url)} redirects to an address that is neither http nor https") from error
    if urlsplit(url).scheme == "https" and scheme != "https":
        raise ServerError(f"{redact(url)} redirects from https to http ({redact(target)}), which is not safe")
    return target


def _raise_for_status(response: "BaseHTTPResponse", url: str) -> None:
    """Raise TransientError, UnauthorizedError (401) or ServerError for a status other than 2xx, 304, 404, 410 and 416."""
    status = response.status
    if 200 <= status < 300 or status in (304, 404, 410, 416):
        return
    sentence = f"{redact(url)} answered {status} {response.reason or ''}".rstrip()
    if status in RETRYABLE_STATUSES:
        raise TransientError(
            sentence, retry_after=_retry_after(response), hint="try again later: the server is busy or has a fault"
        )
    hint = None
    if status in (401, 403, 407):
        hint = "check the address, the credentials (token file, netrc, keyring or address), and the permissions of this user"
        if status == 401:
            challenge = response.headers.get("WWW-Authenticate", "")
            raise UnauthorizedError(sentence, hint=hint, url=response.url or url, challenge=challenge)
    raise ServerError(sentence, hint=hint)


def _retry_after(response: "BaseHTTPResponse") -> float | None:
    """Retry-After in seconds, from a number or a date (RFC 9110, 10.2.3); None if there is none, or an invalid one."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time()) if text else None
    except (ValueError, OverflowError):
        return None
