"""A wheelhouse and a package index: `serve`, `publish`, `check`."""

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, Quiet, RequireApproved, WheelhouseFolder, Wheelhouses, command
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import connected, listening, must_have_approved_files
from wheelhouse.cli.terminal import echo
from wheelhouse.cli.whole_wheelhouses import whole_wheelhouses
from wheelhouse.config.options import FileOrigin, NetworkOptions
from wheelhouse.errors import InputError
from wheelhouse.events import Event, Warned
from wheelhouse.files.disk import os_errors_as_machine_error

NAME = re.compile(r"[A-Za-z0-9][\w.+~-]{0,254}", re.ASCII)
OWN_PATHS = ("simple", "files", "health", "metrics")
"""What stands for something else in a path."""

if TYPE_CHECKING:
    from wheelhouse.index.http import Http
    from wheelhouse.mirror.access_log import AccessLog
    from wheelhouse.mirror.reader_access import AccessFiles

TokenFile = Annotated[
    Path | None, typer.Option("--token-file", metavar="FILE", help="Read a token, or user:password, from a file.")
]


@command(app)
def serve(
    wheelhouses: Wheelhouses,
    origin: FileOrigin,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="The address to listen on. Only this machine can reach 127.0.0.1.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="The port to listen on.")] = 8080,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="Serve TLS with this certificate (PEM).")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--certificate-key", metavar="FILE", help="The certificate's private key (PEM).")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Only users with a token can read the index. Each line of the file is `user:token`.",
        ),
    ] = None,
    htpasswd: Annotated[
        Path | None,
        typer.Option(
            "--htpasswd",
            metavar="FILE",
            help="Only the users in this file can read the index. Their passwords are bcrypt hashes.",
        ),
    ] = None,
    by_name: Annotated[
        bool,
        typer.Option(
            "--by-name", help="Serve each wheelhouse at /NAME/simple/. NAME is the name of the wheelhouse's folder."
        ),
    ] = False,
    readers: Annotated[
        Path | None,
        typer.Option(
            "--readers",
            metavar="FILE",
            help='A TOML file with the users who may read each wheelhouse: web = ["ada", "ci"].',
        ),
    ] = None,
    access_log: Annotated[
        Path | None,
        typer.Option(
            "--access-log", metavar="FILE", help="For each request, append one line of JSON to this file; - is stdout."
        ),
    ] = None,
    require_approved: RequireApproved = False,
    quiet: Quiet = False,
) -> None:
    r"""Serve wheelhouses as a read-only package index, until interrupted. Files that differ from their lock file are not served.

    If a wheelhouse changes, the server waits until all new files are there, and then shows the change within a
    second. /simple/browse.html is a page for people. /health and /metrics (Prometheus) are for monitoring. On
    SIGTERM, the server answers its open requests and ends.

    \b
    wheelhouse serve web batch --by-name --htpasswd users --readers readers.toml --certificate c.pem --certificate-key k.pem
    """
    from wheelhouse.humanize import counted
    from wheelhouse.mirror.follow_wheelhouses import Followed, FollowedAccess, Follower
    from wheelhouse.mirror.listen import Listening, hold_many_files, run
    from wheelhouse.mirror.records import Records
    from wheelhouse.mirror.server import Application

    if (certificate is None) != (key is None):
        raise InputError("TLS needs both --certificate and --certificate-key")
    hold_many_files()
    served = _by_name(wheelhouses) if by_name else {"": wheelhouses}
    access = FollowedAccess.opened(_access_files(token_file, htpasswd, readers, served))
    if access.access.is_required and certificate is None and not _is_loopback(host):
        hint = "give --certificate and --certificate-key, or listen on 127.0.0.1 behind a proxy that speaks TLS"
        raise InputError(f"passwords and tokens would travel to {host} without TLS", hint=hint)
    address = f"[{host}]" if ":" in host else host
    with ExitStack() as stack:
        served = {
            name: stack.enter_context(whole_wheelhouses(folders, origin, quiet=quiet))
            for name, folders in served.items()
        }
        with listening(quiet=quiet) as listener:
            followed = {
                name: Followed.opened(folders, partial(_admit, folders) if require_approved else _admit_all, listener)
                for name, folders in served.items()
            }
        files = sum(len(one.catalogue.files) for one in followed.values())
        path = "" if by_name else "simple/"
        sentence = f"serving {counted(files, 'file')} at {'https' if certificate else 'http'}://{address}:{port}/{path}"
        catalogues = {name: one.catalogue for name, one in followed.items()}
        application = Application(catalogues, access.access, Records(_log(access_log, stack)))
        stack.enter_context(Follower(application, followed, _warn, access))
        run(application, Listening(host, port, certificate, key), lambda: None if quiet else say(sentence))


def _warn(event: Event) -> None:
    """Print a warning that the server has to stderr; other events are ignored."""
    if isinstance(event, Warned):
        echo(f"warning: {event.sentence}", err=True)


def _admit(folders: Sequence[Path]) -> None:
    """Raise IntegrityError for files that not enough reviewers approved."""
    must_have_approved_files(folders)


def _admit_all() -> None:
    """Admit every file."""


def _by_name(wheelhouses: Sequence[Path]) -> dict[str, Sequence[Path]]:
    """Each wheelhouse, as a list of one folder, by the name of its folder.

    Raises InputError for a name that a path cannot have, that is a path of the server itself, or that two folders have.
    """
    named: dict[str, Sequence[Path]] = {}
    for folder in wheelhouses:
        name = folder.resolve().name
        if not NAME.fullmatch(name) or name in OWN_PATHS:
            raise InputError(
                f"`{name}` cannot be the path of a wheelhouse on the server",
                hint="rename the folder: use letters and digits",
            )
        if name in named:
            raise InputError(f"two wheelhouses have the name `{name}`", hint="rename one of the two folders")
        named[name] = [folder]
    return named


