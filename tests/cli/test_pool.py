"""A pool of Dask workers: a real cluster builds and vets as one machine does, though its workers are killed."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.build.test_build import sdist
from tests.support.dask_cluster import Worker, dask_cluster, killing
from tests.support.index import IndexServer
from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.sandboxes import MINOR
from tests.support.team import Team
from tests.support.wheels import build_wheel
from wheelhouse.cli import pool
from wheelhouse.cli.pool import MAX_STARTS, connected_pool
from wheelhouse.errors import InputError, MachineError, ServerError
from wheelhouse.vet.remote_reader import BatchReader, RemoteReader

pytest_plugins = ["tests.support.team_fixtures"]
pytestmark = pytest.mark.servers
ARM, INTEL = "linux_aarch64", "linux_x86_64"
OWN = f"cp{MINOR.replace('.', '')}-none-any"
VETTED_FILES, BUILDS = 600, 16
HOOKS = 2
"""How often the backend of an sdist is run for one build."""
KILL_SECONDS = 2.0
"""The workers that are killed build for different platforms: a build of which two workers died is given up."""
READ_HERE = (
    r"warning: the pool of workers did not read p\d+-1\.0-py3-none-any\.whl: 1 worker died during this task; "
    r"this machine reads the files that the workers do not read\n"
)
"""What `vet` says of a file that both killed workers were reading."""


@pytest.fixture(scope="module")
def arm_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of this machine that says that it runs on another one."""
    path = tmp_path_factory.mktemp("arm") / f"python{MINOR}"
    path.write_text(
        f"""#!/bin/sh
case "$*" in
  *interpreter_facts.py*) {sys.executable} "$@" | sed s/{os.uname().machine}/aarch64/g ;;
  *) exec {sys.executable} "$@" ;;
esac
"""
    )
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, arm_python: Path) -> Iterator[str]:
    """A scheduler with four workers, of which two have the resource and the Python of another platform."""
    folder = tmp_path_factory.mktemp("cluster")
    intel = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    arm = {"PATH": f"{arm_python.parent}:/usr/bin:/bin", "PYENV_ROOT": str(folder)}
    caches = [{"XDG_CACHE_HOME": str(folder / f"cache-{number}"), "HOME": str(folder)} for number in range(4)]
    workers = [
        *(Worker(f"{INTEL}=1", {**intel, **own}) for own in caches[:2]),
        *(Worker(f"{ARM}=1", {**arm, **own}) for own in caches[2:]),
    ]
    with dask_cluster(folder, workers) as address:
        yield address


def test_a_cluster_whose_workers_are_killed_vets_as_this_machine(cluster: str, team: Team) -> None:
    folder = Path("wheels")
    folder.mkdir()
    modules = [path for path in sorted(Path(os.__file__).parent.glob("*.py")) if path.stat().st_size < 20_000]
    for number in range(VETTED_FILES):
        chosen = modules[number % len(modules)]
        build_wheel(folder, f"p{number}", "1.0", files={f"p{number}/{chosen.name}": chosen.read_bytes()})
    wheelhouse_of(folder)
    code, findings = team.run_plain("vet", "wheels", "--cache-dir", "cache-here", "--quiet"), team.said
    with killing(cluster, (INTEL, ARM), KILL_SECONDS) as killed:
        words = ("--cache-dir", "cache-pool", "--quiet", "--executor", cluster)
        assert team.run_plain("vet", "wheels", *words) == code
    assert killed and findings
    assert re.sub(READ_HERE, "", team.said, count=1) == findings
    assert _notes("cache-pool") == _notes("cache-here")


def _notes(cache: str) -> dict[str, bytes]:
    """What was read of each file."""
    return {path.name: path.read_bytes() for path in Path(cache).glob("v1/private/*/v1/facts-*/*")}


