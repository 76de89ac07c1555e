"""The sealed room that a build runs in: no network, a read-only view of what it needs, its own HOME and TMP, and limits.

What a build writes lies in memory and vanishes with the room. An answer comes out through its stdout, its log through stderr,
both limited. How rooms are sealed is in `seals`.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from wheelhouse.errors import MachineError
from wheelhouse.files.disk import os_errors_as_machine_error
from wheelhouse.sandbox.memory import memory_below

HERE = "/wheelhouse"
WORK = f"{HERE}/work"
"""The one folder of a room that can be written to; `/tmp` is another name of it."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CHUNK_BYTES = 1 << 16
POLL_SECONDS = 0.25
"""Seconds between two looks at the memory of a room."""
FIRST_TO_GO = 'umask 022; { echo 1000 > /proc/self/oom_score_adj; } 2> /dev/null; exec "$@"'
"""Should memory run out before the next look, the kernel ends what is in the room, and nothing else.

What is built does not depend on the umask of the user who builds.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run in a room may use: wall time; memory of all its processes, and disk, in bytes; processes; what it may say."""

    seconds: float = 3600
    memory: int = 8 << 30
    disk: int = 8 << 30
    processes: int = 512
    answer: int = 2 << 30
    log: int = 32 << 20


@dataclass(frozen=True, slots=True)
class SandboxCommand:
    """One run: the command, its whole environment, and what is shown to it read-only, by the path that it has in the room.

    Command and environment speak of paths as they are in the room.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    shown: Mapping[str, Path]
    limits: Limits


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """How a run ended. `stopped` says in words why the room was closed on it, where it was."""

    code: int
    stopped: str | None
    log: bytes


@dataclass(frozen=True, slots=True)
class SandboxArgv:
    """The command line that runs an order in a room, its environment, and what must be run afterwards, if anything."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    after: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A way to run orders. `sealed` says what seals it, and is empty where nothing does.

    `seal` takes an order and an empty folder of its own. `path` says where something is for those inside.
    """

    sealed: str
    seal: Callable[[SandboxCommand, Path], SandboxArgv]

    def path(self, inside: str, outside: Path) -> str:
        """Where something is for the command: where it is shown, or, with no room around it, where it lies."""
        return inside if self.sealed else str(outside)

    def run(self, order: SandboxCommand, answer: Path) -> SandboxResult:
        """Carry out an order; what it says on stdout is written to `answer`. Raises MachineError where it cannot start."""
        order = replace(order, shown={inside: outside.absolute() for inside, outside in order.shown.items()})
        with tempfile.TemporaryDirectory(prefix="wheelhouse-room-", ignore_cleanup_errors=True) as folder:
            launch = self.seal(order, Path(folder))
            with os_errors_as_machine_error(answer), answer.open("wb") as file, _started(launch) as process:
                return _watched(process, file, order.limits)


@contextlib.contextmanager
def _started(launch: SandboxArgv) -> Iterator["subprocess.Popen[bytes]"]:
    """The running process; it and all that it started are gone afterwards."""
    try:
        process = subprocess.Popen(
            ("/bin/sh", "-c", FIRST_TO_GO, "room", *launch.argv),
            env=dict(launch.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise MachineError(f"`{launch.argv[0]}` cannot be started: {error.strerror}") from error
    try:
        yield process
    finally:
        _kill(process)
        process.wait()
        if launch.after:
            subprocess.run(launch.after, env=dict(launch.environment), check=False, capture_output=True)
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _Copied(threading.Thread):
    """Copies what a process says, up to a limit, and calls `over` when there is more."""

    def __init__(self, pipe: IO[bytes], write: Callable[[bytes], object], limit: int, over: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._pipe, self._write, self._limit, self._over = pipe, write, limit, over
        self.start()

    def run(self) -> None:
        left = self._limit
        while block := os.read(self._pipe.fileno(), CHUNK_BYTES):
            if len(block) > left:
                self._over()
                return
            left -= len(block)
            self._write(block)


def _watched(process: "subprocess.Popen[bytes]", answer: IO[bytes], limits: Limits) -> SandboxResult:
    assert process.stdout and process.stderr  # noqa: S101  (both are pipes)
    log, reasons = bytearray(), list[str]()

    def stop(reason: str) -> None:
        reasons.append(reason)
        _kill(process)

    copies = (
        _Copied(process.stdout, answer.write, limits.answer, lambda: stop("it answered with too many bytes")),
        _Copied(process.stderr, log.extend, limits.log, lambda: stop(f"it printed more than {limits.log} bytes")),
    )
    if reason := _overstepped(process, limits):
        stop(reason)
        process.wait()
    deadline = time.monotonic() + 10
    for copy in copies:
        copy.join(max(0.0, deadline - time.monotonic()))
    return SandboxResult(process.returncode, reasons[0] if reasons else None, bytes(log))


def _overstepped(process: "subprocess.Popen[bytes]", limits: Limits) -> str | None:
    """What a process took too much of, time or memory; None once it has ended by itself."""
    deadline = time.monotonic() + limits.seconds
    while (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(POLL_SECONDS, left))
            return None
        if memory_below(process.pid) > limits.memory:
            return f"its processes took more than {limits.memory >> 20} MiB of memory"
    return f"it did not end within {limits.seconds:g} s"
