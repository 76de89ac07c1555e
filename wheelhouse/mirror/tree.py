"""The tree of a static index as it stands on disk: what its pages name, and whether that is there. Believes nothing."""

import os
from collections.abc import Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError
from wheelhouse.files.disk import os_errors_as_machine_error, read_text, rooted, sha256_of
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.wheelhouse import is_lock_name
from wheelhouse.mirror.offered_files import SIDECAR
from wheelhouse.mirror.simple import Offered, ProjectPage, parse_project_page

PAGE_HTML, PAGE_JSON = "index.html", "index.json"
Shelves = Mapping[NormalizedName, ProjectPage]


def folders_in(root: Path) -> Iterator[Path]:
    """The folders of a tree that may be projects: they hold a page, or archives."""
    with os_errors_as_machine_error(root):
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())
    for folder in folders:
        if (folder / PAGE_JSON).is_file() or archives_in(folder):
            yield folder


def archives_in(folder: Path) -> list[str]:
    """The names of the wheels and sdists in a folder."""
    with os_errors_as_machine_error(folder):
        return sorted(path.name for path in folder.iterdir() if path.name.endswith(ARCHIVE_SUFFIXES))


def read_shelf(folder: Path) -> ProjectPage | None:
    """What a project's page says; None where it has none. Raises ValueError, or InputError, for a page that cannot be read."""
    page = folder / PAGE_JSON
    return parse_project_page(read_text(page, "the page")) if page.is_file() else None


def read_shelves(root: Path, covered: Set[tuple[NormalizedName, str]]) -> dict[NormalizedName, ProjectPage]:
    """What every page of a tree says. `covered` are the files that will be brought again, by project and name.

    A page that cannot be read is left out where it can be made again. Raises InputError where it cannot: it is somebody
    else's, or files lie beside it that nobody brings.
    """
    shelves: dict[NormalizedName, ProjectPage] = {}
    projects = {project for project, _ in covered}
    for folder in folders_in(root):
        project = NormalizedName(folder.name)
        try:
            shelf = read_shelf(folder)
        except (ValueError, InputError) as error:
            lacking = [name for name in archives_in(folder) if (project, name) not in covered]
            if project not in projects or lacking:
                raise _unreadable(folder, lacking, error) from error
            continue
        if shelf is not None:
            shelves[project] = shelf
    return shelves


def _unreadable(folder: Path, lacking: list[str], error: Exception) -> InputError:
    if lacking:
        hint = f"name a wheelhouse that has `{lacking[0]}`, too, and the page is written again"
    else:
        hint = "choose an empty folder, or one that `wheelhouse index` wrote"
    return InputError(f"`{folder / PAGE_JSON}` is not a page that wheelhouse wrote: {error}", hint=hint)


def faults_in(root: Path, shelves: Shelves, *, check: bool) -> dict[tuple[NormalizedName, str], str]:
    """What is wrong with the files that pages name, by project and name; `check` hashes each."""
    files = [(project, file) for project, shelf in shelves.items() for file in shelf.files.values()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda one: fault_of(rooted(root, one[0]), one[1], check=check), files)
        return {(project, file.filename): fault for (project, file), fault in zip(files, found, strict=True) if fault}


def fault_of(folder: Path, file: Offered, *, check: bool) -> str | None:
    """What is wrong with a file that a page names, or with what lies beside it; None where nothing is."""
    path = rooted(folder, file.filename)
    size = _size_of(path)
    if size is None:
        return "it is not there"
    if size != file.size:
        return f"it has {size} bytes where its page says {file.size}"
    if check and sha256_of(path) != file.sha256:
        return "its bytes were altered"
    return _sidecar_fault(path, file, check=check)


def _sidecar_fault(path: Path, file: Offered, *, check: bool) -> str | None:
    sidecar, provenance = (path.with_name(path.name + suffix) for suffix in (SIDECAR, PROVENANCE))
    if file.metadata_sha256:
        if not _size_of(sidecar):
            return "its metadata are not there"
        if check and sha256_of(sidecar) != file.metadata_sha256:
            return "its metadata were altered"
    return "its attestations are not there" if file.provenance and not _size_of(provenance) else None


def is_tree(root: Path) -> bool:
    """Whether a folder is a static index, and no wheelhouse: it has a list of projects, or a project's page."""
    if not root.is_dir() or any(is_lock_name(path.name) for path in root.iterdir()):
        return False
    return (root / PAGE_JSON).is_file() or next(root.glob(f"*/{PAGE_JSON}"), None) is not None


def files_named(root: Path) -> dict[str, str]:
    """Path → sha256 of every file that the pages of a tree name. Raises InputError for a page that cannot be read."""
    shelves = read_shelves(root, frozenset())
    return {
        f"{project}/{name}": file.sha256 for project, shelf in shelves.items() for name, file in shelf.files.items()
    }


def _size_of(path: Path) -> int | None:
    """A file's size in bytes; None where there is none. A link is none: what it leads to may change."""
    with os_errors_as_machine_error(path):
        return path.stat().st_size if path.is_file() and not path.is_symlink() else None


def listed_in(root: Path) -> set[str]:
    """The projects that a tree's list of projects names; none where it cannot be read, as it is written again."""
    page = root / PAGE_JSON
    try:
        rows = parse_json(read_text(page, "the page"))["projects"] if page.is_file() else []
        return {str(row["name"]) for row in rows}
    except (InputError, ValueError, KeyError, TypeError):
        return set()


def unnamed_in(root: Path, shelves: Shelves) -> list[str]:
    """The archives in a tree that no page names, by their path in it."""
    nothing = ProjectPage()
    return [
        f"{folder.name}/{name}"
        for folder in folders_in(root)
        for name in archives_in(folder)
        if name not in shelves.get(NormalizedName(folder.name), nothing).files
    ]
