"""Findings, and the policy that weighs them. A finding is never an exception: everything wrong is said at once (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum

from packaging.utils import NormalizedName


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


@dataclass(frozen=True, slots=True)
class Waiver:
    """That a rule does not count for a project, or for its file with one sha256: why, who says so, and until when."""

    rule: str
    reason: str
    who: str
    until: date
    project: NormalizedName | None = None
    sha256: str | None = None

    def covers(self, rule: str, project: NormalizedName, sha256: str) -> bool:
        """Whether it speaks of this rule and this file, whatever the day."""
        return self.rule == rule and self.project in (None, project) and self.sha256 in (None, sha256)


@dataclass(frozen=True, slots=True)
class Policy:
    """Which rules apply and how they weigh. `severities` maps a rule's id to its severity, or to None where it is off."""

    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    threshold: Severity = Severity.ERROR
    waivers: tuple[Waiver, ...] = ()
    cool_off_days: int | None = None
    advisories_max_days: int = 30
    lookalikes: frozenset[NormalizedName] = frozenset()
    licences_allowed: frozenset[str] = frozenset()
    licences_denied: frozenset[str] = frozenset()
    sandbox: frozenset[str] = frozenset()

    def severity_of(self, rule: str, default: Severity) -> Severity | None:
        """How a rule weighs here; None where it is off."""
        return self.severities.get(rule, default)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The highest severity among findings; None where there are none."""
    return max((finding.severity for finding in findings), default=None)
