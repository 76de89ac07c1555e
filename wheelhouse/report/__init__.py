"""Locks, findings, events and errors as text and JSON (pure)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from wheelhouse.errors import WheelhouseError
from wheelhouse.events import Built, Event, Found, Noted, Resolved, Resolving, Retrying, Searching, Warned
from wheelhouse.findings import FactPairs, Finding, Severity
from wheelhouse.humanize import counted, listed, size_text
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.other_files import FOLDER, OtherFiles
from wheelhouse.lock.why import chains
from wheelhouse.report.sentences import error_details, error_hint, error_sentence, hint_of, sentence_of, subject_of

if TYPE_CHECKING:
    from wheelhouse.debian.debian_lock import DebianLock
    from wheelhouse.oci.image_lock import BaseImage, ImageLock
    from wheelhouse.vet.approvals import Approvals
    from wheelhouse.vet.evidence import Evidence

__all__ = ["counted", "size_text"]

REMOVED = 50
"""So many removed files are named on the terminal; `--json` names all."""
FOREIGN = 10
"""So many files that are in no lock file are named in a warning."""
FOLDED = 3
"""So many files are named that can do the same; `--json` and the page have each file with its members."""
ABILITIES, NEW_ABILITY = "capabilities", "new-capability"
TARGETS = 4
"""So many targets are named after a fact that holds for some of them."""


def warning_text(event: Warned | Found) -> str:
    """The sentence of a warning; of a finding: its subject, a colon and its sentence, without the rule's id."""
    if isinstance(event, Found):
        return f"{subject_of(event.finding)}: {sentence_of(event.finding)}"
    return event.sentence


def event_line(event: Event) -> str | None:
    """An event as one line: `note: …`, or `warning: …`, also for any finding, …; None for one for progress bars or logs."""
    line: str | None = None
    match event:
        case Warned() | Found():
            line = f"warning: {warning_text(event)}"
        case Noted(sentence):
            line = f"note: {sentence}"
        case Retrying(subject, reason, seconds):
            line = f"retrying {subject} in {seconds:.1f} s: {reason}"
        case Resolving(target, number, targets):
            line = f"resolving for {target}{f' ({number} of {targets})' if targets > 1 else ''}"
        case Searching():
            line = _search_line(event)
        case Resolved(target, projects, reused):
            line = f"{counted(projects, 'project')} for {target}{', from the lock file' if reused else ''}"
        case Built(sdist, wheel, seconds, reused):
            how = f"reused from the cache (built from {sdist})" if reused else f"built in {seconds:.1f} s from {sdist}"
            line = f"{wheel}: {how}"
    return line


def event_document(event: Event) -> dict[str, Any]:
    """The fields of an event, for a log; its type is not named. A finding is the one field `finding`, as `finding_document` has it."""
    if isinstance(event, Found):
        return {"finding": finding_document(event.finding)}
    return asdict(event)


def _search_line(event: Searching) -> str:
    """The line on a long search: the project that it is at, the number of conflicts, and which projects conflict most often, if any."""
    line = f"still resolving, now {event.project}; {counted(event.conflicts, 'conflict')} so far"
    if event.most_frequent:
        one, other = event.most_frequent
        line += f", most often between {one} and {other}" if one != other else f", most often between releases of {one}"
    return line


def error_lines(error: WheelhouseError) -> list[str]:
    """An error for stderr: its details, indented; then `error: …`; then `hint: …`, if it has a hint."""
    lines = [*(f"  {detail}" for detail in error_details(error)), f"error: {error_sentence(error)}"]
    return [*lines, f"hint: {hint}"] if (hint := error_hint(error)) else lines


def error_document(error: WheelhouseError) -> dict[str, Any]:
    """An error for `--json`, under the key `error`: its class, exit code, sentence, hint and details. The hint is None
    if there is none.
    """
    return {
        "error": {
            "kind": type(error).__name__,
            "exit-code": error.exit_code,
            "sentence": error_sentence(error),
            "hint": error_hint(error) or None,
            "details": error_details(error),
        }
    }


def lock_document(lock: Lock) -> dict[str, Any]:
    """A lock for `--json`: its target, Python and file name, and each pin with its file; without dependencies."""
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


def fetched_lines(path: str, fetched: Sequence[str], unchanged: Sequence[str], removed: Sequence[str]) -> list[str]:
    """A line with the numbers of files that a fetch fetched, kept and removed; then, if any were removed, a line with their first names."""
    line = f"{path}: {counted(len(fetched), 'file')} fetched, {len(unchanged)} unchanged, {len(removed)} removed"
    return [line, *([f"  removed: {listed(removed, REMOVED)}"] if removed else [])]


