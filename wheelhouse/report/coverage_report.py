"""The statement of what vetting looked at, as lines, JSON, SARIF and values of a template (pure)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from wheelhouse import __version__
from wheelhouse.humanize import counted
from wheelhouse.report.sentences.coverage_sentences import GAPS
from wheelhouse.vet.coverage import Coverage, Gap, GapKind, coverage_of
from wheelhouse.vet.evidence import Evidence

MAX_ROWS = 40
PREFIX = "not-looked-at/"
NOT_MEMBERS = frozenset((GapKind.UNOPENED, GapKind.OTHER_FILE, GapKind.DEBIAN_PACKAGE)) | {
    GapKind.BASE_IMAGE,
    GapKind.SDIST_BUILD,
}
"""The kinds that are whole files."""


def coverage_lines(evidence: Evidence) -> list[str]:
    """A line for what was looked at; then a heading, a line for each kind of what was not, and one for rules that are off.

    If there are no such lines, there is no heading.
    """
    coverage = coverage_of(evidence)
    rows = [f"  {_size(kind, gaps)}: {GAPS[kind]}" for kind, gaps in coverage.by_kind.items()]
    off = [f"  rules that the policy turns off: {', '.join(coverage.rules_off)}"] if coverage.rules_off else []
    return [
        f"looked at {_looked_at(coverage)}",
        *(["not looked at, or looked at only in part:"] if rows or off else []),
        *rows,
        *off,
    ]


def _looked_at(coverage: Coverage) -> str:
    """What was looked at, in words: the numbers of files, members and followed Python sources."""
    return (
        f"{counted(coverage.files, 'file')} with {counted(coverage.members, 'member')}, and analysed "
        f"the code of {counted(coverage.sources_followed, 'Python source')}"
    )


def _size(kind: GapKind, gaps: Sequence[Gap]) -> str:
    """How much the gaps of one kind are, in words: so many files, or so many members of so many files."""
    if kind in NOT_MEMBERS:
        return counted(len(gaps), "file")
    return f"{counted(sum(gap.count for gap in gaps), 'member')} of {counted(len(gaps), 'file')}"


def coverage_document(evidence: Evidence) -> dict[str, Any]:
    """The statement for `--json`: numbers of what was looked at; each kind of what was not, with its files, and members or suffixes."""
    coverage = coverage_of(evidence)
    return {
        "tool": f"wheelhouse {__version__}",
        "made": f"{evidence.now:%Y-%m-%dT%H:%M:%SZ}",
        "looked-at": {
            "files": coverage.files,
            "members": coverage.members,
            "sources-followed": coverage.sources_followed,
            "sources-searched": coverage.sources_searched,
            "attestations": coverage.attestations,
            "advisories-until": f"{evidence.known:%Y-%m-%d}" if evidence.known else None,
            "rules-off": list(coverage.rules_off),
        },
        "not-looked-at": [
            {
                "kind": kind,
                "sentence": GAPS[kind],
                "count": sum(gap.count for gap in gaps),
                "files": {gap.subject: _gap_document(gap) for gap in gaps},
            }
            for kind, gaps in coverage.by_kind.items()
        ],
    }


def _gap_document(gap: Gap) -> dict[str, Any]:
    """A gap as JSON, without its file: its count, and the members by name, or counted by suffix, if it has them."""
    members = {"members": list(gap.members)} if gap.members else {}
    return {"count": gap.count, **members, **({"suffixes": dict(gap.suffixes)} if gap.suffixes else {})}


def notification_descriptors() -> list[dict[str, Any]]:
    """A reportingDescriptor (SARIF 2.1.0, 3.49) for every kind of gap, also for those that this run does not have."""
    return [{"id": f"{PREFIX}{kind}", "shortDescription": {"text": sentence}} for kind, sentence in GAPS.items()]


def invocation(evidence: Evidence) -> dict[str, Any]:
    """The invocation (SARIF 2.1.0, 3.20): what was looked at in its properties, each kind of gap as a notification (3.58)."""
    coverage, document = coverage_of(evidence), coverage_document(evidence)
    return {
        "executionSuccessful": True,
        "endTimeUtc": document["made"],
        "toolExecutionNotifications": [
            {
                "descriptor": {"id": f"{PREFIX}{kind}", "index": list(GAPS).index(kind)},
                "level": "note",
                "message": {"text": f"{_size(kind, gaps)}: {GAPS[kind]}."},
                "locations": [_location(gap) for gap in gaps],
            }
            for kind, gaps in coverage.by_kind.items()
        ],
        "properties": {"lookedAt": document["looked-at"]},
    }


def _location(gap: Gap) -> dict[str, Any]:
    """A location (SARIF 2.1.0, 3.28): a file of the wheelhouse, with what was not looked at in it."""
    artifact = {"uri": quote(gap.subject), "uriBaseId": "HOUSE"}
    return {"physicalLocation": {"artifactLocation": artifact}, "properties": _gap_document(gap)}


def coverage_view(evidence: Evidence) -> dict[str, Any]:
    """The statement as the values of `templates/coverage.html.j2`: what was looked at, the rules that are off, and the
    gaps by kind, each with its files.
    """
    coverage = coverage_of(evidence)
    return {
        "looked_at": _looked_at(coverage),
        "rules_off": ", ".join(coverage.rules_off),
        "gaps": [
            {
                "title": f"{_size(kind, gaps)}: {GAPS[kind]}",
                "rows": [{"subject": gap.subject, "text": _row_text(kind, gap)} for gap in gaps],
            }
            for kind, gaps in coverage.by_kind.items()
        ],
    }


def _row_text(kind: GapKind, gap: Gap) -> str:
    """The first members of a gap, or its counts by suffix, on one line; its count if it has neither. Empty for a kind of NOT_MEMBERS:
    a gap of that kind is about whole files.
    """
    if kind in NOT_MEMBERS:
        return ""
    rows = list(gap.members) or [f"{suffix or 'no suffix'}: {count}" for suffix, count in gap.suffixes.items()]
    more = f", and {len(rows) - MAX_ROWS} more" if len(rows) > MAX_ROWS else ""
    return ", ".join(rows[:MAX_ROWS]) + more if rows else str(gap.count)
