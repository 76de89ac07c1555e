"""The yanks that published advisories ask of an index, as the policy weighs them (pure)."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from packaging.utils import NormalizedName

from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.waivers import Waivers
from wheelhouse.findings import Finding, Policy, Severity, Subject
from wheelhouse.lock.lock import Pin
from wheelhouse.mirror.simple import Offered, ProjectPage
from wheelhouse.mirror.state import Action, Entry, release_text
from wheelhouse.vet.advisories import Advisories
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Review, weighed
from wheelhouse.vet.rules.vulnerabilities import malicious, vulnerable


def advised_yanks(
    pages: Mapping[NormalizedName, ProjectPage], advisories: Advisories, policy: Policy, made: datetime, by: str
) -> list[Entry]:
    """A yank for each release in an index of which an advisory is an error by the policy; the reason names these advisories.

    Of a release with several such files, the last one gives the reason. A release gets a yank even if it is yanked already. Nothing
    is written.
    """
    yanks: dict[str, Entry] = {}
    for project, page in pages.items():
        for file in page.files.values():
            subject = release_text((project, file.version))
            findings = findings_of(project, file, advisories, policy, made)
            if reasons := [advisory_text(finding) for finding in findings if finding.severity >= Severity.ERROR]:
                yanks[subject] = Entry(action=Action.YANK, made=made, by=by, subject=subject, reason="; ".join(reasons))
    return list(yanks.values())


def findings_of(
    project: NormalizedName, file: Offered, advisories: Advisories, policy: Policy, now: datetime
) -> Iterator[Finding]:
    """Findings of the rules `malicious` and `vulnerable` on a file of an index, with the policy's severities and without waived ones."""
    facts = Facts(Pin(project, file.version, Artifact(file.filename, file.sha256, file.size)))
    review = Review((facts,), policy, now, advisories)
    found = [
        Finding(file.filename, rule, Severity.ERROR, seen.facts, seen.context)
        for rule, check in (("malicious", malicious), ("vulnerable", vulnerable))
        for seen in check(facts, review)
    ]
    about = Subject(file.filename, project, file.sha256, str(file.version))
    remaining, _ = Waivers(policy.waivers, now.date()).split(found, about)
    return weighed((finding for finding in remaining if finding.rule in ("malicious", "vulnerable")), policy)


def advisory_text(finding: Finding) -> str:
    """An advisory in a line: `malicious: ` if it is, its ids, its summary, and the release that is fixed, as far as they are given."""
    ids, summary, fixed = (finding.values.get(key, "") for key in ("ids", "summary", "fixed"))
    names = ", ".join(ids) if isinstance(ids, tuple) else str(ids)
    text = f"{'malicious: ' if finding.rule == 'malicious' else ''}{names}"
    return f"{text}{f': {summary}' if summary else ''}{f' (fixed in {fixed})' if fixed else ''}"
