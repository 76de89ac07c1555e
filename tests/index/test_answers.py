"""What is made of a server's answers, with no server: redirects, credentials, statuses, retries, limits."""

import email.utils
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.answers import Answer, asking
from wheelhouse.errors import ServerError, TransientError
from wheelhouse.events import Answered, Retrying
from wheelhouse.index import http
from wheelhouse.index.http import StoppedError, UnauthorizedError
from wheelhouse.index.urls import basic


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.random, "uniform", lambda low, high: low)


# Redirects


@pytest.mark.parametrize("count", [5, 6])
def test_five_redirects_are_followed(count: int) -> None:
    def site(url: str, _: Mapping[str, str]) -> Answer:
        number = int(url.partition("?")[0].rpartition("/")[2])
        return Answer(302, Location=str(number + 1)) if number < count else Answer(200, b"end")

    client, fake, _ = asking(site)
    if count == 5:
        reply = client.get("https://h.example/0")
        assert (reply.url, reply.body) == ("https://h.example/5", b"end")
        assert all(answer.closed for answer in fake.answers[:-1])
    else:
        with pytest.raises(ServerError, match=r"https://h.example/0 redirects more than 5 times"):
            client.get("https://h.example/0?token=x")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_each_status_of_a_redirect_is_followed(status: int) -> None:
    client, _, _ = asking(lambda url, _: Answer(status, Location="/b") if url.endswith("/a") else Answer(200, b"b"))
    assert client.get("https://h.example/a").body == b"b"


@pytest.mark.parametrize("answer", [Answer(300, Location="/b"), Answer(304, Location="/b")])
def test_other_statuses_are_no_redirect(answer: Answer) -> None:
    client, fake, _ = asking(lambda *_: answer)
    if answer.status == 304:
        assert client.get("https://h.example/a").status == 304
    else:
        with pytest.raises(ServerError, match="answered 300"):
            client.get("https://h.example/a")
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("start", "target", "sentence"),
    [
        (
            "https://h.example/a",
            "http://h.example/b?t=secret",
            "redirects from https to http \\(http://h.example/b\\), which",
        ),
        ("http://h.example/a", "ftp://h.example/b", "redirects to an address that is neither http nor https"),
        ("https://h.example/a", "https://h:99999/", "redirects to an address that is neither http nor https"),
        ("https://h.example/a", "https://[x/", "redirects to an address that is neither http nor https"),
        ("https://h.example/a", "file:///etc/passwd", "redirects to an address that is neither http nor https"),
    ],
)
def test_a_redirect_that_is_not_safe_is_refused(start: str, target: str, sentence: str) -> None:
    client, fake, _ = asking(lambda *_: Answer(302, Location=target))
    with pytest.raises(ServerError, match=sentence) as caught:
        client.get(start)
    assert len(fake.requests) == 1 and "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "header"),
    [
        ("https://h.example/b", "Bearer own"),
        ("https://h.example:443/b", "Bearer own"),
        ("https://h.example:8443/b", None),
        ("https://other.example/b", None),
    ],
)
def test_a_header_of_the_caller_stays_on_its_server(target: str, header: str | None) -> None:
    client, fake, _ = asking(lambda url, _: Answer(302, Location=target) if url.endswith("/a") else Answer())
    client.get("https://h.example/a", {"Authorization": "Bearer own", "X": "y"})
    assert fake.authorizations == ["Bearer own", header]
    assert [headers["X"] for _, _, headers in fake.requests] == ["y", "y"]


# Credentials


def test_credentials_are_in_a_header_and_never_in_the_url() -> None:
    client, fake, _ = asking(lambda *_: Answer(), user_agent="agent/1")
    client.get("https://me:p%40w@H.example:8443/a/b?q=1#f")
    assert fake.requests == [
        (
            "https://me:p%40w@H.example:8443/a/b?q=1#f",
            "https://h.example:8443/a/b?q=1",
            {"User-Agent": "agent/1", "Authorization": basic("me", "p@w")},
        )
    ]


