"""Known vulnerabilities: OSV records for PyPI projects, and which of them affect a release (OSV schema 1.6) (pure)."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelhouse.archive.artifact import version_of
from wheelhouse.documents import DocumentType, format_of
from wheelhouse.errors import InputError
from wheelhouse.lock.lock_tables import Sha256

ECOSYSTEM = "PyPI"
MALWARE = "MAL-"
"""The prefix of the ids of malicious packages (OSV schema, "id")."""
FORMAT = 1
MAX_SUMMARY_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Event:
    """A version at which a range begins (`introduced`), or ends before it (`fixed`) or with it (`last_affected`)."""

    kind: str
    version: str

    @property
    def key(self) -> tuple[bool, Version, bool]:
        """The order of events: `introduced: 0` before every version; at one version, `last_affected` comes last."""
        start = self.version == "0"
        return (not start, Version("0") if start else version_of(self.version), self.kind == "last_affected")


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record, for one project. `ranges` are lists of events; `versions` are affected whatever the ranges say.

    `since` is the day of the newest advisory in the snapshot before, which did not have this one, or had it otherwise.
    `files` and `members` are the sha256 of malicious distributions, and of malicious files in them.
    """

    id: str
    project: NormalizedName
    aliases: frozenset[str] = frozenset()
    ranges: tuple[tuple[Event, ...], ...] = ()
    versions: frozenset[str] = frozenset()
    severity: str = ""
    summary: str = ""
    modified: str = ""
    since: str = ""
    files: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()

    @property
    def is_malware(self) -> bool:
        """Whether it is of the OpenSSF's malicious packages, by its id or an alias."""
        return any(name.startswith(MALWARE) for name in self.names)

    @property
    def names(self) -> frozenset[str]:
        """Its id and its aliases."""
        return self.aliases | {self.id}

    def affects(self, version: Version) -> bool:
        """Whether a release is affected: by a range, or because its version or its public version is listed."""
        public = version_of(version.public)
        return self.affects_by_range(version) or any(_same(listed, (version, public)) for listed in self.versions)

    def affects_by_range(self, version: Version) -> bool:
        """OSV's evaluation: within a range, the last event that is not after the version decides.

        A local version (`2.1.0+cpu`) counts as its public one, unless the range itself speaks of local versions.
        """
        public = version_of(version.public)
        return any(_within(events, version if _is_local(events) else public) for events in self.ranges)

    def fixed_in(self, version: Version) -> Version | None:
        """The first fixed version above an affected one; None if the record names none."""
        fixes = (version_of(event.version) for events in self.ranges for event in events if event.kind == "fixed")
        return min((fix for fix in fixes if fix > version), default=None)


def _same(listed: str, versions: Collection[Version]) -> bool:
    """Whether a version that an advisory lists is one of these."""
    try:
        return version_of(listed) in versions
    except InvalidVersion:
        return False


def _is_local(events: Iterable[Event]) -> bool:
    """Whether a range speaks of local versions."""
    return any("+" in event.version for event in events)


def _within(events: Iterable[Event], version: Version) -> bool:
    """Whether a version is in a range (OSV: introduced, fixed, last_affected)."""
    affected = False
    for event in sorted(events, key=lambda one: one.key):
        if event.kind == "introduced":
            affected = affected or event.version == "0" or version >= version_of(event.version)
        elif event.kind == "fixed":
            affected = affected and version < version_of(event.version)
        else:
            affected = affected and version <= version_of(event.version)
    return affected


@dataclass(frozen=True)
class Advisories:
    """All known advisories by project. `newest` is when the newest of them changed."""

    by_project: Mapping[NormalizedName, tuple[Advisory, ...]] = field(default_factory=dict)
    newest: datetime | None = None

    def as_of(self, now: datetime) -> "Advisories":
        """The same; a newest date after `now` is now."""
        return replace(self, newest=min(self.newest, now)) if self.newest else self

    @property
    def count(self) -> int:
        """The number of advisories."""
        return sum(map(len, self.by_project.values()))

    @cached_property
    def by_file(self) -> Mapping[str, Advisory]:
        """Advisories on malicious packages by the sha256 of their distributions."""
        return {sha256: one for found in self.by_project.values() for one in found for sha256 in one.files}

    @cached_property
    def by_member(self) -> Mapping[str, Advisory]:
        """Advisories on malicious packages by the sha256 of the malicious files in their distributions."""
        return {sha256: one for found in self.by_project.values() for one in found for sha256 in one.members}

    def of(self, project: NormalizedName, version: Version) -> list[tuple[Advisory, ...]]:
        """The advisories that affect a release, in groups: aliases of each other are one group."""
        groups: list[list[Advisory]] = []
        for advisory in self.by_project.get(project, ()):
            if advisory.affects(version):
                joined = [group for group in groups if any(other.names & advisory.names for other in group)]
                groups = [group for group in groups if group not in joined]
                groups.append([*(one for group in joined for one in group), advisory])
        return sorted((tuple(sorted(group, key=lambda one: one.id)) for group in groups), key=lambda group: group[0].id)


