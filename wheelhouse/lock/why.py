"""Why a file is in a wheelhouse, and why another is not, as facts: from the lock file and file names alone (pure)."""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate, why_unfit
from wheelhouse.archive.filenames import release_of, wheel_parts
from wheelhouse.archive.reasons import Reason
from wheelhouse.documents import too_deep_as
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Lock, Pin, dependency_name
from wheelhouse.resolve.requirements import parse_line


@dataclass(frozen=True, slots=True)
class Fact:
    """Why a file is in a wheelhouse, or is not. `report/why_text` has the sentences."""


@dataclass(frozen=True, slots=True)
class NotRequired(Fact):
    """Nothing requires the project on the target."""

    project: str
    target: str


@dataclass(frozen=True, slots=True)
class BestFit(Fact):
    """It is the file of its release that fits best."""

    project: str
    version: str


@dataclass(frozen=True, slots=True)
class Constrained(Fact):
    """A constraint decides the version."""

    constraint: str


@dataclass(frozen=True, slots=True)
class Alternative(Fact):
    """Another file of the release was rejected."""

    filename: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class NoWheel(Fact):
    """The file is an sdist; the lock file's own words say why."""

    why: str


@dataclass(frozen=True, slots=True)
class OtherChosen(Fact):
    """Another file was chosen."""

    filename: str


@dataclass(frozen=True, slots=True)
class Unusable(Fact):
    """The file, or the release, was rejected."""

    subject: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class WheelPreferred(Fact):
    """The file is an sdist, and a wheel fits."""

    filename: str


@dataclass(frozen=True, slots=True)
class LowerRank(Fact):
    """The file's best tag has a lower priority (a higher rank) for the target than that of the chosen file."""

    filename: str
    rank: int
    chosen_rank: int


@dataclass(frozen=True, slots=True)
class SameRank(Fact):
    """The best tags of the file and of the chosen file have one rank. `decided_by` is what made the difference: `build tag` or `name`."""

    filename: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class BuiltFrom(Fact):
    """The file is the sdist from which the chosen wheel was built here."""

    filename: str


@dataclass(frozen=True, slots=True)
class NotOnIndex(Fact):
    """The index did not have the file when the lock file was made."""

    filename: str


@dataclass(frozen=True, slots=True)
class ConstraintExcludes(Fact):
    """A constraint excludes the version."""

    version: str
    constraint: str


@dataclass(frozen=True, slots=True)
class RequirementExcludes(Fact):
    """The user's requirement excludes the version."""

    version: str
    requirement: str


@dataclass(frozen=True, slots=True)
class DependentExcludes(Fact):
    """A release in the wheelhouse requires another version."""

    version: str
    dependent: str
    requirement: str


@dataclass(frozen=True, slots=True)
class NoFileFits(Fact):
    """The release has no file for the target."""

    version: str
    target: str


@dataclass(frozen=True, slots=True)
class NotRequestedPrerelease(Fact):
    """The version is a pre-release, and the user did not request pre-releases."""

    version: str


@dataclass(frozen=True, slots=True)
class Older(Fact):
    """The version is older than the one that was chosen."""

    version: str
    chosen: str


@dataclass(frozen=True, slots=True)
class NewSinceLock(Fact):
    """The lock file does not exclude the version: it was published, or allowed, later. `limit` is that of upload times."""

    version: str
    project: str
    limit: datetime | None


def chains(lock: Lock, project: NormalizedName) -> list[list[str]]:
    """The shortest chain from a requirement to each release that requires a project, the project last.

    Requirements whose marker does not hold on the target do not count. If the user requested the project, the first chain is the
    project alone. A chain through the project itself is left out. If no requirement counts, as in a lock that was made from
    another lock, projects that nothing requires count as requested.
    """
    return _chains(*_needs_and_roots(lock), project)


def chains_of_pins(lock: Lock) -> Iterator[tuple[Pin, list[list[str]]]]:
    """Each pin with the `chains` of its project; the requirements of the lock are read once."""
    needs, roots = _needs_and_roots(lock)
    yield from ((pin, _chains(needs, roots, pin.project)) for pin in lock.pins)


def _needs_and_roots(lock: Lock) -> tuple[Mapping[str, tuple[str, ...]], Sequence[str]]:
    """The projects that each project needs, and the projects at which chains start, sorted."""
    needs = {str(pin.project): pin.needs for pin in lock.pins}
    lines = map(parse_line, lock.inputs.requirements)
    requested = {str(line.project) for line in lines if lock.target.applies(line.requirement.marker)} & needs.keys()
    return needs, sorted(requested or needs.keys() - {name for names in needs.values() for name in names})


def _chains(needs: Mapping[str, tuple[str, ...]], roots: Sequence[str], project: NormalizedName) -> list[list[str]]:
    """The chains to a project, from what each project needs and the projects at which chains start.

    In the order of `needs`; a project that needs it, and that no chain reaches, has none.
    """
    paths: dict[str, list[str]] = {root: [root] for root in roots}
    queue = deque(roots)
    while queue:
        name = queue.popleft()
        for further in needs[name] if name != project else ():
            if further in needs and further not in paths:
                paths[further] = [*paths[name], further]
                queue.append(further)
    to_dependents = [
        paths[name] for name in needs if project in needs[name] and project not in paths.get(name, [project])
    ]
    return [[str(project)]] * (project in roots) + [[*path, str(project)] for path in to_dependents]


