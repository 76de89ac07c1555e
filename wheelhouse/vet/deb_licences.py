"""The licences of Debian packages, from their copyright files, as SPDX expressions.

A copyright file names licences in Debian's spelling, one for each group of files: all of them count.
"""

import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from wheelhouse.debian.copyright_file import licence_names
from wheelhouse.debian.deb_file import NO_FILE, copyright_file
from wheelhouse.debian.debian_lock import FOLDER, DebianLock, LockedDeb
from wheelhouse.files.disk import has_locked_bytes
from wheelhouse.files.store import Store
from wheelhouse.vet.licences import parse

NOTES = "deb-licences-3"
"""The kind of the notes. Raise the number when another answer is given for the same file."""
MAX_LINKS = 8
"""With as many links from one package's copyright file to another's, no licence is known."""
READERS = 4
"""Threads; decompression releases the interpreter's lock."""
GNU = re.compile(r"(A?L?GPL|GFDL|GFDL-NIV)(?:-v?(\d(?:\.\d)?))?(\+)?", re.IGNORECASE)
NAMES = {
    "expat": "MIT",
    "artistic": "Artistic-1.0",
    "perl": "GPL-1.0-or-later OR Artistic-1.0-Perl",
    "apache-2": "Apache-2.0",
    "mpl-2": "MPL-2.0",
    "psf-2": "PSF-2.0",
    "python": "PSF-2.0",
    "cc0": "CC0-1.0",
    "bsd": "LicenseRef-BSD",
    "zlib/libpng": "Zlib",
}
"""Debian's name in lower case → SPDX's, where they differ."""
WIDE = re.compile(r"\s*,\s+(and|or)\s+", re.IGNORECASE)
NARROW = re.compile(r"\s+(and|or)\s+|\s*[,/]\s+", re.IGNORECASE)
"""What stands between licences; with a comma, it binds less (format 1.0, "License specification")."""
BAR = re.compile(r"\s*(?:\|\s|\s\|)\s*")
"""A bar between licences: some copyright files write it for `or`."""
EXCEPTION = re.compile(r"\s+with\s+.*", re.IGNORECASE)
UNUSABLE = re.compile(r"[^A-Za-z0-9.-]+")
NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _CopyrightFile:
    """What one copyright file says: names of licences, or the package whose file counts instead."""

    names: tuple[str, ...]
    package: str


def deb_licences(
    folder: Path, lock: DebianLock, notes: Store | None = None, installed: Mapping[str, str] = NONE
) -> dict[str, str]:
    """The licence of each Debian package of a wheelhouse, as an SPDX expression by its path in the wheelhouse.

    Those whose copyright file tells none are left out, also if the package is missing or damaged. A copyright file that is
    a link is that of another package, here or among the `installed` ones (name → expression). A package with other bytes than
    those of the lock counts, too, but what it says is not noted. Raises MachineError for a file that cannot be opened.
    """
    with ThreadPoolExecutor(READERS) as pool:
        read = pool.map(lambda deb: _read_copyright_file(folder, deb, notes), lock.packages)
        files = {deb.name: file for deb, file in zip(lock.packages, read, strict=True)}
    licences = ((deb, _expression(deb.name, files, installed)) for deb in lock.packages)
    return {f"{FOLDER}/{deb.place}": expression for deb, expression in licences if expression}


def _read_copyright_file(folder: Path, deb: LockedDeb, notes: Store | None) -> _CopyrightFile:
    """What the copyright file of a package says, from the notes by the locked hash, or read now and noted.

    Nothing if the package's file is missing or damaged, or if this Python cannot decompress it. Noted only if it could be
    decompressed and its bytes are those of the lock.
    """
    if notes and (raw := notes.noted(NOTES, deb.sha256)):
        names, package = json.loads(raw)
        return _CopyrightFile(tuple(map(str, names)), str(package))
    path = folder / FOLDER / deb.place
    file = copyright_file(path, deb.name) if path.is_file() else NO_FILE
    contents = _CopyrightFile(licence_names(file.text), file.package) if file else _CopyrightFile((), "")
    if notes and file and has_locked_bytes(path.parent, deb):
        notes.note(NOTES, deb.sha256, json.dumps([contents.names, contents.package]).encode())
    return contents


def _expression(name: str, files: Mapping[str, _CopyrightFile], installed: Mapping[str, str]) -> str:
    """The licence of a package, links followed; empty if it is unknown, or only known after MAX_LINKS links or more."""
    for _ in range(MAX_LINKS):
        if name not in files:
            return installed.get(name, "")
        if not files[name].package:
            return spdx_expression(files[name].names)
        name = files[name].package
    return ""


def spdx_expression(names: tuple[str, ...]) -> str:
    """All licences that a copyright file names, as one SPDX expression; empty for none.

    What SPDX does not list is a `LicenseRef-…`, and exceptions are left out: they only permit more.
    """
    return _joined(["AND"] * len(names), [_spelled(BAR.sub(" or ", name), WIDE) for name in names])


def _spelled(name: str, between: re.Pattern[str]) -> str:
    """One name as an SPDX expression. It is split at words that bind less first (WIDE), then at the others (NARROW)."""
    pieces = between.split(name)
    inner = [
        _spelled(text, NARROW) if between is WIDE else _identifier(EXCEPTION.sub("", text.strip()))
        for text in pieces[::2]
    ]
    return _joined([(word or "and").upper() for word in (None, *pieces[1::2])], inner)


def _joined(words: list[str], parts: list[str]) -> str:
    """Expressions, with its word before each but the first; those with AND or OR in brackets if there are several.

    Empty parts are left out. Each part is there once if all words are the same. Empty for none.
    """
    pairs = [(word, part) for word, part in zip(words, parts, strict=True) if part]
    if len({word for word, _ in pairs[1:]}) == 1:
        pairs = [(pairs[1][0], part) for part in dict.fromkeys(part for _, part in pairs)]
    if len(pairs) == 1:
        return pairs[0][1]
    texts = [f"({part})" if " AND " in part or " OR " in part else part for _, part in pairs]
    return " ".join(
        f"{word} {text}" if number else text for number, ((word, _), text) in enumerate(zip(pairs, texts, strict=True))
    )


def _identifier(name: str) -> str:
    """The SPDX id of one licence, else a `LicenseRef-…`; for `perl` an expression with OR; empty for an empty name.

    A GNU licence without a version counts as 1.0 or later: if SPDX has no such id, as for LGPL, it is a `LicenseRef-…`, too.
    """
    if not name:
        return ""
    if match := GNU.fullmatch(name):
        kind, version, later = match[1].upper(), match[2] or "1.0", match[3] or not match[2]
        kind = kind.replace("GFDL-NIV", "GFDL")
        version = version if "." in version else f"{version}.0"
        listed = f"{kind}-{version}-{'or-later' if later else 'only'}"
        return listed if parse(listed) is not None else f"LicenseRef-{kind}-{version}"
    known: Mapping[str, str] = NAMES
    if spelled := known.get(name.lower()):
        return spelled
    parsed = parse(name) if UNUSABLE.search(name) is None else None
    return str(parsed) if parsed is not None else f"LicenseRef-{UNUSABLE.sub('-', name).strip('-') or 'other'}"
