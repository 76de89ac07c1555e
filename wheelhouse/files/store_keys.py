"""The keys of objects in a store that machines share (pure)."""

import hashlib


def artifact_key(sha256: str) -> str:
    """The key of a file: `artifacts/`, two digits of its sha256, its sha256."""
    return f"artifacts/{sha256[:2]}/{sha256}"


def note_key(kind: str, key: str) -> str:
    """The key of a note: its kind, and a sha256 of what it is about, which may be long, and may be the address of a private index."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{kind}/{digest[:2]}/{digest}"
