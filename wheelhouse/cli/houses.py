"""What is done with a house that is here: `verify`, `stage`, `why`."""

from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.options import ImageBuild, Json, RequireApproved, StagingOptions, WheelhouseFolder, given, grouped
from wheelhouse.cli.session import approvals, must_be_approved, say, say_json, settings, waivers
from wheelhouse.errors import InputError


@app.command()
def verify(
    house: WheelhouseFolder = Path("wheels"), require_approved: RequireApproved = False, as_json: Json = False
) -> None:
    """Hash and open every file again: is the house, or a staged folder, exactly what its locks say?

    An index that `wheelhouse index` wrote is held against its own pages. Exit code 1 where it is not, with everything that is wrong.
    """
    from wheelhouse import report
    from wheelhouse.findings import Severity, worst
    from wheelhouse.mirror.tree import files_named, is_tree
    from wheelhouse.mirror.verify_tree import verify_tree
    from wheelhouse.stage.stage import verify_folder
    from wheelhouse.vet.approvals import unapproved
    from wheelhouse.vet.approve import files_of

    an_index = is_tree(house)
    verdict = (verify_tree if an_index else verify_folder)(house, waivers())
    files = files_named if an_index else files_of
    lacking = unapproved(files(house), approvals(settings())) if require_approved else ()
    findings = (*verdict.findings, *lacking)
    bad = (worst(findings) or Severity.NOTE) >= Severity.ERROR
    if as_json:
        rows = [report.finding_document(finding) for finding in findings]
        say_json({"house": str(house), "files": verdict.files, "bytes": verdict.bytes, "ok": not bad, "findings": rows})
    else:
        say(*report.finding_lines(findings))
        size = report.size_text(verdict.bytes)
        targets = ", ".join(lock.target.name for lock in verdict.house.locks)
        what, well = ("an index", "as indexed") if an_index else (f"for {targets}", "as locked")
        say(f"{house}: {report.counted(verdict.files, 'file')}, {size}, {what}: {'not as it must be' if bad else well}")
    raise typer.Exit(1 if bad else 0)


@app.command()
@grouped
def stage(staging: StagingOptions, image_build: ImageBuild, as_json: Json = False) -> None:
    """Verify a house, lay it out for an image build with no network, and print the exact build command.

    What an earlier stage wrote is replaced; a file that stage did not write is never touched.
    """
    from wheelhouse import report
    from wheelhouse.report.plans import command_lines, layout_text, plan_document, plan_lines
    from wheelhouse.stage.airflow.arguments import Choices
    from wheelhouse.stage.stage import plan_stage
    from wheelhouse.stage.stage import stage as stage_step
    from wheelhouse.verify.verify import load_wheelhouse

    held = settings()
    wanted = {name: getattr(held.stage, name) for name in held.stage.__struct_fields__} | given(staging, image_build)
    folder = staging.house or Path(held.dest or "wheels")
    destination = Path(wanted["dest"] or "docker-context-files")
    layout, choices = wanted["layout"] or "auto", Choices.parse(wanted)
    plan = plan_stage(
        folder, layout, wanted["target"], wanted["base_image"], choices, sdists=staging.sdists, destination=destination
    )
    if staging.require_approved:
        from_index = load_wheelhouse(folder).artifacts if plan.index else {}
        must_be_approved({path: artifact.sha256 for path, artifact in {**from_index, **plan.files}.items()})
    removed = () if staging.dry_run else stage_step(folder, destination, plan, waivers()).removed
    if as_json:
        written = {"folder": str(destination), "written": not staging.dry_run, "removed": list(removed)}
        say_json({**written, **plan_document(plan)})
        return
    if staging.dry_run:
        say(*plan_lines(plan, str(destination)))
    else:
        say(f"{destination}: {report.counted(len(plan.files), 'file')}, {layout_text(plan)}")
    say(*command_lines(plan))


@app.command()
@grouped
def why(
    project: Annotated[str | None, typer.Argument(metavar="PROJECT", show_default=False)] = None,
    house: WheelhouseFolder = Path("wheels"),
    file: Annotated[
        str | None, typer.Option("--file", metavar="NAME", help="Why this file, or why another and not this one.")
    ] = None,
    as_json: Json = False,
) -> None:
    r"""Print why a project, or a file, is in the house and another is not: from the lock alone.

    \b
    wheelhouse why certifi wheels
    wheelhouse why --file certifi-2025.1.31-py3-none-any.whl wheels
    """
    from packaging.utils import canonicalize_name

    from wheelhouse import report
    from wheelhouse.lock.why import why_file
    from wheelhouse.report.why_text import fact_lines
    from wheelhouse.verify.verify import load_wheelhouse

    if file:
        house = Path(project) if project else house
        found = {lock.target.name: fact_lines(why_file(lock, file)) for lock in load_wheelhouse(house).locks}
    elif project:
        found = dict(report.why_lines(load_wheelhouse(house).locks, canonicalize_name(project)))
    else:
        raise InputError("neither a project nor a file was named", hint="say `wheelhouse why PROJECT` or `--file NAME`")
    if not found:
        raise InputError(f"`{project}` is in no lock of `{house}`", hint="check the spelling")
    if as_json:
        say_json({"file" if file else "project": file or project, "targets": found})
        return
    for name, lines in found.items():
        say(f"{name}:", *(f"  {line}" for line in lines))
