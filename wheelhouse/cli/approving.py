"""`approve`: sign that files were reviewed."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, WheelhouseFolder, command
from wheelhouse.cli.machine import now
from wheelhouse.cli.output import must_confirm, say, say_json
from wheelhouse.cli.session import approvals, reviewer_of, settings, signer_of
from wheelhouse.cli.terminal import echo
from wheelhouse.cli.vetting import vet_context
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.config.settings import Settings
    from wheelhouse.signing.sign import PublicKey, Signer
    from wheelhouse.vet.approval_statement import Claim
    from wheelhouse.vet.approvals import Approvals


@dataclass(frozen=True, slots=True)
class _Signing:
    """What a reviewer signs with: the claim, the key, the approvals file, and the approvals that it has."""

    claim: "Claim"
    signer: "Signer"
    path: Path
    before: "Approvals"
    as_json: bool


@command(app)
def approve(
    key: Annotated[
        Path,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Your private Ed25519 key, or your public key if ssh-agent signs. A FIDO token signs through "
            "ssh-agent.",
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why the files are acceptable.")],
    wheelhouse: WheelhouseFolder = Path("wheels"),
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="NAME", help="Approve only this file. Default: all. May be repeated."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires",
            metavar="DATE",
            help="The last day on which the approval counts. Default: the approval does not expire.",
        ),
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option(
            "--reviewer",
            metavar="NAME",
            help="Your name. Needed only if the settings do not list your key in [[approvals.reviewers]].",
        ),
    ] = None,
    withdraw: Annotated[
        bool,
        typer.Option("--withdraw", help="Withdraw your earlier approvals of the files, and approve nothing."),
    ] = False,
    sign_command: Annotated[
        str,
        typer.Option(
            "--sign-command",
            metavar="COMMAND",
            help="Sign with this program, which reads stdin and prints the signature. --key is then the public key.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    r"""Vet a wheelhouse, and sign that you reviewed its files.

    Your signature covers the bytes and the findings of each file. An approval counts in every wheelhouse that has the file.
    On a terminal, you see the findings and are asked before anything is signed. The signature is a new line of the
    approvals file. With `--require-approved`, these commands read the approvals file: `verify`, `stage`, `pack`, `unpack`,
    `index`, `serve` and `publish`. A withdrawal is also a signed line. Never remove a line from the approvals file.

    \b
    wheelhouse approve --key our-key --reason "read the diff of 2.10.5"
    wheelhouse approve --withdraw --key our-key --reason "CVE-2026-1" --file app-1.0-py3-none-any.whl
    """
    from wheelhouse.vet.approve import chosen, claim_of, files_of

    from_file = settings()
    signer = signer_of(key, sign_command)
    name = _reviewer(from_file, signer.public, reviewer)
    before = approvals(from_file)
    claim = claim_of(before, name, reason, _last_day(expires))
    signing = _Signing(claim, signer, Path(from_file.approvals.file), before, as_json)
    chosen_files = chosen(files_of(wheelhouse), files or ())
    if withdraw:
        _withdraw(chosen_files, signing)
    else:
        _approve(wheelhouse, chosen_files, signing, from_file)


def _approve(wheelhouse: Path, files: Mapping[str, str], signing: _Signing, from_file: "Settings") -> None:
    """Vet the wheelhouse, print the findings, ask on a terminal, sign, and print what was signed.

    With --json, the findings are printed to stderr, and only on a terminal. Only the files that this reviewer has not
    approved yet with these findings, for so long, are signed, and none outside the reviewer's role; if there are none,
    nothing is asked.

    Raises InputError for a no.
    """
    from wheelhouse import report
    from wheelhouse.vet.approve import review, sign_review
    from wheelhouse.vet.approved_releases import ApprovedReleases
    from wheelhouse.vet.vet import vet

    claim = signing.claim
    vetted = vet(wheelhouse, from_file.policy.policy(), now(), vet_context(from_file))
    reviewed = review(wheelhouse, files, vetted.findings, signing.before, claim.reviewer, claim.expires)
    counts = f"{report.counted(len(reviewed.files), 'file')} with {report.counted(len(reviewed.findings), 'finding')}"
    if not signing.as_json or sys.stdin.isatty():
        files_by_subject = {facts.subject: facts for facts in vetted.facts}
        first_seen = ApprovedReleases(signing.before).first_seen(reviewed.findings, files_by_subject)
        for line in report.finding_lines(reviewed.findings, first_seen):
            echo(line, err=signing.as_json)
    if reviewed.files:
        must_confirm(f"Sign {counts} as {claim.reviewer}?")
    sign_review(reviewed, signing.path, claim, signing.signer)
    if signing.as_json:
        approved = {"approved": sorted(reviewed.files), "before": list(reviewed.before)}
        rows = [report.finding_document(finding) for finding in reviewed.findings]
        say_json({"file": str(signing.path), "reviewer": claim.reviewer, **approved, "findings": rows})
        return
    if beyond := reviewed.beyond_role:
        others = f" and {len(beyond) - 1} more" if len(beyond) > 1 else ""
        say(f"not signed: {beyond[0]}{others} (the role `{claim.role}` is not for these projects)")
    until = f" (valid until {claim.expires})" if claim.expires else ""
    say(
        f"{signing.path}: {claim.reviewer} approved {report.counted(len(reviewed.files), 'file')} with "
        f"{report.counted(len(reviewed.findings), 'finding')}{until}; approved before: {report.counted(len(reviewed.before), 'file')}"
    )


def _withdraw(named: Mapping[str, str], signing: _Signing) -> None:
    """Ask on a terminal, sign that the reviewer's approvals of the files no longer count, and print which.

    Files without one are passed over. Raises InputError for a no, and if no file has one.
    """
    from wheelhouse import report
    from wheelhouse.vet.approve import sign_withdrawal, withdrawable

    claim = signing.claim
    files, statements = withdrawable(named, signing.before, claim.reviewer)
    must_confirm(f"Withdraw the approval that {claim.reviewer} signed for {report.counted(len(files), 'file')}?")
    sign_withdrawal(files, signing.path, replace(claim, withdraws=statements, expires=None), signing.signer)
    if signing.as_json:
        say_json({"file": str(signing.path), "reviewer": claim.reviewer, "withdrawn": sorted(files)})
        return
    say(f"{signing.path}: {report.counted(len(files), 'approval')} withdrawn by {claim.reviewer}", *sorted(files))


def _reviewer(from_file: "Settings", key: "PublicKey", named: str | None) -> str:
    """The name of the reviewer whose key it is, by the settings, else the name that the option gives.

    Raises InputError if there is neither.
    """
    if name := reviewer_of(key, from_file.approvals) or named:
        return name
    raise InputError(
        "no reviewer in the settings has this key, so the approval would not count",
        hint="add the key to [[approvals.reviewers]] in wheelhouse.toml, or write your name: --reviewer NAME",
    )


def _last_day(text: str | None) -> date | None:
    """The day that a text such as `2027-01-31` names; None for None. Raises InputError. A day that is past is not refused here."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"`{text}` is not a day", hint="write it as 2027-01-31") from error
