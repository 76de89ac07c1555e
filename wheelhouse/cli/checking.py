"""What a wheelhouse holds, and why: `verify` and `why`."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, Quiet, RequireApproved, WheelhouseFolder, command
from wheelhouse.cli.job_checks import Verified, verify_jobs, why_jobs
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import approvals, chosen_jobs, settings, since_approval, waivers
from wheelhouse.cli.whole_wheelhouses import whole_wheelhouses
from wheelhouse.config.options import FileOrigin, JobSelection
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.signing.sign import PublicKey
    from wheelhouse.stage.staged_folder import StagedFolder

DEFAULT_FOLDER = Path("wheels")


@command(app)
def verify(
    selection: JobSelection,
    origin: FileOrigin,
    wheelhouse: WheelhouseFolder = DEFAULT_FOLDER,
    require_approved: RequireApproved = False,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Accept only a staged folder with a signature of this Ed25519 public key. May be repeated.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check that a wheelhouse or a staged folder has exactly the files that its lock files name.

    Every file is hashed and opened. A staged folder records the options of `wheelhouse stage`. It must have the layout
    that `wheelhouse stage` writes for these options and the lock files. `verify` prints these options. For an index
    that `wheelhouse index` wrote, the files are compared with the pages of the index. Every problem is listed. The
    exit code is 1 if there is a problem. With --all, the wheelhouse of each job of the settings file is checked.
    """
    if jobs := chosen_jobs(selection):
        _must_be_default(wheelhouse)
        each = partial(verified, origin=origin, keys=key, require_approved=require_approved)
        verify_jobs(jobs, each, as_json=as_json, quiet=quiet)
        return
    outcome = verified(wheelhouse, origin, key, require_approved=require_approved)
    if as_json:
        say_json(outcome.document)
    else:
        say(*outcome.lines(quiet=quiet))
    raise typer.Exit(1 if outcome.is_bad else 0)


def verified(folder: Path, origin: FileOrigin, keys: list[Path] | None, *, require_approved: bool) -> Verified:
    """What `verify` finds in a wheelhouse, a staged folder or an index. Only warnings are printed.

    Raises InputError if the folder is none of them; with `keys`, InputError if it is not staged, and IntegrityError if none
    of them signed it.
    """
    with whole_wheelhouses([folder], origin, quiet=True) as (whole,):
        return _verified(folder, whole, keys, require_approved=require_approved)


def _verified(folder: Path, whole: Path, keys: list[Path] | None, *, require_approved: bool) -> Verified:
    """What `verify` finds in a folder whose files are in the folder `whole`, which is the same one or a copy. Texts name
    `folder`.
    """
    from wheelhouse import report
    from wheelhouse.findings import Severity, worst
    from wheelhouse.mirror.tree import files_named, is_tree
    from wheelhouse.mirror.verify_tree import verify_tree
    from wheelhouse.report.plans import layout_text, staged_document, staged_lines
    from wheelhouse.stage.staged_folder import verify_folder
    from wheelhouse.vet.approvals import unapproved
    from wheelhouse.vet.approve import files_of

    is_index = is_tree(whole)
    verdict, staged = (verify_tree(whole, waivers()), None) if is_index else verify_folder(whole, waivers())
    signer = _signer(folder, staged, keys) if keys else None
    files = files_named if is_index else files_of
    findings, approved = verdict.findings, ""
    if require_approved:
        from_file = settings()
        current = approvals(from_file)
        lacking = unapproved(files(whole), current)
        findings = (*findings, *lacking, *since_approval(from_file, verdict.wheelhouse, current))
        approved = f"; {report.approved_text(files(whole), current)}"
    is_bad = (worst(findings) or Severity.NOTE) >= Severity.ERROR
    rows = [report.finding_document(finding) for finding in findings]
    kind = "index" if is_index else "staged folder" if staged else "wheelhouse"
    counts = {"kind": kind, "files": verdict.files, "bytes": verdict.bytes}
    layout = staged_document(staged.plan, staged.record, signer.id if signer else None) if staged else {}
    document = {"house": str(folder), **counts, "ok": not is_bad, "findings": rows, **layout}
    targets = ", ".join(lock.target.name for lock in verdict.wheelhouse.locks)
    kind, good = ("an index", "as indexed") if is_index else (f"wheelhouse for {targets}", "as locked")
    kind = f"staged folder, {layout_text(staged.plan)}" if staged else kind
    state, size = "has errors" if is_bad else good, report.size_text(verdict.bytes)
    summary = [
        *(staged_lines(str(folder), staged.plan, staged.record, signer.label if signer else None) if staged else ()),
        f"{folder}: {report.counted(verdict.files, 'file')}, {size}, {kind}: {state}{approved}",
    ]
    loud = report.finding_lines(report.warnings_and_errors(findings))
    return Verified(document, report.finding_lines(findings), loud, summary, is_bad)


