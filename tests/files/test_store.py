"""What every store must do, whatever it is made of: each class that names `Store` as its base is tried here."""

import hashlib
import math
import pkgutil
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import pytest

from wheelhouse import files
from wheelhouse.files.cache import Cache
from wheelhouse.files.object_store import ObjectStore
from wheelhouse.files.shared_store import SharedObjects, SharedStore
from wheelhouse.files.store import Store


def shared_store(folder: Path) -> SharedStore:
    """A cache with a store behind it, which a folder holds."""
    return SharedStore(Cache(folder / "cache"), SharedObjects(ObjectStore((folder / "objects").as_uri())))


STORES: dict[type[Store], Callable[[Path], Store]] = {Cache: Cache, SharedStore: shared_store}
DATA = b"the bytes of a wheel"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=STORES, ids=lambda kind: kind.__name__)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens the same store again and again, as one run after another does."""
    return lambda: STORES[request.param](tmp_path / "store")


def test_every_store_is_tried() -> None:
    for module in pkgutil.iter_modules(files.__path__):  # a store that nothing has imported is no subclass yet
        import_module(f"{files.__name__}.{module.name}")
    assert set(Store.__subclasses__()) == STORES.keys()


def test_a_file_is_kept_for_later_runs(opened: Callable[[], Store]) -> None:
    with opened().partial("key") as partial:
        partial.write_bytes(DATA)
        kept = opened().keep(partial, SHA256)
        assert not partial.exists()
    assert kept.read_bytes() == DATA
    assert opened().artifact(SHA256) == kept
    assert opened().artifact("0" * 64) is None


def test_a_discarded_file_is_gone(opened: Callable[[], Store]) -> None:
    with opened().partial("key") as partial:
        partial.write_bytes(DATA)
        opened().discard(opened().keep(partial, SHA256))
    assert opened().artifact(SHA256) is None


def test_an_unfinished_download_is_there_for_the_next_run(opened: Callable[[], Store]) -> None:
    with opened().partial("key") as partial:
        partial.write_bytes(DATA[:5])
    with opened().partial("key") as partial, opened().partial("another") as other:
        assert (partial.read_bytes(), other.read_bytes()) == (DATA[:5], b"")


def test_a_run_that_wants_the_same_file_waits(opened: Callable[[], Store]) -> None:
    entered = threading.Event()

    def wait_and_enter() -> None:
        with opened().partial("key") as partial:
            assert partial.read_bytes() == b""  # the first run moved its file away
            entered.set()

    thread = threading.Thread(target=wait_and_enter)
    with opened().partial("key") as partial:
        thread.start()
        assert not entered.wait(0.05)
        partial.write_bytes(DATA)
        opened().keep(partial, SHA256)
    thread.join(10)
    assert entered.is_set()


def test_a_run_that_waited_does_not_enter_beside_one_that_came_later(opened: Callable[[], Store]) -> None:
    """The first run moves its file away, a later run makes a new one: who waited for the first must wait for the second."""
    entered = threading.Event()

    def wait_and_enter() -> None:
        with opened().partial("key"):
            entered.set()

    thread = threading.Thread(target=wait_and_enter)
    with ExitStack() as later:
        with opened().partial("key") as partial:
            thread.start()
            assert not entered.wait(0.05)
            partial.write_bytes(DATA)
            opened().keep(partial, SHA256)
            later.enter_context(opened().partial("key"))
        assert not entered.wait(0.05)
    thread.join(10)
    assert entered.is_set()


def test_a_note_is_kept_until_it_is_forgotten(opened: Callable[[], Store]) -> None:
    opened().note("pages", "key", b"one")
    opened().note("pages", "key", b"two")
    assert opened().noted("pages", "key") == b"two"
    assert (opened().noted("pages", "other"), opened().noted("other", "key")) == (None, None)
    opened().forget("pages", "key")
    assert opened().noted("pages", "key") is None


def test_the_age_of_a_note_counts_from_when_it_was_kept_or_touched(opened: Callable[[], Store]) -> None:
    assert opened().age("pages", "key", time.time()) == math.inf
    opened().note("pages", "key", b"fact")
    later = time.time() + 1000
    assert 990 < opened().age("pages", "key", later) < 1010
    assert opened().age("pages", "key", later - 2000) == math.inf  # kept in the future
    opened().touch("pages", "key")
    assert opened().noted("pages", "key") == b"fact"


def test_a_log_can_be_read(opened: Callable[[], Store]) -> None:
    assert opened().log("app.log", b"printed").read_bytes() == b"printed"
