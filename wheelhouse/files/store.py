"""What a store must do: keep files by their sha256, and notes by kind and key, for this run and for later ones.

`Cache` is the store on this machine. `SharedStore` has a bucket or folder behind it, which machines share.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class Store(Protocol):
    """Keeps files and notes. Many threads, and many runs, use one store at the same time."""

    @property
    def private(self) -> "Store":
        """The part for what a server gave because of credentials: only this user of this machine can read it, unless the
        user shares it, too.
        """

    def artifact(self, sha256: str) -> Path | None:
        """The path of the file with this sha256 on this machine; None if the store does not have it. The caller hashes what it reads."""

    def bring(self, sha256: str, path: Path, on_bytes: Callable[[int], None]) -> bool:
        """Write a file that other machines keep to `path`, with the bytes of this sha256; False if they have none.

        `on_bytes` receives how many more bytes arrived. If it fails, the result is False, too; if it fails midway, `path` is
        empty. Raises MachineError if `path` cannot be written.
        """

    def share(self, path: Path, sha256: str) -> None:
        """Let other machines have a file that this run made, and keeps elsewhere. `keep` does so itself. Nothing if there are no others."""

    def offer(self, sha256: str) -> None:
        """Let other machines have a file of this store, if an earlier run may have kept it for this machine alone. Nothing if there
        are none.
        """

    def settle(self) -> None:
        """Wait until other machines have all that was kept or shared here. Raises InputError if this store has no other machines,
        StoreError if they cannot have all of it.
        """

    def relying(self) -> AbstractContextManager[None]:
        """While it is open, no other machine removes what this store has; nothing for a store without other machines, which
        `settle` refuses. Raises StoreError if the store fails, and while another machine removes something.
        """

    def partial(self, key: str) -> AbstractContextManager[Path]:
        """Lock the unfinished download of `key`, and give its path; another run that wants the same waits."""

    def keep(self, path: Path, sha256: str) -> Path:
        """Move a verified file into the store, and return its new path. Other machines may have it, too."""

    def discard(self, path: Path) -> None:
        """Remove a file whose bytes no longer have its sha256, or at least do not use it again."""

    def note(self, kind: str, key: str, content: bytes) -> None:
        """Keep a small fact; one with the same kind and key is replaced."""

    def noted(self, kind: str, key: str) -> bytes | None:
        """The fact with this kind and key on this machine, whatever its age; None if there is none to trust."""

    def bring_note(self, kind: str, key: str) -> bytes | None:
        """The fact with this kind and key that other machines keep; it is noted here. None if there is none to trust."""

    def age(self, kind: str, key: str, now: float) -> float:
        """Seconds from when a fact was kept, or touched, until `now` (seconds since 1970); infinite if there is none, or if
        that was after `now`.
        """

    def touch(self, kind: str, key: str, at: float | None = None) -> None:
        """Set the time from which the age of a fact counts: now, or `at` (seconds since 1970). Nothing if there is none."""

    def forget(self, kind: str, key: str) -> None:
        """Remove a fact, if there is one; one that cannot be removed stays."""

    def log(self, name: str, content: bytes, *, lasting: bool = False) -> Path:
        """Write the output of a build to a file of this name, and return its path. A `lasting` log is there after the run in any case."""
