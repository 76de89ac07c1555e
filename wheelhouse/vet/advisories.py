"""Known vulnerabilities and malicious releases of PyPI projects, and which of them affect a release (OSV schema 1.6) (pure)."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from wheelhouse.archive.artifact import version_of
from wheelhouse.errors import InputError

MALWARE = "MAL-"
"""The prefix of the ids of malicious packages (OSV schema, "id")."""


@dataclass(frozen=True, slots=True)
class Event:
    """A version at which a range begins (`introduced`), or ends before it (`fixed`) or with it (`last_affected`)."""

    kind: str
    version: str


START = Event("introduced", "0")
"""The beginning of a range that has every version before its end, also those that are sorted before `0`."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record, for one project. `ranges` are lists of events; `versions` are affected whatever the ranges say.

    `since` is the day of the newest advisory in the snapshot before, which did not have this one, or had it otherwise.
    `severity` is the word of the database, else the newest CVSS vector; `vector` is that vector.
    `files` and `members` are the sha256 of malicious distributions, and of malicious files in them.
    """

    id: str
    project: NormalizedName
    aliases: frozenset[str] = frozenset()
    ranges: tuple[tuple[Event, ...], ...] = ()
    versions: frozenset[str] = frozenset()
    severity: str = ""
    vector: str = ""
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

        A local version (`2.1.0+cpu`) counts as its public one, unless the range itself speaks of local versions. If a
        range has a version that cannot be sorted, every release is affected.
        """
        public = version_of(version.public)
        try:
            return any(within(events, version if _is_local(events) else public, version_of) for events in self.ranges)
        except InvalidVersion:
            return True

    def fixed_in(self, version: Version) -> Version | None:
        """The lowest fixed version that is newer than this one; None if the record names none, or one that cannot be sorted."""
        texts = [event.version for events in self.ranges for event in events if event.kind == "fixed"]
        try:
            return min((fix for fix in map(version_of, texts) if fix > version), default=None)
        except InvalidVersion:
            return None


def _same(listed: str, versions: Collection[Version]) -> bool:
    """Whether a version that an advisory lists is one of these; one that cannot be sorted is not."""
    try:
        return version_of(listed) in versions
    except InvalidVersion:
        return False


def _is_local(events: Iterable[Event]) -> bool:
    """Whether a range names a local version, one with a plus."""
    return any("+" in event.version for event in events)


def within(events: Sequence[Event], version: Any, key: Callable[[str], Any]) -> bool:  # noqa: ANN401  (what `key` gives)
    """Whether a version is in a range (OSV: introduced, fixed, last_affected); `introduced: 0` is before every version.

    `key` gives what sorts versions, and its errors are raised; `version` is already such a key. At one version, `last_affected`
    comes last.
    """
    ordered = sorted(
        (one for one in events if one != START), key=lambda one: (key(one.version), one.kind == "last_affected")
    )
    affected = START in events
    for event in ordered:
        if event.kind == "introduced":
            affected = affected or version >= key(event.version)
        elif event.kind == "fixed":
            affected = affected and version < key(event.version)
        else:
            affected = affected and version <= key(event.version)
    return affected


@dataclass(frozen=True)
class Advisories:
    """All known advisories by project. `newest` is when the newest of them changed."""

    by_project: Mapping[NormalizedName, tuple[Advisory, ...]] = field(default_factory=dict)
    newest: datetime | None = None

    def as_of(self, now: datetime) -> "Advisories":
        """The same advisories; if `newest` is after `now`, it is `now`."""
        return replace(self, newest=min(self.newest, now)) if self.newest else self

    @property
    def count(self) -> int:
        """The number of advisories."""
        return sum(map(len, self.by_project.values()))

    @property
    def has_projects(self) -> bool:
        """Whether some are for projects of PyPI; the names of other packages have a slash."""
        return any("/" not in project for project in self.by_project)

    @cached_property
    def by_file(self) -> Mapping[str, Advisory]:
        """Advisories on malicious packages by the sha256 of their distributions; of several on one file, the last."""
        return {sha256: one for found in self.by_project.values() for one in found for sha256 in one.files}

    @cached_property
    def by_member(self) -> Mapping[str, Advisory]:
        """Advisories on malicious packages by the sha256 of the malicious files in them; of several on one file, the last."""
        return {sha256: one for found in self.by_project.values() for one in found for sha256 in one.members}

    def of(self, project: NormalizedName, version: Version) -> list[tuple[Advisory, ...]]:
        """The advisories that affect a release, in groups: aliases of each other are one group. Sorted as by `grouped`."""
        return grouped(advisory for advisory in self.by_project.get(project, ()) if advisory.affects(version))


def grouped(advisories: Iterable[Advisory]) -> list[tuple[Advisory, ...]]:
    """Advisories in groups: aliases of each other are one group. A group is sorted by id, the groups by the first id in each."""
    groups: list[list[Advisory]] = []
    for advisory in advisories:
        joined = [group for group in groups if any(other.names & advisory.names for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([*(one for group in joined for one in group), advisory])
    return sorted((tuple(sorted(group, key=lambda one: one.id)) for group in groups), key=lambda group: group[0].id)


def not_after(now: datetime, advisories: Iterable[Advisory]) -> Iterator[Advisory]:
    """The same advisories; one that was modified after `now`, a time in UTC, gets `now` as its time.

    Raises InputError for a time that is empty or cannot be read.
    """
    latest = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    for advisory in advisories:
        yield replace(advisory, modified=latest) if _moment(advisory.modified) > now else advisory


def _moment(text: str) -> datetime:
    """The time of a text in ISO 8601, in UTC if it names no zone. Raises InputError if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"an advisory says that its last change was at `{text}`, which is not a time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def collect(advisories: Iterable[Advisory]) -> Advisories:
    """Advisories by project, the projects sorted, with the time of the newest change, None without advisories.

    Raises InputError for a time that is empty or cannot be read.
    """
    by_project: dict[NormalizedName, list[Advisory]] = {}
    for advisory in advisories:
        by_project.setdefault(advisory.project, []).append(advisory)
    newest = max((_moment(one.modified) for found in by_project.values() for one in found), default=None)
    return Advisories({project: tuple(found) for project, found in sorted(by_project.items())}, newest)


def loss(new: Advisories, before: Advisories) -> str | None:
    """Why a snapshot must not replace the one before, as a sentence: it has fewer advisories, or its newest is older. None
    if it can.
    """
    if new.count < before.count:
        return f"it has {new.count} advisories, but the existing snapshot has {before.count}"
    if new.newest and before.newest and new.newest < before.newest:
        newest, existing = f"{new.newest:%Y-%m-%d}", f"{before.newest:%Y-%m-%d}"
        return f"its newest advisory is dated {newest}, but the newest advisory of the existing snapshot is dated {existing}"
    return None


def compared(new: Advisories, before: Advisories) -> Advisories:
    """The new advisories.

    Those that the earlier ones lack, or have with other affected versions, get the day of the newest earlier one as `since`;
    without earlier ones, none does. The others keep their own `since`, not that of the earlier ones.
    """
    if before.newest is None:
        return new
    known = {(one.id, one.project): (one.ranges, one.versions) for found in before.by_project.values() for one in found}
    day = f"{before.newest:%Y-%m-%d}"

    def marked(one: Advisory) -> Advisory:
        """An advisory, with the day as `since` if the earlier ones lack it or have it otherwise."""
        return one if known.get((one.id, one.project)) == (one.ranges, one.versions) else replace(one, since=day)

    return replace(new, by_project={name: tuple(map(marked, found)) for name, found in new.by_project.items()})
