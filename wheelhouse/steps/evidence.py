"""Gather what reports are made from: a vetted house, those inside it, and what was decided before."""

from datetime import datetime

from wheelhouse.model.advisories import Advisories
from wheelhouse.model.approvals import Approvals, divide
from wheelhouse.model.evidence import Evidence
from wheelhouse.model.policy import Policy
from wheelhouse.steps.vet import Vetted


def evidence(
    name: str, vetted: Vetted, policy: Policy, approvals: Approvals, now: datetime, advisories: Advisories | None
) -> Evidence:
    """Divide what vetting found by what was seen when files were approved."""
    sha256s = {facts.subject: facts.pin.artifact.sha256 for facts in vetted.facts}
    findings, settled = divide(vetted.findings, sha256s, approvals)
    return Evidence(
        name=name,
        houses=vetted.houses,
        facts=vetted.facts,
        findings=findings,
        settled=settled,
        waived=vetted.waived,
        approvals=approvals,
        now=now,
        threshold=policy.threshold,
        known=advisories.newest if advisories else None,
    )
