"""Reads the files of a wheelhouse for `vet`: from the notes of an earlier run, else in worker processes, else here.

`python -m wheelhouse.vet.file_reader` is a worker (`archive/inspect_pool`).
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from wheelhouse import __version__
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.inspect_pool import ReadPool, answer_requests
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.files.store import Store
from wheelhouse.vet.facts import Inside
from wheelhouse.vet.facts_reader import look_inside

NOTES = f"facts-{__version__}-9"
"""The kind of the notes. Raise the number when `look_inside` gives something else for the same file."""
READ_IN_PROCESS = 4
"""Files that are read here before workers start."""
Read = tuple[InspectedFile, Inside]
_decoder: msgspec.json.Decoder[Read] = msgspec.json.Decoder(Read, dec_hook=lambda kind, text: kind(text))


class FileReader:
    """Reads each file once. `notes` is where what was read of a file is kept for later runs, by its sha256. Closed with `close`."""

    def __init__(self, notes: Store | None = None) -> None:
        self._notes = notes
        self._pool = ReadPool(__name__, look_inside, _decoder.decode, READ_IN_PROCESS)

    def read(self, path: Path, artifact: Artifact) -> Read:
        """What a file holds; its hash is right. Raises RefusedError for a hostile or damaged archive, which is never noted."""
        return noted_or_read(self._notes, artifact, lambda: self._pool.read(path, artifact.filename))

    def close(self) -> None:
        """End the worker processes."""
        self._pool.close()


def noted_or_read(notes: Store | None, artifact: Artifact, read: Callable[[], Read]) -> Read:
    """What the notes of an earlier run say of a file whose hash is right; else what `read` returns, which is then noted."""
    if notes and (raw := notes.noted(NOTES, artifact.sha256)):
        with suppress(msgspec.MsgspecError):
            return _decoder.decode(raw)
    contents = read()
    if notes:
        notes.note(NOTES, artifact.sha256, encoded(contents))
    return contents


def encoded(read: Read) -> bytes:
    """What was read of a file, as one line of JSON."""
    return msgspec.json.encode(read, enc_hook=str)


if __name__ == "__main__":
    answer_requests(lambda path, filename: encoded(look_inside(path, filename)))
