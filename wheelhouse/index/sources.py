"""The indexes and links of a run: each project is requested from the one that it comes from, and from no other."""

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
from wheelhouse.index.urls import is_remote, locked_url, parts_of

Links = LinksFolder | LinksPage
Source = Index | StaticIndex | Links


class IndexLocations:
    """Clients for all locations. `redacted` are the locations without credentials, for locks and output.

    `tokens` are those of indexes, and of pages of links that have a name, by name; that of the default index has an empty name.
    """

    def __init__(
        self, locations: Sequence[IndexLocation], http: Http, pages: PageCache, tokens: Mapping[str, str] | None = None
    ) -> None:
        tokens = tokens or {}
        servers = {
            location.name: location.address
            for location in locations
            if is_remote(location.address) and (location.name or location.is_default)
        }
        if unknown := tokens.keys() - servers.keys():
            name = min(unknown)
            problem = (
                f"`{name}`, but no index on a server has this name"
                if name
                else "the default index, but the default index is missing or is not on a server"
            )
            raise InputError(f"a token is given for {problem}")
        for name, token in tokens.items():
            http.credentials.learn(servers[name], token)
        self.redacted = tuple(replace(location, address=shown(location.address)) for location in locations)
        self._clients: dict[IndexLocation, Source] = {}
        for redacted, location in zip(self.redacted, locations, strict=True):
            self._clients[redacted] = _client(location, http, pages)

    def page(self, project: NormalizedName) -> Page | None:
        """A project's page; None if it comes from no location, or its location has no such project.

        Raises ServerError or MachineError if the page cannot be had or read, and as `of`.
        """
        location = self.of(project)
        return self._clients[location].page(project) if location else None

    def releases(self, project: NormalizedName, allowed: SpecifierSet) -> Page | None:
        """The kept part of a project's page with these releases, if it is still fresh; else None, and for a project of a
        folder or of links. No request to an index is sent. Raises as `of`.
        """
        index = self._index(project)
        return index.releases(project, allowed) if index else None

    def keep_releases(self, allowed: SpecifierSet, page: Page) -> None:
        """Keep the part of a page with these releases, if it is of an index on a server that says neither how long the page
        is fresh nor how to validate it, and if `PageCache.keep_releases` does not leave it out. Raises as `of`.
        """
        if index := self._index(page.project):
            index.keep_releases(allowed, page)

    def _index(self, project: NormalizedName) -> Index | None:
        """The client of the index on a server that a project comes from; None if it comes from a folder, from links, or from
        nowhere. Raises as `of`.
        """
        location = self.of(project)
        client = self._clients[location] if location else None
        return client if isinstance(client, Index) else None

    def of(self, project: NormalizedName) -> IndexLocation | None:
        """The location of a project, without credentials: the assigned one; else the links without assigned projects that
        hold it; else the default index; else None.

        Pages of links are requested, if needed, once. Raises ServerError if one cannot be had, MachineError if a folder
        cannot be read, InputError if several links hold the project, or patterns of two locations match it.
        """
        if len(self.redacted) == 1 and self.redacted[0].is_default:
            return self.redacted[0]
        if assigned := location_of(project, self.redacted):
            return assigned
        clients = self._clients.items()
        holding = [location for location, client in clients if location.is_open and _holds(client, project)]
        if len(holding) > 1:
            hint = f"name one folder: --find-links NAME={holding[0].address} --from NAME={project}"
            both = f"`{holding[0].address}` and in `{holding[1].address}`"
            raise InputError(f"`{project}` is in {both}; a project can come from only one of the two", hint=hint)
        return holding[0] if holding else next((location for location in self.redacted if location.is_default), None)


def shown(address: str) -> str:
    """A URL without credentials, query and last `/`, for output; a folder as it is."""
    return locked_url(address).rstrip("/") if "://" in address else address


def path_of(address: str) -> Path:
    """The path of a folder, as it is written, or of a `file:` URL."""
    return Path(unquote(parts_of(address).path)) if address.startswith("file:") else Path(address)


def _holds(client: Source, project: NormalizedName) -> bool:
    """Whether a client is of links that hold a file of the project."""
    return isinstance(client, Links) and client.holds(project)


def _client(location: IndexLocation, http: Http, pages: PageCache) -> Source:
    """The client for a location; user and password in its address are learned.

    Raises InputError for a folder that is not there, or not what the location says, and for an index whose URL has a query.
    """
    name = shown(location.address)
    if is_remote(location.address):
        return LinksPage(location.address, http) if location.links else Index(location.address, http, pages)
    path = path_of(location.address)
    return LinksFolder(path, name) if location.links else StaticIndex(path, name)
