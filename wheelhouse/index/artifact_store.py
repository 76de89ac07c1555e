"""Artifacts: each file is downloaded once, checked against its hashes, inspected, and kept in the store."""

import os
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.inspect_pool import InspectPool, encoded
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.waivers import NO_WAIVERS, Waivers
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.events import Finished, Listener, Received, Waiting, Warned, ignore
from wheelhouse.files.disk import copy_of, digest_of, os_errors_as_machine_error, sha256_of
from wheelhouse.files.store import Store
from wheelhouse.files.tasks import Tasks
from wheelhouse.findings import Subject
from wheelhouse.index.download import Download, WrongSizeError
from wheelhouse.index.http import Http
from wheelhouse.index.inspections import CONTENTS, Inspections
from wheelhouse.index.sources import path_of
from wheelhouse.index.store_access import StoreAccess

NOT_THE_FILE = "do not use this file; a proxy may have altered it, or the index has replaced it"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A checked file in the store; `fresh` if this run hashed its bytes as they arrived."""

    path: Path
    sha256: str
    size: int
    contents: InspectedFile
    fresh: bool


class ArtifactStore:
    """Brings files into the store, in the threads of `downloads`. Closed with `close`."""

    def __init__(
        self,
        http: Http,
        access: StoreAccess,
        inspections: Inspections,
        downloads: Tasks,
        on_event: Listener = ignore,
        waivers: Waivers = NO_WAIVERS,
    ) -> None:
        self._http, self._access, self._inspections, self._downloads = http, access, inspections, downloads
        self._on_event = on_event
        self._inspect_pool = InspectPool()
        self.waivers = waivers

    def close(self) -> None:
        """End the processes that inspect files. `downloads` is not closed."""
        self._inspect_pool.close()

    def get(self, candidate: Candidate) -> "Future[StoredFile]":
        """A future of a candidate's file: from the store, else brought, checked and inspected in a thread, once in a run for
        each `Candidate.key`: two names of the same bytes share it.

        It raises RefusedError for a finding in the file that no waiver covers, IntegrityError for a file that is not the
        expected one, ServerError if it cannot be had, InputError for a built or local file that is not there.
        """
        return self._downloads.start(("file", candidate.key), lambda: self._admitted(candidate))

    def find(self, filename: str, sha256: str) -> StoredFile | None:
        """The file with this sha256, meant for one that was made and so has no URL: from the cache, where a downloaded one
        counts, too, else brought into it from the store that machines share. None if neither has it, with what was read of
        it. No index is asked. Raises IntegrityError if what was brought is not a sound wheel.
        """
        candidate = Candidate(NormalizedName(""), Version("0"), filename, "", "", {"sha256": sha256})
        return self._stored(candidate) or self._made_elsewhere(candidate)

    def part_of(self, candidates: Iterable[Candidate]) -> Store:
        """The part of the store for what is made of these files: the private one if a file is of the private one, else the shared one."""
        parts = [self._access.part_for(candidate.url) for candidate in candidates]
        return next((part for part in parts if part is self._access.private), self._access.shared)

    def keep(self, path: Path, contents: InspectedFile, part: Store | None = None) -> StoredFile:
        """Move a wheel that this run made, and what was read of it, into the private part of the store: no server vouches for it.

        If `part` is given and is not the private one, other machines may have it through `part`.
        """
        sha256, size = sha256_of(path), path.stat().st_size
        private = self._access.private
        self._inspections.keep(sha256, contents, private)
        stored = StoredFile(private.keep(path, sha256), sha256, size, contents, fresh=True)
        if part is not None and part is not private:
            self.share(stored, part)
        return stored

    def offer(self, sha256: str, url: str) -> None:
        """Let other machines have a cached file that is from this URL, if their store was not sent it lately. Without such a store,
        nothing.
        """
        self._access.part_for(url).offer(sha256)

    def share(self, stored: StoredFile, part: Store) -> None:
        """Let other machines have a file that is kept here, and what was read of it, if `part` is shared with them. What was
        read is noted in `part` in any case.
        """
        part.share(stored.path, stored.sha256)
        part.note(CONTENTS, stored.sha256, encoded(stored.contents))

    def unaltered(self, candidate: Candidate, stored: StoredFile) -> StoredFile:
        """The same file if its bytes have its sha256: they are hashed again, unless this run hashed them as they arrived. Else one
        that is fetched anew, with a warning. Raises MachineError if the file cannot be read, and the errors of fetching.
        """
        is_sound = stored.fresh or sha256_of(stored.path) == stored.sha256
        return stored if is_sound else self.renew(candidate, stored)

    def renew(self, candidate: Candidate, stored: StoredFile) -> StoredFile:
        """Warn that the cache's copy of a file was altered, remove it, and return the file as fetched again. Its findings
        are not judged.

        Raises the errors of fetching, such as InputError for a built file that no store has.
        """
        self._on_event(Warned(f"the cache's copy of {candidate.filename} was altered; the file is downloaded again"))
        self._access.discard(stored.path)
        return self._stored_or_fetched(candidate)

    def _admitted(self, candidate: Candidate) -> StoredFile:
        """The file of a candidate: from the store, else fetched. Raises RefusedError for errors in it that no waiver covers."""
        stored = self._stored_or_fetched(candidate)
        if stored.contents.findings:
            subject = Subject(candidate.filename, candidate.project, stored.sha256, str(candidate.version))
            self.waivers.admit(stored.contents.findings, subject)
        return stored

    def _stored_or_fetched(self, candidate: Candidate) -> StoredFile:
        """The file of a candidate: from the store, else copied or downloaded; its findings are not judged. Emits events. A
        file from the store is offered to other machines.

        Raises InputError for a file without a URL, which was built, if no store has it.
        """
        if stored := self._stored(candidate):
            if candidate.url:
                self.offer(stored.sha256, candidate.url)
            self._on_event(Finished(candidate.filename, reused=True))
            return stored
        if not candidate.url:
            if made := self._made_elsewhere(candidate):
                return made
            raise InputError(
                f"`{candidate.filename}` was built on this machine, but neither the wheelhouse nor the cache has it",
                hint="build it again: `wheelhouse build`",
            )
        self._on_event(Waiting(candidate.filename, candidate.size))
        with self._access.part_for(candidate.url).partial(candidate.key) as partial:
            stored = self._stored(candidate, again=True) or self._fetch(candidate, partial)
        self._on_event(Finished(candidate.filename, reused=not stored.fresh))
        return stored

    def _stored(self, candidate: Candidate, *, again: bool = False) -> StoredFile | None:
        """A candidate's file from the cache, with an earlier inspection of it, which another machine may have made. None if
        there is no such file or inspection, if the size is not the candidate's, or if the candidate has no sha256. Not
        hashed.

        `again` if another run may have stored it since this run asked first.

        Raises ServerError if it is kept for other credentials, and its server refuses the present ones.
        """
        sha256 = candidate.sha256
        if not sha256 or not (contents := self._inspections.bring(sha256, again=again)):
            return None
        if (path := self._access.artifact(sha256, candidate.url)) is None:
            return None
        try:
            size = path.stat().st_size
        except OSError:
            return None
        if candidate.size not in (None, size):
            return None
        return StoredFile(path, sha256, size, contents, fresh=False)

    def _fetch(self, candidate: Candidate, path: Path) -> StoredFile:
        """Copy or download a file to `path`, check and inspect it, and move it into the part of the store for its URL. In
        the private part it is noted which credentials may have it.

        Raises IntegrityError for a file that is not the expected one, ServerError, and InputError for an unreadable local
        file.
        """
        sha256 = self._copied(candidate, path) or self._download(candidate, path)
        with os_errors_as_machine_error(path):
            contents, size = self._checked(candidate, path, sha256), path.stat().st_size
        part = self._access.part_for(candidate.url)  # asked again: a refusal may have been a reason to use credentials
        self._access.grant(sha256, candidate.url)
        self._inspections.keep(sha256, contents, part)  # first: a run that waited for the partial file looks for this
        return StoredFile(part.keep(path, sha256), sha256, size, contents, fresh=True)

    def _copied(self, candidate: Candidate, path: Path) -> str | None:
        """Write a file of this machine, of the cache or of the store that machines share to `path`, and return its sha256. None if
        it must be downloaded.

        It may be in the store without an inspection by this user: another user brought it.
        """
        if candidate.is_local:
            return copy_of(path_of(candidate.url), path)
        stored = self._access.artifact(candidate.sha256, candidate.url) if candidate.sha256 else None
        if stored and candidate.size in (None, stored.stat().st_size):
            if copy_of(stored, path) == candidate.sha256:
                return candidate.sha256
            os.truncate(path, 0)  # a download would go on from what is there
        return self._brought(candidate, path)

    def _brought(self, candidate: Candidate, path: Path) -> str | None:
        """Write a file from the store that machines share to `path`, and return its sha256; None if they have none of the
        right size, or if the candidate has no sha256. A wrong one leaves `path` empty.
        """

        def received(count: int) -> None:
            """Emit how many more bytes of the file arrived."""
            self._on_event(Received(candidate.filename, count))

        sha256 = candidate.sha256
        if not sha256 or not self._access.bring(sha256, candidate.url, path, received):
            return None
        if candidate.size in (None, path.stat().st_size):
            return sha256
        os.truncate(path, 0)
        return None

    def _made_elsewhere(self, candidate: Candidate) -> StoredFile | None:
        """A file without a URL that another machine made: brought into the private part of the cache, and inspected. None if none
        shares it, or if the candidate has no sha256.
        """
        if not candidate.sha256:
            return None
        with self._access.private.partial(candidate.sha256) as partial:
            if stored := self._stored(candidate, again=True):
                return stored
            if self._brought(candidate, partial) is None:
                partial.unlink(missing_ok=True)
                return None
            contents = self._checked(candidate, partial, candidate.sha256)
            stored = self.keep(partial, contents)
        self._on_event(Finished(candidate.filename))
        return stored

    def _download(self, candidate: Candidate, path: Path) -> str:
        """Download a file, and return its sha256. One that was resumed and is wrong is downloaded once more, whole.

        The sha256 is not compared here otherwise. Raises IntegrityError for a wrong size.
        """

        def received(count: int) -> None:
            """Emit how many more bytes of the file arrived."""
            self._on_event(Received(candidate.filename, count))

        download = Download(self._http, candidate.url, path, candidate.filename, candidate.size, received)
        try:
            sha256 = self._http.retrying(candidate.filename, download.run)
            if download.resumed and candidate.sha256 not in (None, sha256):
                download.start_anew()
                sha256 = self._http.retrying(candidate.filename, download.run)
        except WrongSizeError as error:
            raise IntegrityError(str(error), hint=NOT_THE_FILE) from error
        return sha256

    def _checked(self, candidate: Candidate, path: Path, sha256: str) -> InspectedFile:
        """What an earlier run, or an inspection now, reads of a file that was fetched. Removes the file and raises IntegrityError if a
        hash is not the expected one, or the inspection finds the file broken.
        """
        try:
            for name, expected in _expected_hashes(candidate):
                digest = sha256 if name == "sha256" else digest_of(path, name)
                if digest != expected:
                    raise IntegrityError(
                        f"`{candidate.filename}` has the {name} {digest}, but {expected} was expected",
                        hint=NOT_THE_FILE,
                    )
            return self._inspections.get(sha256) or self._inspect_pool.inspect(path, candidate.filename)
        except IntegrityError:
            path.unlink(missing_ok=True)
            raise


def _expected_hashes(candidate: Candidate) -> list[tuple[str, str]]:
    """(algorithm, digest) of the sha256 alone if the index gives one, else of every hash that it gives; empty if it gives none."""
    return list(candidate.hashes.items()) if candidate.sha256 is None else [("sha256", candidate.sha256)]
