"""Rules about the policy itself: waivers that expired, or that match nothing (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from wheelhouse.archive.waivers import EXPIRED, Waivers
from wheelhouse.findings import WHEELHOUSE_SUBJECT, Finding, Policy, Severity, Subject, Waiver
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.rules import checked_elsewhere, weighed

UNUSED, BROAD = "waiver-unused", "waiver-broad"

checked_elsewhere(
    Severity.ERROR,
    {
        EXPIRED: "A waiver for the file has expired.\n\n"
        "The rule takes its severity from the finding that the waiver covered."
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
checked_elsewhere(
    Severity.WARNING,
    {
        BROAD: "A waiver covers more than the finding that somebody looked at.\n\n"
        "The waiver names a rule and a project, so it also hides later findings, and findings in later versions. Limit the waiver "
        "to a file (`sha256`), to an advisory (`advisory`), or to one finding in one version (`fingerprint` and `version`)."
    },
    group="policy",
)


@dataclass(frozen=True, slots=True)
class WaivedFindings:
    """The findings that no valid waiver covers, and those that one covers."""

    remaining: tuple[Finding, ...]
    waived: tuple[Finding, ...]


def apply_waivers(findings: Iterable[Finding], pins: Mapping[str, Pin], policy: Policy, today: date) -> WaivedFindings:
    """Separate the findings that a valid waiver covers; each of these names its waiver. `pins` is by subject.

    A finding whose subject has no pin cannot be waived. Adds findings on waivers that cover an open finding but expired,
    that match nothing, or that are valid and cover more than what somebody looked at. The policy can turn the last two off,
    or change their severity.
    """
    waivers = Waivers(policy.waivers, today)
    remaining: list[Finding] = []
    waived: list[Finding] = []
    used: dict[Waiver, Finding] = {}
    for finding in findings:
        if (pin := pins.get(finding.subject)) is None:
            remaining.append(finding)
            continue
        subject = Subject(finding.subject, pin.project, pin.artifact.sha256, str(pin.version))
        counting, covered = waivers.split([finding], subject)
        remaining += counting
        waived += covered
        used |= {waiver: finding for waiver in policy.waivers if waiver.covers(finding, subject)}
    valid = {waiver: finding for waiver, finding in used.items() if today <= waiver.until}
    about = (*_broad_findings(valid), *map(_unused_finding, (one for one in policy.waivers if one not in used)))
    return WaivedFindings((*remaining, *weighed(about, policy)), tuple(waived))


def _unused_finding(waiver: Waiver) -> Finding:
    """The finding that a waiver matches nothing, about the whole wheelhouse.

    Of version, fingerprint and advisory it has those that the waiver names.
    """
    narrowed = {"version": waiver.version, "fingerprint": waiver.fingerprint, "advisory": waiver.advisory}
    return Finding.of(
        WHEELHOUSE_SUBJECT,
        UNUSED,
        Severity.NOTE,
        waived_rule=waiver.rule,
        project=str(waiver.project or ""),
        sha256=waiver.sha256 or "",
        who=waiver.who,
        **{name: text for name, text in narrowed.items() if text},
    )


def _broad_findings(used: Mapping[Waiver, Finding]) -> Iterator[Finding]:
    """A finding for each waiver that is bound to no file, advisory or finding in one version.

    `used` has a finding that each waiver covers; the fingerprint of this one is in the context.
    """
    for waiver, covered in used.items():
        if not waiver.is_bound:
            facts = {"waived_rule": waiver.rule, "project": str(waiver.project or ""), "who": waiver.who}
            finding = Finding.of(WHEELHOUSE_SUBJECT, BROAD, Severity.WARNING, **facts)
            yield finding.with_context(fingerprint=covered.fingerprint)
