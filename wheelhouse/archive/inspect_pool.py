"""Files opened in processes of their own: in one process Python opens one at a time, however many threads and cores there are.

`python -m wheelhouse.archive.inspect_pool` is such a process. It is asked with a line, and answers with a line: what the file says of
itself, or nothing where the file is not well. Whoever asked then opens it himself, and finds what to say.
"""

import io
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import cast

import msgspec

from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.files.disk import write_all

INSPECTED_IN_PROCESS = 16
"""Files that are opened here before a process is started: it takes as long to start as these do."""
MAX_WORKERS = 4
"""Processes: more are not kept busy by what arrives over a network."""
READY = b"ready\n"
_contents = msgspec.json.Decoder(InspectedFile, dec_hook=lambda kind, text: kind(text))
_question = msgspec.json.Decoder(tuple[bytes, bytes])


def encoded(contents: InspectedFile) -> bytes:
    """What a file says of itself, as one line of JSON."""
    return msgspec.json.encode(contents, enc_hook=str)


def decoded(line: bytes) -> InspectedFile:
    """What was encoded. Raises msgspec.DecodeError for anything else."""
    return _contents.decode(line)


class InspectPool:
    """Opens files, as many at once as there are cores. Closed with `close`."""

    def __init__(self) -> None:
        cores = os.cpu_count() or 1
        self._here = threading.BoundedSemaphore(cores)
        """Held while a file is opened here: more of them at once only take the interpreter's lock from each other."""
        self._wanted = min(cores, MAX_WORKERS) if cores > 1 else 0
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._all: list[_Worker] = []
        self._guard = threading.Lock()
        self._opened, self._ready = 0, False

    def inspect(self, path: Path, filename: str) -> InspectedFile:
        """What `wheelfile.inspect` says of a file, with its errors."""
        if self._ready:
            opener = self._idle.get()
            try:
                if contents := opener.inspect(path, filename):
                    return contents
            finally:
                self._idle.put(opener)
        self._count()
        with self._here:
            return inspect(path, filename)

    def close(self) -> None:
        """End all processes."""
        with self._guard:
            self._wanted = 0
            for opener in self._all:
                opener.close()

    def _count(self) -> None:
        with self._guard, suppress(RuntimeError):  # no thread can be started
            self._opened += 1
            if self._opened == INSPECTED_IN_PROCESS and self._wanted:
                threading.Thread(target=self._start, name="openers", daemon=True).start()

    def _start(self) -> None:
        """Start the processes; where that fails, files are opened here."""
        with suppress(OSError), self._guard:
            for _ in range(self._wanted):
                self._all.append(_Worker())
        for opener in self._all:
            if opener.is_ready():
                self._idle.put(opener)
                self._ready = True


class _Worker:
    """One process. Away from the terminal: an interrupt ends it with the run that it belongs to, not before."""

    def __init__(self) -> None:
        from subprocess import DEVNULL, PIPE, Popen  # noqa: PLC0415  (most runs open too little to start one)

        command = [sys.executable, "-P", "-m", __name__]
        self._process = Popen(command, bufsize=0, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, process_group=0)
        self._questions = cast(io.FileIO, self._process.stdin)
        self._answers = io.BufferedReader(cast(io.FileIO, self._process.stdout))

    def is_ready(self) -> bool:
        """Whether it is there; waits until it is."""
        with suppress(OSError, ValueError):  # closed meanwhile
            return self._answers.readline() == READY
        return False

    def inspect(self, path: Path, filename: str) -> InspectedFile | None:
        """None where the file, or this process, is not well."""
        with suppress(OSError, ValueError, msgspec.MsgspecError):
            write_all(self._questions, msgspec.json.encode((os.fsencode(path), os.fsencode(filename))) + b"\n")
            return decoded(self._answers.readline())
        return None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._questions.close()
        self._answers.close()


def main() -> None:
    """Answer until nobody asks any more."""
    with open(0, "rb") as questions, open(1, "wb") as answers:
        answers.write(READY)
        answers.flush()
        for question in questions:
            path, filename = map(os.fsdecode, _question.decode(question))
            answers.write(_answer(Path(path), filename) + b"\n")
            answers.flush()


def _answer(path: Path, filename: str) -> bytes:
    try:
        return encoded(inspect(path, filename))
    except Exception:  # whoever asked meets it again, and says so
        return b""


if __name__ == "__main__":
    main()
