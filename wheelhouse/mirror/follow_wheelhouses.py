"""Follow wheelhouses: a change of their lock files is seen within a second, and served when all its files are there."""

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
from wheelhouse.mirror.served_pages import Catalogue
from wheelhouse.mirror.server import Application

POLL_SECONDS = 0.4
Mark = Mapping[str, Stamp]
"""What changes when a wheelhouse changes: the stamp of each lock file and SHA256SUMS, by path."""


@dataclass(slots=True)
class Followed:
    """The wheelhouses that one index serves, as they were when its catalogue was made. `admit` raises for files that may not be served."""

    folders: Sequence[Path]
    admit: Callable[[], None]
    mark: Mark
    catalogue: Catalogue = NOTHING
    told: str = ""

    @classmethod
    def opened(cls, folders: Sequence[Path], admit: Callable[[], None], on_event: Listener = ignore) -> "Followed":
        """The wheelhouses, read for the first time. Raises what `catalogue` and `admit` do."""
        followed = cls(folders, admit, {})
        followed.renew(on_event)
        return followed

    def renew(self, on_event: Listener = ignore) -> None:
        """Read what changed. If that fails, everything stays as it was."""
        mark = mark_of(self.folders)
        self.admit()
        new = catalogue(self.folders, on_event, self.catalogue)
        self.catalogue, self.mark, self.told = new, mark, ""


def mark_of(folders: Sequence[Path]) -> Mark:
    """The mark of some wheelhouses now."""
    mark: dict[str, Stamp] = {}
    for folder in folders:
        with suppress(OSError):
            for path in folder.iterdir():
                if is_lock_name(path.name) or path.name == SUMS:
                    with suppress(OSError):
                        mark[str(path)] = stamp_of(path.stat())
    return mark


class Follower:
    """A thread that looks for changes, and gives the application each new catalogue."""

    def __init__(self, application: Application, followed: Mapping[str, Followed], on_event: Listener) -> None:
        self._application, self._followed, self._on_event = application, followed, on_event
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="follow wheelhouses")

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            self.look()

    def look(self) -> None:
        """Look once at each wheelhouse. One that cannot be served, maybe not yet, is tried again at the next look."""
        for name, followed in self._followed.items():
            if mark_of(followed.folders) == followed.mark:
                continue
            try:
                followed.renew()
            except WheelhouseError as error:
                self._application.records.failed(name)
                if followed.told != str(error):
                    followed.told = str(error)
                    self._on_event(Warned(f"what was served before is still served: {error}"))
            else:
                self._application.replace(name, followed.catalogue)
                self._application.records.reloaded(name)