def test_other_credentials_are_sent_after_a_refusal_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client, fake, _ = asking(lambda _, headers: Answer(200 if headers.get("Authorization") == "B" else 401))
    offers = iter([None, "A", "B"])
    refused: list[list[str | None]] = []

    def auth(_: str, before: list[str | None] | tuple[()] = ()) -> str | None:
        refused.append(list(before))
        return next(offers, None)

    monkeypatch.setattr(client.credentials, "auth", auth)
    assert client.get("https://h.example/a").status == 200
    assert fake.authorizations == [None, "A", "B"] and refused == [[], [None], [None, "A"]]
    assert [answer.closed for answer in fake.answers] == [True, True, True]


def test_a_refusal_says_who_refused() -> None:
    client, fake, _ = asking(lambda *_: Answer(401, WWW_Authenticate="Bearer realm=x"))
    with pytest.raises(UnauthorizedError, match=r"^https://h.example/a answered 401$") as caught:
        client.get("https://h.example/a?q=secret")
    assert caught.value.challenge == "Bearer realm=x" and caught.value.url == "https://h.example/a?q=secret"
    assert caught.value.hint and len(fake.requests) == 1


def test_a_refusal_after_a_redirect_says_where_it_led() -> None:
    client, _, _ = asking(lambda url, _: Answer(302, Location="/b") if url.endswith("/a") else Answer(401))
    with pytest.raises(UnauthorizedError) as refused:
        client.get("https://h.example/a")
    assert refused.value.url == "https://h.example/b"


@pytest.mark.parametrize(("status", "hinted"), [(400, False), (403, True), (407, True), (405, False), (501, False)])
def test_a_status_that_is_no_answer_is_an_error(status: int, hinted: bool) -> None:
    client, fake, _ = asking(lambda *_: Answer(status))
    with pytest.raises(ServerError, match=f"^https://h.example/a answered {status}$") as caught:
        client.get("https://h.example/a")
    assert not isinstance(caught.value, TransientError | UnauthorizedError)
    assert bool(caught.value.hint) is hinted and len(fake.requests) == 1


@pytest.mark.parametrize("status", [200, 204, 299, 304, 404, 410, 416])
def test_a_status_that_is_an_answer_is_left_to_the_caller(status: int) -> None:
    client, fake, _ = asking(lambda *_: Answer(status, b"body", X="y"))
    reply = client.get("https://h.example/a")
    assert (reply.status, reply.body, reply.headers["X"]) == (status, b"body", "y")
    assert fake.answers[0].closed and not client._live


@pytest.mark.parametrize(("status", "expected"), [(206, True), (200, True), (416, True), (404, False), (410, False)])
def test_one_byte_tells_whether_a_file_is_there(status: int, expected: bool) -> None:
    client, fake, _ = asking(lambda *_: Answer(status))
    assert client.has("https://h.example/a") is expected
    headers = fake.requests[0][2]
    assert (headers["Range"], headers["Accept-Encoding"]) == ("bytes=0-0", "identity")


# Retries


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    client, fake, events = asking(lambda *_: Answer(status if len(fake.requests) < 3 else 200), retries=2)
    waits: list[float] = []
    monkeypatch.setattr(client._stop, "wait", waits.append)
    assert client.get("https://h.example/a", subject="the page").status == 200
    assert waits == [0.25, 0.5]
    assert [(one.subject, one.seconds) for one in events if isinstance(one, Retrying)] == [
        ("the page", 0.25),
        ("the page", 0.5),
    ]


def test_a_server_that_stays_busy_is_an_error_after_the_last_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    client, fake, _ = asking(lambda *_: Answer(503), retries=7)
    waits: list[float] = []
    monkeypatch.setattr(client._stop, "wait", waits.append)
    with pytest.raises(TransientError, match=r"^https://h.example/a answered 503 Busy$") as caught:
        client.get("https://h.example/a")
    assert len(fake.requests) == 8 and waits == [0.25, 0.5, 1, 2, 4, 8, 8] and caught.value.hint


