"""A rehearsal's steps, as text and JSON (pure). What they found is rendered as all findings are."""

from collections.abc import Sequence
from typing import Any

from wheelhouse.model.rehearsal import Step


def step_line(step: Step) -> str:
    """A step of a rehearsal: how it ended, for which target, in how many seconds, with what."""
    took = step.skipped or " ".join(filter(None, (f"{step.seconds:.1f} s", step.note and f"({step.note})")))
    return f"{step.outcome:<8}{step.name}, {step.target}: {took}"


def ending(steps: Sequence[Step]) -> str:
    """How a rehearsal ended, in a few words."""
    if any(step.failed for step in steps):
        return "not as it must be; mend it before it travels"
    untried = [f"{step.name} for {step.target}" for step in steps if step.skipped]
    return f"nothing speaks against it; not tried here: {', '.join(untried)}" if untried else "ready to travel"


def step_document(step: Step) -> dict[str, Any]:
    """A step of a rehearsal for `--json`, but for its findings; `seconds` are those of the clock on the wall."""
    return {
        "step": step.name,
        "target": step.target,
        "outcome": step.outcome,
        "seconds": round(step.seconds, 3),
        "note": step.note or None,
        "skipped": step.skipped or None,
    }
