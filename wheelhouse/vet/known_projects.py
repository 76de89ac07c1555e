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
NUMBERED = (re.compile(r"(.*[a-z])(?:-?\d{1,2})?"), re.compile(r"(.*[a-z])-?v\d{1,2}"))
"""Names with a number or a version at their end, if any: `name2`, `name-2`, `namev2`."""


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
        """Each name with its place, from 0 on; the most used project has 0."""
        return {name: rank for rank, name in enumerate(self.names)}

    def is_popular(self, name: str) -> bool:
        """Whether it is one of the first thousand; False for an unknown name, also for one that is not normalised."""
        return self.ranks.get(name, POPULAR) < POPULAR

    def imitated_by(self, name: NormalizedName) -> tuple[NormalizedName, Imitation] | None:
        """The most used project whose name a name imitates, and how.

        None if there is none, or if the name is known itself. Names that are too short, and projects beyond the first five
        thousand, are not compared.
        """
        if name in self.ranks or not self.names:
            return None
        found = {other: how for other, how in self._alike(name) if self._is_compared(other)}
        return min(found.items(), key=lambda pair: self.ranks[pair[0]], default=None)

    def _is_compared(self, other: str) -> bool:
        """Whether a name that resembles this one is reported.

        This one must have at least five characters and be popular, or at least six and be among the first five thousand.
        """
        rank = self.ranks.get(other, PROTECTED)
        return len(other) >= SHORTEST and rank < (PROTECTED if len(other) >= SHORTEST_PROTECTED else POPULAR)

    def _alike(self, name: str) -> Iterator[tuple[NormalizedName, Imitation]]:
        """Names that a name resembles, each with how; the weakest likeness first. Not all of them are known, some come twice.

        None for a name of less than five characters.
        """
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
        """For each likeness with a key: the keys of the first five thousand projects, each with the most used project that has it."""
        return {how: {key(name): name for name in reversed(self.names[:PROTECTED])} for how, key in KEYS.items()}


def _without_affixes(name: str) -> Iterator[str]:
    """The name without its first word if that is one of `AFFIXES`, and without its last one if that is; none if neither is.

    A name of one such word gives an empty text, twice.
    """
    words = name.split("-")
    if words[0] in AFFIXES:
        yield "-".join(words[1:])
    if words[-1] in AFFIXES:
        yield "-".join(words[:-1])


def _without_glued(name: str) -> Iterator[str]:
    """The name without each of `GLUED` at its start, and at its end; unchanged for those that it does not have.

    Then, if it matches one of `NUMBERED`, which also match a name without a number: the name without its number (`2`,
    `v2`), and with each digit in place of the number.
    """
    for affix in GLUED:
        yield name.removeprefix(affix)
        yield name.removesuffix(affix)
    for match in filter(None, (pattern.fullmatch(name) for pattern in NUMBERED)):
        yield from (f"{match[1]}{number}" for number in ("", *digits))


def _without_separators(name: str) -> str:
    """A normalised name without its hyphens."""
    return name.replace("-", "")


def _in_order(name: str) -> str:
    """The words of a name, which hyphens part, sorted, as text: two orders of the same words are equal."""
    return str(sorted(name.split("-")))


KEYS: Mapping[Imitation, Callable[[str], str]] = {
    Imitation.ORDER: _in_order,
    Imitation.LETTERS: letters_alike,
    Imitation.SEPARATORS: _without_separators,
}
"""Likenesses by which two names have one key, the weakest first."""
NO_KNOWN_PROJECTS = KnownProjects()


def parse_known_projects(text: str) -> KnownProjects:
    """The projects of the list: a name a line, the most used first. Empty lines and those that begin with `#` are left out.

    The names must be normalised already; this is not checked.
    """
    return KnownProjects(tuple(NormalizedName(line) for line in text.splitlines() if line and not line.startswith("#")))
