"""The keys of objects in a store that machines share (pure)."""

import hashlib


def artifact_key(sha256: str) -> str:
    """The key of a file."""
    return f"artifacts/{sha256[:2]}/{sha256}"


def note_key(kind: str, key: str) -> str:
    """The key of a note. What it is about is hashed: it may be long, and may be the address of a private index."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{kind}/{digest[:2]}/{digest}"
