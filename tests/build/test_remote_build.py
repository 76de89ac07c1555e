"""Builds in a pool: what workers build is what this machine would build, and an answer is checked before it is used."""

import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.build.test_build import sdist
from tests.support.index import IndexServer
from tests.support.sandboxes import MINOR
from tests.support.team import Team
from tests.support.wheels import build_wheel
from wheelhouse.build.remote_build import BuildAnswer, BuildTask
from wheelhouse.cli import pool
from wheelhouse.cli.pool import build_on_worker, must_be_safe, resource_of
from wheelhouse.config.options import BuildCommandOptions
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Built
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.verify.verify import load_wheelhouse, verify

pytest_plugins = ["tests.support.team_fixtures"]
OWN = f"cp{MINOR.replace('.', '')}-none-any"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    """`native` needs `helper`, an sdist too, to be built; only its build tells that it needs `lib`."""
    folder = tmp_path_factory.mktemp("offered")
    sdist(folder, "native", builds_with=("helper",), before="import helper", tag=OWN, requires=("lib",))
    sdist(folder, "helper")
    sdist(folder, "broken", before="raise SystemExit('no such library')")
    build_wheel(folder, "lib", "1.0")
    with IndexServer(folder) as index:
        yield index


class LocalPool:
    """A pool of threads of this machine, in which everything travels as it does between machines. `change` alters answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.change: Callable[[BuildAnswer], BuildAnswer] = lambda answer: answer
        self.tasks: list[str] = []
        monkeypatch.setattr(pool, "connected_pool", self._connected)

    @contextmanager
    def _connected(self, _address: str) -> Iterator["LocalPool"]:
        with ThreadPoolExecutor(2) as self._threads:
            yield self

    def submit(
        self, _work: object, task: BuildTask, building: BuildCommandOptions, *, resource: str
    ) -> "Future[BuildAnswer]":
        assert resource == resource_of(task.target)
        self.tasks.append(task.pin.project)
        return self._threads.submit(self._build, pickle.dumps((task, building)))

    def _build(self, raw: bytes) -> BuildAnswer:
        task, building = pickle.loads(raw)
        own = replace(building, interpreter=(sys.executable,))
        return self.change(pickle.loads(pickle.dumps(build_on_worker(task, own))))


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> LocalPool:
    return LocalPool(monkeypatch)


def fetched(team: Team, server: IndexServer, project: str, folder: str) -> None:
    words = ("fetch", project, "--python", MINOR, "--index", server.url, "--dest", folder)
    assert team.run("own", *words) == 0, team.said


def build(team: Team, folder: str, *more: str) -> int:
    return team.run("own", "build", folder, "--unsealed", *more)


def names(folder: str) -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


def wheels(folder: str) -> dict[str, str]:
    return {name: artifact.sha256 for name, artifact in load_wheelhouse(Path(folder)).artifacts.items()}


@pytest.mark.rooms
def test_a_pool_builds_what_this_machine_would_build(
    server: IndexServer, team: Team, workers: LocalPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(team.folder / "cache-of-worker"))
    fetched(team, server, "native", "by-pool")
    fetched(team, server, "native", "here")
    assert build(team, "by-pool", "--executor", "tcp://127.0.0.1:8786") == 0, team.said
    assert "1 now, 0 before" in team.said and workers.tasks == ["native"]
    assert team.run("other", "build", "here", "--unsealed", "--interpreter", sys.executable) == 0, team.said
    assert wheels("by-pool") == wheels("here") and len(wheels("here")) == 2
    assert names("by-pool/build") == names("here/build")
    assert not any(finding.rule == "missing" for finding in verify(Path("by-pool")).findings)


@pytest.mark.rooms
def test_a_build_that_fails_in_a_pool_is_told_as_one_here(server: IndexServer, team: Team, workers: LocalPool) -> None:
    fetched(team, server, "broken", "wheels")
    assert build(team, "wheels", "--executor", "tcp://127.0.0.1:8786") == 6
    assert "broken-1.0.tar.gz" in team.said and "no such library" in team.said and "log: " in team.said


def other_name(answer: BuildAnswer) -> BuildAnswer:
    return replace(answer, filename=answer.filename.replace("native", "other"))


def other_required(answer: BuildAnswer) -> BuildAnswer:
    return replace(answer, required=dict.fromkeys(answer.required, b"another"))


def no_wheel(answer: BuildAnswer) -> BuildAnswer:
    return replace(answer, wheel=b"no wheel")


def outside(answer: BuildAnswer) -> BuildAnswer:
    return replace(answer, filename=f"../{answer.filename}")


@pytest.mark.rooms
@pytest.mark.parametrize("change", [other_name, other_required, no_wheel, outside])
def test_a_bad_answer_is_not_used(
    server: IndexServer, team: Team, workers: LocalPool, change: Callable[[BuildAnswer], BuildAnswer]
) -> None:
    fetched(team, server, "native", "wheels")
    workers.change = change
    assert build(team, "wheels", "--executor", "tcp://127.0.0.1:8786") == 6, team.said
    assert list(wheels("wheels")) == ["native-1.0.tar.gz"]


@pytest.mark.rooms
def test_what_the_policy_demands_of_a_sandbox_holds_for_workers(
    server: IndexServer, team: Team, workers: LocalPool
) -> None:
    Path("wheelhouse.toml").write_text('[policy]\nsandbox = ["seccomp"]\n')
    fetched(team, server, "native", "wheels")
    workers.change = lambda answer: replace(answer, built=Built(answer.built.sdist, "CPython"))
    assert build(team, "wheels", "--executor", "tcp://127.0.0.1:8786") == 6
    assert "a sandbox that does not satisfy the policy" in team.said


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("tcp://10.1.2.3:8786", "is on another machine, but a tcp: address uses no certificates"),
        ("tcp://scheduler:8786", "is on another machine"),
        ("http://127.0.0.1", "is not the address of a scheduler"),
        ("scheduler:8786", "is not the address of a scheduler"),
        ("tcp://", "is not the address of a scheduler"),
    ],
)
def test_a_scheduler_that_may_not_be_spoken_to_is_refused(address: str, part: str) -> None:
    with pytest.raises(InputError, match=part):
        must_be_safe(address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://[::1]:8786", "tcp://localhost:1", "tls://far:8786"])
def test_a_scheduler_that_may_be_spoken_to(address: str) -> None:
    must_be_safe(address)


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("linux/arm64", "linux_aarch64"),
        ("linux/amd64", "linux_x86_64"),
        ("alpine/amd64", "linux_x86_64"),
        ("macos/arm64", "macos_arm64"),
        ("windows/amd64", "windows_amd64"),
    ],
)
def test_the_resource_of_a_platform(platform: str, name: str) -> None:
    assert resource_of(Target.of(Python.parse("3.12"), Platform.parse(platform))) == name
