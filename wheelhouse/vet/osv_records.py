"""OSV records into advisories (OSV schema 1.6) (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.documents import DocumentType
from wheelhouse.errors import InputError
from wheelhouse.lock.lock_tables import Sha256
from wheelhouse.vet.advisories import Advisory, Event
from wheelhouse.vet.cvss import VECTORS
from wheelhouse.vet.ecosystems import SEMVER_ECOSYSTEMS, advisory_key

ECOSYSTEM = "PyPI"
NO_VULNERABILITY = ("unmaintained", "notice")
"""What RustSec's records say that are about no vulnerability: `informational`."""
MAX_SUMMARY_CHARACTERS = 160


class _Package(msgspec.Struct):
    ecosystem: str
    name: str


class _Range(msgspec.Struct):
    type: str
    events: list[dict[str, str]]


class _Score(msgspec.Struct):
    score: str


class _Affected(msgspec.Struct):
    """A project of a record; a range of commits (GIT) may have none."""

    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Score] | None = None
    database_specific: dict[str, Any] | None = None


class _Record(msgspec.Struct):
    """An OSV record. Databases write null for a list that they do not have."""

    id: str
    modified: str
    summary: str | None = None
    details: str | None = None
    aliases: list[str] | None = None
    affected: list[_Affected] | None = None
    severity: list[_Score] | None = None
    database_specific: dict[str, Any] | None = None
    withdrawn: str | None = None


_RECORD = DocumentType(_Record)


def read_records(documents: Iterable[Mapping[str, Any]]) -> Iterator[Advisory]:
    """Advisories from OSV records of PyPI and the other ecosystems of `advisory_key`, one for each package of a record.

    Records that were withdrawn, and those about no vulnerability, are left out. Raises InputError for what is no record.
    """
    for document in documents:
        try:
            record = _RECORD.from_table(document, "")
        except ValueError as error:
            raise InputError(f"the record `{document.get('id')}` does not follow the OSV schema: {error}") from error
        if not record.withdrawn:
            yield from _advisories(record)


def _advisories(record: _Record) -> Iterator[Advisory]:
    """An advisory for each package of a record whose ecosystem is known.

    Records about no vulnerability (RustSec's `informational`) are left out. The summary is one line of at most 160
    characters.
    """
    summary = " ".join((record.summary or record.details or "").split())
    for package, affected in [(one.package, one) for one in record.affected or () if one.package]:
        key = _key(package)
        if key is None or (affected.database_specific or {}).get("informational") in NO_VULNERABILITY:
            continue
        yield Advisory(
            id=record.id,
            project=key,
            aliases=frozenset(record.aliases or ()),
            ranges=tuple(_events(range_) for range_ in affected.ranges or () if _counts(range_, package)),
            versions=frozenset(affected.versions or ()),
            severity=_severity(record, affected),
            vector=_vector(record, affected),
            summary=summary if len(summary) <= MAX_SUMMARY_CHARACTERS else summary[: MAX_SUMMARY_CHARACTERS - 1] + "…",
            modified=record.modified,
            files=_digests(affected, "package_integrity"),
            members=_digests(affected, "evidence_files"),
        )


def _key(package: _Package) -> NormalizedName | None:
    """The name under which advisories on a package are kept: for PyPI its project, else `advisory_key`. None for unknown ecosystems."""
    if package.ecosystem == ECOSYSTEM:
        return canonicalize_name(package.name)
    return advisory_key(package.ecosystem, package.name)


def _counts(range_: _Range, package: _Package) -> bool:
    """Whether a range is one of versions: of type ECOSYSTEM, or SEMVER if the ecosystem uses that. Ranges of commits are not."""
    return range_.type == "ECOSYSTEM" or (range_.type == "SEMVER" and package.ecosystem in SEMVER_ECOSYSTEMS)


def _digests(affected: _Affected, kind: str) -> frozenset[str]:
    """The sha256 of the files that a record of the OpenSSF names as indicators, of the kind `package_integrity` or `evidence_files`.

    A distribution has `hashes`, a file in one has `sha256`; what has another shape is left out. Source:
    github.com/ossf/malicious-packages, `affected[].database_specific.indicators`.
    """
    indicators = (affected.database_specific or {}).get("indicators")
    rows = indicators.get(kind) if isinstance(indicators, dict) else None
    return frozenset(digest for row in (rows if isinstance(rows, list) else ()) for digest in _digests_of(row))


def _digests_of(indicator: object) -> Iterator[str]:
    """The sha256 of an indicator and of its `hashes`, without what is none."""
    if isinstance(indicator, dict):
        hashes = indicator.get("hashes")
        for digest in (indicator.get("sha256"), hashes.get("sha256") if isinstance(hashes, dict) else None):
            with suppress(msgspec.ValidationError):
                yield msgspec.convert(digest, Sha256)


def _events(range_: _Range) -> tuple[Event, ...]:
    """The events of a range, in their order, that OSV's evaluation of versions reads; others, such as `limit`, are left out."""
    pairs = (pair for event in range_.events for pair in event.items())
    return tuple(Event(kind, version) for kind, version in pairs if kind in ("introduced", "fixed", "last_affected"))


def _severity(record: _Record, affected: _Affected) -> str:
    """The word that the database gives to the record, in lower case; else the newest CVSS vector, else any other score.

    Empty if there is none.
    """
    word = (record.database_specific or {}).get("severity")
    scores = [score.score for score in (*(record.severity or ()), *(affected.severity or ()))]
    return word.lower() if isinstance(word, str) and word else _vector(record, affected) or max(scores, default="")


def _vector(record: _Record, affected: _Affected) -> str:
    """The newest CVSS vector, of the record or of the package; empty if there is none."""
    scores = [score.score for score in (*(record.severity or ()), *(affected.severity or ()))]
    return max((score for score in scores if score.startswith(VECTORS)), default="")
