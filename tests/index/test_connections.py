"""Proxies, addresses and errors of connections, with no server."""

import io
import socket
import ssl
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from urllib3 import exceptions as foreign
from urllib3.connection import HTTPConnection, HTTPSConnection

from wheelhouse.errors import ServerError, TransientError
from wheelhouse.index import connections
from wheelhouse.index.connections import PacedSocket, _Meter, _PacedReader, _TooSlowError
from wheelhouse.index.pace import Pace
from wheelhouse.index.plain_answer import CutShortError
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
        (foreign.IncompleteRead(3, 4), TransientError, "the answer from https://h.example/a was cut short"),
        (
            foreign.ProtocolError("IncompleteRead(3)"),
            TransientError,
            "the answer from https://h.example/a was cut short",
        ),
        (foreign.ProtocolError("reset"), TransientError, "the answer from https://h.example/a broke off: reset"),
        (
            foreign.DecodeError("gzip"),
            TransientError,
            "https://h.example/a sent an answer that HTTP does not allow: gzip",
        ),
        (connections._TooSlowError(), ServerError, "the answer from https://h.example/a came too slowly"),
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


TRY_PROXY = "check HTTPS_PROXY and NO_PROXY"
TRY_ADDRESS = "check the address, the network and HTTPS_PROXY"
TRY_TIMEOUT = "try again, or give a longer --timeout"
TRY_RATE = "try again later, use another mirror, or give a lower --min-rate"
TRY_AUTHORITIES = "set SSL_CERT_FILE to the file of certificate authorities that your network uses"
URL = "https://u:p@h.example/a?q=secret"


def untrusted(text: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "CERTIFICATE_VERIFY_FAILED")
    error.verify_message = text
    return error


def cut_inside() -> Exception:
    error = foreign.ProtocolError("broken")
    error.__context__ = foreign.IncompleteRead(3, 4)
    return error


def test_the_sentence_and_the_hint_of_every_error() -> None:
    own, page = "h.example", "https://h.example/a"
    refused = OSError(111, "refused")
    cases: list[tuple[Exception, type[ServerError], str, str | None]] = [
        (
            _TooSlowError(),
            ServerError,
            f"the answer from {page} came too slowly: its rate was below --min-rate for a minute",
            TRY_RATE,
        ),
        (foreign.ProxyError("no", refused), TransientError, f"the proxy for {own} failed: refused", TRY_PROXY),
        (
            foreign.SSLError(untrusted("self-signed")),
            ServerError,
            f"the certificate of {own} is not trusted: CERTIFICATE_VERIFY_FAILED",
            TRY_AUTHORITIES,
        ),
        (
            untrusted("self-signed"),
            ServerError,
            f"the certificate of {own} is not trusted: self-signed",
            TRY_AUTHORITIES,
        ),
        (
            ssl.SSLError(1, "handshake"),
            TransientError,
            f"the encrypted connection to {own} failed: handshake",
            None,
        ),
        (
            foreign.NewConnectionError(POOL, "refused"),
            TransientError,
            f"{own} could not be reached: refused",
            TRY_ADDRESS,
        ),
        (foreign.ConnectTimeoutError(POOL, "late"), TransientError, f"{page} did not answer in time", TRY_TIMEOUT),
        (foreign.ReadTimeoutError(POOL, "/", "late"), TransientError, f"{page} did not answer in time", TRY_TIMEOUT),
        (TimeoutError(), TransientError, f"{page} did not answer in time", TRY_TIMEOUT),
        (CutShortError(), TransientError, f"the answer from {page} was cut short", None),
        (foreign.IncompleteRead(3, 4), TransientError, f"the answer from {page} was cut short", None),
        (cut_inside(), TransientError, f"the answer from {page} was cut short", None),
        (foreign.ProtocolError("IncompleteRead(3)"), TransientError, f"the answer from {page} was cut short", None),
        (foreign.ProtocolError("reset"), TransientError, f"the answer from {page} broke off: reset", None),
        (
            ConnectionResetError(104, "reset by peer"),
            TransientError,
            f"the answer from {page} broke off: reset by peer",
            None,
        ),
        (foreign.DecodeError("x"), TransientError, f"{page} sent an answer that HTTP does not allow: x", None),
    ]
    for error, kind, sentence, hint in cases:
        ours = connections._translation(error, URL)
        assert (type(ours), str(ours), ours.hint) == (kind, sentence, hint), repr(error)