class _Package(msgspec.Struct):
    ecosystem: str
    name: str


class _Range(msgspec.Struct):
    type: str
    events: list[dict[str, str]]


class _Affected(msgspec.Struct):
    """A project of a record; a range of commits (GIT) may have none."""

    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    database_specific: dict[str, Any] | None = None


class _Hashes(msgspec.Struct):
    sha256: Sha256 | None = None


class _Indicator(msgspec.Struct):
    """A file of a malicious package: a distribution has `hashes`, a file in one has `sha256`."""

    sha256: Sha256 | None = None
    hashes: _Hashes = msgspec.field(default_factory=_Hashes)

    @property
    def digests(self) -> Iterator[str]:
        """Its sha256, if it has one."""
        return (digest for digest in (self.sha256, self.hashes.sha256) if digest)


class _Score(msgspec.Struct):
    score: str


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
    """Advisories from OSV records: those for PyPI that were not withdrawn. Raises InputError for any other record."""
    for document in documents:
        try:
            record = _RECORD.from_table(document, "")
        except ValueError as error:
            raise InputError(f"the record `{document.get('id')}` is not one of the OSV schema: {error}") from error
        if not record.withdrawn:
            yield from _advisories(record)


def _advisories(record: _Record) -> Iterator[Advisory]:
    """An advisory for each PyPI project that a record names."""
    summary = " ".join((record.summary or record.details or "").split())
    for affected in record.affected or ():
        if affected.package is None or affected.package.ecosystem != ECOSYSTEM:
            continue
        yield Advisory(
            id=record.id,
            project=canonicalize_name(affected.package.name),
            aliases=frozenset(record.aliases or ()),
            ranges=tuple(_events(range_) for range_ in affected.ranges or () if range_.type == "ECOSYSTEM"),
            versions=frozenset(affected.versions or ()),
            severity=_severity(record),
            summary=summary if len(summary) <= MAX_SUMMARY_CHARACTERS else summary[: MAX_SUMMARY_CHARACTERS - 1] + "…",
            modified=record.modified,
            files=_digests(affected, "package_integrity"),
            members=_digests(affected, "evidence_files"),
        )


def _digests(affected: _Affected, kind: str) -> frozenset[str]:
    """The sha256 of the files that a record of the OpenSSF names as indicators, of one kind. What has another shape is left out.

    Source: github.com/ossf/malicious-packages, `affected[].database_specific.indicators`.
    """
    with suppress(msgspec.ValidationError):
        indicators = msgspec.convert(
            (affected.database_specific or {}).get("indicators", {}), dict[str, list[_Indicator]]
        )
        return frozenset(digest for one in indicators.get(kind, ()) for digest in one.digests)
    return frozenset()


def _events(range_: _Range) -> tuple[Event, ...]:
    """The events of a range that OSV's evaluation of versions reads."""
    pairs = (pair for event in range_.events for pair in event.items())
    return tuple(Event(kind, version) for kind, version in pairs if kind in ("introduced", "fixed", "last_affected"))


def _severity(record: _Record) -> str:
    """The word that the database gives, else the newest CVSS vector."""
    word = (record.database_specific or {}).get("severity")
    vectors = [score.score for score in record.severity or ()]
    return word.lower() if isinstance(word, str) else max(vectors, default="")


def not_after(now: datetime, advisories: Iterable[Advisory]) -> Iterator[Advisory]:
    """The same advisories; a change after `now` counts as a change now."""
    latest = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    for advisory in advisories:
        yield replace(advisory, modified=latest) if _moment(advisory.modified) > now else advisory