@pytest.mark.parametrize(("text", "waits"), [("20", [20.0]), ("0", [0.0]), ("21", []), ("soon", [0.25]), ("", [0.25])])
def test_a_wait_that_the_server_asks_for_is_kept_up_to_a_limit(
    text: str, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _, _ = asking(lambda *_: Answer(503, Retry_After=text), retries=1)
    waited: list[float] = []
    monkeypatch.setattr(client._stop, "wait", waited.append)
    with pytest.raises(TransientError):
        client.get("https://h.example/a")
    assert waited == waits


@pytest.mark.parametrize(("seconds", "expected"), [(90, 90), (-90, 0)])
def test_a_wait_may_be_a_date(seconds: int, expected: float) -> None:
    date = email.utils.format_datetime(datetime.fromtimestamp(int(time.time()) + seconds, UTC), usegmt=True)
    wait = http._retry_after(Answer(503, Retry_After=date))  # type: ignore[arg-type]
    assert wait is not None and expected - 5 <= wait <= expected


def test_the_seconds_of_an_answer_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 100.12345])
    client, _, events = asking(lambda *_: Answer())
    monkeypatch.setattr(http.time, "monotonic", lambda: next(clock))
    client._send("https://u:p@h.example/a", {}, None)
    assert events == [Answered("https://h.example/a", 200, 0.123)]


def test_what_was_stopped_is_not_retried() -> None:
    client, fake, _ = asking(lambda *_: Answer(503), retries=3)
    client._stop.set()
    with pytest.raises(StoppedError):
        client.get("https://h.example/a")
    assert len(fake.requests) == 1


@pytest.mark.parametrize(("size", "fits"), [(2 << 20, True), ((2 << 20) + 1, False)])
def test_no_more_is_read_than_allowed(size: int, fits: bool) -> None:
    client, _, _ = asking(lambda *_: Answer(200, b"x" * size))
    if fits:
        assert len(client.get("https://h.example/a", max_bytes=2 << 20).body) == size
        return
    with pytest.raises(ServerError, match=r"^https://h.example/a answered with more than 2 MiB$"):
        client.get("https://h.example/a?q", max_bytes=2 << 20)


# What is whole: sentences, hints, what stays open


def test_every_refusal_has_its_sentence_and_its_hint() -> None:
    credentials = (
        "check the address, the credentials (token file, netrc, keyring or address), and the permissions of this user"
    )
    busy = "try again later: the server is busy or has a fault"
    for status, (kind, reason, hint) in {
        199: (ServerError, "", None),
        300: (ServerError, "", None),
        400: (ServerError, "", None),
        401: (UnauthorizedError, "", credentials),
        403: (ServerError, "", credentials),
        405: (ServerError, "", None),
        407: (ServerError, "", credentials),
        411: (ServerError, "", None),
        503: (TransientError, " Busy", busy),
        504: (TransientError, "", busy),
    }.items():
        answer: Any = Answer(status)
        with pytest.raises(ServerError) as caught:
            http._raise_for_status(answer, "https://u:p@h.example/a?q=secret")
        ours = (type(caught.value), str(caught.value), caught.value.hint)
        assert ours == (kind, f"https://h.example/a answered {status}{reason}", hint)


def test_a_refusal_without_an_address_and_a_challenge_is_that_of_the_request() -> None:
    answer: Any = Answer(401)
    with pytest.raises(UnauthorizedError) as caught:
        http._raise_for_status(answer, "https://h.example/a")
    assert (caught.value.url, caught.value.challenge) == ("https://h.example/a", "")


def test_only_whole_seconds_and_dates_are_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.time, "time", lambda: 1_000_000_000.0)
    for text, wait in {
        "7": 7.0,
        " 7 ": 7.0,
        "\u00b2": None,
        "\u0667": None,
        "-7": None,
        "7.5": None,
        "": None,
        " ": None,
        "Sun, 09 Sep 2001 01:46:50 GMT": 10.0,
        "Sun, 09 Sep 2001 01:46:40 GMT": 0.0,
        "Sun, 09 Sep 2001 01:46:30 GMT": 0.0,
    }.items():
        answer: Any = Answer(503, Retry_After=text)
        assert http._retry_after(answer) == wait, text
    none: Any = Answer(503)
    assert http._retry_after(none) is None


