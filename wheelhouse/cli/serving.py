"""A wheelhouse and a package index: `serve`, `publish`, `check`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, Quiet, RequireApproved, WheelhouseFolder, Wheelhouses, command
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import connected, listening, must_have_approved_files
from wheelhouse.config.options import NetworkOptions
from wheelhouse.errors import InputError

if TYPE_CHECKING:
    from wheelhouse.index.http import Http

TokenFile = Annotated[
    Path | None, typer.Option("--token-file", metavar="FILE", help="Read a token, or user:password, from a file.")
]


@command(app)
def serve(
    wheelhouses: Wheelhouses,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="The address to listen on. Other machines reach only addresses of the network.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="The port to listen on.")] = 8080,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="Serve TLS with this certificate (PEM).")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--certificate-key", metavar="FILE", help="The certificate's private key (PEM).")
    ] = None,
    require_approved: RequireApproved = False,
    quiet: Quiet = False,
) -> None:
    """Serve wheelhouses as a package index, read-only, until interrupted. A file that differs from its lock file is not served."""
    from wheelhouse.mirror.catalogue import catalogue
    from wheelhouse.mirror.listen import run
    from wheelhouse.mirror.server import Application

    if (certificate is None) != (key is None):
        raise InputError("TLS needs both --certificate and --certificate-key")
    if require_approved:
        must_have_approved_files(wheelhouses)
    with listening(quiet=quiet) as listener:
        served = catalogue(wheelhouses, listener)
    address = f"[{host}]" if ":" in host else host
    sentence = f"serving {len(served.files)} files at {'https' if certificate else 'http'}://{address}:{port}/simple/"
    run(Application(served), host, port, certificate, key, lambda: None if quiet else say(sentence))


@command(app)
def publish(
    wheelhouse: WheelhouseFolder,
    network: NetworkOptions,
    repository: Annotated[
        str, typer.Option("--repository", metavar="URL", help="The address to upload to, as twine takes it.")
    ],
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            metavar="URL",
            help="The repository's Simple API. Default: simple/ or +simple/ below the repository.",
        ),
    ] = None,
    token_file: TokenFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be sent, and send nothing.")] = False,
    require_approved: RequireApproved = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Upload the files of a wheelhouse that a package repository does not have yet. Safe to repeat.

    If the repository has another file under the same name, nothing is sent. User and password come from --token-file, from
    netrc or from keyring.
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
    against: Annotated[str, typer.Option("--against", metavar="URL", help="The Simple API of the mirror.")],
    wheelhouse: WheelhouseFolder = Path("wheels"),
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Download every file from the mirror and hash it, instead of reading its pages."),
    ] = False,
    token_file: TokenFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Check that a mirror has every file that the lock files of a wheelhouse name, with the same hash.

    Any Simple index will do: Nexus, Artifactory, devpi, pulp, a bucket. Only the lock files must be here. The output
    names each file that the mirror lacks, has with another hash, has yanked, or lists without a hash or upload time. The exit
    code is 1 if an install from the mirror would not get every file. `wheelhouse publish` sends what is missing.

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
    """Use the token of a file, if one is named, for a server. A token without a user is that of `__token__`."""
    from wheelhouse.index.credentials import read_token

    token = read_token(token_file) if token_file else None
    http.credentials.learn(url, f"__token__:{token}" if token and ":" not in token else token)
