"""Does a house satisfy itself under a target: every marker, extra and version, by its own files alone (pure)."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.archive.metadata import Metadata
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock, dependency_name
from wheelhouse.resolve.requirements import constraint_lines
from wheelhouse.target.target import Target

RULE = "closure"


def closure(lock: Lock, metadata: Mapping[NormalizedName, Metadata]) -> Iterator[Finding]:
    """Findings for whatever a lock's requirements reach and its files do not give.

    `metadata` is what each pinned project's file says of itself. A lock that was given decides alone, and what its own
    tool was told to override is not known: there they are warnings.
    """
    for finding in _closure(lock, metadata):
        yield replace(finding, severity=Severity.WARNING) if lock.inputs.given_sha256 else finding


def _closure(lock: Lock, metadata: Mapping[NormalizedName, Metadata]) -> Iterator[Finding]:
    target, adjustments = lock.target, lock.inputs.adjustments
    pending: deque[tuple[Requirement, str]] = deque(
        (wanted, "what was asked for")
        for text in lock.inputs.requirements
        for wanted in adjustments.instead_of(Requirement(text))
    )
    files = {pin.project: pin.artifact.filename for pin in lock.pins}
    seen: set[tuple[NormalizedName, str]] = set()
    while pending:
        requirement, origin = pending.popleft()
        if requirement.marker and "extra" not in str(requirement.marker) and not target.applies(requirement.marker):
            continue
        project = canonicalize_name(requirement.name)
        found = metadata.get(project)
        if found is None:
            yield _finding(
                str(project), f"{origin} asks for `{requirement}`, which the house does not have for {target.name}"
            )
            continue
        if not requirement.specifier.contains(found.version, prereleases=True):
            yield _finding(str(project), f"{origin} asks for `{requirement}`, and the house has {found.version}")
        for extra in ("", *map(canonicalize_name, requirement.extras)):
            if (project, extra) not in seen:
                seen.add((project, extra))
                pending.extend(_asked(found, files.get(project, str(project)), target, extra, adjustments))
    yield from _unneeded(lock, {project for project, _ in seen})


def _asked(
    metadata: Metadata, filename: str, target: Target, extra: str, adjustments: Adjustments
) -> Iterable[tuple[Requirement, str]]:
    return [(requirement, f"`{filename}`") for requirement, _ in metadata.requirements(target, extra, adjustments)]


def _unneeded(lock: Lock, reached: set[NormalizedName]) -> Iterator[Finding]:
    for pin in lock.pins:
        if pin.project not in reached:
            sentence = f"nothing that was asked for needs {pin.project} on {lock.target.name}"
            yield Finding(pin.artifact.filename, "unneeded", Severity.WARNING, sentence)


def _finding(subject: str, sentence: str) -> Finding:
    return Finding(subject, RULE, Severity.ERROR, sentence, "fetch the house again for this target")


def asked_by(lock: Lock, project: NormalizedName) -> list[str]:
    """Which files of a lock ask for a project, in words: "`app-1.0-py3-none-any.whl` asks for `lib>=1`"."""
    asked = [f"what was asked for is `{text}`" for text in lock.inputs.requirements if _names(text, project)]
    for pin in lock.pins:
        asked += [f"`{pin.artifact.filename}` asks for `{text}`" for text in pin.dependencies if _names(text, project)]
    return asked


def _names(text: str, project: NormalizedName) -> bool:
    return canonicalize_name(dependency_name(text)) == project


def against_constraints(lock: Lock, text: str, name: str) -> Iterator[Finding]:
    """A finding where a file of constraints forbids pins of the lock: then they are not those that it was made under."""
    forbidden = []
    for line in constraint_lines(text, name):
        pin = next((pin for pin in lock.pins if pin.project == line.project), None)
        if pin and not line.requirement.specifier.contains(pin.version, prereleases=True):
            forbidden.append(f"{pin.project} {pin.version} (here `{line.requirement}`)")
    if forbidden:
        more = f" and {len(forbidden) - 3} more" if len(forbidden) > 3 else ""
        sentence = f"it forbids what is locked: {', '.join(forbidden[:3])}{more}; it is not for this release"
        hint = "stage again; or fetch again, with the constraints of this release"
        yield Finding(name, "constraints", Severity.ERROR, sentence, hint)
