"""Wheelhouses whose files are in the store (`fetch --virtual`), as the commands that need the files see them: as whole folders."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wheelhouse.cli.machine import cache_folder
from wheelhouse.cli.session import listening, settings, store_keys
from wheelhouse.config.declare import given
from wheelhouse.config.options import ConnectionOptions, FileOrigin

COPIES = "whole-{user}"
"""The folder of the cache for whole copies: beside the files, so that these can be linked."""


@contextmanager
def whole_wheelhouses(folders: Sequence[Path], origin: FileOrigin, *, quiet: bool) -> Iterator[list[Path]]:
    """The folders, with a temporary whole copy in the place of each that holds lock files alone, if a store is named.

    A copy has the name of its folder, and is removed when the block ends. Without a store, and for staged folders, nothing is
    copied. Raises ServerError for files that neither the cache nor the store has.
    """
    from wheelhouse.fetch.whole_copy import copy_whole, is_virtual
    from wheelhouse.stage.plan import MANIFEST

    from_file = settings()
    virtual = [folder for folder in folders if is_virtual(folder)] if origin.store or from_file.store.url else []
    virtual = [folder for folder in virtual if not (folder / MANIFEST).exists()]  # a staged folder is none
    if not virtual:
        yield list(folders)
        return
    from wheelhouse.cli.run_store import opened_store
    from wheelhouse.files.temporary import scratch_folder

    network = ConnectionOptions(**given(origin))
    with ExitStack() as stack:
        places = {
            folder: stack.enter_context(scratch_folder("whole", _folder_of_copies(origin))) / folder.resolve().name
            for folder in virtual
        }
        with listening(quiet=quiet) as listener:
            keys = store_keys(network, from_file, listener)
            with opened_store(network, from_file, keys, listener) as store:
                for folder, place in places.items():
                    copy_whole(folder, place, store, listener)
        yield [places.get(folder, folder) for folder in folders]


def _folder_of_copies(origin: FileOrigin) -> Path | None:
    """A folder in the cache, made if needed, that this user alone can read and write; None if there can be none.

    The rights of one that is there are not changed: None if they differ.
    """
    cache = cache_folder(origin.cache_dir)
    if cache is None:
        return None
    folder = cache / COPIES.format(user=os.getuid())
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    is_own = status.st_uid == os.getuid() and not status.st_mode & 0o077
    return folder if is_own and os.access(folder, os.W_OK) else None
