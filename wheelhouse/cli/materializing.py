"""`materialize`: from lock files to a whole wheelhouse."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, Quiet, command
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import listening, options, settings, supplied
from wheelhouse.config.options import ConnectionOptions, IndexOptions


@command(app)
def materialize(
    located: IndexOptions,
    network: ConnectionOptions,
    named: Annotated[
        Path | None,
        typer.Argument(
            metavar="[WHEELHOUSE]", help="The folder of the lock files. Default: wheels.", show_default=False
        ),
    ] = None,
    dest: Annotated[
        Path | None,
        typer.Option(
            "--dest", metavar="FOLDER", help="The wheelhouse to write. Default: the folder of the lock files."
        ),
    ] = None,
    link: Annotated[
        bool,
        typer.Option("--link", help="Make read-only hard links to the files of the cache, as `fetch --link` does."),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Fetch every file that a folder's lock files list. Nothing is resolved.

    \b
    wheelhouse fetch --virtual --store s3://packages/store --dest jobs/web
    wheelhouse materialize jobs/web --store s3://packages/store --dest wheels

    A file comes from the cache, else from the store, else from the index in its lock file. Only the store has
    the wheels that other machines built. The sha256 of each file must be the one in its lock file. Files that are
    already in the wheelhouse stay.
    """
    from wheelhouse import report
    from wheelhouse.fetch.materialize import materialize as materialize_step
    from wheelhouse.index.locations import as_options
    from wheelhouse.verify.verify import load_wheelhouse

    from_file = settings()
    folder = named or from_file.wheelhouse
    chosen = replace(options(from_file, located), link=link)
    if not (chosen.indexes or chosen.find_links or chosen.no_index or chosen.pip.values):
        chosen = replace(chosen, **as_options(load_wheelhouse(folder).locks[0].inputs.locations))
    with listening(quiet=quiet or as_json) as listener, supplied(chosen, network, listener) as (_, source):
        done = materialize_step(folder, dest or folder, source, listener)
    if as_json:
        rows = [
            {"house": str(place), "fetched": list(filled.placed), "reused": list(filled.kept)} for place, filled in done
        ]
        say_json({"wheelhouses": rows, "warnings": listener.warnings})
    elif not quiet:
        for place, filled in done:
            say(*report.fetched_lines(str(place), filled.placed, filled.kept, filled.removed))
