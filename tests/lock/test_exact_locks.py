"""What a lock claims: the very Python it was resolved for, and no more; several locks in one wheelhouse; older locks."""

import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker

from tests.support.index import IndexServer
from tests.support.tools import pip, uv, wheelhouse
from tests.support.wheels import build_wheel

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
FULL = f"{OWN}.{sys.version_info.micro}"
OTHER = f"{OWN}.{sys.version_info.micro + 1}"
PATCHED = f'backport; python_full_version < "{OTHER}"'


@pytest.fixture
def index(tmp_path: Path):
    offered = tmp_path / "offered"
    offered.mkdir()
    build_wheel(offered, "app", "1.0", requires=[PATCHED])
    build_wheel(offered, "backport", "1.0")
    with IndexServer(offered) as server:
        yield server


def fetched(index: IndexServer, folder: Path, python: str) -> Path:
    done = wheelhouse("fetch", "app", "--python", python, "--index", index.url, cwd=folder)
    assert done.returncode == 0, done.stderr
    (lock,) = (folder / "wheels").glob("pylock.*.toml")
    return lock


def by_uv(lock: Path, environment: Path, *command: str) -> tuple[int, str]:
    """What uv makes of a lock in an empty environment of this Python."""
    assert uv("venv", "--python", sys.executable, environment).returncode == 0
    done = uv(*command, lock, "--offline", "--python", environment / "bin" / "python")
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", [("pip", "sync"), ("pip", "install", "-r")])
def test_a_lock_for_another_patch_release_is_refused_and_not_half_installed(
    index: IndexServer, tmp_path: Path, command: tuple[str, ...]
) -> None:
    lock = fetched(index, tmp_path, OTHER)
    assert [one["name"] for one in tomllib.loads(lock.read_text())["packages"]] == ["app"]
    code, said = by_uv(lock, tmp_path / "environment", *command)
    assert code != 0 and OTHER in said, said
    assert not list((tmp_path / "environment").glob("lib/python*/site-packages/app*"))


@pytest.mark.parametrize("command", [("pip", "sync"), ("pip", "install", "-r")])
def test_a_lock_for_this_patch_release_installs_all(
    index: IndexServer, tmp_path: Path, command: tuple[str, ...]
) -> None:
    lock = fetched(index, tmp_path, FULL)
    code, said = by_uv(lock, tmp_path / "environment", *command)
    assert code == 0, said
    (packages,) = (tmp_path / "environment").glob("lib/python*/site-packages")
    assert {"app", "backport"} <= {path.name for path in packages.iterdir()}


@pytest.mark.rooms
def test_pip_takes_a_lock_for_this_very_python_alone(index: IndexServer, tmp_path: Path) -> None:
    words = ("--dry-run", "--ignore-installed", "--no-index")
    own = pip("install", *words, "-r", fetched(index, tmp_path, FULL))
    assert own.returncode == 0 and "app-1.0" in own.stdout, own.stderr
    other = tmp_path / "other"
    other.mkdir()
    refused = pip("install", *words, "-r", fetched(index, other, OTHER))
    assert refused.returncode != 0 and OTHER in refused.stderr


def test_what_is_claimed_is_what_was_resolved_for(index: IndexServer, tmp_path: Path) -> None:
    document = tomllib.loads(fetched(index, tmp_path, "3.12.4").read_text())
    assert document["requires-python"] == "==3.12.4"
    (environment,) = map(Marker, document["environments"])
    known = {"implementation_name": "cpython", "python_version": "3.12", "sys_platform": "linux"}
    known |= {"platform_machine": "x86_64", "extra": ""}
    assert environment.evaluate({**known, "python_full_version": "3.12.4"})
    assert not environment.evaluate({**known, "python_full_version": "3.12.3"})


def test_an_index_that_is_a_folder_is_no_index_in_the_lock(tmp_path: Path) -> None:
    build_wheel(tmp_path / "in house", "app", "1.0")
    said = ("fetch", "app", "--python", "3.12", "--no-index", "--find-links", "in house")
    assert wheelhouse(*said, cwd=tmp_path).returncode == 0
    (path,) = (tmp_path / "wheels").glob("pylock.*.toml")
    before = path.read_bytes()
    (package,) = tomllib.loads(before.decode())["packages"]
    assert "index" not in package
    assert package["tool"]["wheelhouse"]["index"] == "in house"
    assert wheelhouse(*said, cwd=tmp_path).returncode == 0
    assert path.read_bytes() == before
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0


def older(lock: Path) -> None:
    """Make a wheelhouse what an earlier version of wheelhouse wrote, but for SHA256SUMS, which is made anew."""
    text = lock.read_text(encoding="utf-8")
    full = tomllib.loads(text)["requires-python"].removeprefix("==")
    minor = full.rpartition(".")[0]
    text = text.replace(f'python_full_version == \\"{full}\\"', f'python_version == \\"{minor}\\"')
    text = text.replace(f'requires-python = "=={full}"', f'requires-python = "=={minor}.*"')
    lock.write_text(text, encoding="utf-8")


def test_a_wheelhouse_that_was_locked_before_verifies_and_is_made_exact_by_the_next_fetch(
    index: IndexServer, tmp_path: Path
) -> None:
    lock = fetched(index, tmp_path, "3.12.4")
    exact = lock.read_bytes()
    older(lock)
    assert lock.read_bytes() != exact
    told = wheelhouse("verify", "--json", cwd=tmp_path)
    assert [line for line in told.stdout.splitlines() if "pylock" in line and "altered" in line] == []
    assert "SHA256SUMS" in told.stdout and told.stdout.count('"altered"') == 1
    fetched(index, tmp_path, "3.12.4")
    assert lock.read_bytes() == exact
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0


def test_locks_with_different_versions_in_one_folder_are_said(tmp_path: Path) -> None:
    offered = tmp_path / "offered"
    build_wheel(offered, "app", "1.0")
    build_wheel(offered, "app", "2.0", requires_python=">=3.12")
    with IndexServer(offered) as index:
        done = wheelhouse("fetch", "app", "--python", "3.11", "--python", "3.12", "--index", index.url, cwd=tmp_path)
    sentence = "its lock files have different versions of app (1.0 for cp311-manylinux_2_28_x86_64, 2.0 for cp312-"
    assert done.returncode == 0
    assert sentence in done.stderr and "-r WHEELHOUSE/requirements.<target>.txt" in done.stderr
    verified = wheelhouse("verify", cwd=tmp_path)
    assert verified.returncode == 0
    noted = "note: wheelhouse: the lock files have different versions of app: 1.0 (cp311-manylinux_2_28_x86_64), 2.0 (cp312-"
    assert noted in verified.stdout and "[several-versions]" in verified.stdout
