"""Bring a static index on disk into the form that its pages and the decisions of its keeper want, under a running web server.

A page comes after the files that it names, and goes before them. Each is replaced by a rename.
"""

from collections.abc import Iterator
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.filenames import release_of
from wheelhouse.files.disk import os_errors_as_machine_error, write
from wheelhouse.mirror.browse import Browsed, browse_texts
from wheelhouse.mirror.notes import Knows, Notes, notes_text, of_files
from wheelhouse.mirror.simple import PAGE_BROWSE, PAGE_HTML, PAGE_JSON, page_texts
from wheelhouse.mirror.state import State, projects_shown
from wheelhouse.mirror.tree import KEEPER_FOLDER, NOTES, Pages, folders_in, read_notes, remove_file, unnamed_files
from wheelhouse.mirror.web_servers import OF_APACHE, OF_CADDY, OF_NGINX, caddyfile, htaccess, nginx_conf


def write_tree(root: Path, pages: Pages, state: State, notes: Notes | None = None, knows: Knows | None = None) -> None:
    """Write the pages of a tree as the decisions want them, then remove what they no longer name. For the holder of its lock.

    `pages` have every file that is in the tree and may stay in it; `notes` are those of before if none are given.
    """
    shown = projects_shown(pages, state)
    kept = of_files(read_notes(root) if notes is None else notes, shown.items(), knows)
    write(root, NOTES, notes_text(kept))
    for path, text in (*page_texts(shown), *browse_texts(Browsed(shown, state, kept)), *_server_texts(root)):
        write(root, path, text)
    for project, name in unnamed_files(root, shown):
        if is_kept_out(state, project, name):
            remove_file(root, project, name)
    for folder in folders_in(root):
        if folder.name not in shown:
            _remove_empty_project(folder)


def _server_texts(root: Path) -> Iterator[tuple[str, str]]:
    """The configurations of web servers, by their path in the tree."""
    place = str(root.absolute())
    yield f"{KEEPER_FOLDER}/{OF_NGINX}", nginx_conf(place)
    yield f"{KEEPER_FOLDER}/{OF_CADDY}", caddyfile(place)
    yield OF_APACHE, htaccess()


def is_kept_out(state: State, project: NormalizedName, name: str) -> bool:
    """Whether a decision keeps a file out that no page names. A name without a version is left for the user to look at."""
    try:
        return state.keeps_out(project, release_of(name)[1]) is not None
    except ValueError:
        return False


def _remove_empty_project(folder: Path) -> None:
    """Remove the pages of a project that has no file any more, and its folder if nothing else is in it."""
    with os_errors_as_machine_error(folder):
        for name in (PAGE_HTML, PAGE_JSON, PAGE_BROWSE):
            (folder / name).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
