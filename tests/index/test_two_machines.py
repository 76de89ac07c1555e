"""Two machines with a cache each and one store: what one has fetched, read or built, the other takes from the store."""

import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.index import Abilities, IndexServer
from tests.support.registry import RegistryServer, tiny_image
from tests.support.replies import Ask, Reply
from tests.support.server import Server
from tests.support.team import PASSWORD, Team
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.files import object_store
from wheelhouse.verify.verify import verify

pytest_plugins = ["tests.support.team_fixtures"]
MODIFIED = "Sun, 01 Mar 2026 12:00:00 GMT"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[IndexServer]:
    """An index whose pages stay fresh for ten minutes, as PyPI's do."""
    folder = tmp_path / "offered"
    build_wheel(folder, "app", "1.0", requires=["library"])
    build_wheel(folder, "library", "2.0", files={"library/data.bin": os.urandom(40_000)})
    build_sdist(folder, "tool", "3.0", requires=["library"])
    with IndexServer(folder, abilities=Abilities(cache_control="max-age=600")) as index:
        yield index


def requested(server: IndexServer) -> list[str]:
    """The paths that were requested since the last call."""
    paths = [request.path for request in server.requests]
    server.requests.clear()
    return paths


def files(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_second_machine_fetches_no_file_from_the_index(server: IndexServer, team: Team) -> None:
    assert team.fetch("one", server.url, "app", "tool") == 0, team.said
    requested(server)
    assert team.fetch("two", server.url, "app", "tool") == 0, team.said
    assert [path for path in requested(server) if not path.startswith("/simple/") and ".metadata" not in path] == []
    assert files(team.folder / "wheels-one") == files(team.folder / "wheels-two")


def test_with_a_trusted_key_the_second_machine_requests_nothing_at_all(
    server: IndexServer, team: Team, key: Path
) -> None:
    team.trusts(key)
    assert team.fetch("one", server.url, "app", "tool", key=key) == 0, team.said
    requested(server)
    assert team.fetch("two", server.url, "app", "tool") == 0, team.said
    assert requested(server) == []
    assert files(team.folder / "wheels-one") == files(team.folder / "wheels-two")


def test_an_altered_object_is_fetched_from_the_index_and_put_right(server: IndexServer, team: Team) -> None:
    assert team.fetch("one", server.url, "app") == 0, team.said
    objects = list(team.folder.glob("store/artifacts/*/*"))
    for path in objects:
        path.write_bytes(b"another" * 1000)
    requested(server)
    assert team.fetch("two", server.url, "app") == 0, team.said
    assert "has a file whose bytes do not match its sha256" in team.said
    assert len([path for path in requested(server) if path.endswith(".whl")]) == len(objects) == 2
    assert verify(team.folder / "wheels-two").findings == ()
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in objects)


@pytest.mark.parametrize("is_shared", [False, True])
def test_what_credentials_gave_goes_to_the_store_only_if_the_settings_say_so(
    server: IndexServer, team: Team, key: Path, is_shared: bool
) -> None:
    team.trusts(key, more="store-private = true" if is_shared else "")
    server.auth = ("alice", PASSWORD)
    index = server.url.replace("://", f"://alice:{PASSWORD}@")
    assert team.fetch("one", index, "app", key=key) == 0, team.said
    objects = [path for path in team.folder.glob("store/**/*") if path.is_file()]
    assert {path.relative_to(team.folder / "store").parts[0] for path in objects} == (
        {"artifacts", "contents-2"} if is_shared else set()
    )
    assert not any(PASSWORD.encode() in path.read_bytes() for path in objects)
    requested(server)
    assert team.fetch("two", index, "app") == 0, team.said
    assert any(path.endswith(".whl") for path in requested(server)) is not is_shared
    assert PASSWORD not in team.said


def test_files_of_this_machine_stay_here(server: IndexServer, team: Team, key: Path) -> None:
    team.trusts(key)
    build_wheel(team.folder / "own", "inhouse", "1.0")
    assert team.fetch("one", server.url, "inhouse", "--find-links", "own", key=key) == 0, team.said
    assert list(team.folder.glob("store/artifacts/*/*")) == []
    team.trusts(key, more="store-private = true")
    assert team.fetch("two", server.url, "inhouse", "--find-links", "own", key=key) == 0, team.said
    assert len(list(team.folder.glob("store/artifacts/*/*"))) == 1