def test_a_cause_is_the_innermost_reason_without_names_of_objects() -> None:
    caused = foreign.ProtocolError("outer")
    caused.__cause__ = OSError(5, "inner")
    for error, text in {
        OSError(111, "refused"): "refused",
        OSError("odd"): "odd",
        caused: "inner",
        foreign.ProxyError("a", foreign.ProxyError("b", OSError(7, "deep"))): "deep",
        foreign.MaxRetryError(POOL, "/", foreign.ProtocolError("within")): "within",
        ValueError("<Pool(host='h')>: no route"): "no route",
        ValueError("Pool(host='h'): Failed to establish a new connection: no route"): "no route",
        ValueError("said Pool(h): no route"): "said Pool(h): no route",
    }.items():
        assert connections._cause(error) == text, repr(error)


# The pace


def test_each_period_of_waiting_counts_from_nothing() -> None:
    """Ten bytes a second over six seconds: sixty are enough and fifty-nine too few, in the second period as in the first."""
    rows: dict[str, tuple[list[tuple[float, int]], bool]] = {
        "the least": ([(6, 60)], False),
        "one byte too few": ([(6, 59)], True),
        "not yet a period": ([(5.5, 0)], False),
        "the second the least": ([(6, 60), (6, 60)], False),
        "the second too few": ([(6, 60), (6, 59)], True),
        "a fast first does not help the second": ([(6, 600), (6, 59)], True),
        "the second not yet a period": ([(6, 60), (5.5, 0)], False),
        "pieces of a period": ([(3, 30), (2, 20), (1, 10)], False),
        "pieces of a period, too few": ([(3, 30), (2, 20), (1, 9)], True),
    }
    for name, (pieces, slow) in rows.items():
        meter = _Meter(Pace(10, 6, lambda: 100.0))
        raised = False
        try:
            for waited, count in pieces:
                meter.count(100.0 - waited, count)
        except _TooSlowError:
            raised = True
        assert raised is slow, name


