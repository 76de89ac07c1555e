"""A snapshot of advisories as text, for the transfer (pure)."""

import json
from typing import Any

import msgspec
from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.documents import DocumentType, format_of
from wheelhouse.errors import InputError
from wheelhouse.lock.lock_tables import Sha256
from wheelhouse.vet.advisories import Advisories, Advisory, Event, collect
from wheelhouse.vet.cvss import VECTORS

FORMAT = 1


def to_json(advisories: Advisories) -> str:
    """A snapshot as JSON text, for the transfer; the advisories of one project are sorted by id."""
    rows = [
        _row(advisory) for found in advisories.by_project.values() for advisory in sorted(found, key=lambda one: one.id)
    ]
    return json.dumps({"format": FORMAT, "advisories": rows}, indent=1) + "\n"


def _row(advisory: Advisory) -> dict[str, Any]:
    """An advisory as a row of the snapshot; empty files and members are left out, and a vector that is empty or the severity itself."""
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
        **({"vector": advisory.vector} if advisory.vector and advisory.vector != advisory.severity else {}),
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
    vector: str = ""
    files: frozenset[Sha256] = frozenset()
    members: frozenset[Sha256] = frozenset()


class _Snapshot(msgspec.Struct):
    advisories: list[_Row]


_SNAPSHOT = DocumentType(_Snapshot)


def parse_snapshot(text: str, source: str) -> Advisories:
    """The advisories of a snapshot. Raises InputError naming `source` for another format, and for what is no snapshot."""
    hint = "make a new snapshot with `wheelhouse advisories import`"
    try:
        number = format_of(text)
        if number != FORMAT:
            raise InputError(
                f"`{source}` is a snapshot of format {number}; this version of wheelhouse reads format {FORMAT}",
                hint=hint,
            )
        advisories = map(_advisory, _SNAPSHOT.from_json(text).advisories)
    except ValueError as error:
        raise InputError(f"`{source}` is not a snapshot of advisories: {error}", hint=hint) from error
    try:
        return collect(advisories)
    except InputError as error:
        raise InputError(f"`{source}` is not a snapshot of advisories: {error}", hint=hint) from error


def _advisory(row: _Row) -> Advisory:
    """A row as an advisory, with the normalized name of the project; a name with a slash, as other packages have, is kept.

    Without a vector of its own, a severity that is one counts.
    """
    return Advisory(
        id=row.id,
        project=NormalizedName(row.project) if "/" in row.project else canonicalize_name(row.project),
        aliases=row.aliases,
        ranges=tuple(tuple(Event(kind, version) for kind, version in events) for events in row.ranges),
        versions=row.versions,
        severity=row.severity,
        vector=row.vector or (row.severity if row.severity.startswith(VECTORS) else ""),
        summary=row.summary,
        modified=row.modified,
        since=row.since,
        files=row.files,
        members=row.members,
    )
