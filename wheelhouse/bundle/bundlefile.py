"""A bundle on disk: a reproducible tar (POSIX.1-2001) of the manifest, its signature if any, and the files in its order."""

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wheelhouse.archive.tar import TarMember, TarReader
from wheelhouse.bundle.bundle import MANIFEST, REVIEW, SIGNATURE, BundleEntry, BundleManifest, parse_manifest
from wheelhouse.bundle.loose_volumes import tar_header
from wheelhouse.bundle.recovery import repair_hint
from wheelhouse.bundle.volumes import reading
from wheelhouse.errors import IntegrityError
from wheelhouse.files.disk import BLOCK, os_errors_as_machine_error
from wheelhouse.files.open_folder import OpenFolder

MAX_HEADER_BYTES = 64 << 20
"""Of the manifest and of the signature: MAX_FILES rows of 300 bytes."""


class DamagedBundleError(IntegrityError):
    """A bundle was damaged after it was packed; `open_bundle` adds how to repair it."""


def write_bundle(
    stream: io.RawIOBase,
    folders: Mapping[str, OpenFolder],
    manifest: BundleManifest,
    signature: str | None,
    review: Mapping[str, bytes],
) -> None:
    """Write a tar of the manifest, the signature if any, the review and the carried files, forward only, so that a pipe will do.

    `folders` are the wheelhouses by their folder in the manifest; a single wheelhouse has an empty name. `review` must be
    the files that the manifest names as its review, in its order; they are not checked. `stream` stays open. Raises
    IntegrityError for a carried file that is missing, no regular file, or of another size or sha256 than the manifest says;
    also MachineError.
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=BLOCK) as archive:
        _add_text(archive, MANIFEST, manifest.to_json().encode())
        if signature is not None:
            _add_text(archive, SIGNATURE, signature.encode())
        for name, content in review.items():
            _add_text(archive, f"{REVIEW}/{name}", content)
        for entry in manifest.carried:
            root, _, path = entry.path.partition("/") if manifest.wheelhouses else ("", "", entry.path)
            _add_file(archive, folders[root], path, entry)


def _add_file(archive: tarfile.TarFile, folder: OpenFolder, inside: str, entry: BundleEntry) -> None:
    """Add the file at the path `inside` of a wheelhouse.

    Raises IntegrityError if it is missing, no regular file, or of another size, and for another sha256 only after its bytes
    were written.
    """
    path = folder.path / inside
    file = folder.open_file(inside)
    if file is None:
        kind = folder.kind_of(inside)
        problem = f"is a {kind}, but the lock file lists a file" if kind else "is missing, but the lock file lists it"
        raise _altered(folder, f"`{path}` {problem}")
    with os_errors_as_machine_error(path), file:
        hashing = _Hashing(file)
        is_whole = file.seek(0, io.SEEK_END) == entry.size
        file.seek(0)
        if is_whole:
            archive.addfile(tar_header(entry.path, entry.size), hashing)
        if not is_whole or hashing.digest.hexdigest() != entry.sha256:
            raise _altered(folder, f"`{path}` differs from its lock file")


def _altered(folder: OpenFolder, sentence: str) -> IntegrityError:
    """Make the error about a file that is not as the locks say, with a hint to run `verify`; the caller raises it."""
    return IntegrityError(sentence, hint=f"see every problem: `wheelhouse verify {folder.path}`")


class _Hashing(io.RawIOBase):
    """A file that hashes what is read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes, and add them to the digest."""
        data = self._file.read(size)
        self.digest.update(data)
        return data


def _add_text(archive: tarfile.TarFile, path: str, content: bytes) -> None:
    """Add a file with these bytes to the archive."""
    archive.addfile(tar_header(path, len(content)), io.BytesIO(content))


@dataclass(frozen=True, slots=True)
class Bundle:
    """An open bundle: its manifest, parsed and as bytes, its signature if it has one, and its files, which are read once.

    `review` has the files of the near side's review by name.
    """

    manifest: BundleManifest
    raw_manifest: bytes
    signature: bytes | None
    review: Mapping[str, bytes]
    name: str
    _reader: TarReader
    _next: TarMember | None

    def files(self) -> Iterator[tuple[BundleEntry, TarReader]]:
        """Yield each carried file, in the manifest's order, with the reader that stands at its bytes: read them before the next one.

        Raises tarfile.ReadError or DamagedBundleError if the bundle ends too early, IntegrityError for a file that the
        manifest does not have there. No sha256 is checked here.
        """
        member = self._next
        for entry in self.manifest.carried:
            if member is None:
                raise DamagedBundleError(f"`{self.name}` was cut short: `{entry.path}` is missing")
            _must_be(member, entry.path, entry.size, self.name)
            yield entry, self._reader
            member = self._reader.next()
        if member is not None:
            raise IntegrityError(f"`{self.name}` has more files than its manifest lists")


def _must_be(member: TarMember, path: str, size: int, name: str) -> None:
    """Raise IntegrityError for a member that is not a file with this path and size, tarfile.ReadError for a sparse one."""
    if member.is_sparse:
        raise tarfile.ReadError("it has a sparse member")
    if member.name != path or not member.is_file or member.size != size:
        raise IntegrityError(
            f"the next entry in `{name}` is `{member.name!a}` ({member.size} bytes), "
            f"but the manifest lists the file `{path}` ({size} bytes)"
        )


@contextmanager
def open_bundle(source: Path | BinaryIO) -> Iterator[Bundle]:
    """Open a bundle (one file, volumes, or a stream, read forward only), and read it up to its first carried file.

    Raises IntegrityError or InputError for anything else. Damage that is found while the caller reads becomes an IntegrityError
    that says how to repair it.
    """
    name = source.name if isinstance(source, Path) else "stdin"
    repair = repair_hint(source) if isinstance(source, Path) else None
    with reading(source) if isinstance(source, Path) else nullcontext(source) as stream:
        try:
            yield _begin(stream, name)
        except tarfile.TarError as error:
            sentence = f"`{name}` is not a bundle, or was cut short: {error}"
            raise IntegrityError(sentence, hint=repair or "send the bundle again") from error
        except DamagedBundleError as error:
            raise IntegrityError(str(error), hint=repair or "send the bundle again") from error


def _begin(stream: BinaryIO, name: str) -> Bundle:
    """Open a bundle: read the manifest, the signature if it follows, and the review, whose sha256 are checked.

    Raises IntegrityError, InputError for a manifest that cannot be read, and tarfile.ReadError.
    """
    reader = TarReader(stream)
    raw = _text(reader, reader.next(), MANIFEST, name)
    if raw is None:
        raise IntegrityError(f"`{name}` does not begin with {MANIFEST}, so it is not a bundle")
    member = reader.next()
    signature = _text(reader, member, SIGNATURE, name)
    manifest = parse_manifest(raw, name)
    member = member if signature is None else reader.next()
    review = {}
    for entry in manifest.review:
        if member is None:
            raise DamagedBundleError(f"`{name}` was cut short: `{REVIEW}/{entry.path}` is missing")
        _must_be(member, f"{REVIEW}/{entry.path}", entry.size, name)
        review[entry.path] = reader.read(entry.size)
        must_have_sha256(hashlib.sha256(review[entry.path]).hexdigest(), entry)
        member = reader.next()
    return Bundle(manifest, raw, signature, review, name, reader, member)


def _text(reader: TarReader, member: TarMember | None, path: str, name: str) -> bytes | None:
    """The bytes of a member; None if it is not `path`, or None itself.

    Raises IntegrityError if it is longer than MAX_HEADER_BYTES, or is no file; tarfile.ReadError if it is cut short or
    sparse.
    """
    if member is None or member.name != path:
        return None
    if member.size > MAX_HEADER_BYTES:
        raise IntegrityError(f"the {path} of `{name}` has {member.size} bytes, more than {MAX_HEADER_BYTES}")
    _must_be(member, path, member.size, name)
    return reader.read(member.size)


def extract(reader: TarReader, folder: OpenFolder, entry: BundleEntry) -> str:
    """Write a file of a bundle into `folder` under a temporary name, and return that name; `reader` must stand at its bytes.

    Raises IntegrityError for another sha256 than that of `entry`; the temporary file then stays.
    """
    return write_checked(iter(lambda: reader.read(BLOCK), b""), folder, entry)


def write_checked(blocks: Iterable[bytes], folder: OpenFolder, entry: BundleEntry) -> str:
    """Write bytes into `folder` under a temporary name, and return that name.

    Raises IntegrityError if they do not have the sha256 of the entry; the temporary file then stays.
    """
    digest = hashlib.sha256()
    name, writer = folder.new_file()
    with os_errors_as_machine_error(folder.path), writer:
        for block in blocks:
            digest.update(block)
            writer.write(block)
    must_have_sha256(digest.hexdigest(), entry)
    return name


def must_have_sha256(sha256: str, entry: BundleEntry) -> None:
    """Raise DamagedBundleError if `sha256` is not that of the entry."""
    if sha256 != entry.sha256:
        raise DamagedBundleError(f"the sha256 of `{entry.path}` in the bundle differs from the sha256 in the manifest")
