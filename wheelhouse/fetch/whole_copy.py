"""A whole copy of a wheelhouse of lock files alone: its files come from the cache, then from the store that machines share.

No index is asked. What credentials gave to this machine is taken from the store alone, whose readers may have it.
"""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.errors import IntegrityError, ServerError
from wheelhouse.events import Listener, Received, ignore
from wheelhouse.fetch.materialize import wheelhouses_of
from wheelhouse.files.disk import (
    commit_file,
    kind_of,
    link_to_temp_file,
    os_errors_as_machine_error,
    rooted,
    verbatim,
    write,
)
from wheelhouse.files.store import Store
from wheelhouse.humanize import counted
from wheelhouse.lock.lock import provenance_filename
from wheelhouse.lock.wheelhouse import SUMS, Wheelhouse, is_lock_name
from wheelhouse.verify.inner_folders import list_inner_folders
from wheelhouse.verify.locked_folders import LOCKED_FOLDER_NAMES

THREADS = 8
FROM_STORE = "from-store-1"
"""The kind of note that says that the store gave a file to this user, so that it is not brought again."""


def is_virtual(folder: Path) -> bool:
    """Whether a folder has lock files, as `fetch --virtual` and `lock` write them, and neither SHA256SUMS nor a distribution."""
    if kind_of(folder, follow=True) != "folder":
        return False
    with os_errors_as_machine_error(folder):
        names = [path.name for path in folder.iterdir()]
    return any(map(is_lock_name, names)) and not any(name == SUMS or name.endswith(ARCHIVE_SUFFIXES) for name in names)


def copy_whole(folder: Path, dest: Path, store: Store, on_event: Listener = ignore) -> None:
    """Make `dest`, a new folder, the whole wheelhouse of a folder of lock files; its files are links to those of the cache, or
    copies if the file system allows no links.

    `files/`, `image/` and `debian/` are copied last. Raises ServerError that names each file that neither the cache nor the
    store has; `dest` then stays, with the other files, but without these folders. Raises MachineError if `dest` exists.
    """
    lacking: list[str] = []
    for place, wheelhouse in wheelhouses_of(folder, dest):
        with os_errors_as_machine_error(place):
            place.mkdir(parents=True)
        lacking += _filled(place, wheelhouse, store, on_event)
    if lacking:
        hint = f"download them from their index: `wheelhouse materialize {folder}`"
        sentence = f"{counted(len(lacking), 'file')} of `{folder}` can be found neither in the cache nor in the store"
        raise ServerError(sentence, details=tuple(lacking), hint=hint)
    for name in LOCKED_FOLDER_NAMES:
        if kind_of(folder / name) == "folder":
            with os_errors_as_machine_error(dest / name):
                shutil.copytree(folder / name, dest / name, symlinks=True)
    list_inner_folders(dest)


def _filled(place: Path, wheelhouse: Wheelhouse, store: Store, on_event: Listener) -> list[str]:
    """Write the files of one wheelhouse. Returns the names of those that neither the cache nor the store has, sorted: if there
    are any, its lock files and other texts are not written.
    """
    built = {pin.artifact.sha256 for lock in wheelhouse.locks for pin in lock.pins if pin.built}
    attestations = _attestations(wheelhouse)
    sha256s = {name: artifact.sha256 for name, artifact in wheelhouse.artifacts.items()} | attestations

    def is_placed(name: str) -> bool:
        """Link a file into the folder; whether the cache or the store has it."""
        sha256 = sha256s[name]
        copied = _linked(place, sha256, store, is_own=sha256 in built) or _brought(
            place, sha256, store, lambda count: on_event(Received(name, count))
        )
        if copied:
            commit_file(copied, rooted(place, name))
        return copied is not None

    with ThreadPoolExecutor(THREADS) as pool:
        placed = dict(zip(sha256s, pool.map(is_placed, sha256s), strict=True))
    if lacking := sorted(name for name, is_there in placed.items() if not is_there):
        return lacking
    texts = {name: verbatim(place / name) for name in attestations}
    for name, text in replace(wheelhouse, provenance=texts, inner={}).texts.items():
        if name not in attestations:
            write(place, name, text)
    return []


def _attestations(wheelhouse: Wheelhouse) -> dict[str, str]:
    """The sha256 of each file of attestations that the locks name, by its name."""
    pins = (pin for lock in wheelhouse.locks for pin in lock.pins)
    return {provenance_filename(pin): pin.provenance.sha256 for pin in pins if pin.provenance}


def _linked(folder: Path, sha256: str, store: Store, *, is_own: bool) -> Path | None:
    """A link to a file of the cache, or a copy of it, under a temporary name; None if the cache lacks it, or if it was altered
    there and is discarded.

    A private file is taken if the store gave it to this user, or if this user built it (`is_own`).
    """
    private = store.private
    may_be_private = is_own or private.noted(FROM_STORE, sha256) is not None
    for path in (store.artifact(sha256), private.artifact(sha256) if may_be_private else None):
        if path is not None:
            try:
                return link_to_temp_file(path, folder, sha256)
            except IntegrityError:
                store.discard(path)
    return None


def _brought(folder: Path, sha256: str, store: Store, received: Callable[[int], None]) -> Path | None:
    """Bring a file from the store into the private part of the cache, and note there that the store gave it; a link to it,
    or a copy, under a temporary name in the folder. None if the store lacks it.
    """
    private = store.private
    with private.partial(f"{FROM_STORE} {sha256}") as path:
        if not store.bring(sha256, path, received):
            path.unlink(missing_ok=True)
            return None
        kept = private.keep(path, sha256)
    private.note(FROM_STORE, sha256, b"")
    return link_to_temp_file(kept, folder, sha256)
