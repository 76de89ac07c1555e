"""The candidates of each project: its releases, filtered by target, constraints and selection."""

from collections.abc import Callable, Iterator, Sequence

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate, Rejected, choose, why_hash_not_allowed
from wheelhouse.archive.reasons import InvalidRequirementLine, Reason, Yanked
from wheelhouse.index.package_source import PackageSource
from wheelhouse.index.page_data import Hashes, IndexFile
from wheelhouse.index.pages import Page
from wheelhouse.resolve.direct import DirectSource
from wheelhouse.resolve.requirements import RequirementLine, by_project
from wheelhouse.resolve.resolution import EVERY_VERSION, ResolutionRequest, is_exact, merge


class ProjectCandidates:
    """One project's releases, filtered by target, constraints and selection; files are chosen when they are first asked for."""

    def __init__(self, request: ResolutionRequest, page: Page, constraints: Sequence[RequirementLine]) -> None:
        self.page = page
        self._target = request.target
        self._selection = request.selection
        self._is_direct = page.project in request.direct
        self._allowed_hashes = request.allowed_hashes(page.project)
        self._prereleases = True if self._is_direct else request.selection.prereleases(page.project)
        self._preferred = request.preferred.get(page.project)
        self._constraint = merge(line.requirement.specifier for line in constraints)
        self._is_pinned = is_exact(self._constraint)
        own_lines = (*request.requirements_of(page.project), *constraints)
        self._user_names_a_prerelease = any(line.requirement.specifier.prereleases for line in own_lines)
        self._chosen: dict[tuple[Version, bool], tuple[Candidate | None, list[Rejected]]] = {}
        self._matching: dict[str, tuple[Version, ...]] = {}
        self.deferred: dict[Version, InvalidRequirementLine] = {}
        """Releases that are taken only if no other will do, each with the reason."""

    def is_pinned(self, specifier: SpecifierSet) -> bool:
        """Whether a specifier or the constraints name one version with `==` or `===`."""
        return self._is_pinned or is_exact(specifier)

    def matching(self, specifier: SpecifierSet) -> tuple[Version, ...]:
        """The versions within a specifier and the constraints, best first, whether or not they have a file: the preferred one, the
        others newest first, the deferred ones. With `prefer_binary` versions with a wheel come before those with an sdist alone.

        Pre-releases only if the user allows them (`--pre`), names one or a file, or nothing else is left (PEP 440); with
        --only-final only for a file that the user names. A dependency's `>=1.8.0rc1` names none.
        """
        text, matching = (
            str(specifier),
            self._matching,
        )  # the dictionary of this moment: `defer` puts another in its place
        if text not in matching:
            versions = self._released(self._limited(specifier))
            if self._selection.prefer_binary:
                versions = tuple(sorted(versions, key=lambda version: not self._has_wheel(version, specifier)))
            if self.deferred:
                versions = tuple(sorted(versions, key=self.deferred.__contains__))
            if self._preferred in versions:
                versions = (self._preferred, *(version for version in versions if version != self._preferred))
            matching[text] = versions
        return matching[text]

    def defer(self, version: Version, reason: InvalidRequirementLine) -> bool:
        """From now on take a release only if no other will do. Returns False, and does nothing, if that changes no choice: it is
        deferred already, is the preferred one, or has no other beside it.
        """
        if version in self.deferred or version == self._preferred or len(self.matching(EVERY_VERSION)) < 2:
            return False
        self.deferred[version] = reason
        self._matching = {}
        return True

    def _released(self, allowed: SpecifierSet) -> tuple[Version, ...]:
        """The versions within a specifier, newest first; pre-releases if the user allows or names them, or nothing else is left and
        the user does not forbid them. `allowed` has the constraints already.
        """
        prereleases = self._prereleases if self._prereleases is not None else self._user_names_a_prerelease
        return self.page.released(allowed, prereleases=prereleases) or self.with_prereleases(allowed)

    def with_prereleases(self, allowed: SpecifierSet) -> tuple[Version, ...]:
        """The versions within a specifier, newest first, pre-releases included; empty if the user forbids pre-releases. Versions that
        constraints exclude are among them.
        """
        return () if self._prereleases is False else self.page.released(allowed, prereleases=True)

    def _matching_with_prereleases(self, specifier: SpecifierSet) -> tuple[Version, ...]:
        """`with_prereleases` within the constraints."""
        return self.with_prereleases(self._limited(specifier))

    def _limited(self, specifier: SpecifierSet) -> SpecifierSet:
        """A specifier together with the constraints; the same object if there are none."""
        return specifier & self._constraint if self._constraint else specifier

    def in_order(self) -> Iterator[Version]:
        """Every version that could ever be taken: those of `matching`, then the pre-releases among the others, as uv has it."""
        wanted = self.matching(EVERY_VERSION)
        yield from wanted
        yield from (version for version in self._matching_with_prereleases(EVERY_VERSION) if version not in wanted)

    def _has_wheel(self, version: Version, specifier: SpecifierSet) -> bool:
        """Whether the file chosen for a version is a wheel; False if there is none."""
        chosen, _ = self.choose(version, specifier)
        return chosen is not None and chosen.is_wheel

    def choose(self, version: Version, specifier: SpecifierSet) -> tuple[Candidate | None, list[Rejected]]:
        """The file of a release to take (None if none fits), and the other files with reasons. Yanked files only for an exact pin
        (PEP 592).
        """
        return self._choose(version, is_exact_pin=self.is_pinned(specifier))

    def choose_pinned(self, version: Version) -> tuple[Candidate | None, list[Rejected]]:
        """`choose` for a requirement of exactly this version: yanked files count."""
        return self._choose(version, is_exact_pin=True)

    def _choose(self, version: Version, *, is_exact_pin: bool) -> tuple[Candidate | None, list[Rejected]]:
        """The result of `choose`, kept for the next time."""
        if (version, is_exact_pin) not in self._chosen:
            allowed, rejected = [], []
            candidates = self.page.candidates(version)
            for candidate in candidates:
                reason = self._why_excluded(candidate, is_exact_pin=is_exact_pin)
                if reason:
                    rejected.append(Rejected(candidate.filename, reason))
                else:
                    allowed.append(candidate)
            chosen, others = choose(allowed, self._target) if rejected else self.page.chosen(version, self._target)
            self._chosen[version, is_exact_pin] = (chosen, rejected + others)
            if all(candidate.yanked is None for candidate in candidates):  # then a pin makes no difference
                self._chosen[version, not is_exact_pin] = self._chosen[version, is_exact_pin]
        return self._chosen[version, is_exact_pin]

    def _why_excluded(self, candidate: Candidate, *, is_exact_pin: bool) -> Reason | None:
        """Why a file may not be chosen, whatever the target: yanked without an exact pin, another hash, or, unless the user named the file,
        the selection. None if it may.
        """
        if candidate.yanked is not None and not is_exact_pin:
            return Yanked(candidate.yanked)
        if reason := why_hash_not_allowed(candidate, self._allowed_hashes):
            return reason
        return None if self._is_direct else self._selection.why_excluded(candidate)

    def best(self, specifier: SpecifierSet) -> Candidate | None:
        """The first file that can be chosen of the versions that `matching` gives, else of the other pre-releases; None if there is
        none.
        """
        for versions in (self.matching, self._matching_with_prereleases):
            for version in versions(specifier):
                if file := self.choose(version, specifier)[0]:
                    return file
        return None


