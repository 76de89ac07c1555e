"""What is made of a server's answers, with no server: redirects, credentials, retries, ranges, sizes, kept pages."""

import email.utils
import io
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from urllib3 import exceptions as foreign

from wheelhouse.errors import InputError, IntegrityError, ServerError, TransientError
from wheelhouse.events import Event, Retrying
from wheelhouse.files.cache import Cache
from wheelhouse.index import connections, http, ranged
from wheelhouse.index.download import Download, TooLargeError, WrongSizeError, strong_validator
from wheelhouse.index.http import Http, HttpSettings, StoppedError, UnauthorizedError
from wheelhouse.index.links import LinksFolder, LinksPage, projects_of
from wheelhouse.index.page_data import IndexFile
from wheelhouse.index.pagecache import PageCache, _age, _heuristic_lifetime, lacks_freshness
from wheelhouse.index.pages import JSON_TYPE, Page, parse_page
from wheelhouse.index.ranged import NoRangesError, TailError, ranged_metadata
from wheelhouse.index.urls import basic

APP = NormalizedName("app")


class Answer:
    """A response of urllib3, as far as `Http` needs it."""

    def __init__(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.status, self.reason = status, {404: "Not Found", 503: "Busy"}.get(status, "")
        self.headers = {name.replace("_", "-"): text for name, text in headers.items()}
        self.body, self.url, self.closed = io.BytesIO(body), "", False
        self.released = False

    def close(self) -> None:
        self.closed = True

    def release_conn(self) -> None:
        self.released = True


class Site:
    """In the place of connections: answers by URL, and what was requested."""

    def __init__(self, site: Callable[[str, Mapping[str, str]], Answer]) -> None:
        self._site = site
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.answers: list[Answer] = []
        self.chunk = 1 << 18

    def get(self, url: str, bare: str, headers: Mapping[str, str]) -> Answer:
        self.requests.append((url, bare, dict(headers)))
        answer = self._site(bare, headers)
        answer.url = bare
        self.answers.append(answer)
        return answer

    def read(self, response: Answer, url: str, *, as_sent: bool) -> bytes:
        return response.body.read(self.chunk)

    def close(self) -> None: ...

    @property
    def authorizations(self) -> list[str | None]:
        return [headers.get("Authorization") for _, _, headers in self.requests]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.random, "uniform", lambda low, high: low)


def asking(site: Callable[[str, Mapping[str, str]], Answer], **settings: Any) -> tuple[Http, Site, list[Event]]:
    events: list[Event] = []
    client, fake = Http(HttpSettings(**settings), events.append), Site(site)
    client._connections = fake  # type: ignore[assignment]
    return client, fake, events


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
        ("https://h.example/a", "http://h.example/b?t=secret", "redirects from https to http://h.example/b, which"),
        ("http://h.example/a", "ftp://h.example/b", "redirects to what is no http or https address"),
        ("https://h.example/a", "https://h:99999/", "redirects to what is no http or https address"),
        ("https://h.example/a", "https://[x/", "redirects to what is no http or https address"),
        ("https://h.example/a", "file:///etc/passwd", "redirects to what is no http or https address"),
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


# Downloads


DATA = b"0123456789"


def download(path: Path, have: bytes, answers: list[Answer], size: int | None = None, **settings: Any) -> Any:
    path.write_bytes(have)
    rest = iter(answers)
    client, fake, _ = asking(lambda *_: next(rest), **settings)
    counts: list[int] = []
    return Download(client, "https://h.example/f?q=secret", path, "f.whl", size, counts.append), fake, counts


def test_a_file_that_is_there_whole_is_not_requested(tmp_path: Path) -> None:
    one, fake, counts = download(tmp_path / "f", DATA, [], size=10)
    assert len(one.run()) == 64 and not fake.requests and one.resumed and not counts


def test_the_rest_of_a_file_is_requested_and_counted(tmp_path: Path) -> None:
    answer = Answer(206, DATA[4:], Content_Range="bytes 4-9/10", ETag='"e"')
    one, fake, counts = download(tmp_path / "f", DATA[:4], [answer], size=10)
    one.validator = '"e"'
    one.run()
    assert (tmp_path / "f").read_bytes() == DATA and one.resumed and counts == [6] and one.total == 10
    assert fake.requests[0][2] | {"User-Agent": ""} == {
        "User-Agent": "",
        "Accept-Encoding": "identity",
        "Range": "bytes=4-",
        "If-Range": '"e"',
    }


