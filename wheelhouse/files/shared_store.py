"""A store that machines share, behind the cache of this one: what the cache lacks comes from there, and what is new goes there.

A file is used only with the sha256 that was asked for, so nobody who can write to the store has to be trusted. A note counts
only with a signature by a trusted key, over its kind, its key, its time and its bytes.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from wheelhouse.errors import InputError
from wheelhouse.events import Listener, Noted, Warned, ignore
from wheelhouse.files.disk import sha256_of
from wheelhouse.files.object_store import ObjectStore, StoreError, repeated
from wheelhouse.files.store import Store
from wheelhouse.files.store_keys import artifact_key, note_key
from wheelhouse.files.store_lease import PRUNING, RELYING, lease
from wheelhouse.humanize import counted

T = TypeVar("T")
MAX_NOTE_BYTES = 64 << 20
"""The largest note that is read. PyPI's largest page has 30 MB, measured."""
UPLOADS = 4
QUIET_SECONDS = 2.0
"""How long a run waits for its last uploads before it says so."""
MAX_CLOCK_DIFFERENCE_SECONDS = 300.0
SENT = "sent-1"
"""The kind of note of this machine that says that a store had a file."""
SENT_SECONDS = 7 * 86400.0
"""After this time a file is offered again: the store may have been pruned."""
READING, WRITING = "reading from it", "writing to it"


