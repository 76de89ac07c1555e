"""Threads: what is done once, what is cancelled, and that nobody waits for ever."""

import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.tools import clean_environment, run
from wheelhouse.files.tasks import Tasks, first_success

PATIENCE = 10.0


def test_closing_while_others_start_something_comes_to_an_end() -> None:
    """Who hears that a task was cancelled may want another, and so may a third thread at that moment."""
    tasks, held = Tasks(1, "few"), threading.Event()
    tasks.start("first", held.wait)

    def start(key: str) -> None:
        with suppress(RuntimeError):
            tasks.start(key, held.wait)

    def heard(_future: Future[bool]) -> None:
        third = threading.Thread(target=start, args=("third",), daemon=True)
        third.start()
        third.join(0.2)
        start("fourth")

    tasks.start("second", held.wait).add_done_callback(heard)
    closing = threading.Thread(target=tasks.close, daemon=True)
    closing.start()
    closing.join(PATIENCE)
    held.set()
    assert not closing.is_alive()


def test_who_hears_of_the_first_success_may_wait_for_the_other() -> None:
    futures: list[Future[str]] = [Future(), Future()]
    heard: list[str] = []

    def wait(first: Future[str]) -> None:
        other = threading.Thread(target=futures[1].set_result, args=("late",), daemon=True)
        other.start()
        other.join(PATIENCE)
        assert not other.is_alive()
        heard.append(first.result())

    first_success(futures).add_done_callback(wait)
    futures[0].set_result("early")
    assert heard == ["early"]


@pytest.mark.parametrize("failing", [0, 1])
def test_one_failure_leaves_it_to_the_other(failing: int) -> None:
    futures: list[Future[str]] = [Future(), Future()]
    first = first_success(futures)
    futures[failing].set_exception(OSError("no"))
    assert not first.done()
    futures[1 - failing].set_result("yes")
    assert first.result(0) == "yes"


def test_the_last_failure_is_told() -> None:
    futures: list[Future[str]] = [Future(), Future()]
    first = first_success(futures)
    for number, future in enumerate(futures):
        future.set_exception(OSError(number))
    with pytest.raises(OSError, match="1"):
        first.result(0)


AT_ONCE = """
import os, sys, threading
from pathlib import Path
from tests.support.wheels import build_wheel
from wheelhouse.files.cache import Cache
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.archive.inspect_pool import encoded
from wheelhouse.index.inspections import CONTENTS, Inspections
from wheelhouse.index.store_access import StoreAccess

wheel = build_wheel(Path.cwd(), "app", "1.0", requires=["a", "b; extra == 'c'"])
cache = Cache(Path.cwd())
keys = [f"{number:064}" for number in range(8)]
for key in keys:
    cache.note(CONTENTS, key, encoded(inspect(wheel, wheel.name)))
sys.setswitchinterval(1e-6)
ends = set()
for _ in range(30):
    child = os.fork()
    if not child:
        inspections, together = Inspections(StoreAccess(None, cache)), threading.Barrier(len(keys))
        read = lambda key: (together.wait(), inspections.get(key))
        threads = [threading.Thread(target=read, args=(key,)) for key in keys]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os._exit(len(inspections._files) != len(keys))
    ends.add(os.waitpid(child, 0)[1])
print(ends)
"""


def test_threads_that_read_their_first_note_at_once_do_not_break_the_process(tmp_path: Path) -> None:
    """msgspec prepares a type when it first meets it, and another thread must not meet it meanwhile."""
    environment = clean_environment(PYTHONPATH=str(ROOT))
    done = run(sys.executable, "-c", AT_ONCE, cwd=tmp_path, env=environment)
    assert done.stdout == "{0}\n", done.stderr
