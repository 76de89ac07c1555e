"""An index in a bucket of a real server: pip and uv install from it, and a server that ignores conditions is refused."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.mirror.test_bucket import CHOICES, LIB, made
from tests.support.object_servers import BUCKET, ObjectServer, moto, s3rver, seaweedfs
from tests.support.tools import pip, run, uv, wheelhouse
from wheelhouse.files.object_store import ObjectStore
from wheelhouse.mirror.bucket import Bucket
from wheelhouse.mirror.index_bucket import index_bucket
from wheelhouse.mirror.simple import project_html

pytestmark = pytest.mark.servers
URL = f"s3://{BUCKET}/simple"
ROUNDS = 200


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with moto() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("houses")
    made(base / "one", "app==1.0", "lib==1.0")
    made(base / "two", "lib==2.0")
    return base


def test_pip_and_uv_install_from_a_bucket(server: ObjectServer, folder: Path, tmp_path: Path) -> None:
    done = wheelhouse("index", "one", "two", "-o", URL, cwd=folder, env=server.environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    index = f"{server.endpoint}/{BUCKET}/simple/"
    installed = pip("install", "--index-url", index, "--target", tmp_path / "by-pip", "lib", "app")
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "by-pip/lib-2.0.dist-info").is_dir()
    into = ("--python", sys.executable, "--target", str(tmp_path / "by-uv"))
    installed = uv("pip", "install", *into, "--index-url", index, "lib==1.0", "app")
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "by-uv/lib-1.0.dist-info").is_dir()

    removed = wheelhouse("mirror", "remove", URL, "lib==2.0", "--reason", "why", cwd=folder, env=server.environment)
    assert removed.returncode == 0, removed.stderr
    yanked = wheelhouse("mirror", "yank", URL, "app==1.0", "--reason", "why", cwd=folder, env=server.environment)
    assert yanked.returncode == 0, yanked.stderr
    for_people = run("curl", "-sfi", f"{index}lib/browse.html").stdout
    assert "content-type: text/html" in for_people.lower() and "lib-2.0" not in for_people and "why" in for_people
    installed = pip("install", "--index-url", index, "--target", tmp_path / "again", "lib")
    assert (tmp_path / "again/lib-1.0.dist-info").is_dir(), installed.stderr
    assert pip("install", "--index-url", index, "--target", tmp_path / "no", "app").returncode != 0


def test_runs_on_two_machines_at_once_lose_nothing(server: ObjectServer, tmp_path: Path) -> None:
    url = f"s3://{BUCKET}/at-once"
    for number in range(4):
        made(tmp_path / str(number), f"lib=={number}.0")
    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(_index, tmp_path, str(number), url, server) for number in range(4)]
        assert [one.result() for one in work] == [0] * 4
    shown = wheelhouse("mirror", "show", url, "lib", cwd=tmp_path, env=server.environment)
    assert all(f"lib-{number}.0" in shown.stdout for number in range(4)), shown.stdout


def _index(folder: Path, name: str, url: str, server: ObjectServer) -> int:
    return wheelhouse("index", name, "-o", url, cwd=folder, env=server.environment).returncode


def test_two_indexers_at_once_lose_no_page_in_200_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "objects").mkdir()
    folders = made(tmp_path / "one", "lib==1.0"), made(tmp_path / "two", "lib==2.0")
    with seaweedfs(tmp_path / "objects") as server, ThreadPoolExecutor(2) as pool:
        server.use(monkeypatch)
        for number in range(ROUNDS):
            store = ObjectStore(f"s3://{BUCKET}/round-{number}", allow_http=True)
            work = [pool.submit(index_bucket, [folder], Bucket(store), CHOICES) for folder in folders]
            assert [len(one.result().added) for one in work] == [1, 1]
            bucket = Bucket(store)
            page = bucket.page(LIB)
            assert sorted(page.files) == ["lib-1.0-py3-none-any.whl", "lib-2.0-py3-none-any.whl"]
            assert _text(store, "lib/index.html") == project_html(LIB, page)
            assert all(name in _text(store, "lib/browse.html") for name in page.files)
            assert bucket.projects() == [LIB] and len(bucket.journal()) == 2


def _text(store: ObjectStore, key: str) -> str:
    found = store.read(key, 1 << 20)
    assert found
    return found.content.decode()


def test_seaweedfs_compares_and_its_lack_of_folder_keys_is_said(folder: Path, tmp_path: Path) -> None:
    with seaweedfs(tmp_path) as server:
        done = wheelhouse("index", "one", "-o", URL, cwd=folder, env=server.environment)
        assert done.returncode == 0, done.stderr
        assert "installers ask for addresses that end in `/`" in done.stderr
        page = run("curl", "-sf", f"{server.endpoint}/{BUCKET}/simple/lib/index.html")
        assert "lib-1.0-py3-none-any.whl" in page.stdout


def test_s3rver_ignores_conditions_and_is_refused(folder: Path, tmp_path: Path) -> None:
    with s3rver(tmp_path) as server:
        done = wheelhouse("index", "one", "-o", URL, cwd=folder, env=server.environment)
        assert done.returncode == 4
        assert "ignores conditional writes" in done.stderr
