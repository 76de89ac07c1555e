"""The files that a reviewer decides on, those that are newly able to act first, and where each of them stands (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wheelhouse.findings import Finding, Severity
from wheelhouse.vet.approvals import Approvals
from wheelhouse.vet.approved_releases import ApprovedReleases
from wheelhouse.vet.capabilities import Capability
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.file_capabilities import capabilities_of


class Standing(StrEnum):
    """Where a file stands for one reviewer. Values are written in JSON."""

    OPEN = "open"
    """The reviewer has not approved it with these findings, and not enough others have."""
    WAITING = "waiting"
    """The reviewer approved it, and others must, too."""
    APPROVED = "approved"
    """Enough reviewers approved it and saw its findings."""


@dataclass(frozen=True, slots=True)
class QueuedFile:
    """A file to decide on. `findings` are all that an approval of it signs.

    `gained` is what it can do and the release before could not, in the order of `Capability`; all that it can do if there is no
    release before; nothing if the file is approved, is in the earlier wheelhouse, or `before` is None. `before` is that
    release's version; empty without one, and None if nobody saw what it could do.
    """

    subject: str
    sha256: str
    findings: tuple[Finding, ...]
    gained: tuple[Capability, ...] = ()
    before: str | None = ""


@dataclass(frozen=True, slots=True)
class FileStanding:
    """Where a file stands: who approved it, and whether the reviewer did and may. `role` is one that it needs more reviewers of."""

    standing: Standing
    reviewers: tuple[str, ...]
    is_mine: bool
    may_approve: bool
    role: str = ""


def review_queue(evidence: Evidence) -> tuple[QueuedFile, ...]:
    """Every file of a wheelhouse, also approved ones and other files than distributions, in the order in which to review them.

    By the weightiest capability that they gained, those that gained none last. Of equal ones, first those with a release
    before whose capabilities were seen, then those with the worst findings, then those with a finding that no reviewer saw
    in their project before, then by path.
    """
    findings: dict[str, list[Finding]] = {}
    for finding in sorted((*evidence.findings, *evidence.approved), key=lambda one: (-one.severity, one)):
        findings.setdefault(finding.subject, []).append(finding)
    releases = ApprovedReleases(evidence.approvals)
    names = (*evidence.files, *evidence.others)
    queued = [_queued(name, evidence, tuple(findings.get(name, ())), releases) for name in names]
    return tuple(sorted(queued, key=lambda one: _rank(one, evidence)))


def _queued(name: str, evidence: Evidence, findings: tuple[Finding, ...], releases: ApprovedReleases) -> QueuedFile:
    """One file with its findings, and what it gained (see `QueuedFile`); a file that is no distribution gained nothing."""
    sha256, facts = evidence.hashes[name], evidence.files.get(name)
    if facts is None:
        return QueuedFile(name, sha256, findings)
    before, could = _release_before(facts, evidence, releases)
    is_as_before = name not in evidence.new or (evidence.since and name not in evidence.replaced)
    gained = () if is_as_before else tuple(one for one in capabilities_of(facts) if one not in could)
    return QueuedFile(name, sha256, findings, gained if before is not None else (), before)


def _release_before(facts: Facts, evidence: Evidence, releases: ApprovedReleases) -> tuple[str | None, frozenset[str]]:
    """The version of the release to compare with, as in `QueuedFile.before`, and what it could do.

    It is the file that this one replaces in the earlier wheelhouse, else the release that was approved before.
    """
    replaced = evidence.replaced.get(facts.subject)
    if replaced and replaced.earlier:
        return replaced.earlier.version, replaced.earlier.capabilities
    release = releases.before(facts.project, facts.version, facts.pin.artifact.sha256)
    if release is None:
        return "", frozenset()
    return (None, frozenset()) if release.capabilities is None else (str(release.version), release.capabilities)


def _rank(queued: QueuedFile, evidence: Evidence) -> tuple[int, bool, int, bool, str]:
    """What sorts files for a review, as `review_queue` says: the first to review is the lowest."""
    order = list(Capability)
    worst = max((finding.severity for finding in queued.findings), default=0)
    weightiest = min(map(order.index, queued.gained), default=len(order))
    return weightiest, not queued.before, -worst, evidence.first_seen.isdisjoint(queued.findings), queued.subject


def standings(queue: Iterable[QueuedFile], approvals: Approvals, reviewer: str) -> Mapping[str, FileStanding]:
    """Where each file stands for a reviewer, by subject, as the approvals say now."""
    return {one.subject: _standing(one, approvals, reviewer) for one in queue}


def _standing(queued: QueuedFile, approvals: Approvals, reviewer: str) -> FileStanding:
    """Where a file stands for a reviewer. To be approved, enough reviewers must have seen each warning and error.

    The reviewer's own approval must cover all findings, also notes.
    """
    sha256, role = queued.sha256, approvals.roles.get(reviewer)
    reviewers = approvals.reviewers(sha256)
    serious = [finding for finding in queued.findings if finding.severity >= Severity.WARNING]
    is_enough = approvals.approved(sha256) and all(approvals.covers(sha256, finding) for finding in serious)
    is_mine = approvals.covers_all(sha256, reviewer, approvals.today, queued.findings)
    lacking = approvals.lacking_role(sha256, reviewers)
    return FileStanding(
        Standing.APPROVED if is_enough else Standing.WAITING if is_mine else Standing.OPEN,
        tuple(sorted(reviewers)),
        is_mine,
        role is None or role.is_for(queued.subject.rpartition("/")[2]),
        lacking.name if lacking else "",
    )
