"""Locks, findings, events and errors as text and JSON (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wheelhouse.errors import WheelhouseError
from wheelhouse.events import Built, Event, Noted, Resolved, Resolving, Retrying, Warned
from wheelhouse.findings import Finding
from wheelhouse.humanize import counted, listed, size_text
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.other_files import FOLDER, OtherFiles
from wheelhouse.lock.why import chains

if TYPE_CHECKING:
    from wheelhouse.vet.evidence import Evidence

__all__ = ["counted", "size_text"]

REMOVED = 50
"""How many removed files are named on the terminal; `--json` names all."""
FOREIGN = 10
"""How many files of no lock are named in a warning."""
TARGETS = 4
"""How many targets are named behind what holds for some of them."""


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
        case Resolving(target, number, targets):
            line = f"resolving for {target}{f' ({number} of {targets})' if targets > 1 else ''}"
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


def fetched_lines(house: str, placed: Sequence[str], stood: Sequence[str], removed: Sequence[str]) -> list[str]:
    """What a fetch did to a house, in numbers of files, and the names of those that it removed."""
    line = f"{house}: {counted(len(placed), 'file')} fetched, {len(stood)} stood already, {len(removed)} removed"
    return [line, *([f"  removed: {listed(removed, REMOVED)}"] if removed else [])]


def lost_sentence(house: str, count: int) -> str:
    """What a run would take from another job that is in the same house."""
    return f"`{house}` holds another job, and this one would drop {counted(count, 'file')} that it needs"


def foreign_sentence(house: str, names: Sequence[str]) -> str:
    """What is in a house, and belongs to no lock of it."""
    whose = "it belongs" if len(names) == 1 else "they belong"
    return f"`{house}` also holds {listed(names, FOREIGN)}; {whose} to no lock (see `wheelhouse verify`)"


def other_files_document(files: OtherFiles) -> list[dict[str, Any]]:
    """The other files of a house for `--json`."""
    return [
        {"name": one.name, "url": one.url, "sha256": one.sha256, "size": one.size, "voucher": one.voucher or None}
        for one in files.files
    ]


def other_files_lines(files: OtherFiles, removed: Sequence[str]) -> list[str]:
    """The other files of a house, a file a line, each with who vouches for it; then those that were removed."""
    lines = [
        f"{FOLDER}/{one.name}: {size_text(one.size)}, {one.voucher or 'only its sha256 vouches for it'}"
        for one in files.files
    ]
    return [*lines, *([f"{FOLDER}: removed: {listed(removed, REMOVED)}"] if removed else [])]


def locks_lines(locks: Sequence[Lock]) -> list[str]:
    """What a reader wants to know of locks at once: a line for each target, then what is to be said of pins, once.

    What does not hold for all of the targets names those for which it holds.
    """
    targets: dict[str, list[str]] = {}
    for lock in locks:
        for line in _pin_lines(lock):
            targets.setdefault(line, []).append(lock.name)
    lines = [
        f"  {line}{'' if len(names) == len(locks) else f' ({listed(names, TARGETS)})'}"
        for line, names in targets.items()
    ]
    return [*map(_lock_line, locks), *lines]


def _lock_line(lock: Lock) -> str:
    total = sum(artifact.size for artifact in lock.artifacts)
    projects = counted(len(lock.pins), "project")
    return f"{lock.target.name} (Python {lock.target.python.version}): {projects}, {size_text(total)}"


def _pin_lines(lock: Lock) -> list[str]:
    lines = [
        f"{'built from' if pin.built else 'sdist:'} {pin.origin.filename}: {pin.sdist_because}"
        for pin in lock.pins
        if pin.sdist_because
    ]
    free = [f"{pin.project} {pin.version}" for pin in lock.pins if not pin.constrained]
    return [*lines, f"pinned by no constraint: {', '.join(free)}"] if lock.inputs.constraints and free else lines


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
