"""Inspects files in worker processes, because the threads of one Python process inspect one file at a time.

The first sixteen files are inspected in the parent, later ones in the workers once they run. Facts are cached by sha256
(`index/inspections`).

`python -m wheelhouse.archive.inspect_pool` is a worker. It reads a line for each file and answers with a line: the inspected file as
JSON, or an empty line if the file is bad. The parent then inspects the file itself, for the error.
"""

import io
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Generic, TypeVar, cast

import msgspec

from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.files.disk import write_all

INSPECTED_IN_PROCESS = 16
"""Files that the parent inspects before it starts workers: these take as long as a start does."""
MAX_WORKERS = 4
"""Processes; a network does not keep more of them busy."""
READY = b"ready\n"
T = TypeVar("T")
_answer_decoder = msgspec.json.Decoder(InspectedFile, dec_hook=lambda kind, text: kind(text))
_request_decoder = msgspec.json.Decoder(tuple[bytes, bytes])


def encoded(contents: InspectedFile) -> bytes:
    """An inspected file as JSON without a line end."""
    return msgspec.json.encode(contents, enc_hook=str)


def decoded(line: bytes) -> InspectedFile:
    """The inspected file of a line. Raises msgspec.DecodeError."""
    return _answer_decoder.decode(line)


class ReadPool(Generic[T]):
    """Reads several files at once: in this process at most one for each core, later in at most MAX_WORKERS worker processes.

    `read` reads a file in this process; `module` is one that answers requests when it is run (`answer_requests`), and `decode` reads
    an answer. The first `in_process` files are read in this process. `close` ends the workers.
    """

    def __init__(
        self, module: str, read: Callable[[Path, str], T], decode: Callable[[bytes], T], in_process: int
    ) -> None:
        self._module, self._read, self._decode, self._first = module, read, decode, in_process
        cores = os.cpu_count() or 1
        self._in_process = threading.BoundedSemaphore(cores)
        """Held while this process inspects a file: more at once only compete for the interpreter lock."""
        self._worker_count = min(cores, MAX_WORKERS) if cores > 1 else 0
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._workers: list[_Worker] = []
        self._guard = threading.Lock()
        self._inspected, self._is_ready = 0, False

    def read(self, path: Path, filename: str) -> T:
        """What is read of a file: in a worker once they run, waiting for an idle one; else, or if the worker fails, in this process.

        Raises what the `read` of the constructor raises.
        """
        if self._is_ready:
            worker = self._idle.get()
            try:
                with suppress(OSError, ValueError, msgspec.MsgspecError):
                    return self._decode(worker.answer(path, filename))
            finally:
                self._idle.put(worker)
        self._count()
        with self._in_process:
            return self._read(path, filename)

    def close(self) -> None:
        """Kill all workers, and start no more. Files are then read in this process."""
        with self._guard:
            self._worker_count = 0
            for worker in self._workers:
                worker.close()

    def _count(self) -> None:
        """Count a file that this process reads; the file number `in_process` starts the workers, in a thread.

        Starts none after `close`, on a machine with one core, or if no thread can be started.
        """
        with self._guard, suppress(RuntimeError):  # no thread can be started
            self._inspected += 1
            if self._inspected == self._first and self._worker_count:
                threading.Thread(target=self._start, name="inspectors", daemon=True).start()

    def _start(self) -> None:
        """Start the workers, and wait until they are ready; without any, this process reads all files."""
        with suppress(OSError), self._guard:
            for _ in range(self._worker_count):
                self._workers.append(_Worker(self._module))
        for worker in self._workers:
            if worker.is_ready():
                self._idle.put(worker)
                self._is_ready = True


class InspectPool(ReadPool[InspectedFile]):
    """Inspects files."""

    def __init__(self) -> None:
        super().__init__(__name__, _inspected, decoded, INSPECTED_IN_PROCESS)

    def inspect(self, path: Path, filename: str) -> InspectedFile:
        """`wheelfile.inspect`, in a worker if one is ready. Raises the same errors."""
        return self.read(path, filename)


def _inspected(path: Path, filename: str) -> InspectedFile:
    """`inspect` without a watch: how the parent process itself inspects a file."""
    return inspect(path, filename)


class _Worker:
    """One process, in a process group of its own: Ctrl-C ends the parent, which then ends the worker."""

    def __init__(self, module: str = __name__) -> None:
        from subprocess import DEVNULL, PIPE, Popen  # noqa: PLC0415  (most runs have too few files to start a worker)

        command = [sys.executable, "-P", "-m", module]
        self._process = Popen(command, bufsize=0, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, process_group=0)
        self._requests = cast(io.FileIO, self._process.stdin)
        self._answers = io.BufferedReader(cast(io.FileIO, self._process.stdout))

    def is_ready(self) -> bool:
        """Wait for the process's first line. Returns whether it is READY; False if the process has ended."""
        with suppress(OSError, ValueError):  # closed meanwhile
            return self._answers.readline() == READY
        return False

    def answer(self, path: Path, filename: str) -> bytes:
        """The line that answers about a file, with its line end; only the line end if the file is bad.

        If the process has ended, it is b"", or OSError or ValueError is raised.
        """
        write_all(self._requests, msgspec.json.encode((os.fsencode(path), os.fsencode(filename))) + b"\n")
        return self._answers.readline()

    def close(self) -> None:
        """Kill the process, wait for its end and close its pipes."""
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._answers.close()


def answer_requests(answer: Callable[[Path, str], bytes]) -> None:
    """Write READY to stdout, then answer each request of stdin with a line that `answer` gives, empty if it raises, until stdin ends.

    Raises msgspec.MsgspecError for a line that is no request.
    """
    with open(0, "rb") as requests, open(1, "wb") as answers:
        answers.write(READY)
        answers.flush()
        for request in requests:
            path, filename = map(os.fsdecode, _request_decoder.decode(request))
            answers.write(_answered(answer, Path(path), filename) + b"\n")
            answers.flush()


def _answered(answer: Callable[[Path, str], bytes], path: Path, filename: str) -> bytes:
    """The answer about a file; b"" if `answer` raises any error."""
    try:
        return answer(path, filename)
    except Exception:  # the parent reads the file again, and reports the error
        return b""


if __name__ == "__main__":
    answer_requests(lambda path, filename: encoded(inspect(path, filename)))
