"""Pages are kept between runs as their servers allow it, and no longer."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest
from packaging.utils import NormalizedName

from tests.support.index import Abilities, IndexServer
from tests.support.replies import Ask, Reply
from tests.support.server import Server
from tests.support.supplies import supplying
from tests.support.wheels import build_wheel
from wheelhouse.fetch.fetch import fetch
from wheelhouse.fetch.gather import Options, gather
from wheelhouse.files.cache import Cache
from wheelhouse.index.client import Index
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.index.pagecache import PageCache
from wheelhouse.index.pages import JSON_TYPE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
APP = NormalizedName("app")


def versions(server: IndexServer, folder: Path) -> list[str]:
    """What a run of its own reads of the page."""
    with supplying(server, folder / "cache") as supply:
        page = supply.pages.get(APP).result()
    return sorted(map(str, page.versions)) if page else []


def statuses(server: IndexServer) -> list[int]:
    return [request.status for request in server.requests if request.path == "/simple/app/"]


def age(folder: Path, seconds: float) -> None:
    """Make the kept pages so much older."""
    for path in (folder / "cache").rglob("pages/*"):
        os.utime(path, (time.time() - seconds,) * 2)


def kept(folder: Path) -> list[Path]:
    return list((folder / "cache").rglob("pages/*"))


def test_a_page_with_a_validator_is_asked_about_and_its_changes_are_seen(tmp_path: Path) -> None:
    with IndexServer() as server:
        server.add(build_wheel(tmp_path, "app", "1"))
        assert versions(server, tmp_path) == versions(server, tmp_path) == ["1"]
        server.add(build_wheel(tmp_path, "app", "2"))
        assert versions(server, tmp_path) == ["1", "2"]
        assert statuses(server) == [200, 304, 200]


@pytest.mark.parametrize("json", [True, False], ids=["JSON", "HTML"])
def test_a_fresh_page_is_not_asked_for_and_a_stale_one_is(tmp_path: Path, json: bool) -> None:
    with IndexServer(abilities=Abilities(json=json, cache_control="max-age=600")) as server:
        server.add(build_wheel(tmp_path, "app", "1"))
        assert versions(server, tmp_path) == ["1"]
        server.add(build_wheel(tmp_path, "app", "2"))
        age(tmp_path, 590)
        assert versions(server, tmp_path) == ["1"]
        assert statuses(server) == [200]
        age(tmp_path, 610)
        assert versions(server, tmp_path) == ["1", "2"]
        assert versions(server, tmp_path) == ["1", "2"]
        assert statuses(server) == [200, 200]


@pytest.mark.parametrize(("seconds", "asked"), [("590", 1), ("600", 2), ("9" * 30, 2), ("soon", 1), ("", 1)])
def test_what_a_page_spent_in_another_cache_counts(tmp_path: Path, seconds: str, asked: int) -> None:
    """RFC 9111, 4.2.3: its age is what `Age` says, and what it spends here."""
    requests: list[Ask] = []

    def site(ask: Ask) -> Reply:
        requests.append(ask)
        page = b'{"meta": {"api-version": "1.0"}, "name": "app", "files": []}'
        return Reply(200, page, {"Content-Type": JSON_TYPE, "Cache-Control": "max-age=600", "Age": seconds})

    server = Server(site)
    try:
        for _ in range(2):
            http = Http(HttpSettings(timeout=5, retries=0))
            index = Index(f"http://127.0.0.1:{server.server_address[1]}/simple", http, PageCache(http, Cache(tmp_path)))
            assert index.page(APP)
            http.close()
    finally:
        server.stop()
    assert len(requests) == asked


def test_a_page_from_the_future_is_asked_about(tmp_path: Path) -> None:
    with IndexServer(abilities=Abilities(cache_control="max-age=600")) as server:
        server.add(build_wheel(tmp_path, "app", "1"))
        assert versions(server, tmp_path) == ["1"]
        age(tmp_path, -3600)
        assert versions(server, tmp_path) == ["1"]
        assert statuses(server) == [200, 304]


@pytest.mark.parametrize(
    "abilities",
    [
        Abilities(cache_control="no-store"),
        Abilities(cache_control="max-age=600, no-store"),
        Abilities(validators=False, cache_control="no-cache, max-age=600"),
        Abilities(validators=False),
        Abilities(validators=False, cache_control="max-age=0"),
        Abilities(validators=False, cache_control="max-age=soon"),
    ],
    ids=lambda abilities: f"{abilities.cache_control} {abilities.validators}",
)
def test_what_may_not_be_kept_is_not(tmp_path: Path, abilities: Abilities) -> None:
    with IndexServer(abilities=abilities) as server:
        server.add(build_wheel(tmp_path, "app", "1"))
        assert versions(server, tmp_path) == versions(server, tmp_path) == ["1"]
        assert statuses(server) == [200, 200]
    assert not kept(tmp_path)


def test_a_page_that_is_no_longer_to_be_kept_is_forgotten(tmp_path: Path) -> None:
    with IndexServer() as server:
        server.add(build_wheel(tmp_path, "app", "1"))
        versions(server, tmp_path)
        assert kept(tmp_path)
        server.abilities = Abilities(validators=False)
        versions(server, tmp_path)
    assert not kept(tmp_path)


@pytest.mark.parametrize("spoiled", [b"", b"x" * 64], ids=["empty", "other"])
def test_a_kept_page_that_was_altered_is_fetched_anew(tmp_path: Path, spoiled: bytes) -> None:
    with IndexServer(abilities=Abilities(cache_control="max-age=600")) as server:
        server.add(build_wheel(tmp_path, "app", "1"))
        versions(server, tmp_path)
        (path,) = kept(tmp_path)
        path.write_bytes(spoiled)
        assert versions(server, tmp_path) == ["1"]
        assert statuses(server) == [200, 200]


# Pinned releases, of whose page the server says nothing

SILENT = Abilities(validators=False)
CONSTRAINTS = "app==1\nlib==1\n"


class Pinned:
    """Runs of `app` and `lib`, both pinned, that share a cache; every run has a wheelhouse of its own."""

    def __init__(self, folder: Path, server: IndexServer) -> None:
        self.folder, self.server = folder, server

    def fetch(
        self, constraints: str = CONSTRAINTS, python: str = "3.12", *, upgrade: bool = False
    ) -> tuple[str, list[str]]:
        """What the lock says, and the pages that the run asked for."""
        before, house = len(self.server.requests), Path(mkdtemp(dir=self.folder))
        (self.folder / "constraints.txt").write_text(constraints)
        options = Options(
            requirements=("app",),
            constraints=(str(self.folder / "constraints.txt"),),
            python=(python,),
            upgrade=upgrade,
        )
        with supplying(self.server, self.folder / "cache", upgrade=upgrade) as supply:
            fetch(gather(options, Http(), NOW), house, supply)
        asked = [request.path.removeprefix("/simple/") for request in self.server.requests[before:]]
        (lock,) = house.glob("pylock.*.toml")
        return lock.read_text(), sorted({path.rstrip("/") for path in asked if path.endswith("/")})

    def age(self, seconds: float) -> None:
        for path in (self.folder / "cache").rglob("releases-*/*"):
            os.utime(path, (time.time() - seconds,) * 2)


@pytest.fixture
def pinned(tmp_path: Path) -> Iterator[Pinned]:
    with IndexServer(abilities=SILENT) as server:
        server.add(build_wheel(tmp_path, "app", "1", requires=["lib"]))
        server.add(build_wheel(tmp_path, "lib", "1"))
        server.add(build_wheel(tmp_path, "lib", "2"))
        yield Pinned(tmp_path, server)


def test_pinned_releases_are_believed_for_ten_minutes_and_make_the_same_lock(pinned: Pinned) -> None:
    lock, asked = pinned.fetch()
    assert asked == ["app", "lib"]
    pinned.age(590)
    assert pinned.fetch() == (lock, [])
    pinned.age(610)
    assert pinned.fetch() == (lock, ["app", "lib"])
    pinned.age(-60)
    assert pinned.fetch() == (lock, ["app", "lib"])


def test_what_is_not_pinned_is_asked_for_and_a_new_release_is_seen(pinned: Pinned, tmp_path: Path) -> None:
    pinned.fetch("app==1\nlib<9\n")
    pinned.server.add(build_wheel(tmp_path, "lib", "3"))
    lock, asked = pinned.fetch("app==1\nlib<9\n")
    assert asked == ["lib"] and 'version = "3"' in lock


def test_another_pin_is_asked_for(pinned: Pinned) -> None:
    pinned.fetch()
    lock, asked = pinned.fetch("app==1\nlib==2\n")
    assert asked == ["lib"] and 'version = "2"' in lock


def test_an_upgrade_asks_for_everything(pinned: Pinned) -> None:
    lock, asked = pinned.fetch()
    assert pinned.fetch(upgrade=True) == (lock, asked)


def test_a_page_is_asked_for_where_what_is_kept_has_no_file_for_the_target(pinned: Pinned, tmp_path: Path) -> None:
    pinned.server.add(build_wheel(tmp_path, "only", "1", tag="cp312-cp312-manylinux_2_17_x86_64"))
    constraints = CONSTRAINTS + "only==1\n"
    pinned.server.add(build_wheel(tmp_path, "app", "1", requires=["lib", "only"]))
    pinned.fetch(constraints)
    pinned.server.add(build_wheel(tmp_path, "only", "1", tag="cp313-cp313-manylinux_2_17_x86_64"))
    lock, asked = pinned.fetch(constraints, "3.13")
    assert asked == ["only"] and "cp313-cp313-manylinux" in lock


@pytest.mark.parametrize("uploaded", ["a minute ago", "never"])
def test_a_release_of_today_or_of_no_known_time_is_not_believed_for_long(
    pinned: Pinned, tmp_path: Path, uploaded: str
) -> None:
    moment = (datetime.now(UTC) - timedelta(minutes=1)).isoformat() if uploaded != "never" else None
    pinned.server.add(build_wheel(tmp_path, "lib", "1"), upload_time=moment)
    lock, _ = pinned.fetch()
    pinned.age(10)
    assert pinned.fetch() == (lock, ["lib"])


@pytest.mark.parametrize(
    "abilities",
    [
        Abilities(validators=False, cache_control="no-store"),
        Abilities(validators=False, cache_control="max-age=0"),
        Abilities(validators=False, cache_control="private"),
        Abilities(),
    ],
    ids=lambda abilities: f"{abilities.cache_control} {abilities.validators}",
)
def test_a_server_that_says_anything_is_asked_as_it_says(pinned: Pinned, abilities: Abilities) -> None:
    pinned.server.abilities = abilities
    lock, asked = pinned.fetch()
    assert pinned.fetch() == (lock, asked)


def test_a_kept_page_does_not_become_a_silent_one(pinned: Pinned) -> None:
    pinned.server.abilities = Abilities(validators=False, cache_control="max-age=600")
    lock, _ = pinned.fetch()
    assert pinned.fetch() == (lock, [])
    for path in (pinned.folder / "cache").rglob("pages/*"):
        path.unlink()
    assert pinned.fetch() == (lock, ["app", "lib"])


@pytest.mark.parametrize("spoiled", [b"", b"x" * 64], ids=["empty", "other"])
def test_kept_releases_that_were_altered_are_asked_for_anew(pinned: Pinned, spoiled: bytes) -> None:
    lock, _ = pinned.fetch()
    for path in (pinned.folder / "cache").rglob("releases-*/*"):
        path.write_bytes(spoiled)
    assert pinned.fetch() == (lock, ["app", "lib"])
