"""A static Simple index of one or more wheelhouses: pages beside their files, for any web server or a `file:` URL."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.errors import IntegrityError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.files.disk import (
    CANNOT_LINK,
    folder_lock,
    has_locked_bytes,
    must_lie_outside,
    os_errors_as_machine_error,
    place,
    rooted,
    write,
)
from wheelhouse.files.temporary import TEMP_PREFIX
from wheelhouse.findings import Finding
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.lock import Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.mirror.notes import Knows, Notes, with_locks
from wheelhouse.mirror.offered_files import OpenedFile, offered_as, open_files, pins_by_file, provenance_of
from wheelhouse.mirror.simple import Offered, ProjectPage, add
from wheelhouse.mirror.state import Action, Entry, State, decision_text, projects_shown, state_of
from wheelhouse.mirror.tree import (
    faults_in,
    listed_projects,
    read_journal,
    read_notes,
    read_pages,
    unnamed_files,
    write_journal,
)
from wheelhouse.mirror.write_tree import write_tree
from wheelhouse.verify.verify import load_wheelhouse


@dataclass(frozen=True, slots=True)
class Indexed:
    """The result: the number of projects in the tree, the files that were added or repaired, the number of unchanged files."""

    projects: int
    added: tuple[str, ...]
    repaired: tuple[str, ...]
    unchanged: int


@dataclass(frozen=True, slots=True)
class IndexChoices:
    """How to index: `check` hashes every file of the tree, `link` makes hard links, `prior_to` leaves out later uploads.

    `by` is the user, for the journal; `now` is the time of the run. `knows` tells what is known of a file today; without it,
    the pages for people say what was known before.
    """

    by: str
    now: datetime
    check: bool = False
    link: bool = False
    prior_to: datetime | None = None
    knows: Knows | None = None


@dataclass(slots=True)
class _Tree:
    """A tree while it changes. `faults` says what is wrong with its files, by project and name, until a wheelhouse repairs them."""

    root: Path
    pages: dict[NormalizedName, ProjectPage]
    faults: dict[tuple[NormalizedName, str], Finding]
    link: bool
    added: set[str] = field(default_factory=set)
    repaired: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Source:
    """A wheelhouse to index, and the pins of the files that may come in."""

    folder: Path
    wheelhouse: Wheelhouse
    pins: list[Pin]


def index(folders: Iterable[Path], root: Path, choices: IndexChoices, on_event: Listener = ignore) -> Indexed:
    """Add wheelhouses to a static index, and note added files in its journal. Unchanged pages are not written again.

    Files are copies that share blocks if possible, or hard links, which make the files of the wheelhouse read-only.
    Files that the index has already are checked by size or by hash (`choices.check`), and repaired from a wheelhouse
    that has them. If two wheelhouses describe one file, the last one counts. What the keeper of the index removed or
    blocked stays out, with a warning; so do new files that `may_come` refuses, with `choices.prior_to`.

    Raises IntegrityError, after everything else is done, for a file that is missing or altered and in none of the
    wheelhouses; at once for a name with other bytes, and as `open_files`. Raises InputError as `load_wheelhouse`,
    `must_lie_outside`, `read_journal`, `read_pages` and `read_notes`.
    """
    sources = [_Source(folder, wheelhouse, []) for folder in folders for wheelhouse in (load_wheelhouse(folder),)]
    for source in sources:
        must_lie_outside(root, source.folder)
    with folder_lock(root):
        journal = read_journal(root)
        state = state_of(journal)
        for source in sources:
            pins = pins_by_file(source.wheelhouse).values()
            source.pins = [pin for pin in pins if not stays_out(state, pin, on_event)]
        projects_before = listed_projects(root)
        covered = {(pin.project, pin.artifact.filename) for source in sources for pin in source.pins}
        pages = projects_shown(read_pages(root, covered), state)
        tree = _Tree(root, pages, faults_in(root, pages, check=choices.check), choices.link)
        for source in sources:
            if choices.prior_to:
                source.pins = [pin for pin in source.pins if may_come(pin, pages, choices.prior_to, on_event)]
            _add_wheelhouse(tree, source, on_event)
        write_tree(root, tree.pages, state, notes=_noted(read_notes(root), sources), knows=choices.knows)
        _warn(tree, projects_before, on_event)
        if tree.added:
            came = Entry(action=Action.INDEX, made=choices.now, by=choices.by, files=tuple(sorted(tree.added)))
            write_journal(root, (*journal, came))
    _must_be_whole(tree)
    total = sum(len(page.files) for page in tree.pages.values())
    unchanged = total - len(tree.added) - len(tree.repaired)
    return Indexed(len(tree.pages), tuple(sorted(tree.added)), tuple(sorted(tree.repaired)), unchanged)


def _noted(notes: Notes, sources: Iterable[_Source]) -> Notes:
    """New notes with what the lock files of the wheelhouses say now."""
    return with_locks(notes, ((_shown(source.folder), lock) for source in sources for lock in source.wheelhouse.locks))


def _shown(folder: Path) -> str:
    """The name of a wheelhouse in the notes: its path; the last name of an absolute path, or of one with `..`."""
    return folder.name if folder.is_absolute() or ".." in folder.parts else folder.as_posix()


def stays_out(state: State, pin: Pin, on_event: Listener) -> bool:
    """Whether a decision keeps a pin's file out of the index; if so, a warning names the file and the decision."""
    entry = state.keeps_out(pin.project, pin.version)
    if entry:
        on_event(Warned(f"`{pin.artifact.filename}` stays out of the index: {decision_text(entry)}"))
    return entry is not None


