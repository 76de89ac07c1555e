"""Approvals: who approved which bytes, with which findings, why, and until when (pure).

An approval names files by sha256, so it counts in each wheelhouse with the same bytes. It also names the findings that the
reviewer saw; a later finding needs another approval.
`approval_statement` writes and reads what is signed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase

from wheelhouse.archive.filenames import release_of
from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Finding, Severity
from wheelhouse.vet.approvals_format1 import FORMAT_1, sentence_in_format_1

FORMAT = 2
CAPABILITIES = "capabilities"
"""The rule whose findings say what a file can do, and the fact of it that names this."""
Seen = frozenset[tuple[str, str]]
"""Findings that a reviewer saw: the rule with the fingerprint of its facts, or with the sentence in format 1."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One signed statement: the files by sha256, each with its name and the findings that the reviewer saw.

    `reviewer` is the name that the policy gives to the key that signed; None if the policy does not know the key, `key`.
    `id` is the sha256 of the statement, `previous` that of the reviewer's statement before. A statement with `withdraws` approves
    nothing: it withdraws its files from the statements with these ids. `role` is what the reviewer signed as. `capabilities` has,
    by sha256, what a file could do when it was approved, for files of which the reviewer saw that.
    """

    files: Mapping[str, tuple[str, Seen]]
    reviewer: str | None
    key: str
    reason: str
    made: date
    expires: date | None = None
    format: int = FORMAT
    previous: str | None = None
    withdraws: tuple[str, ...] = ()
    role: str | None = None
    id: str = ""
    capabilities: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def is_valid(self, today: date) -> bool:
        """Whether it counts: a known reviewer signed it, and it has not expired. `expires` is its last day."""
        return self.reviewer is not None and (self.expires is None or today <= self.expires)

    def covers(self, sha256: str, finding: Finding) -> bool:
        """Whether the reviewer saw this finding on a file that the approval names; KeyError if it does not name the file.

        Findings are equal by fingerprint; in format 1 by their sentence, or by the rule alone if it has none.
        """
        mark = sentence_in_format_1(finding) if self.format == FORMAT_1 else finding.fingerprint
        seen = self.files[sha256][1]
        return (finding.rule, mark) in seen if mark is not None else any(rule == finding.rule for rule, _ in seen)


@dataclass(frozen=True, slots=True)
class Role:
    """What the reviewers of a role may approve, by patterns of projects; and how many of them each such file needs besides."""

    name: str
    projects: tuple[str, ...] = ("*",)
    needed: int = 0

    def is_for(self, filename: str) -> bool:
        """Whether one of its patterns fits the project of a file of this name. A file that is no distribution is matched by its name."""
        try:
            subject: str = release_of(filename)[0]
        except ValueError:
            subject = filename
        return any(fnmatchcase(subject, pattern) for pattern in self.projects)


@dataclass(frozen=True, slots=True)
class Approvals:
    """All approvals, as of one day, and how many reviewers each file needs.

    `roles` are by reviewer; a reviewer without one may approve everything. `approvals` are without what was withdrawn,
    `withdrawals` are the statements that did so. `tips` are the ids of the last statements of each reviewer.
    """

    approvals: tuple[Approval, ...] = ()
    today: date = date.min
    needed: int = 1
    roles: Mapping[str, Role] = field(default_factory=dict)
    withdrawals: tuple[Approval, ...] = ()
    tips: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def reviewers(self, sha256: str) -> frozenset[str]:
        """The reviewers whose valid approvals name a file that they may approve; empty if there is none."""
        return frozenset(filter(None, (approval.reviewer for approval in self._valid(sha256))))

    def approved(self, sha256: str) -> bool:
        """Whether enough reviewers approved a file, also of each role of which it needs some."""
        return self._are_enough(sha256, self.reviewers(sha256))

    def covers(self, sha256: str, finding: Finding) -> bool:
        """Whether enough reviewers, also of each role that the file needs, saw this finding when they approved the file.

        A reviewer with several keys counts once.
        """
        saw = (approval.reviewer for approval in self._valid(sha256) if approval.covers(sha256, finding))
        return self._are_enough(sha256, frozenset(filter(None, saw)))

    def lacking_role(self, sha256: str, reviewers: Collection[str]) -> Role | None:
        """The first role by name of which a file needs more reviewers than these; None if they are enough.

        Also None for a file that no approval that counts names.
        """
        names = {approval.files[sha256][0].rpartition("/")[2] for approval in self._valid(sha256)}
        for role in sorted({role.name: role for role in self.roles.values()}.values(), key=lambda role: role.name):
            own = [reviewer for reviewer in reviewers if self.roles.get(reviewer) == role]
            if len(own) < role.needed and any(map(role.is_for, names)):
                return role
        return None

    def _are_enough(self, sha256: str, reviewers: Collection[str]) -> bool:
        """Whether these reviewers are as many as the policy needs, with each role that it needs."""
        return len(reviewers) >= self.needed and self.lacking_role(sha256, reviewers) is None

    def covers_all(self, sha256: str, reviewer: str, expires: date | None, findings: Iterable[Finding]) -> bool:
        """Whether a valid approval of a file by a reviewer lasts until `expires` (None: for ever) or longer, and covers all
        these findings.
        """
        findings = tuple(findings)
        return any(
            approval.reviewer == reviewer
            and (approval.expires is None or (expires is not None and expires <= approval.expires))
            and all(approval.covers(sha256, finding) for finding in findings)
            for approval in self._valid(sha256)
        )

    def sha256s_of(self, filename: str) -> frozenset[str]:
        """The sha256 of all files of this name, in any folder, that a known reviewer approved.

        Expired approvals count, and those of files beyond the reviewer's role; withdrawn ones do not.
        """
        return frozenset(
            sha256
            for approval in self.approvals
            if approval.reviewer
            for sha256, (name, _) in approval.files.items()
            if name.rpartition("/")[2] == filename
        )

    def missing(self, path: str, sha256: str) -> Finding:
        """The finding `not-approved` on a file, at a path, that not enough reviewers approved: what is missing."""
        approvals = [approval for approval in self.approvals if sha256 in approval.files]
        reviewers = tuple(sorted(self.reviewers(sha256)))
        expired = {
            f"{one.reviewer} ({one.expires})" for one in approvals if one.reviewer and not one.is_valid(self.today)
        }
        keys = {one.key for one in approvals if one.reviewer is None}
        withdrawn = {
            f"{one.reviewer} ({one.reason})"
            for one in self.withdrawals
            if sha256 in one.files and one.reviewer not in reviewers
        }
        outside = {one.reviewer for one in approvals if not self._may_approve(one, sha256)}
        role = self.lacking_role(sha256, reviewers) if len(reviewers) >= self.needed else None
        causes: dict[str, object] = {
            "role": role,
            "few": reviewers,
            "withdrawn": withdrawn,
            "expired": expired,
            "outside": outside,
            "unknown-key": keys,
        }
        case = next((name for name, cause in causes.items() if cause), "nobody")
        return Finding.of(
            path,
            "not-approved",
            Severity.ERROR,
            case=case,
            reviewers=reviewers,
            needed=role.needed if role else self.needed,
            expired=tuple(sorted(expired)),
            keys=tuple(sorted(keys)),
            **({"role": role.name} if role else {}),
            **({"withdrawn": tuple(sorted(withdrawn))} if withdrawn else {}),
            **({"outside": tuple(sorted(filter(None, outside)))} if outside else {}),
        )

    def _valid(self, sha256: str) -> Iterator[Approval]:
        """The approvals of a file that count today."""
        return (one for one in self.approvals if self.counts(one, sha256))

    def counts(self, approval: Approval, sha256: str) -> bool:
        """Whether an approval counts today for a file: it names the file, is valid, and its reviewer's role, if any, is for the file."""
        return sha256 in approval.files and approval.is_valid(self.today) and self._may_approve(approval, sha256)

    def _may_approve(self, approval: Approval, sha256: str) -> bool:
        """Whether the reviewer's role is for the file, which the approval must name; True without a role."""
        role = self.roles.get(approval.reviewer) if approval.reviewer else None
        return role is None or role.is_for(approval.files[sha256][0].rpartition("/")[2])


NO_APPROVALS = Approvals()


def unapproved(files: Mapping[str, str], approvals: Approvals) -> tuple[Finding, ...]:
    """A finding for each file that not enough reviewers approved, in the order of paths. `files` is path → sha256."""
    return tuple(
        approvals.missing(path, sha256) for path, sha256 in sorted(files.items()) if not approvals.approved(sha256)
    )


def must_be_approved(files: Mapping[str, str], approvals: Approvals) -> None:
    """Raise IntegrityError, with the findings of `unapproved`, if not enough reviewers approved one of these files (path → sha256)."""
    if findings := unapproved(files, approvals):
        raise IntegrityError(f"`{findings[0].subject}` is not approved", findings=findings)


def split_approved(
    findings: Iterable[Finding], sha256s: Mapping[str, str], approvals: Approvals
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings that too few reviewers saw when they approved the file, then those that enough saw, as in `Approvals.covers`.

    `sha256s` is by subject; too few saw a finding on any other subject.
    """
    open_findings: list[Finding] = []
    approved: list[Finding] = []
    for finding in findings:
        sha256 = sha256s.get(finding.subject)
        (approved if sha256 and approvals.covers(sha256, finding) else open_findings).append(finding)
    return tuple(open_findings), tuple(approved)
