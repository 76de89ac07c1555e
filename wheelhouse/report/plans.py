"""Plans of staged folders as text and JSON (pure)."""

import shlex
from typing import Any

from wheelhouse.humanize import size_text
from wheelhouse.stage.destination import FOLDER
from wheelhouse.stage.plan import MANIFEST, Plan, shell


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
        **({"copied-from": plan.copied_from} if plan.copied_from else {}),
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
    if plan.copied_from:
        copied = shlex.quote(f"{plan.copied_from}/.")
        lines += ["copy it to where the build takes it from:", "", f"mkdir -p {FOLDER} && cp -R {copied} {FOLDER}", ""]
    if plan.first:
        lines += ["first:", "", shell(plan.first), ""]
    what = "build the image with:" if plan.builds_an_image else "no image holds this target; install on it with:"
    lines += ["then:" if plan.first or plan.copied_from else what, "", shell(plan.command)]
    return [*lines, "", "or with breeze:", "", shell(plan.breeze)] if plan.breeze else lines
