"""The one door for HTTP: connections, retries with an end, redirects, credentials and their redaction.

urllib3 in threads was the fastest of those measured on this job (docs/performance.md). Foreign exceptions become ours here.
"""

import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

import urllib3
from urllib3 import exceptions as foreign
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse
from urllib3.util.request import ACCEPT_ENCODING

from wheelhouse.doors.credentials import Credentials, basic, host_of, origin_of, own_credentials, redact
from wheelhouse.doors.tls import Trust
from wheelhouse.errors import ServerError, WheelhouseError
from wheelhouse.events import Listener, Retrying, ignore

T = TypeVar("T")
CHUNK = 1 << 18
CONNECTIONS = 24
REDIRECT_LIMIT = 5
REDIRECTS = (301, 302, 303, 307, 308)
BUSY = (429, 500, 502, 503, 504)
LONGEST_WAIT = 20.0
"""Seconds: a server that asks for more than this with Retry-After is reported, not waited for."""
LARGEST_REPLY = 512 << 20
"""Bytes: no page and no metadata is larger; what is was compressed to harm."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How connections are made. `timeout` is in seconds, for connecting and for each read; `retries` follow a failure.

    `proxies` maps a scheme to a proxy's address, as HTTPS_PROXY and the like give them; `no_proxy` is NO_PROXY's text.
    """

    timeout: float = 15.0
    retries: int = 4
    proxies: Mapping[str, str] = field(default_factory=dict)
    no_proxy: str = ""
    trust: Trust = field(default_factory=Trust)
    netrc_file: Path | None = None
    user_agent: str = "wheelhouse"


class TransientError(ServerError):
    """A failure that the next attempt may not meet; `retry_after` is what the server asked for, in seconds."""

    def __init__(self, sentence: str, *, retry_after: float | None = None, hint: str | None = None) -> None:
        super().__init__(sentence, hint=hint)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `url` is where it came from in the end, after redirects."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class StoppedError(WheelhouseError):
    """Work was given up because something else failed or the user interrupted it; never shown."""


