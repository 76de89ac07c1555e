"""A static package index: `index` writes it, `mirror …` keeps it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app, mirror_app
from wheelhouse.cli.command import Json, Quiet, RequireApproved, Wheelhouses, command
from wheelhouse.cli.machine import now, user_name
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.run_store import is_store_url, opened_objects
from wheelhouse.cli.session import approvals, listening, must_have_approved_files, read_snapshot, settings, waivers
from wheelhouse.cli.whole_wheelhouses import whole_wheelhouses
from wheelhouse.config.options import FileOrigin
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from packaging.utils import NormalizedName

    from wheelhouse.mirror.bucket import Bucket
    from wheelhouse.mirror.keep import Kept
    from wheelhouse.mirror.notes import Knows
    from wheelhouse.mirror.simple import Offered
    from wheelhouse.mirror.state import Action, Entry

Tree = Annotated[
    str, typer.Argument(metavar="TREE", help="The folder or bucket that `wheelhouse index` wrote.", show_default=False)
]
Releases = Annotated[list[str], typer.Argument(metavar="NAME==VERSION...", help="The releases.", show_default=False)]
Pattern = Annotated[
    list[str],
    typer.Argument(
        metavar="PATTERN...", help="Projects, or some versions of a project: `acme-*`, `urllib3<2`.", show_default=False
    ),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason, which the index's HTML page shows.")]
OptionalReason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason, for the index's journal.")]
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="NAME",
        help="Your name in the index's journal. Default: your user name on this machine.",
    ),
]


@command(app)
def index(
    wheelhouses: Wheelhouses,
    origin: FileOrigin,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR|URL",
            help="The index, new or existing: a folder, or a bucket as s3://bucket/simple, gs://… or az://…",
        ),
    ],
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="In a folder: hash every file (default: compare only sizes). In a bucket: compare sizes and metadata files "
            "(default: compare nothing).",
        ),
    ] = False,
    link: Annotated[
        bool,
        typer.Option("--link", help="Make read-only hard links to the files of the wheelhouses, instead of copies."),
    ] = False,
    prior_to: Annotated[
        str | None,
        typer.Option(
            "--uploaded-prior-to",
            metavar="TIME",
            help="Add only files uploaded before this time: 2025-02-10, or an age such as '7 days'.",
        ),
    ] = None,
    require_approved: RequireApproved = False,
    by: By = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a static package index from wheelhouses, or add wheelhouses to an index. Any web server can serve the index.

    Each page is written as HTML (index.html) and JSON (index.json), and each wheel has a metadata file. The
    distributions are copies, which share blocks with the wheelhouse if the file system can do that. If a file of the index
    is missing or has a wrong size, the file is copied again. The index does not get releases that
    `wheelhouse mirror` removed or blocked. `wheelhouse verify DIR` checks the whole index.

    Installers can read the index from a folder (with a `file:` URL) or from a bucket. Several runs may write to one
    bucket at once. If two runs change the same page at once, the slower run reads the page again, and then makes its
    own change. In a bucket, a missing file or a wrong size is found only with --check.
    """
    from wheelhouse.fetch.gather import parse_moment
    from wheelhouse.mirror.static_index import IndexChoices
    from wheelhouse.mirror.static_index import index as index_step

    if link and is_store_url(output):
        raise InputError("--link makes hard links, which a bucket does not have", hint="leave --link out")
    if require_approved:
        must_have_approved_files(wheelhouses)
    moment = now()
    choices = IndexChoices(by or user_name(), moment, check, link, parse_moment(prior_to, moment), _knows())
    with (
        whole_wheelhouses(wheelhouses, origin, quiet=quiet or as_json) as folders,
        listening(quiet=quiet or as_json) as listener,
    ):
        if bucket := _bucket(output):
            from wheelhouse.mirror.index_bucket import index_bucket

            done = index_bucket(folders, bucket, choices, listener)
        else:
            done = index_step(folders, Path(output), choices, listener)
    if as_json:
        changed = {"added": list(done.added), "mended": list(done.repaired)}
        say_json({"tree": output, "projects": done.projects, **changed, "stood": done.unchanged})
    elif not quiet:
        from wheelhouse.humanize import counted

        mended = f", {len(done.repaired)} repaired" if done.repaired else ""
        counts = f"{counted(done.projects, 'project')}, {counted(len(done.added), 'file')} added"
        say(f"{output}: {counts}{mended}, {done.unchanged} unchanged")
        if not is_store_url(output):
            _say_how_to_serve(Path(output))


