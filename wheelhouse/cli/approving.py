"""`approve`: sign that files were reviewed."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, WheelhouseFolder, command
from wheelhouse.cli.machine import now
from wheelhouse.cli.output import passphrase_of, say, say_json
from wheelhouse.cli.session import approvals, reviewer_keys, settings
from wheelhouse.cli.vetting import vet_context
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.config.settings import Settings
    from wheelhouse.signing.sign import Key


@command(app)
def approve(
    key: Annotated[
        Path, typer.Option("--key", metavar="FILE", help="Your Ed25519 private key (PEM, or ssh-keygen's).")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why the files are acceptable.")],
    wheelhouse: WheelhouseFolder = Path("wheels"),
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="NAME", help="Approve only this file. Default: all. May be repeated."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="DATE", help="The last day on which the approval counts. Default: for ever."),
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option("--reviewer", metavar="NAME", help="Your name, if the settings do not name your key."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Vet a wheelhouse, and sign that you reviewed its files.

    You sign these bytes with these findings; they count in every wheelhouse. The signature is a new line of the approvals
    file. verify, stage and publish read it with `--require-approved`.
    """
    from wheelhouse import report
    from wheelhouse.signing.sign import load_key
    from wheelhouse.vet.approve import approve as approve_step
    from wheelhouse.vet.approve import chosen, files_of
    from wheelhouse.vet.vet import vet

    from_file, moment = settings(), now()
    private, last = load_key(key, passphrase_of), _last_day(expires, moment.date())
    name = _reviewer(from_file, private, reviewer)
    chosen_files = chosen(files_of(wheelhouse), files or ())
    vetted = vet(wheelhouse, from_file.policy.policy(), moment, vet_context(from_file))
    done = approve_step(
        wheelhouse,
        chosen_files,
        vetted.findings,
        Path(from_file.approvals.file),
        approvals=approvals(from_file),
        key=private,
        reviewer=name,
        reason=reason,
        made=moment.date(),
        expires=last,
    )
    seen = [finding for finding in vetted.findings if finding.subject in set(done.now)]
    if as_json:
        names = {"approved": list(done.now), "before": list(done.before)}
        rows = [report.finding_document(finding) for finding in seen]
        say_json({"file": from_file.approvals.file, "reviewer": name, **names, "findings": rows})
        return
    say(*report.finding_lines(seen))
    until = f" until {last}" if last else ""
    say(
        f"{from_file.approvals.file}: {report.counted(len(done.now), 'file')} approved by {name}{until}, "
        f"{report.counted(len(seen), 'finding')} seen; {len(done.before)} approved before"
    )


def _reviewer(from_file: "Settings", key: "Key", named: str | None) -> str:
    """The reviewer whose key it is, by the settings, else as the option names them. Raises InputError."""
    for name, keys in reviewer_keys(from_file.approvals).items():
        if key.public.id in {public.id for public in keys}:
            return name
    if named:
        return named
    raise InputError(
        "the settings name no reviewer with this key, so the approval would not count",
        hint="add it to [[approvals.reviewers]] in wheelhouse.toml, or name yourself with --reviewer",
    )


def _last_day(text: str | None, today: date) -> date | None:
    """Today or a later day. Raises InputError."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"`{text}` is not a day", hint="write it as 2027-01-31") from error
    if day < today:
        raise InputError(f"{day} is past, so the approval would never count")
    return day
