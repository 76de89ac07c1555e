"""An HTTP/1.1 server on 127.0.0.1 in threads: keep-alive, TLS if asked for, and answers sent as badly as they say."""

import contextlib
import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.replies import Ask, Reply

Site = Callable[[Ask], Reply]
_SMALL = 1 << 16
_TICKS = 20  # a second, while trickling


class Server(ThreadingHTTPServer):
    """Serves a site from when it is made until `stop`, which ends the connections that clients keep open."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, site: Site, tls: ssl.SSLContext | None = None) -> None:
        self.site = site
        self.tls = tls
        self.stopping = threading.Event()
        self.errors: list[BaseException] = []
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def server_bind(self) -> None:
        """Bind, and look no host name up, which can be slow and which nothing here needs."""
        socketserver.TCPServer.server_bind(self)

    def stop(self) -> None:
        """Close the door, wake whoever still waits on a connection, and see all of them off."""
        self.shutdown()
        self.server_close()
        with self._lock:
            self.stopping.set()
            still_open = dict(self._open)
        for connection in still_open:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in (*still_open.values(), self._thread):
            thread.join(5)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Converse over one connection, through TLS if there is any."""
        connection = request
        if self.tls:
            connection = self.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        with connection, self._tracked(connection) as welcome:
            if welcome:
                super().finish_request(connection, client_address)

    @contextlib.contextmanager
    def _tracked(self, connection: socket.socket) -> Iterator[bool]:
        with self._lock:
            welcome = not self.stopping.is_set()
            self._open[connection] = threading.current_thread()
        try:
            yield welcome
        finally:
            with self._lock:
                del self._open[connection]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what is not a client's hanging up: it is a mistake in the site."""
        error = sys.exception()
        if error and not isinstance(error, OSError):
            self.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.site(Ask(self.command, self.path, headers, self.client_address[1]))
        if self.server.stopping.wait(reply.delay):
            self.close_connection = True
        else:
            self._send(reply)

    do_HEAD = do_GET  # noqa: N815

    def _send(self, reply: Reply) -> None:
        if reply.reset:
            self._reset()
            return
        length = str(len(reply.body))
        body = b"" if self.command == "HEAD" or reply.status == 304 else reply.body[: reply.cut]
        self._write(_head(reply), body, reply.rate)
        if reply.cut is not None or reply.headers.get("Content-Length", length) != length:
            self.close_connection = True

    def _write(self, head: bytes, body: bytes, rate: int | None) -> None:
        if rate is None and len(body) <= _SMALL:
            self.connection.sendall(head + body)
            return
        self.connection.sendall(head)
        for part in [body] if rate is None else self._slowly(body, rate):
            self.connection.sendall(part)

    def _slowly(self, body: bytes, rate: int) -> Iterator[bytes]:
        step = max(rate // _TICKS, 1)
        for start in range(0, len(body), step):
            if self.server.stopping.wait(step / rate):
                return
            yield body[start : start + step]

    def _reset(self) -> None:
        """Close with nothing sent and no goodbye: SO_LINGER of 0 seconds makes that a RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def _head(reply: Reply) -> bytes:
    length = {} if reply.status == 304 else {"Content-Length": str(len(reply.body))}
    lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"]
    lines += [f"{name}: {value}" for name, value in {**length, **reply.headers}.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