def test_a_whole_file_takes_the_place_of_a_part(tmp_path: Path) -> None:
    one, _, counts = download(tmp_path / "f", b"other", [Answer(200, DATA, Content_Length="10")])
    one.run()
    assert (tmp_path / "f").read_bytes() == DATA and counts == [10] and one.total == 10


@pytest.mark.parametrize(
    ("status", "content_range", "encodings"),
    [
        (206, "bytes 5-9/10", ("", "")),
        (206, "bytes 40-9/10", ("", "")),
        (206, "", ("", "")),
        (206, "bytes 4-9/10", ("", "gzip")),
        (206, "bytes 4-9/10", ("gzip", "")),
        (416, "bytes */10", ("", "")),
    ],
)
def test_a_part_that_does_not_continue_the_file_starts_it_anew(
    tmp_path: Path, status: int, content_range: str, encodings: tuple[str, str]
) -> None:
    answer = Answer(status, DATA[4:], Content_Range=content_range, Content_Encoding=encodings[1])
    one, _, _ = download(tmp_path / "f", DATA[:4], [answer])
    one.encoding = encodings[0]
    with pytest.raises(TransientError, match=r"`f.whl` had to be started anew") as caught:
        one.run()
    assert caught.value.retry_after == 0 and (tmp_path / "f").read_bytes() == b"" and not one.resumed


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_not_on_its_server_is_an_error(tmp_path: Path, status: int) -> None:
    one, _, _ = download(tmp_path / "f", b"", [Answer(status)])
    with pytest.raises(ServerError, match=rf"`f.whl` is not at https://h.example/f \({status}\)") as caught:
        one.run()
    assert not isinstance(caught.value, TransientError) and caught.value.hint


@pytest.mark.parametrize(
    ("size", "answer", "error"),
    [
        (None, Answer(200, DATA, Content_Length="10"), None),
        (None, Answer(200, DATA), None),
        (None, Answer(200, DATA[:8], Content_Length="10"), (TransientError, "cut short: 8 of 10 bytes", 8)),
        (None, Answer(200, DATA, Content_Length="10 "), None),
        (10, Answer(200, DATA[:8], Content_Length="10"), (TransientError, "cut short: 8 of 10 bytes", 8)),
        (
            9,
            Answer(200, DATA, Content_Length="10"),
            (WrongSizeError, "has 10 bytes on its server, and the index says 9", 0),
        ),
        (12, Answer(200, DATA, Content_Length="10"), (WrongSizeError, "and the index says 12", 0)),
        (9, Answer(200, DATA), (IntegrityError, "is longer than the 9 bytes", 0)),
        (12, Answer(200, DATA), (TransientError, "10 of 12 bytes", 10)),
    ],
)
def test_a_file_has_the_size_that_its_index_or_its_server_gives(
    tmp_path: Path, size: int | None, answer: Answer, error: tuple[type[Exception], str, int] | None
) -> None:
    one, _, _ = download(tmp_path / "f", b"", [answer], size=size)
    if error is None:
        one.run()
        assert (tmp_path / "f").read_bytes() == DATA
        return
    with pytest.raises(error[0], match=error[1]):
        one.run()
    assert (tmp_path / "f").stat().st_size == error[2]


@pytest.mark.parametrize(
    ("size", "answer", "requested"),
    [
        (11, Answer(200, DATA), 0),
        (None, Answer(200, b"", Content_Length="11"), 1),
        (None, Answer(200, DATA + b"x"), 1),
    ],
)
def test_a_file_over_the_limit_leaves_nothing(tmp_path: Path, size: int | None, answer: Answer, requested: int) -> None:
    one, fake, _ = download(tmp_path / "f", b"", [answer], size=size, max_file_bytes=10)
    with pytest.raises(TooLargeError, match=r"`f.whl` at https://h.example/f is larger than 10 bytes"):
        one.run()
    assert len(fake.requests) == requested and (tmp_path / "f").read_bytes() == b""


