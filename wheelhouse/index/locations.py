"""Where projects come from: each from one location, decided by its name before any request (pure).

There is no fallback to another index, so no index can offer a project that belongs to another (dependency confusion).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from packaging.utils import NormalizedName

from wheelhouse.errors import InputError

NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)", re.DOTALL)
PATTERN = re.compile(r"[a-z0-9*?]([a-z0-9*?-]*[a-z0-9*?])?")


@dataclass(frozen=True, slots=True, order=True)
class IndexLocation:
    """An index, or with `links` a folder or page of links; the default index has no name.

    `projects` are the names and patterns (`acme-*`) of the projects that come from it, normalised (PEP 503). Links without
    `projects` supply every project that they hold. In a lock and in output, `address` is without credentials.
    """

    address: str
    name: str = ""
    projects: tuple[str, ...] = ()
    links: bool = False

    @property
    def is_default(self) -> bool:
        """Whether it has the projects that no other location has."""
        return not self.name and not self.links

    @property
    def is_open(self) -> bool:
        """Whether it supplies every project that it holds."""
        return self.links and not self.projects

    def names(self, project: NormalizedName) -> bool:
        """Whether `projects` has this name itself; patterns do not count."""
        return project in self.projects

    def matches(self, project: NormalizedName) -> bool:
        """Whether a name or pattern of `projects` matches."""
        return any(fnmatchcase(project, pattern) for pattern in self.projects)


def split_named(text: str) -> tuple[str, str]:
    """`corp=https://…` as ("corp", "https://…"); a text without a name, or with nothing after it, as ("", text). A name is
    letters, digits, `.`, `_` and `-`, first a letter or digit, before the first `=`: the path `data=old` is taken for one
    with a name.
    """
    match = NAMED.fullmatch(text)
    return (match[1], match[2]) if match else ("", text)


def read_locations(
    indexes: Iterable[str], links: Iterable[str], projects: Iterable[str], default: str | None
) -> tuple[IndexLocation, ...]:
    """The locations of --index (`corp=URL` or `URL`), --find-links (`NAME=FOLDER` or `FOLDER`) and --from (`corp=PROJECT,…`).

    In this order, then `default` if it is not None and none of `indexes` is without a name. Raises InputError for a name
    given twice, for two of `indexes` without a name, for one with a name to which --from assigns nothing, and as `_projects`
    does.
    """
    locations = [IndexLocation(where, name) for name, where in map(split_named, indexes)]
    locations += [IndexLocation(where, name, links=True) for name, where in map(split_named, links)]
    if default is not None and not any(location.is_default for location in locations):
        locations.append(IndexLocation(default))
    names = [location.name for location in locations if location.name]
    if duplicates := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two indexes are named `{duplicates[0]}`", hint="give each index its own name")
    if sum(location.is_default for location in locations) > 1:
        hint = (
            "keep one index without a name; give all others a name and their projects: --index corp=URL "
            "--from corp=PROJECT"
        )
        raise InputError("two or more indexes have no name", hint=hint)
    assigned = _projects(projects, names)
    for location in locations:
        if location.name and not location.links and location.name not in assigned:
            hint = f"assign projects: --from {location.name}=PROJECT, or --from '{location.name}=acme-*' for a pattern"
            raise InputError(f"no project is assigned to the index `{location.name}`", hint=hint)
    return tuple(replace(location, projects=assigned.get(location.name, ())) for location in locations)


def _projects(texts: Iterable[str], names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The projects and patterns that --from gives each location, by its name: normalised, sorted, each once.

    Raises InputError for a location that is not among `names`, for a list without projects or with a text that is no name or
    pattern, and for a project that comes from two.
    """
    assigned: dict[str, set[str]] = {}
    for text in texts:
        name, listed = split_named(text)
        if name not in names:
            hint = "use the same NAME in both options: --index NAME=URL --from NAME=PROJECT"
            raise InputError(f"`--from {text}` has a name that no index has", hint=hint)
        patterns = [_pattern(name_or_pattern) for name_or_pattern in listed.split(",") if name_or_pattern.strip()]
        if not patterns:
            hint = "write the name of a project, or a pattern such as acme-*"
            raise InputError(f"`--from {text}` names no project", hint=hint)
        assigned.setdefault(name, set()).update(patterns)
    owners = [(project, name) for name, projects in assigned.items() for project in projects]
    for project, name in owners:
        if others := [other for same, other in owners if same == project and other != name]:
            raise InputError(
                f"`{project}` is assigned to the indexes `{name}` and `{others[0]}`",
                hint="assign each project to one index only",
            )
    return {name: tuple(sorted(projects)) for name, projects in assigned.items()}


def _pattern(text: str) -> str:
    """A project name or pattern, normalised (PEP 503). Raises InputError for any other text."""
    pattern = re.sub(r"[-_.]+", "-", text.strip()).lower()
    if not PATTERN.fullmatch(pattern):
        raise InputError(
            f"`{text}` is not the name of a project, and not a pattern",
            hint="write the name of a project, or a pattern such as acme-*",
        )
    return pattern


def location_of(project: NormalizedName, locations: Iterable[IndexLocation]) -> IndexLocation | None:
    """The location whose `projects` have a project, by name, else by pattern; None if there is none: the default is not considered.

    Raises InputError if patterns of two locations match.
    """
    candidates = list(locations)
    if named := next((location for location in candidates if location.names(project)), None):
        return named
    matching = [location for location in candidates if location.matches(project)]
    if len(matching) > 1:
        both = " and ".join(f"`{location.name}`" for location in matching[:2])
        hint = f"name one index: --from {matching[0].name}={project}"
        raise InputError(f"`{project}` matches patterns of two indexes: {both}", hint=hint)
    return matching[0] if matching else None


def document_of(locations: Iterable[IndexLocation]) -> dict[str, Any]:
    """Locations as a lock records them: `index` is the address of the default index, `indexes` a list of tables of the
    others; either is left out if there is none.
    """
    document: dict[str, Any] = {}
    for location in sorted(locations, key=lambda location: not location.is_default):
        if location.is_default:
            document["index"] = location.address
            continue
        entry: dict[str, Any] = {"name": location.name} if location.name else {}
        entry |= {"find-links" if location.links else "url": location.address, "projects": list(location.projects)}
        document.setdefault("indexes", []).append(entry)
    return document


def as_options(locations: Sequence[IndexLocation]) -> dict[str, Any]:
    """Locations as the values of the options `indexes`, `find_links`, `index_projects` (lists of texts, as a user writes them) and
    `no_index` (whether there is no default).
    """
    indexes: list[str] = []
    links: list[str] = []
    projects: list[str] = []
    for location in locations:
        (links if location.links else indexes).append(f"{location.name}={location.address}".removeprefix("="))
        if location.projects:
            projects.append(f"{location.name}={','.join(location.projects)}")
    without = not any(location.is_default for location in locations)
    return {"indexes": indexes, "find_links": links, "index_projects": projects, "no_index": without}
