"""Other files that an image needs: fetched, held against their hashes and whoever else vouches for them, and locked."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from wheelhouse.archive.artifact import Artifact
from wheelhouse.errors import InputError, IntegrityError, ServerError
from wheelhouse.events import Finished, Listener, Received, Waiting, ignore
from wheelhouse.fetch.gpg import signer_of
from wheelhouse.files.disk import (
    TEMP_PREFIX,
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
from wheelhouse.index.download import Download
from wheelhouse.index.http import Http
from wheelhouse.index.urls import redact
from wheelhouse.lock.other_files import FOLDER, OtherFile, OtherFileRequest, OtherFiles, last_part, published_digest
from wheelhouse.lock.wheelhouse import sha256_of_bytes
from wheelhouse.verify.verify_other_files import load_other_files

DOWNLOADS = 4
WRONG = "do not use this file; find out why it is another than the one that was asked for"


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A file with what was published beside it, in the cache and in memory: nothing of it has a name in the house yet."""

    file: OtherFile
    path: Path | None = None
    beside: tuple[tuple[str, bytes], ...] = ()


def fetch_other_files(
    wishes: Sequence[OtherFileRequest], house: Path, http: Http, store: Store, on_event: Listener = ignore
) -> tuple[OtherFiles, tuple[str, ...]]:
    """Make a house's `files/` what is wished for; what it holds then, and the names of what was removed.

    What stands, and is locked for the same wish, is not asked for again.

    Raises InputError for a wish that cannot be, ServerError, and IntegrityError for a file that is not what it must be.
    """
    wanted, folder = [wish.checked() for wish in wishes], house / FOLDER
    if not wanted and not folder.is_dir():
        return OtherFiles(), ()
    with folder_lock(folder), ThreadPoolExecutor(DOWNLOADS) as pool:
        standing = load_other_files(house)
        bringer = _Bringer(folder, standing, http, store, on_event)
        arrived = list(pool.map(bringer.bring, wanted))
        files = OtherFiles(tuple(sorted((one.file for one in arrived), key=lambda file: file.name)))
        _free_to_write(folder, standing, files)
        _put(folder, arrived, files)
        return files, _remove(folder, standing, files)


def _free_to_write(folder: Path, standing: OtherFiles, files: OtherFiles) -> None:
    """A file that stands where one of ours must go, and that the lock did not name, is not ours to replace."""
    for name, artifact in files.artifacts.items():
        path = rooted(folder, name)
        if name not in standing.artifacts and path.exists() and not has_locked_bytes(folder, artifact):
            hint = 'move it away, or say name = "…"'
            raise InputError(f"`{path}` is there already, and is not the file that was fetched", hint=hint)


def _put(folder: Path, arrived: list[_Arrived], files: OtherFiles) -> None:
    copies = [
        (copy_to_temp_file(one.path, folder, one.file.sha256), rooted(folder, one.file.name))
        for one in arrived
        if one.path
    ]
    for path, final in copies:
        commit_file(path, final)
    for name, raw in (row for one in arrived for row in one.beside):
        write(folder, name, raw)
    for name, text in files.texts.items():
        write(folder, name, text)


def _remove(folder: Path, standing: OtherFiles, files: OtherFiles) -> tuple[str, ...]:
    kept = files.artifacts.keys() | files.texts.keys()
    gone = tuple(sorted((standing.artifacts.keys() | standing.texts.keys()) - kept))
    with os_errors_as_machine_error(folder):
        for name in gone:
            rooted(folder, name).unlink(missing_ok=True)
        if not files.files and not any(path for path in folder.iterdir() if not path.name.startswith(TEMP_PREFIX)):
            folder.rmdir()
    return gone


