"""The formats in which a report of a vetted wheelhouse can be written: a registry, and one function for each."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from wheelhouse.humanize import plain
from wheelhouse.vet.evidence import Evidence

if TYPE_CHECKING:
    from wheelhouse.report.fleet_facts import FleetEvidence
    from wheelhouse.vet.review_queue import QueuedFile

# Each function imports what it needs when it is called: a run writes one or two formats, and some need a library.


class ReportFormat(Protocol):
    """Turns what vetting found into the text of one file.

    `path` is the wheelhouse as the user named it. A format shows waived and approved findings, too, and marks them. No name
    or text from a file may break out of it. Raises MachineError if the format needs a library that is not installed.
    """

    def __call__(self, evidence: Evidence, path: Path, /) -> str:
        """The whole text for the evidence about the wheelhouse at a path."""


def as_text(evidence: Evidence, path: Path) -> str:
    """Lines for a terminal: open findings, what was looked at, waived findings, how many are approved, the result.

    Without a line end after the last.
    """
    from wheelhouse.report import evidence_lines, finding_lines
    from wheelhouse.report.coverage_report import coverage_lines

    findings = finding_lines(evidence.findings, evidence.first_seen)
    lines = (*findings, *coverage_lines(evidence), *evidence_lines(evidence, str(path)))
    return "\n".join(map(plain, lines))


def as_quiet_text(evidence: Evidence, path: Path) -> str:
    """What `--quiet` prints: open warnings and errors, and the result if one reaches the threshold; empty without any."""
    from wheelhouse.report import evidence_lines, finding_lines, warnings_and_errors

    lines = finding_lines(warnings_and_errors(evidence.findings), evidence.first_seen)
    result = evidence_lines(evidence, str(path))[-1:] if evidence.bad else []
    return "\n".join(map(plain, (*lines, *result)))


def as_json(evidence: Evidence, path: Path) -> str:
    """The document of `--json`, in ASCII, so that any terminal and any reader takes it; without a line end after it."""
    from wheelhouse.report import evidence_document
    from wheelhouse.report.coverage_report import coverage_document

    document = {"house": str(path), **evidence_document(evidence), "coverage": coverage_document(evidence)}
    return json.dumps(document, indent=2)


def as_html(evidence: Evidence, _path: Path) -> str:
    """One HTML page that needs no other file."""
    from wheelhouse.report.page import report_view
    from wheelhouse.report.rendering import render
    from wheelhouse.vet.vet import RULES

    return render("vet.html.j2", report_view(evidence, RULES))


def as_fleet_page(evidence: "FleetEvidence") -> str:
    """The HTML page on the jobs of one run."""
    from wheelhouse.report.fleet_page import fleet_view
    from wheelhouse.report.rendering import render

    return render("fleet.html.j2", fleet_view(evidence))


def as_review_page(evidence: Evidence, queue: "Sequence[QueuedFile]", reviewer: str, state: Mapping[str, Any]) -> str:
    """The HTML page of `review`, for one reviewer. `state` is a `state_document`."""
    from wheelhouse.report.rendering import REVIEW, render
    from wheelhouse.report.reviewpage import review_view
    from wheelhouse.vet.vet import RULES

    return render("review.html.j2", review_view(evidence, RULES, queue, reviewer, state), REVIEW)


def as_sarif(evidence: Evidence, _path: Path) -> str:
    """A log of SARIF 2.1.0, as JSON with a line end."""
    from wheelhouse.report.sarif import sarif
    from wheelhouse.vet.vet import RULES

    return json.dumps(sarif(evidence, RULES), indent=1) + "\n"


def as_sbom(evidence: Evidence, _path: Path) -> str:
    """A bill of materials of CycloneDX 1.6, as JSON with a line end. Raises MachineError if the extra is missing."""
    from wheelhouse.vet.cyclonedx import sbom

    return sbom(evidence)


FORMATS: Mapping[str, ReportFormat] = {
    "text": as_text,
    "json": as_json,
    "html": as_html,
    "sarif": as_sarif,
    "sbom": as_sbom,
}
"""The formats by their names. `text` and `json` are what `vet` prints; each other one is an option of that name."""