def why_file(lock: Lock, filename: str) -> list[Fact]:
    """Why this file was chosen, or why not, as one or more facts. Raises InputError if the name is not a wheel's or sdist's.

    The pin with exactly this file counts, else that of the project in the name: `a-2-1.tar.gz` can be of `a` and of `a-2`.
    """
    if pin := next((pin for pin in lock.pins if pin.artifact.filename == filename), None):
        return [BestFit(pin.project, str(pin.version)), *_chosen(pin)]
    project, version = _release(filename)
    pin = next((pin for pin in lock.pins if pin.project == project), None)
    if pin is None:
        return [NotRequired(project, lock.target.name)]
    chosen = OtherChosen(pin.artifact.filename)
    if version == pin.version:
        return [chosen, _same_release(lock, pin, filename)]
    return [chosen, *(list(_other_release(lock, pin, version)) or [_not_excluded(lock, pin, version)])]


def _release(filename: str) -> tuple[NormalizedName, Version]:
    """Project and version in a file name. Raises InputError."""
    try:
        return release_of(filename)
    except ValueError as error:  # also of a number with more digits than Python reads
        raise InputError(
            f"`{filename}` is not the name of a wheel or sdist", hint="give the whole file name"
        ) from error


def _chosen(pin: Pin) -> Iterator[Fact]:
    """Why this version and this file: the constraint, each other file of the release that was rejected, why no wheel was chosen."""
    if pin.constraint:
        yield Constrained(pin.constraint)
    yield from (Alternative(other.filename, other.reason) for other in pin.rejected)
    if pin.sdist_because:
        yield NoWheel(pin.sdist_because)


def _same_release(lock: Lock, pin: Pin, filename: str) -> Fact:
    """Why another file of the release was chosen: this one is the sdist from which it was built; else the reason in the lock
    file, else what the two names tell.
    """
    if pin.built and filename == pin.built.sdist.filename:
        return BuiltFrom(filename)
    recorded = next((other.reason for other in pin.rejected if other.filename == filename), None)
    candidate = Candidate(pin.project, pin.version, filename, "", "")
    if reason := recorded or why_unfit(candidate, lock.target):
        return Unusable(filename, reason)
    if not pin.artifact.is_wheel:
        return NotOnIndex(filename)
    return _other_wheel(lock, pin, filename) if candidate.is_wheel else WheelPreferred(filename)


def _other_wheel(lock: Lock, pin: Pin, filename: str) -> Fact:
    """Why another wheel of the release was chosen: by rank, then build tag, then file name, in the order of `preference`.

    NotOnIndex if this one would have been chosen by them.
    """
    chosen = pin.artifact.filename
    (_, _, build, tags), (_, _, chosen_build, chosen_tags) = wheel_parts(filename), wheel_parts(chosen)
    rank, chosen_rank = lock.target.rank(tags) or 0, lock.target.rank(chosen_tags) or 0
    if rank > chosen_rank:
        return LowerRank(filename, rank, chosen_rank)
    if rank == chosen_rank and build < chosen_build:
        return SameRank(filename, "build tag")
    if (rank, build) == (chosen_rank, chosen_build) and filename > chosen:
        return SameRank(filename, "name")
    return NotOnIndex(filename)


def _other_release(lock: Lock, pin: Pin, version: Version) -> Iterator[Fact]:
    """What excludes another release: constraint, requirements, dependents, the reasons that the lock file keeps, and that it is
    a pre-release; nothing if the lock file does not exclude it.
    """
    constraint = _constraint(pin)
    if pin.constraint and constraint and not _admits(constraint, version):
        yield ConstraintExcludes(str(version), pin.constraint)
    for text in lock.inputs.requirements:
        if _names(text, pin) and lock.target.applies(Requirement(text).marker) and not _admits(text, version):
            yield RequirementExcludes(str(version), text)
    for other in lock.pins:
        for text in other.dependencies:
            if _names(text, pin) and not _admits(text, version):
                yield DependentExcludes(str(version), f"{other.project} {other.version}", text)
    yield from (Unusable(str(version), other.reason) for other in pin.passed_over if other.filename == str(version))
    if str(version) in pin.skipped:
        yield NoFileFits(str(version), lock.target.name)
    wants_prereleases = pin.version.is_prerelease or lock.inputs.selection.prereleases(pin.project) is True
    if version.is_prerelease and not wants_prereleases:
        yield NotRequestedPrerelease(str(version))


def _constraint(pin: Pin) -> str | None:
    """The constraint of a pin without the place where it was read, which may contain ` (`, too; None if there is none that can be read."""
    text = pin.constraint or ""
    for match in re.finditer(r" \(", text):
        with suppress(ValueError), too_deep_as(InvalidRequirement):
            requirement = Requirement(text[: match.start()])
            hash(requirement.specifier)  # reads its versions
            return str(requirement)
    return None


def _names(text: str, pin: Pin) -> bool:
    """Whether a requirement names the project of a pin."""
    return canonicalize_name(dependency_name(text)) == pin.project


def _not_excluded(lock: Lock, pin: Pin, version: Version) -> Fact:
    """The fact about a release that nothing in the lock file excludes: it is older than the chosen one, or new since the lock."""
    if version < pin.version:
        return Older(str(version), str(pin.version))
    return NewSinceLock(str(version), pin.project, lock.inputs.selection.uploaded_prior_to)


def _admits(text: str, version: Version) -> bool:
    """Whether the specifier of a requirement admits a version, also a pre-release; True if none. Markers do not count."""
    return Requirement(text).specifier.contains(version, prereleases=True)
