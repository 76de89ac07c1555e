"""The other files of a house: read from their lock, and looked at again."""

from collections.abc import Iterator
from pathlib import Path

from wheelhouse.files.disk import TEMP_PREFIX, has_locked_bytes, read_text
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.other_files import FOLDER, LOCK, OtherFiles, parse_other_files


def load_other_files(house: Path) -> OtherFiles:
    """The other files of a house; none where it has no `files/`. Raises InputError for a lock that cannot be read."""
    path = house / FOLDER / LOCK
    return parse_other_files(read_text(path, "the lock"), str(path)) if path.is_file() else OtherFiles()


def other_findings(house: Path) -> Iterator[Finding]:
    """What is wrong with a house's `files/`: what is missing, altered, or named by no lock."""
    folder = house / FOLDER
    if not folder.is_dir():
        return
    files = load_other_files(house)
    for name, artifact in files.artifacts.items():
        if not (folder / name).is_file() or (folder / name).is_symlink():
            yield _wrong(name, "missing", "it is not in the folder", "fetch again: only this file will be downloaded")
        elif not has_locked_bytes(folder, artifact):
            yield _wrong(
                name, "altered", "its bytes were altered", "remove it and fetch again; find out who changed it"
            )
    for name, text in files.texts.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != text.encode():
            yield _wrong(name, "altered", "it does not say what the lock says", "fetch again")
    known = files.artifacts.keys() | files.texts.keys()
    for path in sorted(folder.iterdir()):
        if path.name not in known and not path.name.startswith(TEMP_PREFIX):
            yield _wrong(path.name, "foreign", "no lock of this house names it", "remove it")


def _wrong(name: str, rule: str, sentence: str, hint: str) -> Finding:
    return Finding(f"{FOLDER}/{name}", rule, Severity.ERROR, sentence, hint)
