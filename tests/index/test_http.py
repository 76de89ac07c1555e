"""What a server may send: redirects, and how much, and how slowly."""

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.index import Fault, IndexServer
from tests.support.tls import make_certificate
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError, ServerError, TransientError
from wheelhouse.events import Event
from wheelhouse.humanize import parse_size
from wheelhouse.index.connections import _PacedReader, _TooSlowError
from wheelhouse.index.download import Download, TooLargeError
from wheelhouse.index.http import Http, HttpSettings, StoppedError
from wheelhouse.index.pace import Pace
from wheelhouse.index.ranged import ranged_metadata
from wheelhouse.index.tls import Trust


@contextmanager
def asking(**settings: object) -> Iterator[Http]:
    http = Http(HttpSettings(timeout=5, retries=0, **settings))  # type: ignore[arg-type]
    try:
        yield http
    finally:
        http.close()


def test_a_redirect_from_https_to_http_is_refused_and_to_https_followed(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    trust = Trust(ca_file=str(certificate.authority))
    with IndexServer(tls=certificate.pair) as secure, IndexServer() as plain, asking(trust=trust) as http:
        plain.put("/there", b"plain")
        secure.put("/there", b"secure")
        secure.faults.append(Fault("/here", "redirect", times=None, to=f"{plain.origin}/there?token=secret"))
        with pytest.raises(
            ServerError, match=rf"redirects from https to http \({plain.origin}/there\), which"
        ) as error:
            http.get(f"{secure.origin}/here")
        assert "secret" not in str(error.value)
        assert not plain.requests
        secure.faults[:] = [Fault("/here", "redirect", times=None, to=f"{secure.origin}/there")]
        assert http.get(f"{secure.origin}/here").body == b"secure"
        plain.faults.append(Fault("/here", "redirect", times=None, to=f"{secure.origin}/there"))
        assert http.get(f"{plain.origin}/here").body == b"secure"
        plain.faults[:] = [Fault("/here", "redirect", times=None, to=f"{secure.origin}/here")]
        secure.faults[:] = [Fault("/here", "redirect", times=None, to="/there")]
        assert http.get(f"{plain.origin}/here").body == b"secure"
        plain.faults[:] = [Fault("/here", "redirect", times=None, to="/there")]
        assert http.get(f"{plain.origin}/here").body == b"plain"


def test_a_failure_after_the_end_of_a_run_is_no_retry() -> None:
    events: list[Event] = []
    http = Http(HttpSettings(timeout=5, retries=3), on_event=events.append)
    http.close()

    def attempt() -> None:
        raise TransientError("the pool is closed")

    with pytest.raises(StoppedError):
        http.retrying("a", attempt)
    assert not events


def test_a_second_redirect_is_held_to_https_too(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    trust = Trust(ca_file=str(certificate.authority))
    with IndexServer(tls=certificate.pair) as secure, IndexServer() as plain, asking(trust=trust) as http:
        plain.put("/there", b"plain")
        secure.faults += [
            Fault("/first", "redirect", times=None, to="/second"),
            Fault("/second", "redirect", times=None, to=f"{plain.origin}/there"),
        ]
        with pytest.raises(ServerError, match="redirects from https"):
            http.get(f"{secure.origin}/first")
        assert not plain.requests


# How much, and how slowly


class Raw:
    """A server that answers each connection with `head`, and then with `piece` for ever."""

    def __init__(self, head: bytes, piece: bytes, pause: float = 0.0) -> None:
        self._head, self._piece, self._pause = head, piece, pause
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.01)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/app.whl"
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError):
                connection, _ = self._listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(self._head)
                    while not self._stop.wait(self._pause):
                        connection.sendall(self._piece)

    def __enter__(self) -> "Raw":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()


class Clock:
    """A clock that is ten seconds later each time somebody looks."""

    seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 10
        return self.seconds


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"


@pytest.mark.parametrize(
    "head", [OK + b"Content-Length: 99999999\r\n\r\n", OK + b"\r\n", OK + b"X: "], ids=["size", "no size", "header"]
)
def test_a_server_that_drips_is_given_up(head: bytes) -> None:
    pace = Pace(1000, 60, Clock())
    with (
        Raw(head, b"x", pause=0.001) as server,
        asking(pace=pace) as http,
        pytest.raises(ServerError, match="came too slowly") as error,
    ):
        http.get(server.url)
    assert "--min-rate" in (error.value.hint or "")


