"""`cache show`, `cache prune`, `cache clear`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import cache_app
from wheelhouse.cli.options import CacheDir, Json
from wheelhouse.cli.session import cache_folder, now, say, say_json
from wheelhouse.errors import MachineError


@cache_app.command("show")
def cache_show(cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Say where the cache is and what it holds."""
    from wheelhouse import report
    from wheelhouse.files.cache import Cache

    cache = Cache(_folder(cache_dir))
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


@cache_app.command("prune")
def cache_prune(
    days: Annotated[int, typer.Option("--days", min=0, help="Remove what was not used for so many days.")] = 90,
    cache_dir: CacheDir = None,
) -> None:
    """Remove what was not used for a while."""
    oldest = now().timestamp() - days * 86400
    _prune(cache_dir, lambda path: max(path.stat().st_atime, path.stat().st_mtime) > oldest)


@cache_app.command("clear")
def cache_clear(cache_dir: CacheDir = None) -> None:
    """Remove everything that the cache holds."""
    _prune(cache_dir, lambda _path: False)


def _prune(cache_dir: Path | None, keep: Callable[[Path], bool]) -> None:
    from wheelhouse import report
    from wheelhouse.files.cache import Cache

    count, size = Cache(_folder(cache_dir)).prune(keep)
    say(f"{report.counted(count, 'file')}, {report.size_text(size)} removed")


def _folder(cache_dir: Path | None) -> Path:
    if folder := cache_folder(cache_dir):
        return folder
    raise MachineError("there is no home folder, so there is no cache", hint="name one with --cache-dir")