def lost_sentence(path: str, count: int) -> str:
    """The sentence that a run would remove so many files of another job: the user is asked before."""
    return f"`{path}` also has the files of another job, and this run would remove {count} of them"


def foreign_sentence(path: str, names: Sequence[str]) -> str:
    """The sentence on files that no lock file of a wheelhouse lists: the first names, and how many more."""
    return f"`{path}` has files that no lock file lists: {listed(names, FOREIGN)} (see `wheelhouse verify`)"


def other_files_document(files: OtherFiles) -> list[dict[str, Any]]:
    """The other files of a wheelhouse, for `--json`. `voucher` is None if only the sha256 vouches for a file."""
    return [
        {"name": file.name, "url": file.url, "sha256": file.sha256, "size": file.size, "voucher": file.voucher or None}
        for file in files.files
    ]


def other_files_lines(files: OtherFiles, removed: Sequence[str]) -> list[str]:
    """A line for each other file of a wheelhouse, with its size and what vouches for it; then one with the first removed names, if any."""
    lines = [
        f"{FOLDER}/{file.name}: {size_text(file.size)}, {file.voucher or 'checked only by its sha256'}"
        for file in files.files
    ]
    return [*lines, *([f"{FOLDER}: removed: {listed(removed, REMOVED)}"] if removed else [])]


def debian_document(lock: "DebianLock") -> list[dict[str, Any]]:
    """The Debian packages of a wheelhouse, for `--json`: one entry for each, with the lists that need it."""
    return [
        {
            "name": deb.name,
            "version": deb.version,
            "architecture": deb.architecture,
            "suite": deb.suite,
            "sha256": deb.sha256,
            "size": deb.size,
            "lists": list(deb.lists),
        }
        for deb in lock.packages
    ]


def debian_lines(lock: "DebianLock") -> list[str]:
    """One line for all Debian packages: how many, their size, and the suites that they come from; empty if there are no suites."""
    if not lock.suites:
        return []
    size = size_text(sum(deb.size for deb in lock.packages))
    suites = ", ".join(dict.fromkeys(suite.suite for suite in lock.suites))
    return [f"debian/: {counted(len(lock.packages), 'package')} for {lock.inputs.architecture}, {size}, from {suites}"]


def why_debian_lines(lock: "DebianLock", name: str) -> list[str]:
    """Two lines for each Debian package of this name: its version, lists and place; then the chain that leads to it, or `requested`.

    Empty if the wheelhouse does not have it.
    """
    lines = []
    for deb in (deb for deb in lock.packages if deb.name == name):
        place = f"{deb.suite} {deb.component}".strip()
        lines.append(f"{deb.name} {deb.version} for {listed(deb.lists, TARGETS)}, from {place}")
        chain = lock.chain_to(name)
        lines.append(" → ".join(chain) if len(chain) > 1 else "requested")
    return lines


def why_image_lines(images: "ImageLock", locks: "Sequence[Lock]", name: str) -> list[str]:
    """Two lines for each base image of this name or tag: where it is from; then the first targets of its machine, which are installed
    into it, or that there are none.

    Empty if the wheelhouse does not have it.
    """
    lines = []
    for image in (image for image in images.images if name in (image.name, image.tag)):
        lines.append(f"{image.tag} for {image.architecture}, {image.manifest.digest}, from {image.source}")
        targets = [lock.target.name for lock in locks if lock.target.platform.machine == image.machine]
        lines.append(
            f"the base image of {listed(targets, TARGETS)}" if targets else "no target is installed into this image"
        )
    return lines


def base_images_document(lock: "ImageLock") -> list[dict[str, Any]]:
    """The base images of a wheelhouse, for `--json`. `size` is that of all blobs; libc, Python and distribution are None if unknown."""
    return [
        {
            "name": image.name,
            "digest": image.manifest.digest,
            "architecture": image.architecture,
            "size": sum(blob.size for blob in image.blobs),
            "libc": image.facts.libc if image.facts else None,
            "python": image.facts.python if image.facts else None,
            "distribution": image.distribution or None,
        }
        for image in lock.images
    ]


def base_images_lines(lock: "ImageLock") -> list[str]:
    """A line for each base image: its reference and digest, its size, and what it holds."""
    return [_base_image_line(image) for image in lock.images]


