"""Reads the list of much used projects that comes with wheelhouse."""

from functools import cache
from pathlib import Path

from wheelhouse.vet import known_projects
from wheelhouse.vet.known_projects import KnownProjects, parse_known_projects

LIST = Path(known_projects.__file__).with_suffix(".txt")


@cache
def read_known_projects() -> KnownProjects:
    """The list that comes with wheelhouse, read once for each process."""
    return parse_known_projects(LIST.read_text(encoding="utf-8"))
