"""Names that look like another name (pure)."""

import re
from collections.abc import Iterator
from string import ascii_lowercase, digits

SHORTEST = 5
"""Shorter names are too similar to compare."""
CONFUSED = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "-": None})
CONFUSED_PAIRS = (("rn", "m"), ("vv", "w"))
HOMOGLYPHS = str.maketrans(
    "абвгԁеёһіїјкӏмпорсѕтуѵԝхʏᴢαβγεηικνορτυχωɑɡɩʟոսօհցզɴᴠᴡ",
    "abbrdeehiijklmnopcstyvwxyzabyenikvoptuxwagilnuohgqnvw",
)
"""Letters of other alphabets, each with the letter of ASCII that it looks like."""
LETTERS = f"{ascii_lowercase}{digits}-"


def looks_like(name: str, other: str) -> bool:
    """Whether a normalised name looks like another one: by single letters, by one slip, or by the order of its parts.

    False for equal names, names of less than five characters, and names that differ in digits alone: boto and boto3. `rn`
    for `m` does not count.
    """
    if name == other or min(len(name), len(other)) < SHORTEST or differ_in_digits(name, other):
        return False
    return name.translate(CONFUSED) == other.translate(CONFUSED) or one_slip(name, other) or _reordered(name, other)


def differ_in_digits(name: str, other: str) -> bool:
    """Whether two names differ, but not without their digits.

    False if they are equal with letters for the digits that look like them, as `l1` and `1l`.
    """
    disguised = name.translate(CONFUSED) == other.translate(CONFUSED)
    return re.sub(r"\d+", "", name) == re.sub(r"\d+", "", other) and not disguised


def _reordered(name: str, other: str) -> bool:
    """Whether two names have the same parts: `dateutil-python` and `python-dateutil`. True for equal names, too."""
    return sorted(name.split("-")) == sorted(other.split("-"))


def one_slip(name: str, other: str) -> bool:
    """Whether one letter was added, left out, changed, or exchanged with its neighbour. True for equal names, too."""
    other, name = sorted((name, other), key=len)
    start = next((at for at, (a, b) in enumerate(zip(name, other, strict=False)) if a != b), len(other))
    rest, rest_of_other = name[start:], other[start:]
    if len(name) == len(other) + 1:
        return rest[1:] == rest_of_other
    if len(name) != len(other):
        return False
    return rest[1:] == rest_of_other[1:] or (rest[:2] == rest_of_other[1::-1] and rest[2:] == rest_of_other[2:])


def letters_alike(name: str) -> str:
    """A normalised name without hyphens, and with one letter for all that look like it: `1`, `i` and `l`, or `rn` and `m`."""
    for pair, letter in CONFUSED_PAIRS:
        name = name.replace(pair, letter)
    return name.translate(CONFUSED)


def slips_of(name: str) -> Iterator[str]:
    """Every name that differs from this one by a letter added, left out, changed or exchanged with its neighbour; some twice.

    Letters are `a` to `z`, digits and the hyphen. The name itself is among them.
    """
    for at in range(len(name) + 1):
        head, rest = name[:at], name[at:]
        yield from (f"{head}{letter}{rest}" for letter in LETTERS)
        if rest:
            yield f"{head}{rest[1:]}"
            yield from (f"{head}{letter}{rest[1:]}" for letter in LETTERS)
        if len(rest) > 1:
            yield f"{head}{rest[1]}{rest[0]}{rest[2:]}"


def ascii_lookalike(name: str) -> str | None:
    """The ASCII name, in lower case, that a name in letters of other alphabets looks like.

    None if it is ASCII itself, or if a letter looks like none.
    """
    plain = name.lower().translate(HOMOGLYPHS)
    return plain if plain.isascii() and not name.isascii() else None
