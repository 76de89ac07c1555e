"""`cache show`, `cache prune`, `cache clear`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import cache_app
from wheelhouse.cli.command import Json, command
from wheelhouse.cli.machine import cache_folder, now
from wheelhouse.cli.output import say, say_json
from wheelhouse.config.options import CacheOptions
from wheelhouse.errors import MachineError


@command(cache_app, "show")
def cache_show(place: CacheOptions, as_json: Json = False) -> None:
    """Show where the cache is, and what it contains."""
    from wheelhouse import report
    from wheelhouse.files.cache import Cache

    cache = Cache(_folder(place))
    kinds = cache.size()
    if as_json:
        say_json(
            {
                "cache": str(cache.root),
                "kinds": {kind: {"files": files, "bytes": size} for kind, (files, size) in kinds.items()},
            }
        )
        return
    say(
        f"{cache.root}",
        *(
            f"  {kind}: {report.counted(files, 'file')}, {report.size_text(size)}"
            for kind, (files, size) in kinds.items()
        ),
    )


@command(cache_app, "prune")
def cache_prune(
    place: CacheOptions,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=0, help="Remove files that were not used for this many days.")
    ] = 90,
) -> None:
    """Remove cached files that were not used for some time."""
    oldest = now().timestamp() - days * 86400
    _prune(place, lambda path: max(path.stat().st_atime, path.stat().st_mtime) > oldest)


@command(cache_app, "clear")
def cache_clear(place: CacheOptions) -> None:
    """Remove everything from the cache."""
    _prune(place, lambda _path: False)


def _prune(place: CacheOptions, keep: Callable[[Path], bool]) -> None:
    """Remove the files of the cache for which `keep` is false, and print how many files and bytes they were."""
    from wheelhouse import report
    from wheelhouse.files.cache import Cache

    count, size = Cache(_folder(place)).prune(keep)
    say(f"{report.counted(count, 'file')}, {report.size_text(size)} removed")


def _folder(place: CacheOptions) -> Path:
    """The folder of the cache, as `cache_folder` finds it; it need not exist. Raises MachineError if there can be none."""
    if folder := cache_folder(place.cache_dir):
        return folder
    raise MachineError("there is no home folder, so there is no cache", hint="name a folder with --cache-dir")
