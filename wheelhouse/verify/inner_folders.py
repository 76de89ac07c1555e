"""The folders inside a wheelhouse: its SHA256SUMS lists the SHA256SUMS of each, so none can be removed, added or swapped."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from wheelhouse.files.disk import kind_of, verbatim, write
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.wheelhouse import SUMS, is_lock_name, sha256_of_text, summed, summed_folders, sums
from wheelhouse.verify.locked_files import error_finding
from wheelhouse.verify.locked_folders import INNER_FOLDERS


def present_folders(wheelhouse: Path) -> dict[str, str]:
    """The sha256 of the SHA256SUMS of each folder inside, by the folder's name, as they lie there; one without the file is left out."""
    paths = {name: wheelhouse / name / SUMS for name in INNER_FOLDERS if kind_of(wheelhouse / name) == "folder"}
    return {name: sha256_of_text(verbatim(path)) for name, path in paths.items() if kind_of(path) == "file"}


def listed_folders(wheelhouse: Path) -> dict[str, str]:
    """The sha256 of the SHA256SUMS of each folder inside, by the folder's name, as the wheelhouse's own SHA256SUMS lists them.

    Empty if there is no SHA256SUMS.
    """
    path = wheelhouse / SUMS
    return summed_folders(verbatim(path)) if kind_of(path) == "file" else {}


def list_inner_folders(folder: Path) -> None:
    """List the folders inside a wheelhouse in its SHA256SUMS again. If `folder` has the name of such a folder (`tools`),
    also in the SHA256SUMS of the folder above. Lines that `summed` ignores are lost.

    For a run that wrote such a folder after the wheelhouse. Without a SHA256SUMS nothing is written, nor into a folder above
    that has no lock file.
    """
    own = folder.resolve()
    is_inside = own.name in INNER_FOLDERS and _has_lock(own.parent)
    for wheelhouse in (own, *([own.parent] if is_inside else [])):
        if kind_of(path := wheelhouse / SUMS) == "file" and listed_folders(wheelhouse) != present_folders(wheelhouse):
            write(wheelhouse, SUMS, sums(summed(verbatim(path)), present_folders(wheelhouse)))


def _has_lock(folder: Path) -> bool:
    """Whether a folder has a lock file; False if it cannot be listed."""
    try:
        return any(is_lock_name(path.name) for path in folder.iterdir())
    except OSError:
        return False


def inner_folder_findings(listed: Mapping[str, str], expected: Mapping[str, str]) -> Iterator[Finding]:
    """Findings for folders that SHA256SUMS lists and that are not there, or are others; and for those that it does not list.

    `expected` has the sha256 that the SHA256SUMS of each folder there must have, by its own lock files. The findings are errors; but
    if none is listed, as in an older wheelhouse, they are warnings.
    """
    for name in sorted(listed.keys() | expected.keys()):
        if name not in expected:
            yield error_finding(name, "missing", case="inner", kind="")
        elif name not in listed:
            case, severity = ("inner", Severity.ERROR) if listed else ("inner-older", Severity.WARNING)
            yield Finding.of(name, "foreign", severity, case=case)
        elif listed[name] != expected[name]:
            yield error_finding(name, "altered", case="inner")
