"""What the resolver will most likely need, asked for before it asks."""

from collections import defaultdict
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from itertools import islice

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.metadata import Metadata
from wheelhouse.errors import WheelhouseError
from wheelhouse.index.package_source import PackageSource
from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.resolution import Dependency, Identifier, ResolutionRequest, dependencies_of


class Prefetcher:
    """Walks ahead of the resolver and asks for what it will most likely need. It guesses and decides nothing."""

    def __init__(self, question: ResolutionRequest, supply: PackageSource, shelves: CandidateIndex) -> None:
        self._question, self._supply, self._shelves = question, supply, shelves
        self._seen: set[Identifier] = set()
        self._tried: dict[NormalizedName, set[Version]] = defaultdict(set)

    def expect(self, need: Dependency) -> None:
        """That this will be needed."""
        if (need.project, need.extra) in self._seen:
            return
        self._seen.add((need.project, need.extra))
        if need.project in self._question.direct or self._shelves.kept(need.project):
            self._on_page(need)
        else:
            self._supply.pages.get(need.project).add_done_callback(lambda _page: self._on_page(need))

    def note(self, candidate: Candidate) -> None:
        """That the resolver tries this one. Once a project's second, fourth, eighth… release is tried, as many more may be."""
        versions = self._tried[candidate.project]
        if candidate.version in versions:  # with another extra
            return
        versions.add(candidate.version)
        tried, shelf = len(versions), self._shelves.get(candidate.project)
        if tried == 1 or tried & (tried - 1) or not shelf:
            return
        older = (version for version in shelf.matching(SpecifierSet()) if version < candidate.version)
        chosen = (shelf.choose(version, SpecifierSet())[0] for version in older)
        for each in islice(filter(None, chosen), tried):
            self._supply.metadata.get(each)

    def _on_page(self, need: Dependency) -> None:
        with suppress(WheelhouseError, CancelledError, RuntimeError):
            shelf = self._shelves.get(need.project)
            candidate = shelf.best(need.specifier) if shelf else None
            if shelf and candidate:
                metadata = self._supply.metadata.get(candidate, certain=shelf.is_pinned(need.specifier))
                metadata.add_done_callback(lambda future: self._on_metadata(need, candidate, future))

    def _on_metadata(self, need: Dependency, candidate: Candidate, future: "Future[Metadata]") -> None:
        """What fails here fails again for whoever needs it, and is told then."""
        question = self._question
        with suppress(WheelhouseError, CancelledError, RuntimeError):
            for requirement, _ in future.result().requirements(question.target, need.extra, question.adjustments):
                for further in dependencies_of(requirement, str(candidate.project), direct=question.direct):
                    self.expect(further)
