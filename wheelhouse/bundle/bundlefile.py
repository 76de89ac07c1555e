"""A bundle on disk: a reproducible tar (POSIX.1-2001) of the manifest, its signature if any, and the files in its order."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wheelhouse.archive.tar import TarMember, TarReader
from wheelhouse.bundle.bundle import MANIFEST, SIGNATURE, BundleEntry, BundleManifest, parse_manifest
from wheelhouse.bundle.lock_files import MAX_LOCK_BYTES, is_lock_path
from wheelhouse.bundle.volumes import reading
from wheelhouse.errors import IntegrityError
from wheelhouse.files.disk import BLOCK, os_errors_as_machine_error
from wheelhouse.files.open_folder import OpenFolder

MAX_HEADER_BYTES = 64 << 20
"""Of the manifest and of the signature: MAX_FILES rows of 300 bytes."""


def write_bundle(stream: io.RawIOBase, folder: OpenFolder, manifest: BundleManifest, signature: str | None) -> None:
    """Write a bundle of files in `folder`. Raises IntegrityError for a file that is not the manifest's when it is read."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=BLOCK) as archive:
        _add_text(archive, MANIFEST, manifest.to_json())
        if signature is not None:
            _add_text(archive, SIGNATURE, signature)
        for entry in manifest.carried:
            _add_file(archive, folder, entry)


def _add_file(archive: tarfile.TarFile, folder: OpenFolder, entry: BundleEntry) -> None:
    path = folder.path / entry.path
    file = folder.open_file(entry.path)
    if file is None:
        kind = folder.kind_of(entry.path)
        problem = f"is a {kind}, where the lock has a file" if kind else "is not there, and the lock names it"
        raise _altered(folder, f"`{path}` {problem}")
    with os_errors_as_machine_error(path), file:
        hashing = _Hashing(file)
        is_whole = file.seek(0, io.SEEK_END) == entry.size
        file.seek(0)
        if is_whole:
            archive.addfile(_header(entry.path, entry.size), hashing)
        if not is_whole or hashing.digest.hexdigest() != entry.sha256:
            raise _altered(folder, f"`{path}` is not what the lock says")


def _altered(folder: OpenFolder, sentence: str) -> IntegrityError:
    """The error about a file that is not as the locks say."""
    return IntegrityError(sentence, hint=f"see what is wrong with `wheelhouse verify {folder.path}`")


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


@dataclass(frozen=True, slots=True)
class Bundle:
    """An open bundle: its manifest, parsed and as bytes, its signature if it has one, and its files."""

    manifest: BundleManifest
    raw_manifest: bytes
    signature: bytes | None
    name: str
    _stream: BinaryIO

    def files(self) -> Iterator[tuple[BundleEntry, TarReader]]:
        """Each carried file, in order, with the reader of its bytes. Raises IntegrityError for what the manifest does not name."""
        self._stream.seek(0)
        reader = TarReader(self._stream)
        for _ in (MANIFEST, *([SIGNATURE] if self.signature is not None else [])):
            reader.next()
        for entry in self.manifest.carried:
            member = reader.next()
            if member is None:
                raise IntegrityError(f"`{self.name}` was cut short: `{entry.path}` is missing", hint="send it again")
            _must_be(member, entry.path, entry.size, self.name)
            yield entry, reader
        if reader.next() is not None:
            raise IntegrityError(f"`{self.name}` holds more than its manifest names")

    def carried_locks(self) -> dict[str, bytes]:
        """The bytes of each carried lock file, by path. Raises IntegrityError for a wrong sha256, or if they are too long."""
        size = sum(entry.size for entry in self.manifest.carried if is_lock_path(entry.path))
        if size > MAX_LOCK_BYTES:
            raise IntegrityError(f"the lock files of `{self.name}` have {size} bytes")
        locks: dict[str, bytes] = {}
        for entry, reader in self.files():
            if is_lock_path(entry.path):
                locks[entry.path] = reader.read(entry.size)
                must_have_sha256(hashlib.sha256(locks[entry.path]).hexdigest(), entry)
        return locks


def _must_be(member: TarMember, path: str, size: int, name: str) -> None:
    """Raise IntegrityError for another member than the manifest's next one, tarfile.ReadError for a sparse one."""
    if member.is_sparse:
        raise tarfile.ReadError("it has a sparse member")
    if member.name != path or not member.is_file or member.size != size:
        raise IntegrityError(f"`{name}` holds `{member.name!a}` where its manifest has `{path}`, {size} bytes")


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle, from one file or from volumes. Raises IntegrityError or InputError for anything else."""
    with reading(path) as stream:
        try:
            yield _begin(stream, path.name)
        except tarfile.TarError as error:
            raise IntegrityError(
                f"`{path.name}` is not a bundle, or was cut short: {error}", hint="send it again"
            ) from error


def _begin(stream: BinaryIO, name: str) -> Bundle:
    """Read the manifest, and the signature if it follows."""
    reader = TarReader(stream)
    raw = _text(reader, reader.next(), MANIFEST, name)
    if raw is None:
        raise IntegrityError(f"`{name}` does not begin with {MANIFEST}, so it is no bundle")
    signature = _text(reader, reader.next(), SIGNATURE, name)
    return Bundle(parse_manifest(raw, name), raw, signature, name, stream)


def _text(reader: TarReader, member: TarMember | None, path: str, name: str) -> bytes | None:
    """The bytes of a member; None if it is another than `path`."""
    if member is None or member.name != path:
        return None
    if member.size > MAX_HEADER_BYTES:
        raise IntegrityError(f"the {path} of `{name}` is {member.size} bytes long")
    _must_be(member, path, member.size, name)
    return reader.read(member.size)


def extract(reader: TarReader, folder: OpenFolder, entry: BundleEntry) -> str:
    """Write a file of a bundle into `folder` under a name that nothing reads, which is returned. Raises IntegrityError."""
    digest = hashlib.sha256()
    name, writer = folder.new_file()
    with os_errors_as_machine_error(folder.path), writer:
        while block := reader.read(BLOCK):
            digest.update(block)
            writer.write(block)
    must_have_sha256(digest.hexdigest(), entry)
    return name


def must_have_sha256(sha256: str, entry: BundleEntry) -> None:
    """Raise IntegrityError if a file of a bundle has not the sha256 of its manifest."""
    if sha256 != entry.sha256:
        sentence = f"`{entry.path}` in the bundle does not have the sha256 of its manifest"
        raise IntegrityError(sentence, hint="send the bundle again")