def _base_image_line(image: "BaseImage") -> str:
    """The line of one base image: reference and digest, architecture, size, distribution, libc, Python or `no Python`."""
    size = size_text(sum(blob.size for blob in image.blobs))
    libc, python = (image.facts.libc, image.facts.python) if image.facts else ("", "")
    holds = [image.distribution, libc, f"Python {python}" if python else "no Python"]
    digest = image.manifest.digest
    return f"image/: {image.reference.text}@{digest} for {image.architecture}, {size}: {', '.join(filter(None, holds))}"


def locks_lines(locks: Sequence[Lock]) -> list[str]:
    """A line for each lock file, then indented remarks about pins, each once.

    A remark that does not hold for all targets names the first TARGETS of those for which it holds.
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
    """The line of a lock file: its target, Python, number of projects and size."""
    total = sum(artifact.size for artifact in lock.artifacts)
    projects = counted(len(lock.pins), "project")
    return f"{lock.target.name} (Python {lock.target.python.version}): {projects}, {size_text(total)}"


def _pin_lines(lock: Lock) -> list[str]:
    """Remarks: a line for each sdist, and each wheel built from one, with the reason; one with all that no constraint pins.

    Those without a reason are left out, and the last line if the lock has no constraints or they pin all.
    """
    lines = [
        f"{'built from' if pin.built else 'sdist:'} {pin.origin.filename}: {pin.sdist_because}"
        for pin in lock.pins
        if pin.sdist_because
    ]
    free = [f"{pin.project} {pin.version}" for pin in lock.pins if not pin.constrained]
    return (
        [*lines, f"projects that are not pinned by a constraint: {', '.join(free)}"]
        if lock.inputs.constraints and free
        else lines
    )


def built_document(
    locks: Iterable[Lock], fresh: frozenset[str], differing: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """The built wheels of each target, for `--json`. `fresh` names those of this run.

    `differing` has, by wheel, the members in which a second build differs.
    """
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
    path: str, locks: Iterable[Lock], fresh: frozenset[str], differing: Mapping[str, Iterable[str]]
) -> list[str]:
    """A line for each wheel that differs in a second build; then a line with the numbers of wheels built now and before (each once)."""
    built = {pin.artifact.filename for lock in locks for pin in lock.pins if pin.built}
    lines = [f"{name}: a second build differs in {', '.join(members)}" for name, members in sorted(differing.items())]
    now = sum(name in fresh for name in built)
    return [*lines, f"{path}: {counted(len(built), 'wheel')} built from sdists, {now} now, {len(built) - now} before"]


def warnings_and_errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings without notes, in their order: those that `--quiet` shows."""
    return tuple(finding for finding in findings if finding.severity >= Severity.WARNING)


def finding_lines(findings: Iterable[Finding], first_seen: Collection[Finding] = ()) -> list[str]:
    """Findings and their hints, worst first, each on a line of its own. Findings in a row with one hint have it once, after them.

    Of one severity, what is new comes first: what a release can do that the one before could not, then what no reviewer saw in
    the project before, which is marked as new. Notes with capabilities that are not new come last, without hints: one line
    for all files that can do the same, if there are several.
    """
    abilities: dict[FactPairs, list[Finding]] = {}
    hinted: list[tuple[str, str]] = []
    for finding in sorted(findings, key=lambda finding: (_rank(finding, finding in first_seen), finding)):
        if finding.rule == ABILITIES and finding.severity == Severity.NOTE and finding not in first_seen:
            abilities.setdefault(finding.facts, []).append(finding)
            continue
        severity = f"{finding.severity.name.lower()}{' (new in this project)' if finding in first_seen else ''}"
        hinted.append((f"{severity}: {subject_of(finding)}: {sentence_of(finding)} [{finding.rule}]", hint_of(finding)))
    return [*_with_hints(hinted), *map(_abilities_line, abilities.values())]


