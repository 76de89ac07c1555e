"""A rehearsal's steps, as text and JSON (pure). What they found is rendered as all findings are."""

from typing import Any

from wheelhouse.model.rehearsal import Step


def step_line(step: Step) -> str:
    """A step of a rehearsal: how it ended, for which target, in how many seconds, with what."""
    took = step.skipped or " ".join(filter(None, (f"{step.seconds:.1f} s", step.note and f"({step.note})")))
    return f"{step.outcome:<8}{step.name}, {step.target}: {took}"


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
