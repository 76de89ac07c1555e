"""Where pip, uv and image builds look: `index`, `serve`, `publish`."""

from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.options import Json, NetworkOptions, Quiet, RequireApproved, WheelhouseFolder, grouped
from wheelhouse.cli.session import connected, listening, must_be_approved, say, say_json
from wheelhouse.errors import InputError

Houses = Annotated[list[Path], typer.Argument(metavar="HOUSE...", help="Houses, as `wheelhouse fetch` writes them.")]


@app.command()
def index(
    houses: Houses,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The tree to write, or to add to.")],
    check: Annotated[
        bool, typer.Option("--check", help="Hash every file that stands in the tree, and not only look at its size.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a static package index of houses, or add them to one: any web server can serve it, and a file: URL reads it.

    Pages are HTML (index.html) and JSON (index.json), with sidecars; files are hard links where they can be. A file of the tree
    that is gone or has another size is brought again from a wheelhouse that has it; `wheelhouse verify DIR` checks everything.
    """
    from wheelhouse.mirror.static_index import index as index_step

    with listening(quiet=quiet or as_json) as listener:
        done = index_step(houses, output, check=check, on_event=listener)
    if as_json:
        changed = {"added": list(done.added), "mended": list(done.mended)}
        say_json({"tree": str(output), "projects": done.projects, **changed, "stood": done.stood})
    elif not quiet:
        mended = f", {len(done.mended)} mended" if done.mended else ""
        say(f"{output}: {done.projects} projects, {len(done.added)} files added{mended}, {done.stood} stood already")
        say(f"pip install --index-url {output.absolute().as_uri()}/ …")


@app.command()
def serve(
    houses: Houses,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen. Others reach it only if told to.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="The port to listen on.")] = 8080,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="Serve TLS with this certificate (PEM).")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--certificate-key", metavar="FILE", help="The certificate's private key (PEM).")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Serve houses as a package index, read-only, until interrupted. A file that is no longer what its lock says is not served."""
    from wheelhouse.mirror.catalogue import catalogue
    from wheelhouse.mirror.listen import run
    from wheelhouse.mirror.server import Application

    if (certificate is None) != (key is None):
        raise InputError("TLS needs both --certificate and --certificate-key")
    with listening(quiet=quiet) as listener:
        found = catalogue(houses, listener)
    address = f"[{host}]" if ":" in host else host
    sentence = f"serving {len(found.files)} files at {'https' if certificate else 'http'}://{address}:{port}/simple/"
    run(Application(found), host, port, certificate, key, lambda: None if quiet else say(sentence))


@app.command()
@grouped
def publish(
    house: WheelhouseFolder,
    network: NetworkOptions,
    repository: Annotated[
        str, typer.Option("--repository", metavar="URL", help="Where to upload to, as twine has it.")
    ],
    index: Annotated[
        str | None,
        typer.Option(
            "--index", metavar="URL", help="Its Simple index. Default: simple/ or +simple/ below the repository."
        ),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="A file with a token, or user:password.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    require_approved: RequireApproved = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Bring a house into a package repository: what is there already is left, what is missing is sent. Safe to repeat.

    Another file under the same name stops everything before anything is sent. User and password come from --token-file, from
    netrc or from keyring.
    """
    from wheelhouse.index.credentials import read_token
    from wheelhouse.mirror.publish import PublishOutcome
    from wheelhouse.mirror.publish import publish as publish_step
    from wheelhouse.mirror.upload import Repository
    from wheelhouse.verify.verify import load_wheelhouse

    if require_approved:
        must_be_approved({name: one.sha256 for name, one in load_wheelhouse(house).artifacts.items()})
    with listening(quiet=quiet or as_json) as listener, connected(network, listener) as http:
        target = Repository(repository, http)
        token = read_token(token_file) if token_file else None
        http.credentials.learn(repository, f"__token__:{token}" if token and ":" not in token else token)
        results = publish_step(house, target, index, http, dry_run=dry_run, on_event=listener)
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
