"""The HTTP server of `review`: it listens on the loopback address alone, until it is interrupted."""

import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wheelhouse.errors import MachineError
from wheelhouse.review.access import ADDRESS, Access, Request
from wheelhouse.review.application import SAFE, Answer, Application

MAX_BODY_BYTES, MAX_LENGTH_DIGITS = 1 << 20, 20
IDLE_SECONDS = 20
"""How long a connection may stay silent; browsers open some in advance."""


class LoopbackServer(ThreadingHTTPServer):
    """Answers the requests of one review. Closed with `server_close`."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        """Listen on a port, on any free one for 0. Raises MachineError."""
        self.application: Application | None = None
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            hint = "choose a different port with --port, or leave --port out"
            raise MachineError(f"cannot listen on {ADDRESS}, port {port}: {error.strerror}", hint=hint) from error
        token, place, cookie = (secrets.token_urlsafe(32) for _ in range(3))
        self.access = Access(self.server_address[1], token, place, cookie)

    def run(self, application: Application, on_ready: Callable[[str], None]) -> None:
        """Answer requests until interrupted: KeyboardInterrupt goes to the caller. `on_ready` gets the one-time address
        before the first.
        """
        self.application = application
        on_ready(self.access.address)
        self.serve_forever()

    def handle_error(self, request: object, client_address: object) -> None:
        """Do nothing, whatever the error, so it is not seen: a browser that ends a connection is no error."""


class _Handler(BaseHTTPRequestHandler):
    """Turns one HTTP request into a `Request`, and writes the answer. One request a connection (HTTP/1.0)."""

    server: LoopbackServer
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """Answer a request without a body."""
        self._respond(b"")

    def do_POST(self) -> None:
        """Answer a request with a body: with 413, unread, if it is too long or does not say its length."""
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or len(length) > MAX_LENGTH_DIGITS or int(length) > MAX_BODY_BYTES:
            self._send(Answer(413, b"the request is too long, or does not say its length\n"))
            return
        self._respond(self.rfile.read(int(length)))

    def _respond(self, body: bytes) -> None:
        """Send the application's answer to a request with this body; nothing before there is an application."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        application = self.server.application
        if application is not None:
            self._send(application.answer(Request(self.command, self.path, headers, body)))

    def _send(self, answer: Answer) -> None:
        """Write an answer with its headers, and with those of SAFE where it has none of its own."""
        self.send_response_only(answer.status)
        for name, value in {**SAFE, **answer.headers, "content-type": answer.kind}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (the base class names it so)
        """Write no log: addresses hold secrets."""
