"""Approvals: who approved which bytes, with which findings, why, and until when (pure).

An approval names files by sha256, so it counts in each wheelhouse with the same bytes. It also names the findings that the
reviewer saw; a later finding needs another approval. Format 2 signs the rule and the facts of a finding, and their
fingerprint. Format 1 signed English sentences; `approvals_format1` reads it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from wheelhouse.archive.artifact import SHA256
from wheelhouse.errors import IntegrityError
from wheelhouse.findings import FactPairs, FactValue, Finding, Severity, fingerprint
from wheelhouse.vet.approvals_format1 import FORMAT_1, sentence_in_format_1

PREDICATE = "approval"
FORMAT = 2
Seen = frozenset[tuple[str, str]]
"""Findings that a reviewer saw: the rule with the fingerprint of its facts, or with the sentence in format 1."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One signed statement: the files by sha256, each with its name and the findings that the reviewer saw.

    `reviewer` is the name that the policy gives to the key that signed; None if the policy does not know the key, `key`.
    `previous` is the sha256 of the reviewer's statement before, `withdraws` are those of statements that this one withdraws, and
    `role` is what the reviewer approves as. They are kept, and nothing uses them yet.
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

    def is_valid(self, today: date) -> bool:
        """Whether it counts: a known reviewer signed it, and it has not expired."""
        return self.reviewer is not None and (self.expires is None or today <= self.expires)

    def covers(self, sha256: str, finding: Finding) -> bool:
        """Whether the reviewer of a file saw this finding."""
        mark = sentence_in_format_1(finding) if self.format == FORMAT_1 else finding.fingerprint
        seen = self.files[sha256][1]
        return (finding.rule, mark) in seen if mark is not None else any(rule == finding.rule for rule, _ in seen)


@dataclass(frozen=True, slots=True)
class Approvals:
    """All approvals, as of one day, and how many reviewers each file needs."""

    approvals: tuple[Approval, ...] = ()
    today: date = date.min
    needed: int = 1

    def reviewers(self, sha256: str) -> frozenset[str]:
        """The reviewers whose valid approvals name a file."""
        return frozenset(approval.reviewer or "" for approval in self._valid(sha256))

    def approved(self, sha256: str) -> bool:
        """Whether enough reviewers approved a file."""
        return len(self.reviewers(sha256)) >= self.needed

    def covers(self, sha256: str, finding: Finding) -> bool:
        """Whether enough reviewers saw this finding when they approved the file. A reviewer with several keys counts once."""
        saw = {approval.reviewer for approval in self._valid(sha256) if approval.covers(sha256, finding)}
        return len(saw) >= self.needed

    def covers_all(self, sha256: str, reviewer: str, expires: date | None, findings: Iterable[Finding]) -> bool:
        """Whether a valid approval of a file by a reviewer lasts until `expires` or longer, and covers all these findings."""
        findings = tuple(findings)
        return any(
            approval.reviewer == reviewer
            and (approval.expires is None or (expires is not None and expires <= approval.expires))
            and all(approval.covers(sha256, finding) for finding in findings)
            for approval in self._valid(sha256)
        )

    def sha256s_of(self, filename: str) -> frozenset[str]:
        """The sha256 of all files of this name that a known reviewer ever approved."""
        return frozenset(
            sha256
            for approval in self.approvals
            if approval.reviewer
            for sha256, (name, _) in approval.files.items()
            if name.rpartition("/")[2] == filename
        )

    def missing(self, path: str, sha256: str) -> Finding:
        """The finding on a file, at a path, that not enough reviewers approved: what is missing."""
        approvals = [approval for approval in self.approvals if sha256 in approval.files]
        reviewers = tuple(sorted(self.reviewers(sha256)))
        expired = {
            f"{one.reviewer} ({one.expires})" for one in approvals if one.reviewer and not one.is_valid(self.today)
        }
        keys = {one.key for one in approvals if one.reviewer is None}
        case = "few" if reviewers else "expired" if expired else "unknown-key" if keys else "nobody"
        return Finding.of(
            path,
            "not-approved",
            Severity.ERROR,
            case=case,
            reviewers=reviewers,
            needed=self.needed,
            expired=tuple(sorted(expired)),
            keys=tuple(sorted(keys)),
        )

    def _valid(self, sha256: str) -> Iterator[Approval]:
        return (one for one in self.approvals if sha256 in one.files and one.is_valid(self.today))


NO_APPROVALS = Approvals()


