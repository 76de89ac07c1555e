"""The folders of a wheelhouse with other files: their locks, and whether the files are what these say."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from wheelhouse.archive.artifact import Artifact
from wheelhouse.debian.debian_lock import FOLDER as DEBIAN
from wheelhouse.debian.debian_lock import LOCK as DEBIAN_LOCK
from wheelhouse.debian.debian_lock import DebianLock, parse_debian_lock
from wheelhouse.files.disk import has_locked_bytes, kind_of, read_regular_text, refuse_endless_files
from wheelhouse.findings import Finding
from wheelhouse.lock.other_files import FOLDER, LOCK, OtherFiles, parse_other_files
from wheelhouse.oci.image_lock import FOLDER as IMAGE
from wheelhouse.oci.image_lock import LOCK as IMAGE_LOCK
from wheelhouse.oci.image_lock import ImageLock, parse_image_lock
from wheelhouse.verify.folder_contents import foreign_findings, text_findings, unexpected_paths
from wheelhouse.verify.locked_files import absent_finding, error_finding
from wheelhouse.verify.locked_folders import LOCKED_FOLDERS, FolderLock


def load_other_files(wheelhouse: Path) -> OtherFiles:
    """The other files of a wheelhouse, none if it has no lock of them.

    Raises InputError for a lock that cannot be read, and if the folder has a file that never ends, such as a named pipe.
    """
    text = _lock_text(wheelhouse / FOLDER, LOCK)
    return OtherFiles() if text is None else parse_other_files(text, str(wheelhouse / FOLDER / LOCK))


def load_base_images(wheelhouse: Path) -> ImageLock:
    """The base images of a wheelhouse, none if it has no lock of them. Raises InputError as `load_other_files` does."""
    text = _lock_text(wheelhouse / IMAGE, IMAGE_LOCK)
    return ImageLock() if text is None else parse_image_lock(text, str(wheelhouse / IMAGE / IMAGE_LOCK))


def load_debian(wheelhouse: Path) -> DebianLock:
    """The Debian packages of a wheelhouse, none if it has no lock of them. Raises InputError as `load_other_files` does."""
    text = _lock_text(wheelhouse / DEBIAN, DEBIAN_LOCK)
    return DebianLock() if text is None else parse_debian_lock(text, str(wheelhouse / DEBIAN / DEBIAN_LOCK))


def load_locked_folders(wheelhouse: Path) -> dict[str, FolderLock]:
    """The lock of each folder with other files that has one, by the folder's name. Raises InputError as `load_other_files` does."""
    texts = {folder: _lock_text(wheelhouse / folder.name, folder.lock) for folder in LOCKED_FOLDERS}
    return {
        folder.name: folder.parse(text, str(wheelhouse / folder.name / folder.lock))
        for folder, text in texts.items()
        if text is not None
    }


def _lock_text(folder: Path, lock: str) -> str | None:
    """The text of a folder's lock file; None if the folder or the lock is not there.

    Raises InputError if the folder has a file that never ends, or the lock cannot be read as text.
    """
    if not folder.is_dir():
        return None
    refuse_endless_files(folder)
    return None if kind_of(folder / lock) is None else read_regular_text(folder / lock, "the lock")


def locked_folder_findings(wheelhouse: Path) -> Iterator[Finding]:
    """Findings for what is missing or altered in the folders with other files, or named by no lock there; subjects are paths
    in the wheelhouse. A folder without a lock gives none. Raises InputError as `load_other_files` does.
    """
    for name, lock in load_locked_folders(wheelhouse).items():
        for finding in _folder_findings(wheelhouse / name, lock):
            yield replace(finding, subject=f"{name}/{finding.subject}")


def _folder_findings(folder: Path, lock: FolderLock) -> Iterator[Finding]:
    """Findings for one such folder, with paths in it as subjects."""
    artifacts, texts = lock.artifacts, lock.texts
    return chain(
        (finding for path, artifact in artifacts.items() if (finding := _finding(folder, path, artifact))),
        text_findings(folder, texts, "derived"),
        foreign_findings(folder, unexpected_paths(folder, {*artifacts, *texts}), (), staged=False),
    )


def _finding(folder: Path, path: str, artifact: Artifact) -> Finding | None:
    """The error finding for one file that is absent or altered; None if it is sound."""
    if absent := absent_finding(folder / path, path, "file"):
        return absent
    if has_locked_bytes((folder / path).parent, artifact):
        return None
    return error_finding(path, "altered", case="bytes")
