"""Tars of any origin: read member by member, and what they would do when they are unpacked; nothing of them is."""

import posixpath
import tarfile
from pathlib import Path

from wheelhouse.documents import too_deep_as

MAX_MEMBERS = 1000


class Tar(tarfile.TarFile):
    """A tar whatever of which cannot be read is a TarError: tarfile lets sparse and chained headers end in others."""

    def next(self) -> tarfile.TarInfo | None:
        try:
            with too_deep_as(ValueError):
                return super().next()
        except ValueError as error:
            raise tarfile.ReadError(f"one of its headers cannot be read: {error}") from error


def leading_out(path: Path) -> list[str]:
    """The members that would be written outside the folder, or lead there; empty for a file that is no tar.

    Raises nothing: a tar that is cut short says as much as can be read of it.
    """
    found: list[str] = []
    try:
        with Tar.open(path, "r|*") as archive:
            for member in archive:
                if leads_out(member):
                    found.append(member.name)
                if len(found) == MAX_MEMBERS:
                    break
    except (tarfile.TarError, EOFError, OSError):
        return found
    return found


def leads_out(member: tarfile.TarInfo) -> bool:
    """Whether a member would be written outside the folder that it is unpacked in, or is a link that leads there."""
    places = [member.name]
    if member.issym():
        places.append(posixpath.join(posixpath.dirname(member.name), member.linkname))
    if member.islnk():
        places.append(member.linkname)
    return any(place.startswith("/") or posixpath.normpath(place).split("/")[0] == ".." for place in places)
