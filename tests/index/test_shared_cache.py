"""A cache that several users, or several credentials, share: nobody gets from it what a server denies them."""

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from tests.support.index import Abilities, Fault, IndexServer
from tests.support.replies import Ask, Reply
from tests.support.server import Server
from tests.support.wheels import build_wheel
from wheelhouse.archive.artifact import Candidate
from wheelhouse.errors import ServerError
from wheelhouse.events import Event, Warned
from wheelhouse.files.cache import Cache
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.index.locations import IndexLocation
from wheelhouse.index.package_source import PackageSource
from wheelhouse.index.pagecache import PageCache
from wheelhouse.index.pages import JSON_TYPE
from wheelhouse.index.sources import IndexLocations

APP = NormalizedName("app")
ALICE, MALLORY = ("alice", "s3cr3t"), ("mallory", "x")


def url_of(origin: str, user: tuple[str, str] | None) -> str:
    return f"{origin}/simple".replace("://", f"://{':'.join(user)}@") if user else f"{origin}/simple"


def fetched(
    origin: str, cache: Path, user: tuple[str, str] | None = None, *, agent: str = "wheelhouse", file: bool = False
) -> list[Candidate]:
    """What a run of its own finds on the page of `app`; with `file` it fetches the files too."""
    http, store = Http(HttpSettings(timeout=5, retries=0, user_agent=agent)), Cache(cache)
    locations = IndexLocations([IndexLocation(url_of(origin, user))], http, PageCache(http, store))
    source = PackageSource(locations, http, store)
    try:
        page = source.pages.get(APP).result()
        assert page is not None
        candidates = [candidate for version in page.versions for candidate in page.candidates(version)]
        for candidate in candidates if file else ():
            source.artifacts.get(candidate).result()
        return candidates
    finally:
        source.close()
        store.close()


def from_lock(candidate: Candidate, origin: str, cache: Path, user: tuple[str, str] | None) -> Path:
    """The file of a candidate, as a run from a lock asks for it: no page is fetched."""
    http, store = Http(HttpSettings(timeout=5, retries=0)), Cache(cache)
    locations = IndexLocations([IndexLocation(url_of(origin, user))], http, PageCache(http, store))
    source = PackageSource(locations, http, store)
    try:
        return source.artifacts.get(candidate).result().path
    finally:
        source.close()
        store.close()


@pytest.fixture
def denying(tmp_path: Path) -> Iterator[IndexServer]:
    """An index that Alice alone may read."""
    wheel = build_wheel(tmp_path / "offered", "app", "1.0")
    with IndexServer(wheel.parent, auth=ALICE, abilities=Abilities(cache_control="max-age=600")) as server:
        yield server


# Pages


def test_a_fresh_page_is_given_to_no_other_credentials(denying: IndexServer, tmp_path: Path) -> None:
    for _ in range(2):
        assert fetched(denying.origin, tmp_path / "cache", ALICE)
    assert len(denying.requests) == 1
    for other in (MALLORY, None):
        with pytest.raises(ServerError, match="answered 401"):
            fetched(denying.origin, tmp_path / "cache", other)


def test_releases_without_freshness_are_given_to_no_other_credentials(denying: IndexServer, tmp_path: Path) -> None:
    http = Http()
    http.credentials.learn(url_of(denying.origin, ALICE))
    pages = PageCache(http, Cache(tmp_path))
    page = IndexLocations([IndexLocation(url_of(denying.origin, ALICE))], http, pages).page(APP)
    assert page
    pinned, url = SpecifierSet("==1.0"), f"{denying.url}/app/"
    old = [msgspec.structs.replace(file, upload_time="2020-01-01T00:00:00Z") for file in page.files]
    pages.keep_releases(url, pinned, replace(page, files=old, lacks_freshness=True))
    assert pages.releases(url, pinned, APP, "index")
    http.close()
    assert PageCache(Http(), Cache(tmp_path)).releases(url, pinned, APP, "index") is None


