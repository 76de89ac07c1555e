"""Full addresses of files, for one run: a lock file holds an address without its query, its variables and its local path.

Whoever writes a lock remembers the address here; whoever fetches what a lock names asks here first.
"""

import threading


class FileAddresses:
    """The address of each file by its sha256. One object is shared by all threads of a run, and never written to a disk."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._addresses: dict[str, str] = {}

    def remember(self, sha256: str, url: str) -> None:
        """Remember the URL or path of a file. The first one for a sha256 stays."""
        with self._guard:
            self._addresses.setdefault(sha256, url)

    def get(self, sha256: str) -> str | None:
        """The full address, or the path on this machine, of the file with this sha256; None if nobody remembered it."""
        with self._guard:
            return self._addresses.get(sha256)