class NoteKeys(Protocol):
    """Signs notes, and checks signatures."""

    @property
    def can_sign(self) -> bool:
        """Whether this run has a key to sign with."""

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether a trusted key made a signature."""


class SignedNote(msgspec.Struct, array_like=True, frozen=True):
    """A note in a store: when it was kept (seconds since 1970), its bytes, the signature of both and of what it is about."""

    time: float
    content: bytes
    signature: bytes


_note_decoder = msgspec.msgpack.Decoder(SignedNote)


@dataclass(slots=True)
class SharedObjects:
    """A store of objects as a run uses it: a failed read ends reading, a failed write ends writing, each with one warning.

    With `keys` notes are read, and written if it can sign. `writes` is False for a store that is read only.
    """

    objects: ObjectStore
    keys: NoteKeys | None = None
    writes: bool = True
    max_file_bytes: int = 5_000_000_000
    on_event: Listener = ignore
    _failures: dict[str, StoreError] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor | None = None
    _uploads: list["Future[None]"] = field(default_factory=list)

    def file(self, sha256: str, path: Path, on_bytes: Callable[[int], None]) -> bool:
        """Write a file of the store to `path`; False if the store has none with this sha256, or one of more than
        `max_file_bytes`, or failed. Of an altered object `path` is empty, with a warning; it is removed in the background,
        unless the store is only read. Raises MachineError if `path` cannot be written.
        """
        key = artifact_key(sha256)
        digest = self._tried(READING, lambda: self.objects.read_into(key, path, self.max_file_bytes, on_bytes), None)
        if digest == sha256:
            return True
        if digest is not None:
            os.truncate(path, 0)
            self.on_event(
                Warned(
                    f"the store {self.objects.name} has a file whose bytes do not match its sha256 {sha256}: the file is not used"
                )
            )
            self._send(lambda: self.objects.remove(key))
        return False

    def note(self, kind: str, key: str) -> SignedNote | None:
        """A note that a trusted key signed; None if there is none, if its time is more than five minutes in the future, if there
        are no keys, or if the store failed.
        """
        keys = self.keys
        if keys is None:
            return None
        stored = self._tried(READING, lambda: self.objects.read(note_key(kind, key), MAX_NOTE_BYTES), None)
        try:
            note = _note_decoder.decode(stored.content) if stored else None
        except msgspec.DecodeError:
            return None
        is_past = note is not None and note.time <= time.time() + MAX_CLOCK_DIFFERENCE_SECONDS
        if note and is_past and keys.has_signed(_signed_message(kind, key, note.time, note.content), note.signature):
            return note
        return None

    def send_file(self, path: Path, sha256: str, then: Callable[[], None]) -> None:
        """Send a file of the cache in the background, unless the store has it; `then` is called when it is there. Nothing
        for a store that is only read, or failed, and without a warning for a file that is gone by then.
        """

        def send() -> None:
            """Send the file unless the store has it, and call `then`; nothing if the file is gone."""
            key = artifact_key(sha256)
            if not path.exists():  # it may have been pruned
                return
            if not self.objects.has(key):
                repeated(lambda: self.objects.create(key, path))
            then()

        self._send(send)

    def send_note(self, kind: str, key: str, content: bytes) -> None:
        """Sign a note and send it in the background; a later note replaces an earlier one. Nothing without a key to sign with, or
        for a store that is only read, or failed.
        """
        now = time.time()
        if self.keys is None or not self.keys.can_sign or not self.writes:
            return
        signature = self.keys.sign(_signed_message(kind, key, now, content))
        raw = msgspec.msgpack.encode(SignedNote(now, content, signature))

        def send() -> None:
            """Write the signed note to the store."""
            self.objects.put(note_key(kind, key), raw)

        self._send(send)

    def remove_note(self, kind: str, key: str) -> None:
        """Remove a note in the background, if this run has a key to sign with; nothing for a store that is only read, or failed."""
        if self.keys is not None and self.keys.can_sign:
            self._send(lambda: self.objects.remove(note_key(kind, key)))

    def flush(self) -> None:
        """Wait until all that was sent is there, or the store failed. If it takes over two seconds, an event says so."""
        late = wait(self._uploads, QUIET_SECONDS).not_done
        if late:
            self.on_event(
                Noted(f"waiting for the upload of {counted(len(late), 'object')} to the store {self.objects.name}")
            )
            wait(late)

    def settle(self) -> None:
        """Wait until all that was sent is there. Raises InputError for a store that is only read, StoreError if writing
        failed.
        """
        if not self.writes:
            raise InputError(
                f"this run must write to the store {self.objects.name}, but the settings allow only reading",
                hint="remove store-mode from the settings",
            )
        self.flush()
        if error := self._failures.get(WRITING):
            raise StoreError(f"{error}: the store does not have all files", hint="run the same command again")

    def close(self) -> None:
        """Send nothing more: what waits is dropped, and what is on its way is not waited for. A later send raises
        RuntimeError, unless nothing was ever sent, or writing has failed.
        """
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _send(self, work: Callable[[], None]) -> None:
        """Do `work` in the background; nothing for a store that is only read, or failed."""
        if not self.writes or WRITING in self._failures:
            return
        with self._guard:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(UPLOADS, thread_name_prefix="store")
            self._uploads.append(self._pool.submit(self._tried, WRITING, work, None))

    def _tried(self, doing: str, work: Callable[[], T], otherwise: T) -> T:
        """The result of `work`; `otherwise` if it raises StoreError, which ends reading or writing (`doing`) for this run,
        with one warning, or if this has ended. Raises every other error of `work`.
        """
        if doing in self._failures:
            return otherwise
        try:
            return work()
        except StoreError as error:
            self._end(doing, error)
            return otherwise

    def _end(self, doing: str, error: StoreError) -> None:
        """Use the store no more for reading, or for writing (`doing`), in this run; warn the first time."""
        with self._guard:
            is_new = self._failures.setdefault(doing, error) is error
        if is_new:
            self.on_event(Warned(f"{error}: this run continues without {doing}"))


class SharedStore(Store):
    """The store of this machine (`near`), with one that machines share behind it. Closed by whoever opened both.

    `private` is the part for what a server gave because of credentials. Of a part with `kinds`, only notes of these kinds are
    shared; None means all.
    """

    def __init__(
        self, near: Store, shared: SharedObjects, private: Store | None = None, kinds: frozenset[str] | None = None
    ) -> None:
        self._near, self._shared, self._private, self._kinds = near, shared, private or near.private, kinds

    @property
    def private(self) -> Store:
        """The part of this machine alone, unless the user shares it too."""
        return self._private

    def artifact(self, sha256: str) -> Path | None:
        """The path of the file with this sha256 on this machine; None if it has none. No request is sent."""
        return self._near.artifact(sha256)

    def bring(self, sha256: str, path: Path, on_bytes: Callable[[int], None]) -> bool:
        """Write the shared file with this sha256 to `path`; False if the store has none, one too large or
        altered, or failed.

        Raises MachineError if `path` cannot be written.
        """
        return self._shared.file(sha256, path, on_bytes)

    def settle(self) -> None:
        """Wait until the store has all that was sent. Raises InputError for a store that is only read, StoreError if it failed."""
        self._shared.settle()

    def relying(self) -> AbstractContextManager[None]:
        """Hold a lease while the context is open, so that no run prunes the store. Raises StoreError while a run prunes it,
        and if the store fails at the beginning, such as one that cannot be written to.
        """
        return lease(self._shared.objects, RELYING, against=PRUNING)

    def partial(self, key: str) -> AbstractContextManager[Path]:
        """Lock an unfinished download on this machine, and give its path, as `Cache.partial` does."""
        return self._near.partial(key)

    def keep(self, path: Path, sha256: str) -> Path:
        """Move a file into the cache of this machine, return its path there, and send it to the store in the background."""
        kept = self._near.keep(path, sha256)
        self.share(kept, sha256)
        return kept

    def share(self, path: Path, sha256: str) -> None:
        """Send a file to the store in the background; once it is there, note that on this machine."""
        self._shared.send_file(path, sha256, lambda: self._near.note(SENT, self._sent_key(sha256), b""))

    def offer(self, sha256: str) -> None:
        """Send a file of the cache to the store in the background, if that was not done in the last seven days, and its bytes still have
        this sha256.
        """
        if self._near.age(SENT, self._sent_key(sha256), time.time()) > SENT_SECONDS:
            path = self._near.artifact(sha256)
            if path and sha256_of(path) == sha256:  # an earlier run kept it: it may have been altered since
                self.share(path, sha256)

    def discard(self, path: Path) -> None:
        """Remove a file from this machine; the shared store keeps its own."""
        self._near.discard(path)

    def note(self, kind: str, key: str, content: bytes) -> None:
        """Keep a note on this machine; if its kind is shared, and this run can sign, also send it to the store, signed."""
        self._near.note(kind, key, content)
        if self._shares(kind):
            self._shared.send_note(kind, key, content)

    def noted(self, kind: str, key: str) -> bytes | None:
        """A note of this machine; None if it has none."""
        return self._near.noted(kind, key)

    def bring_note(self, kind: str, key: str) -> bytes | None:
        """A shared note, which is kept on this machine from now on, with the age that it has. None if the store has none to trust,
        or its kind is not shared.
        """
        note = self._shared.note(kind, key) if self._shares(kind) else None
        if note is None:
            return None
        self._near.note(kind, key, note.content)
        self._near.touch(kind, key, note.time)
        return note.content

    def age(self, kind: str, key: str, now: float) -> float:
        """The age, in seconds, of a note on this machine; infinite if there is none, or it was kept after `now`."""
        return self._near.age(kind, key, now)

    def touch(self, kind: str, key: str, at: float | None = None) -> None:
        """Set the time of a note, if it is here. Without `at`, a shared one is also sent to the store again, if this run can
        sign.
        """
        self._near.touch(kind, key, at)
        if at is None and self._shares(kind) and (content := self._near.noted(kind, key)) is not None:
            self._shared.send_note(kind, key, content)

    def forget(self, kind: str, key: str) -> None:
        """Remove a note here and, if its kind is shared and this run can sign, from the store."""
        self._near.forget(kind, key)
        if self._shares(kind):
            self._shared.remove_note(kind, key)

    def log(self, name: str, content: bytes, *, lasting: bool = False) -> Path:
        """Write the output of a build to a file on this machine, and return its path."""
        return self._near.log(name, content, lasting=lasting)

    def _sent_key(self, sha256: str) -> str:
        """The key of the note of this machine that a file is in this store."""
        return f"{self._shared.objects.name} {sha256}"

    def _shares(self, kind: str) -> bool:
        """Whether notes of this kind are shared."""
        return self._kinds is None or kind in self._kinds


def _signed_message(kind: str, key: str, when: float, content: bytes) -> bytes:
    """The bytes that the signature of a note is over: a note that is renamed, or made younger, is not signed."""
    about = hashlib.sha256(b"\0".join((kind.encode(), key.encode(), repr(when).encode(), content))).digest()
    return b"wheelhouse store note 1\0" + about
