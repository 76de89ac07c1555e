"""Rules about the policy itself: waivers that expired, or that match nothing (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from wheelhouse.archive.waivers import EXPIRED, Subject, Waivers
from wheelhouse.findings import Finding, Policy, Severity, Waiver
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.rules import WHEELHOUSE_SUBJECT, checked_elsewhere

UNUSED = "waiver-unused"

checked_elsewhere(
    Severity.ERROR,
    {
        EXPIRED: "A waiver for the file has expired.\n\nThe finding has the severity of the finding that the waiver covered."
    },
    group="policy",
    waivable=False,
)
checked_elsewhere(
    Severity.NOTE,
    {
        UNUSED: "A waiver of the policy matches no finding of the wheelhouse.\n\n"
        "The file or the rule has changed, or the waiver has a mistake. Remove the waiver, or correct it."
    },
    group="policy",
)


@dataclass(frozen=True, slots=True)
class WaivedFindings:
    """The findings that no valid waiver covers, and those that one covers."""

    remaining: tuple[Finding, ...]
    waived: tuple[Finding, ...]


def apply_waivers(findings: Iterable[Finding], pins: Mapping[str, Pin], policy: Policy, today: date) -> WaivedFindings:
    """Separate the waived findings. `pins` is by subject. Adds findings on waivers that expired, or that match nothing."""
    waivers = Waivers(policy.waivers, today)
    remaining: list[Finding] = []
    waived: list[Finding] = []
    unused = dict.fromkeys(policy.waivers)
    for finding in findings:
        if (pin := pins.get(finding.subject)) is None:
            remaining.append(finding)
            continue
        subject = Subject(finding.subject, pin.project, pin.artifact.sha256)
        counting, covered = waivers.split([finding], subject)
        remaining += counting
        waived += covered
        for waiver in [one for one in unused if one.covers(finding.rule, subject.project, subject.sha256)]:
            del unused[waiver]
    return WaivedFindings((*remaining, *_unused_findings(unused, policy)), tuple(waived))


def _unused_findings(waivers: Iterable[Waiver], policy: Policy) -> Iterator[Finding]:
    severity = policy.severity_of(UNUSED, Severity.NOTE)
    for waiver in waivers if severity is not None else ():
        yield Finding.of(
            WHEELHOUSE_SUBJECT,
            UNUSED,
            severity or Severity.NOTE,
            waived_rule=waiver.rule,
            project=str(waiver.project or ""),
            sha256=waiver.sha256 or "",
            who=waiver.who,
        )
