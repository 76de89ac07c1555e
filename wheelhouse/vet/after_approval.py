"""What became known of files after they were approved: advisories that too few reviewers saw, or nobody (pure).

Nothing is opened: an advisory is matched by project, version and sha256, which the lock files have.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from wheelhouse.archive.waivers import Waivers
from wheelhouse.findings import Finding, Policy, Severity, Subject
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.vet.advisories import Advisories
from wheelhouse.vet.approvals import Approvals
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Review, weighed
from wheelhouse.vet.rules.vulnerabilities import SINCE, malicious, vulnerable
from wheelhouse.vet.vex import VexStatement, apply_vex


@dataclass(frozen=True, slots=True)
class KnownToday:
    """What is known today: the advisories, the approvals, the policy with its waivers, and what VEX documents say."""

    advisories: Advisories
    approvals: Approvals
    policy: Policy
    now: datetime
    vex: tuple[VexStatement, ...] = ()


def known_since_approval(wheelhouse: Wheelhouse, known: KnownToday) -> tuple[Finding, ...]:
    """A finding for each advisory (its aliases are the same one) on a pin's chosen file that too few reviewers saw and no
    waiver covers; also if nobody approved the file.

    No file is opened: malicious files inside are not found. Those that VEX documents settle, or whose rule is off, are left
    out. Severities are the policy's.
    """
    pins = {pin.artifact.filename: pin for lock in wheelhouse.locks for pin in lock.pins}
    facts = tuple(Facts(pin) for _, pin in sorted(pins.items()))
    review = Review(facts, known.policy, known.now, known.advisories)
    waivers = Waivers(known.policy.waivers, known.now.date())
    findings = (finding for one in facts for finding in _unseen(one, review, known.approvals, waivers))
    return tuple(weighed(apply_vex(findings, pins, known.vex).remaining, known.policy))


def _unseen(facts: Facts, review: Review, approvals: Approvals, waivers: Waivers) -> Iterator[Finding]:
    """The findings on one file that too few reviewers saw and no valid waiver covers.

    Those of `malicious` are as in `vet`, other advisories are warnings of the rule SINCE.
    """
    sha256 = facts.pin.artifact.sha256
    subject = Subject(facts.filename, facts.project, sha256, str(facts.version))
    as_vetted = [
        *(Finding(facts.filename, "malicious", Severity.ERROR, one.facts) for one in malicious(facts, review)),
        *(
            Finding(facts.filename, "vulnerable", Severity.ERROR, one.facts, one.context)
            for one in vulnerable(facts, review)
        ),
    ]
    for finding in _not_waived(as_vetted, waivers, subject):
        if not approvals.covers(sha256, finding):
            is_malicious = finding.rule == "malicious"
            yield (
                finding
                if is_malicious
                else Finding(facts.filename, SINCE, Severity.WARNING, finding.facts, finding.context)
            )


def _not_waived(findings: Iterable[Finding], waivers: Waivers, subject: Subject) -> list[Finding]:
    """The findings that no valid waiver covers, without those about expired waivers."""
    remaining, _ = waivers.split(findings, subject)
    return [finding for finding in remaining if finding.rule in ("malicious", "vulnerable")]