def _say_how_to_serve(tree: Path) -> None:
    """Print how pip reads the folder, and which files in it configure nginx, Caddy and Apache. No server is started.

    For a path that nginx or Caddy cannot have, say that instead.
    """
    from wheelhouse.mirror.tree import KEEPER_FOLDER
    from wheelhouse.mirror.web_servers import OF_APACHE, OF_CADDY, OF_NGINX, unusable_in

    say(f"pip install --index-url {tree.absolute().as_uri()}/ …")
    unusable = {name: text for name in (OF_NGINX, OF_CADDY) if (text := unusable_in(str(tree.absolute()), name))}
    places = [str(tree / KEEPER_FOLDER / name) for name in (OF_NGINX, OF_CADDY) if name not in unusable]
    others = f"configure the web server with {' or '.join(places)}; or " if places else ""
    say(f"to serve JSON and HTML, {others}use Apache, which reads {tree / OF_APACHE}")
    for name, text in unusable.items():
        say(f"{name} cannot contain a path with `{text}`: serve the index from a folder without `{text}` in its path")


def _bucket(tree: str) -> "Bucket | None":
    """The index at the URL of a bucket; None for the path of a folder: a text without `://`.

    Raises InputError for a `file://` URL, and as `opened_objects` does.
    """
    from wheelhouse.mirror.bucket import Bucket

    if not is_store_url(tree):
        return None
    if tree.startswith("file:"):
        raise InputError(
            f"`{tree}` is a `file:` URL, which is not supported here", hint="name the folder by its path: -o DIR"
        )
    return Bucket(opened_objects(tree, make=False))


def _knows() -> "Knows | None":
    """A function that gives the reviewers and the advisories of a file; None if the settings name no reviewer, and there is
    no snapshot.

    The reviewers are sorted, and none if not enough approved the file; an advisory is a line of text. Raises InputError, and
    IntegrityError as `approvals` does.
    """
    from wheelhouse.mirror.advised_yanks import advisory_text, findings_of
    from wheelhouse.mirror.notes import Known

    from_file, moment = settings(), now()
    snapshot = read_snapshot(Path(from_file.policy.advisories), is_named=False)
    current = approvals(from_file) if from_file.approvals.reviewers else None
    if snapshot is None and current is None:
        return None
    policy = from_file.policy.policy()

    def known(project: "NormalizedName", file: "Offered") -> Known:
        """The reviewers and the advisories of a file of a project."""
        found = findings_of(project, file, snapshot, policy, moment) if snapshot else ()
        is_approved = current is not None and current.approved(file.sha256)
        reviewers = current.reviewers(file.sha256) if current and is_approved else ()
        return Known(tuple(sorted(reviewers)), tuple(map(advisory_text, found)))

    return known


@command(mirror_app)
def remove(tree: Tree, releases: Releases, reason: Reason, by: By = None, as_json: Json = False) -> None:
    r"""Remove releases from an index. `wheelhouse index` does not add them again until `mirror restore`.

    The files of these releases are deleted. The project's HTML page shows the reason.

    \b
    wheelhouse mirror remove simple acme==1.0 --reason "withdrawn, see TICKET-12"
    """
    from wheelhouse.mirror.state import Action

    _decide(tree, _entries(Action.REMOVE, releases, reason, by), as_json=as_json)


@command(mirror_app)
def restore(tree: Tree, releases: Releases, reason: OptionalReason = "", by: By = None, as_json: Json = False) -> None:
    """Undo `mirror remove`. The next `wheelhouse index` adds the files again, if the wheelhouse has them."""
    from wheelhouse.mirror.state import Action

    _decide(tree, _entries(Action.RESTORE, releases, reason, by), as_json=as_json)


