"""The other files of a wheelhouse, in `files/`: their lock, and whether they are what it says."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from wheelhouse.files.disk import has_locked_bytes, kind_of, read_regular_text, refuse_endless_files
from wheelhouse.findings import Finding
from wheelhouse.lock.other_files import FOLDER, LOCK, OtherFiles, parse_other_files
from wheelhouse.verify.folder_contents import foreign_findings, text_findings, unexpected_paths
from wheelhouse.verify.locked_files import absent_finding, error_finding


def load_other_files(wheelhouse: Path) -> OtherFiles:
    """The other files of a wheelhouse, none if it has no lock of them. Raises InputError for a lock that cannot be read.

    So it does for a folder with a file that never ends, such as a named pipe.
    """
    folder = wheelhouse / FOLDER
    if not folder.is_dir():
        return OtherFiles()
    refuse_endless_files(folder)
    path = folder / LOCK
    if kind_of(path) is None:
        return OtherFiles()
    return parse_other_files(read_regular_text(path, "the lock"), str(path))


def other_findings(wheelhouse: Path) -> Iterator[Finding]:
    """Findings for what is missing or altered in `files/`, or named by no lock."""
    folder, files = wheelhouse / FOLDER, load_other_files(wheelhouse)
    artifacts, texts = files.artifacts, files.texts
    findings = chain(
        (finding for name in artifacts if (finding := _finding(folder, name, files))),
        text_findings(folder, texts, "derived"),
        foreign_findings(folder, unexpected_paths(folder, {*artifacts, *texts}), (), staged=False),
    )
    return (replace(finding, subject=f"{FOLDER}/{finding.subject}") for finding in findings)


def _finding(folder: Path, name: str, files: OtherFiles) -> Finding | None:
    """What is wrong with one file, if anything."""
    if absent := absent_finding(folder / name, name, "file"):
        return absent
    if has_locked_bytes(folder, files.artifacts[name]):
        return None
    return error_finding(name, "altered", case="bytes")