def may_come(pin: Pin, pages: Mapping[NormalizedName, ProjectPage], prior_to: datetime, on_event: Listener) -> bool:
    """Whether a file's name is on the pages already, or its origin was uploaded before `prior_to`. If not, or if the time is
    unknown, False and a warning.
    """
    page, uploaded = pages.get(pin.project), pin.origin.upload_time
    if (page and pin.artifact.filename in page.files) or (uploaded is not None and uploaded < prior_to):
        return True
    when = (
        f"it was uploaded on {uploaded:%Y-%m-%d}"
        if uploaded
        else "its lock file does not say when the file was uploaded"
    )
    on_event(Warned(f"`{pin.artifact.filename}` is not added: {when}, but --uploaded-prior-to is {prior_to:%Y-%m-%d}"))
    return False


def _add_wheelhouse(tree: _Tree, source: _Source, on_event: Listener) -> None:
    """Place the files that the tree lacks or has with a fault, and note them as added or repaired.

    Then update the rows of all files of the wheelhouse.
    """
    missing = [pin for pin in source.pins if not _is_present(tree, pin)]
    for opened in open_files(source.folder, source.wheelhouse, missing, on_event):
        page, name = tree.pages.setdefault(opened.project, ProjectPage()), opened.offered.filename
        (tree.repaired if page.files.pop(name, None) else tree.added).add(name)
        tree.faults.pop((opened.project, name), None)
        add(page, opened.offered)
        _place(opened, tree.root, link=tree.link)
    for pin in source.pins:
        page = tree.pages[pin.project]
        page.status = pin.status
        add(page, _updated(tree, source.wheelhouse, pin, page.files[pin.artifact.filename]))


def _is_present(tree: _Tree, pin: Pin) -> bool:
    """Whether a page names a file and the tree has it without fault. Raises IntegrityError if the index has other bytes under the name.

    If the page alone has another hash, the page was altered, and the file is placed again.
    """
    page, name = tree.pages.get(pin.project), pin.artifact.filename
    listed = page.files.get(name) if page else None
    if page is None or listed is None:
        return False
    if listed.sha256 != pin.artifact.sha256:
        if not has_locked_bytes(rooted(tree.root, pin.project), pin.artifact):
            add(page, offered_as(pin, None, provenance=False))
        return False
    return (pin.project, name) not in tree.faults


def _updated(tree: _Tree, wheelhouse: Wheelhouse, pin: Pin, listed: Offered) -> Offered:
    """The row of a file with the facts of its lock file now. Writes the attestations of the wheelhouse; without any, earlier ones stay."""
    provenance = provenance_of(wheelhouse, listed.filename)
    if provenance is not None:
        write(rooted(tree.root, pin.project), listed.filename + PROVENANCE, provenance)
    return offered_as(pin, listed.metadata_sha256, provenance=provenance is not None or listed.provenance)


def _place(opened: OpenedFile, tree: Path, *, link: bool) -> None:
    """Write a file and its sidecars into the tree. A file with the final name is replaced by a rename."""
    folder, name = rooted(tree, opened.project), opened.offered.filename
    for suffix, raw in opened.sidecars.items():
        write(folder, name + suffix, raw)
    if not (link and _try_hard_link(opened.path, rooted(folder, name))):
        place(opened.path, folder, name, opened.offered.sha256)


def _try_hard_link(source: Path, final: Path) -> bool:
    """Make `final` a hard link to `source`, read-only under both names; False if the file system cannot make one.

    An earlier file is replaced. Raises MachineError for any other failure.
    """
    aside = final.with_name(f"{TEMP_PREFIX}{final.name}.tmp")
    with os_errors_as_machine_error(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)
        try:
            aside.hardlink_to(source)
        except OSError as error:
            if error.errno in CANNOT_LINK:
                return False
            raise
        source.chmod(source.stat().st_mode & ~0o222)
        aside.replace(final)
        aside.unlink(missing_ok=True)  # rename(2) does nothing if both are one file
    return True


def _warn(tree: _Tree, projects_before: Set[str], on_event: Listener) -> None:
    """Warn of projects whose page is gone, and of files that no page names."""
    for project in sorted(projects_before - tree.pages.keys()):
        on_event(
            Warned(
                f"this index had the project `{project}`, but the project's page is missing: "
                "run `wheelhouse index` with the wheelhouse that has the project"
            )
        )
    for project, name in unnamed_files(tree.root, tree.pages):
        on_event(
            Warned(
                f"no page lists `{project}/{name}`: run `wheelhouse index` with the wheelhouse that has the file, or remove the file"
            )
        )


def _must_be_whole(tree: _Tree) -> None:
    """Raises IntegrityError if a fault is left."""
    if tree.faults:
        project, name = next(iter(tree.faults))
        raise IntegrityError(
            f"none of these wheelhouses has `{tree.root / project / name}`",
            hint=f"run `wheelhouse index` with a wheelhouse that has the file; "
            f"or remove `{tree.root / project}`, and run `wheelhouse index` with all wheelhouses",
            findings=tuple(tree.faults.values()),
        )
