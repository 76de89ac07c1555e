"""A store on real servers of objects: two machines share it, and it may be killed in the middle."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index import Abilities, IndexServer
from tests.support.object_servers import BUCKET, ObjectServer, moto, seaweedfs
from tests.support.team import Team
from tests.support.wheels import build_wheel
from wheelhouse.verify.verify import verify

pytest_plugins = ["tests.support.team_fixtures"]
pytestmark = pytest.mark.servers
PROJECTS = 12


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    """Projects of which one has more bytes than are sent in one piece."""
    folder = tmp_path_factory.mktemp("offered")
    for number in range(PROJECTS):
        size = 20_000_000 if number == 0 else 300_000
        build_wheel(folder, f"p{number}", "1.0", files={f"p{number}/data.bin": os.urandom(size)})
    with IndexServer(folder, abilities=Abilities(cache_control="max-age=600")) as server:
        yield server


NAMES = [f"p{number}" for number in range(PROJECTS)]


@pytest.fixture(params=["moto", "seaweedfs"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    (tmp_path / "objects").mkdir()
    with moto() if request.param == "moto" else seaweedfs(tmp_path / "objects") as started:
        started.use(monkeypatch)
        yield started


def test_two_machines_share_a_bucket(index: IndexServer, server: ObjectServer, team: Team, key: Path) -> None:
    team.store = f"s3://{BUCKET}/store"
    team.trusts(key)
    assert team.fetch("one", index.url, *NAMES, key=key) == 0, team.said
    index.requests.clear()
    assert team.fetch("two", index.url, *NAMES) == 0, team.said
    assert [request.path for request in index.requests] == []
    assert verify(team.folder / "wheels-two").findings == ()
    assert team.run_plain("store", "prune", "wheels-one") == 0, team.said
    assert "0 objects" in team.said


def test_a_store_that_is_killed_in_the_middle_is_left(
    index: IndexServer, server: ObjectServer, team: Team, key: Path
) -> None:
    team.store = f"s3://{BUCKET}/store"
    team.trusts(key)
    assert team.fetch("one", index.url, *NAMES, key=key) == 0, team.said
    killer = threading.Thread(target=_kill_after_first, args=(team.folder / "cache-two", server))
    killer.start()
    assert team.fetch("two", index.url, *NAMES) == 0, team.said
    killer.join()
    assert verify(team.folder / "wheels-two").findings == ()
    shutil.rmtree(team.folder / "cache-two")
    assert team.fetch("three", index.url, *NAMES, key=key) == 0, team.said
    assert "this run continues without" in team.said


def _kill_after_first(cache: Path, server: ObjectServer) -> None:
    """Kill the store once the first file has come from it."""
    end = time.monotonic() + 60
    while time.monotonic() < end and not any(cache.glob("v1/artifacts/*/*")):
        time.sleep(0.002)
    server.kill()
