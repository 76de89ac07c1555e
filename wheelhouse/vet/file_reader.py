"""Reads the files of a wheelhouse for `vet`: from the notes of an earlier run, else on other machines, in worker processes, or here.

`python -m wheelhouse.vet.file_reader` is a worker (`archive/inspect_pool`).
"""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from wheelhouse import __version__
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.filenames import filename_of
from wheelhouse.archive.inspect_pool import ReadPool, answer_requests
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.errors import WheelhouseError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.files.store import Store
from wheelhouse.vet.facts import Inside
from wheelhouse.vet.facts_reader import look_inside
from wheelhouse.vet.remote_reader import BatchReader, RemoteReader

NOTES = f"facts-{__version__}-15"
"""The kind of the notes. Raise the number when `look_inside` gives something else for the same file."""
READ_IN_PROCESS = 4
"""Files that are read here before workers start."""
MAX_SENT_BYTES = 64 << 20
"""A larger file is read here: to send it takes longer."""
Read = tuple[InspectedFile, Inside]
_decoder: msgspec.json.Decoder[Read] = msgspec.json.Decoder(Read, dec_hook=lambda kind, text: kind(text))


class FileReader:
    """Reads each file once. `notes` is where what was read of a file is kept for later runs, by its sha256. Closed with `close`.

    What `remote` does not read, such as a file of which its workers died, is read here, with one warning.
    """

    def __init__(
        self, notes: Store | None = None, remote: RemoteReader | None = None, on_event: Listener = ignore
    ) -> None:
        self._notes, self._on_event = notes, on_event
        self._remote = BatchReader(remote) if remote else None
        self._pool = ReadPool(__name__, look_inside, _decoder.decode, READ_IN_PROCESS)
        self._has_warned = False

    def read(self, path: Path, artifact: Artifact) -> Read:
        """What a file holds: from the notes, else read, and then noted. The caller has checked its hash.

        Raises RefusedError for a hostile or damaged archive, and IntegrityError for metadata without a project or a valid
        version; neither is noted.
        """
        return noted_or_read(self._notes, artifact, lambda: self._read(path, artifact.filename))

    def close(self) -> None:
        """End the worker processes of this machine."""
        self._pool.close()

    def _read(self, path: Path, filename: str) -> Read:
        """What other machines read of a file of at most 64 MiB; if there are none, or they fail or refuse it, what is read here."""
        if self._remote and path.stat().st_size <= MAX_SENT_BYTES:
            try:
                if answer := self._remote.read(path, filename):
                    return _decoder.decode(answer)
            except Exception as error:  # whatever the pool raises
                self._warn(filename, error)
        return self._pool.read(path, filename)

    def _warn(self, filename: str, error: Exception) -> None:
        """Emit a warning that other machines did not read a file: only for the first one."""
        if not self._has_warned:
            self._has_warned = True
            reason = str(error) or type(error).__name__
            self._on_event(
                Warned(
                    f"the pool of workers did not read {filename}: {reason}; this machine reads the files that the workers do not read"
                )
            )


def noted_or_read(notes: Store | None, artifact: Artifact, read: Callable[[], Read]) -> Read:
    """What the notes of an earlier run say of a file whose hash is right; else what `read` returns, which is then noted.

    Notes that cannot be decoded count as none. Nothing is noted if `read` raises an error.
    """
    if notes and (raw := notes.noted(NOTES, artifact.sha256)):
        with suppress(msgspec.MsgspecError):
            return _decoder.decode(raw)
    contents = read()
    if notes:
        notes.note(NOTES, artifact.sha256, encoded(contents))
    return contents


def encoded(read: Read) -> bytes:
    """What was read of a file, as one line of JSON in bytes."""
    return msgspec.json.encode(read, enc_hook=str)


def read_contents(files: Sequence[tuple[bytes, str]]) -> list[bytes]:
    """What each file holds, given its bytes and its name, `encoded`.

    It is empty for a file with which any WheelhouseError is raised: the caller reads that file itself, for the error.
    """
    return [_read_content(content, filename) for content, filename in files]


def _read_content(content: bytes, filename: str) -> bytes:
    """What a file holds, `encoded`; empty if any WheelhouseError is raised. Writes the file into a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="wheelhouse-read-") as folder:
        path = Path(folder, filename_of(filename))
        path.write_bytes(content)
        try:
            return encoded(look_inside(path, filename))
        except WheelhouseError:
            return b""


if __name__ == "__main__":
    answer_requests(lambda path, filename: encoded(look_inside(path, filename)))
