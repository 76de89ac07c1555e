"""Locks, findings, events and errors as text and JSON (pure)."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from wheelhouse.errors import WheelhouseError
from wheelhouse.events import Built, Event, Noted, Resolved, Resolving, Retrying, Warned
from wheelhouse.model.lock import Lock
from wheelhouse.model.otherfiles import FOLDER, OtherFiles
from wheelhouse.model.policy import Finding
from wheelhouse.model.why import chains
from wheelhouse.model.words import counted, size_text

if TYPE_CHECKING:
    from wheelhouse.model.evidence import Evidence

__all__ = ["counted", "size_text"]


def event_line(event: Event) -> str | None:
    """An event as a plain line; None for those that only progress bars show."""
    line: str | None = None
    match event:
        case Warned(sentence):
            line = f"warning: {sentence}"
        case Noted(sentence):
            line = f"note: {sentence}"
        case Retrying(subject, reason, seconds):
            line = f"retrying {subject} in {seconds:.1f} s: {reason}"
        case Resolving(target):
            line = f"resolving for {target}"
        case Resolved(target, projects, reused):
            line = f"{counted(projects, 'project')} for {target}{', from the lock that stands' if reused else ''}"
        case Built(sdist, wheel, seconds, reused):
            line = f"{wheel}: {'built before' if reused else f'built in {seconds:.1f} s'} from {sdist}"
    return line


def error_lines(error: WheelhouseError) -> list[str]:
    """An error for stderr: details, the sentence, and what to do."""
    lines = [*(f"  {detail}" for detail in error.details), f"error: {error}"]
    return [*lines, f"hint: {error.hint}"] if error.hint else lines


def error_document(error: WheelhouseError) -> dict[str, Any]:
    """An error for `--json`."""
    return {
        "error": {
            "kind": type(error).__name__,
            "exit-code": error.exit_code,
            "sentence": str(error),
            "hint": error.hint,
            "details": list(error.details),
        }
    }


def lock_document(lock: Lock) -> dict[str, Any]:
    """A lock for `--json`."""
    return {
        "target": lock.target.name,
        "python": str(lock.target.python.version),
        "lock": lock.filename,
        "projects": [
            {
                "name": pin.project,
                "version": str(pin.version),
                "file": pin.artifact.filename,
                "sha256": pin.artifact.sha256,
                "size": pin.artifact.size,
                "constrained": pin.constrained,
                "sdist-because": pin.sdist_because,
                "provisional": pin.provisional,
            }
            for pin in lock.pins
        ],
    }


def fetched_line(house: str, placed: int, stood: int, removed: int) -> str:
    """What a fetch did to a house, in numbers of files."""
    return f"{house}: {counted(placed, 'file')} fetched, {stood} stood already, {removed} removed"


def other_files_document(files: OtherFiles) -> list[dict[str, Any]]:
    """The other files of a house for `--json`."""
    return [
        {"name": one.name, "url": one.url, "sha256": one.sha256, "size": one.size, "voucher": one.voucher or None}
        for one in files.files
    ]


def other_files_lines(files: OtherFiles) -> list[str]:
    """The other files of a house, a file a line, each with who vouches for it."""
    return [
        f"{FOLDER}/{one.name}: {size_text(one.size)}, {one.voucher or 'only its sha256 vouches for it'}"
        for one in files.files
    ]


def lock_lines(lock: Lock) -> list[str]:
    """What a reader wants to know of a lock at once."""
    total = sum(artifact.size for artifact in lock.artifacts)
    lines = [
        f"{lock.target.name} (Python {lock.target.python.version}): {counted(len(lock.pins), 'project')}, {size_text(total)}"
    ]
    lines += [
        f"  {'built from' if pin.built else 'sdist:'} {pin.origin.filename}: {pin.sdist_because}"
        for pin in lock.pins
        if pin.sdist_because
    ]
    free = [f"{pin.project} {pin.version}" for pin in lock.pins if not pin.constrained]
    if lock.inputs.constraints and free:
        lines.append(f"  pinned by no constraint: {', '.join(free)}")
    return lines


def built_document(
    locks: Iterable[Lock], fresh: frozenset[str], differing: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """The wheels of a house that were built, for `--json`. `fresh` are those of this run, `differing` what differed twice."""
    return {
        "targets": [
            {
                "target": lock.target.name,
                "lock": lock.filename,
                "built": [
                    {
                        "name": pin.project,
                        "version": str(pin.version),
                        "file": pin.artifact.filename,
                        "sha256": pin.artifact.sha256,
                        "sdist": built.sdist.filename,
                        "sdist-sha256": built.sdist.sha256,
                        "interpreter": built.interpreter,
                        "glibc": built.glibc,
                        "libraries": list(built.libraries),
                        "repaired": built.repaired,
                        "sealed": built.sealed,
                        "requires": list(built.requires),
                        "fresh": pin.artifact.filename in fresh,
                    }
                    for pin in lock.pins
                    if (built := pin.built)
                ],
            }
            for lock in locks
        ],
        "differing": {name: list(members) for name, members in differing.items()},
    }


def built_lines(
    house: str, locks: Iterable[Lock], fresh: frozenset[str], differing: Mapping[str, Iterable[str]]
) -> list[str]:
    """What a run of builds did, in short."""
    built = {pin.artifact.filename for lock in locks for pin in lock.pins if pin.built}
    lines = [f"{name}: a second build differs in {', '.join(members)}" for name, members in sorted(differing.items())]
    now = sum(name in fresh for name in built)
    return [*lines, f"{house}: {counted(len(built), 'wheel')} built from sdists, {now} now, {len(built) - now} before"]


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """Findings, worst first, each with what to do."""
    ordered = sorted(findings, key=lambda finding: (-finding.severity, finding))
    return [
        f"{finding.severity.name.lower()}: {finding.subject}: {finding.sentence} [{finding.rule}]"
        + (f"\n  hint: {finding.hint}" if finding.hint else "")
        for finding in ordered
    ]


def finding_document(finding: Finding) -> dict[str, Any]:
    """A finding for `--json`."""
    return {
        "subject": finding.subject,
        "rule": finding.rule,
        "severity": finding.severity.name.lower(),
        "sentence": finding.sentence,
        "hint": finding.hint or None,
    }


def why_lines(locks: Iterable[Lock], project: str) -> Mapping[str, list[str]]:
    """For each target that has a project: the chains that lead to it."""
    found: dict[str, list[str]] = {}
    for lock in locks:
        pins = {str(pin.project): pin for pin in lock.pins}
        if project not in pins:
            continue
        spelled = [[f"{name} {pins[name].version}" for name in chain] for chain in chains(lock, pins[project].project)]
        found[lock.target.name] = [
            " → ".join(chain) if len(chain) > 1 else f"{chain[0]} was asked for" for chain in spelled
        ]
    return found


def evidence_document(evidence: "Evidence") -> dict[str, Any]:
    """What vetting found, for `--json`."""
    return {
        "files": len(evidence.hashes),
        "ok": not evidence.bad,
        "new": sorted(evidence.new),
        "findings": list(map(finding_document, evidence.findings)),
        "approved": list(map(finding_document, evidence.settled)),
        "waived": list(map(finding_document, evidence.waived)),
    }


def evidence_lines(evidence: "Evidence", house: str) -> list[str]:
    """What was waived, how much of a house earlier approvals cover, and how vetting ended."""
    files, new = len(evidence.hashes), len(evidence.new)
    covered = (
        f"{files - new} of {counted(files, 'file')} approved before, with {counted(len(evidence.settled), 'finding')}"
    )
    ended = f"{counted(len(evidence.findings), 'finding')}, {len(evidence.bad)} of them to be dealt with, {len(evidence.waived)} waived"
    before = [f"{house}: {covered}; {new} to be looked at"] if evidence.approvals.approvals else []
    waived = [f"waived: {one.subject}: {one.sentence} [{one.rule}]" for one in evidence.waived]
    return [*waived, *before, f"{house}: {counted(files, 'file')}, {ended}"]