class Site:
    """An index that answers with these headers, and counts the requests for its page."""

    def __init__(self, headers: dict[str, str], *, files: str = "[]") -> None:
        self.headers, self.files, self.asked = headers, files, list[Ask]()
        self._server = Server(self._answer)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, ask: Ask) -> Reply:
        self.asked.append(ask)
        page = f'{{"meta": {{"api-version": "1.0"}}, "name": "app", "files": {self.files}}}'
        return Reply(200, page.encode(), {"Content-Type": JSON_TYPE, "Cache-Control": "max-age=600", **self.headers})

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


@pytest.mark.parametrize(
    ("vary", "asked"),
    [("Accept-Encoding", 1), ("Accept, Cookie", 1), ("User-Agent", 2), ("accept, USER-AGENT", 2), ("*", 2)],
)
def test_a_page_that_varies_is_given_to_the_same_request_alone(tmp_path: Path, vary: str, asked: int) -> None:
    """RFC 9111, 4.1."""
    with Site({"Vary": vary}) as site:
        fetched(site.origin, tmp_path, agent="one")
        fetched(site.origin, tmp_path, agent="two")
        assert len(site.asked) == asked


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("user", "headers"),
    [(ALICE, {}), (None, {"Cache-Control": "private, max-age=600"})],
    ids=["credentials", "private"],
)
def test_a_private_page_lies_in_a_folder_of_its_user(
    tmp_path: Path, user: tuple[str, str] | None, headers: dict[str, str]
) -> None:
    with Site(headers) as site:
        for _ in range(2):
            fetched(site.origin, tmp_path / "cache", user)
        assert len(site.asked) == 1
    own = tmp_path / "cache/v1/private" / str(os.getuid())
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    held = everything(tmp_path / "cache")
    assert held and all(path.is_relative_to(own) for path in held)
    assert not any(ALICE[1].encode() in raw or b"YWxpY2U6" in raw for raw in held.values())


@pytest.mark.parametrize(
    "files",
    [
        '[{"filename": "app-1.0-py3-none-any.whl", "url": "/f/app-1.0-py3-none-any.whl?signature=s3cr3t"}]',
        '[{"filename": "app-1.0-py3-none-any.whl", "url": "/f/app-1.0-py3-none-any.whl", "provenance": "/p?signature=s3cr3t"}]',
    ],
    ids=["file", "provenance"],
)
def test_no_signed_query_is_kept(tmp_path: Path, files: str) -> None:
    with Site({}, files=files) as site:
        for _ in range(2):
            fetched(site.origin, tmp_path / "cache")
        assert len(site.asked) == 2
    assert not any(b"s3cr3t" in raw for raw in everything(tmp_path).values())


def test_the_query_that_a_page_was_redirected_to_is_not_kept(tmp_path: Path) -> None:
    with Site({}) as site, IndexServer() as index:
        index.faults.append(Fault("app", "redirect", times=None, to=f"{site.origin}/there/?signature=s3cr3t"))
        for _ in range(2):
            fetched(index.origin, tmp_path / "cache")
        assert len(site.asked) == 1
    assert not any(b"s3cr3t" in raw for raw in everything(tmp_path / "cache").values())


# Files


def test_a_private_file_is_given_to_no_other_credentials(denying: IndexServer, tmp_path: Path) -> None:
    """Mallory knows its sha256 from a lock, and its server refuses her."""
    (candidate,) = fetched(denying.origin, tmp_path / "cache", ALICE, file=True)
    before = len(denying.requests)
    assert from_lock(candidate, denying.origin, tmp_path / "cache", ALICE).read_bytes()
    assert len(denying.requests) == before
    for other in (MALLORY, None):
        with pytest.raises(ServerError, match="answered 401"):
            from_lock(candidate, denying.origin, tmp_path / "cache", other)


def test_new_credentials_are_confirmed_and_nothing_is_downloaded_again(denying: IndexServer, tmp_path: Path) -> None:
    (candidate,) = fetched(denying.origin, tmp_path / "cache", ALICE, file=True)
    denying.auth = ("alice", "rotated")
    before = len(denying.requests)
    for _ in range(2):
        from_lock(candidate, denying.origin, tmp_path / "cache", denying.auth)
    assert [(request.headers["range"], request.sent) for request in denying.requests[before:]] == [("bytes=0-0", 1)]