def test_a_file_at_the_limit_is_taken(tmp_path: Path) -> None:
    one, _, _ = download(tmp_path / "f", b"", [Answer(200, DATA, Content_Length="10")], size=10, max_file_bytes=10)
    one.run()
    assert (tmp_path / "f").read_bytes() == DATA


def test_reading_stops_where_a_file_is_longer_than_its_index_says(tmp_path: Path) -> None:
    one, fake, counts = download(tmp_path / "f", b"", [Answer(200, DATA * 10)], size=15)
    fake.chunk = 10
    with pytest.raises(IntegrityError):
        one.run()
    assert counts == [10, 10]


@pytest.mark.parametrize(("etag", "validator"), [('"x"', '"x"'), ('W/"x"', None), ("", None)])
def test_only_a_strong_etag_vouches_for_the_rest(etag: str, validator: str | None) -> None:
    assert strong_validator(etag) == validator


# The tail of a wheel


def wheel(*names: str, method: int = zipfile.ZIP_STORED, padding: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("app/data", b"x" * padding)
        for name in names:
            archive.writestr(name, f"Name: {name}\n")
    return buffer.getvalue()


def tail_of(data: bytes, change: Callable[[int, bytes, int], Answer] | None = None) -> tuple[Http, Site]:
    def site(_: str, headers: Mapping[str, str]) -> Answer:
        first, _, last = headers["Range"].removeprefix("bytes=").partition("-")
        start = max(0, len(data) - int(last)) if not first else int(first)
        body = data[start : int(last) + 1 if first else None]
        if change:
            return change(start, body, len(data))
        return Answer(206, body, Content_Range=f"bytes {start}-{start + len(body) - 1}/{len(data)}")

    client, fake, _ = asking(site)
    return client, fake


METADATA = "app-1.0.dist-info/METADATA"


@pytest.mark.parametrize(("padding", "requests"), [(0, 1), (100_000, 1)])
def test_metadata_is_read_from_the_tail(padding: int, requests: int) -> None:
    client, fake = tail_of(wheel(METADATA, "app/vendored.dist-info/METADATA", padding=padding))
    assert ranged_metadata(client, "https://h.example/app.whl", "app.whl") == f"Name: {METADATA}\n".encode()
    assert len(fake.requests) == requests
    assert fake.requests[0][2]["Range"] == "bytes=-32768" and fake.requests[0][2]["Accept-Encoding"] == "identity"


def test_what_lies_before_the_tail_is_requested_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    data = wheel(METADATA, *(f"app/{number}" for number in range(40)), padding=10)
    monkeypatch.setattr(ranged, "TAIL_BYTES", 100)
    client, fake = tail_of(data)
    assert ranged_metadata(client, "https://h.example/app.whl", "app.whl") == f"Name: {METADATA}\n".encode()
    assert len(fake.requests) > 2
    for _, _, headers in fake.requests[1:]:
        first, _, last = headers["Range"].removeprefix("bytes=").partition("-")
        assert int(last) - int(first) + 1 >= 100 or int(last) == len(data) - 1


@pytest.mark.parametrize("names", [(), (METADATA, "other-1.dist-info/METADATA"), ("app/METADATA",)])
def test_a_wheel_without_one_metadata_is_not_read_from_its_tail(names: tuple[str, ...]) -> None:
    client, _ = tail_of(wheel(*names))
    with pytest.raises(TailError, match=r"`app.whl` has no single METADATA"):
        ranged_metadata(client, "https://h.example/app.whl", "app.whl")


def test_only_members_as_wheels_may_have_them_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for method, is_read in ((zipfile.ZIP_DEFLATED, True), (zipfile.ZIP_BZIP2, False), (zipfile.ZIP_LZMA, False)):
        client, _ = tail_of(wheel(METADATA, method=method))
        if is_read:
            assert ranged_metadata(client, "https://h.example/app.whl", "app.whl")
        else:
            with pytest.raises(TailError, match="no single METADATA"):
                ranged_metadata(client, "https://h.example/app.whl", "app.whl")
    size = len(f"Name: {METADATA}\n")
    for limit, is_read in ((size, True), (size - 1, False)):
        member = zipfile.ZipInfo(METADATA)
        member.file_size = size
        monkeypatch.setattr(ranged, "MAX_METADATA_BYTES", limit)
        assert ranged._is_readable(member) is is_read


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda start, body, size: Answer(200, body), "is not served in ranges"),
        (lambda start, body, size: Answer(206, body), "is not served in ranges"),
        (
            lambda start, body, size: Answer(206, body, Content_Range=f"bytes {start}-{size - 1}/*"),
            "is not served in ranges",
        ),
        (
            lambda start, body, size: Answer(206, body[:-1], Content_Range=f"bytes {start}-{size - 1}/{size}"),
            "sent more or fewer bytes",
        ),
        (
            lambda start, body, size: Answer(206, body + b"x", Content_Range=f"bytes {start}-{size - 1}/{size}"),
            "sent more or fewer bytes",
        ),
        (
            lambda start, body, size: Answer(206, body, Content_Range=f"bytes 0-{(16 << 20) + 1}/{1 << 30}"),
            "answered with more than was asked for",
        ),
    ],
)
def test_an_answer_that_is_no_such_range_is_refused(change: Callable[[int, bytes, int], Answer], error: str) -> None:
    client, _ = tail_of(wheel(METADATA), change)
    with pytest.raises(NoRangesError, match=error):
        ranged_metadata(client, "https://h.example/app.whl", "app.whl")