@command(mirror_app, "yank")
def yank(
    tree: Tree,
    releases: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME==VERSION]...", help="The releases.", show_default=False)
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason, which installers print.")] = "",
    advisories: Annotated[
        Path | None,
        typer.Option(
            "--advisories",
            metavar="FILE",
            help="Yank each release with an advisory in this snapshot, if the policy rates the advisory as an error.",
        ),
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    r"""Yank releases: installers choose a yanked release only if a requirement names exactly its version (PEP 592).

    \b
    wheelhouse mirror yank simple acme==1.1 --reason "loses data"
    wheelhouse mirror yank simple --advisories advisories.json
    """
    from wheelhouse.mirror.state import Action

    if bool(releases) == bool(advisories) or bool(releases) != bool(reason):
        raise InputError(
            "`mirror yank` needs either releases with a --reason, or --advisories FILE, not both",
            hint="see `wheelhouse mirror yank --help`",
        )
    entries = _advised(tree, advisories, by) if advisories else _entries(Action.YANK, releases or (), reason, by)
    _decide(tree, entries, as_json=as_json)


@command(mirror_app)
def unyank(tree: Tree, releases: Releases, reason: OptionalReason = "", by: By = None, as_json: Json = False) -> None:
    """Undo `mirror yank`. A release stays yanked if it is also yanked on the index that it came from."""
    from wheelhouse.mirror.state import Action

    _decide(tree, _entries(Action.UNYANK, releases, reason, by), as_json=as_json)


@command(mirror_app)
def block(tree: Tree, patterns: Pattern, reason: Reason, by: By = None, as_json: Json = False) -> None:
    r"""Keep projects or versions out of an index until `mirror unblock`. You can block a project before the index has it.

    \b
    wheelhouse mirror block simple 'acme-internal-*' --reason "never from outside"
    wheelhouse mirror block simple 'urllib3<2' --reason "no longer maintained"
    """
    from wheelhouse.mirror.state import Action

    _decide(tree, _entries(Action.BLOCK, patterns, reason, by), as_json=as_json)


@command(mirror_app)
def unblock(tree: Tree, patterns: Pattern, reason: OptionalReason = "", by: By = None, as_json: Json = False) -> None:
    """Undo `mirror block`. The next `wheelhouse index` adds the files again, if the wheelhouse has them."""
    from wheelhouse.mirror.state import Action

    _decide(tree, _entries(Action.UNBLOCK, patterns, reason, by), as_json=as_json)


@command(mirror_app)
def status(
    tree: Tree,
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="The project.", show_default=False)],
    marker: Annotated[
        str, typer.Argument(metavar="STATUS", help="active, archived, deprecated or quarantined.", show_default=False)
    ],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="The reason, which the index's pages show.")
    ] = "",
    by: By = None,
    as_json: Json = False,
) -> None:
    """Set the status of a project (PEP 792). `active` removes the status that you set. The project then has the status from
    the wheelhouse's lock file again.

    The files of a quarantined project are removed from the index. When the project is active again, `wheelhouse index` adds
    its files again.
    """
    from wheelhouse.mirror.state import Action, Entry

    entry = Entry(action=Action.STATUS, made=now(), by=by or user_name(), subject=project, reason=reason, status=marker)
    _decide(tree, [entry], as_json=as_json)


