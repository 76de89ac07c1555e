"""The signed statement of an approval: written in format 2, read in formats 1 and 2 (pure).

Format 2 signs the rule and the facts of a finding, and their fingerprint. Format 1 signed English sentences.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from wheelhouse.documents import DocumentType
from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Finding, fingerprint
from wheelhouse.lock.lock_tables import Sha256
from wheelhouse.vet.approvals import CAPABILITIES, FORMAT, Approval, Seen
from wheelhouse.vet.approvals_format1 import FORMAT_1

PREDICATE = "approval"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a reviewer signs beside the files and findings. See `Approval` for the last three."""

    reviewer: str
    reason: str
    made: date
    expires: date | None = None
    previous: str | None = None
    withdraws: tuple[str, ...] = ()
    role: str | None = None

    def predicate(self, seen: Mapping[str, Sequence[Finding]]) -> dict[str, Any]:
        """The predicate of the statement, in format 2.

        `seen` has the findings by sha256 of the file; files without findings are left out, and so are `previous`,
        `withdraws` and `role` if they are empty.
        """
        optional = {"previous": self.previous, "withdraws": list(self.withdraws), "role": self.role}
        return {
            "format": FORMAT,
            "reviewer": self.reviewer,
            "reason": self.reason,
            "made": self.made.isoformat(),
            "expires": self.expires.isoformat() if self.expires else None,
            "findings": {
                sha256: [_row(finding) for finding in sorted(findings)]
                for sha256, findings in sorted(seen.items())
                if findings
            },
            **{name: value for name, value in optional.items() if value},
        }


def _row(finding: Finding) -> dict[str, Any]:
    """A finding as an approval signs it."""
    return {"rule": finding.rule, "facts": dict(finding.facts), "fingerprint": finding.fingerprint}


class _Digest(msgspec.Struct):
    sha256: Sha256


class _Subject(msgspec.Struct):
    name: str
    digest: _Digest


class _SentenceRow(msgspec.Struct):
    """A finding of format 1: the rule and its English sentence."""

    rule: str
    sentence: str

    @property
    def mark(self) -> tuple[str, str]:
        """What `Seen` has of it: the rule and the sentence."""
        return self.rule, self.sentence


class _FactsRow(msgspec.Struct):
    """A finding of format 2: the rule, its facts and their fingerprint."""

    rule: str
    facts: dict[str, str | int | tuple[str, ...]]
    fingerprint: str

    @property
    def mark(self) -> tuple[str, str]:
        """What `Seen` has of it: the rule and the fingerprint. Raises ValueError if the facts have another fingerprint."""
        if fingerprint(self.rule, tuple(sorted(self.facts.items()))) != self.fingerprint:
            raise ValueError(f"the fingerprint of a finding of `{self.rule}` does not match the finding's facts")
        return self.rule, self.fingerprint


class _Predicate(msgspec.Struct, kw_only=True):
    reason: str
    made: date
    expires: date | None
    previous: Sha256 | None = None
    withdraws: tuple[Sha256, ...] | None = None
    role: str | None = None


class _Predicate1(_Predicate, kw_only=True):
    findings: dict[str, list[_SentenceRow]]


class _Predicate2(_Predicate, kw_only=True):
    findings: dict[str, list[_FactsRow]]


class _Statement1(msgspec.Struct):
    subject: list[_Subject]
    predicate: _Predicate1


class _Statement2(msgspec.Struct):
    subject: list[_Subject]
    predicate: _Predicate2


class _FormatOnly(msgspec.Struct):
    format: int = FORMAT_1


class _AnyStatement(msgspec.Struct):
    predicate: _FormatOnly


_ANY_STATEMENT = DocumentType(_AnyStatement)
_STATEMENTS: Mapping[int, DocumentType[_Statement1] | DocumentType[_Statement2]] = {
    FORMAT_1: DocumentType(_Statement1),
    FORMAT: DocumentType(_Statement2),
}


def _capability_names(rows: Iterable[_SentenceRow | _FactsRow]) -> Iterator[tuple[str, ...]]:
    """The capabilities that each finding on what a file can do names; an empty tuple if it says that the file has none.

    Other findings, and format 1, give nothing.
    """
    for row in rows:
        names = row.facts.get(CAPABILITIES) if isinstance(row, _FactsRow) and row.rule == CAPABILITIES else None
        if isinstance(names, tuple):
            yield names


def parse_approval(statement: Mapping[str, Any], reviewer: str | None, key: str, statement_id: str = "") -> Approval:
    """An in-toto statement as an approval. `statement_id` is the sha256 of its bytes; `reviewer` and `key` say who signed
    it. No signature and no predicateType is checked here.

    Of two files with one sha256, the later name counts; findings on a file that is not named are left out. Raises
    IntegrityError, with the place and the value, for a statement of another kind, format or shape.
    """
    try:
        number = _ANY_STATEMENT.from_table(statement, "").predicate.format
        if number not in _STATEMENTS:
            raise ValueError(
                f"its format is {number}, but this version of wheelhouse reads formats {FORMAT_1} and {FORMAT}"
            )
        document = _STATEMENTS[number].from_table(statement, "")
        claim = document.predicate
        seen = {sha256: Seen(row.mark for row in rows) for sha256, rows in claim.findings.items()}
    except ValueError as error:
        raise IntegrityError(f"the statement is not an approval: {error}") from error
    subjects = ((subject.digest.sha256, subject.name) for subject in document.subject)
    files = {sha256: (name, seen.get(sha256, Seen())) for sha256, name in subjects}
    could = {sha256: frozenset(names) for sha256, rows in claim.findings.items() for names in _capability_names(rows)}
    optional = (claim.previous, claim.withdraws or (), claim.role, statement_id, could)
    return Approval(files, reviewer, key, claim.reason, claim.made, claim.expires, number, *optional)
