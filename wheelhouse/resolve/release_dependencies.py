"""What each release depends on, for one target, from its metadata and the user's adjustments."""

from collections.abc import Iterable, Iterator, Sequence

from packaging.specifiers import SpecifierSet

from wheelhouse.archive.artifact import Candidate, requires_python_of
from wheelhouse.archive.metadata import Metadata, UnreadableRequirementError, old_pip_reads
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import InvalidRequirementLine, RequiresPython
from wheelhouse.events import Listener, Warned
from wheelhouse.index.package_source import PackageSource
from wheelhouse.resolve.candidates import CandidateIndex
from wheelhouse.resolve.prefetch import Prefetcher
from wheelhouse.resolve.resolution import (
    NEVER,
    CandidateRelease,
    Dependency,
    ResolutionRequest,
    dependencies_of,
    is_exact,
    merge,
)


class DeferredError(Exception):
    """A release is to be taken last from now on: choose again."""


class ReleaseDependencies:
    """The dependencies of each release on one target; warns of odd metadata, and prefetches what the dependencies lead to."""

    def __init__(
        self,
        request: ResolutionRequest,
        packages: PackageSource,
        index: CandidateIndex,
        prefetcher: Prefetcher,
        on_event: Listener,
    ) -> None:
        self._request, self._packages, self._index, self._prefetcher = request, packages, index, prefetcher
        self._on_event = on_event
        self._warned: set[str] = set()
        self._dependencies: dict[tuple[str, str], list[Dependency]] = {}

    def of(self, release: CandidateRelease) -> Sequence[Dependency]:
        """The dependencies of a release on this target, read once; its metadata is waited for, and the prefetcher is told of
        the trial and of the dependencies. Raises DeferredError if the release is now deferred, InputError as `dependencies_of`,
        and what reading the metadata raises.
        """
        key = (release.candidate.key, release.extra)
        if key not in self._dependencies:
            self._prefetcher.note_trial(release.candidate)
            self._dependencies[key] = list(self._read_dependencies(release))
            for dependency in self._dependencies[key]:
                if dependency.project != NEVER:
                    self._prefetcher.announce(dependency)
        return self._dependencies[key]

    def _read_dependencies(self, release: CandidateRelease) -> Iterator[Dependency]:
        """The dependencies that the release's metadata give, and for an extra one on the release without it; one on NEVER,
        which excludes the release, if its Python does not fit, or, with a warning, if a requirement is unreadable. Warns of
        an extra that the metadata do not have. The Python is not looked at with an extra, or if the page gave the same.

        Raises DeferredError if the release is now deferred, InputError as `dependencies_of`, and what reading the metadata
        raises.
        """
        candidate, origin = release.candidate, f"{release.candidate.project} {release.candidate.version}"
        pinned = is_exact(merge(line.requirement.specifier for line in self._index.constraints(candidate.project)))
        reading = self._packages.metadata.get(candidate, certain=pinned)
        if not reading.done():
            self._prefetcher.walk()
        metadata = reading.result()
        if (line := metadata.invalid_line) and self._defer(candidate, line):
            raise DeferredError
        if release.extra:
            yield Dependency(candidate.project, "", SpecifierSet(f"=={candidate.version}"), origin, release)
            if release.extra not in metadata.extras:
                self._warn(f"{origin} has no extra named `{release.extra}`; the extra is ignored")
        elif metadata.requires_python != candidate.requires_python and not metadata.allows(self._request.target):
            required = requires_python_of(metadata.requires_python or "")
            reason = RequiresPython(str(required), str(self._request.target.python.version))
            yield Dependency(NEVER, "", required, origin, release, reason)
        try:
            yield from self._required(release, metadata, origin)
        except UnreadableRequirementError as error:
            self._warn(f"{error}; this release is left out")
            yield Dependency(NEVER, "", SpecifierSet(), origin, release, error.reason)

    def _defer(self, candidate: Candidate, line: str) -> bool:
        """Put a release with an invalid line last, as pip 24.1 and newer pass over it. Returns whether that changes anything."""
        candidates = self._index.get(candidate.project)
        reason = InvalidRequirementLine(line, old_pip_reads(line))
        return candidates is not None and candidates.defer(candidate.version, reason)

    def warn_of_deferred(self, releases: Iterable[CandidateRelease]) -> None:
        """Warn of releases that are newer than the given ones and were deferred because of an invalid line, even if
        requirements exclude them, too.
        """
        for release in releases:
            project, version = release.candidate.project, release.candidate.version
            candidates = self._index.get(project)
            for other, reason in candidates.deferred.items() if candidates else ():
                if other > version:
                    self._warn(f"{project} {version} was chosen instead of {other}, which {reason_text(reason)}")

    def _required(self, release: CandidateRelease, metadata: Metadata, origin: str) -> Iterator[Dependency]:
        """The dependencies of a release with its extra, as adjusted by the user. Warns of what PEP 508 does not allow.

        Raises UnreadableRequirementError, and InputError as `dependencies_of`.
        """
        request = self._request
        for requirement, rules in metadata.requirements(request.target, release.extra, request.adjustments):
            if rules:
                self._warn(
                    f"{origin} has a requirement on `{requirement.name}` that PEP 508 does not allow ({rules}); "
                    f"wheelhouse reads the requirement as `{requirement}`"
                )
            yield from dependencies_of(requirement, origin, release, request.direct)

    def _warn(self, sentence: str) -> None:
        """Warn, each sentence once."""
        if sentence not in self._warned:
            self._warned.add(sentence)
            self._on_event(Warned(sentence))
