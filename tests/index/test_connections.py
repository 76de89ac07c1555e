"""Proxies, addresses and errors of connections, with no server."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from urllib3 import exceptions as foreign
from urllib3.connection import HTTPConnection

from wheelhouse.errors import ServerError, TransientError
from wheelhouse.index import connections
from wheelhouse.index.pace import Pace
from wheelhouse.index.urls import basic


@pytest.mark.parametrize(
    ("host", "no_proxy", "expected"),
    [("h.example", "example", True), ("h.example", "*", True), ("h.example", "other", False), ("h", "", False)],
)
def test_which_hosts_need_no_proxy(host: str, no_proxy: str, expected: bool) -> None:
    assert connections.bypasses(host, no_proxy) is expected


@pytest.mark.parametrize(
    ("proxy", "address", "header"),
    [
        ("proxy.example:8080", "http://proxy.example:8080", None),
        ("https://proxy.example", "https://proxy.example:443", None),
        ("http://me:p%40w@proxy.example", "http://proxy.example:80", basic("me", "p@w")),
        ("http://me@[::1]:3128", "http://[::1]:3128", basic("me", "")),
    ],
)
def test_a_proxys_credentials_are_in_its_own_header(
    monkeypatch: pytest.MonkeyPatch, proxy: str, address: str, header: str | None
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(connections.urllib3, "ProxyManager", lambda where, **given: calls.append((where, given)))
    connections._proxy_manager(proxy, ssl_context="context", maxsize=3)
    headers = {"Proxy-Authorization": header} if header else None
    given = {"proxy_headers": headers, "proxy_ssl_context": "context", "ssl_context": "context", "maxsize": 3}
    assert calls == [(address, given)]


POOL: Any = SimpleNamespace(host="h")


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (foreign.ProxyError("no", OSError(111, "refused")), TransientError, "the proxy for h.example failed: refused"),
        (foreign.SSLError("CERTIFICATE_VERIFY_FAILED"), ServerError, "the certificate of h.example is not trusted"),
        (foreign.SSLError("handshake"), TransientError, "the encrypted connection to h.example failed: handshake"),
        (foreign.NewConnectionError(POOL, "refused"), TransientError, "h.example could not be reached: refused"),
        (foreign.ReadTimeoutError(POOL, "/", "late"), TransientError, "https://h.example/a did not answer in time"),
        (foreign.IncompleteRead(3, 4), TransientError, "https://h.example/a was cut short"),
        (foreign.ProtocolError("IncompleteRead(3)"), TransientError, "https://h.example/a was cut short"),
        (foreign.ProtocolError("reset"), TransientError, "https://h.example/a broke off: reset"),
        (
            foreign.DecodeError("gzip"),
            TransientError,
            "https://h.example/a sent an answer that HTTP does not allow: gzip",
        ),
        (connections._TooSlowError(), ServerError, "https://h.example/a came too slowly"),
    ],
)
def test_an_error_of_the_connection_is_one_of_ours(error: Exception, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(ServerError) as caught, connections.translated("https://u:p@h.example/a?q=secret"):
        raise error
    assert type(caught.value) is kind and str(caught.value).startswith(sentence)


def test_the_urllib3_error_in_another_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = foreign.ProtocolError("reset")
    assert connections.urllib3_error_in(OSError(inner)) is inner
    assert connections.urllib3_error_in(OSError(SimpleNamespace(reason=inner))) is inner
    assert connections.urllib3_error_in(OSError("x")) is None and connections.urllib3_error_in(OSError()) is None


def addresses(*names: str) -> Iterator[tuple[Any, ...]]:
    return iter([(2, 1, 6, "", (name, 443)) for name in names])


@pytest.mark.parametrize(
    ("names", "refused", "expected"),
    [(("a",), {"a"}, "a"), (("a", "b"), set(), "a"), (("a", "b", "c"), {"a"}, "b"), (("a", "b"), {"a", "b"}, "b")],
)
def test_the_first_address_that_accepts_a_connection_is_taken(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], refused: set[str], expected: str
) -> None:
    def connect(where: tuple[str, int], timeout: float) -> SimpleNamespace:
        assert where[1] == 443 and timeout == 2
        if where[0] in refused:
            raise OSError
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(connections.socket, "getaddrinfo", lambda *_, **__: addresses(*names))
    monkeypatch.setattr(connections.socket, "create_connection", connect)
    looked_up = connections._Addresses()
    assert looked_up.of("h.example", 443) == looked_up.of("h.example", 443) == expected


@pytest.mark.parametrize(("scheme", "port"), [("http", 8080), ("https", 8443)])
def test_an_address_is_looked_up_for_the_port_of_the_connection(
    monkeypatch: pytest.MonkeyPatch, scheme: str, port: int
) -> None:
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(connections._addresses, "of", lambda *where: asked.append(where) or "192.0.2.1")
    monkeypatch.setattr(HTTPConnection, "_new_conn", lambda self: self._dns_host)
    kind = connections._pool_classes(connections._DirectConnection, Pace())[scheme].ConnectionCls
    connection: Any = kind("[2001:db8::1]", port)
    assert connection._new_conn() == "192.0.2.1" and asked == [("2001:db8::1", port)]
