"""What the keeper of an index decided: the journal, whose decisions are its only state, and what counts of them (pure).

Every backend of an index (a folder, a bucket) keeps the journal as one text, and replaces it as a whole. `applied` turns
the files that lock files brought into those that the pages show; nothing else decides that.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.documents import DocumentType
from wheelhouse.errors import InputError
from wheelhouse.mirror.simple import ProjectPage

FORMAT = 1
PATTERN = re.compile(r"([A-Za-z0-9._*?-]+?)\s*((?:[<>=!~].*)?)", re.DOTALL)
JOURNAL_HINT = "restore the journal from a backup: without the journal, removed releases would come back"
STATUSES = ("active", "archived", "quarantined", "deprecated")
"""The markers of PEP 792. The index offers no file of a quarantined project."""
Release = tuple[NormalizedName, Version]


class Action(StrEnum):
    """What an entry of the journal says."""

    INDEX = "index"
    """Files were added."""
    PRUNE = "prune"
    """Files were removed that no wheelhouse names any more. They may come again."""
    REMOVE = "remove"
    """A release stays out."""
    RESTORE = "restore"
    YANK = "yank"
    """A release is yanked (PEP 592)."""
    UNYANK = "unyank"
    BLOCK = "block"
    """The projects or releases of a pattern stay out."""
    UNBLOCK = "unblock"
    STATUS = "status"
    """A project has another status (PEP 792)."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the journal: who did what, when and why.

    `subject` is `name==version` for a release, a pattern for a block, a project for a status, and empty for INDEX and PRUNE,
    which have the names of the `files` that came or went. `status` is one of STATUSES.
    """

    action: Action
    made: Annotated[datetime, msgspec.Meta(tz=True)]
    by: str
    subject: str = ""
    reason: str = ""
    status: str = ""
    files: tuple[str, ...] = ()
    format: int = FORMAT


_ENTRY = DocumentType(Entry)


def parse_journal(text: str, source: str) -> tuple[Entry, ...]:
    """The entries of a journal, the oldest first; none for an empty text. Unknown keys of an entry are passed over.

    Raises InputError that names `source` and the bad line; an empty line is one.
    """
    entries: list[Entry] = []
    # `splitlines` would end a line at U+2028, which a reason may hold
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines, 1):
        try:
            entry = _ENTRY.from_json(line)
            if entry.format != FORMAT:
                raise ValueError(f"its format is {entry.format}")
            _must_have_good_subject(entry)
        except (ValueError, InputError) as error:
            raise InputError(f"`{source}`, line {number}, cannot be read: {error}", hint=JOURNAL_HINT) from error
        entries.append(entry)
    return tuple(entries)


def _must_have_good_subject(entry: Entry) -> None:
    """Raises InputError for a release or pattern that cannot be read, or an unknown status; its project is not looked at."""
    if entry.action in (Action.REMOVE, Action.RESTORE, Action.YANK, Action.UNYANK):
        parse_release(entry.subject)
    elif entry.action in (Action.BLOCK, Action.UNBLOCK):
        Pattern.of(entry.subject)
    elif entry.action is Action.STATUS and entry.status not in STATUSES:
        raise InputError(f"`{entry.status}` is not a status")


def journal_text(entries: Iterable[Entry]) -> str:
    """The journal as text: one JSON object a line, in the order of the entries; empty if there are none."""
    return "".join(msgspec.json.encode(entry).decode() + "\n" for entry in entries)


def parse_release(text: str) -> Release:
    """The release that `name==version` names, its name normalized. Raises InputError if it names none."""
    name, _, version = text.partition("==")
    try:
        return canonicalize_name(name.strip(), validate=True), Version(version)
    except ValueError as error:  # InvalidName, InvalidVersion
        raise InputError(
            f"`{text}` is not the name and version of a release", hint="write it as `name==1.0`"
        ) from error


def release_text(release: Release) -> str:
    """A release as `name==version`."""
    return f"{release[0]}=={release[1]}"


def decision_text(entry: Entry) -> str:
    """A decision in words: `acme==1.0 removed by Ada on 2026-03-01: CVE-2026-1`, or `acme archived by Ada on 2026-03-01`."""
    what = entry.status if entry.action is Action.STATUS else f"{entry.action.removesuffix('e')}ed"
    reason = f": {entry.reason}" if entry.reason else ""
    return f"{entry.subject} {what} by {entry.by} on {entry.made:%Y-%m-%d}{reason}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Projects by a glob of their normalized name (`acme-*`), and of these the versions of a specifier (`<2`); else all."""

    glob: str
    specifier: SpecifierSet

    @classmethod
    def of(cls, text: str) -> "Pattern":
        """The pattern that a text such as `acme-*` or `urllib3<2` means, its glob normalized. Raises InputError if it means none."""
        parts = PATTERN.fullmatch(text.strip())
        try:
            if parts is None:
                raise InvalidSpecifier(text)
            pattern = cls(re.sub(r"[-_.]+", "-", parts[1]).lower(), SpecifierSet(parts[2]))
            hash(pattern)  # reads the versions, whose numbers may have more digits than Python reads
        except ValueError as error:
            hint = "write a name (`urllib3`), a glob (`acme-*`), or one of these with versions (`urllib3<2`)"
            raise InputError(f"`{text}` is not a pattern of projects", hint=hint) from error
        return pattern

    def __str__(self) -> str:
        """The text in normal form. The spelling of versions stays, so `acme==1` and `acme==1.0` are equal patterns with two
        texts.
        """
        return f"{self.glob}{self.specifier}"

    def covers(self, project: NormalizedName, version: Version) -> bool:
        """Whether a release is one of these; pre-releases count as all others."""
        return fnmatchcase(project, self.glob) and self.specifier.contains(version, prereleases=True)


