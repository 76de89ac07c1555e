"""Where projects come from: each from one location and from no other, decided by its name before anything is asked (pure).

An index that offers a name which another serves cannot slip in between (dependency confusion): nothing falls through.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.errors import InputError

NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)", re.DOTALL)
PATTERN = re.compile(r"[a-z0-9*?]([a-z0-9*?-]*[a-z0-9*?])?")


@dataclass(frozen=True, slots=True, order=True)
class IndexLocation:
    """An index, or with `links` a folder or page of links; the default index has no name.

    `projects` are the names and patterns (`acme-*`) of what comes from it, normalised (PEP 503). Links without any supply
    every project that they hold. In a lock and in any output `address` is without credentials.
    """

    address: str
    name: str = ""
    projects: tuple[str, ...] = ()
    links: bool = False

    @property
    def is_default(self) -> bool:
        """Whether everything comes from it that comes from nowhere else."""
        return not self.name and not self.links

    @property
    def is_open(self) -> bool:
        """Whether what it holds decides which projects come from it."""
        return self.links and not self.projects

    def names(self, project: NormalizedName) -> bool:
        """Whether it is said of this project, by its whole name, that it comes from here."""
        return project in self.projects

    def matches(self, project: NormalizedName) -> bool:
        """Whether a pattern says it."""
        return any(fnmatchcase(project, pattern) for pattern in self.projects)


def split_named(text: str) -> tuple[str, str]:
    """`corp=https://…` as ("corp", "https://…"); a text without a name as ("", text)."""
    match = NAMED.fullmatch(text)
    return (match[1], match[2]) if match else ("", text)


def read_locations(
    indexes: Iterable[str], links: Iterable[str], projects: Iterable[str], default: str | None
) -> tuple[IndexLocation, ...]:
    """IndexLocations as the options say them: `corp=URL` or `URL`; `NAME=FOLDER` or `FOLDER`; `corp=PROJECT,…`.

    `default` is the index where none is given without a name; with None there is none. Raises InputError for what does
    not go together.
    """
    said = [IndexLocation(where, name) for name, where in map(split_named, indexes)]
    said += [IndexLocation(where, name, links=True) for name, where in map(split_named, links)]
    if default is not None and not any(location.is_default for location in said):
        said.append(IndexLocation(default))
    names = [location.name for location in said if location.name]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two indexes are named `{twice[0]}`", hint="give each a name of its own")
    if sum(location.is_default for location in said) > 1:
        hint = "a project comes from one index: name the others, and say what comes from them: --index corp=URL --from corp=PROJECT"
        raise InputError("more than one index has no name", hint=hint)
    held = _projects(projects, names)
    for location in said:
        if location.name and not location.links and location.name not in held:
            hint = f"say which: --from {location.name}=PROJECT, or a pattern, --from '{location.name}=acme-*'"
            raise InputError(f"nothing is said to come from the index `{location.name}`", hint=hint)
    return tuple(replace(location, projects=held.get(location.name, ())) for location in said)


def _projects(texts: Iterable[str], names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    held: dict[str, set[str]] = {}
    for text in texts:
        name, listed = split_named(text)
        if name not in names:
            hint = "write --from NAME=PROJECT, with the NAME of an --index NAME=URL"
            raise InputError(f"`--from {text}` names no index that is given", hint=hint)
        held.setdefault(name, set()).update(_pattern(one) for one in listed.split(",") if one.strip())
    owners = [(project, name) for name, projects in held.items() for project in projects]
    for project, name in owners:
        if others := [other for same, other in owners if same == project and other != name]:
            raise InputError(
                f"`{project}` is said to come from `{name}` and from `{others[0]}`",
                hint="a project comes from one index",
            )
    return {name: tuple(sorted(projects)) for name, projects in held.items()}


def _pattern(text: str) -> str:
    pattern = re.sub(r"[-_.]+", "-", text.strip()).lower()
    if not PATTERN.fullmatch(pattern):
        raise InputError(f"`{text}` is neither a project's name nor a pattern", hint="write a name, or acme-*")
    return pattern if "*" in pattern or "?" in pattern else canonicalize_name(pattern)


def location_of(project: NormalizedName, locations: Iterable[IndexLocation]) -> IndexLocation | None:
    """The location that is said to have a project: by name, else by pattern. None where nothing is said of it.

    Raises InputError where two patterns claim it.
    """
    claimed = list(locations)
    if named := next((location for location in claimed if location.names(project)), None):
        return named
    matching = [location for location in claimed if location.matches(project)]
    if len(matching) > 1:
        both = " and ".join(f"`{location.name}`" for location in matching[:2])
        hint = f"say which one: --from {matching[0].name}={project}"
        raise InputError(f"`{project}` is claimed by patterns of {both}", hint=hint)
    return matching[0] if matching else None


def document_of(locations: Iterable[IndexLocation]) -> dict[str, Any]:
    """Locations as a lock records them: the default index apart from those with a name."""
    document: dict[str, Any] = {}
    for location in sorted(locations, key=lambda location: not location.is_default):
        if location.is_default:
            document["index"] = location.address
            continue
        told: dict[str, Any] = {"name": location.name} if location.name else {}
        told |= {"find-links" if location.links else "url": location.address, "projects": list(location.projects)}
        document.setdefault("indexes", []).append(told)
    return document


def as_options(locations: Sequence[IndexLocation]) -> dict[str, Any]:
    """Locations as the options spell them, by the names that these have in a job's options."""
    indexes: list[str] = []
    links: list[str] = []
    projects: list[str] = []
    for location in locations:
        (links if location.links else indexes).append(f"{location.name}={location.address}".removeprefix("="))
        if location.projects:
            projects.append(f"{location.name}={','.join(location.projects)}")
    without = not any(location.is_default for location in locations)
    return {"indexes": indexes, "find_links": links, "index_projects": projects, "no_index": without}
