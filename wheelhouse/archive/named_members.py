"""The contents of some members of a wheel or sdist that was inspected before."""

from collections.abc import Collection, Iterator
from pathlib import Path

from wheelhouse.archive.compressed import compression_by_name, decompressed
from wheelhouse.archive.filenames import is_wheel
from wheelhouse.archive.sdistfile import files_of_zip, placed
from wheelhouse.archive.tar import TarReader
from wheelhouse.archive.ziparchive import mapped, read_members, read_whole


def contents_of_members(path: Path, filename: str, names: Collection[str], limit: int) -> dict[str, bytes]:
    """Name → contents of the named members, without missing ones and those of more than `limit` bytes.

    Names are those that a Watch sees: in an sdist `placed` ones. The CRCs in a zip are not checked: it was inspected before.
    Raises RefusedError for a damaged zip, and as `decompressed` does for a tar: tarfile.ReadError for a damaged one,
    MachineError, RefusedError; OSError if the file cannot be read.
    """
    if not names:
        return {}
    is_zip = is_wheel(filename) or filename.endswith(".zip")
    return dict(_of_zip(path, filename, names, limit) if is_zip else _of_tar(path, filename, names, limit))


def _of_zip(path: Path, filename: str, names: Collection[str], limit: int) -> Iterator[tuple[str, bytes]]:
    """(name, contents) of the named members of a wheel or zipped sdist that have at most `limit` bytes."""
    with mapped(path) as data:
        members = read_members(data)
        for name, member in (members if is_wheel(filename) else files_of_zip(members)).items():
            if name in names and member.size <= limit:
                yield name, read_whole(data, member, limit)


def _of_tar(path: Path, filename: str, names: Collection[str], limit: int) -> Iterator[tuple[str, bytes]]:
    """(name, contents) of the named files of a tar that have at most `limit` bytes."""
    with decompressed(path, compression_by_name(filename)) as stream:
        reader = TarReader(stream)
        for member in reader:
            called = placed(member.name)
            if member.is_file and called in names and member.size <= limit:
                yield called, reader.read(member.size)
