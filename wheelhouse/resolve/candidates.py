"""Shelves: each project's releases as one target, the constraints and the selection leave them."""

from collections.abc import Callable, Iterator, Sequence

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import YANKED, Candidate, Rejected, choose, wrong_hash
from wheelhouse.index.package_source import PackageSource
from wheelhouse.index.page_data import Hashes, IndexFile
from wheelhouse.index.pages import Page
from wheelhouse.resolve.direct import DirectSource
from wheelhouse.resolve.requirements import RequirementLine, by_project
from wheelhouse.resolve.resolution import ResolutionRequest, is_exact, merge


class ProjectCandidates:
    """One project's releases as a target, the constraints and the selection leave them."""

    def __init__(self, question: ResolutionRequest, page: Page, constraints: Sequence[RequirementLine]) -> None:
        self.page = page
        self._target = question.target
        self._selection = question.selection
        self._direct = page.project in question.direct
        self._allowed = question.allowed_hashes(page.project)
        self._wished = True if self._direct else question.selection.prereleases(page.project)
        self._preferred = question.preferred.get(page.project)
        self._constraint = merge(line.requirement.specifier for line in constraints)
        named = [line.requirement for line in (*question.requirements, *constraints) if line.project == page.project]
        self._asked_for_a_pre_release = any(requirement.specifier.prereleases for requirement in named)
        self._chosen: dict[tuple[Version, bool], tuple[Candidate | None, list[Rejected]]] = {}
        self._matching: dict[str, tuple[Version, ...]] = {}
        self.deferred: dict[Version, str] = {}
        """Releases that are taken only where no other will do, each with the reason."""

    def is_pinned(self, specifier: SpecifierSet) -> bool:
        """Whether exactly one version can ever be chosen."""
        return is_exact(self._constraint) or is_exact(specifier)

    def matching(self, specifier: SpecifierSet) -> tuple[Version, ...]:
        """The versions within a specifier and the constraints, best first: the preferred one, newest first, the deferred ones.

        Pre-releases only where the user names one, or nothing else is left (PEP 440): a dependency's `>=1.8.0rc1` is no wish.
        """
        text = str(specifier)
        if text not in self._matching:
            allowed = specifier & self._constraint
            versions = self._released(allowed)
            if self._selection.prefer_binary:
                versions = tuple(sorted(versions, key=lambda version: not self._has_wheel(version, specifier)))
            if self.deferred:
                versions = tuple(sorted(versions, key=self.deferred.__contains__))
            if self._preferred in versions:
                versions = (self._preferred, *(version for version in versions if version != self._preferred))
            self._matching[text] = versions
        return self._matching[text]

    def defer(self, version: Version, reason: str) -> bool:
        """From now on take a release only where no other will do; whether that can change what is chosen."""
        if version in self.deferred or version == self._preferred or len(self.matching(SpecifierSet())) < 2:
            return False
        self.deferred[version] = reason
        self._matching = {}
        return True

    def _released(self, allowed: SpecifierSet) -> tuple[Version, ...]:
        wished = self._wished if self._wished is not None else self._asked_for_a_pre_release
        return tuple(allowed.filter(self.page.versions, prereleases=wished)) or self._at_last(allowed)

    def _at_last(self, allowed: SpecifierSet) -> tuple[Version, ...]:
        """All that is left where no final release can be taken: none where the user forbade pre-releases."""
        return () if self._wished is False else tuple(allowed.filter(self.page.versions, prereleases=True))

    def _has_wheel(self, version: Version, specifier: SpecifierSet) -> bool:
        chosen, _ = self.choose(version, specifier)
        return chosen is not None and chosen.is_wheel

    def choose(self, version: Version, specifier: SpecifierSet) -> tuple[Candidate | None, list[Rejected]]:
        """The file of a release to take, and the others with what speaks against each. Yanked ones only by exact pin."""
        exact = self.is_pinned(specifier)
        if (version, exact) not in self._chosen:
            open_to, rejected = [], []
            for candidate in self.page.candidates(version):
                reason = self._against(candidate, exact=exact)
                if reason:
                    rejected.append(Rejected(candidate.filename, reason))
                else:
                    open_to.append(candidate)
            chosen, others = choose(open_to, self._target)
            self._chosen[version, exact] = (chosen, rejected + others)
        return self._chosen[version, exact]

    def _against(self, candidate: Candidate, *, exact: bool) -> str | None:
        if candidate.yanked is not None and not exact:
            return f"{YANKED}{': ' + candidate.yanked if candidate.yanked else ''}"
        if wrong := wrong_hash(candidate, self._allowed):
            return wrong
        return None if self._direct else self._selection.against(candidate)

    def usable(
        self, specifier: SpecifierSet, is_open: Callable[[Version], bool] = lambda _version: True
    ) -> Iterator[Candidate]:
        """The files that could be chosen, best first; pre-releases, too, where no other release that is open has one.

        What is open is asked again at the end: who takes the files one by one learns on the way.
        """
        yielded = []
        for version in self.matching(specifier):
            if is_open(version) and (candidate := self.choose(version, specifier)[0]):
                yielded.append(version)
                yield candidate
        if not any(map(is_open, yielded)):
            for version in self._at_last(specifier & self._constraint):
                if is_open(version) and (candidate := self.choose(version, specifier)[0]):
                    yield candidate

    def best(self, specifier: SpecifierSet) -> Candidate | None:
        """The first file that could be chosen."""
        return next(self.usable(specifier), None)

    def conceivable(self, specifier: SpecifierSet) -> Iterator[Version]:
        """The versions that could be chosen within a specifier, the likely ones first.

        Others may ask in a way that admits pre-releases or a yanked release: these come last.
        """
        yield from (version for version in self.matching(specifier) if self.choose(version, specifier)[0])
        for version in self._at_last(specifier & self._constraint):
            if self.choose(version, SpecifierSet(f"=={version}"))[0]:
                yield version


