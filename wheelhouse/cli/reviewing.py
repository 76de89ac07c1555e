"""`review`: decide on the files of a wheelhouse in a browser, and sign each decision."""

from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Quiet, WheelhouseFolder, command
from wheelhouse.cli.machine import cache_folder, now, own_umask
from wheelhouse.cli.output import say
from wheelhouse.cli.session import approvals, listening, reviewer_of, settings, signer_of
from wheelhouse.cli.vetting import vet_context
from wheelhouse.config.options import CacheOptions
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.config.settings import Settings
    from wheelhouse.review.desk import Reviewer
    from wheelhouse.vet.evidence import Evidence


@command(app)
def review(
    key: Annotated[
        Path,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Your private Ed25519 key, or your public key if ssh-agent signs. A FIDO token signs through "
            "ssh-agent.",
        ),
    ],
    place: CacheOptions,
    wheelhouse: WheelhouseFolder = Path("wheels"),
    since: Annotated[
        Path | None,
        typer.Option(
            "--since",
            metavar="OLD",
            help="The wheelhouse that was approved before. The page shows what changed in each file since then, and "
            "what new things its code can do.",
        ),
    ] = None,
    approvals_file: Annotated[
        Path | None,
        typer.Option(
            "--approvals", metavar="FILE", help="The approvals file. Default: the file that the settings name."
        ),
    ] = None,
    advisories: Annotated[
        Path | None,
        typer.Option(
            "--advisories", metavar="FILE", help="The snapshot of advisories. Default: advisories.json, if it exists."
        ),
    ] = None,
    sign_command: Annotated[
        str,
        typer.Option(
            "--sign-command",
            metavar="COMMAND",
            help="Sign with this program, which reads stdin and prints the signature. --key is then the public key.",
        ),
    ] = "",
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=1024, max=65535, help="The port to listen on. Default: a free port."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    r"""Approve files of a wheelhouse in a browser, or withdraw approvals. Each decision is signed.

    The page lists the files that are not approved yet, with their findings and changes. It starts with files whose
    code can do something new.

    The page is served only on the loopback address, and only to the first browser that opens the printed URL. The page loads
    nothing from other servers. When you approve or withdraw, the decision is signed with your key at once, and added to the
    approvals file. Ctrl-C ends the review. Signed decisions stay.

    \b
    wheelhouse review wheels --since wheels-of-may --key our-key
    """
    from wheelhouse import report
    from wheelhouse.report.formats import as_review_page
    from wheelhouse.review.application import Application, state_of
    from wheelhouse.review.desk import ApprovalsFile, Desk
    from wheelhouse.review.loopback import LoopbackServer
    from wheelhouse.vet.review_queue import review_queue

    from_file = _settings(approvals_file)
    reviewer = _reviewer(from_file, key, sign_command)
    with LoopbackServer(port or 0) as server:
        found = _evidence(wheelhouse, since, advisories, place, from_file, quiet=quiet)
        file = ApprovalsFile(Path(from_file.approvals.file), lambda: approvals(from_file))
        desk = Desk(wheelhouse, review_queue(found), found.files, reviewer, file, found.approvals.needed)
        page = as_review_page(found, desk.queue, reviewer.name, state_of(desk))
        with suppress(KeyboardInterrupt):
            application = Application(server.access, desk, page)
            server.run(application, lambda address: say(f"review by {reviewer.name}: open {address}"))
        desk.finish()
    say(
        f"{file.path}: {report.counted(len(desk.approved), 'file')} approved and {len(desk.withdrawn)} withdrawn "
        f"by {reviewer.name} in this review"
    )


def _settings(approvals_file: Path | None) -> "Settings":
    """The settings of this folder, with another approvals file if one is named."""
    from msgspec.structs import replace as replaced

    from_file = settings()
    if approvals_file is None:
        return from_file
    return replace(from_file, approvals=replaced(from_file.approvals, file=str(approvals_file)))


def _reviewer(from_file: "Settings", key: Path, sign_command: str) -> "Reviewer":
    """The reviewer whose key it is. Raises InputError for a key that the settings do not name."""
    from wheelhouse.review.desk import Reviewer

    signer = signer_of(key, sign_command)
    if name := reviewer_of(signer.public, from_file.approvals):
        return Reviewer(name, signer)
    raise InputError(
        f"no reviewer in the settings has the key `{key}`, so an approval by this key would not count",
        hint="add the key to [[approvals.reviewers]] in wheelhouse.toml",
    )


def _evidence(
    wheelhouse: Path,
    since: Path | None,
    advisories: Path | None,
    place: CacheOptions,
    from_file: "Settings",
    *,
    quiet: bool,
) -> "Evidence":
    """What vetting finds in a wheelhouse, with the texts that changed since an earlier one. What is read of a file is kept in the cache."""
    from wheelhouse.files.cache import Cache
    from wheelhouse.vet.gather_evidence import evidence
    from wheelhouse.vet.vet import vet

    policy, moment = from_file.policy.policy(), now()
    context = replace(vet_context(from_file, advisories), since=since, with_texts=True)
    with (
        listening(quiet=quiet) as listener,
        closing(Cache(cache_folder(place.cache_dir), listener, mode=0o777 & ~own_umask())) as cache,
    ):
        vetted = vet(wheelhouse, policy, moment, replace(context, notes=cache.private), listener)
    return evidence(wheelhouse, vetted, policy, context.approvals, moment, context.advisories, since)
