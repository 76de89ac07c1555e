"""Which part of the store a URL belongs to: what a server gave because of credentials is kept for this user, and for them alone.

A file that was fetched with other credentials is used only after its server confirms that the present ones may read it.
"""

from collections.abc import Callable
from pathlib import Path

from wheelhouse.archive.artifact import SHA256
from wheelhouse.files.store import Store
from wheelhouse.index.http import Http
from wheelhouse.index.urls import is_remote, query_of

GRANTS = "grants-1"


class StoreAccess:
    """Chooses between the shared and the private part of a store, for many threads."""

    def __init__(self, http: Http, store: Store) -> None:
        self._http, self._store = http, store

    def part_for(self, url: str) -> Store:
        """The private part for a URL with a query, which may be a signature, or with credentials, and for a file of this machine;
        else the shared part, also for a file without a URL.
        """
        is_private = (query_of(url) or self._http.credentials.auth(url)) if is_remote(url) else url
        return self._store.private if is_private else self._store

    def artifact(self, sha256: str, url: str) -> Path | None:
        """The path of the file with this sha256 in either part; None if neither has it, and for a text that is no sha256. A
        private one only if the present credentials may read it, which may take a request, and is then noted.

        Raises ServerError if the server of `url` refuses these credentials, or cannot answer.
        """
        if not SHA256.fullmatch(sha256):
            return None
        if path := self._store.artifact(sha256):
            return path
        path = self._store.private.artifact(sha256)
        return path if path and self._may_read(sha256, url) else None

    def bring(self, sha256: str, url: str, path: Path, on_bytes: Callable[[int], None]) -> bool:
        """Write the file with this sha256 to `path`; False if no other machine keeps it, if that fails, and for a text that
        is no sha256. Only the part for the URL is asked, so a private file comes only if the user shares the private part.

        `on_bytes` receives how many more bytes arrived. Raises MachineError if `path` cannot be written.
        """
        return SHA256.fullmatch(sha256) is not None and self.part_for(url).bring(sha256, path, on_bytes)

    def noted(self, kind: str, key: str) -> bytes | None:
        """The bytes of a fact on this machine, from the shared part, else from the private one; None if neither has it."""
        return self._store.noted(kind, key) or self._store.private.noted(kind, key)

    def bring_note(self, kind: str, key: str) -> bytes | None:
        """The bytes of a fact that other machines keep, from the shared part, else from the private one; None if neither has it. It
        is noted on this machine.
        """
        return self._store.bring_note(kind, key) or self._store.private.bring_note(kind, key)

    def forget(self, kind: str, key: str) -> None:
        """Remove a fact from both parts of the store; one that cannot be removed stays."""
        self._store.forget(kind, key)
        self._store.private.forget(kind, key)

    def discard(self, path: Path) -> None:
        """Remove a file whose bytes no longer have its sha256; if that fails, at least neither part uses it again.

        Raises MachineError if it cannot be removed, and there can be no temporary folder either.
        """
        self._store.discard(path)
        self._store.private.discard(path)

    @property
    def shared(self) -> Store:
        """The part for what every user may read."""
        return self._store

    @property
    def private(self) -> Store:
        """The private part, also for files that this user made."""
        return self._store.private

    def grant(self, sha256: str, url: str) -> None:
        """Note that the server of `url` gave a file to the present credentials; nothing if the URL is of the shared part, or is a path."""
        part = self.part_for(url)
        if is_remote(url) and part is not self._store:
            part.note(GRANTS, self._grant_key(sha256, url), b"")

    def _may_read(self, sha256: str, url: str) -> bool:
        """Whether the present credentials were given this file, or its server says now that they may read it, which is then noted.
        A file of this machine, or without a URL: True; one that the server does not have (404, 410): False.

        Raises ServerError if the server refuses them, or cannot answer.
        """
        if not is_remote(url):
            return True
        if self._store.private.noted(GRANTS, self._grant_key(sha256, url)) is not None:
            return True
        if not self._http.has(url):
            return False
        self._store.private.note(GRANTS, self._grant_key(sha256, url), b"")
        return True

    def _grant_key(self, sha256: str, url: str) -> str:
        """The key of the note that the present credentials for a URL may read a file."""
        return f"{sha256} {self._http.credentials.fingerprint(url)}"
