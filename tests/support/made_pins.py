"""Pins and facts of one file that are made for a test, field by field, without an archive."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.filenames import release_of
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.facts import Entry, Facts, Inside

WHEEL = "odd-1.0-py3-none-any.whl"


def made_pin(
    filename: str = WHEEL,
    *,
    sha256: str = "a" * 64,
    url: str | None = None,
    uploaded: datetime | None = None,
    **pin: object,
) -> Pin:
    """A pin of one file; the project and the version are those of its name."""
    return Pin(*release_of(filename), Artifact(filename, sha256, 1, url, uploaded), **pin)  # type: ignore[arg-type]


def made_facts(
    filename: str = WHEEL,
    *,
    members: Iterable[Entry | str] = (),
    texts: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    inside: Mapping[str, object] | None = None,
    facts: Mapping[str, object] | None = None,
    **pin: object,
) -> Facts:
    """The facts of one file. A member can be a name; `inside`, `facts` and `pin` are more fields of each of them."""
    entries = tuple(Entry(one, 1) if isinstance(one, str) else one for one in members)
    lists = {name: (value,) for name, value in (headers or {}).items()}
    contents = Inside(entries, texts or {}, lists, **(inside or {}))  # type: ignore[arg-type]
    return Facts(made_pin(filename, **pin), inside=contents, **(facts or {}))  # type: ignore[arg-type]
