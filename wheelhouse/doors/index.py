"""An index: one Simple Repository API, asked for one project's page at a time."""

from packaging.utils import NormalizedName

from wheelhouse.doors.credentials import redact
from wheelhouse.doors.http import Http
from wheelhouse.doors.pages import ACCEPT, Page, parse_page


class Index:
    """One Simple Repository API. `url` is its root, such as `http://127.0.0.1:8080/simple`."""

    def __init__(self, url: str, http: Http) -> None:
        self.url = url.rstrip("/")
        self.name = redact(self.url)
        self._http = http
        http.credentials.learn(self.url)

    def page(self, project: NormalizedName) -> Page | None:
        """A project's page; None where the index says that it has no such project (404).

        Raises ServerError for everything that is neither.
        """
        url = f"{self.url}/{project}/"
        reply = self._http.get(url, {"Accept": ACCEPT}, subject=f"the page of {project}")
        if reply.status in (404, 410):
            return None
        return parse_page(reply.body, reply.headers.get("Content-Type", ""), project, self.name, reply.url)
