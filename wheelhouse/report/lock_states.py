"""How lock files stand to their jobs, as lines and as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wheelhouse.fetch.locking import Freshness

TEXTS = {
    Freshness.UP_TO_DATE: "it is up to date",
    Freshness.MISSING: "it is missing",
    Freshness.OUTDATED: "it was made from other requirements, constraints or options",
    Freshness.DROPPED: "its target is no longer in the settings file",
}
States = Mapping[Path, Mapping[str, Freshness]]
"""By wheelhouse and target."""


def lock_states_lines(states: States, *, quiet: bool = False) -> list[str]:
    """A line for each lock file, and a hint if one is not up to date. `quiet` leaves out those that are up to date."""
    lines = [
        f"{folder / f'pylock.{target}.toml'}: {TEXTS[state]}"
        for folder, found in states.items()
        for target, state in sorted(found.items())
        if not (quiet and state is Freshness.UP_TO_DATE)
    ]
    is_fresh = all(state is Freshness.UP_TO_DATE for found in states.values() for state in found.values())
    return (
        lines if is_fresh else [*lines, "hint: run this command without --check, and commit the files that it writes"]
    )


def lock_states_document(states: States) -> dict[str, Any]:
    """The lock files as a list, for `--json`: each with the path of its wheelhouse, its target and its state."""
    return {
        "locks": [
            {"house": str(folder), "target": target, "state": str(state)}
            for folder, found in states.items()
            for target, state in sorted(found.items())
        ]
    }
