"""Leases in a store: while a run relies on objects that no lock file names yet, no other run removes any, and the other way round.

A run puts its own lease first, and looks for those of the other kind afterwards: of two at once at least one sees the other.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from wheelhouse.files.object_store import ObjectStore, StoreError

LEASES = "leases-1"
RELYING, PRUNING = "relying", "pruning"
LEASE_TIME = timedelta(minutes=30)
"""How long the lease of a killed run counts, by the clock of the store."""
RENEW_SECONDS = 600.0
REASONS = {
    PRUNING: "is being pruned by another run",
    RELYING: "is in use by a run of `fetch --virtual`",
}


@contextmanager
def lease(store: ObjectStore, kind: str, against: str) -> Iterator[None]:
    """Hold a lease, and renew it in a thread, until the block ends; then it is removed, if the store does so.

    Raises StoreError if a run holds one of the other kind `against`, or if the store fails at the beginning.
    """
    key = f"{LEASES}/{kind}/{secrets.token_hex(8)}"
    store.put(key, b"")
    stop = threading.Event()
    renewing = threading.Thread(target=_renew, args=(store, key, stop), name="lease", daemon=True)
    try:
        _must_be_alone(store, key, against)
        renewing.start()
        yield
    finally:
        stop.set()
        with suppress(StoreError):
            store.remove(key)


def _must_be_alone(store: ObjectStore, own: str, against: str) -> None:
    """Raise StoreError if another run holds a lease of the kind `against` that still counts. All times are those of the store."""
    made: dict[str, datetime] = {item.key: item.changed for item in store.listed(LEASES)}
    now = made.get(own) or max(made.values(), default=None)
    for key, changed in made.items():
        if now and key.startswith(f"{LEASES}/{against}/") and now - changed < LEASE_TIME:
            minutes = int(LEASE_TIME.total_seconds() / 60)
            hint = f"wait until that run ends; if it was killed, wait {minutes} minutes or remove `{key}`"
            raise StoreError(f"the store {store.name} {REASONS[against]}", hint=hint)


def _renew(store: ObjectStore, key: str, stop: threading.Event) -> None:
    """Write a lease again every RENEW_SECONDS until `stop` is set. A store that fails is ignored."""
    while not stop.wait(RENEW_SECONDS):
        with suppress(StoreError):
            store.put(key, b"")
