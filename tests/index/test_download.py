"""Downloads that are resumed: what a server may say of ranges and validators, and what is made of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.replies import Ask, Reply
from tests.support.server import Server
from wheelhouse.errors import ServerError
from wheelhouse.files.disk import sha256_of
from wheelhouse.index.download import Download
from wheelhouse.index.http import Http, HttpSettings

DATA = bytes(range(256)) * 40


@contextmanager
def served(site: Callable[[Ask], Reply]) -> Iterator[tuple[str, list[Ask]]]:
    """A server that answers as `site` says: its URL, and the requests that it got."""
    asked: list[Ask] = []

    def noted(ask: Ask) -> Reply:
        asked.append(ask)
        return site(ask)

    server = Server(noted)
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/app.whl", asked
    finally:
        server.stop()
        assert not server.errors


def download(url: str, path: Path, *, retries: int = 3) -> str:
    """The sha256 of what a download brings; what is at `path` is continued. The index says neither size nor hash."""
    http = Http(HttpSettings(timeout=5, retries=retries))
    path.touch()
    try:
        return http.retrying("app.whl", Download(http, url, path, "app.whl", None, lambda _: None).run)
    finally:
        http.close()


def part(start: int, stop: int = len(DATA), *, said: int | None = None) -> Reply:
    """A part of the file; `said` is where its server says that it starts."""
    first = start if said is None else said
    headers = {"Content-Range": f"bytes {first}-{first + stop - start - 1}/{len(DATA)}", "Accept-Ranges": "bytes"}
    return Reply(206, DATA[start:stop], headers)


def start_of(ask: Ask) -> int:
    return int(ask.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))


@pytest.mark.parametrize("said", [0, 99, 101, 5000])
def test_a_part_of_another_range_is_not_taken(tmp_path: Path, said: int) -> None:
    """Neither as the continuation of the file, nor as the whole file."""
    (tmp_path / "f").write_bytes(DATA[:100])
    with served(lambda ask: part(said) if "range" in ask.headers else Reply(200, DATA)) as (url, asked):
        download(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert [ask.headers.get("range") for ask in asked] == ["bytes=100-", None]


def test_a_part_that_nobody_asked_for_is_an_error(tmp_path: Path) -> None:
    with (
        served(lambda _: part(100)) as (url, _),
        pytest.raises(ServerError, match="cannot be continued: it starts again"),
    ):
        download(url, tmp_path / "f", retries=1)
    assert (tmp_path / "f").read_bytes() == b""


@pytest.mark.rooms
def test_a_part_that_ends_too_early_is_continued(tmp_path: Path) -> None:
    def site(ask: Ask) -> Reply:
        return part(start_of(ask), min(start_of(ask) + 4000, len(DATA)))

    with served(site) as (url, asked):
        assert download(url, tmp_path / "f") == sha256_of(tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert [ask.headers.get("range") for ask in asked] == [None, "bytes=4000-", "bytes=8000-"]


@pytest.mark.parametrize(("etag", "if_range"), [('"strong"', '"strong"'), ('W/"weak"', None), ("", None)])
def test_a_weak_etag_does_not_vouch_for_the_rest(tmp_path: Path, etag: str, if_range: str | None) -> None:
    """RFC 9110, 13.1.5: two different files may share a weak one."""

    def site(ask: Ask) -> Reply:
        reply = part(start_of(ask)) if "range" in ask.headers else Reply(200, DATA, cut=4000)
        return reply.having(ETag=etag) if etag else reply

    with served(site) as (url, asked):
        download(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert [ask.headers.get("if-range") for ask in asked] == [None, if_range]
