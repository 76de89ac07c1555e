"""Connections to servers and proxies, shared by threads, on urllib3. Foreign exceptions become ours here.

urllib3 in threads was the fastest of the clients that were measured on this job (docs/performance.md).
"""

import re
import socket
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
from wheelhouse.index.tls import Trust
from wheelhouse.index.urls import basic, host_of, origin_of, own_credentials, redact

CHUNK = 1 << 18
CONNECTIONS = 24
MAX_SERVERS = 10_000
"""Pools that a manager holds; it would close the eldest beyond that, while somebody reads from it."""


class Connections:
    """Pools of connections, one for each proxy and server. `timeout` is in seconds, for connecting and for each read.

    `proxies` maps a scheme to a proxy's address, as HTTPS_PROXY and the like give them; `no_proxy` is NO_PROXY's text.
    """

    def __init__(self, timeout: float, trust: Trust, proxies: Mapping[str, str], no_proxy: str) -> None:
        self._timeout, self._trust, self._proxies, self._no_proxy = timeout, trust, proxies, no_proxy
        self._managers: dict[str, urllib3.PoolManager] = {}
        self._pools: dict[tuple[str, str], HTTPConnectionPool] = {}
        self._guard = threading.Lock()

    def close(self) -> None:
        """Close all that nobody reads from."""
        for manager in self._managers.values():
            manager.clear()

    def get(self, url: str, bare: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """One GET of `bare`, which is `url` without credentials; nothing is followed. Raises ServerError or TransientError."""
        sent = {"Accept-Encoding": ACCEPT_ENCODING, **headers}
        with translated(url):
            pool, address = self._pool(bare)
            response = pool.urlopen("GET", address, headers=sent, preload_content=False, redirect=False, retries=False)
        response.url = bare
        return response

    def read(self, response: BaseHTTPResponse, url: str, *, as_sent: bool) -> bytes:
        """The next piece of a body, decompressed unless `as_sent`; empty at its end. Raises TransientError when it breaks off."""
        with translated(url):
            return response.read(CHUNK, decode_content=not as_sent)

    def _pool(self, url: str) -> tuple["HTTPConnectionPool | urllib3.PoolManager", str]:
        """What to ask, and by which address: a server's own pool, which is found sooner than a manager finds it."""
        manager, parts = self._manager(url), urlsplit(url)
        if manager.proxy:
            return manager, url
        origin = (parts.scheme, parts.netloc)
        pool = self._pools.get(origin) or self._pools.setdefault(origin, manager.connection_from_url(url))
        return pool, urlunsplit(("", "", parts.path or "/", parts.query, ""))

    def _manager(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxy = self._proxies.get(parts.scheme) or self._proxies.get("all", "")
        if proxy and bypasses(parts.hostname or "", self._no_proxy):
            proxy = ""
        with self._guard:
            if proxy not in self._managers:
                self._managers[proxy] = self._new_manager(proxy)
            return self._managers[proxy]

    def _new_manager(self, proxy: str) -> urllib3.PoolManager:
        context = self._trust.context()
        timeout = urllib3.Timeout(connect=self._timeout, read=self._timeout)
        if proxy:
            return _proxy_manager(proxy, maxsize=CONNECTIONS, ssl_context=context, timeout=timeout)
        manager = urllib3.PoolManager(MAX_SERVERS, maxsize=CONNECTIONS, ssl_context=context, timeout=timeout)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


def bypasses(host: str, no_proxy: str) -> bool:
    """Whether NO_PROXY's text says that a host is reached without a proxy."""
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # noqa: PLC0415  (slow to import)

    return bool(proxy_bypass_environment(host, {"no": no_proxy}))


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
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "it is none that a host can have"
            raise foreign.NewConnectionError(self, f"its name could not be looked up: {reason}") from error  # type: ignore[arg-type]
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


@contextmanager
def translated(url: str) -> Iterator[None]:
    """urllib3's exceptions become ours, each with its own sentence. Raises TransientError, or ServerError for what stays wrong."""
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


def urllib3_error_in(error: Exception) -> Exception | None:
    """The urllib3 error that another library, such as requests, wraps in its own; None where there is none."""
    wrapped = error.args[0] if error.args else None
    causes = (getattr(wrapped, "reason", None), wrapped)
    return next((cause for cause in causes if isinstance(cause, foreign.HTTPError)), None)
