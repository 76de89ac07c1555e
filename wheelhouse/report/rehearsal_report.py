"""The steps of a rehearsal as text and JSON (pure)."""

from collections.abc import Sequence
from typing import Any

from wheelhouse.rehearse.rehearsal import INSTALLS, Step, installed_for, skipped_targets


def step_line(step: Step) -> str:
    """A step of a rehearsal in a line: outcome, name, target, seconds and note; the reason in place of these two if it was skipped."""
    details = step.skipped or " ".join(filter(None, (f"{step.seconds:.1f} s", step.note and f"({step.note})")))
    return f"{step.outcome:<8}{step.name}, {step.target}: {details}"


def ending(steps: Sequence[Step], *, passed: bool, stopped: bool = False) -> str:
    """The verdict of a rehearsal, the skipped targets, and the steps of other targets that were not tried, on one line.

    A failed step decides first, then that nothing was installed, then that an error stopped it, then `passed`.
    """
    targets = skipped_targets(steps)
    others = (step for step in steps if step.skipped and step.name not in INSTALLS)
    installers = dict.fromkeys(step.name for step in others if step.target not in targets)
    if any(step.failed for step in steps):
        verdict = "failed; repair the wheelhouse before it travels"
    elif not installed_for(steps):
        verdict = "nothing was installed"
    elif stopped:
        verdict = "not finished"
    else:
        verdict = "passed" if passed else "not passed: --require-all requires an install for every target"
    parts = [
        verdict,
        f"skipped: {', '.join(targets)} (no interpreter here)" if targets else "",
        f"not tried: {', '.join(installers)}" if installers else "",
    ]
    return "; ".join(filter(None, parts))


def step_document(step: Step) -> dict[str, Any]:
    """A step of a rehearsal for `--json`, without its findings: step, target, outcome, elapsed seconds, note, and why it was skipped."""
    return {
        "step": step.name,
        "target": step.target,
        "outcome": step.outcome,
        "seconds": round(step.seconds, 3),
        "note": step.note or None,
        "skipped": step.skipped or None,
    }
