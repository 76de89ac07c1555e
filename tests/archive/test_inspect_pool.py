"""Files are opened by processes of their own where there are many; what they say is what is said here."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.hostile import hostile_wheels
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive import inspect_pool
from wheelhouse.archive.inspect_pool import INSPECTED_IN_PROCESS, InspectPool
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import RefusedError


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[InspectPool]:
    """With all of its processes ready, whatever the machine's cores."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    few = InspectPool()
    wheel = build_wheel(tmp_path, "first", "1.0")
    for _ in range(INSPECTED_IN_PROCESS):
        few.inspect(wheel, wheel.name)
    wait_until(lambda: few._idle.qsize() == 2)
    monkeypatch.setattr(inspect_pool, "inspect", lambda *_: pytest.fail("this process inspected it"))
    yield few
    few.close()


def wait_until(holds: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "that never came to hold"
        time.sleep(0.01)


def pids(few: InspectPool) -> list[int]:
    return [worker._process.pid for worker in few._workers]


def test_a_process_says_of_a_wheel_what_is_said_here(started: InspectPool, tmp_path: Path) -> None:
    odd = build_wheel(
        tmp_path, "odd", "1.0+local", requires=["six; extra == 'x'"], record=b"odd-1.0+local.dist-info/RECORD,,\n"
    )
    contents = started.inspect(odd, odd.name)
    assert contents == inspect(odd, odd.name)
    assert contents.findings and contents.metadata.requires_dist == ("six; extra == 'x'",)


def test_a_process_says_of_an_sdist_what_is_said_here(started: InspectPool, tmp_path: Path) -> None:
    sdist = build_sdist(tmp_path, "lib", "2.0", requires=["six"], metadata_version="2.1")
    assert started.inspect(sdist, sdist.name) == inspect(sdist, sdist.name)


def test_a_file_may_lie_where_no_text_says(started: InspectPool, tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "lib", "1.0")
    strange = Path(os.fsdecode(os.fsencode(tmp_path / "caf") + b"\xe9"))
    wheel.rename(strange)
    assert started.inspect(strange, wheel.name) == inspect(strange, wheel.name)


def test_what_is_refused_is_refused_in_the_same_words(
    started: InspectPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect_pool, "inspect", inspect)
    (tmp_path / "hostile").mkdir()
    for wheel in hostile_wheels(tmp_path / "hostile").values():
        with pytest.raises(RefusedError) as here:
            inspect(wheel, wheel.name)
        with pytest.raises(RefusedError) as there:
            started.inspect(wheel, wheel.name)
        assert (str(there.value), there.value.rule, there.value.hint) == (
            str(here.value),
            here.value.rule,
            here.value.hint,
        )


def test_where_a_process_ends_the_file_is_opened_here(
    started: InspectPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect_pool, "inspect", inspect)
    wheel = build_wheel(tmp_path, "lib", "1.0")
    for pid in pids(started):
        os.kill(pid, signal.SIGKILL)
    for _ in range(3):
        assert started.inspect(wheel, wheel.name) == inspect(wheel, wheel.name)


def test_a_few_files_are_opened_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    few, wheel = InspectPool(), build_wheel(tmp_path, "lib", "1.0")
    for _ in range(INSPECTED_IN_PROCESS - 1):
        few.inspect(wheel, wheel.name)
    assert few._workers == []


def test_on_one_core_all_files_are_opened_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    few, wheel = InspectPool(), build_wheel(tmp_path, "lib", "1.0")
    for _ in range(2 * INSPECTED_IN_PROCESS):
        few.inspect(wheel, wheel.name)
    assert few._workers == []


def test_where_no_process_can_be_started_files_are_opened_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    few, wheel = InspectPool(), build_wheel(tmp_path, "lib", "1.0")
    for _ in range(2 * INSPECTED_IN_PROCESS):
        assert few.inspect(wheel, wheel.name) == inspect(wheel, wheel.name)
    assert few._workers == [] and not few._is_ready


def test_no_process_is_left(started: InspectPool) -> None:
    mine = pids(started)
    started.close()
    for pid in mine:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


ABANDONED = """
import os, signal, sys, time
from pathlib import Path
from wheelhouse.archive.inspect_pool import INSPECTED_IN_PROCESS, InspectPool
os.cpu_count = lambda: 2
few, wheel = InspectPool(), Path(sys.argv[1])
for _ in range(INSPECTED_IN_PROCESS):
    few.inspect(wheel, wheel.name)
while few._idle.qsize() < 2:
    time.sleep(0.01)
print(*(worker._process.pid for worker in few._workers), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_end_with_the_run_that_was_killed(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "lib", "1.0")
    killed = subprocess.run(
        [sys.executable, "-c", ABANDONED, wheel], stdout=subprocess.PIPE, text=True, check=False, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    left = [Path("/proc") / pid / "cmdline" for pid in killed.stdout.split()]
    assert len(left) == 2
    wait_until(lambda: not any(path.exists() and path.read_bytes() for path in left))


def test_an_interrupt_from_the_terminal_does_not_reach_them(started: InspectPool) -> None:
    assert all(os.getpgid(pid) == pid for pid in pids(started))


def test_a_process_that_was_closed_as_it_started_is_not_ready() -> None:
    worker = inspect_pool._Worker()
    worker.close()
    assert not worker.is_ready()


def test_a_program_that_is_no_worker_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/echo")
    worker = inspect_pool._Worker()
    assert not worker.is_ready()
    worker.close()


def test_where_no_thread_can_be_started_files_are_opened_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(threading.Thread, "start", none_left)
    few, wheel = InspectPool(), build_wheel(tmp_path, "lib", "1.0")
    for _ in range(2 * INSPECTED_IN_PROCESS):
        assert few.inspect(wheel, wheel.name) == inspect(wheel, wheel.name)