class Sock:
    """A socket that has `data`, and notes how it is shut down."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)
        self.shut: list[int] = []

    def recv(self, amount: int) -> bytes:
        return self._data.read(amount)

    def recv_into(self, buffer: memoryview) -> int:
        return self._data.readinto(buffer)

    def shutdown(self, how: int) -> None:
        self.shut.append(how)


def paced(*times: float) -> Pace:
    clock = iter(times)
    return Pace(1, 3, lambda: next(clock))


def test_a_socket_gives_what_comes_and_counts_it() -> None:
    sock: Any = Sock(b"abcdefg")
    source = PacedSocket(sock, paced(0, 2, 10, 12, 20, 23))
    buffer = bytearray(3)
    assert source.recv(2) == b"ab" and source.recv_into(memoryview(buffer)) == 3 and buffer == b"cde"
    with pytest.raises(_TooSlowError):
        source.recv(2)
    source.shutdown()
    assert sock.shut == [socket.SHUT_RD]
    with pytest.raises(_TooSlowError):
        PacedSocket(sock, paced(0, 3)).recv_into(memoryview(buffer))


def test_a_reader_gives_first_what_came_before() -> None:
    raw: Any = io.FileIO("/dev/null")
    reader = _PacedReader(raw, Pace(), b"abcde")
    assert reader.readable() and reader.is_head
    pieces = []
    for size in (2, 2, 2, 2):
        buffer = bytearray(size)
        pieces.append(bytes(buffer[: reader.readinto(buffer) or 0]))
    assert pieces == [b"ab", b"cd", b"e", b""]
    nothing: Any = SimpleNamespace(readinto=lambda _: None)
    assert _PacedReader(nothing, Pace()).readinto(bytearray(1)) == 0
    reader.close()
    assert raw.closed and reader.closed


def test_a_head_has_a_largest_size_and_a_body_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_HEAD_BYTES", 10)
    raw: Any = io.FileIO("/dev/zero")
    head, body = _PacedReader(raw, Pace()), _PacedReader(raw, Pace(), b"received before")
    assert head.readinto(bytearray(6)) == 6 and head.readinto(bytearray(4)) == 4
    with pytest.raises(foreign.ProtocolError, match=r"^more than 10 bytes of headers$"):
        head.readinto(bytearray(1))
    assert body.readinto(bytearray(20)) == 15 and body.readinto(bytearray(10)) == 10
    body.is_head = False
    assert body.readinto(bytearray(100)) == 100
    raw.close()


# Which pool, and what is sent


class NoTrust:
    def context(self) -> None: ...


def connected(proxies: dict[str, str], no_proxy: str = "") -> connections.Connections:
    trust: Any = NoTrust()
    return connections.Connections(7.5, trust, proxies, no_proxy, Pace())


def test_which_proxy_a_request_goes_through_and_what_its_line_names() -> None:
    both = {"https": "http://secure.example:1", "all": "http://any.example:2"}
    one = {"https": "http://secure.example:1"}
    rows: list[tuple[dict[str, str], str, str, str | None, str]] = [
        ({}, "", "https://h.example/a/b?q=1", None, "/a/b?q=1"),
        ({}, "", "https://h.example", None, "/"),
        ({}, "", "https://h.example?q", None, "/?q"),
        (one, "", "https://h.example/a?q", "secure.example", "https://h.example/a?q"),
        (one, "", "http://h.example/a?q", None, "/a?q"),
        (both, "", "https://h.example/a", "secure.example", "https://h.example/a"),
        (both, "", "http://h.example/a", "any.example", "http://h.example/a"),
        (both, "h.example", "https://h.example/a", None, "/a"),
        (both, "other.example", "https://h.example/a", "secure.example", "https://h.example/a"),
    ]
    for proxies, no_proxy, url, proxy, line in rows:
        pool, address = connected(proxies, no_proxy)._pool(url)
        used: Any = getattr(pool, "proxy", None)
        assert (used.host if used else None, address) == (proxy, line), (proxies, no_proxy, url)


def test_a_server_has_one_pool_and_a_proxy_one_manager() -> None:
    one = connected({"http": "http://proxy.example"})
    pool: Any = one._pool("https://h.example/a")[0]
    assert one._pool("https://h.example/b")[0] is pool and one._pool("https://h.example:8443/b")[0] is not pool
    assert (pool.host, pool.port, pool.ConnectionCls.__mro__[1:3]) == (
        "h.example",
        443,
        (connections._DirectConnection, connections._Paced),
    )
    assert (pool.timeout.connect_timeout, pool.timeout.read_timeout, pool.pool.maxsize) == (7.5, 7.5, 24)
    manager: Any = one._pool("http://h.example/a")[0]
    assert one._pool("http://other.example/a")[0] is manager and set(one._managers) == {"", "http://proxy.example"}
    assert manager.pool_classes_by_scheme is one._proxy_pools
    through = manager.connection_from_url("http://h.example/")
    assert (through.timeout.connect_timeout, through.timeout.read_timeout, through.pool.maxsize) == (7.5, 7.5, 24)
    cleared: list[str] = []
    for name, each in one._managers.items():
        each.clear = lambda name=name: cleared.append(name)  # type: ignore[method-assign,misc]
    one.close()
    assert sorted(cleared) == ["", "http://proxy.example"]


def test_closing_closes_the_pool_of_each_server() -> None:
    one = connected({})
    idle: list[HTTPConnection] = []
    closed: list[HTTPConnection] = []
    for url in ("https://h.example/a", "http://other.example/a"):
        pool: Any = one._pool(url)[0]
        connection = pool._get_conn()
        connection.close = lambda connection=connection: closed.append(connection)
        pool._put_conn(connection)
        idle.append(connection)
    closed.clear()
    one.close()
    assert closed == idle


def test_a_request_names_its_encodings_and_follows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one, asked = connected({}), []

    def urlopen(*words: str, **given: Any) -> SimpleNamespace:
        asked.append((*words, given))
        return SimpleNamespace(url="other")

    monkeypatch.setattr(one, "_pool", lambda bare: (SimpleNamespace(urlopen=urlopen), f"of {bare}"))
    response = one.get(URL, "https://h.example/a", {"X": "y"})
    one.get(URL, "https://h.example/a", {"Accept-Encoding": "identity"})
    assert response.url == "https://h.example/a" and [each[:2] for each in asked] == [
        ("GET", "of https://h.example/a"),
        ("GET", "of https://h.example/a"),
    ]
    sent = [each[2].pop("headers") for each in asked]
    assert sent == [{"Accept-Encoding": connections.ACCEPT_ENCODING, "X": "y"}, {"Accept-Encoding": "identity"}]
    assert asked[0][2] == {"preload_content": False, "redirect": False, "retries": connections.NEVER}
    assert (connections.NEVER.total, connections.NEVER.redirect) == (False, 0)


def test_what_the_bypass_of_proxies_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at all without a proxy: it is slow to load."""
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(connections, "bypasses", lambda *given: bool(asked.append(given)))
    connected({}, "n")._manager("https://h.example/")
    assert asked == []
    one = connected({"https": "http://proxy.example"}, "n")
    one._manager("https://H.example:1/a")
    one._manager("https:///a")
    assert asked == [("h.example", "n"), ("", "n")]


