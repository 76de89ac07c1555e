"""One suite of an archive, fetched and verified: its InRelease by its signature, its Packages by the hashes in InRelease."""

import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wheelhouse.archive.compressed import decompressed
from wheelhouse.debian.apt_sources import AptSource
from wheelhouse.debian.deb_catalogue import SuitePackages
from wheelhouse.debian.debian_lock import IndexFile
from wheelhouse.debian.release_file import ListedFile, ReleaseFile, parse_release
from wheelhouse.debian.release_signature import signed_text
from wheelhouse.errors import IntegrityError, RefusedError, ServerError
from wheelhouse.events import Listener
from wheelhouse.files.disk import os_errors_as_machine_error
from wheelhouse.index.http import Http
from wheelhouse.index.store_access import StoreAccess
from wheelhouse.index.store_download import FileRequest, stored_or_downloaded
from wheelhouse.index.urls import redact
from wheelhouse.lock.wheelhouse import sha256_of_bytes

DECOMPRESSORS = {".xz": "lzma", ".gz": "gzip"}


@dataclass(frozen=True, slots=True)
class FetchedIndex:
    """A `Packages` in the store."""

    file: IndexFile
    path: Path
    packages: SuitePackages


@dataclass(frozen=True, slots=True)
class FetchedSuite:
    """A verified suite. `in_release` are the bytes of its InRelease, `signers` the keys that signed it."""

    source: AptSource
    in_release: bytes
    signers: tuple[str, ...]
    release: ReleaseFile
    indexes: tuple[FetchedIndex, ...]

    @property
    def files(self) -> tuple[IndexFile, ...]:
        """InRelease, then each Packages, with their paths in the archive."""
        path = f"{self.source.folder}/InRelease".lstrip("/")
        own = IndexFile(path, sha256_of_bytes(self.in_release), len(self.in_release))
        return (own, *(index.file for index in self.indexes))


@dataclass(frozen=True, slots=True)
class ArchiveReader:
    """Reads suites. `valid_at` is the time at which a suite must be valid; None if a snapshot of any age will do."""

    http: Http
    access: StoreAccess
    architecture: str
    valid_at: datetime | None
    on_event: Listener

    def read(self, source: AptSource, keyrings: Sequence[bytes]) -> FetchedSuite:
        """Download and verify a suite, with the text of each Packages of the source's components; these go to the store.

        Raises ServerError, InputError for a component that it lacks and for missing or damaged keys, IntegrityError for a
        wrong signature, date or hash, and MachineError without gpgv and gpg, and for the disk.
        """
        base = f"{source.url}/{source.folder}".rstrip("/")
        url = f"{base}/InRelease"
        reply = self.http.get(url)
        if reply.status != 200:
            raise ServerError(
                f"{redact(url)} answered {reply.status}", hint="check the address and the suite: --deb-source"
            )
        text, signers = signed_text(reply.body, keyrings, redact(url))
        release = parse_release(text)
        if self.valid_at:
            release.must_be_valid(self.valid_at, redact(url))
        listed = release.packages(source.components, self.architecture)
        indexes = tuple(self._index(base, source, release, file) for file in listed)
        return FetchedSuite(source, reply.body, signers, release, indexes)

    def _index(self, base: str, source: AptSource, release: ReleaseFile, listed: ListedFile) -> FetchedIndex:
        """A Packages, downloaded and decompressed; `base` is the address of the suite's folder."""
        path = self._downloaded(base, release, listed)
        packages = SuitePackages(_text(path, listed.path), (*release.names, source.suite), release.pin)
        folder = f"{source.folder}/" if source.folder else ""
        component = listed.path.partition("/binary-")[0] if source.components else ""
        return FetchedIndex(IndexFile(folder + listed.path, listed.sha256, listed.size, component), path, packages)

    def _downloaded(self, base: str, release: ReleaseFile, listed: ListedFile) -> Path:
        """The path of a Packages in the store: by its hash, which no update of the mirror changes, or by its name.

        By its name if the suite has none by hash, or if the request by hash ends in a ServerError. Raises ServerError, and
        IntegrityError for other bytes than the suite lists.
        """
        plain = f"{base}/{listed.path}"
        by_hash = f"{plain.rpartition('/')[0]}/by-hash/SHA256/{listed.sha256}"
        try:
            return self._stored(by_hash if release.by_hash else plain, listed)
        except ServerError:
            if not release.by_hash:
                raise
            return self._stored(plain, listed)

    def _stored(self, url: str, listed: ListedFile) -> Path:
        """The path of a file in the store, downloaded if the store lacks it."""
        request = FileRequest(url, listed.path, listed.sha256, listed.size)
        return stored_or_downloaded(request, self.http, self.access, self.on_event)[0]


def _text(path: Path, name: str) -> str:
    """The text of a Packages, decompressed by the suffix of `name`. Raises IntegrityError, and MachineError for the disk.

    Its names and relations are ASCII; latin-1 reads all bytes, and takes a quarter of the memory.
    """
    module = next((module for suffix, module in DECOMPRESSORS.items() if name.endswith(suffix)), None)
    try:
        with os_errors_as_machine_error(path), decompressed(path, module) as stream:
            return stream.read().decode("latin-1")
    except (tarfile.ReadError, RefusedError) as error:
        raise IntegrityError(f"`{name}` cannot be decompressed: {error}", hint="use another mirror") from error
