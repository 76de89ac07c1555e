"""`fetch --virtual` writes lock files alone, and `materialize` makes of them the wheelhouse that `fetch` makes."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.team import Team
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.files.disk import sha256_of
from wheelhouse.mirror import listen
from wheelhouse.mirror.listen import Listening
from wheelhouse.mirror.server import Application
from wheelhouse.verify.verify import verify

pytest_plugins = ["tests.support.team_fixtures"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    folder = tmp_path_factory.mktemp("offered")
    build_wheel(folder, "app", "1.0", requires=["lib"])
    build_wheel(folder, "lib", "1.0")
    build_sdist(folder, "tool", "1.0")
    with IndexServer(folder) as index:
        yield index


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_virtual_wheelhouse_becomes_what_fetch_makes(server: IndexServer, team: Team) -> None:
    assert team.fetch("one", server.url, "app", "tool", "--virtual") == 0, team.said
    virtual = team.folder / "wheels-one"
    assert [path.suffix for path in virtual.iterdir()] == [".toml"]
    assert len(list(team.folder.glob("store/artifacts/*/*"))) == 3
    shutil.copytree(virtual, team.folder / "virtual")
    server.requests.clear()
    assert team.run("two", "materialize", "virtual", "--dest", "whole") == 0, team.said
    assert not [request.path for request in server.requests if request.path.startswith("/files/")]
    assert team.fetch("three", server.url, "app", "tool") == 0, team.said
    assert files(team.folder / "whole") == files(team.folder / "wheels-three")
    assert verify(team.folder / "whole").findings == ()


def test_a_second_run_and_the_same_folder(server: IndexServer, team: Team) -> None:
    assert team.fetch("one", server.url, "app", "--virtual") == 0, team.said
    assert team.fetch("one", server.url, "app", "--virtual") == 0, team.said
    assert team.run("one", "materialize", "wheels-one", "--json") == 0, team.said
    (row,) = json.loads(team.said)["wheelhouses"]
    assert row["fetched"] == ["app-1.0-py3-none-any.whl", "lib-1.0-py3-none-any.whl"]
    assert team.run("one", "materialize", "wheels-one", "--json", "--link") == 0, team.said
    assert json.loads(team.said)["wheelhouses"][0]["fetched"] == []
    assert team.fetch("one", server.url, "app", "--virtual") == 0, team.said
    assert [path.suffix for path in Path("wheels-one").iterdir()] == [".toml"], "its files are in the store"


def test_lock_files_alone_are_enough(server: IndexServer, team: Team) -> None:
    """Without a store the files come from the index."""
    Path("wheelhouse.toml").unlink()
    assert team.run("one", "lock", "app", "--python", "3.12", "--index", server.url, "--dest", "locks") == 0
    assert team.run("two", "materialize", "locks") == 0, team.said
    assert verify(Path("locks")).findings == ()


def test_a_run_whose_files_no_store_takes_writes_nothing(server: IndexServer, team: Team) -> None:
    Path("wheelhouse.toml").unlink()
    assert team.fetch("one", server.url, "app", "--virtual") == 2
    assert "these files are in no store" in team.said
    Path("store").mkdir()
    team.trusts(more='store-mode = "read"')
    assert team.fetch("one", server.url, "app", "--virtual") == 2
    assert "settings allow only reading" in team.said
    team.store = "s3://bucket/folder"
    team.trusts()
    assert team.fetch("one", server.url, "app", "--virtual") == 4
    assert list(Path("wheels-one").iterdir()) == []


def test_what_credentials_gave_needs_a_word_in_the_settings(server: IndexServer, team: Team) -> None:
    server.auth = ("alice", "s3cr3t")
    address = server.url.replace("://", "://alice:s3cr3t@")
    try:
        assert team.fetch("one", address, "app", "--virtual") == 2
        assert "store-private = true" in team.said
        team.trusts(more="store-private = true")
        assert team.fetch("one", address, "app", "--virtual") == 0, team.said
    finally:
        server.auth = None


def test_a_folder_without_lock_files_is_no_wheelhouse(team: Team) -> None:
    Path("empty").mkdir()
    assert team.run("one", "materialize", "empty") == 2


def test_commands_that_need_the_files_take_them_from_the_store(server: IndexServer, team: Team) -> None:
    Path("limits.txt").write_text("lib==1.0\n")
    assert team.fetch("one", server.url, "app", "tool", "-c", "limits.txt", "--virtual") == 0, team.said
    virtual = Path("wheels-one")
    before = files(virtual)
    assert {Path(name).suffix for name in before} == {".toml", ".txt"}
    server.requests.clear()
    assert team.run_plain("verify", virtual, "--cache-dir", "cache-two", "--json") == 0, team.said
    assert json.loads(team.said)["files"] == 3
    assert json.loads(team.said)["house"] == "wheels-one"
    assert team.run_plain("verify", virtual, "--cache-dir", "cache-one") == 0, team.said
    assert team.run_plain("index", virtual, "-o", "simple", "--cache-dir", "cache-two") == 0, team.said
    assert Path("simple/app/app-1.0-py3-none-any.whl").is_file()
    assert team.run_plain("stage", virtual, "--cache-dir", "cache-two") == 0, team.said
    assert Path("docker-context-files/app-1.0-py3-none-any.whl").is_file()
    assert team.run("two", "pack", virtual, "-o", "virtual.tar") == 0, team.said
    assert not server.requests
    assert files(virtual) == before
    assert not list(Path().glob("cache-*/whole-*/*"))
    assert team.run("two", "materialize", virtual, "--dest", "whole") == 0, team.said
    assert team.run("two", "pack", "whole", "-o", "whole.tar") == 0, team.said
    assert Path("virtual.tar").read_bytes() == Path("whole.tar").read_bytes()


def test_an_altered_object_and_an_altered_file_of_the_cache_are_not_used(server: IndexServer, team: Team) -> None:
    assert team.fetch("one", server.url, "app", "--virtual") == 0, team.said
    for path in Path("cache-one").glob("**/artifacts/*/*"):
        path.write_bytes(b"altered")
    assert team.run_plain("verify", "wheels-one", "--cache-dir", "cache-one") == 0, team.said
    for path in Path("store/artifacts").glob("*/*"):
        path.write_bytes(b"altered")
    assert team.run_plain("verify", "wheels-one", "--cache-dir", "cache-one") == 0, "the cache has them again"
    assert team.run_plain("verify", "wheels-one", "--cache-dir", "cache-two") == 4
    assert "app-1.0-py3-none-any.whl" in team.said and "2 files of `wheels-one` can be found neither" in team.said
    assert "wheelhouse materialize wheels-one" in team.said
    assert team.run("two", "pack", "wheels-one", "-o", "bundle.tar") == 4
    assert not Path("bundle.tar").exists()


def test_without_a_store_a_folder_of_lock_files_lacks_its_files(server: IndexServer, team: Team) -> None:
    assert team.fetch("one", server.url, "app", "--virtual") == 0, team.said
    Path("wheelhouse.toml").unlink()
    assert team.run_plain("verify", "wheels-one") == 1
    assert "app-1.0-py3-none-any.whl" in team.said


def test_attestations_are_in_the_store_too(team: Team) -> None:
    publisher = {"kind": "GitHub", "repository": "a/b", "workflow": "w.yml"}
    attested = json.dumps({"version": 1, "attestation_bundles": [{"publisher": publisher, "attestations": []}]})
    with IndexServer() as server:
        server.add(build_wheel(team.folder, "lib", "1.0"), provenance=server.put("/lib", attested.encode()))
        assert team.fetch("one", server.url, "lib", "--virtual") == 0, team.said
    assert team.run_plain("verify", "wheels-one", "--cache-dir", "cache-two") == 0, team.said


def test_a_file_that_was_altered_in_the_cache_does_not_go_to_the_store(server: IndexServer, team: Team) -> None:
    settings = Path("wheelhouse.toml").read_text()
    Path("wheelhouse.toml").unlink()
    assert team.fetch("one", server.url, "app") == 0, team.said
    (altered,) = Path("cache-one").glob(f"v1/artifacts/*/{sha256_of(Path('wheels-one/app-1.0-py3-none-any.whl'))}")
    altered.write_bytes(bytes(altered.stat().st_size))
    Path("wheelhouse.toml").write_text(settings)
    assert team.run("one", "fetch", "app", "--python", "3.12", "--index", server.url, "--dest", "v", "--virtual") == 0
    assert "app-1.0-py3-none-any.whl was altered" in team.said
    assert team.run_plain("verify", "v", "--cache-dir", "cache-two") == 0, team.said


@pytest.mark.parametrize("dest", ["wheels-one", "wheels-new"])
def test_what_the_cache_had_before_a_store_was_named_goes_there(server: IndexServer, team: Team, dest: str) -> None:
    settings = Path("wheelhouse.toml").read_text()
    Path("wheelhouse.toml").unlink()
    assert team.fetch("one", server.url, "app") == 0, team.said
    (altered,) = Path("cache-one").glob(f"v1/artifacts/*/{sha256_of(Path('wheels-one/lib-1.0-py3-none-any.whl'))}")
    altered.write_bytes(bytes(altered.stat().st_size))
    Path("wheelhouse.toml").write_text(settings)
    words = ("fetch", "app", "--python", "3.12", "--index", server.url, "--dest", dest)
    assert team.run("one", *words) == 0, team.said
    sent = {path.name: sha256_of(path) for path in Path("store/artifacts").glob("*/*")}
    assert all(name == sha256 for name, sha256 in sent.items())
    assert len(sent) == (1 if dest == "wheels-one" else 2), "a new folder makes the altered file anew"
    shutil.rmtree("store/artifacts")
    assert team.run("one", *words) == 0, team.said
    assert not list(Path("store").glob("artifacts/*/*")), "it was sent lately"


def test_serve_takes_the_files_from_the_store(server: IndexServer, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[bytes] = []

    def read_one(application: Application, listening: Listening, started: Callable[[], None]) -> None:
        started()
        served.extend(path.read_bytes() for path in Path().glob("cache-two/whole-*/*/wheels-one/app-*.whl"))

    monkeypatch.setattr(listen, "run", read_one)
    assert team.fetch("one", server.url, "app", "--virtual") == 0, team.said
    assert team.run_plain("serve", "wheels-one", "--by-name", "--cache-dir", "cache-two") == 0, team.said
    assert "serving 2 files" in team.said and len(served) == 1
    assert not list(Path().glob("cache-two/whole-*/*"))
