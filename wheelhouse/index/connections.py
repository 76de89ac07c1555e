"""Connections to servers and proxies, shared by threads, on urllib3, whose exceptions become ours here.

urllib3 in threads was the fastest of the clients that were measured on this job, 177 pages (45 MB) and 177 files (68 MB): requests,
httpx, aiohttp, asyncio and HTTP/2 take between one and three times as much CPU; libcurl takes less and was rejected
(docs/performance.md).
"""

import io
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import urllib3
from urllib3 import exceptions as foreign
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse
from urllib3.util.request import ACCEPT_ENCODING

from wheelhouse.errors import ServerError, TransientError
from wheelhouse.index.pace import Pace
from wheelhouse.index.plain_answer import CutShortError, PlainAnswer, plain_answer
from wheelhouse.index.tls import Trust
from wheelhouse.index.urls import basic, host_of, origin_of, own_credentials, redact

CHUNK, FIRST_CHUNK = 1 << 18, 1 << 16
"""Bytes of a body that are read at once, and of a header with what follows it."""
CONNECTIONS = 24
MAX_HEAD_BYTES = 1 << 20
"""Of all that comes before a body: http.client bounds the header lines of an answer, but not the answers `100 Continue` before it."""
NEVER = urllib3.Retry(total=False)
"""No retry and no redirect by urllib3: `Http` does both."""
MAX_SERVERS = 10_000
"""Pools of one manager; beyond that it would close the oldest, from which a thread may be reading."""


