"""What is asked of one target, what that leads to, and what was chosen (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.errors import InputError
from wheelhouse.model.artifact import Candidate, Rejected
from wheelhouse.model.metadata import Metadata
from wheelhouse.model.requirements import Line
from wheelhouse.model.target import Target

PYTHON = NormalizedName("<python>")
Identifier = tuple[NormalizedName, str]
"""A project and one of its extras, or "" for the project itself."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one target. `preferred` are the pins that stand already, kept where they are still allowed."""

    target: Target
    requirements: tuple[Line, ...]
    constraints: tuple[Line, ...] = ()
    uploaded_prior_to: datetime | None = None
    preferred: Mapping[NormalizedName, Version] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """A file chosen for a project, or for one of its extras."""

    candidate: Candidate
    extra: str = ""

    def __str__(self) -> str:
        extra = f"[{self.extra}]" if self.extra else ""
        return f"{self.candidate.project}{extra} {self.candidate.version}"


@dataclass(frozen=True, slots=True)
class Need:
    """That a project, or one of its extras, is wanted within a specifier; `origin` says where that stands."""

    project: NormalizedName
    extra: str
    specifier: SpecifierSet
    origin: str
    parent: Choice | None = None

    def __str__(self) -> str:
        extra = f"[{self.extra}]" if self.extra else ""
        return f"{self.project}{extra}{self.specifier}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was chosen for one project. `rejected` are the other files of that release and why; `skipped` the newer
    releases that were allowed, but have no file for the target.
    """

    candidate: Candidate
    metadata: Metadata
    extras: tuple[NormalizedName, ...]
    dependencies: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    skipped: tuple[Version, ...]
    constrained: bool


def needs_of(requirement: Requirement, origin: str, parent: Choice | None = None) -> Iterator[Need]:
    """A requirement as needs: one for the project, one for each extra."""
    if requirement.url:
        raise InputError(f"{origin} asks for `{requirement}` by its address", hint="name a version instead")
    project = canonicalize_name(requirement.name)
    for extra in ("", *sorted(canonicalize_name(extra) for extra in requirement.extras)):
        yield Need(project, extra, requirement.specifier, origin, parent)


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
