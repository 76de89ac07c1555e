"""Two machines in network namespaces of their own, with separate caches and one store on a real server of objects.

The second machine cannot reach the index: what it fetches and builds comes from the store, or is an error.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.build.test_build import sdist
from tests.support.index import Abilities, IndexServer
from tests.support.machines import Link, Machine, machines
from tests.support.object_servers import BUCKET, ObjectServer, seaweedfs
from tests.support.sandboxes import MINOR
from tests.support.wheels import build_wheel
from wheelhouse.files.object_store import ObjectStore
from wheelhouse.verify.verify import verify

pytest_plugins = ["tests.support.team_fixtures"]
pytestmark = pytest.mark.servers
STORE = f"s3://{BUCKET}/store"
BUILD = ("--unsealed", "--interpreter", sys.executable)
NAMES = ("app", "native", *(f"p{number}" for number in range(6)))


@dataclass(frozen=True)
class Site:
    """Two machines, the index that only the first reaches, and the store that both reach."""

    first: Machine
    second: Machine
    index: IndexServer
    index_link: Link
    store: ObjectServer
    store_links: dict[str, Link]

    def fetch(self, machine: Machine, *more: str | Path) -> "subprocess.CompletedProcess[str]":
        """Fetch everything, with an empty cache, into a new wheelhouse."""
        machine.forget()
        where = ("--python", MINOR, "--index", f"{self.index_link.url}/simple/", "--retries", "0", "--timeout", "5")
        return machine.run("fetch", *NAMES, *where, *more, env=self._environment(machine))

    def build(self, machine: Machine, *more: str | Path) -> "subprocess.CompletedProcess[str]":
        return machine.run("build", "wheels", *BUILD, *more, env=self._environment(machine))

    def requested(self) -> list[str]:
        """The paths that were requested of the index since the last call."""
        paths = [request.path for request in self.index.requests]
        self.index.requests.clear()
        return paths

    def _environment(self, machine: Machine) -> dict[str, str]:
        return {**self.store.environment, "AWS_ENDPOINT_URL": self.store_links[machine.name].url}


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offered")
    build_wheel(folder, "app", "1.0", requires=["native"])
    sdist(folder, "native", tag=f"cp{MINOR.replace('.', '')}-none-any")
    for number in range(6):
        build_wheel(folder, f"p{number}", "1.0", files={f"p{number}/data.bin": os.urandom(400_000)})
    return folder


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[ObjectServer]:
    (tmp_path / "objects").mkdir()
    with seaweedfs(tmp_path / "objects") as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, offered: Path, objects: ObjectServer, key: Path) -> Iterator[Site]:
    with site_of(tmp_path, offered, objects, key) as site:
        yield site


@contextmanager
def site_of(folder: Path, offered: Path, objects: ObjectServer, key: Path) -> Iterator[Site]:
    fresh = Abilities(cache_control="max-age=600")
    with machines(folder, 2) as (first, second), IndexServer(offered, abilities=fresh, relative_urls=True) as index:
        for machine in (first, second):
            settings = f'[store]\nurl = "{STORE}"\ntrusted = [{json.dumps(f"{key}.pub")}]\n'
            (machine.folder / "wheelhouse.toml").write_text(settings)
        links = {one.name: Link(one.gateway, urlsplit(objects.endpoint).port or 0) for one in (first, second)}
        index_link = Link(first.gateway, urlsplit(index.url).port or 0)
        try:
            yield Site(first, second, index, index_link, objects, links)
        finally:
            for link in (index_link, *links.values()):
                link.close()


def files(machine: Machine) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (machine.folder / "wheels").glob("*.*") if path.is_file()}


def test_the_second_machine_needs_no_index_and_builds_nothing_again(site: Site, key: Path) -> None:
    done = site.fetch(site.first, "--store-key", key)
    assert done.returncode == 0, done.stderr
    assert site.requested()
    done = site.build(site.first, "--store-key", key)
    assert done.returncode == 0 and "1 now, 0 before" in done.stdout, done.stderr + done.stdout
    site.requested()
    done = site.fetch(site.second)
    assert done.returncode == 0, done.stderr
    done = site.build(site.second)
    assert done.returncode == 0 and "0 now, 1 before" in done.stdout, done.stderr + done.stdout
    assert site.requested() == []
    assert files(site.first) == files(site.second)


def test_an_object_that_was_altered_is_refused_and_fetched_anew(
    site: Site, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site.fetch(site.first, "--store-key", key).returncode == 0
    site.store.use(monkeypatch)
    store = ObjectStore(STORE, allow_http=True, make=False)
    altered = next(item for item in store.listed() if item.key.startswith("artifacts/") and item.size > 400_000)
    store.put(altered.key, b"another" * 1000)
    site.requested()
    done = site.fetch(site.first)
    assert done.returncode == 0 and "has a file whose bytes do not match its sha256" in done.stderr, done.stderr
    assert len(site.requested()) == 1
    done = site.fetch(site.second)
    assert done.returncode == 0 and "other bytes" not in done.stderr, "the first machine put it right"
    assert verify(site.second.folder / "wheels").findings == ()
    store.put(altered.key, b"another" * 1000)
    done = site.fetch(site.second)
    assert done.returncode == 4 and "has a file whose bytes do not match its sha256" in done.stderr, (
        "no index to take it from"
    )


def test_a_store_that_is_killed_in_the_middle_is_left(site: Site, key: Path) -> None:
    assert site.fetch(site.first, "--store-key", key).returncode == 0
    site.store_links[site.first.name].bytes_a_second = 1e6
    killer = threading.Thread(target=_kill_after_first, args=(site,))
    site.first.forget()
    killer.start()
    done = site.fetch(site.first)
    killer.join()
    assert done.returncode == 0 and "this run continues without" in done.stderr, done.stderr
    assert verify(site.first.folder / "wheels").findings == ()


def _kill_after_first(site: Site) -> None:
    """Kill the store once a file has come from it."""
    end = time.monotonic() + 60
    cache = site.first.folder / "cache"
    while time.monotonic() < end and not any(cache.glob("*/v1/artifacts/*/*")):
        time.sleep(0.002)
    site.store.kill()


def test_a_slow_store_is_left(site: Site, key: Path) -> None:
    """It sends 10 kB a second; 64 kB are needed. What the index has, it sends."""
    assert site.fetch(site.first, "--store-key", key).returncode == 0
    site.store_links[site.first.name].bytes_a_second = 10_000
    done = site.fetch(site.first)
    assert done.returncode == 0 and "is too slow" in done.stderr, done.stderr
    assert verify(site.first.folder / "wheels").findings == ()


def test_a_full_store_is_left(tmp_path: Path, offered: Path, key: Path) -> None:
    """The disk of the store has room for no file."""
    full = tmp_path / "objects"
    full.mkdir()
    if os.geteuid() or subprocess.run(("mount", "-t", "tmpfs", "-o", "size=40m", "none", full), check=False).returncode:
        pytest.skip("a small disk needs root")
    try:
        with seaweedfs(full) as objects, site_of(tmp_path, offered, objects, key) as site:
            _fill(full)
            done = site.fetch(site.first, "--store-key", key)
            assert done.returncode == 0 and "this run continues without" in done.stderr, done.stderr
            assert verify(site.first.folder / "wheels").findings == ()
    finally:
        subprocess.run(("umount", "--lazy", full), check=True)


def _fill(folder: Path) -> None:
    with (folder / "rest").open("wb") as file:
        try:
            while True:
                file.write(b"x" * 65_536)
                file.flush()
        except OSError:
            return
