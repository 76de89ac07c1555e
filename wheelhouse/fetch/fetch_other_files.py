"""Other files that an image needs: fetched, checked against hashes, checksum files and signatures, and locked."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from wheelhouse.archive.artifact import Artifact
from wheelhouse.errors import InputError, IntegrityError, ServerError
from wheelhouse.events import Finished, Listener, ignore
from wheelhouse.fetch.gpg import signer_of
from wheelhouse.files.disk import (
    commit_file,
    copy_to_temp_file,
    digest_of,
    folder_lock,
    has_locked_bytes,
    os_errors_as_machine_error,
    rooted,
    sha256_of,
    temp_file,
    write,
)
from wheelhouse.files.store import Store
from wheelhouse.files.temporary import TEMP_PREFIX
from wheelhouse.index.http import Http
from wheelhouse.index.store_access import StoreAccess
from wheelhouse.index.store_download import NOT_THIS_FILE, FileRequest, stored_or_downloaded
from wheelhouse.index.urls import locked_url, redact
from wheelhouse.lock.other_files import FOLDER, OtherFile, OtherFileRequest, OtherFiles, last_part, published_digest
from wheelhouse.lock.wheelhouse import sha256_of_bytes
from wheelhouse.verify.inner_folders import list_inner_folders
from wheelhouse.verify.verify_other_files import load_other_files

DOWNLOADS = 4


@dataclass(frozen=True, slots=True)
class _FetchedFile:
    """A fetched file, in the store, and the files published beside it, in memory: none has a name in the wheelhouse yet."""

    file: OtherFile
    path: Path | None = None
    beside: tuple[tuple[str, bytes], ...] = ()


def fetch_other_files(
    requests: Sequence[OtherFileRequest], wheelhouse: Path, http: Http, store: Store, on_event: Listener = ignore
) -> tuple[OtherFiles, tuple[str, ...]]:
    """Make a wheelhouse's `files/` hold the requested files and no other locked one; its lock then, and the names of removed
    files.

    A file that is there, and is locked for the same request, is not fetched again.

    The wheelhouse's own SHA256SUMS, if there is one, then lists `files/` as it is now.

    Raises InputError for an invalid request, key file or earlier lock, for two different files with one name, and before a
    file that the earlier lock does not name would be overwritten with other bytes; ServerError; IntegrityError for a file
    with other bytes than expected, or than the
    published checksum or signature is for; and MachineError, also if a signature needs GnuPG and it is missing.
    """
    checked, folder = [request.checked() for request in requests], wheelhouse / FOLDER
    if not checked and not folder.is_dir():
        return OtherFiles(), ()
    with folder_lock(folder), ThreadPoolExecutor(DOWNLOADS) as pool:
        existing = load_other_files(wheelhouse)
        fetcher = _Fetcher(folder, existing, http, StoreAccess(http, store), on_event)
        fetched = list(pool.map(fetcher.fetch, checked))
        files = OtherFiles(tuple(sorted((each.file for each in fetched), key=lambda file: file.name)))
        _must_not_overwrite(folder, existing, files)
        _put(folder, fetched, files)
        removed = _remove(folder, existing, files)
        list_inner_folders(folder)
        return files, removed


def _must_not_overwrite(folder: Path, existing: OtherFiles, files: OtherFiles) -> None:
    """Raise InputError if the folder has another file by the name of one of `files`, and the earlier lock (`existing`) did not
    name it.
    """
    for name, artifact in files.artifacts.items():
        path = rooted(folder, name)
        if name not in existing.artifacts and path.exists() and not has_locked_bytes(folder, artifact):
            hint = 'move the existing file away, or give the downloaded file another name: name = "…"'
            raise InputError(f"`{path}` already exists, and differs from the downloaded file", hint=hint)


def _put(folder: Path, fetched: list[_FetchedFile], files: OtherFiles) -> None:
    """Bring what was fetched into the folder, with the files beside it, and write SHA256SUMS and the lock file, unless there
    are no `files`.
    """
    copies = [
        (copy_to_temp_file(each.path, folder, each.file.sha256), rooted(folder, each.file.name))
        for each in fetched
        if each.path
    ]
    for path, final in copies:
        commit_file(path, final)
    for name, raw in (row for each in fetched for row in each.beside):
        write(folder, name, raw)
    for name, text in files.texts.items():
        write(folder, name, text)


def _remove(folder: Path, existing: OtherFiles, files: OtherFiles) -> tuple[str, ...]:
    """Remove the files that only the earlier lock named; their names, sorted, also of those that were gone already. If
    `files` names none, the folder goes too, if it is empty then.
    """
    kept = files.artifacts.keys() | files.texts.keys()
    removed = tuple(sorted((existing.artifacts.keys() | existing.texts.keys()) - kept))
    with os_errors_as_machine_error(folder):
        for name in removed:
            rooted(folder, name).unlink(missing_ok=True)
        if not files.files and not any(path for path in folder.iterdir() if not path.name.startswith(TEMP_PREFIX)):
            folder.rmdir()
    return removed


@dataclass(frozen=True, slots=True)
class _Fetcher:
    """Fetches files, for several threads. `existing` is the lock before."""

    folder: Path
    existing: OtherFiles
    http: Http
    access: StoreAccess
    on_event: Listener

    def fetch(self, request: OtherFileRequest) -> _FetchedFile:
        """One file with all that is published beside it, fetched into the store, and checked.

        If the folder has it as it is locked, nothing is fetched, and no signature is checked, also with another key; `to`,
        `unpack` and `strip` are those of the request. A file that is fetched again must have the locked sha256.
        """
        locked = self._locked(request)
        if locked and all(has_locked_bytes(self.folder, artifact) for artifact in locked.artifacts):
            self.on_event(Finished(request.name, reused=True))
            return _FetchedFile(replace(locked, to=request.to, unpack=request.unpack, strip=request.strip))
        return self._fetched(request, locked.sha256 if locked else request.sha256)

    def _locked(self, request: OtherFileRequest) -> OtherFile | None:
        """The entry of the lock with the same name, addresses and, if the request gives one, sha256; None if there is none.

        The key of a signature is not compared, nor are credentials in the addresses.
        """
        beside = {name: locked_url(url) for name, url in request.beside.items()}
        for file in self.existing.files:
            locked_beside = {artifact.filename: artifact.url for artifact in file.beside}
            if (file.name, file.url, locked_beside) == (
                request.name,
                locked_url(request.url),
                beside,
            ) and request.sha256 in (
                None,
                file.sha256,
            ):
                return file
        return None

    def _fetched(self, request: OtherFileRequest, expected: str | None) -> _FetchedFile:
        """Fetch a file and what is published beside it, and check the file against that and against the `expected` sha256, if any."""
        beside = {name: self._small(url) for name, url in request.beside.items()}
        path, sha256 = self._received(request, expected)
        vouchers = [self._vouched(name, raw, request, path) for name, raw in beside.items()]
        artifacts = tuple(
            Artifact(name, sha256_of_bytes(raw), len(raw), locked_url(request.beside[name]))
            for name, raw in beside.items()
        )
        size, url = path.stat().st_size, locked_url(request.url)
        file = OtherFile(
            request.name, url, sha256, size, "; ".join(vouchers), artifacts, request.to, request.unpack, request.strip
        )
        return _FetchedFile(file, path, tuple(beside.items()))

    def _vouched(self, name: str, raw: bytes, request: OtherFileRequest, path: Path) -> str:
        """A sentence for the lock: where the file's checksum is published, or which key signed the file. `raw` holds the checksum or
        the signature; raises IntegrityError if it is not that of the file, InputError and MachineError as `signer_of` does.
        """
        if request.beside[name] == request.checksums:
            return _must_match(raw, request, path)
        with temp_file(self.folder) as (signature, file):
            file.write(raw)
            file.flush()
            return f"signed by {signer_of(signature, path, Path(str(request.key)), f'`{request.name}`')}"

    def _small(self, url: str) -> bytes:
        """The bytes of a checksum file or a signature. Raises ServerError unless the answer has status 200."""
        reply = self.http.get(url)
        if reply.status != 200:
            raise ServerError(f"{redact(url)} answered {reply.status}", hint="check the address in [[files]]")
        return reply.body

    def _received(self, request: OtherFileRequest, expected: str | None) -> tuple[Path, str]:
        """The file in the store, and its sha256. Raises IntegrityError if that is not the expected one."""
        wanted = FileRequest(request.url, request.name, expected)
        return stored_or_downloaded(
            wanted, self.http, self.access, self.on_event, lambda path: sha256_of(path) == expected
        )


def _must_match(raw: bytes, request: OtherFileRequest, path: Path) -> str:
    """A sentence: where the file's checksum is published. Raises IntegrityError if the file differs from it, or if there is none."""
    where, text = locked_url(str(request.checksums)), raw.decode("utf-8", "replace")
    names = filter(None, (last_part(request.url), request.name))
    published = next(filter(None, (published_digest(text, name) for name in names)), None)
    if published is None:
        raise IntegrityError(
            f"there is no sha256 or sha512 of `{request.name}` at {where}", hint="check the address in [[files]]"
        )
    algorithm, digest = published
    if digest_of(path, algorithm) != digest:
        raise IntegrityError(
            f"the {algorithm} of `{request.name}` is not the one that is published at {where}", hint=NOT_THIS_FILE
        )
    return f"its {algorithm} is published at {where}"