def test_a_private_file_that_its_server_no_longer_has_is_not_used(denying: IndexServer, tmp_path: Path) -> None:
    (candidate,) = fetched(denying.origin, tmp_path / "cache", ALICE, file=True)
    denying.auth = MALLORY
    denying._offers.clear()
    with pytest.raises(ServerError, match=r"is not at .* \(404\)"):
        from_lock(candidate, denying.origin, tmp_path / "cache", MALLORY)


def test_private_files_lie_in_a_folder_of_their_user_and_public_ones_beside_it(tmp_path: Path) -> None:
    build_wheel(tmp_path / "offered", "app", "1.0")
    own = tmp_path / "cache/v1/private" / str(os.getuid())
    with IndexServer(tmp_path / "offered") as server:
        fetched(server.origin, tmp_path / "cache", file=True)
        assert not own.exists()
        server.auth = ALICE
        fetched(server.origin, tmp_path / "private", ALICE, file=True)
    held = everything(tmp_path / "private")
    assert held and all(path.is_relative_to(tmp_path / "private/v1/private") for path in held)


def test_a_file_with_a_signed_url_is_private(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "offered", "app", "1.0")
    with IndexServer(wheel.parent) as server:
        server.add(wheel, url=server.put(f"/signed/{wheel.name}", wheel.read_bytes()) + "?signature=s3cr3t")
        fetched(server.origin, tmp_path / "cache", file=True)
    assert list((tmp_path / "cache/v1/private").rglob("artifacts/*/*"))
    assert not list((tmp_path / "cache/v1/artifacts").rglob("*"))


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o710])
def test_a_private_folder_that_others_can_open_is_not_used(tmp_path: Path, mode: int) -> None:
    """Another user may have made it, and waits for what is written there."""
    own = tmp_path / "v1/private" / str(os.getuid())
    own.mkdir(parents=True)
    own.chmod(mode)
    events: list[Event] = []
    cache = Cache(tmp_path, events.append)
    try:
        cache.private.note("pages", "key", b"secret")
        assert cache.private.noted("pages", "key") == b"secret"
        assert not list(own.iterdir())
        assert len([event for event in events if isinstance(event, Warned)]) == 1
    finally:
        cache.close()


def test_a_private_part_without_a_cache_ends_with_the_run() -> None:
    cache = Cache(None)
    cache.private.note("pages", "key", b"secret")
    assert cache.private.noted("pages", "key") == b"secret"
    assert cache.noted("pages", "key") is None
    folder = cache.private._temporary
    assert folder is not None and stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    cache.close()
    assert not folder.parent.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to another user")
def test_a_cache_that_another_user_filled_saves_downloads_and_decides_nothing(tmp_path: Path) -> None:
    """The pages are asked for again, and the files are opened again; their bytes alone are used, because they are hashed."""
    wheel, cache = build_wheel(tmp_path / "offered", "app", "1.0"), tmp_path / "cache"
    with IndexServer(wheel.parent, abilities=Abilities(cache_control="max-age=600")) as server:
        fetched(server.origin, cache, file=True)
        for path in cache.rglob("*"):
            os.chown(path, 1234, 1234)
        server.requests.clear()
        assert fetched(server.origin, cache, file=True)
        asked = [request.path for request in server.requests]
        assert any(path.endswith("/app/") for path in asked) and not any(path.endswith(".whl") for path in asked)
        (artifact,) = (path for path in (cache / "v1" / "artifacts").rglob("*") if path.is_file())
        artifact.write_bytes(artifact.read_bytes()[:-1] + b"?")
        for path in cache.rglob("*"):
            os.chown(path, 1234, 1234)
        server.requests.clear()
        assert fetched(server.origin, cache, file=True)
        assert any(request.path.endswith(".whl") for request in server.requests), "other bytes are fetched anew"