def test_what_is_no_wheel_is_an_error_of_its_tail() -> None:
    client, _ = tail_of(b"no zip at all")
    with pytest.raises(TailError, match=r"`app.whl` cannot be read from its tail"):
        ranged_metadata(client, "https://h.example/app.whl", "app.whl")


# Kept pages


PAGE = (
    b'{"meta": {"api-version": "1.0"}, "name": "app", "files": [{"filename": "app-1.tar.gz", "url": "app-1.tar.gz"}]}'
)


class Kept:
    """A cache that several runs use, and a site whose headers change."""

    def __init__(self, folder: Path, **headers: str) -> None:
        self.folder, self.headers, self.status, self.body = folder, headers, 200, PAGE
        self.sent: list[Mapping[str, str]] = []

    def ask(self, url: str = "https://h.example/app/", *, always: bool = False, **sent: str) -> Page | None:
        def site(_: str, headers: Mapping[str, str]) -> Answer:
            self.sent.append(headers)
            conditional = {"If-None-Match", "If-Modified-Since"} & headers.keys()
            if conditional and self.status == 304:
                return Answer(304)
            return Answer(200, self.body, Content_Type=JSON_TYPE, **self.headers)

        client, _, _ = asking(site)
        for name in ("Authorization",):
            if name in sent:
                client.credentials.learn_header(url, sent.pop(name))
        cache = PageCache(client, Cache(self.folder), ask_always=always)
        return cache.get(url, {key.replace("_", "-"): text for key, text in sent.items()}, self.read, "the page")

    @staticmethod
    def read(reply: http.Reply) -> Page | None:
        if reply.status != 200:
            return None
        return parse_page(reply.body, reply.headers["Content-Type"], APP, "i", reply.url)


@pytest.mark.parametrize(
    ("headers", "requests"),
    [
        ({"Cache_Control": "max-age=600"}, 1),
        ({"Cache_Control": 'max-age="600"'}, 1),
        ({"Cache_Control": "MAX-AGE=600, private"}, 1),
        ({"Cache_Control": "max-age=600", "Vary": "Accept-Encoding, Authorization"}, 1),
        ({"Cache_Control": "max-age=600", "Vary": "*"}, 2),
        ({"Cache_Control": "max-age=600, no-store"}, 2),
        ({"Cache_Control": "max-age=600, no-cache"}, 2),
        ({"Cache_Control": "max-age=600", "Age": "600"}, 2),
        ({"Cache_Control": "max-age=600", "Age": "599"}, 1),
        ({"Cache_Control": "max-age=0"}, 2),
        ({}, 2),
    ],
)
def test_how_long_a_page_is_fresh(tmp_path: Path, headers: dict[str, str], requests: int) -> None:
    kept = Kept(tmp_path, **headers)
    first = kept.ask()
    again = kept.ask()
    assert first and again and first.files == again.files and len(kept.sent) == requests
    kept.ask(always=True)
    assert len(kept.sent) == requests + 1


