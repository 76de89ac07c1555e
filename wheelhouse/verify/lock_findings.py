"""Compare a lock with what its opened files say of themselves (pure)."""

from collections.abc import Iterator, Mapping

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, NormalizedName

from wheelhouse.archive.artifact import requires_python_of
from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.archive.metadata import InspectedFile, Metadata, old_pip_reads
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import InvalidRequirementLine
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Pin
from wheelhouse.lock.wheelhouse import BY_THE_LIST, Wheelhouse
from wheelhouse.target.target import Target
from wheelhouse.verify.closure import closure


def lock_findings(wheelhouse: Wheelhouse, contents: Mapping[str, InspectedFile]) -> Iterator[Finding]:
    """Findings for all locks of a wheelhouse. `contents` maps file names to what was read from each file.

    The closure of a lock is checked if all its files could be opened.
    """
    for lock in wheelhouse.locks:
        metadata: dict[NormalizedName, Metadata] = {}
        for pin in lock.pins:
            opened = contents.get(pin.artifact.filename)
            yield from _pin_findings(lock.target, pin, opened.metadata if opened else None)
            if opened:
                metadata[pin.project] = opened.metadata
        if len(metadata) == len(lock.pins):
            yield from closure(lock, metadata)
    if sentence := wheelhouse.disagreement:
        yield Finding("house", "several-versions", Severity.NOTE, sentence, BY_THE_LIST)


def _pin_findings(target: Target, pin: Pin, metadata: Metadata | None) -> Iterator[Finding]:
    """Findings for one file: `metadata` is None if it could not be opened."""
    if metadata:
        yield from _metadata_findings(target, pin, metadata)
    filename = pin.artifact.filename
    if pin.artifact.is_wheel and not _fits(target, filename):
        yield _error(filename, "unfit", f"no tag of it fits {target.name}", "fetch again for this target")


def _metadata_findings(target: Target, pin: Pin, metadata: Metadata) -> Iterator[Finding]:
    """Findings for metadata that name another release, exclude the target's Python, or break PEP 508."""
    filename = pin.artifact.filename
    if (metadata.project, metadata.version) != (pin.project, pin.version):
        stated, locked = f"{metadata.project} {metadata.version}", f"{pin.project} {pin.version}"
        yield _error(filename, "swapped", f"it is {stated}, and the lock says {locked}", "fetch again")
    required = metadata.requires_python
    if required and not target.allows(requires_python_of(required)):
        sentence = f"it requires Python {required}, and {target.name} has {target.python.version}"
        yield _error(filename, "requires-python", sentence, "fetch again: another release may fit")
    if line := metadata.invalid_line:
        sentence = f"it {reason_text(InvalidRequirementLine(line, old_pip_reads(line)))}"
        hint = "install with pip 24.0 or older, or choose another release"
        yield Finding(filename, "legacy-metadata", Severity.WARNING, sentence, hint)


def _fits(target: Target, filename: str) -> bool:
    """Whether a wheel's name has a tag of the target."""
    try:
        return target.rank(wheel_parts(filename)[3]) is not None
    except (InvalidWheelFilename, InvalidSdistFilename):
        return False


def _error(subject: str, rule: str, sentence: str, hint: str) -> Finding:
    return Finding(subject, rule, Severity.ERROR, sentence, hint)
