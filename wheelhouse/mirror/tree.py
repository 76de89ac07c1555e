"""The tree of a static index on disk: what its pages name, and whether the files are there. Nothing in it is trusted."""

import os
from collections.abc import Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError
from wheelhouse.files.disk import os_errors_as_machine_error, read_text, rooted, sha256_of, write
from wheelhouse.findings import Finding, Severity
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.wheelhouse import is_lock_name
from wheelhouse.mirror.notes import Notes, parse_notes
from wheelhouse.mirror.offered_files import SIDECAR
from wheelhouse.mirror.simple import PAGE_JSON, Offered, ProjectPage, parse_project_page
from wheelhouse.mirror.state import Entry, journal_text, parse_journal

KEEPER_FOLDER = ".wheelhouse"
"""The folder in a tree for what is not of the Simple API. No project has this name."""
JOURNAL, NOTES = f"{KEEPER_FOLDER}/journal.jsonl", f"{KEEPER_FOLDER}/notes.json"
Pages = Mapping[NormalizedName, ProjectPage]


def folders_in(root: Path, only: Set[str] | None = None) -> Iterator[Path]:
    """Yield the folders of a tree that may be projects, sorted: they have a JSON page, or archives.

    `only` limits it to these names; links and names that are not there are passed over. Raises MachineError if the tree or a
    folder cannot be read.
    """
    with os_errors_as_machine_error(root):
        paths = root.iterdir() if only is None else (root / name for name in only)
        folders = sorted(path for path in paths if path.is_dir() and not path.is_symlink())
    for folder in folders:
        if (folder / PAGE_JSON).is_file() or archives_in(folder):
            yield folder


def archives_in(folder: Path) -> list[str]:
    """The names of the wheels and sdists in a folder, sorted."""
    with os_errors_as_machine_error(folder):
        return sorted(path.name for path in folder.iterdir() if path.name.endswith(ARCHIVE_SUFFIXES))


def read_page(folder: Path) -> ProjectPage | None:
    """A project's page, from its JSON file; None if there is none. Raises ValueError or InputError if it cannot be read."""
    page = folder / PAGE_JSON
    return parse_project_page(read_text(page, "the page")) if page.is_file() else None


def read_pages(root: Path, covered: Set[tuple[NormalizedName, str]]) -> dict[NormalizedName, ProjectPage]:
    """Every page of a tree, by project. `covered` are the files, (project, name), that the caller will place again.

    A page that cannot be read is left out if files of its project are covered, and all that are in its folder. Otherwise
    raises InputError: the page is another program's, or it cannot be written again.
    """
    pages: dict[NormalizedName, ProjectPage] = {}
    projects = {project for project, _ in covered}
    for folder in folders_in(root):
        project = NormalizedName(folder.name)
        try:
            page = read_page(folder)
        except (ValueError, InputError) as error:
            lacking = [name for name in archives_in(folder) if (project, name) not in covered]
            if project not in projects or lacking:
                raise _unreadable(folder, lacking, error) from error
            continue
        if page is not None:
            pages[project] = page
    return pages


def _unreadable(folder: Path, lacking: list[str], error: Exception) -> InputError:
    """Make the error for a page that cannot be read; the caller raises it. `lacking` are the files that nobody will place again."""
    if lacking:
        hint = (
            f"run `wheelhouse index` also with a wheelhouse that has `{lacking[0]}`, so that the page is written again"
        )
    else:
        hint = "choose an empty folder, or a folder that `wheelhouse index` wrote"
    return InputError(f"`{folder / PAGE_JSON}` is not a page that wheelhouse wrote: {error}", hint=hint)


