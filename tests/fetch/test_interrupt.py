"""Ends that come in mid-run, with the real command: interrupted, killed, twice at once, and a machine that cannot go on."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.index import Fault, IndexServer
from tests.support.sampled import sampled
from tests.support.tools import PROGRAM, clean_environment, must_be_no_defect, wheelhouse
from tests.support.wheels import build_wheel

SMALL = ("one", "two", "three")
BIG = 800_000  # bytes
SLOW = Fault(r"/files/big-1.0-py3-none-any.whl$", "trickle", rate=400_000)
SLOWER = replace(SLOW, rate=80_000)
"""Leaves ten seconds for an interrupt, also on a busy machine."""


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for name in SMALL:
        build_wheel(folder, name, "1.0", requires=["big"])
    build_wheel(folder, "big", "1.0", files={"big.bin": random.Random(1).randbytes(BIG)})
    return folder


@pytest.fixture
def index(many: Path) -> Iterator[IndexServer]:
    with IndexServer(many, faults=[SLOW]) as server:
        yield server


def start(index: IndexServer, folder: Path, *more: str) -> "subprocess.Popen[str]":
    command = [*PROGRAM, "fetch", *SMALL, "--python", "3.12", "--index", index.url]
    environment = clean_environment(XDG_CACHE_HOME=str(folder / ".cache"))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*command, *more], cwd=folder, env=environment, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def in_the_midst(folder: Path) -> bool:
    """The small files are complete, and of the big one a part is here."""
    cache = folder / ".cache/wheelhouse/v1"
    complete = len(list(cache.glob("artifacts/*/*")))
    return complete == len(SMALL) and any(path.stat().st_size > BIG / 8 for path in cache.glob("partial/*"))


def files_asked_for(index: IndexServer) -> list[str]:
    return [
        path for request in index.requests if (path := request.path).startswith("/files/") and path.endswith(".whl")
    ]


def complete(folder: Path) -> None:
    """Nothing partial bears a final name: in the cache a name is its file's sha256, and the wheelhouse holds only what is whole."""
    for path in (folder / ".cache/wheelhouse/v1/artifacts").glob("*/*"):
        assert sha256(path.read_bytes()).hexdigest() == path.name
    assert not [path.name for path in (folder / "wheels").iterdir() if not path.name.startswith(".wheelhouse-")]


def goes_on(index: IndexServer, folder: Path) -> None:
    """The same command again: what is complete is not asked for, what is partial is resumed, and the wheelhouse is good."""
    index.requests.clear()
    again = start(index, folder)
    _, told = again.communicate(timeout=30)
    assert again.returncode == 0, told
    assert files_asked_for(index) == ["/files/big-1.0-py3-none-any.whl"]
    (resumed,) = (request for request in index.requests if request.path == "/files/big-1.0-py3-none-any.whl")
    assert resumed.status == 206
    assert resumed.headers["range"].startswith("bytes=")
    assert resumed.sent < BIG
    assert wheelhouse("verify", cwd=folder).returncode == 0


def test_an_interrupted_run_goes_on(index: IndexServer, tmp_path: Path) -> None:
    index.faults[:] = [SLOWER]
    run = start(index, tmp_path)
    wait_until(lambda: in_the_midst(tmp_path))
    run.send_signal(signal.SIGINT)
    stdout, stderr = run.communicate(timeout=15)
    assert run.returncode == 130
    assert stdout == ""
    must_be_no_defect(stderr)
    assert stderr.splitlines()[-1].startswith("error: interrupted")
    complete(tmp_path)
    assert not list((tmp_path / "wheels").iterdir())
    goes_on(index, tmp_path)


@pytest.mark.rooms
def test_a_killed_run_goes_on(index: IndexServer, tmp_path: Path) -> None:
    index.faults[:] = [SLOWER]
    run = start(index, tmp_path)
    wait_until(lambda: in_the_midst(tmp_path))
    run.kill()
    run.communicate(timeout=15)
    complete(tmp_path)
    goes_on(index, tmp_path)


@pytest.mark.rooms
def test_an_interrupt_while_a_server_says_nothing(index: IndexServer, tmp_path: Path) -> None:
    index.faults[:] = [Fault("/simple/", "delay", times=None, seconds=30)]
    run = start(index, tmp_path)
    wait_until((tmp_path / "wheels").is_dir)
    time.sleep(0.2)
    run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=15)
    assert run.returncode == 130, stderr
    must_be_no_defect(stderr)


@pytest.mark.parametrize(
    "houses", sampled([("wheels", "wheels"), ("wheels", "others")], 0), ids=["one house", "one cache"]
)
def test_two_runs_at_once(index: IndexServer, tmp_path: Path, houses: tuple[str, str]) -> None:
    runs = [start(index, tmp_path, "--dest", house) for house in houses]
    for run in runs:
        _, stderr = run.communicate(timeout=30)
        assert run.returncode == 0, stderr
    asked = files_asked_for(index)
    assert sorted(asked) == sorted(set(asked)), "a file was fetched twice"
    assert [wheelhouse("verify", house, cwd=tmp_path).returncode for house in set(houses)] == [0] * len(set(houses))


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A file system of its own in memory, with the options asked for."""
    places: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"mounted{len(places)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("only root may mount a file system, and not every root may")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", str(place)], check=False, capture_output=True)


@pytest.mark.rooms
@pytest.mark.parametrize(
    ("option", "mount", "reason"),
    [
        ("--dest", "ro", "Read-only file system"),
        ("--dest", "size=256k", "No space left on device"),
        ("--cache-dir", "size=256k", "No space left on device"),
    ],
)
def test_a_machine_that_cannot_hold_it(
    index: IndexServer, tmp_path: Path, mounted: Callable[[str], Path], option: str, mount: str, reason: str
) -> None:
    index.faults.clear()
    place = mounted(mount) / "here"
    run = start(index, tmp_path, option, str(place))
    _, stderr = run.communicate(timeout=30)
    assert run.returncode == 6, stderr
    sentence, hint = stderr.splitlines()[-2:]
    assert sentence.startswith(f"error: `{place}")
    assert sentence.endswith(reason)
    assert hint.startswith("hint: ")
    assert not [path.name for path in place.glob("*.whl")] if place.exists() else True


@pytest.mark.rooms
def test_a_cache_that_is_mounted_read_only_ends_nothing(
    index: IndexServer, tmp_path: Path, mounted: Callable[[str], Path]
) -> None:
    index.faults.clear()
    place = mounted("ro") / "here"
    run = start(index, tmp_path, "--cache-dir", str(place))
    _, stderr = run.communicate(timeout=30)
    assert run.returncode == 0, stderr
    assert f"warning: the cache `{place}` cannot be written to (Read-only file system)" in stderr


def test_a_file_where_the_house_must_go(index: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "wheels").write_text("mine")
    run = start(index, tmp_path)
    _, stderr = run.communicate(timeout=30)
    assert run.returncode == 6
    sentence, hint = stderr.splitlines()[-2:]
    assert sentence == "error: `wheels`: File exists" and hint.endswith(
        "wheelhouse must make a folder with the same name"
    )