def test_an_answer_waits_for_its_own_time_and_its_body_has_no_head(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, ...]] = []
    kind: Any = connections._pool_classes(connections._ProxyConnection, Pace())["http"].ConnectionCls
    connection = kind("h.example")
    sock: Any = Sock(b"HTTP/1.0 200 OK\r\n")
    sock.settimeout = lambda seconds: seen.append(("timeout", seconds))
    connection.sock, connection.timeout = sock, 3.5

    def getresponse(self: Any) -> str:
        seen.append((self._received, self._answer))
        self._reader = SimpleNamespace(is_head=True)
        return "the answer"

    monkeypatch.setattr(HTTPConnection, "getresponse", getresponse)
    assert connection.getresponse() == "the answer" and connection._reader.is_head is False
    assert seen == [("timeout", 3.5), (b"HTTP/1.0 200 OK\r\n", None)]
    assert (connection._received, connection._answer) == (b"", None)


@pytest.mark.parametrize("as_sent", [True, False])
def test_a_body_is_decompressed_unless_it_is_wanted_as_sent(as_sent: bool) -> None:
    asked: list[tuple[int, bool]] = []
    response: Any = SimpleNamespace(read=lambda size, decode_content: asked.append((size, decode_content)) or b"x")
    assert connected({}).read(response, URL, as_sent=as_sent) == b"x" and asked == [(1 << 18, not as_sent)]


def test_what_breaks_off_is_an_error_of_ours() -> None:
    def read(*_: object, **__: object) -> bytes:
        raise ConnectionResetError(104, "reset by peer")

    response: Any = SimpleNamespace(read=read)
    with pytest.raises(TransientError, match=r"^the answer from https://h.example/a broke off: reset by peer$"):
        connected({}).read(response, URL, as_sent=True)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(2, "no such name"), "no such name"),
        (OSError(), "the name is not valid for a host"),
        (UnicodeError("label too long"), "the name is not valid for a host"),
    ],
)
def test_a_name_that_has_no_address_is_said(monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    asked: list[tuple[str, int]] = []

    def of(*where: Any) -> str:
        asked.append(where)
        raise error

    monkeypatch.setattr(connections._addresses, "of", of)
    connection: Any = connections._pool_classes(connections._DirectConnection, Pace())["http"].ConnectionCls(
        "h.example"
    )
    connection.port = None
    with pytest.raises(foreign.NewConnectionError, match=f": its name could not be looked up: {reason}$"):
        connection._new_conn()
    assert asked == [("h.example", 80)] and connection._dns_host == "h.example"


def test_the_name_of_a_connection_stays_after_its_address_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections._addresses, "of", lambda *_: "192.0.2.1")
    monkeypatch.setattr(HTTPConnection, "_new_conn", lambda self: self._dns_host)
    classes = connections._pool_classes(connections._DirectConnection, Pace(1, 2))
    assert [(kind.__name__, kind.ConnectionCls.__name__) for kind in classes.values()] == [
        ("Pool", "Connection"),
        ("SecurePool", "SecureConnection"),
    ]
    for scheme, kind in {"http": HTTPConnection, "https": HTTPSConnection}.items():
        connection: Any = classes[scheme].ConnectionCls("h.example")
        assert isinstance(connection, kind) and connection.pace == Pace(1, 2)
        assert (connection._new_conn(), connection._dns_host) == ("192.0.2.1", "h.example")


def test_a_host_is_looked_up_once_for_each_port(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(connections, "_reachable", lambda *where: asked.append(where) or f"address {len(asked)}")
    looked_up = connections._Addresses()
    found = [looked_up.of(*where) for where in (("h", 80), ("h", 443), ("h", 80), ("g", 80))]
    assert found == ["address 1", "address 2", "address 1", "address 3"]
    assert asked == [("h", 80), ("h", 443), ("g", 80)]
