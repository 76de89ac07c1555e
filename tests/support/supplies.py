"""What a run takes from an index on loopback, with a cache of its own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.index import IndexServer
from wheelhouse.events import Listener, ignore
from wheelhouse.files.cache import Cache
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.index.locations import IndexLocation
from wheelhouse.index.package_source import PackageSource
from wheelhouse.index.pagecache import PageCache
from wheelhouse.index.sources import IndexLocations

PATIENT = HttpSettings(timeout=5, retries=1)


@contextmanager
def supplying(
    server: IndexServer,
    cache: Path,
    listener: Listener = ignore,
    settings: HttpSettings = PATIENT,
    *,
    upgrade: bool = False,
) -> Iterator[PackageSource]:
    """The supply of one run whose default index is `server`."""
    http, kept = Http(settings, listener), Cache(cache)
    locations = IndexLocations([IndexLocation(server.url)], http, PageCache(http, kept, ask_always=upgrade))
    with closing(PackageSource(locations, http, kept, listener)) as supply:
        yield supply