def test_a_redirect_without_a_target_is_no_redirect() -> None:
    client, fake, _ = asking(lambda *_: Answer(302))
    with pytest.raises(ServerError, match=r"^https://h.example/a answered 302$"):
        client.get("https://h.example/a")
    assert len(fake.requests) == 1


def test_redirects_may_lead_to_https_or_stay_with_http() -> None:
    for url, location, target in (
        ("https://h.example/a/b", "c?d", "https://h.example/a/c?d"),
        ("https://h.example/a", "//g.example/c", "https://g.example/c"),
        ("http://h.example/a", "http://g.example/c", "http://g.example/c"),
        ("http://h.example/a", "https://g.example/c", "https://g.example/c"),
    ):
        assert http._redirected(url, location) == target
    with pytest.raises(ServerError) as caught:
        http._redirected("https://u:p@h.example/a?q", "http://me:pw@g.example/c?t")
    assert str(caught.value) == (
        "https://h.example/a redirects from https to http (http://g.example/c), which is not safe"
    )


def test_a_wait_is_up_to_half_as_long_again_and_never_over_eight_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[tuple[float, float]] = []
    monkeypatch.setattr(http.random, "uniform", lambda *given: bounds.append(given) or given[1])
    client, _, events = asking(lambda *_: Answer(503), retries=6)
    monkeypatch.setattr(client._stop, "wait", lambda _: False)
    with pytest.raises(TransientError):
        client.get("https://h.example/a?q")
    assert set(bounds) == {(1, 1.5)}
    sentence = "https://h.example/a answered 503 Busy"
    assert [event for event in events if isinstance(event, Retrying)] == [
        Retrying("https://h.example/a", sentence, seconds) for seconds in (0.375, 0.75, 1.5, 3.0, 6.0, 8.0)
    ]


def test_no_retries_means_one_attempt_and_other_errors_are_not_retried() -> None:
    for error, retries in ((TransientError("busy"), 0), (ServerError("gone"), 3)):
        client, attempts = asking(lambda *_: Answer(), retries=retries)[0], []

        def attempt(error: ServerError = error, attempts: list[int] = attempts) -> None:
            attempts.append(1)
            raise error

        with pytest.raises(ServerError) as caught:
            client.retrying("it", attempt)
        assert caught.value is error and len(attempts) == 1


def test_whether_a_file_is_there_is_asked_again_by_its_shown_address(monkeypatch: pytest.MonkeyPatch) -> None:
    client, fake, events = asking(lambda *_: Answer(503 if len(fake.requests) < 2 else 206), retries=1)
    monkeypatch.setattr(client._stop, "wait", lambda _: False)
    assert client.has("https://u:p@h.example/a?q=secret")
    assert [event.subject for event in events if isinstance(event, Retrying)] == ["https://h.example/a"]


def test_work_that_was_stopped_says_so_wherever_it_was() -> None:
    waiting = asking(lambda *_: Answer(503), retries=3)[0]
    waiting._stop.set()
    with pytest.raises(StoppedError, match=r"^stopped$"):
        waiting.get("https://h.example/a")
    reading = asking(lambda *_: Answer(200, b"body"))[0]
    with reading.open("https://h.example/a", {}) as response:
        chunks = reading.chunks(response, "https://h.example/a")
        assert next(chunks) == b"body"
        reading._stop.set()
        with pytest.raises(StoppedError, match=r"^stopped$"):
            next(chunks)


