"""The known vulnerabilities of a wheelhouse for its bill of materials, with what was decided about each (CycloneDX 1.6, VEX)."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from wheelhouse.findings import Analysis, Finding
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.vex import RULES

if TYPE_CHECKING:
    from cyclonedx.model import Property
    from cyclonedx.model.vulnerability import (
        Vulnerability,
        VulnerabilityAnalysis,
        VulnerabilityRating,
        VulnerabilitySource,
    )

PREFERRED = ("CVE-", "GHSA-", "PYSEC-")
ADDRESSES = {
    "CVE": ("NVD", "https://nvd.nist.gov/vuln/detail/"),
    "GHSA": ("GitHub", "https://github.com/advisories/"),
}
OSV = ("OSV", "https://osv.dev/vulnerability/")
PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z:-]*")
OTHER_JUSTIFICATIONS = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
"""The justifications of OpenVEX and CSAF in the words of CycloneDX."""
SEVERITIES = frozenset(("critical", "high", "medium", "low", "none"))


def vulnerabilities(evidence: Evidence) -> "Iterator[Vulnerability]":
    """The vulnerabilities of open, approved and waived findings: one for all files that have the same ids and the same analysis."""
    rows = [
        (_identity(finding), _analysis(finding, evidence), finding)
        for findings in (evidence.findings, evidence.approved, evidence.waived)
        for finding in findings
        if finding.rule in RULES
    ]
    rows.sort(key=lambda row: (row[0], str(row[1]), row[2]))
    for number, ((ids, analysis), same) in enumerate(groupby(rows, key=lambda row: row[:2])):
        yield _vulnerability(ids, analysis, [finding for _, _, finding in same], number, evidence)


def _identity(finding: Finding) -> tuple[str, ...]:
    """The ids of a vulnerability: CVE, GHSA and PYSEC first, then the others, each kind sorted; empty without ids."""
    ids = finding.values.get("ids", ())
    order = {prefix: place for place, prefix in enumerate(PREFERRED)}
    names = ids if isinstance(ids, tuple) else ()
    return tuple(sorted(names, key=lambda name: (order.get(f"{name.partition('-')[0]}-", len(order)), name)))


def _analysis(finding: Finding, evidence: Evidence) -> Analysis | None:
    """What was decided, by a VEX document, else by a waiver, else by who approved the file with the finding; None if nothing was.

    A waiver or an approval that names no state accepts the risk: `exploitable`, and it will not be fixed.
    """
    waiver = finding.waiver
    if finding.analysis:
        return finding.analysis
    if waiver:
        detail = f"{waiver.reason} (waived by {waiver.who} until {waiver.until})"
        return Analysis(waiver.state or "exploitable", waiver.justification, detail, waiver.who)
    if finding in evidence.approved:
        reviewers = ", ".join(sorted(evidence.approvals.reviewers(evidence.hashes[finding.subject])))
        return Analysis("exploitable", "", f"seen and approved by {reviewers}", reviewers)
    return None


def _vulnerability(
    ids: tuple[str, ...], analysis: Analysis | None, findings: Sequence[Finding], number: int, evidence: Evidence
) -> "Vulnerability":
    """A vulnerability in the files that the findings are about. All else is as the first one says.

    `number` only makes its reference differ from others.
    """
    from cyclonedx.model.vulnerability import BomTarget, Vulnerability, VulnerabilityReference  # noqa: PLC0415

    first = findings[0].values
    fixed, summary = str(first.get("fixed") or ""), str(first.get("summary") or "")
    identifier, *others = ids or ("",)
    return Vulnerability(
        bom_ref=f"vulnerability-{number}",
        id=identifier,
        source=_source(identifier),
        references=[VulnerabilityReference(id=name, source=_source(name)) for name in others],
        ratings=_ratings(findings[0]),
        description=summary or None,
        recommendation=f"take {fixed} or newer" if fixed else None,
        analysis=_decision(analysis) if analysis else None,
        affects=[BomTarget(ref=ref) for ref in dict.fromkeys(_ref(finding, evidence) for finding in findings)],
        properties=_properties(findings[0]),
    )


def _ref(finding: Finding, evidence: Evidence) -> str:
    """The reference of the component that a finding is about: a file, or a package that a base image has installed."""
    image = next((one for one in evidence.image_packages if one.subject == finding.subject), None)
    return image.ref(str(finding.values["package"])) if image else finding.subject


def _properties(finding: Finding) -> "Iterator[Property]":
    """Whether it is exploited, its EPSS, and the component inside the file that it is about, as properties; unknown ones are left out."""
    from cyclonedx.model import Property  # noqa: PLC0415

    for name in ("exploited", "epss", "purl"):
        if value := finding.values.get(name):
            yield Property(name=f"wheelhouse:{name}", value=str(value))


def _source(identifier: str) -> "VulnerabilitySource":
    """The database of an id, with the address of the record there: NVD for a CVE, GitHub for a GHSA, OSV for any other id.

    There is no address for an id with other characters than letters, digits, hyphens and colons.
    """
    from cyclonedx.model import XsUri  # noqa: PLC0415
    from cyclonedx.model.vulnerability import VulnerabilitySource  # noqa: PLC0415

    name, address = ADDRESSES.get(identifier.partition("-")[0], OSV)
    return VulnerabilitySource(name=name, url=XsUri(f"{address}{identifier}") if PLAIN.fullmatch(identifier) else None)


def _ratings(finding: Finding) -> "list[VulnerabilityRating]":
    """The severity, score and vector of a vulnerability, as one rating; empty if neither severity nor score is known.

    A severity that is not in SEVERITIES counts as unknown, but `moderate` is `medium`.
    """
    from decimal import Decimal  # noqa: PLC0415

    from cyclonedx.model.vulnerability import (  # noqa: PLC0415
        VulnerabilityRating,
        VulnerabilityScoreSource,
        VulnerabilitySeverity,
    )

    values = finding.values
    word = str(values.get("rating")).partition(",")[0].replace("moderate", "medium")
    vector, score = str(values.get("vector") or ""), str(values.get("score") or "")
    if word not in SEVERITIES and not score:
        return []
    return [
        VulnerabilityRating(
            severity=VulnerabilitySeverity(word) if word in SEVERITIES else None,
            score=Decimal(score) if score else None,
            vector=vector or None,
            method=VulnerabilityScoreSource(_method(vector)) if vector else None,
        )
    ]


def _method(vector: str) -> str:
    """The name that CycloneDX has for the version of a CVSS vector; that of version 2 for any other text."""
    names = {"CVSS:4.0": "CVSSv4", "CVSS:3.1": "CVSSv31", "CVSS:3.0": "CVSSv3"}
    return names.get(vector.partition("/")[0], "CVSSv2")


def _decision(analysis: Analysis) -> "VulnerabilityAnalysis":
    """An analysis as CycloneDX has it, with its word for a justification of OpenVEX or CSAF.

    A justification without such a word is added to the detail, in brackets. The state must be one of CycloneDX.
    `exploitable` that no VEX document says gets the response that it will not be fixed.
    """
    from cyclonedx.model.impact_analysis import (  # noqa: PLC0415
        ImpactAnalysisJustification,
        ImpactAnalysisResponse,
        ImpactAnalysisState,
    )
    from cyclonedx.model.vulnerability import VulnerabilityAnalysis  # noqa: PLC0415

    word = OTHER_JUSTIFICATIONS.get(analysis.justification, analysis.justification)
    is_known = word in {one.value for one in ImpactAnalysisJustification}
    details = [analysis.detail, "" if is_known or not word else f"({word})"]
    accepted = [ImpactAnalysisResponse.WILL_NOT_FIX] if analysis.state == "exploitable" and not analysis.source else []
    return VulnerabilityAnalysis(
        state=ImpactAnalysisState(analysis.state),
        justification=ImpactAnalysisJustification(word) if is_known else None,
        responses=accepted,
        detail=" ".join(filter(None, details)) or None,
    )
