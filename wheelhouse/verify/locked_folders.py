"""The folders of a wheelhouse with other files than distributions, each with a lock file of its own (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from wheelhouse.archive.artifact import Artifact
from wheelhouse.debian import debian_lock
from wheelhouse.lock import other_files
from wheelhouse.lock.wheelhouse import SUB_WHEELHOUSES
from wheelhouse.oci import image_lock


class FolderLock(Protocol):
    """What a lock file of such a folder says."""

    @property
    def artifacts(self) -> Mapping[str, Artifact]:
        """Each file by its path in the folder; its name is the last part of the path."""

    @property
    def texts(self) -> Mapping[str, str]:
        """Each text by its path in the folder: SHA256SUMS, the lock file, and what follows from it; none if there is no file."""


@dataclass(frozen=True, slots=True)
class LockedFolder:
    """A folder in a wheelhouse: its name, the name of its lock file, and the function that reads it from text and source."""

    name: str
    lock: str
    parse: Callable[[str, str], FolderLock]


LOCKED_FOLDERS = (
    LockedFolder(other_files.FOLDER, other_files.LOCK, other_files.parse_other_files),
    LockedFolder(image_lock.FOLDER, image_lock.LOCK, image_lock.parse_image_lock),
    LockedFolder(debian_lock.FOLDER, debian_lock.LOCK, debian_lock.parse_debian_lock),
)
LOCKED_FOLDER_NAMES = tuple(folder.name for folder in LOCKED_FOLDERS)
INNER_FOLDERS = (*SUB_WHEELHOUSES, *LOCKED_FOLDER_NAMES)
"""The folders that can lie inside a wheelhouse, each with its own SHA256SUMS."""
