"""Approvals: who looked at which bytes, what was to be seen, why it is well, and until when (pure).

An approval speaks of files by their sha256, so it counts in every house that holds the same bytes. It also names the findings
that the reviewer saw: what turns up later stands until somebody looks again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from wheelhouse.archive.artifact import SHA256
from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Finding, Severity

PREDICATE = "approval"
Seen = frozenset[tuple[str, str]]
"""Findings as rule and sentence."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One signed statement: the files by sha256, each with its name and the findings that were seen.

    `reviewer` is the name that the policy gives the key which signed; None where the policy does not know the key, `key`.
    """

    files: Mapping[str, tuple[str, Seen]]
    reviewer: str | None
    key: str
    reason: str
    made: date
    expires: date | None = None

    def stands(self, today: date) -> bool:
        """Whether it counts: by a known reviewer, and not run out."""
        return self.reviewer is not None and (self.expires is None or today <= self.expires)


@dataclass(frozen=True, slots=True)
class Approvals:
    """All that was approved, as of one day, and how many reviewers each file needs."""

    approvals: tuple[Approval, ...] = ()
    today: date = date.min
    needed: int = 1

    def reviewers(self, sha256: str) -> frozenset[str]:
        """Who approved a file, and still does."""
        return frozenset(approval.reviewer or "" for approval in self._standing(sha256))

    def approved(self, sha256: str) -> bool:
        """Whether enough reviewers approved a file."""
        return len(self.reviewers(sha256)) >= self.needed

    def settled(self, sha256: str, finding: Finding) -> bool:
        """Whether enough reviewers approved a file having seen this finding."""
        seen = (finding.rule, finding.sentence)
        saw = {approval.reviewer for approval in self._standing(sha256) if seen in approval.files[sha256][1]}
        return len(saw) >= self.needed

    def lasting(self, sha256: str, reviewer: str, expires: date | None, seen: Seen) -> bool:
        """Whether a reviewer's approval of a file stands that lasts as long, and was given having seen as much."""
        return any(
            approval.reviewer == reviewer
            and seen <= approval.files[sha256][1]
            and (approval.expires is None or (expires is not None and expires <= approval.expires))
            for approval in self._standing(sha256)
        )

    def bytes_of(self, filename: str) -> frozenset[str]:
        """The sha256 of all files of this name that a known reviewer ever approved."""
        return frozenset(
            sha256
            for approval in self.approvals
            if approval.reviewer
            for sha256, (name, _) in approval.files.items()
            if name.rpartition("/")[2] == filename
        )

    def lacking(self, sha256: str) -> str:
        """Why a file is not approved, in a sentence."""
        speaking = [approval for approval in self.approvals if sha256 in approval.files]
        reasons = [
            *(
                f"the approval by {one.reviewer} ran out on {one.expires}"
                for one in speaking
                if one.reviewer and not one.stands(self.today)
            ),
            *(f"an approval is by the unknown key {one.key}" for one in speaking if one.reviewer is None),
        ]
        reviewers = sorted(self.reviewers(sha256))
        if reviewers:
            reasons.insert(0, f"approved by {', '.join(reviewers)}, where {self.needed} reviewers are needed")
        return "; ".join(dict.fromkeys(reasons)) or "nobody approved it"

    def _standing(self, sha256: str) -> Iterator[Approval]:
        return (one for one in self.approvals if sha256 in one.files and one.stands(self.today))


NOBODYS = Approvals()


def unapproved(files: Mapping[str, str], approvals: Approvals) -> tuple[Finding, ...]:
    """A finding for each file, by path → sha256, that not enough reviewers approved."""
    hint = "look at it with `wheelhouse vet`, then say so with `wheelhouse approve`"
    return tuple(
        Finding(path, "not-approved", Severity.ERROR, approvals.lacking(sha256), hint)
        for path, sha256 in sorted(files.items())
        if not approvals.approved(sha256)
    )


def must_be_approved(files: Mapping[str, str], approvals: Approvals) -> None:
    """Raise IntegrityError, naming every file, by path → sha256, that not enough reviewers approved."""
    lacking = unapproved(files, approvals)
    if lacking:
        more = f", and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise IntegrityError(
            f"`{lacking[0].subject}` is not approved: {lacking[0].sentence}{more}",
            hint=lacking[0].hint,
            details=tuple(f"{finding.subject}: {finding.sentence}" for finding in lacking),
        )


def divide(
    findings: Iterable[Finding], sha256s: Mapping[str, str], approvals: Approvals
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Findings that stand, and those that were seen when their file was approved. `sha256s` is by file name."""
    standing: list[Finding] = []
    settled: list[Finding] = []
    for finding in findings:
        sha256 = sha256s.get(finding.subject)
        (settled if sha256 and approvals.settled(sha256, finding) else standing).append(finding)
    return tuple(standing), tuple(settled)


def claim(reviewer: str, reason: str, made: date, expires: date | None, seen: Mapping[str, Seen]) -> dict[str, Any]:
    """The predicate of an approval's statement. `seen` is by sha256; files with no finding need not be there."""
    return {
        "reviewer": reviewer,
        "reason": reason,
        "made": made.isoformat(),
        "expires": expires.isoformat() if expires else None,
        "findings": {
            sha256: [{"rule": rule, "sentence": sentence} for rule, sentence in sorted(found)]
            for sha256, found in sorted(seen.items())
            if found
        },
    }


def parse_approval(statement: Mapping[str, Any], reviewer: str | None, key: str) -> Approval:
    """An in-toto statement as an approval. Raises IntegrityError for a statement of another kind or shape."""
    try:
        predicate = statement["predicate"]
        seen = {
            sha256: frozenset((str(row["rule"]), str(row["sentence"])) for row in rows)
            for sha256, rows in predicate["findings"].items()
        }
        files = {_sha256(row): (str(row["name"]), seen.get(_sha256(row), Seen())) for row in statement["subject"]}
        expires = predicate["expires"]
        return Approval(
            files,
            reviewer,
            key,
            str(predicate["reason"]),
            date.fromisoformat(predicate["made"]),
            date.fromisoformat(expires) if expires else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(f"the statement is no approval: {error}") from error


def _sha256(row: Mapping[str, Any]) -> str:
    sha256 = str(row["digest"]["sha256"])
    if not SHA256.fullmatch(sha256):
        raise ValueError(f"`{sha256}` is no sha256")
    return sha256