@command(mirror_app)
def prune(
    tree: Tree,
    keep: Annotated[
        list[Path],
        typer.Option(
            "--keep",
            metavar="WHEELHOUSE",
            help="Keep the files that are in the lock files of this wheelhouse. May be repeated.",
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be removed, and remove nothing.")
    ] = False,
    reason: OptionalReason = "",
    by: By = None,
    as_json: Json = False,
) -> None:
    r"""Remove the files that are in no lock file of the --keep wheelhouses. A later `wheelhouse index` can add them again.

    \b
    wheelhouse mirror prune simple --keep jobs/web --keep jobs/batch --dry-run
    """
    from wheelhouse.mirror.keep import prune as prune_step
    from wheelhouse.mirror.state import Action, Entry

    entry = Entry(action=Action.PRUNE, made=now(), by=by or user_name(), reason=reason)
    if bucket := _bucket(tree):
        from wheelhouse.mirror.prune_bucket import prune_bucket

        kept = prune_bucket(bucket, keep, entry, dry_run=dry_run)
    else:
        kept = prune_step(Path(tree), keep, entry, dry_run=dry_run)
    _say_kept(tree, kept, as_json=as_json, verb="would be removed" if dry_run else "removed")


@command(mirror_app, "verify")
def mirror_verify(tree: Tree, as_json: Json = False) -> None:
    """Check every page and file of an index, and compare its pages with its journal. For a folder, `wheelhouse verify` does
    the same.
    """
    from wheelhouse import report
    from wheelhouse.findings import Severity, worst
    from wheelhouse.mirror.tree import must_be_tree
    from wheelhouse.mirror.verify_tree import verify_tree

    if bucket := _bucket(tree):
        from wheelhouse.mirror.verify_bucket import verify_bucket

        verdict = verify_bucket(bucket, waivers())
    else:
        must_be_tree(Path(tree))
        verdict = verify_tree(Path(tree), waivers())
    is_bad = (worst(verdict.findings) or Severity.NOTE) >= Severity.ERROR
    if as_json:
        rows = [report.finding_document(finding) for finding in verdict.findings]
        say_json({"tree": tree, "files": verdict.files, "bytes": verdict.bytes, "ok": not is_bad, "findings": rows})
    else:
        state = "has errors" if is_bad else "as indexed"
        say(*report.finding_lines(verdict.findings))
        say(f"{tree}: {report.counted(verdict.files, 'file')}, {report.size_text(verdict.bytes)}: {state}")
    raise typer.Exit(1 if is_bad else 0)


@command(mirror_app)
def show(
    tree: Tree,
    project: Annotated[
        str | None,
        typer.Argument(metavar="[PROJECT]", help="The project to show. Default: the index.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the contents, the decisions and the history of an index, or of one project in it."""
    from wheelhouse.mirror.tree import must_be_tree, read_journal, read_pages
    from wheelhouse.report.mirror_shown import shown_document, shown_lines

    if bucket := _bucket(tree):
        pages, journal = bucket.pages(), bucket.journal()
    else:
        must_be_tree(Path(tree))
        pages, journal = read_pages(Path(tree), frozenset()), read_journal(Path(tree))
    if as_json:
        say_json({"tree": tree, **shown_document(pages, journal, project)})
    else:
        say(*shown_lines(tree, pages, journal, project))


def _entries(action: "Action", subjects: Iterable[str], reason: str, by: str | None) -> "list[Entry]":
    """The decisions about several subjects, one each, made now; nothing is written.

    Raises InputError if a removal, a yank or a block has no reason.
    """
    from wheelhouse.mirror.state import Action, Entry

    if not reason.strip() and action in (Action.REMOVE, Action.YANK, Action.BLOCK):
        raise InputError(
            f"`mirror {action}` needs a reason",
            hint="add --reason 'see TICKET-12': the reason is shown with the decision",
        )
    moment, user = now(), by or user_name()
    return [Entry(action=action, made=moment, by=user, subject=subject, reason=reason) for subject in subjects]


def _advised(tree: str, path: Path, by: str | None) -> "list[Entry]":
    """A yank for each release in an index with an advisory, of a snapshot, that is an error by the policy; nothing is written.

    A release that is yanked already gets one, too. Raises InputError if the snapshot cannot be read or has no advisory, and
    if the folder is no index.
    """
    from wheelhouse.mirror.advised_yanks import advised_yanks
    from wheelhouse.mirror.tree import must_be_tree, read_pages

    bucket = _bucket(tree)
    if bucket is None:
        must_be_tree(Path(tree))
    snapshot = read_snapshot(path, is_named=True)
    if snapshot is None:
        raise InputError(
            f"`{path}` has no advisory", hint="write a snapshot of advisories with `wheelhouse advisories import`"
        )
    policy = settings().policy.policy()
    pages = bucket.pages() if bucket else read_pages(Path(tree), frozenset())
    return advised_yanks(pages, snapshot, policy, now(), by or user_name())


def _decide(tree: str, entries: "Sequence[Entry]", *, as_json: bool) -> None:
    """Write decisions (remove, yank, block and the like) into an index, a folder or a bucket, which may remove files there; print
    what they changed.

    As text, each is printed as new or as nothing new; JSON has one `changed` for all. Raises InputError as `decide` does, before
    anything is written.
    """
    from wheelhouse.mirror.keep import decide

    if bucket := _bucket(tree):
        from wheelhouse.mirror.bucket import decide_in_bucket

        kept = decide_in_bucket(bucket, entries)
    else:
        kept = decide(Path(tree), entries)
    if not as_json:
        say(
            *(
                f"{entry.action}: {entry.subject}" if is_new else f"{entry.subject}: nothing new"
                for entry, is_new in zip(entries, kept.new, strict=True)
            )
        )
    if as_json or kept.removed:
        _say_kept(tree, kept, as_json=as_json, verb="removed")


def _say_kept(tree: str, kept: "Kept", *, as_json: bool, verb: str) -> None:
    """Print the names of the removed files, and how many were (or would be) removed; as JSON also whether anything is new."""
    from wheelhouse.humanize import counted

    if as_json:
        say_json({"tree": tree, "changed": kept.is_new, "removed": list(kept.removed)})
    else:
        say(*kept.removed, f"{tree}: {counted(len(kept.removed), 'file')} {verb}")
