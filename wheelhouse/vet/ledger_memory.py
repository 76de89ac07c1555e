"""What this machine remembers of each approvals file: the last statements of each reviewer. A shorter file is noticed by them."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from wheelhouse.documents import DocumentType
from wheelhouse.errors import IntegrityError, MachineError
from wheelhouse.files.disk import write

NAME = "approvals-seen.json"
Tips = dict[str, list[str]]
"""The ids of the last statements of each reviewer."""
_MEMORY = DocumentType(dict[str, Tips])
"""By the path of the approvals file."""


def must_not_be_older(folder: Path, path: Path, tips: Mapping[str, Sequence[str]], ids: Collection[str]) -> None:
    """Raise IntegrityError if a statement that was the last of its reviewer here before is not among `ids`.

    Else write `tips` to `folder`. `tips` has every reviewer that the settings name, if need be with no statement. Other
    reviewers are not checked. If the folder cannot be written, nothing is remembered.
    """
    memory, key = _read(folder / NAME), str(path.resolve())
    seen = memory.get(key, {})
    if lost := sorted(name for name, last in seen.items() if name in tips and not set(last) <= set(ids)):
        raise IntegrityError(
            f"`{path}` lacks statements of {lost[0]} that it had before: it was shortened, or is an older copy",
            hint=f"restore the file; if you want to use the older copy, remove `{folder / NAME}`",
        )
    now = seen | {name: list(last) for name, last in tips.items() if last}
    if now != seen:
        with suppress(MachineError, OSError):
            write(folder, NAME, json.dumps(memory | {key: now}, indent=1, sort_keys=True) + "\n")


def _read(path: Path) -> dict[str, Tips]:
    """What is remembered, by the path of the approvals file; empty if there is no such file, or if it cannot be read."""
    with suppress(OSError, ValueError):
        return _MEMORY.from_json(path.read_bytes())
    return {}
