"""Several files, read as one."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path


class Joined(io.RawIOBase):
    """Files, given with their sizes, read as one. Only one is open at a time: there may be more than a process can open."""

    def __init__(self, files: Sequence[tuple[Path, int]]) -> None:
        self._paths = [path for path, _ in files]
        self._ends = list(accumulate(size for _, size in files))
        self._position = 0
        self._number = -1
        self._file: io.FileIO | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position in the whole, and return it. It may be after the end; one before the start becomes 0."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ends[-1] if self._ends else 0}
        self._position = max(start[whence] + offset, 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Read from one file, at most to its end; 0 at the end of the last one, or if the file is shorter than given."""
        number = bisect_right(self._ends, self._position)
        if number == len(self._ends):
            return 0
        left = self._ends[number] - self._position
        file = self._opened(number)
        file.seek(self._position - (self._ends[number - 1] if number else 0))
        count = file.readinto(memoryview(buffer)[:left])
        self._position += count
        return count

    def _opened(self, number: int) -> io.FileIO:
        """The file with this number, from 0, open for reading. Another one that was open is closed."""
        if self._file is None or number != self._number:
            self._close_current()
            self._number, self._file = number, io.FileIO(self._paths[number])
        return self._file

    def close(self) -> None:
        self._close_current()
        super().close()

    def _close_current(self) -> None:
        """Close the file that is open, if any."""
        if self._file:
            self._file.close()
        self._file = None
