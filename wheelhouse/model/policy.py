"""Findings: what a rule has to say of one artifact. Never an exception: everything wrong is said at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How much a finding weighs: an ERROR fails whatever step looks for findings."""

    NOTE = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One rule's remark: the rule's id, the file or project it speaks of, a sentence, and what to do."""

    subject: str
    rule: str
    severity: Severity
    sentence: str
    hint: str = ""


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The highest severity among findings; None where there are none."""
    return max((finding.severity for finding in findings), default=None)