def _must_be_default(folder: Path) -> None:
    """Raise InputError for a folder other than DEFAULT_FOLDER: one that is named beside --all or --job."""
    if folder != DEFAULT_FOLDER:
        hint = "leave out the folder, or leave out --all and --job"
        raise InputError(f"`{folder}` is one wheelhouse, but each job has its own wheelhouse", hint=hint)


def _signer(folder: Path, staged: "StagedFolder | None", paths: list[Path]) -> "PublicKey":
    """The key, of those in the files `paths`, that signed a staged folder.

    Raises InputError if the folder is not staged, and IntegrityError if none of the keys signed it.
    """
    from wheelhouse.signing.sign import load_public_key
    from wheelhouse.stage.staged_folder import check_signature

    if staged is None:
        hint = "leave out --key; `wheelhouse unpack --key` checks the signature of a bundle"
        raise InputError(
            f"--key checks the signature of a staged folder, but `{folder}` is not a staged folder", hint=hint
        )
    keys = tuple(map(load_public_key, paths))
    signer = check_signature(staged, keys)
    return next(key for key in keys if key.id == signer)


@command(app)
def why(
    selection: JobSelection,
    project: Annotated[
        str | None,
        typer.Argument(metavar="PROJECT", help="The project or Debian package to explain.", show_default=False),
    ] = None,
    wheelhouse: WheelhouseFolder = DEFAULT_FOLDER,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", metavar="NAME", help="Explain why this file was chosen, or why another file was chosen instead."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    r"""Explain why a project, a file or a Debian package is in the wheelhouse. Only the lock files are read.

    \b
    wheelhouse why certifi wheels
    wheelhouse why --file certifi-2025.1.31-py3-none-any.whl wheels
    wheelhouse why certifi --all
    """
    if jobs := chosen_jobs(selection):
        _must_be_default(wheelhouse)
        if file or not project:
            raise InputError(
                "--all explains a project, but no project was named",
                hint="name a project: `wheelhouse why PROJECT --all`",
            )
        why_jobs(jobs, project, lambda folder: reasons_of(folder, project), as_json=as_json)
        return
    if file:
        wheelhouse = Path(project) if project else wheelhouse
        reasons = file_reasons(wheelhouse, file)
    elif project:
        reasons = reasons_of(wheelhouse, project)
    else:
        raise InputError(
            "no project and no file was named",
            hint="name a project (`wheelhouse why PROJECT`) or a file (`--file NAME`)",
        )
    if not reasons:
        raise InputError(f"no lock file of `{wheelhouse}` has `{project}`", hint="check the spelling")
    if as_json:
        say_json({"file" if file else "project": file or project, "targets": reasons})
        return
    for name, lines in reasons.items():
        say(f"{name}:", *(f"  {line}" for line in lines))


def reasons_of(folder: Path, project: str) -> dict[str, list[str]]:
    """Why a project, a Debian package or a base image is in a wheelhouse: lines by target, and under `debian/` and `image/`.

    Empty if it is not there. Raises InputError if the folder is no wheelhouse.
    """
    from packaging.utils import canonicalize_name

    from wheelhouse import report
    from wheelhouse.verify.verify import load_wheelhouse
    from wheelhouse.verify.verify_other_files import load_base_images, load_debian

    reasons = dict(report.why_lines(load_wheelhouse(folder).locks, canonicalize_name(project)))
    if debian := report.why_debian_lines(load_debian(folder), project):
        reasons["debian/"] = debian
    if images := report.why_image_lines(load_base_images(folder), load_wheelhouse(folder).locks, project):
        reasons["image/"] = images
    return reasons


def file_reasons(folder: Path, file: str) -> dict[str, list[str]]:
    """Why a file is in a wheelhouse, or why another was chosen: lines by target, for each target.

    Raises InputError for a text that is not the name of a wheel or sdist, and if the folder is no wheelhouse.
    """
    from wheelhouse.lock.why import why_file
    from wheelhouse.report.why_text import fact_lines
    from wheelhouse.verify.verify import load_wheelhouse

    return {lock.target.name: list(fact_lines(why_file(lock, file))) for lock in load_wheelhouse(folder).locks}
