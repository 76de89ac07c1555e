"""What a store that machines share holds, and what it can do without: old objects that no wheelhouse needs."""

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from wheelhouse.files.object_store import Listed, ObjectStore
from wheelhouse.files.shared_store import MAX_NOTE_BYTES
from wheelhouse.files.store_keys import artifact_key, note_key

SHA256 = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def sizes(objects: Iterable[Listed]) -> dict[str, tuple[int, int]]:
    """(objects, bytes) of each kind, which is the first part of a key, sorted by kind."""
    kinds: dict[str, tuple[int, int]] = {}
    for item in objects:
        kind = item.key.partition("/")[0]
        count, total = kinds.get(kind, (0, 0))
        kinds[kind] = (count + 1, total + item.size)
    return dict(sorted(kinds.items()))


def unneeded(
    store: ObjectStore, sha256s: Collection[str], before: datetime, *, about: Iterable[str], naming: Collection[str]
) -> list[Listed]:
    """The objects that were last written before a time, but for what files with these hashes need. Nothing is removed.

    Needed are the files themselves, their notes of the kinds `about`, and each note of the kinds `naming` whose bytes name one of
    these hashes, such as that of a built wheel. An object that is younger may be one that a run needs at this moment. Raises StoreError.
    """
    needed = {artifact_key(sha256) for sha256 in sha256s} | {
        note_key(kind, sha256) for kind in about for sha256 in sha256s
    }
    old = [item for item in store.listed() if item.changed < before and item.key not in needed]
    return [
        item
        for item in old
        if item.key.partition("/")[0] not in naming or not _names_any(store, item.key, frozenset(sha256s))
    ]


def _names_any(store: ObjectStore, key: str, sha256s: Collection[str]) -> bool:
    """Whether an object's bytes name one of these hashes; False if it is gone, or larger than MAX_NOTE_BYTES."""
    note = store.read(key, MAX_NOTE_BYTES)
    return note is not None and any(match.decode() in sha256s for match in SHA256.findall(note.content))
