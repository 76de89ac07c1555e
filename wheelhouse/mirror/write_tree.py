"""Bring a static index on disk into the form that its pages and the decisions of its keeper want, under a running web server.

A page comes after the files that it names, and goes before them. Each is replaced by a rename.
"""

from collections.abc import Mapping
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.filenames import release_of
from wheelhouse.files.disk import os_errors_as_machine_error, write
from wheelhouse.mirror.simple import PAGE_HTML, PAGE_JSON, ProjectPage, page_texts
from wheelhouse.mirror.state import State, projects_shown
from wheelhouse.mirror.tree import folders_in, remove_file, unnamed_files


def write_tree(root: Path, pages: Mapping[NormalizedName, ProjectPage], state: State) -> None:
    """Write the pages of a tree as the decisions want them, then remove what they no longer name. For the holder of its lock.

    `pages` have every file that is in the tree and may stay in it.
    """
    shown = projects_shown(pages, state)
    for path, text in page_texts(shown):
        write(root, path, text)
    for project, name in unnamed_files(root, shown):
        if _is_kept_out(state, project, name):
            remove_file(root, project, name)
    for folder in folders_in(root):
        if folder.name not in shown:
            _remove_empty_project(folder)


def _is_kept_out(state: State, project: NormalizedName, name: str) -> bool:
    """Whether a decision keeps a file out that no page names. A name without a version is left for the user to look at."""
    try:
        return state.keeps_out(project, release_of(name)[1]) is not None
    except ValueError:
        return False


def _remove_empty_project(folder: Path) -> None:
    """Remove the pages of a project that has no file any more, and its folder if nothing else is in it."""
    with os_errors_as_machine_error(folder):
        for name in (PAGE_HTML, PAGE_JSON):
            (folder / name).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
