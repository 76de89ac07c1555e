"""Plans of staged folders as text and JSON (pure)."""

import shlex
from collections.abc import Iterator
from typing import Any

from wheelhouse.humanize import size_text
from wheelhouse.stage.destination import FOLDER
from wheelhouse.stage.manifest import StageRecord
from wheelhouse.stage.plan import MANIFEST, Plan, shell

OPTION_NAMES = {"apt-sources": "apt-source", "build-args": "build-arg", "folder": "dest"}
"""Recorded options whose command-line option has another name."""


def layout_text(plan: Plan) -> str:
    """Layout and target of a staged folder in a few words; of Airflow, also the release and the route."""
    release = f", Airflow {plan.release} by route {plan.route}" if plan.release else ""
    return f"layout {plan.layout}{release}, for {plan.target}"


def staged_lines(folder: str, plan: Plan, record: StageRecord, signer: str | None) -> list[str]:
    """A line with the options that a folder was staged with, if any; a line on its signature, if it is signed.

    `signer` is the label of the key that it was checked with; None if it was not checked.
    """
    options = " ".join(_options(plan))
    lines = [f"{folder}: staged with {options}"] if options else []
    if signer:
        return [*lines, f"{folder}: signed by {signer}"]
    unchecked = f"{folder}: signed; the signature is not checked, because no --key was given"
    return [*lines, unchecked] if record.signed else lines


def _options(plan: Plan) -> Iterator[str]:
    """The index and the options as a command line has them, quoted for a shell, once for each value; those without one
    are left out.
    """
    options = {"index": plan.index, **plan.options}
    for name, value in options.items():
        option = f"--{OPTION_NAMES.get(name, name)}"
        if value is True:
            yield option
        elif value:
            yield from (f"{option} {shlex.quote(text)}" for text in (value if isinstance(value, list) else [value]))


def staged_document(plan: Plan, record: StageRecord, signer: str | None) -> dict[str, Any]:
    """The layout, options and signature of a staged folder, for `--json`."""
    return {
        "layout": plan.layout,
        "release": plan.release,
        "route": plan.route,
        "index": plan.index,
        "options": dict(plan.options),
        "staged-by": record.version or None,
        "signed": record.signed,
        "signed-by": signer,
    }


def plan_lines(plan: Plan, destination: str) -> list[str]:
    """The layout, then each path of the folder: files with their size, then the texts and the manifest."""
    lines = [f"{destination}: {layout_text(plan)}"]
    lines += [f"  {path}  {size_text(artifact.size)}" for path, artifact in sorted(plan.files.items())]
    return lines + [f"  {path}  (written)" for path in sorted({*plan.texts, MANIFEST})]


def plan_document(plan: Plan) -> dict[str, Any]:
    """A plan for `--json`: the sha256 of each file, the whole text of each text, and the commands."""
    return {
        "layout": plan.layout,
        "release": plan.release,
        "route": plan.route,
        "target": plan.target,
        "index": plan.index,
        "files": {path: artifact.sha256 for path, artifact in sorted(plan.files.items())},
        "texts": dict(sorted(plan.texts.items())),
        **({"copied-from": plan.copied_from} if plan.copied_from else {}),
        **({"load": list(plan.load)} if plan.load else {}),
        "first": list(plan.first),
        "command": list(plan.command),
        "breeze": list(plan.breeze),
        "renamed": plan.renamed,
        "notes": list(plan.notes),
        "warnings": list(plan.warnings),
        "unsettled": list(plan.unsettled),
    }


def command_lines(plan: Plan) -> list[str]:
    """A line for each warning and note, then the commands that build the image, each under a heading.

    If there is no image for the target, these are the commands that install on it.
    """
    lines = [f"warning: {warning}" for warning in plan.warnings] + [f"note: {note}" for note in plan.notes]
    if plan.copied_from:
        copied = shlex.quote(f"{plan.copied_from}/.")
        lines += ["copy the folder into the build context:", "", f"mkdir -p {FOLDER} && cp -R {copied} {FOLDER}", ""]
    if plan.load:
        lines += ["load the base image:", "", *shell(plan.load).split("\n"), ""]
    if plan.first:
        lines += ["first:", "", *shell(plan.first).split("\n"), ""]
    lines += [_purpose(plan), "", *shell(plan.command).split("\n")]
    return [*lines, "", "or with breeze:", "", *shell(plan.breeze).split("\n")] if plan.breeze else lines


def _purpose(plan: Plan) -> str:
    """The heading of the build command: what it is for, and where to type it. Only a checkout of Airflow has Airflow's Dockerfile."""
    where = " in a checkout of Airflow's sources" if plan.layout == "airflow" else ""
    if plan.load or plan.first or plan.copied_from:
        return f"then{where}:"
    return (
        f"build the image{where} with:"
        if plan.builds_an_image
        else "there is no image for this target; install on the target with:"
    )
