"""After `kill -9` of wheelhouse nothing of its sandboxes runs on, as root and as an ordinary user."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.sandboxes import BY_NAME, needs_sandbox
from tests.support.tools import clean_environment, run
from tests.support.users import AS_USER, LIBRARIES

pytest_plugins = ["tests.support.user_fixtures"]
pytestmark = pytest.mark.rooms
RUN = """\
import sys
from pathlib import Path
from tests.support.sandboxes import BY_NAME
from wheelhouse.sandbox.execution import run_in
from wheelhouse.sandbox.sandbox import Limits, SandboxCommand
from wheelhouse.target.interpreters import facts_of, interpreter_of
interpreter = interpreter_of(facts_of(Path(sys.executable)))
argv = [str(interpreter.path), "-I", "-c", sys.argv[3]]
run_in(BY_NAME[sys.argv[1]], SandboxCommand(argv, {}, interpreter.shown, Limits(seconds=60)), Path(sys.argv[2]))
"""
SLEEP = "import os, time\nos.fork()\nos.fork() or os.setsid()\ntime.sleep(60)  # {marker}"
"""Processes that leave their group and session, too."""


def running(marker: str) -> list[list[bytes]]:
    """The command lines that have a word, but for the one that runs the sandbox."""
    lines = (_read(path).split(b"\0") for path in Path("/proc").glob("[0-9]*/cmdline"))
    return [line for line in lines if any(marker.encode() in word for word in line) and RUN.encode() not in line]


def wait_until(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true within half a minute."""
    until = time.monotonic() + 30
    while not (holds := condition()) and time.monotonic() < until:
        time.sleep(0.05)
    return holds


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def outlives(seal: str, folder: Path, command: Sequence[str | Path], environment: dict[str, str]) -> bool:
    """Whether a process of a sandbox still runs some seconds after the process that made it was killed."""
    marker = f"marker-{os.urandom(8).hex()}"
    words = [*map(str, command), "-B", "-c", RUN, seal, str(folder / "answer"), SLEEP.format(marker=marker)]
    with subprocess.Popen(words, env=environment) as process:
        assert wait_until(lambda: sum(line[1:3] == [b"-I", b"-c"] for line in running(marker)) >= 4)
        process.send_signal(signal.SIGKILL)
    return not wait_until(lambda: not running(marker))


@pytest.mark.parametrize("seal", BY_NAME)
def test_nothing_outlives_a_killed_wheelhouse(seal: str, tmp_path: Path) -> None:
    needs_sandbox(seal)
    assert not outlives(seal, tmp_path, [sys.executable], clean_environment(PYTHONPATH=str(ROOT)))


@pytest.mark.parametrize("seal", BY_NAME)
def test_nothing_outlives_it_as_an_ordinary_user(seal: str, anyones_python: Path, home: Path) -> None:
    if (refused := run(*AS_USER, "unshare", "--user", "--map-root-user", "--mount", "true")).returncode:
        pytest.skip(f"this machine permits users no namespaces: {refused.stderr}")
    needs_sandbox(seal)
    environment = clean_environment(HOME=str(home), TMPDIR=str(home), PYTHONPATH=LIBRARIES)
    # `env` of AS_USER becomes Python, which is then the process that is killed.
    assert not outlives(seal, home, [*AS_USER, anyones_python], environment)
