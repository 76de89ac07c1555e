"""What changed between two wheelhouses, as the values of `templates/diff.html.j2` (pure)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from wheelhouse.report.difference import change_about, tally, versions_text
from wheelhouse.vet.diff import Change, Difference, Kind

SEVERITIES = {Kind.BYTES: "error", Kind.DOWN: "warning", Kind.ADDED: "warning"}
"""How alarming a kind of change is; any other is a note."""
MAX_TEXTS = 30


def diff_view(differences: Sequence[Difference], old: str, new: str) -> dict[str, Any]:
    """Everything that the page shows, by kind of change. `old` and `new` name the wheelhouses."""
    counts = Counter(difference.kind for difference in differences)
    kinds = [kind for kind in Kind if counts[kind]]
    return {
        "title": f"{old} → {new}",
        "subtitle": "diff",
        "tabs": [{"id": _id(kind), "title": kind.capitalize(), "count": counts[kind]} for kind in kinds],
        "tabs_label": "Kinds of change",
        "search_label": "Search projects and changes",
        "script_data": {"house": "wheelhouse diff"},
        "verdict": tally(differences),
        "groups": [_group(kind, [one for one in differences if one.kind is kind]) for kind in kinds],
    }


def _id(kind: Kind) -> str:
    return kind.replace(" ", "-")


def _group(kind: Kind, differences: Sequence[Difference]) -> dict[str, Any]:
    return {
        "id": _id(kind),
        "title": kind.capitalize(),
        "name": str(kind),
        "severity": SEVERITIES.get(kind, "note"),
        "projects": list(map(_project, differences)),
    }


def _project(difference: Difference) -> dict[str, Any]:
    place = f"{difference.place}/" if difference.place else ""
    return {
        "name": f"{place}{difference.project}",
        "versions": versions_text(difference),
        "files": [
            {"name": file.new.artifact.filename, "changes": list(map(change_view, file.changes))}
            for file in difference.files
        ],
    }


def change_view(change: Change) -> dict[str, Any]:
    """A change inside a file: what it is about, and the first texts of each side."""
    sides = (("−", "gone", change.removed), ("+", "came", change.added))
    return {
        "about": change_about(change),
        "sides": [
            {"sign": sign, "kind": kind, "texts": texts[:MAX_TEXTS], "more": len(texts) - MAX_TEXTS}
            for sign, kind, texts in sides
        ],
    }
