"""The request for one target, the dependencies that follow from it, and the result (pure)."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import combinations

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate, Rejected
from wheelhouse.archive.metadata import Metadata
from wheelhouse.archive.overrides import AS_ASKED, Adjustments
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import Reason
from wheelhouse.errors import InputError
from wheelhouse.resolve.direct import REPOSITORY, DirectSource
from wheelhouse.resolve.requirements import RequirementLine, by_project
from wheelhouse.resolve.selection import ANYTHING, Selection
from wheelhouse.target.target import Target

CREDENTIALS = re.compile(r"//[^/?#]*@")
NEVER = NormalizedName("<never>")
"""A project that no index has: a release that depends on it cannot be chosen, and the dependency's `reason` says why."""
EVERY_VERSION = SpecifierSet()
Identifier = tuple[NormalizedName, str]
"""A project and one of its extras, or "" for the project itself."""


@dataclass(frozen=True)
class ResolutionRequest:
    """What to resolve for one target.

    `direct` are the files that the user named; no index is asked for these projects. `preferred` are the pins of an
    existing lock file, kept if they are still allowed. A search is stopped after `seconds`.
    """

    target: Target
    requirements: tuple[RequirementLine, ...]
    constraints: tuple[RequirementLine, ...] = ()
    selection: Selection = ANYTHING
    adjustments: Adjustments = AS_ASKED
    direct: Mapping[NormalizedName, DirectSource] = field(default_factory=dict)
    preferred: Mapping[NormalizedName, Version] = field(default_factory=dict)
    seconds: float | None = None

    def requirements_of(self, project: NormalizedName) -> Sequence[RequirementLine]:
        """The requirement lines of a project, whether or not their markers apply; empty if there are none."""
        return self._requirements_by_project.get(project, ())

    @cached_property
    def _requirements_by_project(self) -> Mapping[NormalizedName, Sequence[RequirementLine]]:
        """The requirement lines by project: a job may have thousands of both."""
        return by_project(self.requirements)

    def allowed_hashes(self, project: NormalizedName) -> list[frozenset[str]]:
        """Sets of hashes (`sha256:…`) from the lines that apply to the target; the project's file must have one of each set. Empty
        if no line gives a hash.
        """
        lines = self._lines_with_hashes.get(project, ())
        return [
            hashes for line in lines if self.target.applies(line.requirement.marker) for hashes in line.allowed_hashes
        ]

    def must_admit_hashes(self) -> None:
        """Raise InputError if two lines that apply to the target, or the address and `--hash` of one, give hashes of one
        project that no file can have both.
        """
        for project, lines in self._lines_with_hashes.items():
            hashes_by_line = [
                (line.origin, hashes)
                for line in lines
                if self.target.applies(line.requirement.marker)
                for hashes in line.allowed_hashes
            ]
            for (first, some), (second, others) in combinations(hashes_by_line, 2):
                if not _compatible(some, others):
                    sentence = f"{first} and {second} allow different hashes for {project}, so no file can match both"
                    raise InputError(
                        sentence,
                        hint="remove one of the two requirements, or write all hashes into both requirements",
                    )

    @cached_property
    def _lines_with_hashes(self) -> Mapping[NormalizedName, Sequence[RequirementLine]]:
        """The requirements and constraints that give hashes, by project, whether or not their markers apply."""
        return by_project(line for line in (*self.requirements, *self.constraints) if line.allowed_hashes)

    @property
    def requires_hashes(self) -> bool:
        """Whether a file without a hash on its line is refused: as an option says, else, as in pip, if any line has a `--hash`."""
        if self.selection.require_hashes is None:
            return any(line.hashes for line in (*self.requirements, *self.constraints))
        return self.selection.require_hashes


def _compatible(some: Iterable[str], others: Collection[str]) -> bool:
    """Whether one file can have a hash of each: the same hash, or hashes of different algorithms."""
    algorithms = {hash_.partition(":")[0] for hash_ in others}
    return any(hash_ in others or algorithms != {hash_.partition(":")[0]} for hash_ in some)


