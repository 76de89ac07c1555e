"""Wheelhouses as the catalogue of a server."""

from collections.abc import Iterable
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.events import Listener, ignore
from wheelhouse.mirror.offered_files import open_wheelhouse
from wheelhouse.mirror.server import Catalogue, Served
from wheelhouse.mirror.simple import ProjectPage, add


def catalogue(folders: Iterable[Path], on_event: Listener = ignore) -> Catalogue:
    """The files of all the wheelhouses, each hashed and opened once. If two describe one file, the last one counts.

    Raises IntegrityError for a file that differs from its lock file, or for one name with two hashes.
    """
    pages: dict[NormalizedName, ProjectPage] = {}
    sidecars: dict[str, bytes] = {}
    files: dict[str, Served] = {}
    for folder in folders:
        for opened in open_wheelhouse(folder, on_event=on_event):
            offered, page = opened.offered, pages.setdefault(opened.project, ProjectPage())
            add(page, offered)
            page.status = opened.status
            files[offered.filename] = Served(opened.path, offered.sha256, offered.size)
            sidecars |= {offered.filename + suffix: raw for suffix, raw in opened.sidecars.items()}
    return Catalogue.of(pages, sidecars, files)
