"""Findings as SARIF 2.1.0, for programs that show the findings of many tools (pure)."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from wheelhouse import __version__
from wheelhouse.findings import Finding, Severity
from wheelhouse.report.coverage_report import invocation, notification_descriptors
from wheelhouse.report.sentences import hint_of, sentence_of
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.rules import Rule

LEVELS = {Severity.NOTE: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}


def sarif(evidence: Evidence, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """A SARIF log with one run. It has every finding; a waived or approved one is suppressed, with the reason."""
    groups = (
        (evidence.findings, None),
        (evidence.approved, "approved with the file"),
        (evidence.waived, "waived by the policy"),
    )
    rules_found = {finding.rule for findings, _ in groups for finding in findings}
    ids = [*rules, *sorted(rules_found - rules.keys())]
    driver = {
        "name": "wheelhouse",
        "version": __version__,
        "rules": [_rule(name, rules.get(name)) for name in ids],
        "notifications": notification_descriptors(),
    }
    files = list(evidence.hashes)
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation(evidence)],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"HOUSE": {"description": {"text": f"the wheelhouse {evidence.name}"}}},
        "artifacts": [_artifact(name, evidence) for name in files],
        "results": [
            _result(finding, ids, files, reason, evidence.first_seen)
            for findings, reason in groups
            for finding in findings
        ],
    }
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _rule(name: str, rule: Rule | None) -> dict[str, Any]:
    """A reportingDescriptor (SARIF 2.1.0, 3.49); only the id if the rule is not known."""
    if rule is None:
        return {"id": name}
    return {
        "id": name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.explanation},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": [rule.group]},
    }


def _artifact(name: str, evidence: Evidence) -> dict[str, Any]:
    """An artifact (SARIF 2.1.0, 3.24): a file's path and sha256."""
    return {"location": _location(name), "hashes": {"sha-256": evidence.hashes[name]}}


def _location(name: str) -> dict[str, Any]:
    """An artifactLocation (SARIF 2.1.0, 3.4): the quoted path of a file in the wheelhouse."""
    return {"uri": quote(name), "uriBaseId": "HOUSE"}


def _result(
    finding: Finding, ids: list[str], files: list[str], reason: str | None, first_seen: Collection[Finding]
) -> dict[str, Any]:
    """A result (SARIF 2.1.0, 3.27).

    It is suppressed if there is a `reason`, and new (3.27.24) if the finding is in `first_seen`.
    """
    identity, sentence, hint = f"{finding.subject} {finding.fingerprint}", sentence_of(finding), hint_of(finding)
    index = {"index": files.index(finding.subject)} if finding.subject in files else {}
    result = {
        "ruleId": finding.rule,
        "ruleIndex": ids.index(finding.rule),
        "level": LEVELS[finding.severity],
        "message": {"text": f"{sentence}. {hint}." if hint else f"{sentence}."},
        "locations": [{"physicalLocation": {"artifactLocation": _location(finding.subject) | index}}],
        "partialFingerprints": {"finding/v2": hashlib.sha256(identity.encode()).hexdigest()},
    }
    if finding in first_seen:
        result["baselineState"] = "new"
    if reason:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": reason}]
    return result
