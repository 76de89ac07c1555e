"""A static Simple index of one or many houses: pages beside their files, for any web server, or for a `file:` URL."""

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
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.lock import Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.mirror.offered_files import OpenedFile, offered_as, open_files, pins_by_file, provenance_of
from wheelhouse.mirror.simple import Offered, ProjectPage, add, project_html, project_json, root_html, root_json
from wheelhouse.mirror.tree import PAGE_HTML, PAGE_JSON, faults_in, listed_in, read_shelves, unnamed_in
from wheelhouse.verify.verify import load_wheelhouse


@dataclass(frozen=True, slots=True)
class Indexed:
    """What indexing did: how many projects the tree has, which files came, which were mended, how many stood already."""

    projects: int
    added: tuple[str, ...]
    mended: tuple[str, ...]
    stood: int


@dataclass(slots=True)
class _Tree:
    """A tree as it is changed. `faults` are of files that stood in it, by path: what is wrong, until a house mends it."""

    root: Path
    shelves: dict[NormalizedName, ProjectPage]
    faults: dict[tuple[NormalizedName, str], str]
    added: set[str] = field(default_factory=set)
    mended: set[str] = field(default_factory=set)


def index(houses: Iterable[Path], root: Path, *, check: bool = False, on_event: Listener = ignore) -> Indexed:
    """Add houses to a static index. Pages that do not change are not written again; files are hard links where they can be.

    What stands there is looked at, with `check` also hashed, and brought again from a house that has it. Of two houses that
    speak of one file, the one named last is believed. Raises IntegrityError, after everything else is done, for what is gone
    or altered and in none of the houses.
    """
    opened = [(folder, load_wheelhouse(folder)) for folder in houses]
    for folder, _ in opened:
        must_lie_outside(root, folder)
    pins = [pins_by_file(house) for _, house in opened]
    with folder_lock(root):
        listed = listed_in(root)
        shelves = read_shelves(root, {(pin.project, name) for found in pins for name, pin in found.items()})
        tree = _Tree(root, shelves, faults_in(root, shelves, check=check))
        for (folder, house), found in zip(opened, pins, strict=True):
            _add_house(tree, folder, house, list(found.values()), on_event)
        _write_pages(tree)
        _warn(tree, listed, on_event)
    _must_be_whole(tree)
    total = sum(len(shelf.files) for shelf in tree.shelves.values())
    counts = total - len(tree.added) - len(tree.mended)
    return Indexed(len(tree.shelves), tuple(sorted(tree.added)), tuple(sorted(tree.mended)), counts)


def _add_house(tree: _Tree, folder: Path, house: Wheelhouse, pins: Sequence[Pin], on_event: Listener) -> None:
    wanted = [pin for pin in pins if not _stands(tree, pin)]
    for opened in open_files(folder, house, wanted, on_event):
        shelf, name = tree.shelves.setdefault(opened.project, ProjectPage()), opened.offered.filename
        (tree.mended if shelf.files.pop(name, None) else tree.added).add(name)
        tree.faults.pop((opened.project, name), None)
        add(shelf, opened.offered)
        _bring(opened, tree.root)
    for pin in pins:
        shelf = tree.shelves[pin.project]
        shelf.status = pin.status
        add(shelf, _said_anew(tree, house, pin, shelf.files[pin.artifact.filename]))


def _stands(tree: _Tree, pin: Pin) -> bool:
    """Whether a file is in the tree, and sound. Raises IntegrityError where another one has its name.

    Where the page alone names another one, it is the page that was altered.
    """
    shelf, name = tree.shelves.get(pin.project), pin.artifact.filename
    standing = shelf.files.get(name) if shelf else None
    if shelf is None or standing is None:
        return False
    if standing.sha256 != pin.artifact.sha256:
        if not has_locked_bytes(rooted(tree.root, pin.project), pin.artifact):
            add(shelf, offered_as(pin, None, provenance=False))
        return False
    return (pin.project, name) not in tree.faults


def _said_anew(tree: _Tree, house: Wheelhouse, pin: Pin, standing: Offered) -> Offered:
    """A file that stands, with what its lock says of it now. Attestations that a lock does not know of are kept."""
    provenance = provenance_of(house, standing.filename)
    if provenance is not None:
        write(rooted(tree.root, pin.project), standing.filename + PROVENANCE, provenance)
    return offered_as(pin, standing.metadata_sha256, provenance=provenance is not None or standing.provenance)


def _bring(opened: OpenedFile, tree: Path) -> None:
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
    for project, shelf in tree.shelves.items():
        write(tree.root / project, PAGE_JSON, project_json(project, shelf))
        write(tree.root / project, PAGE_HTML, project_html(project, shelf))
    write(tree.root, PAGE_JSON, root_json(tree.shelves))
    write(tree.root, PAGE_HTML, root_html(tree.shelves))


def _warn(tree: _Tree, listed: Set[str], on_event: Listener) -> None:
    for project in sorted(listed - tree.shelves.keys()):
        on_event(Warned(f"`{project}` was in this index, and its page is gone: index the wheelhouse that has it"))
    for name in unnamed_in(tree.root, tree.shelves):
        on_event(Warned(f"no page names `{name}`: index the wheelhouse that has it, or remove the file"))


def _must_be_whole(tree: _Tree) -> None:
    if tree.faults:
        (project, name), fault = next(iter(tree.faults.items()))
        more = f", and {len(tree.faults) - 1} more" if len(tree.faults) > 1 else ""
        raise IntegrityError(
            f"`{tree.root / project / name}`: {fault}, and none of these wheelhouses has it{more}",
            hint=f"index a wheelhouse that has it; or remove `{tree.root / project}`, and index what is to be there",
            details=tuple(f"{path}/{filename}: {found}" for (path, filename), found in tree.faults.items()),
        )
