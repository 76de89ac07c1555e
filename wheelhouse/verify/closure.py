"""Whether a wheelhouse satisfies its own requirements for a target: each marker, extra and version (pure)."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.archive.metadata import Metadata, UnreadableRequirementError
from wheelhouse.errors import InputError
from wheelhouse.findings import FactValue, Finding, Severity
from wheelhouse.lock.lock import Lock, dependency_name
from wheelhouse.resolve.requirements import constraint_lines

RULE = "closure"
REQUESTED = ""
"""The place of the file that requires a project, if the user requested it."""


def closure(lock: Lock, metadata: Mapping[NormalizedName, Metadata]) -> Iterator[Finding]:
    """Findings for the requirements of a lock file that its own files do not satisfy, and warnings for pins that nothing requires.

    `metadata` has the metadata of each pinned project's file; a project without any counts as missing. A file of which a
    requirement cannot be read, or has a marker that `Target.applies` refuses, has an error finding; its later requirements are not
    looked at, and no pin counts as one that nothing requires. All are warnings for a lock file of another tool, because its
    overrides are not known. Raises InputError as `Target.applies` does, for a requirement of the lock file itself.
    """
    for finding in _closure(lock, metadata):
        yield replace(finding, severity=Severity.WARNING) if lock.inputs.given_sha256 else finding


def _closure(lock: Lock, metadata: Mapping[NormalizedName, Metadata]) -> Iterator[Finding]:
    """Errors for what is not satisfied or cannot be checked, then warnings for pins that nothing requires: walks from the user's
    requirements through the metadata of each project that they need.
    """
    target, adjustments = lock.target, lock.inputs.adjustments
    asked = (line for line in map(Requirement, lock.inputs.requirements) if target.applies(line.marker))
    pending: deque[tuple[Requirement, str]] = deque(
        (requirement, REQUESTED)
        for line in asked
        for requirement in adjustments.instead_of(line)
        if requirement is line or target.applies(requirement.marker)
    )
    files = {pin.project: pin.artifact.filename for pin in lock.pins}
    seen: set[tuple[NormalizedName, str]] = set()
    is_whole = True
    while pending:
        requirement, by = pending.popleft()
        project = canonicalize_name(requirement.name)
        own = metadata.get(project)
        if own is None:
            yield _finding(project, "target", by, requirement, target.name)
            continue
        if not requirement.specifier.contains(own.version, prereleases=True):
            yield _finding(project, "version", by, requirement, str(own.version))
        for extra in ("", *map(canonicalize_name, requirement.extras)):
            if (project, extra) in seen:
                continue
            seen.add((project, extra))
            filename = files.get(project, str(project))
            try:
                for each, _ in own.requirements(target, extra, adjustments):
                    pending.append((each, filename))
            except (UnreadableRequirementError, InputError) as error:
                is_whole = False
                yield Finding.of(filename, RULE, Severity.ERROR, case="unreadable", reason=str(error))
    if is_whole:
        yield from _unneeded(lock, {project for project, _ in seen})


def _unneeded(lock: Lock, reached: set[NormalizedName]) -> Iterator[Finding]:
    """Warnings for pins that no requirement reached."""
    for pin in lock.pins:
        if pin.project not in reached:
            yield Finding.of(
                pin.artifact.filename,
                "unneeded",
                Severity.WARNING,
                project=str(pin.project),
                target=lock.target.name,
            )


def _finding(project: NormalizedName, case: str, by: str, requirement: Requirement, value: str) -> Finding:
    """The error finding for a requirement that the wheelhouse does not satisfy. `case` says which of
    the two `value` is: the `target` or the `version`.
    """
    return Finding.of(
        str(project), RULE, Severity.ERROR, case=case, by=by, requirement=str(requirement), **{case: value}
    )


def requests_for(lock: Lock, project: NormalizedName) -> dict[str, FactValue]:
    """Facts: the first requirement for a project, the file that has it (empty: the user), and how many more there are; empty
    if none. Markers are not looked at.
    """
    requests = [(REQUESTED, text) for text in lock.inputs.requirements if _names(text, project)]
    for pin in lock.pins:
        requests += [(pin.artifact.filename, text) for text in pin.dependencies if _names(text, project)]
    if not requests:
        return {}
    return {"by": requests[0][0], "requirement": requests[0][1], "more_requests": len(requests) - 1}


def _names(text: str, project: NormalizedName) -> bool:
    """Whether a requirement names a project."""
    return canonicalize_name(dependency_name(text)) == project


def against_constraints(lock: Lock, text: str, name: str) -> Iterator[Finding]:
    """One finding with all pins of the lock file that the constraints of a file forbid on its target, if any: it was made
    with other constraints. `name` is the subject of the finding.

    Raises InputError as `constraint_lines` and `Target.applies` do.
    """
    forbidden = []
    for line in constraint_lines(text, name):
        pin = next((pin for pin in lock.pins if pin.project == line.project), None)
        if (
            pin
            and lock.target.applies(line.requirement.marker)
            and not line.requirement.specifier.contains(pin.version, prereleases=True)
        ):
            forbidden.append(f"{pin.project} {pin.version} ({line.requirement})")
    if forbidden:
        yield Finding.of(name, "constraints", Severity.ERROR, pins=tuple(forbidden))
