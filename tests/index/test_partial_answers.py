"""What is made of parts of files, with no server: resumed downloads, their sizes, and the tail of a wheel."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import Answer, Site, asking
from wheelhouse.errors import IntegrityError, ServerError, TransientError
from wheelhouse.index import ranged
from wheelhouse.index.download import Download, TooLargeError, WrongSizeError, strong_validator
from wheelhouse.index.http import Http
from wheelhouse.index.ranged import NoRangesError, TailError, ranged_metadata

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
    with pytest.raises(TransientError, match=r"the download of `f.whl` cannot be continued: it starts again") as caught:
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
            (WrongSizeError, "has 10 bytes on its server, but the index says 9", 0),
        ),
        (12, Answer(200, DATA, Content_Length="10"), (WrongSizeError, "but the index says 12", 0)),
        (9, Answer(200, DATA), (IntegrityError, "is longer than the expected 9 bytes", 0)),
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


@pytest.mark.parametrize(("size", "expected"), [(15, [10, 10]), (20, [10, 10, 10])])
def test_reading_stops_where_a_file_is_longer_than_its_index_says(
    tmp_path: Path, size: int, expected: list[int]
) -> None:
    one, fake, counts = download(tmp_path / "f", b"", [Answer(200, DATA * 10)], size=size)
    fake.chunk = 10
    with pytest.raises(IntegrityError):
        one.run()
    assert counts == expected


@pytest.mark.parametrize(("etag", "validator"), [('"x"', '"x"'), ('W/"x"', None), ("", None)])
def test_only_a_strong_etag_vouches_for_the_rest(etag: str, validator: str | None) -> None:
    assert strong_validator(etag) == validator


def test_an_empty_file_is_requested_though_nothing_of_it_is_missing(tmp_path: Path) -> None:
    """A file of no bytes may not be on its server; and one that is longer is not the one that the index gives."""
    one, fake, counts = download(tmp_path / "f", b"", [Answer(200, b"")], size=0)
    assert one.run() == hashlib.sha256(b"").hexdigest() and len(fake.requests) == 1 and counts == []
    one, fake, _ = download(tmp_path / "f", b"x", [], size=1)
    assert one.run() == hashlib.sha256(b"x").hexdigest() and not fake.requests
    one, fake, _ = download(tmp_path / "f", b"", [Answer(404)], size=0)
    with pytest.raises(ServerError, match="is not at"):
        one.run()


def test_a_download_notes_what_the_server_says(tmp_path: Path) -> None:
    """For each answer: the hash of the file, then `resumed`, `total`, `validator`, `encoding`, and the headers that asked for it."""
    whole = hashlib.sha256(DATA).hexdigest()
    plain = {"Accept-Encoding": "identity"}
    part = {**plain, "Range": "bytes=4-"}
    rows: list[tuple[bytes, Answer, tuple[object, ...], dict[str, str]]] = [
        (b"", Answer(200, DATA), (False, None, None, ""), plain),
        (b"", Answer(200, DATA, Content_Length="10", ETag='"e"'), (False, 10, '"e"', ""), plain),
        (b"", Answer(200, DATA, Content_Length="9999999999999999999"), (False, None, None, ""), plain),
        (b"", Answer(200, DATA, Content_Length="x10"), (False, None, None, ""), plain),
        (b"", Answer(200, DATA, Content_Encoding="gzip", ETag='W/"e"'), (False, None, None, "gzip"), plain),
        (DATA[:4], Answer(206, DATA[4:], Content_Range="bytes 4-9/10"), (True, 10, None, ""), part),
        (
            DATA[:1],
            Answer(206, DATA[1:], Content_Range="bytes 1-9/10"),
            (True, 10, None, ""),
            {**plain, "Range": "bytes=1-"},
        ),
        (DATA[:4], Answer(206, DATA[4:], Content_Range="bytes 4-9/*"), (True, None, None, ""), part),
        (DATA[:4], Answer(200, DATA, Content_Length="10"), (True, 10, None, ""), part),
    ]
    for have, answer, said, headers in rows:
        one, fake, _ = download(tmp_path / "f", have, [answer])
        assert not one.resumed
        sha256 = one.run()
        name = repr((have, answer.status, answer.headers))
        assert sha256 == whole and (tmp_path / "f").read_bytes() == DATA, name
        assert (one.resumed, one.total, one.validator, one.encoding) == said, name
        sent = fake.requests[0][2]
        del sent["User-Agent"]
        assert sent == headers, name


def test_a_validator_is_of_the_last_answer_and_is_sent_for_a_rest_alone(tmp_path: Path) -> None:
    answers = [
        Answer(200, DATA[:4], Content_Length="10", ETag='"e"'),
        Answer(206, DATA[4:], Content_Range="bytes 4-9/10"),
    ]
    one, fake, counts = download(tmp_path / "f", b"", answers, size=10)
    one.validator = '"old"'
    with pytest.raises(TransientError) as cut:
        one.run()
    assert str(cut.value) == "`f.whl` was cut short: 4 of 10 bytes came from https://h.example/f"
    one.run()
    asked = [(headers.get("Range"), headers.get("If-Range")) for _, _, headers in fake.requests]
    assert asked == [(None, None), ("bytes=4-", '"e"')] and one.validator is None and counts == [4, 6]


def test_every_error_of_a_download_has_its_whole_sentence(tmp_path: Path) -> None:
    rows: list[tuple[bytes, Answer, int | None, type[ServerError], str, str | None]] = [
        (
            b"",
            Answer(404),
            None,
            ServerError,
            "`f.whl` is not at https://h.example/f (404)",
            "try again later, or choose another version: the index lists this file, but the file's server does not have it",
        ),
        (
            b"",
            Answer(200, DATA + b"x"),
            None,
            TooLargeError,
            "`f.whl` at https://h.example/f is larger than 10 bytes",
            "if the file must be that large, give a larger --max-file-size",
        ),
        (
            b"",
            Answer(200, DATA, Content_Length="10"),
            8,
            WrongSizeError,
            "`f.whl` has 10 bytes on its server, but the index says 8",
            None,
        ),
        (b"", Answer(200, DATA), 8, IntegrityError, "`f.whl` is longer than the expected 8 bytes", None),
        (
            b"",
            Answer(416, Content_Range="bytes */10"),
            None,
            TransientError,
            "the download of `f.whl` cannot be continued: it starts again",
            None,
        ),
    ]
    for have, answer, size, kind, sentence, hint in rows:
        one, _, _ = download(tmp_path / "f", have, [answer], size=size, max_file_bytes=10)
        with pytest.raises(kind) as caught:
            one.run()
        assert (type(caught.value), str(caught.value), caught.value.hint) == (kind, sentence, hint)
        assert (tmp_path / "f").read_bytes() == b"", sentence


def test_a_part_over_the_size_of_the_index_is_replaced_by_the_whole_file(tmp_path: Path) -> None:
    one, fake, _ = download(tmp_path / "f", DATA + b"more", [Answer(200, DATA, Content_Length="10")], size=10)
    one.run()
    assert (tmp_path / "f").read_bytes() == DATA and fake.requests[0][2]["Range"] == "bytes=14-"


def test_a_body_is_stored_as_it_was_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, fake, _ = download(tmp_path / "f", b"", [Answer(200, DATA)])
    wanted: list[bool] = []
    read = fake.read

    def noted(response: Answer, url: str, *, as_sent: bool) -> bytes:
        wanted.append(as_sent)
        return read(response, url, as_sent=as_sent)

    monkeypatch.setattr(fake, "read", noted)
    one.run()
    assert wanted == [True, True]


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
    with pytest.raises(TailError, match=r"`app.whl` does not have exactly one readable METADATA file"):
        ranged_metadata(client, "https://h.example/app.whl", "app.whl")


def test_only_members_as_wheels_may_have_them_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for method, is_read in ((zipfile.ZIP_DEFLATED, True), (zipfile.ZIP_BZIP2, False), (zipfile.ZIP_LZMA, False)):
        client, _ = tail_of(wheel(METADATA, method=method))
        if is_read:
            assert ranged_metadata(client, "https://h.example/app.whl", "app.whl")
        else:
            with pytest.raises(TailError, match="exactly one readable METADATA"):
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
        (lambda start, body, size: Answer(200, body), "does not support range requests"),
        (lambda start, body, size: Answer(206, body), "does not support range requests"),
        (
            lambda start, body, size: Answer(206, body, Content_Range=f"bytes {start}-{size - 1}/*"),
            "does not support range requests",
        ),
        (
            lambda start, body, size: Answer(206, body[:-1], Content_Range=f"bytes {start}-{size - 1}/{size}"),
            "sent a number of bytes that does not match",
        ),
        (
            lambda start, body, size: Answer(206, body + b"x", Content_Range=f"bytes {start}-{size - 1}/{size}"),
            "sent a number of bytes that does not match",
        ),
        (
            lambda start, body, size: Answer(206, body, Content_Range=f"bytes 0-{(16 << 20) + 1}/{1 << 30}"),
            "answered with more bytes than were requested",
        ),
    ],
)
def test_an_answer_that_is_no_such_range_is_refused(change: Callable[[int, bytes, int], Answer], error: str) -> None:
    client, _ = tail_of(wheel(METADATA), change)
    with pytest.raises(NoRangesError, match=error):
        ranged_metadata(client, "https://h.example/app.whl", "app.whl")


def test_a_directory_at_the_limit_is_requested_and_a_larger_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    data = wheel(METADATA, padding=10)
    monkeypatch.setattr(ranged, "TAIL_BYTES", 5)
    for limit, is_read in ((len(data) - 10, True), (len(data) - 11, False)):
        client, fake = tail_of(data)
        file = ranged._RemoteFile(client, "https://h.example/app.whl")
        monkeypatch.setattr(ranged, "MAX_METADATA_BYTES", limit)
        file.seek(10)
        if is_read:
            assert file.read() == data[10:]
        else:
            with pytest.raises(TailError, match=f"would have {len(data) - 10} bytes, but the limit is"):
                file.read()
        assert len(fake.requests) == 1 + is_read


def test_what_is_no_wheel_is_an_error_of_its_tail() -> None:
    client, _ = tail_of(b"no zip at all")
    with pytest.raises(TailError, match=r"the ZIP directory or the metadata of `app.whl` cannot be read"):
        ranged_metadata(client, "https://h.example/app.whl", "app.whl")
