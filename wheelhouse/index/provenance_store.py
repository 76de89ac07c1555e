"""Provenance objects (PEP 740): read from the index, kept in the store, not yet checked."""

import hashlib
from concurrent.futures import Future

from wheelhouse.archive.artifact import Candidate
from wheelhouse.errors import IntegrityError, ServerError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.files.disk import os_errors_as_machine_error, read_bytes
from wheelhouse.files.tasks import Tasks
from wheelhouse.index.http import Http
from wheelhouse.index.provenance import SUFFIX, Provenance, identities_of
from wheelhouse.index.sources import path_of
from wheelhouse.index.store_access import StoreAccess
from wheelhouse.index.urls import locked_url

PROVENANCE = "provenance-1"
CHANGED_HINT = "run `wheelhouse fetch --upgrade` to lock the attestations that the index has now"


class ProvenanceStore:
    """Fetches each provenance object once in a run, in the threads of `requests`."""

    def __init__(self, http: Http, access: StoreAccess, requests: Tasks, on_event: Listener = ignore) -> None:
        self._http, self._access, self._requests, self._on_event = http, access, requests, on_event

    def get(self, candidate: Candidate) -> "Future[Provenance | None]":
        """A future of a file's provenance object, not yet checked; None if its index announces none, or, with a warning, one
        that is missing or malformed. It raises ServerError if the server fails, InputError for an unreadable file.
        """
        if (url := candidate.provenance) is None:
            none: Future[Provenance | None] = Future()
            none.set_result(None)
            return none
        return self._requests.start(("provenance", candidate.key), lambda: self._fetch(candidate.filename, url))

    def text(self, provenance: Provenance) -> "Future[str]":
        """A future of the JSON text of the attestations that a lock names: from a store, else from the index.

        It raises IntegrityError if the index has other ones by now, ServerError if it has none, InputError for an unreadable
        file.
        """
        return self._requests.start(("attestations", provenance.sha256), lambda: self._locked_text(provenance))

    def share(self, provenance: Provenance) -> None:
        """Keep the attestations that a lock names in the store as a file with this sha256, also for other machines. Waits
        for them, and raises as `text` does, and MachineError if the store cannot be written.
        """
        part = self._access.part_for(provenance.url)
        with part.partial(f"{PROVENANCE} {provenance.sha256}") as path:
            raw = self.text(provenance).result().encode()
            with os_errors_as_machine_error(path):
                path.write_bytes(raw)
            part.keep(path, provenance.sha256)

    def _fetch(self, filename: str, url: str) -> Provenance | None:
        """Fetch a provenance object, and note its bytes in the store. One that is missing or malformed is None,
        with a warning. Raises ServerError if the server fails, InputError for an unreadable file.
        """
        subject = f"{filename}{SUFFIX}"
        try:
            raw = self._read(url, subject)
            identities = identities_of(raw.decode())
        except ValueError as error:
            self._on_event(Warned(f"{subject} is not used: {error}"))
            return None
        sha256 = hashlib.sha256(raw).hexdigest()
        self._access.part_for(url).note(PROVENANCE, sha256, raw)
        return Provenance(locked_url(url), sha256, identities)

    def _read(self, url: str, subject: str) -> bytes:
        """The bytes at a URL or of a `file:` URL.

        Raises ValueError if the index does not answer 200, ServerError as `Http.get`, InputError for an unreadable file.
        """
        if url.startswith("file:"):
            return read_bytes(path_of(url), "the file of attestations")
        reply = self._http.get(url, subject=subject)
        if reply.status != 200:
            raise ValueError(f"the index page names this file, but the index answered {reply.status}")
        return reply.body

    def _locked_text(self, provenance: Provenance) -> str:
        """The text of attestations that a lock names, from a store, else from the index. What other machines keep is noted
        here.

        Raises IntegrityError if the index has another one now, ServerError if it has none, InputError for an unreadable
        file.
        """
        raw = self._access.noted(PROVENANCE, provenance.sha256)
        if raw is None:
            raw = self._access.bring_note(PROVENANCE, provenance.sha256)
        if raw is None:
            try:
                raw = self._read(provenance.url, "the attestations")
            except ValueError as error:
                raise ServerError(f"{provenance.url}: {error}", hint=CHANGED_HINT) from error
            if hashlib.sha256(raw).hexdigest() != provenance.sha256:
                raise IntegrityError(f"{provenance.url} does not match its sha256 in the lock file", hint=CHANGED_HINT)
        return raw.decode()