@pytest.mark.parametrize("stops", [True, False])
def test_a_read_that_breaks_off_is_an_error_unless_the_work_was_stopped(
    stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, fake, _ = asking(lambda *_: Answer(200, b"body"), retries=0)
    broken = TransientError("broke off")

    def read(*_: object, **__: object) -> bytes:
        if stops:
            client._stop.set()
        raise broken

    monkeypatch.setattr(fake, "read", read)
    with pytest.raises(StoppedError if stops else TransientError, match="^stopped$" if stops else "^broke off$"):
        client.get("https://h.example/a")


class Live:
    """An answer that is being read; its end may fail."""

    def __init__(self, error: Exception | None, ended: list[str]) -> None:
        self._error, self._ended = error, ended

    def shutdown(self) -> None:
        self._ended.append(type(self._error).__name__)
        if self._error:
            raise self._error


def test_a_close_ends_what_is_read_and_closes_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    client, fake, _ = asking(lambda *_: Answer())
    ended: list[str] = []
    monkeypatch.setattr(fake, "close", lambda: ended.append("connections"))
    live: Any = {Live(error, ended) for error in (None, ValueError(), RuntimeError(), OSError())}
    client._live = live
    client.close()
    assert ended[-1] == "connections" and client._stop.is_set()
    assert sorted(ended[:-1]) == ["NoneType", "OSError", "RuntimeError", "ValueError"]


@pytest.mark.parametrize("ended", [True, False])
def test_a_connection_is_given_back_once_its_answer_ended_and_closed_else(ended: bool) -> None:
    client, fake, _ = asking(lambda *_: Answer(200, b"body"))
    with client.open("https://h.example/a", {}) as response:
        assert client._live == {response}
        if ended:
            response.close()
    answer = fake.answers[0]
    assert (answer.closed, answer.released, client._live) == (True, ended, set())


@pytest.mark.parametrize("as_sent", [True, False])
def test_a_body_is_read_as_it_is_wanted(as_sent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    client, fake, _ = asking(lambda *_: Answer(200, b"body"))
    wanted: list[tuple[str, bool]] = []
    read = fake.read

    def noted(response: Any, url: str, *, as_sent: bool) -> bytes:
        wanted.append((url, as_sent))
        return read(response, url, as_sent=as_sent)

    monkeypatch.setattr(fake, "read", noted)
    client.get("https://h.example/b")
    assert wanted == [("https://h.example/b", False)] * 2
    wanted.clear()
    with client.open("https://h.example/a", {}) as response:
        assert client.body(response, "https://h.example/b", 4, as_sent=as_sent) == b"body"
        assert b"".join(client.chunks(response, "https://h.example/b")) == b""
    assert wanted == [("https://h.example/b", as_sent)] * 2 + [("https://h.example/b", False)]


def test_a_page_has_the_limit_of_all_pages_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_REPLY_BYTES", 1 << 20)
    for size, fits in ((1 << 20, True), ((1 << 20) + 1, False)):
        client = asking(lambda *_, size=size: Answer(200, b"x" * size))[0]  # type: ignore[misc]
        if fits:
            assert len(client.get("https://h.example/a").body) == size
        else:
            with pytest.raises(ServerError, match=r"^https://h.example/a answered with more than 1 MiB$"):
                client.get("https://h.example/a")


def test_connections_are_made_once_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr("wheelhouse.index.connections.Connections", lambda *given: made.append(given) or object())
    settings = http.HttpSettings(timeout=3.0, proxies={"http": "p"}, no_proxy="n")
    client = http.Http(settings)
    assert client._open_connections() is client._open_connections()
    assert made == [(3.0, settings.trust, {"http": "p"}, "n", settings.pace)]
    http.Http().close()


def test_a_header_of_the_caller_counts_before_credentials_and_is_not_sent_again() -> None:
    client, fake, _ = asking(lambda *_: Answer(401))
    client.credentials.learn("https://h.example/", "token")
    with pytest.raises(UnauthorizedError):
        client.get("https://h.example/a", {"Authorization": "Bearer own"})
    assert fake.authorizations == ["Bearer own", "Bearer token"]


def test_an_answer_without_an_address_is_of_the_url_that_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    client, fake, _ = asking(lambda *_: Answer(200, b"body"))
    monkeypatch.setattr(fake, "get", lambda *_: Answer(200, b"body"))
    assert client.get("https://h.example/a").url == "https://h.example/a"


def test_without_settings_there_are_four_retries_and_no_proxy() -> None:
    settings = http.Http().settings
    assert (settings.retries, settings.proxies, settings.no_proxy, settings.user_agent) == (4, {}, "", "wheelhouse")
