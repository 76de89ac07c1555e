"""Which pages are kept, for whom and for how long, and what a page or folder of links has, with no server."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from tests.support.answers import Answer, asking
from wheelhouse.errors import InputError, ServerError
from wheelhouse.files.cache import Cache
from wheelhouse.index import http
from wheelhouse.index.links import LinksFolder, LinksPage, projects_of
from wheelhouse.index.page_data import IndexFile
from wheelhouse.index.pagecache import PageCache, _age, _heuristic_lifetime, lacks_freshness
from wheelhouse.index.pages import JSON_TYPE, Page, parse_page
from wheelhouse.index.urls import basic

APP = NormalizedName("app")


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


@pytest.fixture
def nine_hours_ahead(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A host whose time zone is nine hours ahead of UTC."""
    monkeypatch.setenv("TZ", "JST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("nine_hours_ahead")
def test_an_upload_time_without_a_zone_counts_as_utc() -> None:
    assert _heuristic_lifetime([file("2025-12-31T23:59:00")], NOW) == pytest.approx(6.0)


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
        ({"lacks_freshness": False}, False),
        ({"files": [file("2020-01-01T00:00:00Z"), IndexFile("app-2.tar.gz", "https://h/x?q=1")]}, False),
        ({"files": [file(None)]}, False),
        ({"files": []}, False),
        ({"base": "https://h.example/?q"}, False),
    ],
)
def test_which_releases_are_kept(tmp_path: Path, changes: dict[str, Any], is_kept: bool) -> None:
    given = {"files": [file("2020-01-01T00:00:00Z")], "lacks_freshness": True, **changes}
    page = Page(APP, "i", "https://h.example/app/?t=1", **given)
    client, _, _ = asking(lambda *_: Answer())
    cache, allowed = PageCache(client, Cache(tmp_path)), SpecifierSet("==1")
    cache.keep_releases("https://h.example/app/", allowed, page)
    kept = cache.releases("https://h.example/app/", allowed, APP, "j")
    assert (kept is not None) is is_kept
    if kept:
        assert (kept.url, kept.base, kept.index, kept.project) == ("https://h.example/app/", "", "j", APP)
        assert kept.files == given["files"] and not kept.lacks_freshness
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
    with pytest.raises(InputError, match="`nowhere` is not an http or https address, and not a folder"):
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