@dataclass(frozen=True, slots=True)
class State:
    """The decisions that count: what stays out, what is yanked, and the status of projects, each with its entry."""

    removed: Mapping[Release, Entry] = field(default_factory=dict)
    blocked: Mapping[Pattern, Entry] = field(default_factory=dict)
    yanked: Mapping[Release, Entry] = field(default_factory=dict)
    statuses: Mapping[NormalizedName, Entry] = field(default_factory=dict)

    def keeps_out(self, project: NormalizedName, version: Version) -> Entry | None:
        """The decision that keeps a release out: a removal, a block, or the status `quarantined`, not a yank. None if it may come in."""
        if entry := self.removed.get((project, version)):
            return entry
        for pattern, entry in self.blocked.items():
            if pattern.covers(project, version):
                return entry
        status = self.statuses.get(project)
        return status if status and status.status == "quarantined" else None

    def about(self, project: NormalizedName) -> tuple[Entry, ...]:
        """The decisions that count about a project and its releases, the newest first, with the blocks whose glob covers its name."""
        entries = [entry for (name, _), entry in (*self.removed.items(), *self.yanked.items()) if name == project]
        entries += [entry for pattern, entry in self.blocked.items() if fnmatchcase(project, pattern.glob)]
        entries += [self.statuses[project]] if project in self.statuses else []
        return tuple(sorted(entries, key=lambda entry: entry.made, reverse=True))


def state_of(entries: Iterable[Entry]) -> State:
    """The decisions of a journal that count. Of each kind (removal, yank, block, status), the last entry about a subject
    decides.

    A status `active` is no decision. Raises InputError for a subject that cannot be read; `parse_journal` lets none through.
    """
    removed: dict[Release, Entry] = {}
    yanked: dict[Release, Entry] = {}
    blocked: dict[Pattern, Entry] = {}
    statuses: dict[NormalizedName, Entry] = {}
    for entry in entries:
        match entry.action:
            case Action.REMOVE:
                removed[parse_release(entry.subject)] = entry
            case Action.RESTORE:
                removed.pop(parse_release(entry.subject), None)
            case Action.YANK:
                yanked[parse_release(entry.subject)] = entry
            case Action.UNYANK:
                yanked.pop(parse_release(entry.subject), None)
            case Action.BLOCK:
                blocked[Pattern.of(entry.subject)] = entry
            case Action.UNBLOCK:
                blocked.pop(Pattern.of(entry.subject), None)
            case Action.STATUS:
                project = canonicalize_name(entry.subject)
                statuses.pop(project, None)
                if entry.status != "active":
                    statuses[project] = entry
    return State(removed, blocked, yanked, statuses)


def applied(state: State, project: NormalizedName, page: ProjectPage) -> ProjectPage:
    """A new page of a project after the decisions: without files that stay out, and with the keeper's yanks and status of now."""
    files = {}
    for name, file in page.files.items():
        if state.keeps_out(project, file.version) is None:
            yanked = state.yanked.get((project, file.version))
            files[name] = replace(file, yanked_here=yanked.reason if yanked else None)
    status = state.statuses.get(project)
    status_here = ": ".join(filter(None, (status.status, status.reason))) if status else None
    return ProjectPage(files, page.status, status_here)


def projects_shown(pages: Mapping[NormalizedName, ProjectPage], state: State) -> dict[NormalizedName, ProjectPage]:
    """New pages after the decisions, sorted by project. A page without files stays only while a decision about its project counts.

    Projects that only a removed release or a status names get an empty page.
    """
    shown = {project: applied(state, project, page) for project, page in pages.items()}
    for project in {name for name, _ in state.removed} | state.statuses.keys():
        shown.setdefault(project, applied(state, project, ProjectPage()))
    return {project: page for project, page in sorted(shown.items()) if page.files or state.about(project)}


def decided_projects(entries: Iterable[Entry], projects: Iterable[NormalizedName]) -> set[NormalizedName]:
    """Those of the projects that a decision was ever about, or that the glob of a block covers, whether it counts now or not."""
    decisions = [entry for entry in entries if entry.action not in (Action.INDEX, Action.PRUNE)]
    blocks = [entry for entry in decisions if entry.action in (Action.BLOCK, Action.UNBLOCK)]
    names = {canonicalize_name(entry.subject.partition("==")[0]) for entry in decisions}
    globs = {Pattern.of(entry.subject).glob for entry in blocks}
    return {project for project in projects if project in names or any(fnmatchcase(project, glob) for glob in globs)}


def history(entries: Sequence[Entry], project: NormalizedName) -> Iterator[Entry]:
    """Yield the decisions about a project or its releases, also those that count no more; not INDEX and PRUNE.

    They come in the reverse order of `entries`, whatever their times.
    """
    for entry in reversed(entries):
        match entry.action:
            case Action.INDEX | Action.PRUNE:
                continue
            case Action.BLOCK | Action.UNBLOCK:
                is_about = fnmatchcase(project, Pattern.of(entry.subject).glob)
            case _:
                is_about = canonicalize_name(entry.subject.partition("==")[0]) == project
        if is_about:
            yield entry