@pytest.mark.parametrize(
    ("headers", "conditions"),
    [
        ({"ETag": '"e"'}, {"If-None-Match": '"e"'}),
        ({"Last_Modified": "Mon"}, {"If-Modified-Since": "Mon"}),
        ({"ETag": '"e"', "Last_Modified": "Mon"}, {"If-None-Match": '"e"', "If-Modified-Since": "Mon"}),
    ],
)
def test_a_kept_page_is_validated(tmp_path: Path, headers: dict[str, str], conditions: dict[str, str]) -> None:
    kept = Kept(tmp_path, **headers)
    kept.ask()
    kept.status = 304
    page = kept.ask()
    assert page and [file.filename for file in page.files] == ["app-1.tar.gz"]
    assert {name: kept.sent[1].get(name) for name in conditions} == conditions
    assert not {"If-None-Match", "If-Modified-Since"} & kept.sent[0].keys()
    kept.status, kept.body = 200, PAGE.replace(b"app-1", b"app-2")
    page = kept.ask()
    assert page and page.files[0].filename == "app-2.tar.gz"


def test_a_page_is_kept_for_the_headers_that_it_varies_by(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Cache_Control="max-age=600", Vary="Accept, X-Other")
    kept.ask(Accept="a")
    kept.ask(Accept="a")
    assert len(kept.sent) == 1
    kept.ask(Accept="b")
    kept.ask(Accept="b", X_Other="c")
    assert len(kept.sent) == 3


def test_a_page_is_kept_for_the_credentials_that_it_was_fetched_with(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Cache_Control="max-age=600")
    kept.ask(Authorization="Bearer one")
    kept.ask(Authorization="Bearer one")
    assert len(kept.sent) == 1
    kept.ask(Authorization="Bearer two")
    kept.ask()
    assert len(kept.sent) == 3
    kept.ask()
    assert len(kept.sent) == 3
    private = [path for path in tmp_path.rglob("*") if path.is_file() and "private" in path.parts]
    assert len(private) == 2


def test_a_private_page_without_credentials_is_in_the_private_part(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Cache_Control="private, max-age=600")
    kept.ask()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files and all("private" in path.parts for path in files)
    kept.ask()
    assert len(kept.sent) == 1


def test_a_page_with_queries_in_its_links_is_not_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Cache_Control="max-age=600")
    kept.body = PAGE.replace(b'"app-1.tar.gz"}', b'"app-1.tar.gz?signature=x"}')
    kept.ask()
    kept.ask()
    assert len(kept.sent) == 2 and not [
        path for path in tmp_path.rglob("*") if path.is_file() and b"signature" in path.read_bytes()
    ]


def file(moment: str | None) -> IndexFile:
    return IndexFile("app-1.tar.gz", "https://h.example/app-1.tar.gz", upload_time=moment)


NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moments", "seconds"),
    [
        (["2025-12-31T23:59:00Z"], 6.0),
        (["2020-01-01T00:00:00Z", "2025-12-31T23:59:00Z"], 6.0),
        (["2020-01-01T00:00:00Z"], 600.0),
        (["2025-12-31T22:20:00Z"], 600.0),
        (["2025-12-31T23:59:00Z", None], 0.0),
        (["soon"], 0.0),
        (["2026-01-01T00:01:00Z"], -6.0),
    ],
)
def test_how_long_releases_are_fresh_if_their_server_says_nothing(moments: list[str | None], seconds: float) -> None:
    assert _heuristic_lifetime([file(moment) for moment in moments], NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7), ("", 0), ("-1", 0), ("1.5", 0), ("x", 0), ("9" * 12, 999_999_999), ("²", 0)]
)
def test_the_age_of_an_answer(text: str, seconds: int) -> None:
    assert _age(http.Reply("", 200, {"Age": text}, b"")) == seconds


@pytest.mark.parametrize(
    ("header", "lacks"),
    [
        ("Content-Type", True),
        *((name, False) for name in ("Cache-Control", "Expires", "Pragma", "ETag", "Last-Modified")),
    ],
)
def test_whether_a_server_says_how_long_a_page_is_fresh(header: str, lacks: bool) -> None:
    assert lacks_freshness(http.Reply("", 200, {header: "x"}, b"")) is lacks