def unapproved(files: Mapping[str, str], approvals: Approvals) -> tuple[Finding, ...]:
    """A finding for each file, by path → sha256, that not enough reviewers approved."""
    return tuple(
        approvals.missing(path, sha256) for path, sha256 in sorted(files.items()) if not approvals.approved(sha256)
    )


def must_be_approved(files: Mapping[str, str], approvals: Approvals) -> None:
    """Raise IntegrityError, with a finding for each file, by path → sha256, that not enough reviewers approved."""
    if findings := unapproved(files, approvals):
        raise IntegrityError(f"`{findings[0].subject}` is not approved", findings=findings)


def split_approved(
    findings: Iterable[Finding], sha256s: Mapping[str, str], approvals: Approvals
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Findings that no approval covers, and those that one covers. `sha256s` is by file name."""
    open_findings: list[Finding] = []
    approved: list[Finding] = []
    for finding in findings:
        sha256 = sha256s.get(finding.subject)
        (approved if sha256 and approvals.covers(sha256, finding) else open_findings).append(finding)
    return tuple(open_findings), tuple(approved)


def predicate(
    reviewer: str, reason: str, made: date, expires: date | None, seen: Mapping[str, Sequence[Finding]]
) -> dict[str, Any]:
    """The predicate of an approval's statement, in format 2. `seen` has the findings by sha256 of the file."""
    return {
        "format": FORMAT,
        "reviewer": reviewer,
        "reason": reason,
        "made": made.isoformat(),
        "expires": expires.isoformat() if expires else None,
        "findings": {
            sha256: [_row(finding) for finding in sorted(findings)]
            for sha256, findings in sorted(seen.items())
            if findings
        },
    }


def _row(finding: Finding) -> dict[str, Any]:
    return {"rule": finding.rule, "facts": dict(finding.facts), "fingerprint": finding.fingerprint}


def parse_approval(statement: Mapping[str, Any], reviewer: str | None, key: str) -> Approval:
    """An in-toto statement as an approval. Raises IntegrityError for a statement of another kind, format or shape."""
    try:
        told = statement["predicate"]
        version = told.get("format", FORMAT_1)
        if version not in (FORMAT_1, FORMAT):
            raise ValueError(f"its format is {version}, and this wheelhouse reads {FORMAT_1} and {FORMAT}")
        mark = _sentence if version == FORMAT_1 else _fingerprint
        seen = {sha256: Seen(map(mark, rows)) for sha256, rows in told["findings"].items()}
        files = {_sha256(row): (str(row["name"]), seen.get(_sha256(row), Seen())) for row in statement["subject"]}
        expires = told["expires"]
        return Approval(
            files,
            reviewer,
            key,
            str(told["reason"]),
            date.fromisoformat(told["made"]),
            date.fromisoformat(expires) if expires else None,
            version,
            *(_optional(told) if version == FORMAT else ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(f"the statement is no approval: {error}") from error


def _optional(told: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...], str | None]:
    """`previous`, `withdraws` and `role`. Raises ValueError for a value of another type."""
    previous, withdraws, role = told.get("previous"), told.get("withdraws") or [], told.get("role")
    if not isinstance(withdraws, list) or not all(map(_is_sha256, withdraws)):
        raise ValueError("`withdraws` is not a list of sha256")
    if previous is not None and not _is_sha256(previous):
        raise ValueError("`previous` is not a sha256")
    if role is not None and not isinstance(role, str):
        raise ValueError("`role` is not a string")
    return previous, tuple(withdraws), role


def _sentence(row: Mapping[str, Any]) -> tuple[str, str]:
    """A finding of format 1: the rule and its English sentence."""
    return str(row["rule"]), str(row["sentence"])


def _fingerprint(row: Mapping[str, Any]) -> tuple[str, str]:
    """A finding of format 2: the rule and its fingerprint. Raises ValueError if the facts have another one."""
    facts: FactPairs = tuple(sorted((name, _fact(value)) for name, value in row["facts"].items()))
    if fingerprint(row["rule"], facts) != row["fingerprint"]:
        raise ValueError(f"the fingerprint of a finding of `{row['rule']}` is not that of its facts")
    return row["rule"], row["fingerprint"]


def _fact(value: object) -> FactValue:
    """A fact as JSON has it. Raises ValueError for a value that no fact can have."""
    if isinstance(value, list):
        return tuple(map(_text, value))
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"`{value}` is no fact")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"`{value}` is no fact")
    return value


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and SHA256.fullmatch(value) is not None


def _sha256(row: Mapping[str, Any]) -> str:
    sha256 = str(row["digest"]["sha256"])
    if not SHA256.fullmatch(sha256):
        raise ValueError(f"`{sha256}` is no sha256")
    return sha256
