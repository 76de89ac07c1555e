"""What an index holds and what its keeper decided, as lines and as JSON (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.errors import InputError
from wheelhouse.humanize import counted, size_text
from wheelhouse.mirror.simple import Offered, ProjectPage
from wheelhouse.mirror.state import Action, Entry, decision_text, history, state_of

MAX_LINES = 20
"""Entries of the history that are printed; JSON has all."""
Pages = Mapping[NormalizedName, ProjectPage]


def shown_lines(tree: str, pages: Pages, journal: Sequence[Entry], project: str | None) -> list[str]:
    """The lines of `mirror show`: for one project, its files and decisions; else numbers, the decisions that count, the newest history.

    Raises InputError for a project that has neither page nor decision.
    """
    if project is not None:
        return list(_project_lines(canonicalize_name(project), pages, journal))
    files = [file for page in pages.values() for file in page.files.values()]
    state = state_of(journal)
    decisions = (state.removed, state.blocked, state.yanked, state.statuses)
    lines = [f"{tree}: {counted(len(pages), 'project')}, {counted(len(files), 'file')}, {_size(files)}"]
    lines += [f"  {decision_text(entry)}" for by_subject in decisions for entry in by_subject.values()]
    return [*lines, "history:", *(f"  {line}" for line in map(_entry_line, journal[: -MAX_LINES - 1 : -1]))]


def _size(files: Sequence[Offered]) -> str:
    """The size of all these files, in words."""
    return size_text(sum(file.size for file in files))


def _project_lines(project: NormalizedName, pages: Pages, journal: Sequence[Entry]) -> Iterator[str]:
    """The lines for one project: its status, its files with size and yanked reason, then all decisions about it, the newest first.

    Raises InputError for a project that has neither page nor decision.
    """
    page, entries = pages.get(project), list(history(journal, project))
    if page is None and not entries:
        raise InputError(f"the index has no project `{project}`", hint="check the spelling")
    status = f", {page.status_shown}" if page and page.status_shown else ""
    files = sorted(page.files.values(), key=lambda file: (file.version, file.filename)) if page else []
    yield f"{project}: {counted(len(files), 'file')}{status}"
    for file in files:
        yanked = "" if file.yanked_shown is None else f", yanked ({file.yanked_shown})"
        yield f"  {file.filename}: {size_text(file.size)}{yanked}"
    yield from (f"  {_entry_line(entry)}" for entry in entries)


def _entry_line(entry: Entry) -> str:
    """An entry of the journal in a line: when, who, what, and the reason if there is one.

    Of files that were added or pruned only the number is given.
    """
    if entry.action in (Action.INDEX, Action.PRUNE):
        verb = "added" if entry.action is Action.INDEX else "removed"
        reason = f": {entry.reason}" if entry.reason else ""
        return f"{entry.made:%Y-%m-%d %H:%M} {entry.by}: {counted(len(entry.files), 'file')} {verb}{reason}"
    status = f" {entry.status}" if entry.status else ""
    reason = f": {entry.reason}" if entry.reason else ""
    return f"{entry.made:%Y-%m-%d %H:%M} {entry.by}: {entry.action} {entry.subject}{status}{reason}"


def shown_document(pages: Pages, journal: Sequence[Entry], project: str | None) -> dict[str, Any]:
    """The projects, decisions and history for `--json`: of one project, or of all. `decisions` are those that count.

    `history` has all entries, or all decisions about the project, the oldest first. Raises InputError for a project that has
    neither page nor decision.
    """
    state = state_of(journal)
    counting = [
        entry for kind in (state.removed, state.blocked, state.yanked, state.statuses) for entry in kind.values()
    ]
    entries: Sequence[Entry] = journal
    if project is not None:
        name = canonicalize_name(project)
        entries = list(history(journal, name))[::-1]
        if name not in pages and not entries:
            raise InputError(f"the index has no project `{name}`", hint="check the spelling")
        pages, counting = {name: pages.get(name, ProjectPage())}, list(state.about(name))
    return {
        "projects": {name: sorted(page.files) for name, page in pages.items()},
        "decisions": [_document(entry) for entry in counting],
        "history": [_document(entry) for entry in entries],
    }


def _document(entry: Entry) -> dict[str, Any]:
    """An entry for `mirror show --json`, without what is empty."""
    document: dict[str, Any] = {"action": entry.action, "subject": entry.subject, "made": entry.made.isoformat()}
    document |= {"by": entry.by, "reason": entry.reason, "status": entry.status, "files": list(entry.files)}
    return {key: value for key, value in document.items() if value}
