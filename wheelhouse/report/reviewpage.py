"""The page of `review`: the report with a queue beside it, as the values of `templates/review.html.j2` and as JSON (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from wheelhouse.errors import WheelhouseError
from wheelhouse.findings import Severity
from wheelhouse.humanize import counted, listed, plain
from wheelhouse.report.colours import coloured
from wheelhouse.report.filepage import View, page_id, state_view
from wheelhouse.report.page import report_view
from wheelhouse.report.sentences import error_hint, error_sentence
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.review_queue import FileStanding, QueuedFile, Standing
from wheelhouse.vet.rules import Rule

MAX_NAMED = 3
"""So many files are named in a sentence about a decision."""


def review_view(
    evidence: Evidence, rules: Mapping[str, Rule], queue: Sequence[QueuedFile], reviewer: str, state: Mapping[str, Any]
) -> View:
    """Everything that the page shows: that of `report_view`, with the queue and the reviewer. `state` is a `state_document`."""
    view = report_view(evidence, rules)
    numbers = {name: number for number, name in enumerate(evidence.files)}
    return {
        **view,
        "subtitle": f"review of {evidence.name}",
        "is_served": True,
        "reviewer": reviewer,
        "needed": counted(evidence.approvals.needed, "reviewer"),
        "queue": [_row(one, evidence, numbers) for one in queue],
        "script_data": {**view["script_data"], "review": dict(state)},
    }


def _row(queued: QueuedFile, evidence: Evidence, numbers: Mapping[str, int]) -> View:
    """One row of the queue. `page` is the view that it opens: the file's own, or `files` for a file that is no distribution."""
    facts = evidence.files.get(queued.subject)
    worst = max((finding.severity for finding in queued.findings), default=0)
    serious = sum(finding.severity >= Severity.WARNING for finding in queued.findings)
    return {
        "subject": queued.subject,
        "label": evidence.label(queued.subject),
        "page": page_id(numbers[queued.subject]) if facts else "files",
        "state": state_view(facts, evidence) if facts else None,
        "gained": [str(capability) for capability in queued.gained],
        "before": queued.before,
        "severity": Severity(worst).name.lower() if worst else "none",
        "serious": counted(serious, "finding") if serious else "",
        "words": f"{queued.subject} {queued.sha256}",
    }


def state_document(
    standings: Mapping[str, FileStanding], reviewer: str, needed: int, trouble: WheelhouseError | None = None
) -> View:
    """Where each file stands, as JSON. `trouble` is the error of an approvals file that cannot be used, if there is one."""
    return {
        "reviewer": reviewer,
        "trouble": error_document(trouble) if trouble else None,
        "files": {subject: _standing(one, reviewer, needed) for subject, one in standings.items()},
    }


def error_document(error: WheelhouseError) -> View:
    """The sentence and the hint of an error as the page shows them; the hint is empty if there is none."""
    return {"sentence": plain(error_sentence(error)), "hint": plain(error_hint(error) or "")}


def _standing(one: FileStanding, reviewer: str, needed: int) -> View:
    """Where one file stands, as JSON. `mine`: the reviewer has approved it, maybe without some of its findings."""
    return {
        "standing": str(one.standing),
        "reviewers": list(one.reviewers),
        "mine": one.is_mine or reviewer in one.reviewers,
        "may": one.may_approve,
        "text": _standing_text(one, needed),
    }


def _standing_text(one: FileStanding, needed: int) -> str:
    """Who approved a file; unless it is approved, also what it still needs besides them, and whether the reviewer's role is not for it.

    It can be empty. While nobody approved the file, it does not say how many reviewers are needed.
    """
    by = f"approved by {', '.join(one.reviewers)}" if one.reviewers else ""
    if one.standing is Standing.APPROVED:
        return by
    if needed > len(one.reviewers):
        wanted = "" if not one.reviewers else f"needs {counted(needed - len(one.reviewers), 'more reviewer')}"
    else:
        wanted = f"needs a reviewer with the role {one.role}" if one.role else "has findings that too few reviewers saw"
    not_yours = [] if one.may_approve else ["your role is not for this project"]
    return ", ".join(filter(None, [by, wanted, *not_yours]))


def decision_sentence(verb: str, subjects: Sequence[str], reviewer: str) -> str:
    """What was decided, who signed it, and the first few of the files that it is about."""
    return f"{verb} by {reviewer}: {listed(subjects, MAX_NAMED)}"


def source_document(name: str, text: str | None) -> View:
    """A member's text in pieces, for JSON. The pieces of Python code are coloured; `pieces` is None if `text` is None."""
    return {"name": name, "pieces": None if text is None else [list(piece) for piece in coloured(name, text)]}
