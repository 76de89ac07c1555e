"""An OSV export: a zip of records, one JSON file each; a folder of both, at any depth; or one file with a record or a list."""

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError
from wheelhouse.files.disk import os_errors_as_machine_error

DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, ValueError, OverflowError)
"""What is raised for a damaged zip, by its directory or the methods of its members; bzip2 raises OSError."""
MAX_RECORD_BYTES = 16 << 20
SUFFIXES = (".json", ".zip")
"""The suffixes of the files in a folder that are read."""


def read_export(path: Path) -> Iterator[dict[str, Any]]:
    """The records of an export: a zip or a JSON file, or all `.json` and `.zip` files of a folder, at any depth, sorted by path.

    None for a folder without such files. The suffix of a file that is named itself is not looked at.
    Raises InputError if nothing is at the path, or for a file that is no export, and MachineError if it cannot be read.
    """
    if path.is_dir():
        with os_errors_as_machine_error(path):
            files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
        for file in files:
            yield from read_export(file)
        return
    if not path.is_file():
        raise InputError(f"the export `{path}` does not exist", hint="choose the zip, a record, or a folder of records")
    with os_errors_as_machine_error(path):
        raw = path.read_bytes()
    yield from read_bytes(raw, str(path))


def read_bytes(raw: bytes, source: str) -> Iterator[dict[str, Any]]:
    """The records of an export, from its bytes: a zip, of which other members than `.json` are left out, or JSON.

    `source` names it in errors. Raises InputError for what cannot be read.
    """
    if not raw.startswith(b"PK"):
        yield from _records(raw.decode("utf-8", "replace"), source)
        return
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".json"):
                    where = f"{source}:{member.filename}"
                    yield from _records(_read(archive, member, where).decode("utf-8", "replace"), where)
    except (*DAMAGE, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"`{source}` is a zip that cannot be read: {error}") from error


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> bytes:
    """The contents of a member of a zip. `where` names it in errors.

    Raises InputError if it has more than 16 MiB, and what `zipfile` raises for a damaged one.
    """
    if member.file_size > MAX_RECORD_BYTES:
        raise InputError(
            f"`{where}` has {member.file_size} bytes, but the limit for a record is {MAX_RECORD_BYTES} bytes"
        )
    return archive.read(member)


def _records(text: str, source: str) -> Iterator[dict[str, Any]]:
    """The record of a JSON text, or the records of its list. Raises InputError for anything but objects."""
    try:
        document = parse_json(text)
    except ValueError as error:
        raise InputError(f"`{source}` is not JSON: {error}") from error
    found = document if isinstance(document, list) else [document]
    if not all(isinstance(one, dict) for one in found):
        raise InputError(f"`{source}` has no OSV records")
    yield from found
