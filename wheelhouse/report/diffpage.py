"""What changed between two wheelhouses, as the values of `templates/diff.html.j2` (pure)."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Any

from wheelhouse.report.colours import coloured
from wheelhouse.report.difference import change_about, tally, versions_text
from wheelhouse.vet.diff import Change, Difference, Kind, Replaced
from wheelhouse.vet.facts import Entry
from wheelhouse.vet.member_changes import MemberChange, TextDiff

SEVERITIES = {Kind.BYTES: "error", Kind.DOWN: "warning", Kind.ADDED: "warning"}
"""How alarming a kind of change is; any other is a note."""
MAX_TEXTS = 30
ROW_KINDS = {"+": "came", "-": "gone", "@": "muted"}
"""The class of a line of a diff by its first character."""


def diff_view(differences: Sequence[Difference], old: str, new: str) -> dict[str, Any]:
    """Everything that the page shows, by kind of change; kinds without a change are left out. `old` and `new` name the wheelhouses."""
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
    """A kind of change as an id of HTML: hyphens take the place of spaces."""
    return kind.replace(" ", "-")


def _group(kind: Kind, differences: Sequence[Difference]) -> dict[str, Any]:
    """One kind of change, with its severity and its projects."""
    return {
        "id": _id(kind),
        "title": kind.capitalize(),
        "name": str(kind),
        "severity": SEVERITIES.get(kind, "note"),
        "projects": list(map(_project, differences)),
    }


def _project(difference: Difference) -> dict[str, Any]:
    """One project: its name, its versions, and its files with the changes in each."""
    place = f"{difference.place}/" if difference.place else ""
    return {
        "name": f"{place}{difference.project}",
        "versions": versions_text(difference),
        "files": [
            {"name": file.new.artifact.filename, "changes": list(map(change_view, file.changes)), **content_view(file)}
            for file in difference.files
        ],
    }


def change_view(change: Change) -> dict[str, Any]:
    """A change inside a file: what it is about, and the first texts of each side. `more` counts the others; there are none
    if it is 0 or negative.
    """
    sides = (("−", "gone", change.removed), ("+", "came", change.added))
    return {
        "about": change_about(change),
        "sides": [
            {"sign": sign, "kind": kind, "texts": texts[:MAX_TEXTS], "more": len(texts) - MAX_TEXTS}
            for sign, kind, texts in sides
        ],
    }


def content_view(file: Replaced, first: Collection[str] = ()) -> dict[str, Any]:
    """The members of a file that differ, with their digests, and the diffs of those that run; of the diffs, those of members
    named in `first` come first.
    """
    texts = sorted(file.texts, key=lambda text: text.name not in first)
    return {
        "members": list(map(_member, file.members)),
        "texts": [{"name": text.name, "rows": list(_rows(text)), "omitted": text.omitted} for text in texts],
    }


def _member(member: MemberChange) -> dict[str, Any]:
    """A member that was added, removed or changed, with its digests; a digest is empty on the side that lacks the member."""
    state = "added" if member.old is None else "removed" if member.new is None else "changed"
    return {"name": member.name, "state": state, "old": _digest(member.old), "new": _digest(member.new)}


def _digest(entry: Entry | None) -> str:
    """The digest of a member; empty for none."""
    return entry.digest if entry else ""


def _rows(text: TextDiff) -> Iterator[dict[str, Any]]:
    """The lines of a diff in coloured pieces; lines of one kind that follow each other are one row."""
    for kind, same in groupby(text.lines, lambda line: ROW_KINDS.get(line[:1], "")):
        lines = "\n".join(same)
        yield {"kind": kind, "pieces": coloured("" if kind == "muted" else text.name, lines)}
