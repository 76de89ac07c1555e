"""The much used projects of PyPI, listed in `known_projects.txt`, and which of them another name imitates (pure)."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import chain
from string import digits

from packaging.utils import NormalizedName

from wheelhouse.vet.lookalike_names import SHORTEST, differ_in_digits, letters_alike, slips_of

POPULAR = 1000
"""So many of the first projects are popular: a name that imitates one is an error."""
PROTECTED = 5000
"""So many of the first projects are compared at all; the others are only known, so that they imitate nobody."""
SHORTEST_PROTECTED = 6
"""Names of projects beyond the popular ones are compared from this length on."""
AFFIXES = frozenset(
    """beta core dev easy fix fixed free full io latest lib library lite modern module new official org original package
    patch patched pip plus pro py py2 py3 pypi python python2 python3 real sdk simple stable the update updated v1 v2 v3
    x""".split()  # noqa: SIM905
)
"""Words that a name has before or after the name that it imitates."""
GLUED = ("python", "py", "lib")
"""Affixes that also stand without a separator."""
NUMBERED = re.compile(r"(?P<name>.*[a-z])(?:-?v?\d{1,2})?")


class Imitation(StrEnum):
    """How a name differs from the one that it imitates. Findings hold the values."""

    SEPARATORS = "separators"
    LETTERS = "letters"
    SLIP = "slip"
    ORDER = "order"
    AFFIX = "affix"


@dataclass(frozen=True)
class KnownProjects:
    """The normalised names of the much used projects, the most used first."""

    names: tuple[NormalizedName, ...] = ()

    @cached_property
    def ranks(self) -> Mapping[str, int]:
        """Each name with its place, from 0 on."""
        return {name: rank for rank, name in enumerate(self.names)}

    def is_popular(self, name: str) -> bool:
        """Whether it is one of the first thousand."""
        return self.ranks.get(name, POPULAR) < POPULAR

    def imitated_by(self, name: NormalizedName) -> tuple[NormalizedName, Imitation] | None:
        """The most used project whose name a name imitates, and how; None if there is none, or if the name is known itself."""
        if name in self.ranks or not self.names:
            return None
        found = {other: how for other, how in self._alike(name) if other != name and self._is_compared(other)}
        return min(found.items(), key=lambda pair: self.ranks[pair[0]], default=None)

    def _is_compared(self, other: str) -> bool:
        """Whether a project is used so much, and its name so long, that others must not resemble it."""
        rank = self.ranks.get(other, PROTECTED)
        return len(other) >= SHORTEST and rank < (PROTECTED if len(other) >= SHORTEST_PROTECTED else POPULAR)

    def _alike(self, name: str) -> Iterator[tuple[NormalizedName, Imitation]]:
        """Known names that a name resembles, each with how; the weakest likeness first."""
        if len(name) < SHORTEST:
            return
        slips = (other for other in slips_of(name) if other in self.ranks and not differ_in_digits(name, other))
        glued = (other for other in _without_glued(name) if self.is_popular(other))
        candidates = {Imitation.AFFIX: chain(_without_affixes(name), glued), Imitation.SLIP: slips}
        for how, others in candidates.items():
            yield from ((NormalizedName(other), how) for other in others)
        for how, key in KEYS.items():
            if other := self._by_key[how].get(key(name)):
                yield other, how

    @cached_property
    def _by_key(self) -> Mapping[Imitation, Mapping[str, NormalizedName]]:
        """For each kind of likeness with a key: the most used project of each key."""
        return {how: {key(name): name for name in reversed(self.names[:PROTECTED])} for how, key in KEYS.items()}


def _without_affixes(name: str) -> Iterator[str]:
    """The name without a first or last word that says nothing."""
    words = name.split("-")
    if words[0] in AFFIXES:
        yield "-".join(words[1:])
    if words[-1] in AFFIXES:
        yield "-".join(words[:-1])


def _without_glued(name: str) -> Iterator[str]:
    """The name without an affix that no separator parts from it; and with no number, or another one, at its end."""
    for affix in GLUED:
        yield name.removeprefix(affix)
        yield name.removesuffix(affix)
    if match := NUMBERED.fullmatch(name):
        yield from (f"{match['name']}{number}" for number in ("", *digits))


def _without_separators(name: str) -> str:
    return name.replace("-", "")


def _in_order(name: str) -> str:
    """A name with its words sorted, so that two orders of the same words are equal."""
    return "-".join(sorted(name.split("-")))


KEYS: Mapping[Imitation, Callable[[str], str]] = {
    Imitation.ORDER: _in_order,
    Imitation.LETTERS: letters_alike,
    Imitation.SEPARATORS: _without_separators,
}
"""Likenesses by which two names have one key, the weakest first."""
NO_KNOWN_PROJECTS = KnownProjects()


def parse_known_projects(text: str) -> KnownProjects:
    """The list: a name a line; lines that begin with `#` are about the list."""
    return KnownProjects(tuple(NormalizedName(line) for line in text.splitlines() if line and not line.startswith("#")))
