"""The hashes that the lock files of a wheelhouse name."""

import re
from pathlib import Path

from wheelhouse.files.disk import read_text
from wheelhouse.lock.wheelhouse import is_lock_name
from wheelhouse.verify.locked_folders import INNER_FOLDERS, LOCKED_FOLDERS
from wheelhouse.verify.verify import load_wheelhouse

SHA256 = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
SUMS = "SHA256SUMS"


def named_sha256s(folder: Path) -> set[str]:
    """Every sha256 that stands in the lock files and the SHA256SUMS of a wheelhouse and of the folders in it; no file is hashed.

    Raises InputError if the folder is no wheelhouse.
    """
    load_wheelhouse(folder)
    names = {SUMS, *(inner.lock for inner in LOCKED_FOLDERS)}
    paths = [
        path
        for place in (folder, *(folder / inner for inner in INNER_FOLDERS))
        if place.is_dir()
        for path in place.iterdir()
        if path.name in names or is_lock_name(path.name)
    ]
    return {sha256 for path in paths for sha256 in SHA256.findall(read_text(path, "the lock file"))}
