"""Files: what an index offers (Candidate), what a lock file names (Artifact), and which one fits a target best (pure).

Sources: PEP 592 (yanking), PEP 691 and 700.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import BuildTag, NormalizedName
from packaging.version import Version

from wheelhouse.archive.filenames import SDIST_SUFFIXES, UNREADABLE_SUFFIXES, is_wheel, sdist_stem, wheel_parts
from wheelhouse.archive.legacy import repair_specifiers
from wheelhouse.archive.reasons import (
    BadFilename,
    FitsLess,
    HashNotAllowed,
    NoFittingTag,
    Reason,
    RequiresPython,
    UnreadableFormat,
)
from wheelhouse.errors import IntegrityError
from wheelhouse.target.target import Target

SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_DIGITS = 4000
"""Digits; Python itself reads 4300 (sys.int_info)."""
SAFE_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!~-]*")

version_of = lru_cache(maxsize=None)(Version)
"""`Version(text)`, parsed once for each spelling. Raises InvalidVersion."""


MAX_CHEAP_SDIST_BYTES = 20_000_000
"""A larger sdist is downloaded for its metadata only when nothing else is left to resolve."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that an index offers for a project.

    `yanked` is the project's explanation, which may be empty; None if the file is not yanked (PEP 592). `sidecar` is the
    sha256 of its metadata file (PEP 658), empty if the index gives none; None if there is no such file. `upload_time` is
    the index's text, ISO 8601 in UTC (PEP 700). `provenance` is the address of its attestations (PEP 740). `status` is
    that of the whole project, if it is not active (PEP 792). `fault` says why the page's entry cannot be used.
    """

    project: NormalizedName
    version: Version
    filename: str
    url: str
    index: str
    hashes: Mapping[str, str] = field(default_factory=dict, compare=False)
    size: int | None = None
    upload_time: str | None = None
    yanked: str | None = None
    requires_python: str | None = None
    sidecar: str | None = None
    provenance: str | None = None
    status: str | None = None
    fault: Reason | None = None

    @property
    def is_wheel(self) -> bool:
        """Whether its name ends in `.whl`; every other file counts as an sdist."""
        return is_wheel(self.filename)

    @property
    def sha256(self) -> str | None:
        """`hashes["sha256"]`, in lower-case hexadecimal; None if the index gave none."""
        return self.hashes.get("sha256")

    @property
    def is_costly(self) -> bool:
        """Whether its metadata cost a large download: a remote sdist over MAX_CHEAP_SDIST_BYTES. The metadata file of an
        sdist does not count: only that of a wheel is read.

        False if the index gives no size.
        """
        return not (self.is_wheel or self.is_local) and (self.size or 0) > MAX_CHEAP_SDIST_BYTES

    @property
    def is_local(self) -> bool:
        """Whether it is a file on this machine: whether `url` begins with neither `http://` nor `https://`."""
        return not self.url.startswith(("http://", "https://"))

    @property
    def sidecar_url(self) -> str:
        """The address that its metadata file has, if there is one (PEP 658): `.metadata` after the path, without a fragment."""
        address, mark, query = self.url.partition("#")[0].partition("?")
        return f"{address}.metadata{mark}{query}"

    @property
    def key(self) -> str:
        """An identifier of its bytes: the sha256, else the `url`."""
        return self.sha256 or self.url


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file, or a release by its version, that was not chosen, and why."""

    filename: str
    reason: Reason

    @property
    def has_no_tag(self) -> bool:
        """Whether the reason is that the target takes none of the wheel's tags."""
        return isinstance(self.reason, NoFittingTag)

    @property
    def follows_from_name(self) -> bool:
        """Whether the reason is NoFittingTag or FitsLess: file names and target alone give it, so no lock file keeps it."""
        return isinstance(self.reason, NoFittingTag | FitsLess)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a lock file names. It always has a sha256. `size` is in bytes."""

    filename: str
    sha256: str
    size: int
    url: str | None = None
    upload_time: datetime | None = None

    def __post_init__(self) -> None:
        """Raise IntegrityError for a malformed sha256, and for a name that is a path or no distribution's."""
        if not SHA256.fullmatch(self.sha256):
            raise IntegrityError(f"`{self.filename}` has no valid sha256 (`{self.sha256}`)")
        if not SAFE_FILENAME.fullmatch(self.filename):
            raise IntegrityError(f"`{self.filename}` is not a name that a wheel or sdist can have")

    @property
    def is_wheel(self) -> bool:
        """Whether its name ends in `.whl`; every other file is an sdist."""
        return is_wheel(self.filename)


