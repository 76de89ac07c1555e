"""Names that one may take for another's (pure)."""

import re

SHORTEST = 5
"""Shorter names are too alike to tell anything."""
CONFUSED = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "-": None})


def looks_like(name: str, other: str) -> bool:
    """Whether a normalised name may be taken for another one, and is not its next numbered kin, as boto3 is boto's."""
    if name == other or min(len(name), len(other)) < SHORTEST or _kin(name, other):
        return False
    return name.translate(CONFUSED) == other.translate(CONFUSED) or one_slip(name, other) or _reordered(name, other)


def _kin(name: str, other: str) -> bool:
    """Alike but for digits, and the digits are no letters in disguise."""
    disguised = name.translate(CONFUSED) == other.translate(CONFUSED)
    return re.sub(r"\d+", "", name) == re.sub(r"\d+", "", other) and not disguised


def _reordered(name: str, other: str) -> bool:
    """`dateutil-python` for `python-dateutil`."""
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
