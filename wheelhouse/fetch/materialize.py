"""From the lock files of a folder to a whole wheelhouse: nothing is resolved, and files come from the cache, the store or the index."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wheelhouse.events import Listener, ignore
from wheelhouse.fetch.fill import Filled, fill
from wheelhouse.fetch.locking import existing_locks
from wheelhouse.files.disk import folder_lock
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.wheelhouse import SUB_WHEELHOUSES, Wheelhouse, is_lock_name
from wheelhouse.verify.inner_folders import list_inner_folders
from wheelhouse.verify.verify import load_wheelhouse


def materialize(
    folder: Path, dest: Path, source: PackageSource, on_event: Listener = ignore
) -> list[tuple[Path, Filled]]:
    """Make `dest`, which may be the same folder, the wheelhouse of the lock files of a folder; and folders inside `dest` those of
    its inner wheelhouses.

    `files/`, `image/` and `debian/` are not brought. Returns each folder that was filled, and what was done. Raises
    InputError if the folder has no lock file, or if `dest` has a file with the name of an artifact and other bytes, which
    no lock file in `dest` names; and as `fill` does.
    """
    done = [(place, _filled(place, wheelhouse, source, on_event)) for place, wheelhouse in wheelhouses_of(folder, dest)]
    list_inner_folders(dest)
    return done


def wheelhouses_of(folder: Path, dest: Path) -> Iterator[tuple[Path, Wheelhouse]]:
    """The place in `dest`, and the wheelhouse: of a folder, then of each wheelhouse inside it that has lock files."""
    yield dest, load_wheelhouse(folder)
    for name in SUB_WHEELHOUSES:
        inner = folder / name
        if inner.is_dir() and any(is_lock_name(path.name) for path in inner.iterdir()):
            yield dest / name, load_wheelhouse(inner)


def _filled(place: Path, wheelhouse: Wheelhouse, source: PackageSource, on_event: Listener) -> Filled:
    """Take the folder lock of one folder, and fill the folder without the wheelhouses inside it; what was done."""
    with folder_lock(place):
        return fill(place, replace(wheelhouse, inner={}), existing_locks(place).values(), {}, source, on_event)
