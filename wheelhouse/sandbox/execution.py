"""Run a command in a sandbox, within its limits of time, memory, answer and log.

Files written inside lie in memory and vanish with the sandbox. The answer leaves through stdout and the log through stderr,
both limited.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from wheelhouse.errors import MachineError
from wheelhouse.files.disk import os_errors_as_machine_error
from wheelhouse.sandbox.memory import memory_below
from wheelhouse.sandbox.sandbox import Limits, Sandbox, SandboxArgv, SandboxCommand, SandboxResult

CHUNK_BYTES = 1 << 16
POLL_SECONDS = 0.25
"""Seconds between two readings of a sandbox's memory."""
KILL_FIRST = 'umask 022; { echo 1000 > /proc/self/oom_score_adj; } 2> /dev/null; exec "$@"'
"""If memory runs out before the next reading, the kernel kills the sandbox's processes first.

The fixed umask keeps builds independent of the user's own.
"""


def run_in(sandbox: Sandbox, command: SandboxCommand, answer: Path) -> SandboxResult:
    """Run a command in a sandbox and write its stdout to `answer`. Raises MachineError if it cannot start."""
    command = replace(command, shown={inside: outside.absolute() for inside, outside in command.shown.items()})
    with tempfile.TemporaryDirectory(prefix="wheelhouse-sandbox-", ignore_cleanup_errors=True) as folder:
        sandboxed = sandbox.wrap(command, Path(folder))
        with os_errors_as_machine_error(answer), answer.open("wb") as file, _running(sandboxed) as process:
            return _wait_within_limits(process, file, command.limits)


@contextlib.contextmanager
def _running(sandboxed: SandboxArgv) -> Iterator["subprocess.Popen[bytes]"]:
    """The running process; it and all its children are killed at exit."""
    try:
        process = subprocess.Popen(
            ("/bin/sh", "-c", KILL_FIRST, "sandbox", *sandboxed.argv),
            env=dict(sandboxed.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise MachineError(f"`{sandboxed.argv[0]}` cannot be started: {error.strerror}") from error
    try:
        yield process
    finally:
        _kill(process)
        process.wait()
        if sandboxed.after:
            subprocess.run(sandboxed.after, env=dict(sandboxed.environment), check=False, capture_output=True)
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _PipeCopy(threading.Thread):
    """Copies a pipe up to a limit in bytes, and calls `on_excess` when there is more."""

    def __init__(
        self, pipe: IO[bytes], write: Callable[[bytes], object], limit: int, on_excess: Callable[[], None]
    ) -> None:
        super().__init__(daemon=True)
        self._pipe, self._write, self._limit, self._on_excess = pipe, write, limit, on_excess
        self.start()

    def run(self) -> None:
        left = self._limit
        while block := os.read(self._pipe.fileno(), CHUNK_BYTES):
            if len(block) > left:
                self._on_excess()
                return
            left -= len(block)
            self._write(block)


def _wait_within_limits(process: "subprocess.Popen[bytes]", answer: IO[bytes], limits: Limits) -> SandboxResult:
    assert process.stdout and process.stderr  # noqa: S101  (both are pipes)
    log, reasons = bytearray(), list[str]()

    def stop(reason: str) -> None:
        reasons.append(reason)
        _kill(process)

    copies = (
        _PipeCopy(process.stdout, answer.write, limits.answer, lambda: stop("it answered with too many bytes")),
        _PipeCopy(process.stderr, log.extend, limits.log, lambda: stop(f"it printed more than {limits.log} bytes")),
    )
    if reason := _exceeded_limit(process, limits):
        stop(reason)
        process.wait()
    deadline = time.monotonic() + 10
    for copy in copies:
        copy.join(max(0.0, deadline - time.monotonic()))
    return SandboxResult(process.returncode, reasons[0] if reasons else None, bytes(log))


def _exceeded_limit(process: "subprocess.Popen[bytes]", limits: Limits) -> str | None:
    """Which limit a process exceeded, time or memory; None once it has ended by itself."""
    deadline = time.monotonic() + limits.seconds
    while (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(POLL_SECONDS, left))
            return None
        if memory_below(process.pid) > limits.memory:
            return f"its processes took more than {limits.memory >> 20} MiB of memory"
    return f"it did not end within {limits.seconds:g} s"
