"""`store show`, `store prune`."""

from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import store_app
from wheelhouse.cli.command import Json, command
from wheelhouse.cli.machine import now
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.run_store import opened_objects, store_url
from wheelhouse.cli.session import settings
from wheelhouse.config.options import StoreLocation


@command(store_app, "show")
def store_show(place: StoreLocation, as_json: Json = False) -> None:
    """Show where the store is, and what it contains."""
    from wheelhouse import report
    from wheelhouse.files.store_pruning import sizes

    store = opened_objects(store_url(place, settings()), make=False)
    kinds = sizes(store.listed())
    if as_json:
        rows = {kind: {"objects": count, "bytes": size} for kind, (count, size) in kinds.items()}
        say_json({"store": store.name, "kinds": rows})
        return
    lines = (
        f"  {kind}: {report.counted(count, 'object')}, {report.size_text(size)}"
        for kind, (count, size) in kinds.items()
    )
    say(store.name, *lines)


@command(store_app, "prune")
def store_prune(
    place: StoreLocation,
    wheelhouses: Annotated[
        list[Path],
        typer.Argument(metavar="WHEELHOUSE...", help="Keep the files that are in the lock files of these wheelhouses."),
    ],
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, help="Keep objects that are at most this many days old.")
    ] = 30,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be removed, and remove nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove old objects from the store, except those that are in the lock files of these wheelhouses.

    Younger objects (see --days) stay, because a run may need them now. While a run of `fetch --virtual` uses the store,
    nothing is removed, and the exit code is 4. If a wheelhouse needs a removed file later, the file is fetched from the
    index again.
    """
    from wheelhouse import report
    from wheelhouse.build.sdist_builds import WHEELS
    from wheelhouse.build.shared_builds import MADE
    from wheelhouse.files.store_lease import PRUNING, RELYING, lease
    from wheelhouse.files.store_pruning import sizes, unneeded
    from wheelhouse.index.inspections import CONTENTS
    from wheelhouse.verify.hashes import named_sha256s

    store = opened_objects(store_url(place, settings()), make=False)
    with nullcontext() if dry_run else lease(store, PRUNING, against=RELYING):
        named = {sha256 for wheelhouse in wheelhouses for sha256 in named_sha256s(wheelhouse)}
        removed = unneeded(store, named, now() - timedelta(days=days), about=(CONTENTS,), naming=(WHEELS, MADE))
        for item in () if dry_run else removed:
            store.remove(item.key)
    if as_json:
        rows = [{"key": item.key, "bytes": item.size} for item in removed]
        say_json({"store": store.name, "removed": rows, "dry-run": dry_run})
        return
    for kind, (count, size) in sizes(removed).items():
        say(f"  {kind}: {report.counted(count, 'object')}, {report.size_text(size)}")
    total = report.size_text(sum(item.size for item in removed))
    say(f"{store.name}: {report.counted(len(removed), 'object')}, {total} {'to remove' if dry_run else 'removed'}")
