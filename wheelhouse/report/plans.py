"""Plans of staged folders as text and JSON (pure)."""

from typing import Any

from wheelhouse.model.layout import MANIFEST, Plan, shell
from wheelhouse.model.words import size_text


def layout_text(plan: Plan) -> str:
    """What a folder is laid out for, in a few words."""
    what = f", Airflow {plan.release} by route {plan.route}" if plan.release else ""
    return f"layout {plan.layout}{what}, for {plan.target}"


def plan_lines(plan: Plan, destination: str) -> list[str]:
    """A plan, a path a line."""
    lines = [f"{destination}: {layout_text(plan)}"]
    lines += [f"  {path}  {size_text(artifact.size)}" for path, artifact in sorted(plan.files.items())]
    return lines + [f"  {path}  (written)" for path in sorted({*plan.texts, MANIFEST})]


def plan_document(plan: Plan) -> dict[str, Any]:
    """A plan for `--json`."""
    return {
        "layout": plan.layout,
        "release": plan.release,
        "route": plan.route,
        "target": plan.target,
        "index": plan.index,
        "files": {path: artifact.sha256 for path, artifact in sorted(plan.files.items())},
        "texts": dict(sorted(plan.texts.items())),
        "first": list(plan.first),
        "command": list(plan.command),
        "breeze": list(plan.breeze),
        "renamed": plan.renamed,
        "notes": list(plan.notes),
        "warnings": list(plan.warnings),
    }


def command_lines(plan: Plan) -> list[str]:
    """What builds the image, and what remains to be known."""
    lines = [f"warning: {warning}" for warning in plan.warnings] + [f"note: {note}" for note in plan.notes]
    if plan.first:
        lines += ["first:", "", shell(plan.first), ""]
    lines += ["then:" if plan.first else "build the image with:", "", shell(plan.command)]
    return [*lines, "", "or with breeze:", "", shell(plan.breeze)] if plan.breeze else lines
