"""Requests of a store that get lost on the way."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wheelhouse.files.object_store import LostError, ObjectStore, StoreError


class Handler(BaseHTTPRequestHandler):
    """Ends the connection of the first so many removals before it answers."""

    protocol_version = "HTTP/1.1"
    lost = requests = 0

    def do_DELETE(self) -> None:
        type(self).requests += 1
        if self.requests <= self.lost:
            self.close_connection = True
            return
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Handler]]:
    own = type("Own", (Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), own) as server:
        names = {"ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "ACCESS_KEY_ID": "x", "REGION": "r"}
        for name, value in {**names, "SECRET_ACCESS_KEY": "x"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield own
        server.shutdown()


def test_a_removal_that_got_lost_is_sent_again(handler: type[Handler]) -> None:
    handler.lost = 1
    ObjectStore("s3://bucket/folder", allow_http=True).remove("key/")
    assert handler.requests == 2


def test_a_removal_that_gets_lost_again_is_an_error(handler: type[Handler]) -> None:
    handler.lost = 100
    with pytest.raises(LostError, match="ended the connection before it answered"):
        ObjectStore("s3://bucket/folder", allow_http=True).remove("key/")


def test_a_store_that_is_not_there_lost_nothing(handler: type[Handler], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreError, match="does not answer") as caught:
        ObjectStore("s3://bucket/folder", allow_http=True).remove("key/")
    assert not isinstance(caught.value, LostError)