def _moment(text: str) -> datetime:
    """A time, in UTC if it names no zone. Raises InputError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"an advisory says `{text}` of when it was changed, which is no time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def collect(advisories: Iterable[Advisory]) -> Advisories:
    """Group advisories by project. Raises InputError for one whose time cannot be read."""
    by_project: dict[NormalizedName, list[Advisory]] = {}
    for advisory in advisories:
        by_project.setdefault(advisory.project, []).append(advisory)
    newest = max((_moment(one.modified) for found in by_project.values() for one in found), default=None)
    return Advisories({project: tuple(found) for project, found in sorted(by_project.items())}, newest)


def loss(new: Advisories, before: Advisories) -> str | None:
    """Why a snapshot must not replace the one before: it is smaller, or older. None if it can."""
    if new.count < before.count:
        return f"it has {new.count} advisories, and the snapshot that is here has {before.count}"
    if new.newest and before.newest and new.newest < before.newest:
        return f"its newest advisory is of {new.newest:%Y-%m-%d}, and the snapshot that is here has one of {before.newest:%Y-%m-%d}"
    return None


def compared(new: Advisories, before: Advisories) -> Advisories:
    """The new advisories. Those that the earlier ones lack, or have with other affected versions, are marked."""
    if before.newest is None:
        return new
    known = {(one.id, one.project): (one.ranges, one.versions) for found in before.by_project.values() for one in found}
    day = f"{before.newest:%Y-%m-%d}"

    def marked(one: Advisory) -> Advisory:
        return one if known.get((one.id, one.project)) == (one.ranges, one.versions) else replace(one, since=day)

    return replace(new, by_project={name: tuple(map(marked, found)) for name, found in new.by_project.items()})


def to_json(advisories: Advisories) -> str:
    """A snapshot as text, for the transfer."""
    rows = [
        _row(advisory) for found in advisories.by_project.values() for advisory in sorted(found, key=lambda one: one.id)
    ]
    return json.dumps({"format": FORMAT, "advisories": rows}, indent=1) + "\n"


def _row(advisory: Advisory) -> dict[str, Any]:
    return {
        "id": advisory.id,
        "project": advisory.project,
        "aliases": sorted(advisory.aliases),
        "ranges": [[[event.kind, event.version] for event in events] for events in advisory.ranges],
        "versions": sorted(advisory.versions),
        "severity": advisory.severity,
        "summary": advisory.summary,
        "modified": advisory.modified,
        "since": advisory.since,
        **({"files": sorted(advisory.files)} if advisory.files else {}),
        **({"members": sorted(advisory.members)} if advisory.members else {}),
    }


class _Row(msgspec.Struct):
    """An advisory of a snapshot; `ranges` are lists of (kind, version)."""

    id: str
    project: str
    aliases: frozenset[str]
    ranges: tuple[tuple[tuple[str, str], ...], ...]
    versions: frozenset[str]
    severity: str
    summary: str
    modified: str
    since: str = ""
    files: frozenset[Sha256] = frozenset()
    members: frozenset[Sha256] = frozenset()


class _Snapshot(msgspec.Struct):
    advisories: list[_Row]


_SNAPSHOT = DocumentType(_Snapshot)


def parse_snapshot(text: str, source: str) -> Advisories:
    """Read a snapshot. Raises InputError naming `source`."""
    hint = "make it with `wheelhouse advisories import`"
    try:
        number = format_of(text)
        if number != FORMAT:
            raise InputError(
                f"`{source}` is a snapshot of format {number}; this version reads format {FORMAT}", hint=hint
            )
        return collect(map(_advisory, _SNAPSHOT.from_json(text).advisories))
    except ValueError as error:
        raise InputError(f"`{source}` is not a snapshot of advisories: {error}", hint=hint) from error


def _advisory(row: _Row) -> Advisory:
    return Advisory(
        id=row.id,
        project=canonicalize_name(row.project),
        aliases=row.aliases,
        ranges=tuple(tuple(Event(kind, version) for kind, version in events) for events in row.ranges),
        versions=row.versions,
        severity=row.severity,
        summary=row.summary,
        modified=row.modified,
        since=row.since,
        files=row.files,
        members=row.members,
    )
