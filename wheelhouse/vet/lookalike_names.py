"""Names that look like another name (pure)."""

import re

SHORTEST = 5
"""Shorter names are too similar to compare."""
CONFUSED = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "-": None})


def looks_like(name: str, other: str) -> bool:
    """Whether a normalised name looks like another one. Names that differ in digits alone do not: boto and boto3."""
    if name == other or min(len(name), len(other)) < SHORTEST or _kin(name, other):
        return False
    return name.translate(CONFUSED) == other.translate(CONFUSED) or one_slip(name, other) or _reordered(name, other)


def _kin(name: str, other: str) -> bool:
    """Whether two names differ in digits alone, and the digits do not look like letters."""
    disguised = name.translate(CONFUSED) == other.translate(CONFUSED)
    return re.sub(r"\d+", "", name) == re.sub(r"\d+", "", other) and not disguised


def _reordered(name: str, other: str) -> bool:
    """Whether two names have the same parts in another order: `dateutil-python` and `python-dateutil`."""
    parts = name.split("-")
    return len(parts) > 1 and sorted(parts) == sorted(other.split("-"))


def one_slip(name: str, other: str) -> bool:
    """Whether one letter was added, left out, changed, or exchanged with its neighbour."""
    if len(name) < len(other):
        name, other = other, name
    start = next((at for at, (a, b) in enumerate(zip(name, other, strict=False)) if a != b), len(other))
    rest, rest_of_other = name[start:], other[start:]
    if len(name) == len(other) + 1:
        return rest[1:] == rest_of_other
    if len(name) != len(other):
        return False
    return rest[1:] == rest_of_other[1:] or (rest[:2] == rest_of_other[1::-1] and rest[2:] == rest_of_other[2:])
