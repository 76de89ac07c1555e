"""A bundle on disk: a reproducible tar (POSIX.1-2001), its manifest first, its signature second, the files in the manifest's order."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from wheelhouse.archive.tar import Tar
from wheelhouse.bundle.bundle import MANIFEST, SIGNATURE, BundleEntry, BundleManifest, parse_manifest
from wheelhouse.bundle.volumes import reading
from wheelhouse.errors import IntegrityError
from wheelhouse.files.disk import BLOCK, fresh, os_errors_as_machine_error, rooted

MAX_HEADER_BYTES = 64 << 20


def write_bundle(stream: io.RawIOBase, folder: Path, manifest: BundleManifest, signature: str | None) -> None:
    """Write a bundle of what stands in `folder`. Each file is hashed as it is read: IntegrityError for one that is another."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=BLOCK) as archive:
        _add_text(archive, MANIFEST, manifest.to_json())
        if signature is not None:
            _add_text(archive, SIGNATURE, signature)
        for entry in manifest.carried:
            path = rooted(folder, entry.path)
            if not path.is_file():
                raise _altered(folder, f"`{path}` is not there, and the lock names it")
            with os_errors_as_machine_error(path), path.open("rb") as file:
                hashing = _Hashing(file)
                is_whole = path.stat().st_size == entry.size
                if is_whole:
                    archive.addfile(_header(entry.path, entry.size), hashing)
                if not is_whole or hashing.digest.hexdigest() != entry.sha256:
                    raise _altered(folder, f"`{path}` is not what the lock says")


def _altered(folder: Path, sentence: str) -> IntegrityError:
    return IntegrityError(sentence, hint=f"see what is wrong with `wheelhouse verify {folder}`")


class _Hashing(io.RawIOBase):
    """A file that hashes what is read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


def _header(path: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(path)
    header.size, header.mode = size, 0o644
    return header


def _add_text(archive: tarfile.TarFile, path: str, text: str) -> None:
    raw = text.encode()
    archive.addfile(_header(path, len(raw)), io.BytesIO(raw))


@dataclass
class Bundle:
    """An open bundle: its manifest as read, its signature where it has one, and its files in order."""

    manifest: BundleManifest
    raw_manifest: bytes
    signature: bytes | None
    _members: Iterator[tarfile.TarInfo]
    _archive: tarfile.TarFile
    _first: tarfile.TarInfo | None
    _name: str

    def files(self) -> Iterator[tuple[BundleEntry, IO[bytes]]]:
        """Each carried file with its bytes, in order. Raises IntegrityError for whatever the manifest does not name there."""
        for entry in self.manifest.carried:
            member = self._first or next(self._members, None)
            self._first = None
            if member is None:
                raise IntegrityError(f"`{self._name}` was cut short: `{entry.path}` is missing", hint="send it again")
            yield entry, _contents(self._archive, member, entry.path, entry.size, self._name)
        if (self._first or next(self._members, None)) is not None:
            raise IntegrityError(f"`{self._name}` holds more than its manifest names")


def _contents(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, size: int, name: str) -> IO[bytes]:
    plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
    if member.name != path or not plain or member.size != size:
        raise IntegrityError(f"`{name}` holds `{member.name!a}` where its manifest has `{path}`, {size} bytes")
    contents = archive.extractfile(member)
    assert contents is not None  # noqa: S101  (it is a regular file)
    return contents


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle, from one file or volumes. Raises IntegrityError or InputError for what is none."""
    with reading(path) as stream:
        try:
            with Tar.open(fileobj=stream, mode="r|") as archive:
                yield _begin(archive, path.name)
        except (tarfile.TarError, EOFError) as error:
            raise IntegrityError(
                f"`{path.name}` is not a bundle, or was cut short: {error}", hint="send it again"
            ) from error


def _begin(archive: tarfile.TarFile, name: str) -> Bundle:
    members = iter(archive)
    raw = _text(archive, next(members, None), MANIFEST, name)
    if raw is None:
        raise IntegrityError(f"`{name}` does not begin with {MANIFEST}, so it is no bundle")
    following = next(members, None)
    signature = _text(archive, following, SIGNATURE, name)
    first = following if signature is None else None
    return Bundle(parse_manifest(raw, name), raw, signature, members, archive, first, name)


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo | None, path: str, name: str) -> bytes | None:
    if member is None or member.name != path:
        return None
    if member.size > MAX_HEADER_BYTES:
        raise IntegrityError(f"the {path} of `{name}` is {member.size} bytes long")
    return _contents(archive, member, path, member.size, name).read()


def extract_to_temp_file(contents: IO[bytes], folder: Path, entry: BundleEntry) -> Path:
    """Put one file of a bundle into `folder` under a name that nothing reads, its hash checked. Raises IntegrityError."""
    digest = hashlib.sha256()
    with os_errors_as_machine_error(folder):
        path, writer = fresh(folder)
        with writer:
            while block := contents.read(BLOCK):
                digest.update(block)
                writer.write(block)
    if digest.hexdigest() != entry.sha256:
        raise IntegrityError(
            f"`{entry.path}` in the bundle does not have the sha256 of its manifest", hint="send the bundle again"
        )
    return path
