"""Compare what lies in a folder with what must lie there: texts byte for byte, and nothing else."""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path, PurePosixPath

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.files.disk import has_bytes, kind_of, rooted
from wheelhouse.files.temporary import TEMP_PREFIX
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.verify.locked_files import absent_finding, error_finding
from wheelhouse.verify.unlocked_files import unlocked_file

TEMP_NAME = re.compile(rf"{re.escape(TEMP_PREFIX)}[0-9a-f]{{16}}\.tmp")
"""The name of a file that an interrupted run of wheelhouse left."""


def text_findings(folder: Path, texts: Mapping[str, str], case: str) -> Iterator[Finding]:
    """Findings for texts, by relative path, that are missing or have other bytes. `case` is `derived` or `staged`.

    Raises IntegrityError for a path that leads out of the folder.
    """
    for name, text in texts.items():
        path = rooted(folder, name)
        if absent := absent_finding(path, name, case):
            yield absent
        elif not has_bytes(path, text.encode()):
            yield error_finding(name, "altered", case=case)


def unexpected_paths(folder: Path, expected: Set[str]) -> Iterator[str]:
    """Relative paths of what lies in a folder beside the expected files and the folders that hold them.

    An unexpected folder is given by its own path alone, without what lies in it; so is an empty one, and a link to one.
    """
    parents = {parent.as_posix() for path in expected for parent in PurePosixPath(path).parents}
    pending = [""]
    while pending:
        inside = pending.pop()
        for path in sorted((folder / inside).iterdir()):
            name = f"{inside}/{path.name}" if inside else path.name
            if name in parents and kind_of(path) == "folder":
                pending.append(name)
            elif name not in expected:
                yield name


def foreign_findings(folder: Path, paths: Iterable[str], locks: Iterable[Lock], *, staged: bool) -> Iterator[Finding]:
    """A finding for each of these paths, none of which may be in the locks: a warning for a file that an interrupted
    run left; the error of `unlocked_file` for a wheel or sdist at the top; the error `foreign` for anything else.
    `staged` decides only the wording.
    """
    locks = tuple(locks)
    for name in paths:
        path = folder / name
        if kind_of(path) == "file" and TEMP_NAME.fullmatch(path.name):
            yield Finding.of(name, "left-aside", Severity.WARNING, case="wheelhouse")
        elif path.name.endswith(ARCHIVE_SUFFIXES) and "/" not in name:
            yield unlocked_file(path.name, locks, staged=staged)
        else:
            yield error_finding(name, "foreign", case="staged" if staged else "other")
