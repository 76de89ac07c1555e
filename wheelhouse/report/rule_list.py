"""The rules of `vet` as text and JSON (pure)."""

from typing import Any

from wheelhouse.findings import Policy
from wheelhouse.vet.rules import Rule


def rule_line(rule: Rule, policy: Policy) -> str:
    """A rule as a line: its id, severity under the policy (or `off`), group and title."""
    severity = policy.severity_of(rule.id, rule.severity)
    return f"{rule.id:<24} {severity.name.lower() if severity else 'off':<8} {rule.group:<12} {rule.title}"


def rule_lines(rule: Rule) -> list[str]:
    """The rule with its group and its own severity, an empty line, and its explanation, line by line."""
    return [
        f"{rule.id} ({rule.group}, {rule.severity.name.lower()} unless the policy says otherwise)",
        "",
        *rule.explanation.splitlines(),
    ]


def rule_document(rule: Rule, policy: Policy) -> dict[str, Any]:
    """A rule for `--json`, with its severity under the policy, or `off`."""
    severity = policy.severity_of(rule.id, rule.severity)
    return {
        "id": rule.id,
        "group": rule.group,
        "severity": severity.name.lower() if severity else "off",
        "explanation": rule.explanation,
    }
