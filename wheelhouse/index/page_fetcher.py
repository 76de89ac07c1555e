"""Project pages: each is requested once in a run, as early as somebody needs it."""

from concurrent.futures import Future

from packaging.utils import NormalizedName

from wheelhouse.events import Finished, Listener, Waiting, ignore
from wheelhouse.files.tasks import Tasks
from wheelhouse.index.pages import Page
from wheelhouse.index.sources import IndexLocations


class PageFetcher:
    """Fetches each project's page from the location that the project comes from, in the threads of `requests`."""

    def __init__(self, locations: IndexLocations, requests: Tasks, on_event: Listener = ignore) -> None:
        self._locations, self._requests, self._on_event = locations, requests, on_event

    def get(self, project: NormalizedName) -> "Future[Page | None]":
        """A future of a project's page, which is requested once in a run; its result is None if its location lacks it, or it has none."""
        return self._requests.start(("page", project), lambda: self._fetch(project))

    def _fetch(self, project: NormalizedName) -> Page | None:
        """The project's page, or None. Emits `Waiting` and, unless an error is raised, `Finished`."""
        subject = f"{project} (page)"
        self._on_event(Waiting(subject))
        page = self._locations.page(project)
        self._on_event(Finished(subject))
        return page
