"""What `doctor` found, as lines and as JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from wheelhouse.doctor.diagnosis import Check, State, Topic
from wheelhouse.report.sentences.doctor_sentences import doctor_sentence


def diagnosis_lines(checks: Sequence[Check], *, quiet: bool = False) -> list[str]:
    """A line for each check, with the remedy below it, then a line that counts the states.

    `quiet` leaves out the count, and every check that is not broken.
    """
    shown = [check for check in checks if check.state is State.BROKEN or not quiet]
    lines = [line for check in shown for line in _lines(check)]
    states = Counter(check.state for check in checks)
    counts = ", ".join(f"{states[state]} {state}" for state in State)
    return [*lines, *([] if quiet else [counts])]


def _lines(check: Check) -> list[str]:
    """The line of one check, and a line with its remedy, if there is one."""
    sentence, remedy = doctor_sentence(check)
    lines = [f"{check.state:<8} {_title(check)}: {sentence}"]
    return [*lines, f"         hint: {remedy}"] if remedy else lines


def _title(check: Check) -> str:
    """What a line is about: topic and name, as in `extra serve`; the name alone for a folder, and if both are the same (`ssh-agent`)."""
    return check.name if check.topic in (check.name, Topic.FOLDER) else f"{check.topic} {check.name}"


def diagnosis_document(checks: Sequence[Check]) -> dict[str, Any]:
    """All checks for `--json`, broken or not."""
    return {"checks": [_row(check) for check in checks]}


def _row(check: Check) -> dict[str, Any]:
    """One check for `--json`; `hint` only if there is a remedy."""
    sentence, remedy = doctor_sentence(check)
    row = {"topic": check.topic, "name": check.name, "state": check.state, "facts": dict(check.facts), "text": sentence}
    return {**row, "hint": remedy} if remedy else row
