"""The plainest answers are read here: each as urllib3 reads it, and every other answer by urllib3 itself."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from wheelhouse.errors import ServerError, TransientError
from wheelhouse.index import connections
from wheelhouse.index.connections import PacedSocket
from wheelhouse.index.http import Http, HttpSettings, Reply
from wheelhouse.index.pace import Pace
from wheelhouse.index.plain_answer import plain_answer

BODY = b"the bytes of a wheel"
PLAIN = b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 20\r\nETag:  "a"\r\n\r\n' + BODY
GZIPPED = bytes.fromhex("1f8b08000000000002034b04002343ddb701000000")
OTHERS = {
    "HTTP/1.0": PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "bare line feeds": PLAIN.replace(b"\r\n", b"\n"),
    "a folded field": PLAIN.replace(b"text/plain", b"text/plain;\r\n  charset=ascii"),
    "a name before a blank": PLAIN.replace(b"ETag:", b"ETag :"),
    "two lengths": PLAIN.replace(b"ETag:", b"Content-Length: 20\r\nETag:"),
    "no length": PLAIN.replace(b"Content-Length", b"X-Length"),
    "a length with a sign": PLAIN.replace(b": 20", b": +20"),
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunks and a length": PLAIN.replace(b"ETag:", b"Transfer-Encoding: identity\r\nETag:"),
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 21\r\n\r\n" + GZIPPED,
    "the connection ends": PLAIN.replace(b"ETag:", b"Connection: close\r\nETag:"),
    "bytes behind the body": PLAIN + b"HTTP/1.1 200 OK\r\n",
    "a continuation first": b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN,
    "a field that is not ASCII": PLAIN.replace(b"text/plain", "text/plain; x=ü".encode()),
    "no fields": b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
    "a status without a body": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n",
    "101 fields": PLAIN.replace(b"ETag:", b"".join(b"X-%d: 1\r\n" % number for number in range(99)) + b"ETag:"),
    "nothing": b"",
}
"""Answers that are not of the plainest kind."""


@contextmanager
def answering(*answers: Sequence[bytes]) -> Iterator[str]:
    """The address of a server that gives these answers on one connection after another, each in pieces."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for pieces in answers:
                connection, _ = listening.accept()
                with connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connection.recv(65536)
                    for piece in pieces:
                        connection.sendall(piece)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/file"
        thread.join(5)


def asked(answer: Sequence[bytes]) -> Reply | str:
    """What `Http` makes of an answer: the reply, or the sentence of the error."""
    with answering(answer) as url:
        http = Http(HttpSettings(timeout=5, retries=0))
        try:
            return http.get(url)
        except ServerError as error:
            return str(error).replace(url, "URL")
        finally:
            http.close()


def compared(reply: Reply | str) -> object:
    if isinstance(reply, str):
        return reply
    return reply.status, {name.lower(): text for name, text in reply.headers.items()}, reply.body


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "206 ", "200 "])
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_a_plain_answer_is_read_as_urllib3_reads_it(monkeypatch: pytest.MonkeyPatch, status: str, pieces: int) -> None:
    whole = PLAIN.replace(b"200 OK", status.encode())
    head = whole.index(BODY)
    answer = {1: [whole], 2: [whole[:head], BODY], 3: [whole[: head + 5], BODY[5:9], BODY[9:]]}[pieces]
    ours = compared(asked(answer))
    monkeypatch.setattr(connections, "plain_answer", lambda *_: None)
    assert ours == compared(asked(answer))
    assert isinstance(ours, tuple) and ours[2] == BODY


@pytest.mark.parametrize("kind", OTHERS)
def test_every_other_answer_is_left_to_urllib3(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    with socket.socket() as unused:
        assert plain_answer(OTHERS[kind], PacedSocket(unused, Pace())) is None
    ours = compared(asked([OTHERS[kind]]))
    monkeypatch.setattr(connections, "plain_answer", lambda *_: None)
    assert ours == compared(asked([OTHERS[kind]]))


def test_a_header_in_pieces_is_left_to_urllib3() -> None:
    reply = asked([PLAIN[:30], PLAIN[30:]])
    assert isinstance(reply, Reply) and reply.body == BODY


def test_a_body_that_is_cut_short_is_an_error() -> None:
    assert asked([PLAIN[:-1]]) == "the answer from URL was cut short"


def test_a_connection_serves_one_answer_after_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                for _ in range(3):
                    connection.recv(65536)
                    connection.sendall(PLAIN)

        threading.Thread(target=serve, daemon=True).start()
        http = Http(HttpSettings(timeout=5, retries=0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/file"
        assert [http.get(url).body for _ in range(3)] == [BODY] * 3
        http.close()


def test_an_answer_that_is_not_wanted_closes_its_connection() -> None:
    with answering([PLAIN], [PLAIN]) as url:
        http = Http(HttpSettings(timeout=5, retries=0))
        for _ in range(2):
            with http.open(url, {}) as response:
                assert response.status == 200 and "etag" in response.headers and not response.closed
        http.close()


def test_a_server_that_stops_in_the_body_is_an_error_that_a_retry_may_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        http = Http(HttpSettings(timeout=0.2, retries=0))

        def serve() -> None:
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.sendall(PLAIN[:-5])
            held.append(connection)

        held: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(TransientError, match="did not answer in time"):
            http.get(f"http://127.0.0.1:{listening.getsockname()[1]}/file")
        http.close()
        held[0].close()


def test_a_large_body_comes_in_large_pieces() -> None:
    """One read of TLS gives 16 kB at most, and each piece is hashed, written and told of."""
    body = bytes(range(256)) * 3000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    pieces = [head + body[:5000], *(body[at : at + 16000] for at in range(5000, len(body), 16000))]
    with answering(pieces) as url:
        http = Http(HttpSettings(timeout=5, retries=0))
        with http.open(url, {}) as response:
            chunks = list(http.chunks(response, url))
        http.close()
    assert b"".join(chunks) == body
    assert [len(chunk) for chunk in chunks] == [connections.CHUNK, connections.CHUNK, len(body) - 2 * connections.CHUNK]


def test_a_reader_may_want_less_than_what_came_with_the_header() -> None:
    with socket.socket() as unused:
        answer = plain_answer(PLAIN, PacedSocket(unused, Pace()))
    assert answer and [answer.read(8), answer.read(8), answer.read(8), answer.read(8)] == [
        BODY[:8],
        BODY[8:16],
        BODY[16:],
        b"",
    ]
