"""Run a command in a sandbox, within its limits of time, memory, answer and log.

Files written inside lie in memory and vanish with the sandbox. The answer leaves through stdout and the log through stderr,
both limited.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from wheelhouse.errors import MachineError
from wheelhouse.files.disk import os_errors_as_machine_error
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.sandbox import launcher
from wheelhouse.sandbox.cgroup import Cgroup, make_cgroup
from wheelhouse.sandbox.confinement import find_program
from wheelhouse.sandbox.memory import memory_below
from wheelhouse.sandbox.sandbox import (
    ALIVE_DESCRIPTORS,
    FILTER_DESCRIPTOR,
    SYSTEM_PATH,
    Limits,
    Sandbox,
    SandboxArgv,
    SandboxCommand,
    SandboxResult,
)

CHUNK_BYTES = 1 << 16
POLL_SECONDS = 0.25
"""Seconds between two readings of a sandbox's memory."""
LAUNCHER = Path(launcher.__file__)


def run_in(sandbox: Sandbox, command: SandboxCommand, answer: Path) -> SandboxResult:
    """Run a command in a sandbox and write its stdout to `answer`; its stderr is the result's log. Raises MachineError if it
    cannot start, or if `answer` cannot be written.
    """
    command = replace(command, shown={inside: outside.absolute() for inside, outside in command.shown.items()})
    with scratch_folder("sandbox") as folder:
        sandboxed = sandbox.wrap(command, folder)
        cgroup = None if sandboxed.elsewhere else make_cgroup(command.limits)
        with (
            os_errors_as_machine_error(answer),
            answer.open("wb") as file,
            _running(sandboxed, cgroup, command.stdin) as process,
        ):
            return _wait_within_limits(process, file, command.limits, cgroup)


@contextlib.contextmanager
def _running(sandboxed: SandboxArgv, cgroup: Cgroup | None, stdin: bytes) -> Iterator["subprocess.Popen[bytes]"]:
    """The running process; its process group and all in the cgroup are killed at exit, and the cgroup is removed. Raises
    MachineError if it cannot start.
    """
    request = {
        "parent": os.getpid(),
        "after": list(sandboxed.after),
        "cgroups": [str(path) for path in cgroup.joins] if cgroup else [],
        "open": [(FILTER_DESCRIPTOR, str(sandboxed.filter))] if sandboxed.filter else [],
        "pipe": ALIVE_DESCRIPTORS if sandboxed.alive else None,
    }
    with contextlib.ExitStack() as at_exit:
        if cgroup:
            at_exit.callback(cgroup.remove)
        try:
            process = subprocess.Popen(
                (sys.executable, "-I", "-S", "-B", str(LAUNCHER), json.dumps(request), *_with_path(sandboxed)),
                env=dict(sandboxed.environment),
                stdin=at_exit.enter_context(_pipe_with(stdin)),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise MachineError(f"`{sandboxed.argv[0]}` cannot be started: {error.strerror}") from error
        at_exit.callback(_end, process, sandboxed)
        yield process


def _with_path(sandboxed: SandboxArgv) -> list[str]:
    """The command line with the program's path, found on its own PATH. Raises MachineError if it is not installed."""
    program, *arguments = sandboxed.argv
    return [find_program(program, sandboxed.environment.get("PATH", SYSTEM_PATH)), *arguments]


@contextlib.contextmanager
def _pipe_with(content: bytes) -> Iterator[int]:
    """The read end of a pipe that has some bytes in it, no more than fit into a pipe, and ends after them."""
    read_end, write_end = os.pipe()
    try:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(content)
        yield read_end
    finally:
        os.close(read_end)


def _end(process: "subprocess.Popen[bytes]", sandboxed: SandboxArgv) -> None:
    """Kill what still runs, run the clean-up command, and close the pipes."""
    _kill(process)
    process.wait()
    if sandboxed.after:
        subprocess.run(sandboxed.after, env=dict(sandboxed.environment), check=False, capture_output=True)
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process group of a process, also if only its children still run; nothing if the whole group has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _PipeCopy(threading.Thread):
    """Copies a pipe up to a limit in bytes, and calls `on_excess` when there is more.

    If a block cannot be written, `on_excess` is called, too, and `failure` says why.
    """

    def __init__(
        self, pipe: IO[bytes], write: Callable[[bytes], object], limit: int, on_excess: Callable[[], None]
    ) -> None:
        super().__init__(daemon=True)
        self._pipe, self._write, self._limit, self._on_excess = pipe, write, limit, on_excess
        self.failure: OSError | None = None
        self.start()

    def run(self) -> None:
        """Copy until the pipe ends. A block that goes beyond the limit or cannot be written is dropped, and the copy ends."""
        left = self._limit
        while block := os.read(self._pipe.fileno(), CHUNK_BYTES):
            if len(block) > left:
                self._on_excess()
                return
            left -= len(block)
            try:
                self._write(block)
            except OSError as error:
                self.failure = error
                self._on_excess()
                return


def _wait_within_limits(
    process: "subprocess.Popen[bytes]", answer: IO[bytes], limits: Limits, cgroup: Cgroup | None
) -> SandboxResult:
    """Copy stdout and stderr until the process ends, or exceeds a limit and is killed; how it ended, with the first limit exceeded.

    Raises OSError if `answer` cannot be written: the process is then killed at once.
    """
    assert process.stdout and process.stderr  # noqa: S101  (both are pipes)
    log, reasons = bytearray(), list[str]()
    memory = _Memory(process.pid, limits.memory, cgroup)

    def stop(reason: str) -> None:
        """Note the reason, and kill the process with its children."""
        reasons.append(reason)
        _kill(process)

    copies = (
        _PipeCopy(
            process.stdout, answer.write, limits.answer, lambda: stop(f"its answer has more than {limits.answer} bytes")
        ),
        _PipeCopy(process.stderr, log.extend, limits.log, lambda: stop(f"it printed more than {limits.log} bytes")),
    )
    if reason := _exceeded_limit(process, limits, memory):
        stop(reason)
        process.wait()
    deadline = time.monotonic() + 10
    for copy in copies:
        copy.join(max(0.0, deadline - time.monotonic()))
        if copy.failure:
            raise copy.failure
    return SandboxResult(process.returncode, reasons[0] if reasons else None, bytes(log), memory.limited_by)


def _exceeded_limit(process: "subprocess.Popen[bytes]", limits: Limits, memory: "_Memory") -> str | None:
    """Wait until a process ends or exceeds its limit of time or memory: a sentence about that limit, None if it exceeded none.
    It is not killed here.
    """
    deadline = time.monotonic() + limits.seconds
    ended = False
    while not ended and (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(POLL_SECONDS, left))
            ended = True
        if memory.is_exceeded(ended=ended):
            return f"its processes took more than {limits.memory >> 20} MiB of memory"
    return None if ended else f"it did not end within {limits.seconds:g} s"


class _Memory:
    """The memory of a sandbox: its cgroup kills what takes too much, else it is measured. `limited_by` says which did."""

    def __init__(self, pid: int, limit: int, cgroup: Cgroup | None) -> None:
        self._pid, self._limit, self._cgroup = pid, limit, cgroup
        self.limited_by = ""

    def is_exceeded(self, *, ended: bool) -> bool:
        """Whether the limit is exceeded, which is then noted in `limited_by`; of processes that have ended, only the cgroup knows."""
        if self._cgroup:
            self.limited_by = "cgroup" if self._cgroup.ran_out else ""
        elif not ended and memory_below(self._pid) > self._limit:
            self.limited_by = "measurement"
        return bool(self.limited_by)
