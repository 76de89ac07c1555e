"""What an index and the cache can supply: each page, metadata and file once, as early as somebody can want it.

A project that a constraint pins will be needed in that version: its file starts to arrive when its page names it, and its
metadata are read from the sidecar, from the file's tail or from the file itself, whichever is there first.
"""

import hashlib
import re
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.inspect_pool import InspectPool, decoded, encoded
from wheelhouse.archive.metadata import InspectedFile, Metadata
from wheelhouse.archive.waivers import NO_WAIVERS, Subject, Waivers
from wheelhouse.archive.wheelfile import metadata_of
from wheelhouse.errors import InputError, IntegrityError, ServerError
from wheelhouse.events import Finished, Listener, Received, Waiting, Warned, ignore
from wheelhouse.files.cache import Cache
from wheelhouse.files.disk import copy_of, digest_of, os_errors_as_machine_error, read_bytes, sha256_of
from wheelhouse.files.tasks import Tasks, first_success, then
from wheelhouse.index.credentials import host_of, redact
from wheelhouse.index.download import Download, WrongSizeError
from wheelhouse.index.http import Http
from wheelhouse.index.pages import Page
from wheelhouse.index.provenance import SUFFIX as PROVENANCE_SUFFIX
from wheelhouse.index.provenance import Provenance, identities_of
from wheelhouse.index.ranged import NoRangesError, ranged_metadata
from wheelhouse.index.sources import IndexLocations, path_of

