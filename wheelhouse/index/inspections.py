"""What was read of each file that passed inspection, by its sha256: in memory, and as notes in the store."""

import threading
from contextlib import suppress

import msgspec

from wheelhouse.archive.inspect_pool import decoded, encoded
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.files.store import Store
from wheelhouse.index.store_access import StoreAccess

CONTENTS = "contents-2"


class Inspections:
    """The one owner of what many threads learn about files. A distrusted file is not noted, so the next run inspects it again."""

    def __init__(self, access: StoreAccess) -> None:
        self._access = access
        self._guard = threading.Lock()
        self._files: dict[str, InspectedFile] = {}
        self._distrusted: set[str] = set()
        self._absent: set[str] = set()
        self._absent_elsewhere: set[str] = set()

    def get(self, sha256: str, *, again: bool = False) -> InspectedFile | None:
        """What this run, or an earlier one, read of a file, or brought of it from another machine; else None.

        The store is asked once for each file, and `again` if another run may have read the file since.
        """
        contents = self._files.get(sha256)
        if contents is None and (again or sha256 not in self._absent):
            contents = self._stored(sha256)
        return contents

    def bring(self, sha256: str, *, again: bool = False) -> InspectedFile | None:
        """What this run, an earlier one or another machine read of a file; None if none did. It may take a request, once for each file."""
        return self.get(sha256, again=again) or self.of_others(sha256)

    def of_others(self, sha256: str) -> InspectedFile | None:
        """What another machine read of a file; None if no other did. It replaces what this machine read of it, in memory and
        in the store. It may take a request; None is remembered.
        """
        if sha256 in self._absent_elsewhere:
            return None
        return self._remembered(sha256, self._access.bring_note(CONTENTS, sha256), self._absent_elsewhere)

    def _stored(self, sha256: str) -> InspectedFile | None:
        """What the store on this machine has of a file, which is then remembered; None if nothing."""
        return self._remembered(sha256, self._access.noted(CONTENTS, sha256), self._absent)

    def _remembered(self, sha256: str, raw: bytes | None, absent: set[str]) -> InspectedFile | None:
        """What a note, encoded, says of a file: remembered in memory. If there is no note, or it cannot be decoded, the sha256 is
        added to `absent`, and the result is None.
        """
        contents: InspectedFile | None = None
        if raw:
            with suppress(msgspec.DecodeError):
                contents = decoded(raw)
        with self._guard:
            if contents is None:
                absent.add(sha256)
            else:
                self._files[sha256] = contents
        return contents

    def keep(self, sha256: str, contents: InspectedFile, part: Store) -> None:
        """Keep what was read of a file in memory and, unless it is distrusted, as a note in a part of the store for later runs."""
        with self._guard:
            self._files[sha256] = contents
        part.note(CONTENTS, sha256, encoded(contents))
        with self._guard:
            is_distrusted = sha256 in self._distrusted
        if is_distrusted:  # checked last: another thread may distrust the file while it is noted
            part.forget(CONTENTS, sha256)

    def distrust(self, sha256: str) -> None:
        """Remove the store's note of what was read of a file whose index served other metadata beside it, and note nothing more of it
        in this run: the next run must find the difference again. The file itself stays, and in memory what was read of it.
        """
        with self._guard:
            self._distrusted.add(sha256)
        self._access.forget(CONTENTS, sha256)
