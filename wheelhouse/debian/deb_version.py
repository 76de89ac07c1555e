"""Versions of Debian packages: order and relations, as dpkg compares them (pure).

Source: Debian Policy 5.6.12, and deb-version(7).
"""

import re
from functools import lru_cache

PARTS = re.compile(r"([^0-9]*)([0-9]*)")
VERSION = re.compile(r"(?:[0-9]+:)?[0-9A-Za-z.+~:-]+")
VersionKey = tuple[int, tuple[int, ...], tuple[int, ...]]
TILDE, END, LETTERS, OTHERS = -1, 0, 0, 256
"""How one character sorts: a tilde before the end of the text, then letters, then all others."""


@lru_cache(maxsize=1 << 16)
def version_key(version: str) -> VersionKey:
    """A sort key: the epoch, the upstream version, the Debian revision.

    Raises ValueError for an epoch that is no number, and for a number of more digits than Python converts.
    """
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, hyphen, revision = rest.rpartition("-")
    if not hyphen:
        upstream, revision = rest, "0"
    return int(epoch), _sort_key(upstream), _sort_key(revision)


def is_version(text: str) -> bool:
    """Whether a text has a sort key: nearly every text has one, also an empty one and one that is no valid version."""
    try:
        version_key(text)
    except ValueError:
        return False
    return True


def _sort_key(text: str) -> tuple[int, ...]:
    """A sort key of text and numbers in turn; each run of text ends with END, so that a tilde sorts before the end."""
    key: list[int] = []
    for letters, digits in PARTS.findall(text):
        key += map(_order, letters)
        key += (END, int(digits or "0"))
    return tuple(key)


def _order(character: str) -> int:
    """A number by which a character sorts: a tilde first, then letters, then all others."""
    if character == "~":
        return TILDE
    return ord(character) + (LETTERS if character.isalpha() else OTHERS)


def holds(version: str, operator: str, other: str) -> bool:
    """Whether `version` is in this relation to the other: `<<`, `<=`, `>=` or `>>`; old `<` and `>` allow equality. All others mean `=`.

    Raises ValueError as `version_key` does.
    """
    left, right = version_key(version), version_key(other)
    match operator:
        case "<<":
            return left < right
        case "<=" | "<":
            return left <= right
        case ">=" | ">":
            return left >= right
        case ">>":
            return left > right
    return left == right
