"""The main job on a made index: fetch, verify, stage."""

from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel


@pytest.fixture
def index(tmp_path: Path):
    folder = tmp_path / "offered"
    folder.mkdir()
    build_wheel(folder, "app", "1.0", requires=["lib>=2"])
    build_wheel(folder, "lib", "2.0")
    build_wheel(folder, "lib", "1.0")
    with IndexServer(folder) as server:
        yield server


def test_fetches_verifies_and_stages(index: IndexServer, tmp_path: Path) -> None:
    fetched = wheelhouse("fetch", "app", "--python", "3.12", "--index", index.url, cwd=tmp_path)
    assert fetched.returncode == 0, fetched.stderr
    assert (tmp_path / "wheels" / "lib-2.0-py3-none-any.whl").is_file()
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0
    staged = wheelhouse("stage", cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    assert "docker build" in staged.stdout
