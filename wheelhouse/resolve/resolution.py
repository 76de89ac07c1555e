"""What is asked of one target, what that leads to, and what was chosen (pure)."""

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
from wheelhouse.errors import InputError
from wheelhouse.resolve.direct import REPOSITORY, DirectSource
from wheelhouse.resolve.requirements import RequirementLine, by_project
from wheelhouse.resolve.selection import ANYTHING, Selection
from wheelhouse.target.target import Target

CREDENTIALS = re.compile(r"//[^/?#]*@")
NEVER = NormalizedName("<never>")
"""What no release gives: a release that asks for it cannot be had, and the need's `origin` says why."""
Identifier = tuple[NormalizedName, str]
"""A project and one of its extras, or "" for the project itself."""


@dataclass(frozen=True)
class ResolutionRequest:
    """What is asked of one target.

    `direct` are the files that the user named for a project; no index is asked for those. `preferred` are the pins that
    stand already, kept where they are still allowed.
    """

    target: Target
    requirements: tuple[RequirementLine, ...]
    constraints: tuple[RequirementLine, ...] = ()
    selection: Selection = ANYTHING
    adjustments: Adjustments = AS_ASKED
    direct: Mapping[NormalizedName, DirectSource] = field(default_factory=dict)
    preferred: Mapping[NormalizedName, Version] = field(default_factory=dict)

    def allowed_hashes(self, project: NormalizedName) -> list[frozenset[str]]:
        """Sets of hashes, of each of which the file of this project must have one."""
        lines = self._lines_with_hashes.get(project, ())
        return [
            hashes for line in lines if self.target.applies(line.requirement.marker) for hashes in line.allowed_hashes
        ]

    def must_admit_hashes(self) -> None:
        """Raise InputError where two lines give hashes of one project, and no file can have one of each."""
        for project, lines in self._lines_with_hashes.items():
            given = [
                (line.origin, hashes)
                for line in lines
                if self.target.applies(line.requirement.marker)
                for hashes in line.allowed_hashes
            ]
            for (first, some), (second, others) in combinations(given, 2):
                if not _compatible(some, others):
                    sentence = f"{first} and {second} give different hashes of {project}, and no file has both"
                    raise InputError(sentence, hint="remove one of the two, or write the hashes of both on each")

    @cached_property
    def _lines_with_hashes(self) -> Mapping[NormalizedName, Sequence[RequirementLine]]:
        """By project: a job may have thousands of both."""
        return by_project(line for line in (*self.requirements, *self.constraints) if line.allowed_hashes)

    @property
    def wants_hashes(self) -> bool:
        """Whether a file that no line gives a hash for is refused: as soon as one line gives any, as pip has it."""
        if self.selection.require_hashes is None:
            return any(line.hashes for line in (*self.requirements, *self.constraints))
        return self.selection.require_hashes


def _compatible(some: Iterable[str], others: Collection[str]) -> bool:
    """Whether a file can have one hash of each: the same, or two of different algorithms."""
    kinds = {hash_.partition(":")[0] for hash_ in others}
    return any(hash_ in others or kinds != {hash_.partition(":")[0]} for hash_ in some)


@dataclass(frozen=True, slots=True)
class CandidateRelease:
    """A file chosen for a project, or for one of its extras."""

    candidate: Candidate
    extra: str = ""

    def __str__(self) -> str:
        extra = f"[{self.extra}]" if self.extra else ""
        return f"{self.candidate.project}{extra} {self.candidate.version}"


@dataclass(frozen=True, slots=True)
class Dependency:
    """That a project, or one of its extras, is wanted within a specifier; `origin` says where that stands."""

    project: NormalizedName
    extra: str
    specifier: SpecifierSet
    origin: str
    parent: CandidateRelease | None = None

    def __str__(self) -> str:
        extra = f"[{self.extra}]" if self.extra else ""
        return self.origin if self.project == NEVER else f"{self.project}{extra}{self.specifier}"


@dataclass(frozen=True, slots=True)
class ResolvedProject:
    """What was chosen for one project. `rejected` are the other files of that release and why; `skipped` the newer
    releases that were allowed, but have no file for the target; `passed_over` others that were newer, by version, and why;
    `constraint` the line that limited it, and where it stands.
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
    """A requirement as needs: one for the project, one for each extra.

    Raises InputError where a release names a file by its address, unless the user named one for that project.
    """
    project = canonicalize_name(requirement.name)
    if requirement.url and project not in direct:
        address = CREDENTIALS.sub("//", requirement.url).partition("?")[0]
        hint = f"if you trust that file, ask for it yourself: '{project} @ …#sha256=…'; or name a release with --override FILE"
        if REPOSITORY.match(requirement.url):
            hint = (
                "build a wheel of it where you trust the code, offer it with --find-links, "
                f"and name its release (`{project}==…`) in a file that you give with --override"
            )
        sentence = f"{origin} asks for `{project} @ {address}`, an address that no index vouches for"
        raise InputError(sentence, hint=hint)
    for extra in ("", *sorted(canonicalize_name(extra) for extra in requirement.extras)):
        yield Dependency(project, extra, requirement.specifier, origin, parent)


def spelled(requirement: Requirement) -> str:
    """A requirement's project, the extras asked of it, and the versions that it admits: `name[a,b]>=1`."""
    extras = ",".join(sorted(map(canonicalize_name, requirement.extras)))
    return canonicalize_name(requirement.name) + (f"[{extras}]" if extras else "") + str(requirement.specifier)


def merge(specifiers: Iterable[SpecifierSet]) -> SpecifierSet:
    """All of the specifiers at once."""
    merged = SpecifierSet()
    for specifier in specifiers:
        merged &= specifier
    return merged


@lru_cache(maxsize=65536)
def is_exact(specifier: SpecifierSet) -> bool:
    """Whether a specifier names one version: `==1.2` or `===1.2`, and not `==1.*`."""
    return any(
        clause.operator == "===" or (clause.operator == "==" and not clause.version.endswith(".*"))
        for clause in specifier
    )
