"""All locations of a run: each project is asked of the one that it comes from, and of no other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from wheelhouse.errors import InputError
from wheelhouse.index.client import Index, StaticIndex
from wheelhouse.index.http import Http
from wheelhouse.index.links import LinksFolder, LinksPage
from wheelhouse.index.locations import IndexLocation, location_of
from wheelhouse.index.pagecache import PageCache
from wheelhouse.index.pages import Page
from wheelhouse.index.urls import parts_of, redact

Links = LinksFolder | LinksPage
Source = Index | StaticIndex | Links


class IndexLocations:
    """What `locations` name, with the credentials that their addresses hold; `told` are the same without.

    `tokens` are those of indexes, by their names.
    """

    def __init__(
        self, locations: Sequence[IndexLocation], http: Http, pages: PageCache, tokens: Mapping[str, str] | None = None
    ) -> None:
        tokens = tokens or {}
        if unknown := tokens.keys() - {location.name for location in locations if _is_remote(location.address)}:
            raise InputError(f"a token is given for `{min(unknown)}`, which names no index on a server")
        self.told = tuple(replace(location, address=shown(location.address)) for location in locations)
        self._doors: dict[IndexLocation, Source] = {}
        for told, location in zip(self.told, locations, strict=True):
            self._doors[told] = _door(location, http, pages)
            if location.name in tokens and not location.links:
                http.credentials.learn(location.address, tokens[location.name])

    def page(self, project: NormalizedName) -> Page | None:
        """A project's page, from where it comes; None where that has no such project."""
        location = self.of(project)
        return self._doors[location].page(project) if location else None

    def releases(self, project: NormalizedName, allowed: SpecifierSet) -> Page | None:
        """A project's page with these releases alone, where its index need not be asked for it."""
        door = self._index(project)
        return door.releases(project, allowed) if door else None

    def keep_releases(self, allowed: SpecifierSet, page: Page) -> None:
        """Keep what an index's page says of these releases, if its server leaves that to us."""
        if door := self._index(page.project):
            door.keep_releases(allowed, page)

    def _index(self, project: NormalizedName) -> Index | None:
        location = self.of(project)
        door = self._doors[location] if location else None
        return door if isinstance(door, Index) else None

    def of(self, project: NormalizedName) -> IndexLocation | None:
        """Where a project comes from: as was said; else from the links that hold it; else from the default index.

        Raises InputError where that is not clear.
        """
        if said := location_of(project, self.told):
            return said
        holding = [location for location, door in self._doors.items() if location.is_open and _holds(door, project)]
        if len(holding) > 1:
            hint = f"say which one: --find-links NAME={holding[0].address} --from NAME={project}"
            both = f"`{holding[0].address}` and in `{holding[1].address}`"
            raise InputError(f"`{project}` lies in {both}, and comes from one of them only", hint=hint)
        return holding[0] if holding else next((location for location in self.told if location.is_default), None)


def shown(address: str) -> str:
    """An address or a folder, fit for any output."""
    return redact(address).rstrip("/") if "://" in address else address


def path_of(address: str) -> Path:
    """The path of a folder or a `file:` address."""
    return Path(unquote(parts_of(address).path)) if address.startswith("file:") else Path(address)


def _is_remote(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def _holds(door: Source, project: NormalizedName) -> bool:
    return isinstance(door, Links) and door.holds(project)


def _door(location: IndexLocation, http: Http, pages: PageCache) -> Source:
    name = shown(location.address)
    if _is_remote(location.address):
        return LinksPage(location.address, http) if location.links else Index(location.address, http, pages)
    path = path_of(location.address)
    return LinksFolder(path, name) if location.links else StaticIndex(path, name)
