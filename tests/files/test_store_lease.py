"""A run that relies on a store and one that prunes it exclude each other."""

import os
from pathlib import Path

import pytest

from wheelhouse.files import store_lease
from wheelhouse.files.object_store import ObjectStore, StoreError
from wheelhouse.files.store_lease import LEASE_TIME, PRUNING, RELYING, lease

pytest.importorskip("obstore")


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore((tmp_path / "store").as_uri())


def leases(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("store/leases-1/*/*"))


@pytest.mark.parametrize(("first", "second"), [(RELYING, PRUNING), (PRUNING, RELYING)])
def test_of_two_kinds_one_waits_for_the_other(store: ObjectStore, tmp_path: Path, first: str, second: str) -> None:
    with lease(store, first, against=second):
        with pytest.raises(StoreError, match=store_lease.REASONS[first]), lease(store, second, against=first):
            pass
        assert len(leases(tmp_path)) == 1
    with lease(store, second, against=first):
        pass
    assert leases(tmp_path) == []


def test_many_may_rely_on_it_at_once(store: ObjectStore) -> None:
    with lease(store, RELYING, against=PRUNING), lease(store, RELYING, against=PRUNING):
        pass


def test_the_lease_of_a_killed_run_ends(store: ObjectStore, tmp_path: Path) -> None:
    store.put("leases-1/relying/killed", b"")
    (left,) = leases(tmp_path)
    with pytest.raises(StoreError) as caught, lease(store, PRUNING, against=RELYING):
        pass
    assert "leases-1/relying/killed" in (caught.value.hint or "")
    old = left.stat().st_mtime - LEASE_TIME.total_seconds() - 1
    os.utime(left, (old, old))
    with lease(store, PRUNING, against=RELYING):
        pass


def test_a_lease_is_kept_young(store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_lease, "RENEW_SECONDS", 0.001)
    with lease(store, RELYING, against=PRUNING):
        (own,) = leases(tmp_path)
        os.utime(own, (1, 1))
        for _ in range(2000):
            if own.stat().st_mtime > 1:
                break
            store.has("nothing")
        assert own.stat().st_mtime > 1