def page_of_source(source: DirectSource) -> Page:
    """A page that offers one file: the one that the user named."""
    hashes = Hashes(**dict(hash_.split(":", 1) for hash_ in source.hashes))
    return Page(source.project, "", "", [IndexFile(source.filename, source.location, hashes)])


class CandidateIndex:
    """Every project's shelf for one question, made when its page is here."""

    def __init__(self, question: ResolutionRequest, supply: PackageSource) -> None:
        self._question, self._supply = question, supply
        self._constraints = by_project(
            line for line in question.constraints if question.target.applies(line.requirement.marker)
        )
        self._shelves: dict[NormalizedName, ProjectCandidates | None] = {}

    def constraints(self, project: NormalizedName) -> Sequence[RequirementLine]:
        """The constraints that speak of a project and apply to the target."""
        return self._constraints.get(project, ())

    def get(self, project: NormalizedName) -> ProjectCandidates | None:
        """A project's shelf; waits for its page. None where the index has no such project."""
        if project not in self._shelves and not self.kept(project):
            source = self._question.direct.get(project)
            page = page_of_source(source) if source else self._supply.pages.get(project).result()
            self._shelves[project] = self._of_page(page) if page else None
            if page and is_exact(self._constraint(project)):
                self._supply.locations.keep_releases(self._constraint(project), page)
        return self._shelves[project]

    def kept(self, project: NormalizedName) -> bool:
        """Whether a project's shelf can be had without a page: it is made already, or what is kept of the pinned release will do."""
        if project not in self._shelves and is_exact(pinned := self._constraint(project)):
            page = None if project in self._question.direct else self._supply.locations.releases(project, pinned)
            shelf = self._of_page(page) if page else None
            if shelf and shelf.best(SpecifierSet()):
                self._shelves[project] = shelf
        return project in self._shelves

    def _constraint(self, project: NormalizedName) -> SpecifierSet:
        return merge(line.requirement.specifier for line in self.constraints(project))

    def _of_page(self, page: Page) -> ProjectCandidates:
        return ProjectCandidates(self._question, page, self.constraints(page.project))

    def place(self, project: NormalizedName) -> str:
        """Where a project would come from, as people say it."""
        source = self._supply.locations.of(project)
        if source is None:
            return "any index that is given"
        return "the index" if source.is_default else f"`{source.name or source.address}` ({source.address})"