@pytest.mark.parametrize(
    ("changes", "is_kept"),
    [
        ({}, True),
        ({"unsaid": False}, False),
        ({"files": [file("2020-01-01T00:00:00Z"), IndexFile("app-2.tar.gz", "https://h/x?q=1")]}, False),
        ({"files": [file(None)]}, False),
        ({"files": []}, False),
        ({"base": "https://h.example/?q"}, False),
    ],
)
def test_which_releases_are_kept(tmp_path: Path, changes: dict[str, Any], is_kept: bool) -> None:
    given = {"files": [file("2020-01-01T00:00:00Z")], "unsaid": True, **changes}
    page = Page(APP, "i", "https://h.example/app/?t=1", **given)
    client, _, _ = asking(lambda *_: Answer())
    cache, allowed = PageCache(client, Cache(tmp_path)), SpecifierSet("==1")
    cache.keep_releases("https://h.example/app/", allowed, page)
    kept = cache.releases("https://h.example/app/", allowed, APP, "j")
    assert (kept is not None) is is_kept
    if kept:
        assert (kept.url, kept.base, kept.index, kept.project) == ("https://h.example/app/", "", "j", APP)
        assert kept.files == given["files"] and not kept.unsaid
    assert cache.releases("https://h.example/app/", SpecifierSet("==2"), APP, "j") is None
    assert (
        PageCache(client, Cache(tmp_path), ask_always=True).releases("https://h.example/app/", allowed, APP, "j")
        is None
    )


# Links


@pytest.mark.parametrize(
    ("filename", "projects"),
    [
        ("App.Lib-1.0-py3-none-any.whl", {"app-lib"}),
        ("a-b-1.0.tar.gz", {"a-b"}),
        ("a-1-2.zip", {"a", "a-1"}),
        ("readme.txt", set()),
        ("a.tar.gz", set()),
    ],
)
def test_the_projects_that_a_file_may_be_of(filename: str, projects: set[str]) -> None:
    assert projects_of(filename) == projects


def test_a_folder_of_links_has_the_files_of_each_project(tmp_path: Path) -> None:
    folder = tmp_path / "dist files"
    (folder / "app-2.0.tar.gz").mkdir(parents=True)
    for name in ("app-1.0.tar.gz", "app-1.0-py3-none-any.whl", "lib-1.0.zip", "notes.txt"):
        (folder / name).write_bytes(name.encode())
    links = LinksFolder(folder, "dist")
    page = links.page(APP)
    assert page and links.holds(APP) and not links.holds(canonicalize_name("other"))
    assert [(one.filename, one.size) for one in page.files] == [
        ("app-1.0-py3-none-any.whl", 24),
        ("app-1.0.tar.gz", 14),
    ]
    assert (page.index, page.url) == ("dist", folder.as_uri() + "/")
    assert page.files[0].url == (folder / "app-1.0-py3-none-any.whl").as_uri()
    assert page.files[0].hashes and len(page.files[0].hashes.sha256 or "") == 64
    assert links.page(canonicalize_name("other")) is None
    with pytest.raises(InputError, match="`nowhere` is neither an http or https address nor a folder"):
        LinksFolder(tmp_path / "nowhere", "nowhere")


def test_a_page_of_links_is_requested_once_with_its_query() -> None:
    html = b'<!DOCTYPE html><base href="/files/"><a href="app-1.0.tar.gz#sha256=' + b"a" * 64 + b'">x</a>'
    client, fake, _ = asking(lambda *_: Answer(200, html, Content_Type="text/html"))
    links = LinksPage("https://me:pw@h.example/links?t=1", client)
    page = links.page(APP)
    assert page and links.holds(APP) and links.page(canonicalize_name("other")) is None
    assert links.name == page.index == "https://h.example/links" and page.base == "https://h.example/files/"
    assert [bare for _, bare, _ in fake.requests] == ["https://h.example/links?t=1"]
    assert fake.authorizations == [basic("me", "pw")]


def test_a_page_of_links_that_is_not_there_is_an_error() -> None:
    client, _, _ = asking(lambda *_: Answer(404))
    with pytest.raises(ServerError, match=r"^https://h.example/links answered 404$"):
        LinksPage("https://h.example/links?t=1", client).holds(APP)


# Connections


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
            "https://h.example/a answered with what HTTP does not allow: gzip",
        ),
        (connections._TooSlowError(), ServerError, "https://h.example/a is sent too slowly"),
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
