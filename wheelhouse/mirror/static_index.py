"""A static Simple index of one or more wheelhouses: pages beside their files, for any web server or a `file:` URL."""

import errno
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.errors import IntegrityError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.files.disk import (
    folder_lock,
    has_locked_bytes,
    must_lie_outside,
    os_errors_as_machine_error,
    place,
    rooted,
    write,
)
from wheelhouse.findings import Finding
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.lock import Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.mirror.offered_files import OpenedFile, offered_as, open_files, pins_by_file, provenance_of
from wheelhouse.mirror.simple import Offered, ProjectPage, add, project_html, project_json, root_html, root_json
from wheelhouse.mirror.tree import PAGE_HTML, PAGE_JSON, faults_in, listed_projects, read_pages, unnamed_files
from wheelhouse.verify.verify import load_wheelhouse


@dataclass(frozen=True, slots=True)
class Indexed:
    """The result: the number of projects in the tree, the files that were added or repaired, the number of unchanged files."""

    projects: int
    added: tuple[str, ...]
    repaired: tuple[str, ...]
    unchanged: int


@dataclass(slots=True)
class _Tree:
    """A tree while it changes. `faults` says what is wrong with its files, by project and name, until a wheelhouse repairs them."""

    root: Path
    pages: dict[NormalizedName, ProjectPage]
    faults: dict[tuple[NormalizedName, str], Finding]
    added: set[str] = field(default_factory=set)
    repaired: set[str] = field(default_factory=set)


def index(folders: Iterable[Path], root: Path, *, check: bool = False, on_event: Listener = ignore) -> Indexed:
    """Add wheelhouses to a static index. Unchanged pages are not written again; files are hard links if the file system allows.

    Files of the tree are checked by size, with `check` by hash, and repaired from a wheelhouse that has them. If two wheelhouses
    describe one file, the last one counts. Raises IntegrityError, after everything else is done, for a file that is missing or
    altered and in none of the wheelhouses.
    """
    wheelhouses = [(folder, load_wheelhouse(folder)) for folder in folders]
    for folder, _ in wheelhouses:
        must_lie_outside(root, folder)
    pins = [pins_by_file(wheelhouse) for _, wheelhouse in wheelhouses]
    with folder_lock(root):
        projects_before = listed_projects(root)
        pages = read_pages(root, {(pin.project, name) for by_file in pins for name, pin in by_file.items()})
        tree = _Tree(root, pages, faults_in(root, pages, check=check))
        for (folder, wheelhouse), by_file in zip(wheelhouses, pins, strict=True):
            _add_wheelhouse(tree, folder, wheelhouse, list(by_file.values()), on_event)
        _write_pages(tree)
        _warn(tree, projects_before, on_event)
    _must_be_whole(tree)
    total = sum(len(page.files) for page in tree.pages.values())
    unchanged = total - len(tree.added) - len(tree.repaired)
    return Indexed(len(tree.pages), tuple(sorted(tree.added)), tuple(sorted(tree.repaired)), unchanged)


def _add_wheelhouse(tree: _Tree, folder: Path, wheelhouse: Wheelhouse, pins: Sequence[Pin], on_event: Listener) -> None:
    """Copy the files that the tree lacks, then update the rows of all files of the wheelhouse."""
    missing = [pin for pin in pins if not _is_present(tree, pin)]
    for opened in open_files(folder, wheelhouse, missing, on_event):
        page, name = tree.pages.setdefault(opened.project, ProjectPage()), opened.offered.filename
        (tree.repaired if page.files.pop(name, None) else tree.added).add(name)
        tree.faults.pop((opened.project, name), None)
        add(page, opened.offered)
        _place(opened, tree.root)
    for pin in pins:
        page = tree.pages[pin.project]
        page.status = pin.status
        add(page, _updated(tree, wheelhouse, pin, page.files[pin.artifact.filename]))


def _is_present(tree: _Tree, pin: Pin) -> bool:
    """Whether the tree has a file without fault. Raises IntegrityError if it has other bytes under the name.

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
    """The row of a file with the facts of its lock file now. Attestations that the lock file lacks are kept."""
    provenance = provenance_of(wheelhouse, listed.filename)
    if provenance is not None:
        write(rooted(tree.root, pin.project), listed.filename + PROVENANCE, provenance)
    return offered_as(pin, listed.metadata_sha256, provenance=provenance is not None or listed.provenance)


def _place(opened: OpenedFile, tree: Path) -> None:
    """Write a file and its sidecars into the tree: a hard link, or a copy on another file system."""
    folder = rooted(tree, opened.project)
    final = rooted(folder, opened.offered.filename)
    with os_errors_as_machine_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for suffix, raw in opened.sidecars.items():
        write(folder, opened.offered.filename + suffix, raw)
    try:
        final.unlink(missing_ok=True)
        final.hardlink_to(opened.path)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            with os_errors_as_machine_error(final):
                raise
        place(opened.path, folder, final.name, opened.offered.sha256)


def _write_pages(tree: _Tree) -> None:
    for project, page in tree.pages.items():
        write(tree.root / project, PAGE_JSON, project_json(project, page))
        write(tree.root / project, PAGE_HTML, project_html(project, page))
    write(tree.root, PAGE_JSON, root_json(tree.pages))
    write(tree.root, PAGE_HTML, root_html(tree.pages))


def _warn(tree: _Tree, projects_before: Set[str], on_event: Listener) -> None:
    """Warn of projects whose page is gone, and of files that no page names."""
    for project in sorted(projects_before - tree.pages.keys()):
        on_event(Warned(f"`{project}` was in this index, and its page is gone: index the wheelhouse that has it"))
    for name in unnamed_files(tree.root, tree.pages):
        on_event(Warned(f"no page names `{name}`: index the wheelhouse that has it, or remove the file"))


def _must_be_whole(tree: _Tree) -> None:
    """Raises IntegrityError if a fault is left."""
    if tree.faults:
        project, name = next(iter(tree.faults))
        raise IntegrityError(
            f"none of these wheelhouses has `{tree.root / project / name}`",
            hint=f"index a wheelhouse that has it; or remove `{tree.root / project}`, and index its wheelhouses again",
            findings=tuple(tree.faults.values()),
        )