class Http:
    """Connections to whatever servers a run needs, shared by its threads. Closed with `close`."""

    def __init__(self, settings: HttpSettings | None = None, on_event: Listener = ignore) -> None:
        self.settings = settings or HttpSettings()
        self._on_event = on_event
        self._stop = threading.Event()
        self.credentials = Credentials(self.settings.netrc_file)
        self._managers: dict[str, urllib3.PoolManager] = {}
        self._guard = threading.Lock()
        self._live: set[BaseHTTPResponse] = set()

    def close(self) -> None:
        """Close all connections; whoever reads from one is let go at once."""
        self._stop.set()
        for response in list(self._live):
            with suppress(ValueError, RuntimeError, OSError):
                response.shutdown()
        for manager in self._managers.values():
            manager.clear()

    def get(self, url: str, headers: Mapping[str, str] | None = None, *, subject: str | None = None) -> Reply:
        """The whole answer to a GET, retried while the failure may pass. Raises ServerError for what is no answer.

        2xx, 304, 404 and 410 are answers; the caller says what they mean.
        """
        return self.retrying(subject or redact(url), lambda: self._get(url, headers or {}))

    def _get(self, url: str, headers: Mapping[str, str]) -> Reply:
        with self.open(url, {"Accept-Encoding": ACCEPT_ENCODING, **headers}) as response:
            pieces, size = [], 0
            for chunk in self.chunks(response, url):
                pieces.append(chunk)
                size += len(chunk)
                if size > LARGEST_REPLY:
                    raise ServerError(f"{redact(url)} answered with more than {LARGEST_REPLY >> 20} MiB")
            return Reply(response.url or url, response.status, response.headers, b"".join(pieces))

    def retrying(self, subject: str, attempt: Callable[[], T]) -> T:
        """Call `attempt` until it succeeds, fails for good, or has failed `retries` times more than once."""
        for failures in range(self.settings.retries + 1):
            try:
                return attempt()
            except TransientError as error:
                wait = min(0.25 * 2**failures * random.uniform(1, 1.5), 8.0)  # noqa: S311
                wait = wait if error.retry_after is None else error.retry_after
                if failures == self.settings.retries or wait > LONGEST_WAIT:
                    raise
                self._on_event(Retrying(subject, str(error), wait))
                if self._stop.wait(wait):
                    raise StoppedError("stopped") from error
        raise AssertionError

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str]) -> Iterator[BaseHTTPResponse]:
        """One GET, redirects followed; the body is left to `chunks`. Raises ServerError, or TransientError to retry."""
        response = self._follow(url, headers)
        self._live.add(response)
        try:
            _raise_for_status(response, url)
            yield response
        finally:
            self._live.discard(response)
            response.release_conn() if response.closed else response.close()

    def chunks(self, response: BaseHTTPResponse, url: str) -> Iterator[bytes]:
        """The body as it arrives, decompressed where the server compressed it. Raises TransientError when it breaks off."""
        while True:
            if self._stop.is_set():
                raise StoppedError("stopped")
            try:
                with _ours(url):
                    chunk = response.read(CHUNK)
            except TransientError:
                if self._stop.is_set():
                    raise StoppedError("stopped") from None
                raise
            if not chunk:
                return
            yield chunk

    def _follow(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        asked = url
        for _ in range(REDIRECT_LIMIT + 1):
            response = self._request(url, headers)
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or not location:
                return response
            response.close()
            target = urljoin(url, location)
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                raise ServerError(f"{redact(url)} redirects from https to {redact(target)}, which is not safe")
            url = target
        raise ServerError(f"{redact(asked)} redirects more than {REDIRECT_LIMIT} times")

    def _request(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        authorization = self.credentials.header(url) or _own_header(url)
        response = self._send(url, headers, authorization)
        if response.status == 401 and (another := self.credentials.another(url, authorization)):
            response.close()
            response = self._send(url, headers, another)
        return response

    def _send(self, url: str, headers: Mapping[str, str], authorization: str | None) -> BaseHTTPResponse:
        parts = urlsplit(url)
        bare = urlunsplit((parts.scheme, host_of(url), parts.path, parts.query, ""))
        sent = {"User-Agent": self.settings.user_agent, **headers}
        if authorization:
            sent["Authorization"] = authorization
        with _ours(url):
            response = self._manager(bare).request(
                "GET", bare, headers=sent, preload_content=False, redirect=False, retries=False
            )
        response.url = bare
        return response

    def _manager(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxy = self.settings.proxies.get(parts.scheme) or self.settings.proxies.get("all", "")
        if proxy and _bypasses(parts.hostname or "", self.settings.no_proxy):
            proxy = ""
        with self._guard:
            if proxy not in self._managers:
                self._managers[proxy] = self._new_manager(proxy)
            return self._managers[proxy]

    def _new_manager(self, proxy: str) -> urllib3.PoolManager:
        context = self.settings.trust.context()
        timeout = urllib3.Timeout(connect=self.settings.timeout, read=self.settings.timeout)
        if proxy:
            return _proxy_manager(proxy, maxsize=CONNECTIONS, ssl_context=context, timeout=timeout)
        manager = urllib3.PoolManager(maxsize=CONNECTIONS, ssl_context=context, timeout=timeout)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


def _bypasses(host: str, no_proxy: str) -> bool:
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # noqa: PLC0415  (slow to import)

    return bool(proxy_bypass_environment(host, {"no": no_proxy}))


def _own_header(url: str) -> str | None:
    """What an address on a page says of itself, for this one request."""
    own = own_credentials(url)
    return basic(own[0], own[1] or "") if own else None


def _proxy_manager(proxy: str, **settings: Any) -> urllib3.ProxyManager:  # noqa: ANN401
    """A proxy's connections; its user and password go to it alone. Raises InputError for what is no http(s) proxy."""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    own = own_credentials(proxy)
    scheme, host, port = origin_of(proxy)
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    headers = {"Proxy-Authorization": basic(own[0], own[1] or "")} if own else None
    return urllib3.ProxyManager(address, proxy_headers=headers, proxy_ssl_context=settings["ssl_context"], **settings)


class _Addresses:
    """Each host is looked up once: sixteen look-ups at once were seen to stall for five seconds."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: dict[tuple[str, int], str] = {}

    def of(self, host: str, port: int) -> str:
        with self._guard:
            if (host, port) not in self._known:
                self._known[host, port] = _reachable(host, port)
            return self._known[host, port]


def _reachable(host: str, port: int) -> str:
    """The first address of a host that answers; with none, the first, so that the error is an honest one."""
    addresses = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in addresses[:-1]:
        try:
            socket.create_connection((address, port), timeout=2).close()
        except OSError:
            continue
        return address
    return addresses[-1]


_addresses = _Addresses()


class _LooksUpOnce:
    """Connects to the address that `_addresses` knows; the certificate is still checked against the name."""

    _dns_host: str

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        try:
            self._dns_host = _addresses.of(name.strip("[]"), getattr(self, "port", None) or 80)
        except OSError as error:
            raise foreign.NewConnectionError(self, f"its name could not be looked up: {error.strerror}") from error  # type: ignore[arg-type]
        try:
            return super()._new_conn()  # type: ignore[misc,no-any-return]
        finally:
            self._dns_host = name


class _Connection(_LooksUpOnce, HTTPConnection):
    pass


class _SecureConnection(_LooksUpOnce, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _raise_for_status(response: BaseHTTPResponse, url: str) -> None:
    status = response.status
    if 200 <= status < 300 or status in (304, 404, 410, 416):
        return
    sentence = f"{redact(url)} answered {status} {response.reason or ''}".rstrip()
    if status in BUSY:
        raise TransientError(
            sentence, retry_after=_retry_after(response), hint="the server is busy or failing: try again later"
        )
    hint = None
    if status in (401, 403, 407):
        hint = "check that the address is right and that this user may read it"
    raise ServerError(sentence, hint=hint)


def _retry_after(response: BaseHTTPResponse) -> float | None:
    """Retry-After in seconds, from a number or a date (RFC 9110, 10.2.3)."""
    text = response.headers.get("Retry-After", "")
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time()) if text else None
    except ValueError:
        return None


@contextmanager
def _ours(url: str) -> Iterator[None]:
    """Foreign exceptions become ours, each with its own sentence."""
    where = redact(url)
    host = host_of(url)
    try:
        yield
    except foreign.ProxyError as error:
        raise TransientError(
            f"the proxy for {host} failed: {_cause(error)}", hint="check HTTPS_PROXY and NO_PROXY"
        ) from error
    except foreign.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            raise TransientError(f"the encrypted connection to {host} failed: {_cause(error)}") from error
        hint = "set SSL_CERT_FILE to the file of certificate authorities that your network uses"
        raise ServerError(f"the certificate of {host} is not trusted: {_cause(error)}", hint=hint) from error
    except foreign.NewConnectionError as error:
        hint = "check the address, the network and HTTPS_PROXY"
        raise TransientError(f"{host} could not be reached: {_cause(error)}", hint=hint) from error
    except foreign.TimeoutError as error:
        raise TransientError(
            f"{where} did not answer in time", hint="try again, or allow more with --timeout"
        ) from error
    except (foreign.IncompleteRead, foreign.InvalidChunkLength) as error:
        raise TransientError(f"{where} was cut short") from error
    except foreign.ProtocolError as error:
        truncated = isinstance(error.__context__, foreign.IncompleteRead) or "IncompleteRead" in str(error)
        what = "was cut short" if truncated else f"broke off: {_cause(error)}"
        raise TransientError(f"{where} {what}") from error
    except (foreign.DecodeError, foreign.HTTPError) as error:
        raise TransientError(f"{where} answered with what HTTP does not allow: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    """The innermost reason, without object addresses and pools."""
    reason: BaseException = error
    while inner := getattr(reason, "reason", None) or getattr(reason, "original_error", None):
        if not isinstance(inner, BaseException):
            break
        reason = inner
    reason = reason.__cause__ if isinstance(reason.__cause__, OSError) else reason
    text = getattr(reason, "verify_message", None) or getattr(reason, "strerror", None) or str(reason)
    return re.sub(r"^<?\w+\(.*?\)>?: (Failed to establish a new connection: )?", "", str(text))
