"""Files: what an index offers (Candidate), what a lock names (Artifact), and which one fits a target best (pure).

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
from wheelhouse.errors import IntegrityError
from wheelhouse.target.target import Target

SHA256 = re.compile(r"[0-9a-f]{64}")
NOT_ALLOWED = "is none that the requirement allows"
NO_TAG, FITS_BETTER = "no tag of it fits", "fits better"
NOT_UNPACKED = "pip does not unpack a"
OTHER_PYTHON, YANKED = "requires Python", "it was yanked"
BAD_PAGE = "its page gives"
"""How each fault of a page's entry begins, which keeps its file from being taken."""
MAX_DIGITS = 4000
"""Digits; Python itself reads 4300 (sys.int_info)."""
SAFE_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!~-]*")

version_of = lru_cache(maxsize=None)(Version)
"""`Version(text)`, parsed once for each spelling; raises InvalidVersion."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that an index offers for a project.

    `yanked` is None for a file that is not, else the reason, which may be empty (PEP 592). `sidecar` is None where the
    index announces no PEP 658 metadata file, else that file's sha256, empty where it gives none. `upload_time` is the
    index's own text, ISO 8601 in UTC (PEP 700). `provenance` is where its attestations are (PEP 740), `status` what the index
    says of the whole project, where it is not active (PEP 792). `fault` is what is wrong with what its page says of it, so that it cannot
    be taken.
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
    fault: str | None = None

    @property
    def is_wheel(self) -> bool:
        """Whether the file is a wheel, and not an sdist."""
        return is_wheel(self.filename)

    @property
    def sha256(self) -> str | None:
        """The sha256 that the index gives, in lower-case hexadecimal, where it gives one."""
        return self.hashes.get("sha256")

    @property
    def is_local(self) -> bool:
        """Whether it is a file on this machine, `url` being its path or its `file:` address."""
        return not self.url.startswith(("http://", "https://"))

    @property
    def sidecar_url(self) -> str:
        """Where the metadata file is that `sidecar` announces (PEP 658)."""
        address, mark, query = self.url.partition("#")[0].partition("?")
        return f"{address}.metadata{mark}{query}"

    @property
    def key(self) -> str:
        """What tells this file's bytes from any other's: its sha256, else its address."""
        return self.sha256 or self.url


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that was not chosen, and why, in one sentence."""

    filename: str
    reason: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file named by a lock. One without a sha256 cannot exist. `size` is in bytes."""

    filename: str
    sha256: str
    size: int
    url: str | None = None
    upload_time: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what could name a file outside the house, or a hash that is none."""
        if not SHA256.fullmatch(self.sha256):
            raise IntegrityError(f"`{self.filename}` has no valid sha256 (`{self.sha256}`)")
        if not SAFE_FILENAME.fullmatch(self.filename):
            raise IntegrityError(f"`{self.filename}` is not a name that a wheel or sdist can have")

    @property
    def is_wheel(self) -> bool:
        """Whether the file is a wheel, and not an sdist."""
        return is_wheel(self.filename)


def endless(text: str) -> bool:
    """Whether a number in a text is longer than Python reads, which whoever compares versions would stumble over."""
    return len(text) > MAX_DIGITS and re.search(rf"\d{{{MAX_DIGITS}}}", text) is not None


@lru_cache(maxsize=4096)
def requires_python_of(text: str) -> SpecifierSet:
    """A Requires-Python; what PEP 440 does not allow is read as pip once read it, and what nobody can read limits nothing."""
    if endless(text):
        return SpecifierSet()
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        with suppress(InvalidSpecifier):
            return repair_specifiers(text)[0]
    return SpecifierSet()


def wrong_hash(candidate: Candidate, allowed: Iterable[frozenset[str]]) -> str | None:
    """What speaks against a file where requirement lines say which hashes they allow, and the index tells its own.

    Of each set of hashes the file must have one. What the index does not tell is checked once the file is here.
    """
    for hashes in allowed:
        known = {
            name: digest for name, digest in candidate.hashes.items() if any(h.startswith(f"{name}:") for h in hashes)
        }
        if known and not any(f"{name}:{digest}" in hashes for name, digest in known.items()):
            name, digest = next(iter(known.items()))
            return f"its {name} {digest} {NOT_ALLOWED}"
    return None


def tells_itself(rejected: Rejected) -> bool:
    """Whether the reason follows from the file's name and the target, so that no lock needs to keep it."""
    return has_no_tag(rejected) or rejected.reason.endswith(FITS_BETTER)


def has_no_tag(rejected: Rejected) -> bool:
    """Whether a wheel was rejected because the target takes none of its tags."""
    return rejected.reason.startswith(NO_TAG)


def unfit(candidate: Candidate, target: Target) -> str | None:
    """Why this file cannot be installed on this target, in a few words; None where it can."""
    if candidate.fault:
        return candidate.fault
    if candidate.requires_python and not target.allows(requires_python_of(candidate.requires_python)):
        return f"{OTHER_PYTHON} {candidate.requires_python}, and the target has {target.python.version}"
    if not candidate.is_wheel:
        return _unreadable(candidate.filename)
    try:
        tags = wheel_parts(candidate.filename)[3]
    except ValueError as error:
        return f"its name is not a wheel's: {error}"
    return None if target.rank(tags) is not None else f"{NO_TAG} {target.name}"


def _unreadable(sdist: str) -> str | None:
    suffix = next((suffix for suffix in UNREADABLE_SUFFIXES if sdist.endswith(suffix)), None)
    return f"{NOT_UNPACKED} {suffix}" if suffix else None


def preference(candidate: Candidate, target: Target) -> tuple[bool, int, BuildTag, str]:
    """A sort key, best first: wheels by tag rank, then by build tag, highest first; then sdists, `.tar.gz` first."""
    if not candidate.is_wheel:
        suffix = candidate.filename.removeprefix(sdist_stem(candidate.filename) or "")
        return (True, SDIST_SUFFIXES.index(suffix), (), candidate.filename)
    _, _, build, tags = wheel_parts(candidate.filename)
    rank = target.rank(tags)
    assert rank is not None, candidate.filename  # noqa: S101  (callers ask `unfit` first)
    return (False, rank, (-build[0], _Descending(build[1])) if build else (0,), candidate.filename)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Descending:
    text: str

    def __lt__(self, other: "_Descending") -> bool:
        return self.text > other.text


def choose(candidates: Iterable[Candidate], target: Target) -> tuple[Candidate | None, list[Rejected]]:
    """The one file of a release that fits a target best, and all others with the reason against each."""
    rejected: list[Rejected] = []
    fitting: list[Candidate] = []
    for candidate in candidates:
        reason = unfit(candidate, target)
        if reason is None:
            fitting.append(candidate)
        else:
            rejected.append(Rejected(candidate.filename, reason))
    fitting.sort(key=lambda candidate: preference(candidate, target))
    rejected.extend(Rejected(other.filename, f"{fitting[0].filename} {FITS_BETTER}") for other in fitting[1:])
    return (fitting[0] if fitting else None), rejected
