"""Volumes whose index is not there: the first one has the manifest, which tells how long the bundle is, and so what is missing."""

import re
import tarfile
from collections.abc import Iterable
from pathlib import Path

from wheelhouse.archive.tar import TarMember, TarReader
from wheelhouse.bundle.bundle import MANIFEST, REVIEW, SIGNATURE, parse_manifest
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.files.disk import os_errors_as_machine_error

VOLUME = re.compile(r"(.+)\.(\d{3,})", re.DOTALL)
MAX_MANIFEST_BYTES = 64 << 20


def loose_volumes(path: Path) -> list[tuple[Path, int]]:
    """The volumes of a bundle, in order, each with its size in bytes; `path` is the bundle's, or that of a volume.

    Empty if `path` is a bundle in one file, or if there are no volumes. Their number follows from the length that the
    manifest gives and the size of the first; none is hashed, other sizes are not compared, and further volumes are left out.
    Raises IntegrityError that names the missing ones, or if the manifest in the first one cannot be read.
    """
    match = VOLUME.fullmatch(path.name)
    if path.is_file() and not (match and (int(match[2]) == 1 or not _begins_a_bundle(path))):
        return []
    name = match[1] if match else path.name
    there = _numbered(path.parent, name)
    if not there:
        return []
    if 1 not in there:
        first = f"{name}.{'1'.rjust(len(VOLUME.fullmatch(there[min(there)].name)[2]), '0')}"  # type: ignore[index]
        raise IntegrityError(
            f"`{there[min(there)].name}` is volume {min(there)} of a bundle, but volume 1 is missing: `{first}`",
            hint="send the first volume, too",
        )
    sizes = {number: file.stat().st_size for number, file in there.items()}
    count = max(-(-_bundle_bytes(there[1]) // sizes[1]), 1)
    digits = VOLUME.fullmatch(there[1].name)[2]  # type: ignore[index]
    missing = [f"{name}.{number:0{len(digits)}d}" for number in range(1, count + 1) if number not in there]
    if missing:
        shown = ", ".join(f"`{each}`" for each in missing[:5]) + (
            f" and {len(missing) - 5} more" if missing[5:] else ""
        )
        raise IntegrityError(
            f"`{there[1].name}` is volume 1 of {count}, but other volumes are missing: {shown}",
            hint="put all volumes into one folder",
            details=tuple(f"the volume `{each}` is missing" for each in missing),
        )
    return [(there[number], sizes[number]) for number in range(1, count + 1)]


def _begins_a_bundle(path: Path) -> bool:
    """Whether a file begins with the name of the manifest, as a bundle or its first volume does."""
    with os_errors_as_machine_error(path), path.open("rb") as file:
        return file.read(len(MANIFEST)) == MANIFEST.encode()


def _numbered(folder: Path, name: str) -> dict[int, Path]:
    """The files in a folder named as volumes of a bundle, with three or more digits, by number; empty without a folder."""
    own = re.compile(re.escape(name) + r"\.(\d{3,})")
    with os_errors_as_machine_error(folder):
        files = (
            [file for file in folder.iterdir() if own.fullmatch(file.name) and file.is_file()]
            if folder.is_dir()
            else []
        )
    return {int(own.fullmatch(file.name)[1]): file for file in files}  # type: ignore[index]


def _bundle_bytes(first: Path) -> int:
    """The length of a whole bundle in bytes, by the manifest in its first volume. Raises IntegrityError if that cannot be read."""
    try:
        with os_errors_as_machine_error(first), first.open("rb") as stream:
            reader = TarReader(stream)
            raw = _content(reader, reader.next(), MANIFEST)
            manifest = parse_manifest(raw or b"", first.name)
            signature = reader.next()
            signed = [(SIGNATURE, signature.size)] if signature and signature.name == SIGNATURE else []
    except (tarfile.TarError, InputError) as error:
        raise IntegrityError(
            f"`{first.name}` looks like volume 1 of a bundle, but the index of the volumes is missing, and the manifest "
            f"cannot be read: {error}",
            hint="put the volumes and their .volumes.json into one folder",
        ) from error
    review = [(f"{REVIEW}/{entry.path}", entry.size) for entry in manifest.review]
    carried = [(entry.path, entry.size) for entry in manifest.carried]
    return tar_bytes([(MANIFEST, len(raw or b"")), *signed, *review, *carried])


def _content(reader: TarReader, member: TarMember | None, name: str) -> bytes | None:
    """The bytes of a member; None if there is none, if it has another name, or if it is longer than MAX_MANIFEST_BYTES."""
    if member is None or member.name != name or member.size > MAX_MANIFEST_BYTES:
        return None
    return reader.read(member.size)


def tar_header(path: str, size: int) -> tarfile.TarInfo:
    """The tar header of a file in a bundle: mode 644, no time, no owner. The same file gives the same bytes."""
    header = tarfile.TarInfo(path)
    header.size, header.mode = size, 0o644
    return header


def tar_bytes(members: Iterable[tuple[str, int]]) -> int:
    """The length in bytes of a tar with these files, (path, size), as tarfile writes it, with the zeros at its end."""
    length = sum(
        len(tar_header(path, size).tobuf(tarfile.PAX_FORMAT)) + size + -size % tarfile.BLOCKSIZE
        for path, size in members
    )
    length += 2 * tarfile.BLOCKSIZE
    return length + -length % tarfile.RECORDSIZE