def page_of_source(source: DirectSource) -> Page:
    """A page with one file, the one that the user named; the file is not read."""
    hashes = Hashes(**dict(hash_.split(":", 1) for hash_ in source.hashes))
    return Page(source.project, "", "", [IndexFile(source.filename, source.location, hashes)])


class CandidateIndex:
    """The candidates of every project for one request, each made when its page arrives."""

    def __init__(self, request: ResolutionRequest, packages: PackageSource) -> None:
        self._request, self._packages = request, packages
        self._constraints = by_project(
            line for line in request.constraints if request.target.applies(line.requirement.marker)
        )
        self._candidates: dict[NormalizedName, ProjectCandidates | None] = {}
        self._not_kept: set[NormalizedName] = set()
        """The projects of which the cache has no pinned release: it is asked once."""
        self.before_wait: Callable[[], None] = lambda: None
        """Called before a page is waited for."""

    def constraints(self, project: NormalizedName) -> Sequence[RequirementLine]:
        """The constraints on a project that apply to the target, in their order; empty if there are none."""
        return self._constraints.get(project, ())

    def get(self, project: NormalizedName) -> ProjectCandidates | None:
        """A project's candidates: the file that the user named, else the release that constraints pin, if the page cache has it;
        else those of the page, which is waited for, and whose pinned release the page cache may keep. None if the index has no such
        project. The result is kept: it is the same object each time. Raises what the request for the page raised.
        """
        if project not in self._candidates and not self.has_without_page(project):
            source = self._request.direct.get(project)
            page = page_of_source(source) if source else self._page(project)
            # two threads may come here at once: both must get the same object, which learns what is deferred
            self._candidates.setdefault(project, self._of_page(page) if page else None)
            if page and is_exact(pinned := self._constraint(project)):
                self._packages.locations.keep_releases(pinned, page)
        return self._candidates[project]

    def _page(self, project: NormalizedName) -> Page | None:
        """A project's page, which is requested and waited for; None if the index has no such project.

        Calls `before_wait` if the page is not here yet. Raises what the request raised.
        """
        arriving = self._packages.pages.get(project)
        if not arriving.done():
            self.before_wait()
        return arriving.result()

    def has_without_page(self, project: NormalizedName) -> bool:
        """Whether a project's candidates need no request: they are here, or the page cache has the release that constraints pin, with
        a file that can be chosen, and it is then kept here. False for a file that the user named, until `get` is called.

        The cache is asked once for each project. True also if `get` found that the index has no such project.
        """
        if project not in self._candidates and project not in self._not_kept:
            candidates = self._kept(project)
            if candidates and candidates.best(EVERY_VERSION):
                self._candidates.setdefault(project, candidates)
            else:
                self._not_kept.add(project)
        return project in self._candidates

    def _kept(self, project: NormalizedName) -> ProjectCandidates | None:
        """The candidates of the release that constraints pin, from the page cache; None without, or for a named file."""
        pinned = self._constraint(project)
        if project in self._request.direct or not is_exact(pinned):
            return None
        page = self._packages.locations.releases(project, pinned)
        return self._of_page(page) if page else None

    def _constraint(self, project: NormalizedName) -> SpecifierSet:
        """The merge of the constraints on a project."""
        return merge(line.requirement.specifier for line in self.constraints(project))

    def _of_page(self, page: Page) -> ProjectCandidates:
        """The candidates on a page, under the constraints of its project."""
        return ProjectCandidates(self._request, page, self.constraints(page.project))

    def place(self, project: NormalizedName) -> str:
        """Where a project would come from, in words: "the index", or an index by name and address; empty if no index is asked for it."""
        source = None if project in self._request.direct else self._packages.locations.of(project)
        if source is None:
            return ""
        if source.is_default:
            return "the index"
        return f"`{source.name}` ({source.address})" if source.name else f"`{source.address}`"
