"""Look a house over for whoever must say yes: every rule on every file, the policy applied, nothing asked of any server."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import wheelhouse.model.rules.content
import wheelhouse.model.rules.provenance
import wheelhouse.model.rules.vulnerabilities  # noqa: F401  (importing them registers their rules)
from wheelhouse.doors.disk import rooted
from wheelhouse.doors.factsfile import read_facts
from wheelhouse.errors import RefusedError
from wheelhouse.events import Finished, Listener, ignore
from wheelhouse.model.advisories import Advisories
from wheelhouse.model.facts import Facts
from wheelhouse.model.house import House
from wheelhouse.model.lock import Pin
from wheelhouse.model.policy import Finding, Policy, Severity
from wheelhouse.model.rules import RULES, Review, findings_of, house_findings
from wheelhouse.steps.verify import verify

__all__ = ["RULES", "Vetted", "vet"]


@dataclass(frozen=True, slots=True)
class Vetted:
    """What vetting found. `waived` are findings that a waiver covers, which weigh nothing."""

    house: House
    facts: tuple[Facts, ...]
    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]


def vet(
    folder: Path, policy: Policy, now: datetime, advisories: Advisories | None = None, on_event: Listener = ignore
) -> Vetted:
    """Verify a house and apply every rule to every file of it."""
    verdict = verify(folder, on_event=ignore)
    broken = {finding.subject for finding in verdict.findings if finding.severity is Severity.ERROR}
    pins = {pin.artifact.filename: (pin, lock.target.name) for lock in verdict.house.locks for pin in lock.pins}
    readable = [found for name, found in sorted(pins.items()) if name not in broken]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        facts = tuple(pool.map(lambda found: _facts(folder, found[0], found[1], on_event), readable))
    review = Review(facts, policy, now, advisories)
    found = {
        *verdict.findings,
        *(finding for one in facts for finding in findings_of(one, review)),
        *house_findings(review),
    }
    standing, waived = _waive(found, {name: pin for name, (pin, _) in pins.items()}, policy, now)
    return Vetted(verdict.house, facts, tuple(sorted(standing)), tuple(sorted(waived)))


def _facts(folder: Path, pin: Pin, target: str, on_event: Listener) -> Facts:
    try:
        return read_facts(rooted(folder, pin.artifact.filename), pin, target)
    except RefusedError as refusal:
        finding = Finding(pin.artifact.filename, refusal.rule, Severity.ERROR, str(refusal), refusal.hint or "")
        return Facts(pin, target, findings=(finding,))
    finally:
        on_event(Finished(pin.artifact.filename))


def _waive(
    findings: Iterable[Finding], pins: dict[str, Pin], policy: Policy, now: datetime
) -> tuple[list[Finding], list[Finding]]:
    """Findings that stand, and those that a waiver covers; a waiver that has run out is a finding itself."""
    standing: list[Finding] = []
    waived: list[Finding] = []
    for finding in findings:
        pin = pins.get(finding.subject)
        covering = [w for w in policy.waivers if pin and w.covers(finding.rule, pin.project, pin.artifact.sha256)]
        if any(now.date() <= waiver.until for waiver in covering):
            waived.append(finding)
        else:
            standing.append(finding)
            standing.extend(_expired(finding, [waiver.until.isoformat() for waiver in covering]))
    return standing, waived


def _expired(finding: Finding, days: list[str]) -> Iterator[Finding]:
    for day in days:
        sentence = f"a waiver of {finding.rule} for it ran out on {day}"
        yield replace(
            finding, rule="waiver-expired", sentence=sentence, hint="look again, and renew the waiver or remove it"
        )