def test_a_store_that_is_read_only_by_the_settings_gets_nothing(server: IndexServer, team: Team, key: Path) -> None:
    team.trusts(key, more='store-mode = "read"')
    assert team.fetch("one", server.url, "app", key=key) == 0, team.said
    assert [path for path in team.folder.glob("store/**/*") if path.is_file()] == []


def test_a_key_that_nobody_trusts_is_said(server: IndexServer, team: Team, key: Path) -> None:
    assert team.fetch("one", server.url, "app", key=key) == 0, team.said
    assert "the key of --store-key is not in `[store] trusted`" in team.said


def use_server(team: Team, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Let the team's store be a bucket on this server."""
    values = {"ENDPOINT_URL": endpoint, "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": PASSWORD, "REGION": "r"}
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    team.store = "s3://bucket/folder"
    team.trusts()


def must_go_on(team: Team, server: IndexServer, reason: str, times: int) -> None:
    """A fetch ends well, and says so many times why the store is left."""
    assert team.fetch("one", server.url, "app") == 0, team.said
    assert team.said.count(f"the store s3://bucket/folder {reason}") == times, team.said
    assert PASSWORD not in team.said
    assert verify(team.folder / "wheels-one").findings == ()


def test_a_store_that_does_not_answer_costs_a_warning(
    server: IndexServer, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_server(team, monkeypatch, "http://127.0.0.1:9")
    must_go_on(team, server, "does not answer", times=2)


@contextmanager
def taking_nothing(status: int) -> Iterator[str]:
    """An empty store that answers each PUT with a status; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(status)

        def do_GET(self) -> None:
            self._answer(404)

        def do_HEAD(self) -> None:
            self._answer(404)

        def _answer(self, code: int) -> None:
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as store:
        threading.Thread(target=store.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{store.server_port}"
        store.shutdown()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (507, "is full"),
        pytest.param(403, "refuses the credentials", marks=pytest.mark.rooms),
        pytest.param(500, "answered 500", marks=pytest.mark.rooms),
    ],
)
def test_a_store_that_takes_nothing_costs_a_warning(
    server: IndexServer, team: Team, monkeypatch: pytest.MonkeyPatch, status: int, reason: str
) -> None:
    with taking_nothing(status) as endpoint:
        use_server(team, monkeypatch, endpoint)
        must_go_on(team, server, reason, times=1)


def test_a_store_that_never_answers_costs_a_warning(
    server: IndexServer, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "READ_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_server(team, monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}")
        must_go_on(team, server, "is too slow", times=2)


def test_a_store_that_stops_in_the_middle_of_a_file_is_left(
    server: IndexServer, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came of the file is not used: the index sends the whole file."""

    def site(ask: Ask) -> Reply:
        return Reply(200, b"x" * 100_000, {"ETag": '"1"', "Last-Modified": MODIFIED}, cut=50_000)

    store = Server(site)
    use_server(team, monkeypatch, f"http://127.0.0.1:{store.server_address[1]}")
    try:
        assert team.fetch("one", server.url, "app") == 0, team.said
    finally:
        store.stop()
    assert "this run continues without reading from it" in team.said
    assert verify(team.folder / "wheels-one").findings == ()


def test_an_address_of_a_store_that_is_none_ends_the_run(server: IndexServer, team: Team) -> None:
    Path("wheelhouse.toml").unlink()
    assert team.run("one", "fetch", "app", "--python", "3.12", "--index", server.url, "--store", "nowhere") == 2
    assert "`nowhere` is not a kind of store" in team.said


def test_a_wheelhouse_of_lock_files_keeps_its_objects_from_being_pruned(
    server: IndexServer, team: Team, key: Path
) -> None:
    team.trusts(key)
    assert team.fetch("one", server.url, "app", key=key) == 0, team.said
    assert team.fetch("other", server.url, "tool", key=key) == 0, team.said
    objects = {path: path.name for path in team.folder.glob("store/*/*/*")}
    tool = hashlib.sha256((team.folder / "wheels-other/tool-3.0.tar.gz").read_bytes()).hexdigest()
    assert team.run_plain("store", "prune", "wheels-one") == 0, team.said
    assert "0 objects" in team.said, "all are young"
    for path in objects:
        os.utime(path, (1e9, 1e9))
    assert team.run_plain("store", "prune", "wheels-one", "--dry-run", "--days", "1", "--json") == 0, team.said
    removed = {row["key"].rpartition("/")[2] for row in json.loads(team.said)["removed"]}
    assert tool in removed
    assert all(path.exists() for path in objects)
    assert team.run_plain("store", "prune", "wheels-one", "--days", "1") == 0, team.said
    assert {name for path, name in objects.items() if not path.exists()} == removed
    kept = sorted(path.parts[-3] for path in objects if path.exists())
    assert kept == ["artifacts", "artifacts", "contents-2", "contents-2"]


def test_a_virtual_wheelhouse_and_a_prune_exclude_each_other(server: IndexServer, team: Team) -> None:
    assert team.fetch("one", server.url, "app") == 0, team.said
    lease = team.folder / "store/leases-1"
    for kind in ("pruning", "relying"):
        (lease / kind).mkdir(parents=True)
    (lease / "pruning/other").touch()
    assert team.fetch("two", server.url, "app", "--virtual") == 4
    assert "is being pruned by another run" in team.said and not list(Path("wheels-two").glob("pylock*"))
    (lease / "pruning/other").rename(lease / "relying/other")
    assert team.fetch("two", server.url, "app", "--virtual") == 0, team.said
    assert team.run_plain("store", "prune", "wheels-one") == 4
    assert "is in use by a run of `fetch --virtual`" in team.said
    assert team.run_plain("store", "prune", "wheels-one", "--dry-run") == 0, team.said
    assert [path.name for path in lease.glob("*/*")] == ["other"]


def test_layers_of_a_base_image_come_from_the_store(tmp_path: Path, team: Team) -> None:
    (tmp_path / "empty").mkdir()
    build_wheel(tmp_path / "empty", "lib", "1.0")
    with RegistryServer(tmp_path / "empty") as registry:
        image = tiny_image()
        registry.push("team/base", "12", image)
        words = ("lib", "--index", registry.url, "--base-image", f"{registry.host}/team/base:12")
        assert team.run("one", "fetch", *words, "--dest", "wheels-one") == 0, team.said
        requested(registry)
        assert team.run("two", "fetch", *words, "--dest", "wheels-two") == 0, team.said
        assert [path for path in requested(registry) if "/blobs/" in path] == []
    assert files(Path("wheels-one/image/blobs/sha256")) == files(Path("wheels-two/image/blobs/sha256"))


def test_show_counts_what_a_store_holds(server: IndexServer, team: Team) -> None:
    assert team.fetch("one", server.url, "app") == 0, team.said
    assert team.run_plain("store", "show") == 0
    assert team.said.startswith(team.store) and "artifacts: 2 objects" in team.said
    assert team.run_plain("store", "show", "--json") == 0
    assert json.loads(team.said)["kinds"]["artifacts"]["objects"] == 2
    Path("wheelhouse.toml").unlink()
    assert team.run_plain("store", "show") == 2
    assert "no store is named" in team.said


def test_a_folder_that_is_not_mounted_costs_a_warning(server: IndexServer, team: Team) -> None:
    Path("file").write_text("no folder")
    team.store = f"{team.folder.as_uri()}/file/store"
    team.trusts()
    assert team.fetch("one", server.url, "app") == 0, team.said
    assert f"the store {team.store} " in team.said and "this run continues without the store" in team.said
    assert team.run_plain("store", "show") == 4
    assert not Path("nowhere").exists()
    assert team.run_plain("store", "show", "--store", f"{team.folder.as_uri()}/nowhere") == 4
    assert "nowhere does not exist" in team.said and not Path("nowhere").exists()