def has_overlong_number(text: str) -> bool:
    """Whether a text longer than MAX_DIGITS has that many digits in a row: parsing it as a version can raise ValueError."""
    return len(text) > MAX_DIGITS and re.search(rf"\d{{{MAX_DIGITS}}}", text) is not None


@lru_cache(maxsize=4096)
def requires_python_of(text: str) -> SpecifierSet:
    """A Requires-Python as a specifier. An invalid one is repaired as old pips read it; an unreadable one allows all."""
    if has_overlong_number(text):
        return SpecifierSet()
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        with suppress(InvalidSpecifier):
            return repair_specifiers(text)[0]
    return SpecifierSet()


def why_hash_not_allowed(candidate: Candidate, allowed: Iterable[frozenset[str]]) -> HashNotAllowed | None:
    """The reason if the hashes that the index gives exclude the file, with the first such hash; else None.

    The file must have one hash of each set (`sha256:…`). A set is skipped if the index gives no hash of its algorithms: the
    file itself is checked after its download.
    """
    for hashes in allowed:
        comparable = {
            name: digest for name, digest in candidate.hashes.items() if any(h.startswith(f"{name}:") for h in hashes)
        }
        if comparable and not any(f"{name}:{digest}" in hashes for name, digest in comparable.items()):
            return HashNotAllowed(*next(iter(comparable.items())))
    return None


def why_unfit(candidate: Candidate, target: Target) -> Reason | None:
    """The first reason why a target cannot install a file; None if it can.

    In this order: its `fault`, Requires-Python, then a wheel's invalid name or tags, or an sdist's suffix.
    """
    if candidate.fault:
        return candidate.fault
    if candidate.requires_python and not target.allows(requires_python_of(candidate.requires_python)):
        return RequiresPython(candidate.requires_python, str(target.python.version))
    if not candidate.is_wheel:
        return _why_unreadable(candidate.filename)
    try:
        tags = wheel_parts(candidate.filename)[3]
    except ValueError as error:
        return BadFilename(str(error))
    return None if target.rank(tags) is not None else NoFittingTag(target.name)


def _why_unreadable(sdist: str) -> UnreadableFormat | None:
    """The reason if an sdist's name ends in `.tar.Z` or `.tar.zst`, which pip does not unpack; else None."""
    suffix = next((suffix for suffix in UNREADABLE_SUFFIXES if sdist.endswith(suffix)), None)
    return UnreadableFormat(suffix) if suffix else None


def preference(candidate: Candidate, target: Target) -> tuple[bool, int, BuildTag, str]:
    """A sort key, best first: wheels by tag rank, then by build tag, highest first, none last; then sdists, `.tar.gz` first.

    Only for wheels and sdists that fit (`why_unfit` gives None). Equal ones are sorted by file name.
    """
    if not candidate.is_wheel:
        suffix = candidate.filename.removeprefix(sdist_stem(candidate.filename) or "")
        return (True, SDIST_SUFFIXES.index(suffix), (), candidate.filename)
    _, _, build, tags = wheel_parts(candidate.filename)
    rank = target.rank(tags)
    assert rank is not None, candidate.filename  # noqa: S101  (callers ask `why_unfit` first)
    return (False, rank, (-build[0], _Descending(build[1])) if build else (1,), candidate.filename)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Descending:
    """A text that sorts in reverse."""

    text: str

    def __lt__(self, other: "_Descending") -> bool:
        return self.text > other.text


def choose(candidates: Iterable[Candidate], target: Target) -> tuple[Candidate | None, list[Rejected]]:
    """The file of a release that fits a target best, or None; and all other files with the reason, those that do not fit first.

    A yanked file counts like any other: the caller leaves it out before.
    """
    rejected: list[Rejected] = []
    fitting: list[Candidate] = []
    for candidate in candidates:
        reason = why_unfit(candidate, target)
        if reason is None:
            fitting.append(candidate)
        else:
            rejected.append(Rejected(candidate.filename, reason))
    fitting.sort(key=lambda candidate: preference(candidate, target))
    rejected.extend(Rejected(other.filename, FitsLess(fitting[0].filename)) for other in fitting[1:])
    return (fitting[0] if fitting else None), rejected
