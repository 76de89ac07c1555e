"""What the keeper of a static index does with it: remove, yank, block, prune; each decision is written into its journal.

The journal is written first, then the pages, then files are removed. If a run is killed in between, its decision counts, and
the next run of any command brings the tree into that form.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.errors import InputError
from wheelhouse.files.disk import folder_lock, rooted, sha256_of
from wheelhouse.humanize import named
from wheelhouse.mirror.simple import ProjectPage
from wheelhouse.mirror.state import (
    STATUSES,
    Action,
    Entry,
    Pattern,
    Release,
    State,
    decided_projects,
    parse_release,
    projects_shown,
    release_text,
    state_of,
)
from wheelhouse.mirror.tree import (
    Pages,
    must_be_tree,
    read_journal,
    read_pages,
    remove_file,
    unnamed_files,
    write_journal,
)
from wheelhouse.mirror.write_tree import write_tree
from wheelhouse.verify.verify import load_wheelhouse

BACK = {Action.RESTORE: "removed", Action.UNYANK: "yanked", Action.UNBLOCK: "blocked"}
"""The actions that take back another, and what that one made of its subject."""

LockedFiles = Set[tuple[str, str]]
"""Name and sha256 of files that lock files name."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The result: the names of the files that were removed, or would be without `dry_run`, and whether each decision is new, in
    the order of the decisions. `prune` is one decision, new if it removes a file.
    """

    removed: tuple[str, ...]
    new: tuple[bool, ...]

    @property
    def is_new(self) -> bool:
        """Whether there was anything new to do."""
        return any(self.new)


def decide(root: Path, entries: Iterable[Entry]) -> Kept:
    """Write decisions into the journal of a tree, and bring its pages and files into the form that they want.

    The result has the names of the files that the pages named, and that stay out now. A decision that counts already is not written
    again. Raises InputError for one as `checked_decision`: most must be about what is in the tree; also for a folder that is
    no index.
    """
    must_be_tree(root)
    with folder_lock(root):
        journal, pages = read_journal(root), read_pages(root, frozenset())
        before = state_of(journal)
        wanted = [checked_decision(entry, pages, before) for entry in entries]
        new = [entry for entry in wanted if not counts_already(entry, before)]
        if new:
            write_journal(root, (*journal, *new))
        state = state_of((*journal, *new))
        write_tree(root, pages, state, only=_may_change(pages, state, (*journal, *new)))
    return Kept(_kept_out(pages, state), tuple(entry in new for entry in wanted))


def _may_change(pages: Pages, state: State, journal: Sequence[Entry]) -> set[NormalizedName]:
    """The projects whose pages decisions change, or that one was ever about: a killed run may have left their old pages."""
    shown = projects_shown(pages, state)
    names = pages.keys() | shown.keys()
    return {name for name in names if shown.get(name) != pages.get(name)} | decided_projects(journal, names)


def _kept_out(pages: Pages, state: State) -> tuple[str, ...]:
    """The names, sorted, of those files of the pages that a decision keeps out."""
    files = ((project, file) for project, page in pages.items() for file in page.files.values())
    return tuple(sorted(file.filename for project, file in files if state.keeps_out(project, file.version)))


def checked_decision(entry: Entry, pages: Pages, state: State) -> Entry:
    """The entry with its subject in normal form.

    Raises InputError if it is about what is not in this index, takes back a decision that does not count, or has a subject
    or a status that cannot be read. A block may be about what is not there, a removal or a yank about a release that is
    removed already.
    """
    match entry.action:
        case Action.REMOVE | Action.YANK:
            release = parse_release(entry.subject)
            if release not in state.removed:
                _must_be_there(release, pages)
            subject = release_text(release)
        case Action.RESTORE | Action.UNYANK:
            release = parse_release(entry.subject)
            subject = release_text(release)
            decisions = state.removed if entry.action is Action.RESTORE else state.yanked
            _must_count(subject, entry, release in decisions, map(release_text, decisions))
        case Action.BLOCK:
            subject = str(Pattern.of(entry.subject))
        case Action.UNBLOCK:
            pattern = Pattern.of(entry.subject)
            subject = str(pattern)
            _must_count(subject, entry, pattern in state.blocked, map(str, state.blocked))
        case _:
            subject = _checked_status(entry, pages, state)
    return Entry(
        action=entry.action, made=entry.made, by=entry.by, subject=subject, reason=entry.reason, status=entry.status
    )


def _checked_status(entry: Entry, pages: Pages, state: State) -> str:
    """The normalized project of a decision about a status.

    Raises InputError if there is no such status, or if the index has neither a page of the project nor a status of it.
    """
    if entry.status not in STATUSES:
        raise InputError(f"`{entry.status}` is not a status", hint=f"choose one of {', '.join(STATUSES)}")
    project = canonicalize_name(entry.subject)
    if project not in pages and project not in state.statuses:
        raise InputError(f"the index has no project `{project}`", hint="check the spelling")
    return project


def _must_be_there(release: Release, pages: Pages) -> None:
    """Raises InputError if no page of the index has a file of a release; its hint names the releases that are there."""
    project, version = release
    versions = sorted({file.version for file in pages.get(project, ProjectPage()).files.values()})
    if version not in versions:
        known = (
            f"the index has these versions of this project: {named(map(str, versions))}"
            if versions
            else "the index does not have this project"
        )
        hint = f"{known}; to block a release that the index does not have yet: `wheelhouse mirror block '{release_text(release)}'`"
        raise InputError(f"the index does not have `{release_text(release)}`", hint=hint)


def _must_count(subject: str, entry: Entry, is_there: bool, decisions: Iterable[str]) -> None:
    """Raises InputError if `is_there` is false: there is no decision to take back. Its hint names the `decisions` that there are."""
    if not is_there:
        what = BACK[entry.action]
        others = sorted(decisions)
        hint = f"{what} here: {named(others)}" if others else f"nothing is {what} here"
        raise InputError(f"`{subject}` is not {what} in this index", hint=hint)


def counts_already(entry: Entry, state: State) -> bool:
    """Whether a decision counts already, with the same reason and status. False for one that takes back another.

    The status `active` counts for every project without a status of the keeper.
    """
    match entry.action:
        case Action.REMOVE:
            other = state.removed.get(parse_release(entry.subject))
        case Action.YANK:
            other = state.yanked.get(parse_release(entry.subject))
        case Action.BLOCK:
            other = state.blocked.get(Pattern.of(entry.subject))
        case Action.STATUS:
            other = state.statuses.get(canonicalize_name(entry.subject))
            if other is None:
                return entry.status == "active"
        case _:
            return False
    return other is not None and (other.reason, other.status) == (entry.reason, entry.status)


def prune(root: Path, keep: Iterable[Path], entry: Entry, *, dry_run: bool) -> Kept:
    """Remove each wheel and sdist of a tree that no lock file of these wheelhouses names, and note it in the journal.

    A locked file stays, also if no page names it: its page may be missing. A page loses also files that are not locked and no
    longer there; their sidecars go, too. With `dry_run` nothing is removed, noted or written. The result has the names of the
    removed files. A file is named by its name and its sha256. Of `entry` only who, when and why count. Raises InputError for
    a folder that is no index, if the lock files name no file of the tree at all, and as `locked_files`.
    """
    must_be_tree(root)
    locked = locked_files(keep)
    with folder_lock(root):
        journal, pages = read_journal(root), read_pages(root, frozenset())
        state = state_of(journal)
        remaining = pruned_pages(pages, locked)
        unnamed = _not_locked(root, unnamed_files(root, remaining), locked)
        gone = tuple(sorted(name for _, name in unnamed))
        if gone and not dry_run:
            pruned = Entry(action=Action.PRUNE, made=entry.made, by=entry.by, reason=entry.reason, files=gone)
            write_journal(root, (*journal, pruned))
        changed = {project for project, page in pages.items() if page != remaining[project]}
        if (gone or changed) and not dry_run:
            write_tree(root, remaining, state, only=changed)
            for project, name in (*unnamed, *_absent(root, pages, remaining)):
                remove_file(root, project, name)
    return Kept(gone, (bool(gone),))


def _not_locked(
    root: Path, files: Iterable[tuple[NormalizedName, str]], locked: LockedFiles
) -> list[tuple[NormalizedName, str]]:
    """Those of the files of a tree, (project, name), that have not the name and the sha256 of a locked file. Only a file with the name
    of one is hashed.
    """
    names = {name for name, _ in locked}
    paths = {item: rooted(rooted(root, item[0]), item[1]) for item in files}
    return [
        (project, name)
        for (project, name), path in paths.items()
        if not (name in names and path.is_file() and (name, sha256_of(path)) in locked)
    ]


def _absent(root: Path, pages: Pages, remaining: Pages) -> list[tuple[NormalizedName, str]]:
    """(project, name) of the files that `pages` name, `remaining` does not, and the tree has not."""
    return [
        (project, name)
        for project, page in pages.items()
        for name in page.files.keys() - remaining[project].files.keys()
        if not rooted(rooted(root, project), name).is_file()
    ]


def locked_files(wheelhouses: Iterable[Path]) -> LockedFiles:
    """(name, sha256) of each wheel and sdist that the lock files of these wheelhouses name, kept sdists included.

    Raises what `load_wheelhouse` does, IntegrityError if lock files of one wheelhouse give one name two hashes.
    """
    return {(name, file.sha256) for folder in wheelhouses for name, file in load_wheelhouse(folder).artifacts.items()}


def pruned_pages(pages: Pages, locked: LockedFiles) -> Pages:
    """All pages, also empty ones, without the files that are not locked. Raises InputError if no file remains at all."""
    remaining = {project: pruned_page(page, locked) for project, page in pages.items()}
    if not any(page.files for page in remaining.values()):
        hint = "name other wheelhouses with --keep; to remove the whole index, remove its folder"
        raise InputError("the lock files of these wheelhouses list no file of the index", hint=hint)
    return remaining


def pruned_page(page: ProjectPage, locked: LockedFiles) -> ProjectPage:
    """A new page without the files that are not locked, and with the same status."""
    files = {name: file for name, file in page.files.items() if (name, file.sha256) in locked}
    return ProjectPage(files, page.status, page.status_here)
