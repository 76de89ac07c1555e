"""The keys of objects in a store that machines share (pure)."""

import hashlib


def artifact_key(sha256: str) -> str:
    """The key of a file: `artifacts/`, two digits of its sha256, its sha256."""
    return f"artifacts/{sha256[:2]}/{sha256}"


def note_key(kind: str, key: str) -> str:
    """The key of a note: its kind, two digits of the sha256 of `key`, that sha256. It hides a `key` that is a private address."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{kind}/{digest[:2]}/{digest}"
