"""Who says yes: `approve`."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.options import Json, WheelhouseFolder
from wheelhouse.cli.session import approvals, now, passphrase_of, say, say_json, settings
from wheelhouse.cli.vetting import known
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.config.settings import Settings
    from wheelhouse.signing.sign import Key


@app.command()
def approve(
    key: Annotated[
        Path, typer.Option("--key", metavar="FILE", help="Your Ed25519 private key (PEM, or ssh-keygen's).")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is well.")],
    house: WheelhouseFolder = Path("wheels"),
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="NAME", help="Only this file. May be repeated. Default: all."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="DATE", help="The last day on which it counts. Default: always.")
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option("--reviewer", metavar="NAME", help="Who you are, where the settings do not name your key."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Vet a house, and sign that its files are well: these bytes, with these findings, wherever they turn up again.

    Adds a line to the approvals file. `--require-approved` then holds verify, stage and publish to it.
    """
    from wheelhouse import report
    from wheelhouse.signing.sign import load_key
    from wheelhouse.vet.approve import approve as approve_step
    from wheelhouse.vet.approve import chosen, files_of
    from wheelhouse.vet.vet import vet

    held, moment = settings(), now()
    private, last = load_key(key, passphrase_of), _day(expires, moment.date())
    who = _reviewer(held, private, reviewer)
    wanted = chosen(files_of(house), files or ())
    vetted = vet(house, held.policy.policy(), moment, known(held.policy))
    done = approve_step(
        house,
        wanted,
        vetted.findings,
        Path(held.approvals.file),
        approvals=approvals(held),
        key=private,
        reviewer=who,
        reason=reason,
        made=moment.date(),
        expires=last,
    )
    seen = [finding for finding in vetted.findings if finding.subject in set(done.now)]
    if as_json:
        told = {"file": held.approvals.file, "reviewer": who, "approved": list(done.now), "before": list(done.before)}
        say_json(told | {"findings": [report.finding_document(finding) for finding in seen]})
        return
    say(*report.finding_lines(seen))
    until = f" until {last}" if last else ""
    say(
        f"{held.approvals.file}: {report.counted(len(done.now), 'file')} approved by {who}{until}, "
        f"{report.counted(len(seen), 'finding')} seen; {len(done.before)} approved before"
    )


def _reviewer(held: "Settings", key: "Key", otherwise: str | None) -> str:
    """The name that the settings give a key, else what its holder says. Raises InputError."""
    for name, keys in held.approvals.keys(Path.cwd()).items():
        if key.public.id in {one.id for one in keys}:
            return name
    if otherwise:
        return otherwise
    raise InputError(
        "the settings name no reviewer with this key, so nobody would count it",
        hint="add it to [[approvals.reviewers]] in wheelhouse.toml, or say who you are with --reviewer",
    )


def _day(text: str | None, today: date) -> date | None:
    """A day to come. Raises InputError."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"`{text}` is not a day", hint="write it as 2027-01-31") from error
    if day < today:
        raise InputError(f"{day} is past: such an approval would never count")
    return day
