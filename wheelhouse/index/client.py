"""An index: one Simple Repository API, on a server or in a folder, read one project page at a time."""

from dataclasses import replace
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from wheelhouse.errors import InputError
from wheelhouse.files.disk import os_errors_as_machine_error
from wheelhouse.index.http import Http, Reply
from wheelhouse.index.pagecache import PageCache, lacks_freshness
from wheelhouse.index.pages import ACCEPT, HTML_TYPE, JSON_TYPE, Page, parse_page
from wheelhouse.index.urls import locked_url, query_of, redact, redact_folder

NO_QUERY = "do not put a token in the query: use --index-token-file NAME=FILE, netrc, keyring, or user and password in the address"


class Index:
    """One Simple Repository API on a server. `url` is its root, such as `http://127.0.0.1:8080/simple`.

    Without `pages`, nothing is kept between runs.
    """

    def __init__(self, url: str, http: Http, pages: PageCache | None = None) -> None:
        self.name = locked_url(url).rstrip("/")
        if query_of(url):
            raise InputError(
                f"the address of the index {redact(url)} has a query (`?…`), which the address of an index cannot have",
                hint=NO_QUERY,
            )
        self._http, self._pages = http, pages
        http.credentials.learn(url)

    def page(self, project: NormalizedName) -> Page | None:
        """A project's page, from the page cache or the server; None if the index answers that it has no such project (404, 410).

        Raises ServerError for every other answer that is no index page.
        """
        url = self._address(project)

        def read(reply: Reply) -> Page | None:
            """The page in an answer; None for 404 and 410. Raises ServerError for what is no index page."""
            if reply.status in (404, 410):
                return None
            page = parse_page(reply.body, reply.headers.get("Content-Type", ""), project, self.name, reply.url)
            return replace(page, lacks_freshness=lacks_freshness(reply))

        headers, subject = {"Accept": ACCEPT}, f"the page of {project}"
        if self._pages:
            return self._pages.get(url, headers, read, subject)
        return read(self._http.get(url, headers, subject=subject))

    def releases(self, project: NormalizedName, allowed: SpecifierSet) -> Page | None:
        """The kept part of a project's page with these releases, if it is still fresh; else None. No request to the index is sent."""
        return self._pages.releases(self._address(project), allowed, project, self.name) if self._pages else None

    def keep_releases(self, allowed: SpecifierSet, page: Page) -> None:
        """Keep the part of a page with these releases, if its server says neither how long the page is fresh nor how to validate it,
        and the page cache may keep it.
        """
        if self._pages:
            self._pages.keep_releases(self._address(page.project), allowed, page)

    def _address(self, project: NormalizedName) -> str:
        """The URL of a project's page, with a `/` at its end."""
        return f"{self.name}/{project}/"


class StaticIndex:
    """One Simple Repository API in a folder: `<project>/index.json` or `<project>/index.html`, as mirrors write them."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self._root = root
        if not root.is_dir():
            raise InputError(
                f"the index `{redact_folder(name)}` is not an http or https address, and not a folder",
                hint="check the address after --index",
            )
        if next(root.glob("*.whl"), None) and not next(root.glob("*/index.*"), None):
            hint = f"to use a folder of files, write --find-links {name}"
            raise InputError(f"the folder `{name}` has wheels, but no pages of an index", hint=hint)

    def page(self, project: NormalizedName) -> Page | None:
        """A project's page from `index.json`, else from `index.html`; None if the folder has neither.

        Raises ServerError for a file that is no index page, MachineError for one that cannot be read.
        """
        for kind, name in ((JSON_TYPE, "index.json"), (HTML_TYPE, "index.html")):
            path = self._root / project / name
            with os_errors_as_machine_error(path):
                if path.is_file():
                    return parse_page(path.read_bytes(), kind, project, self.name, path.absolute().as_uri())
        return None
