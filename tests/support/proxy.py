"""A small forward proxy on 127.0.0.1: CONNECT for https, absolute addresses for http, with a user if one is wanted."""

import base64
import select
import socket
import socketserver
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """A context manager; `asked` are the hosts that somebody wanted to reach, `auth` a user and a password.

    `places` names what is reached in the place of a host and port that CONNECT asks for.
    """

    def __init__(
        self, auth: tuple[str, str] | None = None, places: Mapping[str, tuple[str, int]] | None = None
    ) -> None:
        self.asked: list[str] = []
        self.places = places or {}
        self.auth = "Basic " + base64.b64encode(":".join(auth).encode()).decode() if auth else None
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Its address, as HTTPS_PROXY takes it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_CONNECT(self) -> None:
        if not self._admitted(self.path):
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection(self.server.proxy.places.get(self.path, (host, int(port)))) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._pass_on(there)
        self.close_connection = True

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if not self._admitted(parts.netloc):
            return
        kept = [f"{name}: {value}" for name, value in self.headers.items() if name.lower() != "proxy-authorization"]
        path = parts._replace(scheme="", netloc="").geturl()
        head = "\r\n".join([f"GET {path} HTTP/1.1", *kept, "Connection: close", "", ""])
        with socket.create_connection((parts.hostname or "", parts.port or 80)) as there:
            there.sendall(head.encode("latin-1"))
            while data := there.recv(1 << 16):
                self.wfile.write(data)
        self.close_connection = True

    def _admitted(self, host: str) -> bool:
        self.server.proxy.asked.append(host)
        if self.server.proxy.auth in (None, self.headers.get("Proxy-Authorization")):
            return True
        self.send_response(407)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _pass_on(self, there: socket.socket) -> None:
        sides = {self.connection: there, there: self.connection}
        while True:
            for side in select.select(list(sides), [], [])[0]:
                data = side.recv(1 << 16)
                if not data:
                    return
                sides[side].sendall(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
