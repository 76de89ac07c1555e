"""Rules about known vulnerabilities, an observation for each, and the age of the advisories (pure)."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta

from packaging.version import Version

from wheelhouse.archive.artifact import version_of
from wheelhouse.findings import FactValue, Observation, Severity, observed
from wheelhouse.vet.advisories import Advisories, Advisory
from wheelhouse.vet.cvss import rating, score
from wheelhouse.vet.ecosystems import advisories_on, agreed_fix
from wheelhouse.vet.embedded_components import embedded_components
from wheelhouse.vet.facts import Entry, Facts
from wheelhouse.vet.rules import Review, checked_elsewhere, rule, wheelhouse_rule

MIN_MEMBER_BYTES = 64
SINCE = "vulnerable-since-approval"

checked_elsewhere(
    Severity.WARNING,
    {
        SINCE: "An advisory became known after the file was approved.\n\n"
        "With the option `--require-approved`, the commands `verify`, `stage`, `pack`, `index`, `serve` and `publish` look for such "
        "files. If the severity of this rule is error in the policy, these commands refuse the files, because no "
        "reviewer has seen the advisory."
    },
    group="vulnerabilities",
)


@rule(Severity.ERROR)
def vulnerable(facts: Facts, review: Review) -> Iterator[Observation]:
    """A published advisory says that this release is vulnerable.

    The advisories come from the snapshot of `wheelhouse advisories import`. An advisory and its aliases are one
    finding. An advisory is marked as new if it is not in the previous snapshot, or if its affected versions changed.
    The rule `malicious` reports malicious releases.
    """
    for group in review.advisories.of(facts.project, facts.version) if review.advisories else ():
        if any(advisory.is_malware for advisory in group):
            continue
        ids = tuple(sorted({name for advisory in group for name in advisory.names}))
        severity = next((advisory.severity for advisory in group if advisory.severity), "")
        release = {"project": str(facts.project), "version": str(facts.version)}
        observation = observed(**release, ids=ids, severity=severity)
        yield observation.with_context(**_context(group, _fixed(group, facts.version), review))


def _fixed(group: Sequence[Advisory], version: Version) -> str:
    """The newest of the fixes that the advisories of a group name for a version of a project of PyPI: of each advisory the oldest
    one that is newer than the version. Empty if no advisory names one.
    """
    fixes = [fix for advisory in group if (fix := advisory.fixed_in(version))]
    return str(max(fixes)) if fixes else ""


@rule(Severity.ERROR, by_sha256=True)
def malicious(facts: Facts, review: Review) -> Iterator[Observation]:
    """The file is known to be malicious: a record lists its sha256, or its project and version.

    The records (MAL-…) are from the OpenSSF, and are in the snapshot of `wheelhouse advisories import`. A waiver must name
    the sha256 of the file.
    """
    advisories = review.advisories or Advisories()
    release = {"project": str(facts.project), "version": str(facts.version)}
    if advisory := advisories.by_file.get(facts.pin.artifact.sha256):
        yield observed(case="file", ids=tuple(sorted(advisory.names)), **release)
        return
    for group in advisories.of(facts.project, facts.version):
        if any(advisory.is_malware for advisory in group):
            yield observed(case="release", ids=tuple(sorted({name for one in group for name in one.names})), **release)


@rule(Severity.ERROR, by_sha256=True)
def malicious_member(facts: Facts, review: Review) -> Iterator[Observation]:
    """A member of the file has the sha256 of a known malicious file. The malicious file can be from any project.

    The records (MAL-…) are from the OpenSSF. In a wheel, the rule compares the hashes in RECORD. In an sdist, it compares
    the hashes of the members. Members of less than 64 bytes are not compared, because many projects have the same small
    files, such as an empty `__init__.py`.
    """
    known = review.advisories.by_member if review.advisories else {}
    for entry in facts.entries if known else ():
        if entry.size >= MIN_MEMBER_BYTES and (advisory := known.get(_sha256_of(entry))):
            yield observed(path=entry.name, ids=tuple(sorted(advisory.names)), project=str(advisory.project))


def _sha256_of(entry: Entry) -> str:
    """The sha256 of a member in hexadecimal, unchecked; empty if RECORD has another hash, or one that cannot be decoded."""
    algorithm, _, digest = entry.digest.partition("=")
    with suppress(ValueError):
        if algorithm == "sha256":
            return urlsafe_b64decode(f"{digest}==").hex()
    return ""


@rule(Severity.WARNING)
def component_vulnerable(facts: Facts, review: Review) -> Iterator[Observation]:
    """A bill of materials in the wheel (PEP 770) names a component that is vulnerable, according to a published advisory.

    Such components are compiled or copied into the wheel: Rust crates, npm and Go modules, projects of PyPI, and system
    packages (Alma, Rocky, Red Hat, Debian, Ubuntu) that `auditwheel` copied. Only a new release of the wheel updates the
    component. Put OSV's exports for crates.io, AlmaLinux and others into one folder with the export for PyPI, and import
    the folder. The finding is only a warning, because wheelhouse does not know whether the wheel calls the vulnerable
    code. If the wheel does not call this code, say so in a VEX document.
    """
    advisories = review.advisories
    for component in embedded_components(facts) if advisories else ():
        for group in advisories_on(component.purl, advisories) if advisories else ():
            purl = component.purl
            ids = tuple(sorted({name for advisory in group for name in advisory.names}))
            package = {"package": purl.text, "purl": purl.release, "path": component.path}
            fixed = _fixed(group, version_of(purl.version)) if purl.type == "pypi" else agreed_fix(group)
            yield observed(**package, ids=ids).with_context(**_context(group, fixed, review))


def _context(group: Sequence[Advisory], fixed: str, review: Review) -> dict[str, FactValue]:
    """The context of a finding about a group of advisories: whether and in which version it is fixed, the first rating and summary, the
    vector of the newest CVSS version with its score, the use, and the latest `since` of the advisories.

    These can change while it stays the same finding. The vector, the score and the use are left out if they are unknown.
    Raises ValueError for an empty group.
    """
    severity = next((advisory.severity for advisory in group if advisory.severity), "")
    vector = max(advisory.vector for advisory in group)
    return {
        "case": "fixed" if fixed else "unfixed",
        "fixed": fixed,
        "rating": rating(severity),
        **({"vector": vector, "score": score(vector)} if score(vector) else {}),
        **review.threats.of({name for advisory in group for name in advisory.names}),
        "since": max(advisory.since for advisory in group),
        "summary": next((advisory.summary for advisory in group if advisory.summary), ""),
    }


@wheelhouse_rule(Severity.WARNING)
def advisories_missing(review: Review) -> Iterator[Observation]:
    """Known vulnerabilities were not checked, because there is no snapshot of advisories.

    Unchecked files can be vulnerable. A snapshot that has no advisory for PyPI counts as missing.
    """
    if review.advisories is None or not review.advisories.has_projects:
        yield observed()


@wheelhouse_rule(Severity.WARNING)
def advisories_old(review: Review) -> Iterator[Observation]:
    """The snapshot of advisories is older than the policy's advisories-max-days.

    The old snapshot lacks newer advisories. A snapshot with a date in the future counts as new.
    """
    newest = review.advisories.newest if review.advisories else None
    if newest and review.now - newest > timedelta(days=review.policy.advisories_max_days):
        yield observed(newest=f"{newest:%Y-%m-%d}").with_context(days=(review.now - newest).days)
