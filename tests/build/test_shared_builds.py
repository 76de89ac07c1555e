"""Wheels that other machines built: taken from the store, if a trusted key signed them; never built twice."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.build.test_build import sdist
from tests.support.index import IndexServer
from tests.support.sandboxes import MINOR
from tests.support.team import Team
from tests.support.wheels import build_wheel
from wheelhouse.findings import Severity, worst
from wheelhouse.verify.verify import load_wheelhouse, verify

pytest_plugins = ["tests.support.team_fixtures"]
OTHER = "3.9" if MINOR != "3.9" else "3.10"
BUILD = ("--unsealed", "--interpreter", sys.executable)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    """`app` and `native` are sdists; `native` needs `helper`, an sdist too, to be built."""
    folder = tmp_path_factory.mktemp("offered")
    sdist(folder, "app", requires=("lib",))
    sdist(folder, "native", builds_with=("helper",), before="import helper", tag=f"cp{MINOR.replace('.', '')}-none-any")
    sdist(folder, "helper")
    build_wheel(folder, "lib", "1.0")
    with IndexServer(folder) as index:
        yield index


def locked(team: Team, server: IndexServer, name: str, *more: str) -> None:
    """A wheelhouse of sdists, for this Python."""
    words = ("fetch", "app", "native", "--python", MINOR, "--index", server.url, "--dest", name, *more)
    assert team.run("first", *words) == 0, team.said


@pytest.fixture
def built(team: Team, server: IndexServer, key: Path) -> Team:
    """A team of which one machine has built everything and put it into the store."""
    team.trusts(key)
    locked(team, server, "one")
    shutil.copytree("one", "two")
    assert team.run("one", "build", "one", *BUILD, "--only-here", key=key) == 0, team.said
    assert "2 now, 0 before" in team.said
    return team


def wheels(folder: str) -> dict[str, str]:
    return {name: artifact.sha256 for name, artifact in load_wheelhouse(Path(folder)).artifacts.items()}


def must_be_whole(folder: str) -> None:
    assert (worst(verify(Path(folder)).findings) or Severity.NOTE) < Severity.ERROR


@pytest.mark.rooms
def test_a_wheel_that_one_machine_built_is_not_built_on_another(built: Team) -> None:
    assert built.run("two", "build", "two", *BUILD) == 0, built.said
    assert "0 now, 2 before" in built.said
    assert wheels("one") == wheels("two")
    must_be_whole("two")


@pytest.mark.rooms
def test_a_machine_that_cannot_build_takes_all_from_the_store(built: Team) -> None:
    """With the build requirements, which other machines built as well, and what only a build tells: `lib`."""
    shutil.copytree("two", "three")
    assert built.run("three", "build", "three", "--from-store") == 0, built.said
    assert "0 now" in built.said
    assert wheels("one") == wheels("three") and "lib-1.0-py3-none-any.whl" in wheels("three")
    must_be_whole("three")
    assert sorted(path.name for path in Path("three/build").iterdir()) == sorted(
        path.name for path in Path("one/build").iterdir()
    )


@pytest.mark.rooms
def test_a_wheel_whose_note_nobody_trusted_signed_is_built_anew(built: Team, tmp_path: Path) -> None:
    for path in tmp_path.glob("store/*/*/*"):
        if "artifacts" not in path.parts:
            path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert built.run("two", "build", "two", *BUILD) == 0, built.said
    assert "2 now, 0 before" in built.said
    shutil.copytree("one", "three")
    assert built.run("three", "build", "three", "--from-store") == 0, "it has all that it needs"


def test_what_no_machine_has_built_is_named(team: Team, server: IndexServer, key: Path) -> None:
    team.trusts(key)
    locked(team, server, "one")
    assert team.run("one", "build", "one", "--from-store") == 6
    assert "the store has no wheel of this sdist for" in team.said and "--only-here" in team.said


@pytest.mark.rooms
def test_what_another_machine_must_build_is_left(team: Team, server: IndexServer, key: Path) -> None:
    """Lock files for two Pythons, of which this machine has one: `app` is built for both, `native` for its own."""
    team.trusts(key)
    locked(team, server, "one", "--python", OTHER)
    assert team.run("one", "build", "one", *BUILD, "--only-here", key=key) == 0, team.said
    assert f"1 sdist for cp{OTHER.replace('.', '')}-manylinux_2_28_x86_64 must be built on another machine" in team.said
    names = wheels("one")
    assert "app-1.0-py3-none-any.whl" in names and "native-1.0.tar.gz" in names


@pytest.mark.rooms
def test_a_build_of_a_private_sdist_stays_here(team: Team, server: IndexServer, key: Path) -> None:
    team.trusts(key)
    server.auth = ("alice", "s3cr3t")
    try:
        address = server.url.replace("://", "://alice:s3cr3t@")
        words = ("fetch", "app", "--python", MINOR, "--index", address, "--dest", "one", "--build", *BUILD)
        assert team.run("one", *words, key=key) == 0, team.said
    finally:
        server.auth = None
    assert [path for path in Path("store").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--only-here", "--from-store"), "--only-here and --from-store exclude each other"),
        (("--from-store", "--check-reproducible"), "--from-store builds nothing"),
        (("--only-here",), "no key was given"),
    ],
)
def test_options_that_exclude_each_other_are_refused(
    team: Team, server: IndexServer, words: tuple[str, ...], part: str
) -> None:
    locked(team, server, "one")
    assert team.run("one", "build", "one", *words) == 2
    assert part in team.said


def test_a_store_and_a_key_are_needed(team: Team, server: IndexServer) -> None:
    locked(team, server, "one")
    assert team.run("one", "build", "one", "--from-store") == 2
    assert "the settings trust no key" in team.said
    Path("wheelhouse.toml").unlink()
    assert team.run("one", "build", "one", "--from-store") == 2
    assert "--from-store needs a store" in team.said
