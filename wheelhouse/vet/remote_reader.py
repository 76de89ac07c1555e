"""Other machines that read files for `vet`. Small files go there together, because each task costs the pool about 10 ms."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MAX_BATCH_FILES, MAX_BATCH_BYTES = 16, 8 << 20
"""A task has no more files, and no more bytes unless it has one file."""
WAITING_FILES = 128
"""How many files wait while all machines have tasks: what waits is sent together."""


@dataclass(frozen=True, slots=True)
class RemoteReader:
    """Other machines that read files. `submit` gives them the bytes and the name of each, for `file_reader.read_contents`.

    `tasks` is how many such tasks they have at a time. A task is started once.
    """

    submit: "Callable[[Sequence[tuple[bytes, str]]], Future[list[bytes]]]"
    tasks: int

    @property
    def threads(self) -> int:
        """How many files are to be requested at a time: one for each task, and those that wait."""
        return self.tasks + WAITING_FILES


@dataclass(eq=False, slots=True)
class _Request:
    """A file that is to be read. Its answer is None if its batch failed."""

    path: Path
    filename: str
    size: int
    answer: "Future[bytes | None]" = field(default_factory=Future)


class BatchReader:
    """Gives files to other machines, each in a batch with those that wait as well. May be used from many threads.

    A file whose batch failed, as by the death of a worker, is sent once more, alone.
    """

    def __init__(self, remote: RemoteReader) -> None:
        self._submit, self._free = remote.submit, remote.tasks
        self._waiting: dict[_Request, None] = {}
        self._changed = threading.Condition()

    def read(self, path: Path, filename: str) -> bytes:
        """Wait for what a machine answers about a file, as `file_reader.read_contents` gives it: empty if the file is refused.

        Raises OSError if the file cannot be read, and whatever the pool raises, if the file was sent alone as well.
        """
        request = _Request(path, filename, path.stat().st_size)
        if batch := self._next_batch(request):
            self._send(batch)
        answer = request.answer.result()
        if answer is None:
            (answer,) = self._submit([(path.read_bytes(), filename)]).result()
        return answer

    def _next_batch(self, request: _Request) -> list[_Request]:
        """Wait until a task is free, take it, and give the request with others that wait. They no longer wait then.

        Empty if another thread has taken the request meanwhile.
        """
        with self._changed:
            self._waiting[request] = None
            self._changed.wait_for(lambda: self._free or request not in self._waiting)
            if request not in self._waiting:
                return []
            self._free -= 1
            batch = self._with_others(request)
            for one in batch:
                del self._waiting[one]
            return batch

    def _with_others(self, request: _Request) -> list[_Request]:
        """A request and those that wait longest, in this order, up to the limits of a batch. All of them still wait then."""
        batch, size = [request], request.size
        for other in self._waiting:
            if other is not request:
                size += other.size
                if len(batch) == MAX_BATCH_FILES or size > MAX_BATCH_BYTES:
                    break
                batch.append(other)
        return batch

    def _send(self, batch: list[_Request]) -> None:
        """Have a batch read, wait for it, and answer each of its requests: with None if the batch failed. The task that
        `_next_batch` took is free again then.

        Raises nothing.
        """
        answers: Sequence[bytes | None] = [None] * len(batch)
        with suppress(Exception):  # whatever the pool raises: each file is sent alone
            received = self._submit([(one.path.read_bytes(), one.filename) for one in batch]).result()
            answers = received if len(received) == len(batch) else answers
        with self._changed:
            self._free += 1
            self._changed.notify_all()
        for one, answer in zip(batch, answers, strict=True):
            one.answer.set_result(answer)
