"""What changed between two houses, as text and JSON (pure)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wheelhouse.vet.diff import Change, Difference, Kind, Replaced

MAX_NAMED = 5


def difference_lines(found: Sequence[Difference], old: str, new: str) -> list[str]:
    """Everything that changed, most alarming first, and a last line with the numbers."""
    lines = [line for one in found for line in _lines(one)]
    return [*lines, f"{old} → {new}: {tally(found)}"]


def tally(found: Iterable[Difference]) -> str:
    """How many projects changed, by what became of them."""
    counts = Counter(one.kind for one in found)
    return ", ".join(f"{counts[kind]} {kind}" for kind in Kind if counts[kind]) or "nothing changed"


def versions_text(one: Difference) -> str:
    """The versions before and after."""
    old, new = (", ".join(map(str, versions)) for versions in (one.old, one.new))
    return f"{old} → {new}" if old and new and old != new else new or old


def _lines(one: Difference) -> Iterator[str]:
    place = f"{one.place}/" if one.place else ""
    yield f"{one.kind:<12} {place}{one.project} {versions_text(one)}"
    for file in one.files:
        if len(one.files) > 1 or one.kind in (Kind.BYTES, Kind.FILES):
            yield f"    {file.new.artifact.filename}"
        yield from (f"      {change_text(change)}" for change in file.changes)


def change_text(change: Change) -> str:
    """A change in a line: what is gone, what came."""
    what = change.topic if change.topic == change.what else f"{change.topic}, {change.what}"
    if len(change.gone) == len(change.came) == 1:
        return f"{what}: {change.gone[0]} → {change.came[0]}"
    parts = [f"{sign} {_named(names)}" for sign, names in (("−", change.gone), ("+", change.came)) if names]
    return f"{what}: {'  '.join(parts)}" if parts else what


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return "; ".join(names[:MAX_NAMED]) + more


def difference_document(found: Iterable[Difference]) -> list[dict[str, Any]]:
    """Everything that changed, for `--json`."""
    return [
        {
            "project": one.project,
            "kind": one.kind,
            "place": one.place or None,
            "old": list(map(str, one.old)),
            "new": list(map(str, one.new)),
            "gone": list(one.gone),
            "files": list(map(_file, one.files)),
        }
        for one in found
    ]


def _file(file: Replaced) -> dict[str, Any]:
    return {
        "file": file.new.artifact.filename,
        "sha256": file.new.artifact.sha256,
        "was": file.old.artifact.filename if file.old else None,
        "was-sha256": file.old.artifact.sha256 if file.old else None,
        "changes": [
            {"topic": change.topic, "what": change.what, "gone": list(change.gone), "came": list(change.came)}
            for change in file.changes
        ],
    }