def _with_hints(hinted: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Each line, then its hint as an indented line. If the next line has the same hint, the hint is left to that one."""
    for (line, hint), (_, next_hint) in zip(hinted, [*hinted[1:], ("", "")], strict=False):
        yield line
        if hint and hint != next_hint:
            yield f"  hint: {hint}"


def _rank(finding: Finding, is_new: bool) -> tuple[object, ...]:
    """The sort key of a finding: by severity, what is new before the rest, and vulnerabilities that are exploited before others."""
    return -finding.severity, finding.rule != NEW_ABILITY, not is_new, finding.urgency


def _abilities_line(findings: Sequence[Finding]) -> str:
    """One line for all files that can do the same, with the first names. A single file has its own sentence, with members."""
    if len(findings) == 1:
        return f"note: {findings[0].subject}: {sentence_of(findings[0])} [{ABILITIES}]"
    can = findings[0].values.get("capabilities", ())
    abilities = (
        f"can: {', '.join(can)}"
        if isinstance(can, tuple) and can
        else "have none of the capabilities that `vet` looks for"
    )
    names = listed([finding.subject for finding in findings], FOLDED)
    return f"note: {counted(len(findings), 'file')} {abilities} [{ABILITIES}] ({names})"


def finding_document(finding: Finding) -> dict[str, Any]:
    """A finding for `--json`, with its sentence and hint (None if there is none). A waiver is only in the sentence; `analysis` is there
    only if there is one.
    """
    return {
        "subject": finding.subject,
        "rule": finding.rule,
        "severity": finding.severity.name.lower(),
        "sentence": sentence_of(finding),
        "hint": hint_of(finding) or None,
        "facts": dict(finding.facts),
        "context": dict(finding.context),
        "fingerprint": finding.fingerprint,
        **({"analysis": asdict(finding.analysis)} if finding.analysis else {}),
    }


def approved_text(files: Mapping[str, str], approvals: "Approvals") -> str:
    """How many of these files (path → sha256) enough reviewers approved, in words, and which folders inside are counted too."""
    approved = sum(map(approvals.approved, files.values()))
    inside = sorted({f"{path.partition('/')[0]}/" for path in files if "/" in path})
    counted_too = f", including the files in {' and '.join(inside)}" if inside else ""
    reviewers = counted(approvals.needed, "reviewer")
    return f"{approved} of {counted(len(files), 'file')} approved by {reviewers}{counted_too}"


def why_lines(locks: Iterable[Lock], project: str) -> Mapping[str, list[str]]:
    """For each target that has a project, by the target's name: a line for each chain that leads to it, `a 1.0 → b 2.0`.

    The line is `b 2.0 was requested` if the chain is the project alone. `project` must be a normalised name. The mapping is
    empty if no lock has it.
    """
    lines: dict[str, list[str]] = {}
    for lock in locks:
        pins = {str(pin.project): pin for pin in lock.pins}
        if project not in pins:
            continue
        releases = [[f"{name} {pins[name].version}" for name in chain] for chain in chains(lock, pins[project].project)]
        lines[lock.target.name] = [
            " → ".join(chain) if len(chain) > 1 else f"{chain[0]} was requested" for chain in releases
        ]
    return lines


def evidence_document(evidence: "Evidence") -> dict[str, Any]:
    """What vetting found, for `--json`: the number of files, whether no finding reaches the threshold, the files that too few reviewers
    approved, and the open, approved and waived findings; the open ones with `new`: first seen in the project.
    """
    return {
        "files": len(evidence.hashes),
        "ok": not evidence.bad,
        "new": sorted(evidence.new),
        "findings": [
            {**finding_document(finding), "new": finding in evidence.first_seen} for finding in evidence.findings
        ],
        "approved": list(map(finding_document, evidence.approved)),
        "waived": list(map(finding_document, evidence.waived)),
    }


def evidence_lines(evidence: "Evidence", path: str) -> list[str]:
    """A line for each waived finding, one on approved files if there are approvals, and the result. Open findings are only counted."""
    waived = [f"waived: {subject_of(finding)}: {sentence_of(finding)} [{finding.rule}]" for finding in evidence.waived]
    approved = [_approved_line(evidence, path)] if evidence.approvals.approvals else []
    result = [
        counted(len(evidence.hashes), "file"),
        counted(len(evidence.findings), "finding"),
        f"{len(evidence.bad) or 'none'} at or above the threshold ({evidence.threshold.name.lower()})",
        *([f"{len(evidence.waived)} waived"] if evidence.waived else []),
    ]
    return [*waived, *approved, f"{path}: {', '.join(result)}"]


def _approved_line(evidence: "Evidence", path: str) -> str:
    """The line on how many files and findings earlier approvals cover, and how many files are left to review."""
    files, new = len(evidence.hashes), len(evidence.new)
    findings = counted(len(evidence.approved), "finding")
    return (
        f"{path}: {files - new} of {counted(files, 'file')} approved before (with {findings}); "
        f"{counted(new, 'file')} to review"
    )