PAGE_THREADS, FILE_THREADS = 16, 8
SMALL = 192 << 10
"""Bytes: a wheel no larger than this arrives as quickly whole as its tail would."""
LARGE = 4 << 20
"""Bytes: of a wheel larger than this the tail is asked for even while the whole is on its way."""
NOT_THE_FILE = "do not use this file; a proxy may have altered it, or the index has replaced it"
METADATA = re.compile(rb"^Metadata-Version:", re.MULTILINE | re.IGNORECASE)
CONTENTS, PROVENANCE = "contents-2", "provenance-1"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the cache, checked. `fresh` says that this very run hashed its bytes as they arrived."""

    path: Path
    sha256: str
    size: int
    contents: InspectedFile
    fresh: bool


class PackageSource:
    """The connected side, shared by all targets of a run. Closed with `close`."""

    def __init__(
        self,
        locations: IndexLocations,
        http: Http,
        cache: Cache,
        on_event: Listener = ignore,
        waivers: Waivers = NO_WAIVERS,
    ) -> None:
        self.locations = locations
        self.cache = cache
        self.waivers = waivers
        self._http, self._on_event = http, on_event
        self._pages = Tasks(PAGE_THREADS, "pages")
        self._files = Tasks(FILE_THREADS, "files")
        self._learned: dict[str, Metadata] = {}
        self._early: dict[tuple[str, str], bytes] = {}
        self._known: dict[str, InspectedFile] = {}
        self._asked: dict[str, Candidate] = {}
        self._without_ranges: set[str] = set()
        self._without_sidecars: set[str] = set()
        self._distrusted: set[str] = set()
        self._openers = InspectPool()

    def close(self) -> None:
        """Stop what is still under way; what is unfinished can be resumed by a later run."""
        self._http.close()
        self._files.close()
        self._pages.close()
        self._openers.close()

    def page(self, project: NormalizedName) -> "Future[Page | None]":
        """A project's page; None where the index has no such project."""
        return self._pages.start(("page", project), lambda: self._page(project))

    def _page(self, project: NormalizedName) -> Page | None:
        subject = f"{project} (page)"
        self._on_event(Waiting(subject))
        page = self.locations.page(project)
        self._on_event(Finished(subject))
        return page

    def artifact(self, candidate: Candidate) -> "Future[StoredFile]":
        """The file itself, in the cache, hashed and checked. Raises RefusedError for an error in it that no waiver covers."""
        candidate = self._asked.get(candidate.key, candidate)
        return self._files.start(("file", candidate.key), lambda: self._admitted(candidate))

    def _admitted(self, candidate: Candidate) -> StoredFile:
        stored = self._artifact(candidate)
        if stored.contents.findings:
            subject = Subject(candidate.filename, candidate.project, stored.sha256)
            self.waivers.admit(stored.contents.findings, subject)
        return stored

    def metadata(self, candidate: Candidate, *, certain: bool = False) -> "Future[Metadata]":
        """What a candidate says of itself; `certain` that its file will be needed, too.

        The candidate is kept: a lock's address of it has no query, which its server may want.
        """
        known = self._known_metadata(candidate)
        if known is not None:
            if certain and candidate.key not in self._learned:
                self.artifact(candidate)
            future: Future[Metadata] = Future()
            future.set_result(known)
            return future
        if candidate.sidecar is not None and candidate.is_wheel and not candidate.is_local:
            asked = self._pages.start(("sidecar", candidate.key), lambda: self._sidecar(candidate))
            if certain:
                self.artifact(candidate)
            return asked
        return self._metadata_of_the_file(candidate, certain=certain)

    def _known_metadata(self, candidate: Candidate) -> Metadata | None:
        """What is known without asking. Where this run asked for the sidecar, that decides, even if the file is here first."""
        seen = candidate.key in self._asked
        self._asked.setdefault(candidate.key, candidate)
        if candidate.key in self._learned:
            return self._learned[candidate.key]
        if not candidate.sha256 or self._pages.started(("sidecar", candidate.key)):
            return None
        # on the disk once: what comes later is known
        contents = self._known.get(candidate.sha256) if seen else self._noted(candidate.sha256)
        return contents.metadata if contents else None

    def _metadata_of_the_file(self, candidate: Candidate, *, certain: bool) -> "Future[Metadata]":
        if certain:
            self.artifact(candidate)
        if self._is_read_whole(candidate, LARGE if certain else SMALL):
            return then(self.artifact(candidate), lambda stored: stored.contents.metadata)
        tail = self._pages.start(("tail", candidate.key), lambda: self._tail(candidate))
        if not certain:
            return tail
        return first_success([tail, then(self.artifact(candidate), lambda stored: stored.contents.metadata)])

    def _is_read_whole(self, candidate: Candidate, small: int) -> bool:
        """Whether metadata come from the whole file, and not from its tail. `small` is in bytes."""
        if not candidate.is_wheel or candidate.is_local or host_of(candidate.url) in self._without_ranges:
            return True
        return candidate.size is not None and candidate.size <= small

    def provenance(self, candidate: Candidate) -> "Future[Provenance | None]":
        """The attestations of a file, where the index has any (PEP 740): kept in the cache, and not yet checked."""
        if (url := candidate.provenance) is None:
            none: Future[Provenance | None] = Future()
            none.set_result(None)
            return none
        return self._pages.start(("provenance", candidate.key), lambda: self._provenance(candidate.filename, url))

    def _provenance(self, filename: str, url: str) -> Provenance | None:
        subject = f"{filename}{PROVENANCE_SUFFIX}"
        try:
            raw = self._provenance_at(url, subject)
            identities = identities_of(raw.decode())
        except ValueError as error:
            self._on_event(Warned(f"{subject} is left out: {error}"))
            return None
        sha256 = hashlib.sha256(raw).hexdigest()
        self.cache.note(PROVENANCE, sha256, raw)
        return Provenance(redact(url), sha256, identities)

    def _provenance_at(self, url: str, subject: str) -> bytes:
        """Raises ValueError where the index does not have what it announces."""
        if url.startswith("file:"):
            return read_bytes(path_of(url), "the file of attestations")
        reply = self._http.get(url, subject=subject)
        if reply.status != 200:
            raise ValueError(f"the index announces it, and answered {reply.status}")
        return reply.body

    def provenance_text(self, provenance: Provenance) -> "Future[str]":
        """The attestations that a lock names. Raises IntegrityError where the index has others by now."""
        return self._pages.start(("attestations", provenance.sha256), lambda: self._provenance_text(provenance))

    def _provenance_text(self, provenance: Provenance) -> str:
        raw = self.cache.noted(PROVENANCE, provenance.sha256)
        if raw is None:
            hint = "fetch with --upgrade, which takes the attestations that the index has now"
            try:
                raw = self._provenance_at(provenance.url, "the attestations")
            except ValueError as error:
                raise ServerError(f"{provenance.url}: {error}", hint=hint) from error
            if hashlib.sha256(raw).hexdigest() != provenance.sha256:
                raise IntegrityError(f"{provenance.url} is not what the lock names any more", hint=hint)
        return raw.decode()

    def _sidecar(self, candidate: Candidate) -> Metadata:
        """A wheel's metadata from the file beside it; from the wheel where the index does not have what it promises."""
        try:
            return self._early_metadata(candidate, self._sidecar_text(candidate))
        except ServerError as error:
            self._say_what_is_missing(candidate, error)
        except IntegrityError:
            self._distrust(candidate)
            raise
        if self._is_read_whole(candidate, SMALL):
            return self.artifact(candidate).result().contents.metadata
        return self._tail(candidate)

    def _sidecar_text(self, candidate: Candidate) -> bytes:
        """Raises ServerError where there is none (a page to log in, too), IntegrityError for other metadata than promised."""
        reply = self._http.get(candidate.sidecar_url, subject=f"{candidate.filename}.metadata")
        if reply.status != 200:
            raise ServerError(f"{redact(candidate.sidecar_url)} answered {reply.status}")
        if candidate.sidecar and hashlib.sha256(reply.body).hexdigest() == candidate.sidecar:
            return reply.body
        if not METADATA.search(reply.body):
            raise ServerError(f"{redact(candidate.sidecar_url)} answered with something else")
        if candidate.sidecar:
            raise IntegrityError(
                f"the metadata file of `{candidate.filename}` does not have the sha256 that the index gives"
            )
        return reply.body

    def _say_what_is_missing(self, candidate: Candidate, error: ServerError) -> None:
        """Once a host: an index that lacks one such file often lacks all."""
        host = host_of(candidate.sidecar_url)
        if host not in self._without_sidecars:
            self._without_sidecars.add(host)
            sentence = f"{host} does not have a metadata file that the index promises ({error})"
            self._on_event(Warned(f"{sentence}; metadata come from the wheels themselves where that is so"))

    def _distrust(self, candidate: Candidate) -> None:
        """Forget what was read of a file whose metadata were told apart from it, and differ: the next run must find that, too."""
        if candidate.sha256:
            self._distrusted.add(candidate.sha256)
            self.cache.forget(CONTENTS, candidate.sha256)

    def _tail(self, candidate: Candidate) -> Metadata:
        try:
            raw = self._http.retrying(
                candidate.filename, lambda: ranged_metadata(self._http, candidate.url, candidate.filename)
            )
        except ServerError as error:
            if isinstance(error, NoRangesError):
                self._without_ranges.add(host_of(candidate.url))
            return self.artifact(candidate).result().contents.metadata
        return self._early_metadata(candidate, raw)

    def _early_metadata(self, candidate: Candidate, raw: bytes) -> Metadata:
        metadata = metadata_of(raw, candidate.filename)
        self._early[candidate.project, candidate.filename] = raw
        return metadata

    def learn(self, sdist: str, metadata: Metadata) -> None:
        """That the sdist with this sha256 was built, and what the wheel says of itself: from now on the sdist says so, too."""
        self._learned[sdist] = metadata

    def keep(self, path: Path, contents: InspectedFile) -> StoredFile:
        """Take a wheel that was made here, and inspected, into the cache. The file at `path` is gone then."""
        sha256, size = sha256_of(path), path.stat().st_size
        self.cache.note(CONTENTS, sha256, encoded(contents))
        return StoredFile(self.cache.keep(path, sha256), sha256, size, contents, fresh=True)

    def kept(self, filename: str, sha256: str) -> StoredFile | None:
        """A file that was made here before, where the cache still has it."""
        return self._cached(Candidate(NormalizedName(""), Version("0"), filename, "", "", {"sha256": sha256}))

    def confirm(self, candidate: Candidate, stored: StoredFile) -> None:
        """Raise IntegrityError where what was read before the file was here differs from what the file says."""
        early = self._early.get((candidate.project, candidate.filename))
        if early is not None and early != stored.contents.raw_metadata:
            self._distrust(candidate)
            raise IntegrityError(
                f"`{candidate.filename}` holds other metadata than those that the index served apart from it",
                hint="do not use this file; tell whoever runs the index",
            )

    # Files

    def _artifact(self, candidate: Candidate) -> StoredFile:
        if stored := self._cached(candidate):
            self._on_event(Finished(candidate.filename, reused=True))
            return stored
        if not candidate.url:
            hint = "build it again: `wheelhouse build`"
            raise InputError(
                f"`{candidate.filename}` was built here, and neither the house nor the cache has it", hint=hint
            )
        self._on_event(Waiting(candidate.filename, candidate.size))
        with self.cache.partial(candidate.key) as partial:
            stored = self._cached(candidate) or self._download(candidate, partial)
        self._on_event(Finished(candidate.filename, reused=not stored.fresh))
        return stored

    def renewed(self, candidate: Candidate, stored: StoredFile) -> StoredFile:
        """The file anew, where the cache's copy of it was altered since it was checked."""
        self._on_event(Warned(f"the cache's copy of {candidate.filename} was altered; it is fetched anew"))
        self.cache.discard(stored.path)
        return self._artifact(self._asked.get(candidate.key, candidate))

    def _cached(self, candidate: Candidate) -> StoredFile | None:
        sha256 = candidate.sha256
        if not sha256 or not (contents := self._noted(sha256)):
            return None
        if (path := self.cache.artifact(sha256)) is None:
            return None
        try:
            size = path.stat().st_size
        except OSError:
            return None
        if candidate.size not in (None, size):
            return None
        return StoredFile(path, sha256, size, contents, fresh=False)

    def _download(self, candidate: Candidate, path: Path) -> StoredFile:
        sha256 = copy_of(path_of(candidate.url), path) if candidate.is_local else self._receive(candidate, path)
        with os_errors_as_machine_error(path):
            contents, size = self._checked(candidate, path, sha256), path.stat().st_size
        self._known[sha256] = contents
        self.cache.note(CONTENTS, sha256, encoded(contents))  # first: who finds the partial file gone must find this
        if sha256 in self._distrusted:
            self.cache.forget(CONTENTS, sha256)
        final = self.cache.keep(path, sha256)
        return StoredFile(final, sha256, size, contents, fresh=True)

    def _receive(self, candidate: Candidate, path: Path) -> str:
        def received(count: int) -> None:
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
        """What the downloaded file says of itself; what is not the file that the index names never stays."""
        try:
            for name, expected in (
                candidate.hashes.items() if candidate.sha256 is None else [("sha256", candidate.sha256)]
            ):
                found = sha256 if name == "sha256" else digest_of(path, name)
                if found != expected:
                    raise IntegrityError(
                        f"`{candidate.filename}` has the {name} {found}, where {expected} was expected",
                        hint=NOT_THE_FILE,
                    )
            return self._openers.inspect(path, candidate.filename)
        except IntegrityError:
            path.unlink(missing_ok=True)
            raise

    def _noted(self, sha256: str) -> InspectedFile | None:
        known = self._known.get(sha256)
        if known is None and (raw := self.cache.noted(CONTENTS, sha256)):
            with suppress(msgspec.DecodeError):
                known = self._known[sha256] = decoded(raw)
        return known
