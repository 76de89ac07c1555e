"""Asks the questions in a sandbox: makes what must not be reached, and runs `inside` as a rehearsal runs code of packages."""

import ctypes
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wheelhouse.sandbox.builder import Builder
from wheelhouse.sandbox.commands import InstallCommand, run_commands
from wheelhouse.sandbox.sandbox import HERE, Limits, Sandbox
from wheelhouse.sandbox.seccomp import ARCHITECTURES, NUMBERS
from wheelhouse.target.interpreters import facts_of, interpreter_of

INSIDE = Path(__file__).with_name("inside.py")
SCRIPT = f"{HERE}/probe.py"
LIMITS = Limits(seconds=120, memory=256 << 20, disk=64 << 20, processes=64)
FILL_LIMITS = Limits(seconds=120, memory=256 << 20, processes=128)
FILLED = 512 << 20
MUST_WORK = ("write to its work folder", "start processes and threads at all", "talk to itself on 127.0.0.1")
"""The questions whose answer must be yes; all others must be answered no."""
KINDS = (
    "private mappings",
    "shared mappings",
    "memfd files",
    "files in the work folder",
    "files in /dev/shm",
    "many processes together",
    "System V shared memory",
    "secret memory (memfd_secret)",
    "socket buffers",
)
UNMEASURED = ("socket buffers",)
"""Memory that only a cgroup limits, because it belongs to no process."""


def ask_all(sandbox: Sandbox) -> dict[tuple[str, str], str]:
    """The answer to each question, by group and question."""
    interpreter = interpreter_of(facts_of(Path(sys.executable)))
    with _reachable() as request:
        request |= {"prefix": str(interpreter.path.parent), "disk": LIMITS.disk, "processes": LIMITS.processes}
        output = _run(Builder(sandbox, interpreter, LIMITS, 1), request)
        answers = {(group, question): answer for group, question, answer in json.loads(output.splitlines()[-1])}
        for kind in KINDS:
            output = _run(Builder(sandbox, interpreter, FILL_LIMITS, 1), request, kind)
            answers["memory", f"exceed the limit by {kind}"] = _filled(output)
    return answers


def _filled(output: str) -> str:
    """What came of filling memory: its own answer, or that it was stopped."""
    last = output.splitlines()[-1]
    return "no: stopped" if "of memory" in last else "no: killed" if not last.startswith('"') else str(json.loads(last))


def _run(builder: Builder, request: Mapping[str, object], *words: str) -> str:
    command = (str(builder.interpreter.path), "-I", SCRIPT, json.dumps(request), *words)
    first, probe = InstallCommand("first", ("true",)), InstallCommand("probe", command)
    *_, result = run_commands(builder, (first, probe), {SCRIPT: INSIDE})
    return result.output


@contextmanager
def _reachable() -> Iterator[dict[str, object]]:
    """A file, a process, a key and three servers of this machine, and what the questions must know of them."""
    marker = f"probe-{secrets.token_hex(8)}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "canary").write_text("not to be seen")
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for address in (f"\0{marker}", str(folder / "socket")):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen()
        process = stack.enter_context(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", marker]))
        stack.callback(process.kill)
        _add_key(b"wheelhouse-probe")
        machine = ARCHITECTURES[os.uname().machine]
        yield {
            "canary": str(folder / "canary"),
            "home": _other_files_of_home(Path(sys.executable).resolve()),
            "port": tcp.getsockname()[1],
            "abstract": marker,
            "socket": str(folder / "socket"),
            "marker": marker,
            "pid": process.pid,
            "numbers": {name: machine.number(name) for name in NUMBERS},
            "fill": FILLED,
        }


def _other_files_of_home(interpreter: Path) -> list[str]:
    """What lies in the user's home, but for the folder that has the interpreter, which is shown."""
    return [str(path) for path in Path.home().iterdir() if path not in interpreter.parents]


def _add_key(name: bytes) -> None:
    """Add a key to this process's own keyring: others of the same user may list it."""
    number = ARCHITECTURES[os.uname().machine].number("add_key")
    process_keyring = ctypes.c_long(-2)
    ctypes.CDLL(None).syscall(ctypes.c_long(number), b"user", name, b"secret", ctypes.c_long(6), process_keyring)
