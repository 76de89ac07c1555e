"""Pages are kept between runs as their servers allow it, and no longer."""

import os
import time
from pathlib import Path

import pytest
from packaging.utils import NormalizedName

from tests.support.index import Abilities, IndexServer
from tests.support.supplies import supplying
from tests.support.wheels import build_wheel

APP = NormalizedName("app")


def versions(server: IndexServer, folder: Path) -> list[str]:
    """What a run of its own reads of the page."""
    with supplying(server, folder / "cache") as supply:
        page = supply.page(APP).result()
    return sorted(map(str, page.versions)) if page else []


def statuses(server: IndexServer) -> list[int]:
    return [request.status for request in server.requests if request.path == "/simple/app/"]


def age(folder: Path, seconds: float) -> None:
    """Make the kept pages so much older."""
    for path in (folder / "cache").rglob("pages/*/*"):
        os.utime(path, (time.time() - seconds,) * 2)


def kept(folder: Path) -> list[Path]:
    return list((folder / "cache").rglob("pages/*/*"))


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
