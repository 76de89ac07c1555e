"""Compare a lock with what its opened files say of themselves (pure)."""

from collections.abc import Iterator, Mapping

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, NormalizedName

from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.archive.metadata import InspectedFile, Metadata, old_pip_reads
from wheelhouse.findings import WHEELHOUSE_SUBJECT, Finding, Severity
from wheelhouse.lock.lock import Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.target.target import Target
from wheelhouse.verify.closure import closure


def lock_findings(wheelhouse: Wheelhouse, contents: Mapping[str, InspectedFile]) -> Iterator[Finding]:
    """Findings for all locks of a wheelhouse. `contents` maps file names to what was read from each file.

    The closure of a lock is checked if all its chosen files could be opened. One note names the projects that have different
    versions in different locks; locks with a label do not count. Raises as `closure` does.
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
    differing = wheelhouse.differing_projects
    for project, versions in list(differing.items())[:1]:
        releases = tuple(f"{version} ({', '.join(targets)})" for version, targets in versions.items())
        others = tuple(other for other in differing if other != project)
        yield Finding.of(
            WHEELHOUSE_SUBJECT, "several-versions", Severity.NOTE, project=project, releases=releases, others=others
        )


def _pin_findings(target: Target, pin: Pin, metadata: Metadata | None) -> Iterator[Finding]:
    """Findings for the chosen file of a pin: its metadata (None if it could not be opened), and a wheel's tags."""
    if metadata:
        yield from _metadata_findings(target, pin, metadata)
    filename = pin.artifact.filename
    if pin.artifact.is_wheel and not _fits(target, filename):
        yield Finding.of(filename, "unfit", Severity.ERROR, case="locked", target=target.name)


def _metadata_findings(target: Target, pin: Pin, metadata: Metadata) -> Iterator[Finding]:
    """Errors for metadata that name another release or exclude the target's Python; a warning for a line that breaks PEP 508."""
    filename = pin.artifact.filename
    if (metadata.project, metadata.version) != (pin.project, pin.version):
        stated, locked = f"{metadata.project} {metadata.version}", f"{pin.project} {pin.version}"
        yield Finding.of(filename, "swapped", Severity.ERROR, case="locked", stated=stated, locked=locked)
    if not metadata.allows(target):
        required = metadata.requires_python or ""
        python = str(target.python.version)
        yield Finding.of(
            filename, "requires-python", Severity.ERROR, required=required, target=target.name, python=python
        )
    if line := metadata.invalid_line:
        case = "legacy" if old_pip_reads(line) else "invalid"
        yield Finding.of(filename, "legacy-metadata", Severity.WARNING, case=case, line=line)


def _fits(target: Target, filename: str) -> bool:
    """Whether a wheel's name has a tag of the target; False for an invalid name."""
    try:
        return target.rank(wheel_parts(filename)[3]) is not None
    except (InvalidWheelFilename, InvalidSdistFilename):
        return False
