"""Metadata of candidates: from the sidecar (PEP 658), else from the wheel's tail or from the whole file.

A project that a constraint pins will be needed in that version, so its file is requested together with its metadata,
if the run needs files.
"""

import hashlib
import re
import threading
from concurrent.futures import Future

from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.metadata import Metadata
from wheelhouse.archive.wheelfile import metadata_of
from wheelhouse.errors import IntegrityError, ServerError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.files.tasks import Tasks, first_success, then
from wheelhouse.index.artifact_store import ArtifactStore, StoredFile
from wheelhouse.index.http import Http
from wheelhouse.index.inspections import Inspections
from wheelhouse.index.ranged import NoRangesError, ranged_metadata
from wheelhouse.index.urls import host_of, redact

SMALL_BYTES = 192 << 10
"""A wheel no larger than this arrives whole as quickly as its tail would."""
LARGE_BYTES = 4 << 20
"""The tail of a larger wheel is requested even while the whole file is downloaded."""
METADATA_VERSION = re.compile(rb"^Metadata-Version:", re.MULTILINE | re.IGNORECASE)


class MetadataResolver:
    """Reads the metadata of each candidate once in a run, in the threads of `requests`.

    It alone remembers what was read before a file arrived, and which hosts lack ranges or sidecars.
    """

    def __init__(
        self,
        http: Http,
        artifacts: ArtifactStore,
        inspections: Inspections,
        requests: Tasks,
        on_event: Listener = ignore,
    ) -> None:
        self._http, self._artifacts, self._inspections, self._requests = http, artifacts, inspections, requests
        self._on_event = on_event
        self.requests_files = True
        """Whether a file that will be needed is requested with its metadata. A run that only writes lock files needs none."""
        self._guard = threading.Lock()
        self._built: dict[str, Metadata] = {}
        self._answers: dict[str, Future[Metadata]] = {}
        self._early: dict[tuple[str, str], bytes] = {}
        self._without_ranges: set[str] = set()
        self._without_sidecars: set[str] = set()

    def get(self, candidate: Candidate, *, certain: bool = False) -> "Future[Metadata]":
        """A future of a candidate's metadata: as a built wheel or an inspection gives them, else from the sidecar if the
        index names one for a wheel, else from the file or its tail. `certain` if the file will be needed too: it is then
        requested at the same time, unless this run needs no files.
        """
        certain = certain and self.requests_files
        metadata = self._known(candidate)
        if metadata is not None:
            if certain and candidate.key not in self._built:
                self._artifacts.get(candidate)
            return self._answer(candidate.key, metadata)
        if candidate.sidecar is not None and candidate.is_wheel and not candidate.is_local:
            reading = self._requests.start(("sidecar", candidate.key), lambda: self._sidecar(candidate))
            if certain:
                self._artifacts.get(candidate)
            return reading
        return self._from_file(candidate, certain=certain)

    def _answer(self, key: str, metadata: Metadata) -> "Future[Metadata]":
        """A future that has this result already; the same one for all targets and jobs of a run, which ask again and again."""
        future = self._answers.get(key)
        if future is None or future.result() is not metadata:
            future = Future()
            future.set_result(metadata)
            self._answers[key] = future
        return future

    def learn_built(self, sdist_sha256: str, metadata: Metadata) -> None:
        """From now on, `get` answers for an sdist with the metadata of the wheel that was built from it."""
        self._built[sdist_sha256] = metadata

    def confirm(self, candidate: Candidate, stored: StoredFile) -> None:
        """Raise IntegrityError if what was read before the file arrived differs from what the file holds; nothing if nothing was
        read before. A file that differs is inspected again by the next run.
        """
        early = self._early.get((candidate.project, candidate.filename))
        if early is not None and early != stored.contents.raw_metadata:
            self._distrust(candidate)
            raise IntegrityError(
                f"the metadata in `{candidate.filename}` differ from the metadata file that the index served",
                hint="do not use this file; tell the administrator of the index",
            )

    def _known(self, candidate: Candidate) -> Metadata | None:
        """Metadata that need no request: of a built wheel, else of an inspection on this machine; else None. If this run requested
        the sidecar, no inspection counts: the sidecar decides, even if the file arrives first.
        """
        if candidate.key in self._built:
            return self._built[candidate.key]
        if not candidate.sha256 or self._requests.started(("sidecar", candidate.key)):
            return None
        contents = self._inspections.get(candidate.sha256)
        return contents.metadata if contents else None

    def _from_file(self, candidate: Candidate, *, certain: bool) -> "Future[Metadata]":
        """A future of metadata from the whole file if `_is_read_whole`, up to LARGE_BYTES if `certain`, else up to SMALL_BYTES. From the
        tail of any other; if `certain`, from the tail or the whole file, whichever is there first.
        """
        if certain:
            self._artifacts.get(candidate)
        if self._is_read_whole(candidate, LARGE_BYTES if certain else SMALL_BYTES):
            return then(self._artifacts.get(candidate), lambda stored: stored.contents.metadata)
        tail = self._requests.start(("tail", candidate.key), lambda: self._tail(candidate))
        if not certain:
            return tail
        return first_success([tail, then(self._artifacts.get(candidate), lambda stored: stored.contents.metadata)])

    def _is_read_whole(self, candidate: Candidate, max_bytes: int) -> bool:
        """Whether metadata come from the whole file, and not from its tail: if it is no wheel, is local, has a known size of
        at most `max_bytes`, or its server has no ranges.
        """
        if not candidate.is_wheel or candidate.is_local or host_of(candidate.url) in self._without_ranges:
            return True
        return candidate.size is not None and candidate.size <= max_bytes

    def _sidecar(self, candidate: Candidate) -> Metadata:
        """A wheel's metadata as another machine read them, else from its sidecar; from the wheel or its tail if the sidecar
        that the index announces cannot be had for any reason, with one warning for each host.

        Raises IntegrityError for a sidecar with another hash, or whose metadata are invalid or of another release; then
        what was inspected of the wheel is distrusted.
        """
        if brought := self._brought(candidate):
            return brought
        try:
            return self._early_metadata(candidate, self._sidecar_bytes(candidate))
        except ServerError as error:
            self._warn_of_missing_sidecar(candidate, error)
        except IntegrityError:
            self._distrust(candidate)
            raise
        if self._is_read_whole(candidate, SMALL_BYTES):
            return self._artifacts.get(candidate).result().contents.metadata
        return self._tail(candidate)

    def _sidecar_bytes(self, candidate: Candidate) -> bytes:
        """The bytes of a sidecar. Raises ServerError if there is none (or a log-in page), IntegrityError if its hash is not the
        announced one.
        """
        reply = self._http.get(candidate.sidecar_url, subject=f"{candidate.filename}.metadata")
        if reply.status != 200:
            raise ServerError(f"{redact(candidate.sidecar_url)} answered {reply.status}")
        if candidate.sidecar and hashlib.sha256(reply.body).hexdigest() == candidate.sidecar:
            return reply.body
        if not METADATA_VERSION.search(reply.body):
            raise ServerError(f"{redact(candidate.sidecar_url)} answered with a document that is not metadata")
        if candidate.sidecar:
            raise IntegrityError(
                f"the metadata file of `{candidate.filename}` does not match its sha256 on the index page"
            )
        return reply.body

    def _warn_of_missing_sidecar(self, candidate: Candidate, error: ServerError) -> None:
        """Warn of a missing sidecar, once for each host: an index that lacks one often lacks all."""
        host = host_of(candidate.sidecar_url)
        with self._guard:
            is_new = host not in self._without_sidecars
            self._without_sidecars.add(host)
        if is_new:
            sentence = f"{host} does not have a metadata file that the index promises ({error})"
            self._on_event(Warned(f"{sentence}; wheelhouse reads the metadata from the wheels instead"))

    def _distrust(self, candidate: Candidate) -> None:
        """Remove what an inspection of a candidate's file noted, so that the next run inspects it again; nothing without a sha256."""
        if candidate.sha256:
            self._inspections.distrust(candidate.sha256)

    def _tail(self, candidate: Candidate) -> Metadata:
        """A wheel's metadata as another machine read them, else from its tail; from the whole wheel if the tail cannot be
        had or read. A server without ranges is remembered.

        Raises IntegrityError for metadata that are invalid or of another release.
        """
        if brought := self._brought(candidate):
            return brought
        try:
            raw = self._http.retrying(
                candidate.filename, lambda: ranged_metadata(self._http, candidate.url, candidate.filename)
            )
        except ServerError as error:
            if isinstance(error, NoRangesError):
                with self._guard:
                    self._without_ranges.add(host_of(candidate.url))
            return self._artifacts.get(candidate).result().contents.metadata
        return self._early_metadata(candidate, raw)

    def _brought(self, candidate: Candidate) -> Metadata | None:
        """The metadata that another machine read of the candidate's file; None if none did, or without a sha256.

        That may take a request to the store, and is remembered, as `of_others` does.
        """
        contents = self._inspections.of_others(candidate.sha256) if candidate.sha256 else None
        return contents.metadata if contents else None

    def _early_metadata(self, candidate: Candidate, raw: bytes) -> Metadata:
        """Parse metadata, and remember the bytes, for the whole run, for `confirm` to compare with the file.

        Raises IntegrityError for metadata that are invalid or of another release; then nothing is remembered.
        """
        metadata = metadata_of(raw, candidate.filename)
        with self._guard:
            self._early[candidate.project, candidate.filename] = raw
        return metadata
