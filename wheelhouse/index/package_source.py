"""What a run takes from indexes and from the store: pages, artifacts, metadata and provenance, each in an object of its own."""

from wheelhouse.archive.waivers import NO_WAIVERS, Waivers
from wheelhouse.events import Listener, ignore
from wheelhouse.files.store import Store
from wheelhouse.files.tasks import Tasks
from wheelhouse.index.artifact_store import ArtifactStore
from wheelhouse.index.file_addresses import FileAddresses
from wheelhouse.index.http import Http
from wheelhouse.index.inspections import Inspections
from wheelhouse.index.metadata_resolver import MetadataResolver
from wheelhouse.index.page_fetcher import PageFetcher
from wheelhouse.index.provenance_store import ProvenanceStore
from wheelhouse.index.sources import IndexLocations
from wheelhouse.index.store_access import StoreAccess

REQUEST_THREADS, DOWNLOAD_THREADS = 16, 8


class PackageSource:
    """The parts that all targets of a run share, and the threads that they work in. Closed with `close`.

    `addresses` holds for the run what a lock may not hold: the step that writes locks fills it, the step that fetches reads it.
    """

    def __init__(
        self,
        locations: IndexLocations,
        http: Http,
        store: Store,
        on_event: Listener = ignore,
        waivers: Waivers = NO_WAIVERS,
    ) -> None:
        self.http = http
        self._requests, self._downloads = Tasks(REQUEST_THREADS, "requests"), Tasks(DOWNLOAD_THREADS, "downloads")
        access = StoreAccess(http, store)
        inspections = Inspections(access)
        self.locations, self.store, self.addresses = locations, store, FileAddresses()
        self.links_files = False
        """Whether a wheelhouse has hard links to the files of the store if its file system cannot share blocks."""
        self.is_virtual = False
        """Whether files go to the store that machines share, and not into wheelhouses."""
        self.pages = PageFetcher(locations, self._requests, on_event)
        self.artifacts = ArtifactStore(http, access, inspections, self._downloads, on_event, waivers)
        self.metadata = MetadataResolver(http, self.artifacts, inspections, self._requests, on_event)
        self.provenance = ProvenanceStore(http, access, self._requests, on_event)

    def close(self) -> None:
        """Close all connections and stop all work, without waiting for it; a later run resumes unfinished downloads."""
        self.http.close()
        self._downloads.close()
        self._requests.close()
        self.artifacts.close()