@dataclass(frozen=True, slots=True)
class _Bringer:
    folder: Path
    standing: OtherFiles
    http: Http
    store: Store
    on_event: Listener

    def bring(self, wish: OtherFileRequest) -> _Arrived:
        locked = self._locked(wish)
        if locked and all(has_locked_bytes(self.folder, artifact) for artifact in locked.artifacts):
            self.on_event(Finished(wish.name, reused=True))
            return _Arrived(replace(locked, to=wish.to, unpack=wish.unpack, strip=wish.strip))
        arrived = self._fetched(wish, locked.sha256 if locked else wish.sha256)
        self.on_event(Finished(wish.name))
        return arrived

    def _locked(self, wish: OtherFileRequest) -> OtherFile | None:
        """What the lock has for the same wish."""
        beside = {name: redact(url) for name, url in wish.beside.items()}
        for file in self.standing.files:
            stands = {one.filename: one.url for one in file.beside}
            if (file.name, file.url, stands) == (wish.name, redact(wish.url), beside) and wish.sha256 in (
                None,
                file.sha256,
            ):
                return file
        return None

    def _fetched(self, wish: OtherFileRequest, expected: str | None) -> _Arrived:
        beside = {name: self._small(url) for name, url in wish.beside.items()}
        path, sha256 = self._received(wish, expected)
        vouchers = [self._vouched(name, raw, wish, path) for name, raw in beside.items()]
        artifacts = tuple(
            Artifact(name, sha256_of_bytes(raw), len(raw), redact(wish.beside[name])) for name, raw in beside.items()
        )
        size, url = path.stat().st_size, redact(wish.url)
        file = OtherFile(wish.name, url, sha256, size, "; ".join(vouchers), artifacts, wish.to, wish.unpack, wish.strip)
        return _Arrived(file, path, tuple(beside.items()))

    def _vouched(self, name: str, raw: bytes, wish: OtherFileRequest, path: Path) -> str:
        """Who vouches for the file, in a sentence. Raises IntegrityError where it is another than they vouch for."""
        if wish.beside[name] == wish.checksums:
            return _must_match(raw, wish, path)
        with temp_file(self.folder) as (signature, file):
            file.write(raw)
            file.flush()
            return f"signed by {signer_of(signature, path, Path(str(wish.key)), f'`{wish.name}`')}"

    def _small(self, url: str) -> bytes:
        reply = self.http.get(url)
        if reply.status != 200:
            raise ServerError(f"{redact(url)} answered {reply.status}", hint="check the address in [[files]]")
        return reply.body

    def _received(self, wish: OtherFileRequest, expected: str | None) -> tuple[Path, str]:
        """The file in the cache, and its sha256."""
        if expected and (known := self.store.artifact(expected)) and sha256_of(known) == expected:
            return known, expected
        self.on_event(Waiting(wish.name))
        with self.store.partial(expected or wish.url) as partial:
            download = Download(
                self.http,
                wish.url,
                partial,
                wish.name,
                None,
                lambda count: self.on_event(Received(wish.name, count)),
            )
            sha256 = self.http.retrying(wish.name, download.run)
            if expected and sha256 != expected and download.resumed:
                download.start_anew()
                sha256 = self.http.retrying(wish.name, download.run)
            if expected and sha256 != expected:
                partial.unlink(missing_ok=True)
                sentence = f"`{wish.name}` has the sha256 {sha256}, where {expected} was expected"
                raise IntegrityError(sentence, hint=WRONG)
            return self.store.keep(partial, sha256), sha256


def _must_match(raw: bytes, wish: OtherFileRequest, path: Path) -> str:
    where, text = redact(str(wish.checksums)), raw.decode("utf-8", "replace")
    found = published_digest(text, last_part(wish.url))
    if found is None:
        raise IntegrityError(
            f"{where} gives no sha256 or sha512 of `{wish.name}`", hint="check the address in [[files]]"
        )
    algorithm, digest = found
    if digest_of(path, algorithm) != digest:
        raise IntegrityError(f"`{wish.name}` does not have the {algorithm} that {where} gives", hint=WRONG)
    return f"its {algorithm} is published at {where}"