class Connections:
    """Pools of connections, one for each proxy and server. `timeout` is in seconds, for connecting and for each read.

    `proxies` maps a scheme to a proxy's URL, as HTTPS_PROXY and the like give them; `no_proxy` is NO_PROXY's text.
    """

    def __init__(self, timeout: float, trust: Trust, proxies: Mapping[str, str], no_proxy: str, pace: Pace) -> None:
        self._timeout, self._trust, self._proxies, self._no_proxy = timeout, trust, proxies, no_proxy
        self._direct_pools, self._proxy_pools = (
            _pool_classes(_DirectConnection, pace),
            _pool_classes(_ProxyConnection, pace),
        )
        self._managers: dict[str, urllib3.PoolManager] = {}
        self._pools: dict[tuple[str, str], HTTPConnectionPool] = {}
        self._guard = threading.Lock()

    def close(self) -> None:
        """Close all idle connections; those that are in use stay open."""
        for pool in list(self._pools.values()):
            pool.close()
        for manager in self._managers.values():
            manager.clear()

    def get(self, url: str, bare: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """One GET of `bare`, which is `url` without credentials. `read` reads the body; no redirect is followed.

        Raises ServerError or TransientError, and InputError for a proxy whose address is no http(s) URL.
        """
        sent = {"Accept-Encoding": ACCEPT_ENCODING, **headers}
        try:
            pool, address = self._pool(bare)
            response = pool.urlopen("GET", address, headers=sent, preload_content=False, redirect=False, retries=NEVER)
        except FOREIGN as error:
            raise _translation(error, url) from error
        response.url = bare
        return response

    def read(self, response: BaseHTTPResponse, url: str, *, as_sent: bool) -> bytes:
        """The next chunk of a body, decompressed unless `as_sent`; empty at its end.

        Raises TransientError if it breaks off or cannot be decompressed, ServerError if it is too slow.
        """
        try:
            return response.read(CHUNK, decode_content=not as_sent)
        except (*FOREIGN, OSError) as error:
            raise _translation(error, url) from error

    def _pool(self, url: str) -> tuple["HTTPConnectionPool | urllib3.PoolManager", str]:
        """The pool of a server and the path to request. With a proxy: the proxy's manager and the whole URL.

        Pools are kept here, because a manager takes longer to find one.
        """
        parts = urlsplit(url)
        origin = (parts.scheme, parts.netloc)
        pool = self._pools.get(origin)
        if pool is None:
            manager = self._manager(url)
            if manager.proxy:
                return manager, url
            pool = self._pools.setdefault(origin, manager.connection_from_url(url))
        return pool, urlunsplit(("", "", parts.path or "/", parts.query, ""))

    def _manager(self, url: str) -> urllib3.PoolManager:
        """The manager for a URL: one for each proxy, and one for all servers without a proxy. Made when first needed."""
        parts = urlsplit(url)
        proxy = self._proxies.get(parts.scheme) or self._proxies.get("all", "")
        if proxy and bypasses(parts.hostname or "", self._no_proxy):
            proxy = ""
        with self._guard:
            if proxy not in self._managers:
                self._managers[proxy] = self._new_manager(proxy)
            return self._managers[proxy]

    def _new_manager(self, proxy: str) -> urllib3.PoolManager:
        """A manager of connections through a proxy; of direct connections if `proxy` is empty."""
        context = self._trust.context()
        timeout = urllib3.Timeout(connect=self._timeout, read=self._timeout)
        if proxy:
            proxied = _proxy_manager(proxy, maxsize=CONNECTIONS, ssl_context=context, timeout=timeout)
            proxied.pool_classes_by_scheme = self._proxy_pools
            return proxied
        manager = urllib3.PoolManager(MAX_SERVERS, maxsize=CONNECTIONS, ssl_context=context, timeout=timeout)
        manager.pool_classes_by_scheme = self._direct_pools
        return manager


def bypasses(host: str, no_proxy: str) -> bool:
    """Whether NO_PROXY's text excludes a host from proxies: it names the host or a domain above it, or is `*`. An entry with
    a port or a network excludes nothing.
    """
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # noqa: PLC0415  (slow to import)

    return bool(proxy_bypass_environment(host, {"no": no_proxy}))


def _proxy_manager(proxy: str, **settings: Any) -> urllib3.ProxyManager:  # noqa: ANN401
    """The connections of a proxy; its user and password go to it alone. An address without a scheme is taken as http.

    Raises InputError for anything but an http(s) URL.
    """
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    own = own_credentials(proxy)
    scheme, host, port = origin_of(proxy)
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    headers = {"Proxy-Authorization": basic(own[0], own[1] or "")} if own else None
    return urllib3.ProxyManager(address, proxy_headers=headers, proxy_ssl_context=settings["ssl_context"], **settings)


class _Addresses:
    """Looks up each host once: sixteen look-ups at the same time were seen to stall for five seconds."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: dict[tuple[str, int], str] = {}

    def of(self, host: str, port: int) -> str:
        """An IP address of a host, found by `_reachable` once for each host and port in a process. Other look-ups wait
        meanwhile.

        Raises OSError if there is none, UnicodeError for a text that is no name; a failure is not remembered.
        """
        with self._guard:
            if (host, port) not in self._known:
                self._known[host, port] = _reachable(host, port)
            return self._known[host, port]


def _reachable(host: str, port: int) -> str:
    """The first IP address of a host that accepts a connection within two seconds. The last one is not tried: it is the answer if
    no other accepts. Raises OSError if the name has no address, UnicodeError for a text that is no name.
    """
    addresses = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in addresses[:-1]:
        try:
            socket.create_connection((address, port), timeout=2).close()
        except OSError:
            continue
        return address
    return addresses[-1]


_addresses = _Addresses()


class _TooSlowError(Exception):
    """A server sent fewer bytes than the pace demands."""


FOREIGN = (_TooSlowError, CutShortError, foreign.HTTPError)
"""What `_translation` turns into errors of ours; and OSError, if it comes from a body."""


class _Meter:
    """Counts the bytes of a connection. Raises _TooSlowError if they arrive too slowly.

    Only the time spent waiting for the server counts, not the time that this program needs between two reads.
    """

    def __init__(self, pace: Pace) -> None:
        self.clock, self._pace = pace.clock, pace
        self._waited, self._received = 0.0, 0

    def count(self, started: float, count: int) -> None:
        """Count bytes that were waited for since `started`. Raises _TooSlowError if too few came in the last `Pace.seconds` of waiting."""
        self._waited += self.clock() - started
        self._received += count
        if self._waited >= self._pace.seconds:
            if self._received < self._pace.bytes_per_second * self._pace.seconds:
                raise _TooSlowError
            self._waited, self._received = 0.0, 0


class PacedSocket:
    """The bytes of a connection as they arrive: never slowed down; _TooSlowError is raised if they are below the pace."""

    def __init__(self, sock: socket.socket, pace: Pace) -> None:
        self._socket, self._meter = sock, _Meter(pace)

    def recv(self, amount: int) -> bytes:
        """Wait for at most `amount` bytes; empty if the connection has ended. Raises _TooSlowError, and socket errors."""
        started = self._meter.clock()
        received = self._socket.recv(amount)
        self._meter.count(started, len(received))
        return received

    def recv_into(self, buffer: memoryview) -> int:
        """`recv` into a buffer; returns how many bytes came, 0 at the end. Raises what `recv` raises."""
        started = self._meter.clock()
        count = self._socket.recv_into(buffer)
        self._meter.count(started, count)
        return count

    def shutdown(self) -> None:
        """End a read of another thread: nothing more is received."""
        self._socket.shutdown(socket.SHUT_RD)


class _PacedReader(io.RawIOBase):
    """A connection's bytes for http.client, at a pace; `received` are those that came before. `is_head` until a body begins."""

    def __init__(self, raw: io.RawIOBase, pace: Pace, received: bytes = b"") -> None:
        self._raw, self._meter, self._received = raw, _Meter(pace), received
        self._left, self.is_head = MAX_HEAD_BYTES, True

    def readable(self) -> bool:
        """Always True: `io` asks it of a stream."""
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  (a writable buffer)
        """Fill a buffer, first with `received`, and return how many bytes came; 0 at the end.

        Raises _TooSlowError, and ProtocolError for more than MAX_HEAD_BYTES before a body.
        """
        if self._received:
            count = min(len(self._received), len(buffer))
            buffer[:count], self._received = self._received[:count], self._received[count:]
            return count
        started = self._meter.clock()
        count = self._raw.readinto(buffer) or 0
        self._meter.count(started, count)
        self._left -= count if self.is_head else 0
        if self._left < 0:
            raise foreign.ProtocolError(f"more than {MAX_HEAD_BYTES} bytes of headers")
        return count

    def close(self) -> None:
        """Close the stream of the connection, too."""
        self._raw.close()
        super().close()


class _Paced:
    """A connection whose answers must arrive at a pace. The plainest ones are read without http.client and urllib3."""

    pace: Pace
    sock: socket.socket
    timeout: float
    _received: bytes = b""
    _answer: PlainAnswer | None = None
    _reader: _PacedReader

    def getresponse(self) -> Any:  # noqa: ANN401  (urllib3's HTTPResponse, or a PlainAnswer)
        """The answer to the request that was sent: a PlainAnswer if it is plain enough, else urllib3's HTTPResponse. Of the
        body, only what came with the header is received.
        """
        self.sock.settimeout(self.timeout)
        source = PacedSocket(self.sock, self.pace)
        self._received = source.recv(FIRST_CHUNK)
        self._answer = plain_answer(self._received, source)
        try:
            if self._answer is None:
                response = super().getresponse()  # type: ignore[misc]
                self._reader.is_head = False
                return response
            return super(HTTPConnection, self).getresponse()  # type: ignore[misc]  # http.client's: it keeps the state
        finally:
            self._received, self._answer = b"", None

    def response_class(self, sock: socket.socket, **options: Any) -> Any:  # noqa: ANN401  (http.client's HTTPResponse)
        """The plain answer, or the response that http.client would make, with a reader that keeps the pace."""
        if self._answer is not None:
            return self._answer
        response = HTTPConnection.response_class(sock, **options)
        self._reader = _PacedReader(response.fp.detach(), self.pace, self._received)
        response.fp = io.BufferedReader(self._reader)
        return response


class _DirectConnection(_Paced):
    """Connects to the address that `_addresses` found; the certificate is still checked against the name."""

    _dns_host: str

    def _new_conn(self) -> socket.socket:
        """A new socket, connected to the host's address. Raises NewConnectionError if the name has none."""
        name = self._dns_host
        try:
            self._dns_host = _addresses.of(name.strip("[]"), getattr(self, "port", None) or 80)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "the name is not valid for a host"
            raise foreign.NewConnectionError(self, f"its name could not be looked up: {reason}") from error  # type: ignore[arg-type]
        try:
            return super()._new_conn()  # type: ignore[misc,no-any-return]
        finally:
            self._dns_host = name


class _ProxyConnection(_Paced):
    pass


def _pool_classes(kind: type[_Paced], pace: Pace) -> dict[str, type[HTTPConnectionPool]]:
    """Pool classes for `http` and `https`, whose connections are of a kind and keep a pace."""
    plain = type("Connection", (kind, HTTPConnection), {"pace": pace})
    secure = type("SecureConnection", (kind, HTTPSConnection), {"pace": pace})
    return {
        "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn urllib3's exceptions into ServerError or TransientError, as `Connections` does."""
    try:
        yield
    except FOREIGN as error:
        raise _translation(error, url) from error


def _translation(error: Exception, url: str) -> ServerError:  # noqa: PLR0911  (one for each kind)
    """The error of ours, to be raised, for one of urllib3: TransientError, or ServerError if a retry cannot help."""
    where, host = redact(url), host_of(url)
    match error:
        case _TooSlowError():
            hint = "try again later, use another mirror, or give a lower --min-rate"
            sentence = f"the answer from {where} came too slowly: its rate was below --min-rate for a minute"
            return ServerError(sentence, hint=hint)
        case foreign.ProxyError():
            hint = "check HTTPS_PROXY and NO_PROXY"
            return TransientError(f"the proxy for {host} failed: {_cause(error)}", hint=hint)
        case foreign.SSLError() | ssl.SSLError():
            return _encryption_error(error, host)
        case foreign.NewConnectionError():
            hint = "check the address, the network and HTTPS_PROXY"
            return TransientError(f"{host} could not be reached: {_cause(error)}", hint=hint)
        case foreign.TimeoutError() | TimeoutError():
            return TransientError(f"{where} did not answer in time", hint="try again, or give a longer --timeout")
        case CutShortError() | foreign.IncompleteRead() | foreign.InvalidChunkLength():
            return TransientError(f"the answer from {where} was cut short")
        case OSError():
            return TransientError(f"the answer from {where} broke off: {_cause(error)}")
        case foreign.ProtocolError():
            truncated = isinstance(error.__context__, foreign.IncompleteRead) or "IncompleteRead" in str(error)
            what = "was cut short" if truncated else f"broke off: {_cause(error)}"
            return TransientError(f"the answer from {where} {what}")
    return TransientError(f"{where} sent an answer that HTTP does not allow: {_cause(error)}")


def _encryption_error(error: Exception, host: str) -> ServerError:
    """The error for a TLS connection that failed: ServerError if the certificate is not trusted, else TransientError."""
    if "CERTIFICATE_VERIFY_FAILED" not in str(error):
        return TransientError(f"the encrypted connection to {host} failed: {_cause(error)}")
    hint = "set SSL_CERT_FILE to the file of certificate authorities that your network uses"
    return ServerError(f"the certificate of {host} is not trusted: {_cause(error)}", hint=hint)


def _cause(error: BaseException) -> str:
    """The text of the innermost reason, without the names of objects and pools."""
    reason: BaseException = error
    while inner := getattr(reason, "reason", None) or getattr(reason, "original_error", None):
        if not isinstance(inner, BaseException):
            break
        reason = inner
    reason = reason.__cause__ if isinstance(reason.__cause__, OSError) else reason
    text = getattr(reason, "verify_message", None) or getattr(reason, "strerror", None) or str(reason)
    return re.sub(r"^<?\w+\(.*?\)>?: (Failed to establish a new connection: )?", "", str(text))


def urllib3_error_in(error: Exception) -> Exception | None:
    """The urllib3 error that another library, such as requests, wraps in its own; None if there is none."""
    wrapped = error.args[0] if error.args else None
    causes = (getattr(wrapped, "reason", None), wrapped)
    return next((cause for cause in causes if isinstance(cause, foreign.HTTPError)), None)
