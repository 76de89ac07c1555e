"""Builds in a pool: what workers build is what this machine would build, and an answer is checked before it is used."""

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
from wheelhouse.errors import InputError, ServerError
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


class Pool:
    """A pool of threads of this machine, in which everything travels as it does between machines. `change` alters answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.change: Callable[[BuildAnswer], BuildAnswer] = lambda answer: answer
        self.tasks: list[str] = []
        monkeypatch.setattr(pool, "connected_pool", self._connected)

    @contextmanager
    def _connected(self, _address: str, building: BuildCommandOptions) -> Iterator[Any]:
        with ThreadPoolExecutor(2) as threads:

            def submit(task: BuildTask) -> "Future[BuildAnswer]":
                self.tasks.append(task.pin.project)
                return threads.submit(self._work, pickle.dumps((task, building)))

            yield submit

    def _work(self, raw: bytes) -> BuildAnswer:
        task, building = pickle.loads(raw)
        own = replace(building, interpreter=(sys.executable,))
        return self.change(pickle.loads(pickle.dumps(build_on_worker(task, own))))


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Pool:
    return Pool(monkeypatch)


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
    server: IndexServer, team: Team, workers: Pool, monkeypatch: pytest.MonkeyPatch
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
def test_a_build_that_fails_in_a_pool_is_told_as_one_here(server: IndexServer, team: Team, workers: Pool) -> None:
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
    server: IndexServer, team: Team, workers: Pool, change: Callable[[BuildAnswer], BuildAnswer]
) -> None:
    fetched(team, server, "native", "wheels")
    workers.change = change
    assert build(team, "wheels", "--executor", "tcp://127.0.0.1:8786") == 6, team.said
    assert list(wheels("wheels")) == ["native-1.0.tar.gz"]


@pytest.mark.rooms
def test_what_the_policy_demands_of_a_sandbox_holds_for_workers(server: IndexServer, team: Team, workers: Pool) -> None:
    Path("wheelhouse.toml").write_text('[policy]\nsandbox = ["seccomp"]\n')
    fetched(team, server, "native", "wheels")
    workers.change = lambda answer: replace(answer, built=Built(answer.built.sdist, "CPython"))
    assert build(team, "wheels", "--executor", "tcp://127.0.0.1:8786") == 6
    assert "less than the policy demands of a sandbox" in team.said


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("tcp://10.1.2.3:8786", "is not on this machine, and tcp: has no certificates"),
        ("tcp://scheduler:8786", "is not on this machine"),
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
    [("linux/arm64", "linux_aarch64"), ("linux/amd64", "linux_x86_64"), ("alpine/amd64", "linux_x86_64")],
)
def test_the_resource_of_a_platform(platform: str, name: str) -> None:
    assert resource_of(Target.of(Python.parse("3.12"), Platform.parse(platform))) == name


@pytest.fixture
def needs_dask() -> None:
    if find_spec("distributed") is None:
        pytest.skip("distributed is not installed")


@pytest.mark.servers
@pytest.mark.usefixtures("needs_dask")
def test_a_scheduler_that_is_not_there_or_needs_certificates_is_told() -> None:
    with pytest.raises(ServerError, match=r"no scheduler answers at tcp://127.0.0.1:1: Connection refused"):
        pool._client("tcp://127.0.0.1:1")
    with pytest.raises(InputError, match=r"there are no certificates for tls://127.0.0.1:1"):
        pool._client("tls://127.0.0.1:1")


@pytest.mark.servers
@pytest.mark.usefixtures("needs_dask")
def test_a_cluster_of_dask_builds_and_survives_a_worker_that_dies(
    server: IndexServer, team: Team, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from distributed import LocalCluster

    monkeypatch.setenv("XDG_CACHE_HOME", str(team.folder / "cache-of-workers"))
    folder = tmp_path / "many"
    folder.mkdir()
    slow = "import time\nopen({0!r}, 'a').write('x')\ntime.sleep(1)"
    for number in range(6):
        index_sdist = sdist(folder, f"p{number}", tag=OWN, before=slow.format(str(tmp_path / f"ran-{number}")))
        server.add(index_sdist)
    words = [f"p{number}" for number in range(6)]
    where = ("--python", MINOR, "--index", server.url, "--dest", "wheels")
    assert team.run("own", "fetch", *words, *where) == 0, team.said
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        killer = ThreadPoolExecutor(1).submit(_kill_one_worker, cluster, tmp_path)
        code = build(team, "wheels", "--executor", cluster.scheduler_address)
        killer.result()
    assert code == 0, team.said
    assert len([name for name in wheels("wheels") if name.endswith(".whl")]) == 6
    runs = [path.stat().st_size for path in tmp_path.glob("ran-*")]
    assert len(runs) == 6 and max(runs) > min(runs), "the build of the worker that died ran again"


def _kill_one_worker(cluster: Any, tmp_path: Path) -> None:
    """Kill the process of a worker once a build runs."""
    import signal
    import time

    end = time.monotonic() + 60
    while time.monotonic() < end and not list(tmp_path.glob("ran-*")):
        time.sleep(0.01)
    time.sleep(0.3)
    os.kill(next(nanny.pid for nanny in cluster.workers.values()), signal.SIGKILL)