def faults_in(root: Path, pages: Pages, *, check: bool) -> dict[tuple[NormalizedName, str], Finding]:
    """The finding on each file that pages name and that is not right, or whose metadata or attestations beside it are not, by (project,
    name). Sizes are compared; `check` also hashes each.
    """
    files = [(project, file) for project, page in pages.items() for file in page.files.values()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = pool.map(lambda item: fault_of(rooted(root, item[0]), item[1], check=check), files)
        return {(project, file.filename): fault for (project, file), fault in zip(files, faults, strict=True) if fault}


def fault_of(folder: Path, file: Offered, *, check: bool) -> Finding | None:
    """The first finding on a file that a page names, or on its sidecars, or None. Its size is compared; `check` also hashes.

    A link counts as missing. Attestations are never hashed: they must be there, and not be empty.
    """
    path = rooted(folder, file.filename)
    size, subject = _size_of(path), f"{folder.name}/{file.filename}"
    if size is None:
        return Finding.of(subject, "missing", Severity.ERROR, case="indexed")
    if size != file.size:
        return Finding.of(subject, "altered", Severity.ERROR, case="indexed-size", size=size, page_size=file.size)
    if check and sha256_of(path) != file.sha256:
        return Finding.of(subject, "altered", Severity.ERROR, case="indexed")
    rule, case = _sidecar_fault(path, file, check=check)
    return Finding.of(subject, rule, Severity.ERROR, case=case) if rule else None


def _sidecar_fault(path: Path, file: Offered, *, check: bool) -> tuple[str, str]:
    """The rule and the case of a finding on the metadata or the attestations beside a file; two empty texts if there is
    none.

    An empty one counts as missing. `check` hashes the metadata alone.
    """
    sidecar, provenance = (path.with_name(path.name + suffix) for suffix in (SIDECAR, PROVENANCE))
    if file.metadata_sha256 and not _size_of(sidecar):
        return "missing", "metadata"
    if file.metadata_sha256 and check and sha256_of(sidecar) != file.metadata_sha256:
        return "altered", "metadata"
    return ("missing", "attestations") if file.provenance and not _size_of(provenance) else ("", "")


def read_journal(root: Path) -> tuple[Entry, ...]:
    """The entries of the journal of a tree, the oldest first; empty if there is none. Raises InputError if it cannot be read."""
    path = root / JOURNAL
    return parse_journal(read_text(path, "the journal"), str(path)) if path.is_file() else ()


def write_journal(root: Path, entries: Iterable[Entry]) -> None:
    """Replace the journal of a tree as a whole. The caller holds the lock of the folder."""
    write(root, JOURNAL, journal_text(entries))


def read_notes(root: Path) -> Notes:
    """The notes on the files of a tree, by sha256; empty if there are none. Raises InputError if they cannot be read."""
    path = root / NOTES
    return parse_notes(read_text(path, "the notes")) if path.is_file() else {}


def must_be_tree(root: Path) -> None:
    """Raises InputError if a folder is not an index, as `is_tree` tells."""
    if not is_tree(root):
        raise InputError(f"`{root}` is not an index", hint="name the folder that `wheelhouse index -o` wrote")


def remove_file(root: Path, project: NormalizedName, filename: str) -> None:
    """Remove a file of a tree, its sidecars first: a killed run leaves the archive, and the next run finds it.

    What is not there is passed over.
    """
    path = rooted(rooted(root, project), filename)
    with os_errors_as_machine_error(path):
        for suffix in (SIDECAR, PROVENANCE, ""):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def is_tree(root: Path) -> bool:
    """Whether a folder is a static index: it has a list of projects or a project's page as JSON, and no lock file, as a wheelhouse has."""
    if not root.is_dir() or any(is_lock_name(path.name) for path in root.iterdir()):
        return False
    return (root / PAGE_JSON).is_file() or next(root.glob(f"*/{PAGE_JSON}"), None) is not None


def files_named(root: Path) -> dict[str, str]:
    """The sha256 of every file that a tree's pages name, by `project/name`. Raises InputError for a page that cannot be read."""
    pages = read_pages(root, frozenset())
    return {f"{project}/{name}": file.sha256 for project, page in pages.items() for name, file in page.files.items()}


def _size_of(path: Path) -> int | None:
    """A file's size in bytes; None if there is no file. A link is no file: its goal may change."""
    with os_errors_as_machine_error(path):
        return path.stat().st_size if path.is_file() and not path.is_symlink() else None


def listed_projects(root: Path) -> set[str]:
    """The names in a tree's list of projects; empty if there is none, or if it cannot be read, because it will be written again."""
    page = root / PAGE_JSON
    try:
        rows = parse_json(read_text(page, "the page"))["projects"] if page.is_file() else []
        return {str(row["name"]) for row in rows}
    except (InputError, ValueError, KeyError, TypeError):
        return set()


def unnamed_files(root: Path, pages: Pages, only: Set[str] | None = None) -> list[tuple[NormalizedName, str]]:
    """(project, name) of the archives in a tree that the page of their project, in `pages`, does not name. `only` are the
    projects to look at, if not all.
    """
    empty = ProjectPage()
    return [
        (NormalizedName(folder.name), name)
        for folder in folders_in(root, only)
        for name in archives_in(folder)
        if name not in pages.get(NormalizedName(folder.name), empty).files
    ]
