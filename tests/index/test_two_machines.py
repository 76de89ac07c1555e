"""Two machines with a cache each and one store: what one has fetched, read or built, the other takes from the store."""

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index import Abilities, IndexServer
from tests.support.tools import must_be_no_defect
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.cli.entry import run
from wheelhouse.signing.sign import Key
from wheelhouse.verify.verify import verify

PASSWORD = "s3cr3t-of-alice"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[IndexServer]:
    """An index whose pages stay fresh for ten minutes, as PyPI's do."""
    folder = tmp_path / "offered"
    build_wheel(folder, "app", "1.0", requires=["library"])
    build_wheel(folder, "library", "2.0", files={"library/data.bin": os.urandom(40_000)})
    build_sdist(folder, "tool", "3.0", requires=["library"])
    with IndexServer(folder, abilities=Abilities(cache_control="max-age=600")) as index:
        yield index


class Team:
    """Machines that share a store: each run is in this process, with the cache of its machine."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.store = folder, (folder / "store").as_uri()
        monkeypatch.chdir(folder)
        self.said = ""

    def trusts(self, *keys: Path, more: str = "") -> None:
        """Write the team's settings."""
        names = json.dumps([f"{key}.pub" for key in keys])
        Path("wheelhouse.toml").write_text(f'{more}\n[store]\nurl = "{self.store}"\ntrusted = {names}\n')

    def run(self, machine: str, *words: str | Path, key: Path | None = None) -> int:
        """Run a command on a machine; what it said is in `said`."""
        where = ["--cache-dir", f"cache-{machine}", "--retries", "0", "--timeout", "5"]
        return self.run_plain(*words, *where, *(["--store-key", key] if key else []))

    def run_plain(self, *words: str | Path) -> int:
        """Run a command that has no cache; what it said is in `said`."""
        stderr, stdout = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(stderr), contextlib.redirect_stdout(stdout):
            code = run([*map(str, words)])
        self.said = stderr.getvalue() + stdout.getvalue()
        must_be_no_defect(self.said)
        return code

    def fetch(self, machine: str, index: str, *requirements: str, key: Path | None = None) -> int:
        """Fetch into the machine's own wheelhouse."""
        words = ("fetch", *requirements, "--python", "3.12", "--index", index, "--dest", f"wheels-{machine}")
        return self.run(machine, *words, key=key)


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    team = Team(tmp_path, monkeypatch)
    team.trusts()
    return team


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key with its public key beside it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path, made = tmp_path_factory.mktemp("keys") / "ci", Ed25519PrivateKey.generate()
    raw = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(made.private_bytes(*raw))
    encoding = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    path.with_suffix(".pub").write_bytes(Key(made).public.key.public_bytes(*encoding))
    return path


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
    assert "has other bytes under the sha256" in team.said
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


def test_a_store_that_is_read_only_by_the_settings_gets_nothing(server: IndexServer, team: Team, key: Path) -> None:
    team.trusts(key, more='store-mode = "read"')
    assert team.fetch("one", server.url, "app", key=key) == 0, team.said
    assert [path for path in team.folder.glob("store/**/*") if path.is_file()] == []


def test_a_key_that_nobody_trusts_is_said(server: IndexServer, team: Team, key: Path) -> None:
    assert team.fetch("one", server.url, "app", key=key) == 0, team.said
    assert "the key of --store-key is none of `[store] trusted`" in team.said


def test_a_store_that_does_not_answer_costs_a_warning(
    server: IndexServer, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"ENDPOINT_URL": "http://127.0.0.1:9", "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": PASSWORD, "REGION": "r"}
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    team.store = "s3://bucket/folder"
    team.trusts()
    assert team.fetch("one", server.url, "app") == 0, team.said
    assert team.said.count("the store s3://bucket/folder does not answer") == 2
    assert PASSWORD not in team.said
    assert verify(team.folder / "wheels-one").findings == ()


def test_an_address_of_a_store_that_is_none_ends_the_run(server: IndexServer, team: Team) -> None:
    Path("wheelhouse.toml").unlink()
    assert team.run("one", "fetch", "app", "--python", "3.12", "--index", server.url, "--store", "nowhere") == 2
    assert "`nowhere` is no kind of store" in team.said


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
    assert f"the store {team.store} " in team.said and "this run goes on without it" in team.said
    assert team.run_plain("store", "show") == 4
    assert not Path("nowhere").exists()
    assert team.run_plain("store", "show", "--store", f"{team.folder.as_uri()}/nowhere") == 4
    assert "nowhere is not there" in team.said and not Path("nowhere").exists()
