"""Findings, and the policy that weighs them. A finding holds facts; `wheelhouse.report` writes its sentence (pure)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import IntEnum

from packaging.utils import NormalizedName

FactValue = str | int | tuple[str, ...]
FactPairs = tuple[tuple[str, FactValue], ...]
"""Facts by name, in the order of their names."""


WHEELHOUSE_SUBJECT = "house"
"""The subject of findings about the whole wheelhouse. The word is part of the JSON output, so it stays."""


class Severity(IntEnum):
    """The weight of a finding. An ERROR fails each step that looks for findings."""

    NOTE = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """The file that findings are about: its name, its project and version, and its sha256. A test may leave the version empty."""

    filename: str
    project: NormalizedName
    sha256: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A rule is waived: why, by whom, and until when. It holds for a project, or for its file with one sha256.

    `version`, `fingerprint` (of the finding's facts) and `advisory` (an id or alias) narrow it to what somebody looked at. `state`
    and `justification` are those of `Analysis`, if it is about a vulnerability.
    """

    rule: str
    reason: str
    who: str
    until: date
    project: NormalizedName | None = None
    sha256: str | None = None
    version: str | None = None
    fingerprint: str | None = None
    advisory: str | None = None
    state: str = ""
    justification: str = ""

    @property
    def is_bound(self) -> bool:
        """Whether it covers only what somebody looked at: these bytes, this advisory, or this finding in this version."""
        return bool(self.sha256 or self.advisory or (self.version and self.fingerprint))

    def covers(self, finding: "Finding", subject: Subject) -> bool:
        """Whether a finding on a file has all that the waiver names: the rule, the project, the sha256 and so on.

        `until` is not looked at.
        """
        ids = finding.values.get("ids", ())
        return (
            self.rule == finding.rule
            and self.project in (None, subject.project)
            and self.sha256 in (None, subject.sha256)
            and self.version in (None, subject.version)
            and self.fingerprint in (None, finding.fingerprint)
            and (self.advisory is None or (isinstance(ids, tuple) and self.advisory in ids))
        )


@dataclass(frozen=True, slots=True)
class Analysis:
    """What somebody says of a vulnerability in a product: a state and a justification of CycloneDX, a reason in words, who says it.

    States: `not_affected`, `false_positive`, `resolved`, `resolved_with_pedigree`, `exploitable`, `in_triage`.
    """

    state: str
    justification: str = ""
    detail: str = ""
    author: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a rule found: the facts that identify the finding, and context that may change while it stays the same finding.

    `severity` is that of this finding, if it is another one than the rule's. A policy that names the rule decides in any case.
    """

    facts: FactPairs = ()
    context: FactPairs = ()
    severity: Severity | None = None

    def with_context(self, **context: FactValue) -> "Observation":
        """A copy with more context. A value of the same name is replaced."""
        return replace(self, context=_pairs({**dict(self.context), **context}))

    def as_note(self) -> "Observation":
        """A copy with the severity NOTE, whatever the severity of the rule."""
        return replace(self, severity=Severity.NOTE)


def observed(**facts: FactValue) -> Observation:
    """An observation with these facts, sorted by name, and no context. A fact named `case` chooses among several sentences of one rule."""
    return Observation(_pairs(facts))


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding of a rule: the rule's id, the file or project that it is about, and the facts.

    Approvals, JSON and SARIF identify it by rule and `fingerprint`. `context` holds what may change while it stays the same
    finding: days since, a fixed version, an error's message. `waiver` is the waiver that covers it,
    `analysis` what a VEX document says of its vulnerability.
    """

    subject: str
    rule: str
    severity: Severity
    facts: FactPairs = ()
    context: FactPairs = ()
    waiver: Waiver | None = field(default=None, compare=False)
    analysis: Analysis | None = field(default=None, compare=False)

    @classmethod
    def of(cls, subject: str, rule: str, severity: Severity, **facts: FactValue) -> "Finding":
        """A finding with facts given by name; it has no context, no waiver and no analysis."""
        return cls(subject, rule, severity, _pairs(facts))

    def with_context(self, **context: FactValue) -> "Finding":
        """A copy with more context. A value of the same name is replaced."""
        return replace(self, context=_pairs({**dict(self.context), **context}))

    @property
    def fingerprint(self) -> str:
        """The sha256 of rule and facts, in hexadecimal."""
        return fingerprint(self.rule, self.facts)

    @property
    def urgency(self) -> tuple[bool, float, float]:
        """The sort key of findings about vulnerabilities, the most urgent first: exploited, then by EPSS, then by CVSS score.

        A value that is missing counts as 0.
        """
        values = self.values
        return not values.get("exploited"), -float(str(values.get("epss") or 0)), -float(str(values.get("score") or 0))

    @property
    def values(self) -> dict[str, FactValue]:
        """Facts and context by name. If both have a name, the fact counts."""
        return dict((*self.context, *self.facts))


def fingerprint(rule: str, facts: FactPairs) -> str:
    """The sha256, in hexadecimal, of a rule's id and facts as JSON: keys sorted, no spaces, ASCII."""
    text = json.dumps([rule, dict(facts)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _pairs(values: Mapping[str, FactValue]) -> FactPairs:
    """Values as pairs of name and value, sorted by name."""
    return tuple(sorted(values.items()))


@dataclass(frozen=True, slots=True)
class Policy:
    """Which rules apply, and their weight. `severities` maps a rule's id to its severity, or to None if it is off."""

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
        """The severity of a rule under this policy: `default` if the policy does not name the rule, None if the rule is off."""
        return self.severities.get(rule, default)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The highest severity among findings; None if there are none."""
    return max((finding.severity for finding in findings), default=None)