def test_what_comes_before_a_body_is_bounded() -> None:
    """http.client reads any number of answers `100 Continue`: a fast server that sends no other held a run for ever."""
    with (
        Raw(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000) as server,
        asking() as http,
        pytest.raises(ServerError, match=r"broke off: .*bytes of headers"),
    ):
        http.get(server.url)


def test_a_server_that_keeps_the_pace_is_waited_for() -> None:
    with IndexServer() as server, asking(pace=Pace(1000, 60, Clock())) as http:
        body = b"x" * 40_000_000
        assert http.get(server.put("/large", body)).body == body


@pytest.mark.parametrize("seconds", [59.0, 61.0])
def test_the_pace_counts_the_time_of_waiting_alone(seconds: float) -> None:
    """A program that is slow to write what it read does not make the server slow."""
    times = iter([0.0, seconds / 2, 1000.0, 1000.0 + seconds / 2])
    reader = _PacedReader(io.FileIO("/dev/zero"), Pace(1000, 60, lambda: next(times)))
    assert reader.read(10)
    if seconds < 60:
        assert reader.read(10)
    else:
        with pytest.raises(_TooSlowError):
            reader.read(10)
    reader.close()


def downloaded(url: str, path: Path, http: Http, size: int | None = None) -> None:
    path.touch()
    http.retrying("app.whl", Download(http, url, path, "app.whl", size, lambda _: None).run)


@pytest.mark.parametrize("head", [OK + b"\r\n", OK + b"Content-Length: 99999999\r\n\r\n"], ids=["no size", "size"])
def test_a_file_that_is_too_large_is_given_up_and_leaves_nothing(tmp_path: Path, head: bytes) -> None:
    with (
        Raw(head, b"x" * 10_000) as server,
        asking(max_file_bytes=100_000) as http,
        pytest.raises(TooLargeError, match=r"`app.whl` at .* is larger than 100.0 kB") as error,
    ):
        downloaded(server.url, tmp_path / "f", http)
    assert "--max-file-size" in (error.value.hint or "")
    assert (tmp_path / "f").read_bytes() == b""


def test_a_file_whose_index_says_that_it_is_too_large_is_not_requested(tmp_path: Path) -> None:
    with asking(max_file_bytes=100_000) as http, pytest.raises(TooLargeError):
        downloaded("http://127.0.0.1:1/app.whl", tmp_path / "f", http, size=100_001)


def test_a_page_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelhouse.index.http.MAX_REPLY_BYTES", 3 << 20)
    with (
        Raw(OK + b"\r\n", b"x" * 100_000) as server,
        asking() as http,
        pytest.raises(ServerError, match="answered with more than 3 MiB"),
    ):
        http.get(server.url)


def test_the_tail_of_a_wheel_does_not_end_later_than_it_says() -> None:
    head = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-99/100\r\n\r\n"
    with (
        Raw(head, b"x" * 100_000) as server,
        asking() as http,
        pytest.raises(ServerError, match="answered with more than"),
    ):
        ranged_metadata(http, server.url, "app.whl")


def test_the_limits_can_be_set(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "offered", "app", "1.0", files={"app/data.bin": bytes(3000)})
    with IndexServer(wheel.parent) as server:
        words = ("fetch", "app", "--python", "3.12", "--index", server.url, "--max-file-size")
        refused = wheelhouse(*words, "500", cwd=tmp_path)
        assert refused.returncode == 4
        assert "is larger than 500 bytes" in refused.stderr and "--max-file-size" in refused.stderr
        assert wheelhouse(*words, "1.5 MB", "--min-rate", "0", cwd=tmp_path).returncode == 0
        assert wheelhouse(*words, "much", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500", 500),
        ("1099511627776", 1 << 40),
        ("1kB", 1000),
        ("1.5 MB", 1_500_000),
        ("5GB", 5_000_000_000),
        ("2GiB", 2 << 30),
        ("3g", 3_000_000_000),
        ("1 TiB", 1 << 40),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1 XB", "1e9", "nan", "5 GB/s", "9" * 40])
def test_a_text_that_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a size"):
        parse_size(text)
