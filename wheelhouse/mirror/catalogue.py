"""Houses as they stand, as a catalogue that a server may offer."""

from collections.abc import Iterable
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.events import Listener, ignore
from wheelhouse.mirror.offered_files import open_wheelhouse
from wheelhouse.mirror.server import Catalogue, Served
from wheelhouse.mirror.simple import ProjectPage, add


def catalogue(houses: Iterable[Path], on_event: Listener = ignore) -> Catalogue:
    """Everything that the houses hold, each file hashed and opened once. Of two that speak of one file, the last is believed.

    Raises IntegrityError for a file that is not what its lock says, or where two houses give one name two hashes.
    """
    shelves: dict[NormalizedName, ProjectPage] = {}
    sidecars: dict[str, bytes] = {}
    files: dict[str, Served] = {}
    for house in houses:
        for opened in open_wheelhouse(house, on_event=on_event):
            offered, shelf = opened.offered, shelves.setdefault(opened.project, ProjectPage())
            add(shelf, offered)
            shelf.status = opened.status
            files[offered.filename] = Served(opened.path, offered.sha256, offered.size)
            sidecars |= {offered.filename + suffix: raw for suffix, raw in opened.sidecars.items()}
    return Catalogue.of(shelves, sidecars, files)
