"""Requests pages and metadata before the resolver needs them."""

from collections import defaultdict, deque
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from itertools import dropwhile, islice

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.metadata import Metadata
from wheelhouse.errors import WheelhouseError
from wheelhouse.index.package_source import PackageSource
from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.resolution import (
    EVERY_VERSION,
    Dependency,
    Identifier,
    ResolutionRequest,
    dependencies_of,
)


class Prefetcher:
    """Walks ahead of the resolver and requests what it will most likely need. It guesses, and decides nothing.

    It walks only when the resolver must wait: where all is in memory, as for most targets of a fleet, there is nothing to request.
    """

    def __init__(self, request: ResolutionRequest, packages: PackageSource, index: CandidateIndex) -> None:
        self._request, self._packages, self._index = request, packages, index
        self._announced: deque[Dependency] = deque()
        self._expected: set[Identifier] = set()
        self._tried: dict[NormalizedName, set[Version]] = defaultdict(set)

    def announce(self, dependency: Dependency) -> None:
        """Note that the resolver will come to a dependency. Nothing is requested before `walk`."""
        self._announced.append(dependency)

    def walk(self) -> None:
        """Request what the dependencies announced since the last call need, and so on below them. The resolver calls it
        before it waits.
        """
        while self._announced:
            self._expect(self._announced.popleft())

    def _expect(self, dependency: Dependency) -> None:
        """Request the page and the best file's metadata of a dependency, and so on below it; each project and extra once."""
        if (dependency.project, dependency.extra) in self._expected:
            return
        self._expected.add((dependency.project, dependency.extra))
        if dependency.project in self._request.direct or self._index.has_without_page(dependency.project):
            self._on_page(dependency)
        else:
            self._packages.pages.get(dependency.project).add_done_callback(lambda _page: self._on_page(dependency))

    def note_trial(self, candidate: Candidate) -> None:
        """Note that the resolver tries a candidate. At a project's second, fourth, eighth… release, request the metadata of as many
        further ones.
        """
        versions = self._tried[candidate.project]
        if candidate.version in versions:  # with another extra
            return
        versions.add(candidate.version)
        count, candidates = len(versions), self._index.get(candidate.project)
        if count == 1 or count & (count - 1) or not candidates:
            return
        further = dropwhile(lambda version: version != candidate.version, candidates.in_order())
        files = (candidates.choose(version, EVERY_VERSION)[0] for version in islice(further, 1, None))
        for file in islice(filter(None, files), count):
            self._packages.metadata.get(file)

    def _on_page(self, dependency: Dependency) -> None:
        """Request the metadata of the best candidate on a page that has arrived, unless that is costly, and when it is here,
        what it requires. Errors are left to the resolver.
        """
        with suppress(WheelhouseError, CancelledError, RuntimeError):
            candidates = self._index.get(dependency.project)
            best = candidates.best(dependency.specifier) if candidates else None
            if candidates and best and not best.is_costly:
                metadata = self._packages.metadata.get(best, certain=candidates.is_pinned(dependency.specifier))
                metadata.add_done_callback(lambda future: self._on_metadata(dependency, best, future))

    def _on_metadata(self, dependency: Dependency, candidate: Candidate, future: "Future[Metadata]") -> None:
        """Request what the metadata requires, and so on below it. An error here is ignored: the resolver gets it again, and reports it."""
        request = self._request
        with suppress(WheelhouseError, CancelledError, RuntimeError):
            for requirement, _ in future.result().requirements(request.target, dependency.extra, request.adjustments):
                for further in dependencies_of(requirement, str(candidate.project), direct=request.direct):
                    self._expect(further)