def _access_files(
    token_file: Path | None, htpasswd: Path | None, readers: Path | None, served: Mapping[str, object]
) -> "AccessFiles":
    """The files that say who may read; none is read yet.

    Raises InputError for readers without users, or without a path for each wheelhouse.
    """
    from wheelhouse.mirror.reader_access import AccessFiles

    if readers and not (token_file or htpasswd):
        raise InputError("--readers needs users", hint="name the users with --htpasswd or --token-file")
    if readers and "" in served:
        raise InputError("with --readers, each wheelhouse must have its own path on the server", hint="add --by-name")
    return AccessFiles(token_file, htpasswd, readers, served)


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address: a loopback address, or `localhost`. Other names are not looked up."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _log(path: Path | None, stack: ExitStack) -> "AccessLog | None":
    """The access log at a path, or on stdout for `-`, open until the stack ends; None for None. Raises MachineError."""
    from wheelhouse.mirror.access_log import AccessLog

    if path is None:
        return None
    with os_errors_as_machine_error(path):
        file = sys.stdout.fileno() if path == Path("-") else path
        return AccessLog(stack.enter_context(open(file, "ab", buffering=0, closefd=file is path)), _warn)


@command(app)
def publish(
    wheelhouse: Annotated[
        Path, typer.Argument(metavar="WHEELHOUSE", help="The folder that `wheelhouse fetch` wrote.", show_default=False)
    ],
    network: NetworkOptions,
    repository: Annotated[
        str, typer.Option("--repository", metavar="URL", help="The upload address, as for twine's --repository-url.")
    ],
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            metavar="URL",
            help="The address of the repository's Simple API. Default: simple/ or +simple/ below the address of the "
            "repository.",
        ),
    ] = None,
    token_file: TokenFile = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be uploaded, and upload nothing.")
    ] = False,
    require_approved: RequireApproved = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Upload a wheelhouse to a package repository, without the files that the repository already has.

    You can repeat the command at any time. If the repository has a file with the same name but other bytes, nothing is
    uploaded. User and password come from --token-file, from netrc or from keyring.
    """
    from wheelhouse.mirror.publish import PublishOutcome
    from wheelhouse.mirror.publish import publish as publish_step
    from wheelhouse.mirror.upload import Repository

    if require_approved:
        must_have_approved_files([wheelhouse])
    with listening(quiet=quiet or as_json) as listener, connected(network, listener) as http:
        target = Repository(repository, http)
        _learn_token(http, repository, token_file)
        results = publish_step(wheelhouse, target, index, http, dry_run=dry_run, on_event=listener)
    if as_json:
        rows = [{"file": one.filename, "outcome": one.outcome, "answer": one.answer} for one in results]
        say_json({"repository": repository, "files": rows})
        return
    if not quiet:
        say(*(f"{one.filename}: {one.outcome}{f' ({one.answer})' if one.answer else ''}" for one in results))
    counts = ", ".join(
        f"{sum(one.outcome is outcome for one in results)} {outcome}"
        for outcome in PublishOutcome
        if any(one.outcome is outcome for one in results)
    )
    say(f"{repository}: {counts}")


@command(app)
def check(
    network: NetworkOptions,
    against: Annotated[str, typer.Option("--against", metavar="URL", help="The address of the mirror's Simple API.")],
    wheelhouse: WheelhouseFolder = Path("wheels"),
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Download and hash every file. Default: compare the hashes on the mirror's pages."),
    ] = False,
    token_file: TokenFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Check that a mirror has every locked file of a wheelhouse, with the locked hash.

    The mirror can be any Simple index: Nexus, Artifactory, devpi, pulp or a bucket. On this machine, only the lock
    files of the wheelhouse are needed. The output lists each locked file that is missing or yanked on the mirror. It
    also lists each locked file for which the mirror has a different hash, no hash or no upload time. The exit code is
    1 if an install from the mirror would not get every locked file. `wheelhouse publish` uploads the missing files.

    \b
    wheelhouse check wheels --against https://mirror.example.com/simple/
    """
    from wheelhouse.index.client import Index
    from wheelhouse.mirror.check import Mirror
    from wheelhouse.mirror.check import check as check_step
    from wheelhouse.report.mirrored import mirrored_document, mirrored_lines

    with listening(quiet=quiet or as_json) as listener, connected(network, listener) as http:
        index = Index(against, http)
        _learn_token(http, against, token_file)
        files = check_step(wheelhouse, Mirror(index, http, deep), listener)
    if as_json:
        say_json(mirrored_document(index.name, files))
    else:
        say(*mirrored_lines(index.name, files, quiet=quiet))
    raise typer.Exit(0 if all(file.state.installs for file in files) else 1)


def _learn_token(http: "Http", url: str, token_file: Path | None) -> None:
    """Use for a server the token of a file, else the credentials in the URL. A token without a user is that of `__token__`.

    Raises InputError for a file that cannot be read, or that has not exactly one line without spaces, and for a URL as
    `Credentials.learn`.
    """
    from wheelhouse.index.credentials import read_token

    token = read_token(token_file) if token_file else None
    http.credentials.learn(url, f"__token__:{token}" if token and ":" not in token else token)