@dataclass(frozen=True, slots=True)
class CandidateRelease:
    """A candidate for a project, or for one of its extras."""

    candidate: Candidate
    extra: str = ""

    def __str__(self) -> str:
        extra = f"[{self.extra}]" if self.extra else ""
        return f"{self.candidate.project}{extra} {self.candidate.version}"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A requirement for a project, or for one of its extras, within a specifier.

    `origin` is the file and line, or the release, that requires it; `parent` is that release. `reason` says why nothing
    satisfies it, if its project is NEVER.
    """

    project: NormalizedName
    extra: str
    specifier: SpecifierSet
    origin: str
    parent: CandidateRelease | None = None
    reason: Reason | None = None

    def __str__(self) -> str:
        if self.reason:
            return f"{self.origin} {reason_text(self.reason)}"
        extra = f"[{self.extra}]" if self.extra else ""
        return f"{self.project}{extra}{self.specifier}"


@dataclass(frozen=True, slots=True)
class ResolvedProject:
    """The file chosen for one project, and why no other was.

    `rejected` are the other files of its release. `skipped` are newer releases without a file for the target,
    `passed_over` newer releases, by version, that have another reason. `constraint` is the line that limited it, and its origin.
    """

    candidate: Candidate
    metadata: Metadata
    extras: tuple[NormalizedName, ...]
    dependencies: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    skipped: tuple[Version, ...]
    constraint: str | None = None
    passed_over: tuple[Rejected, ...] = ()


def dependencies_of(
    requirement: Requirement,
    origin: str,
    parent: CandidateRelease | None = None,
    direct: Collection[NormalizedName] = (),
) -> Iterator[Dependency]:
    """A requirement as dependencies: one on the project, then one on each extra, sorted, each once. Its marker is not looked at.

    Raises InputError if it names a file by its address, unless the user named a file of that project, whatever its address.
    """
    project = canonicalize_name(requirement.name)
    if requirement.url and project not in direct:
        address = CREDENTIALS.sub("//", requirement.url).partition("?")[0]
        hint = (
            f"if you trust the file at this address, request it yourself: '{project} @ …#sha256=…'; "
            "or write the release that you want into a file for --override"
        )
        if REPOSITORY.match(requirement.url):
            hint = (
                "if you trust the code, build a wheel of it, offer the wheel with --find-links, "
                f"and write its release (`{project}==…`) into a file for --override"
            )
        sentence = f"{origin} requires `{project} @ {address}`, but this address is outside the indexes"
        raise InputError(sentence, hint=hint)
    for extra in ("", *sorted({canonicalize_name(extra) for extra in requirement.extras})):
        yield Dependency(project, extra, requirement.specifier, origin, parent)


def dependency_text(requirement: Requirement) -> str:
    """A requirement without its marker and address, names normalised, each extra once: `name[a,b]>=1`."""
    extras = ",".join(sorted(set(map(canonicalize_name, requirement.extras))))
    return canonicalize_name(requirement.name) + (f"[{extras}]" if extras else "") + str(requirement.specifier)


def merge(specifiers: Iterable[SpecifierSet]) -> SpecifierSet:
    """The specifier that admits what all the given ones admit; EVERY_VERSION for none."""
    merged: SpecifierSet | None = None
    for specifier in specifiers:
        merged = specifier if merged is None else merged & specifier
    return EVERY_VERSION if merged is None else merged


@lru_cache(maxsize=65536)
def is_exact(specifier: SpecifierSet) -> bool:
    """Whether a specifier has a clause that names one version: `==1.2` or `===1.2`, not `==1.*`."""
    return any(
        clause.operator == "===" or (clause.operator == "==" and not clause.version.endswith(".*"))
        for clause in specifier
    )
