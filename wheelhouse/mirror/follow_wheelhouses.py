"""Follow wheelhouses and the files that say who may read: a change is seen within a second.

A changed wheelhouse is served when all its files are there.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wheelhouse.errors import WheelhouseError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.lock.wheelhouse import SUMS, is_lock_name
from wheelhouse.mirror.catalogue import NOTHING, catalogue
from wheelhouse.mirror.offered_files import Stamp, stamp_of
from wheelhouse.mirror.reader_access import Access, AccessFiles
from wheelhouse.mirror.served_pages import Catalogue
from wheelhouse.mirror.server import Application

POLL_SECONDS = 0.4
Mark = Mapping[str, Stamp]
"""What changes when a wheelhouse changes: the stamp of each lock file and SHA256SUMS, by path."""
ACCESS = "who may read"
"""What stands for the files that say so in the records; no wheelhouse has a name with spaces."""


@dataclass(slots=True)
class Followed:
    """The wheelhouses that one index serves, as they were when its catalogue was made. `admit` raises for files that may not be served."""

    folders: Sequence[Path]
    admit: Callable[[], None]
    mark: Mark
    catalogue: Catalogue = NOTHING
    last_warning: str = ""

    @classmethod
    def opened(cls, folders: Sequence[Path], admit: Callable[[], None], on_event: Listener = ignore) -> "Followed":
        """The wheelhouses, read for the first time. Raises what `catalogue` and `admit` do."""
        followed = cls(folders, admit, {})
        followed.renew(on_event)
        return followed

    def renew(self, on_event: Listener = ignore) -> None:
        """Make a new catalogue, reading only files that changed or have other waivers.

        Raises what `catalogue` and `admit` do; then everything stays as it was.
        """
        mark = mark_of(self.folders)
        self.admit()
        new = catalogue(self.folders, on_event, self.catalogue)
        self.catalogue, self.mark, self.last_warning = new, mark, ""


def mark_of(folders: Sequence[Path]) -> Mark:
    """The stamps of the lock files and SHA256SUMS of some wheelhouses now, of no other file, by path.

    A folder or file that cannot be read is passed over.
    """
    paths: list[Path] = []
    for folder in folders:
        with suppress(OSError):
            paths += (path for path in folder.iterdir() if is_lock_name(path.name) or path.name == SUMS)
    return _stamps(paths)


@dataclass(slots=True)
class FollowedAccess:
    """The files that say who may read, and the access that they gave when they were read."""

    files: AccessFiles
    mark: Mark
    access: Access
    last_warning: str = ""

    @classmethod
    def opened(cls, files: AccessFiles) -> "FollowedAccess":
        """The files, read for the first time. Raises InputError or MachineError if one cannot be read."""
        return cls(files, _stamps(files.paths), files.read())

    def renew(self) -> None:
        """Read the files again. Raises InputError or MachineError if one cannot be read; then everything stays as it was."""
        mark = _stamps(self.files.paths)
        self.access, self.mark, self.last_warning = self.files.read(), mark, ""


def _stamps(paths: Sequence[Path]) -> Mark:
    """The stamp of each of these files that is there, by path."""
    stamps: dict[str, Stamp] = {}
    for path in paths:
        with suppress(OSError):
            stamps[str(path)] = stamp_of(path.stat())
    return stamps


class Follower:
    """A thread that looks for changes, and gives the application each new catalogue, and who may read."""

    def __init__(
        self,
        application: Application,
        followed: Mapping[str, Followed],
        on_event: Listener,
        access: FollowedAccess | None = None,
    ) -> None:
        self._application, self._followed, self._on_event = application, followed, on_event
        self._access = access
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="follow wheelhouses")

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        """Look for changes every POLL_SECONDS, until the context ends."""
        while not self._ended.wait(POLL_SECONDS):
            self.look()

    def look(self) -> None:
        """Look once at everything, and serve what changed. The records count it.

        What cannot be read or served, maybe not yet, stays as it was, and is tried again at the next look, also if the change was
        taken back. It causes a warning, but not the same one twice in a row.
        """
        self._look_at_access()
        for name, followed in self._followed.items():
            if mark_of(followed.folders) == followed.mark and not followed.last_warning:
                continue
            try:
                followed.renew()
            except WheelhouseError as error:
                self._application.records.failed(name)
                if followed.last_warning != str(error):
                    followed.last_warning = str(error)
                    self._on_event(
                        Warned(f"the server still serves the wheelhouse as it was before this change: {error}")
                    )
            else:
                self._application.replace(name, followed.catalogue)
                self._application.records.reloaded(name)

    def _look_at_access(self) -> None:
        """Admit other users if the files that say who may read changed. If they cannot be read, admit those of before, and warn.

        The same warning is not given twice in a row.
        """
        followed = self._access
        if followed is None:
            return
        if _stamps(followed.files.paths) == followed.mark and not followed.last_warning:
            return
        try:
            followed.renew()
        except WheelhouseError as error:
            self._application.records.failed(ACCESS)
            if followed.last_warning != str(error):
                followed.last_warning = str(error)
                self._on_event(Warned(f"the access rights stay as they were before this change: {error}"))
        else:
            self._application.admit(followed.access)
            self._application.records.reloaded(ACCESS)