def test_a_cluster_whose_workers_are_killed_builds_as_this_machine(
    cluster: str, team: Team, arm_python: Path, tmp_path: Path
) -> None:
    offered, log = tmp_path / "offered", tmp_path / "log"
    offered.mkdir()
    log.mkdir()
    slow = "import time\nopen({0!r}, 'a').write('x')\ntime.sleep(0.5)"
    words = []
    for number in range(BUILDS):
        sdist(offered, f"p{number}", tag=OWN, before=slow.format(str(log / f"p{number}")))
        words.append(f"p{number}; platform_machine == '{('x86_64', 'aarch64')[number % 2]}'")
    with IndexServer(offered) as index:
        platforms = ("--platform", "linux/amd64", "--platform", "linux/arm64")
        where = ("--python", MINOR, *platforms, "--index", index.url, "--dest", "by-pool")
        assert team.run("own", "fetch", *words, *where) == 0, team.said
        shutil.copytree("by-pool", "here")
        with killing(cluster, (INTEL, ARM), KILL_SECONDS) as killed:
            assert team.run("own", "build", "by-pool", "--unsealed", "--executor", cluster) == 0, team.said
        starts = [path.stat().st_size for path in log.iterdir()]
        pythons = ("--interpreter", sys.executable, "--interpreter", arm_python)
        assert team.run("other", "build", "here", "--unsealed", *pythons) == 0, team.said
    assert len(killed) == 2 and len(starts) == BUILDS and max(starts) <= MAX_STARTS * HOOKS
    assert _wheels("by-pool") == _wheels("here") and len(_wheels("here")) == BUILDS


def _wheels(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).glob("*.whl")}


def die_at_first(path: str) -> int:
    """Run by a worker: the first start kills it."""
    with Path(path).open("a") as file:
        file.write("x")
    if Path(path).stat().st_size == 1:
        os._exit(1)
    return 7


def always_die(path: str) -> None:
    """Run by a worker: each start kills it."""
    with Path(path).open("a") as file:
        file.write("x")
    os._exit(1)


def seven() -> int:
    """Run by a worker."""
    return 7


def test_a_task_starts_twice_at_most_and_costs_no_other(cluster: str, tmp_path: Path) -> None:
    with connected_pool(cluster) as workers:
        unlucky = workers.submit(die_at_first, str(tmp_path / "unlucky"), resource=ARM)
        deadly = workers.submit(always_die, str(tmp_path / "deadly"), resource=ARM)
        others = [workers.submit(seven, resource=ARM) for _ in range(20)]
        assert [one.result(60) for one in (unlucky, *others)] == [7] * 21
        with pytest.raises(ServerError, match="2 workers died during this task"):
            deadly.result(60)
    assert (tmp_path / "deadly").stat().st_size == MAX_STARTS


def deadly_read(folder: str, files: Sequence[tuple[bytes, str]]) -> list[bytes]:
    """Run by a worker: the name of each file; one of them kills it."""
    for _, filename in files:
        with Path(folder, filename).open("a") as file:
            file.write("x")
        if filename == "deadly":
            os._exit(1)
    return [filename.encode() for _, filename in files]


def test_a_file_of_which_workers_die_costs_no_file_that_was_sent_with_it(cluster: str, tmp_path: Path) -> None:
    names = [f"p{number}" for number in range(40)] + ["deadly"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    starts = tmp_path / "starts"
    starts.mkdir()
    with connected_pool(cluster) as workers, ThreadPoolExecutor(len(names)) as threads:
        remote = RemoteReader(lambda files: workers.submit(deadly_read, str(starts), files, starts=1), 2)
        reader = BatchReader(remote)
        answers = {name: threads.submit(reader.read, tmp_path / name, name) for name in names}
        with pytest.raises(ServerError, match="1 worker died during this task"):
            answers.pop("deadly").result(60)
        assert {name: answer.result(60).decode() for name, answer in answers.items()} == {
            name: name for name in answers
        }
    assert (starts / "deadly").stat().st_size == MAX_STARTS
    # What a worker had finished when it died is lost if nobody has fetched it yet, and is started once more.
    assert max(path.stat().st_size for path in starts.iterdir()) in (MAX_STARTS, MAX_STARTS + 1)


def test_a_platform_that_no_worker_has_is_named(cluster: str) -> None:
    with (
        connected_pool(cluster) as workers,
        pytest.raises(MachineError, match="no worker has the resource macos_arm64"),
    ):
        workers.submit(seven, resource="macos_arm64")


@pytest.mark.skipif(find_spec("distributed") is None, reason="distributed is not installed")
def test_a_scheduler_that_is_not_there_or_needs_certificates_is_named() -> None:
    with pytest.raises(ServerError, match=r"no scheduler answers at tcp://127.0.0.1:1: Connection refused"):
        pool._client("tcp://127.0.0.1:1")
    with pytest.raises(InputError, match=r"there are no certificates for tls://127.0.0.1:1"):
        pool._client("tls://127.0.0.1:1")
