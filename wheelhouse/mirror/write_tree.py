"""Bring a static index on disk into the form that its pages and the decisions of its keeper want, under a running web server.

A page comes after the files that it names, and goes before them. Each is replaced by a rename.
"""

from collections.abc import Iterator, Set
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.filenames import release_of
from wheelhouse.files.disk import os_errors_as_machine_error, write
from wheelhouse.mirror.browse import Browsed, project_browse, root_browse
from wheelhouse.mirror.notes import Knows, Notes, notes_text, of_files
from wheelhouse.mirror.simple import (
    PAGE_BROWSE,
    PAGE_HTML,
    PAGE_JSON,
    project_html,
    project_json,
    root_html,
    root_json,
)
from wheelhouse.mirror.state import State, projects_shown
from wheelhouse.mirror.tree import KEEPER_FOLDER, NOTES, Pages, folders_in, read_notes, remove_file, unnamed_files
from wheelhouse.mirror.web_servers import OF_APACHE, OF_CADDY, OF_NGINX, caddyfile, htaccess, nginx_conf


def write_tree(
    root: Path,
    pages: Pages,
    state: State,
    *,
    notes: Notes | None = None,
    knows: Knows | None = None,
    only: Set[NormalizedName] | None = None,
) -> None:
    """Write the pages, notes and configurations of a tree after the decisions; then remove files that they keep out, and old
    pages.

    The caller holds its lock. Other files that no page names stay. `pages` have every file that is in the tree and may stay
    in it; `notes` are those of before if none are given. `only` are the projects that may have changed, if not all are to be
    looked at.

    Raises InputError if the notes of before are needed, and cannot be read.
    """
    shown = projects_shown(pages, state)
    kept = of_files(read_notes(root) if notes is None else notes, shown.items(), knows)
    browsed = Browsed(shown, state, kept)
    write(root, NOTES, notes_text(kept))
    for project in shown if only is None else sorted(shown.keys() & only):
        for name, text in _project_texts(browsed, project):
            write(root / project, name, text)
    for path, content in _root_texts(root, browsed):
        write(root, path, content)
    for project, name in unnamed_files(root, shown, only):
        if is_kept_out(state, project, name):
            remove_file(root, project, name)
    for folder in folders_in(root, only):
        if folder.name not in shown:
            _remove_empty_project(folder)


def _project_texts(browsed: Browsed, project: NormalizedName) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of the pages of a project. The JSON page is last: if it is right, no killed run left another one wrong."""
    page = browsed.pages[project]
    yield PAGE_BROWSE, project_browse(browsed, project)
    yield PAGE_HTML, project_html(project, page)
    yield PAGE_JSON, project_json(project, page)


def _root_texts(root: Path, browsed: Browsed) -> Iterator[tuple[str, str | bytes]]:
    """Yield (path in the tree, content) of the lists of projects and the configurations of web servers.

    Two configurations name the tree's folder. They are written in the bytes of its name, which may be no text in this locale.
    """
    place = str(root.absolute())
    yield PAGE_JSON, root_json(browsed.pages)
    yield PAGE_HTML, root_html(browsed.pages)
    yield PAGE_BROWSE, root_browse(browsed)
    yield f"{KEEPER_FOLDER}/{OF_NGINX}", nginx_conf(place).encode("utf-8", "surrogateescape")
    yield f"{KEEPER_FOLDER}/{OF_CADDY}", caddyfile(place).encode("utf-8", "surrogateescape")
    yield OF_APACHE, htaccess()


def is_kept_out(state: State, project: NormalizedName, name: str) -> bool:
    """Whether a decision keeps a file with this name out of the index. False for a name without a version: the user must look at it."""
    try:
        return state.keeps_out(project, release_of(name)[1]) is not None
    except ValueError:
        return False


def _remove_empty_project(folder: Path) -> None:
    """Remove the pages in the folder of a project that the index no longer shows, and the folder if nothing else is in it."""
    with os_errors_as_machine_error(folder):
        for name in (PAGE_HTML, PAGE_JSON, PAGE_BROWSE):
            (folder / name).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
