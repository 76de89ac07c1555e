"""The answers of several sandboxes as a table in Markdown."""

from collections.abc import Mapping, Sequence


def table(columns: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """A row for each question, a column for each sandbox; `columns` has group, question and answer."""
    rows = [(group, question) for group, question, _ in next(iter(columns.values()))]
    answers = {
        name: {(group, question): answer for group, question, answer in column} for name, column in columns.items()
    }
    lines = [["can code in the sandbox …", *columns], ["---"] * (len(columns) + 1)]
    group_before = ""
    for group, question in rows:
        if group != group_before:
            lines.append([f"**{group}**", *[""] * len(columns)])
        group_before = group
        lines.append([question, *(answers[name].get((group, question), "") for name in columns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
