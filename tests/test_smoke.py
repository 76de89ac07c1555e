"""The main job on a made index: fetch, verify, stage."""

from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.files.disk import folder_lock


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


@pytest.mark.parametrize("raw", sampled([b"app==1.0\r\nlib<3\r\n", b"app==1.0\rlib<3", b"", b"\r\n"], 2))
def test_constraints_are_kept_to_the_byte(index: IndexServer, tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "c.txt").write_bytes(raw)
    job = ("--index", index.url, "--dest", "wheels")
    first = wheelhouse("fetch", "app", "-c", "c.txt", "--python", "3.12", *job, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    [kept] = (tmp_path / "wheels").glob("constraints.*.txt")
    assert kept.read_bytes() == raw
    other = wheelhouse("fetch", "app", "--python", "3.13", *job, cwd=tmp_path)
    assert other.returncode == 0, other.stderr
    assert kept.read_bytes() == raw
    verified = wheelhouse("verify", cwd=tmp_path)
    assert verified.returncode == 0, verified.stdout


def test_damaged_constraints_do_not_stop_a_fetch_for_another_target(index: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("app==1.0\n")
    job = ("--index", index.url, "--dest", "wheels")
    assert wheelhouse("fetch", "app", "-c", "c.txt", "--python", "3.12", *job, cwd=tmp_path).returncode == 0
    [kept] = (tmp_path / "wheels").glob("constraints.*.txt")
    kept.write_bytes(b"app==1.0\n\xff\n")
    other = wheelhouse("fetch", "app", "--python", "3.13", *job, cwd=tmp_path)
    assert other.returncode == 0, other.stderr
    verified = wheelhouse("verify", cwd=tmp_path)
    assert verified.returncode == 1 and kept.name in verified.stdout


def test_links_in_a_house_are_replaced_and_not_written_through(index: IndexServer, tmp_path: Path) -> None:
    job = ("fetch", "app", "--python", "3.12", "--index", index.url, "--dest", "wheels")
    assert wheelhouse(*job, cwd=tmp_path).returncode == 0
    house, elsewhere = tmp_path / "wheels", tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in house.glob("*.whl"):  # texts that are links are refused
        path.rename(elsewhere / path.name)
        path.symlink_to(elsewhere / path.name)
    (elsewhere / "lib-2.0-py3-none-any.whl").write_bytes(b"another's")
    assert wheelhouse("verify", cwd=tmp_path).returncode == 1
    again = wheelhouse(*job, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert not [path.name for path in house.iterdir() if path.is_symlink()]
    assert (elsewhere / "lib-2.0-py3-none-any.whl").read_bytes() == b"another's"
    verified = wheelhouse("verify", cwd=tmp_path)
    assert verified.returncode == 0, verified.stdout


def test_what_a_kill_left_inside_a_staged_folder_is_swept(index: IndexServer, tmp_path: Path) -> None:
    assert wheelhouse("fetch", "app", "--python", "3.12", "--index", index.url, cwd=tmp_path).returncode == 0
    staged = tmp_path / "docker-context-files"
    left = [staged / name / ".wheelhouse-left.tmp" for name in (".", "tools", "files", "dags")]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    done = wheelhouse("stage", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.parent.name for path in left if path.exists()] == ["dags"]  # it is the user's own


def test_what_another_run_has_under_way_inside_is_left(tmp_path: Path) -> None:
    under_way = tmp_path / "files" / ".wheelhouse-now.tmp"
    with folder_lock(tmp_path / "files"):
        under_way.touch()
        with folder_lock(tmp_path):
            assert under_way.exists()
    under_way.touch()
    with folder_lock(tmp_path):
        assert not under_way.exists()
