"""Runs tests on request, each time in a fork that has pytest and every library loaded, but nothing of this project.

A request is a line of JSON on stdin: the arguments of pytest, and seconds. The answer is a line: the exit code, negative if
the tests took longer or crashed.
"""

import contextlib
import io
import json
import os
import signal
import sys
import time
from resource import RLIMIT_AS, setrlimit

import pytest

MAX_MEMORY_BYTES = 6 << 30
OPTIONS = ("-x", "-q", "-n0", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=no", "--hypothesis-seed=0")


def load_libraries(tests: list[str]) -> None:
    """Import what the tests import, then forget the project's own modules."""
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([*OPTIONS, "--collect-only", *tests])
    for name in [name for name in sys.modules if name.partition(".")[0] in ("wheelhouse", "tests")]:
        del sys.modules[name]


def run(arguments: list[str], seconds: float) -> int:
    """Pytest's exit code; negative if it took too long or crashed. Whatever it started ends with it."""
    child = os.fork()
    if child == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        setrlimit(RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        os._exit(pytest.main([*OPTIONS, *arguments]))
    deadline = time.monotonic() + seconds
    ended, status = 0, -1
    while not ended and time.monotonic() < deadline:
        time.sleep(0.01)
        ended, status = os.waitpid(child, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not ended:
        os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if ended else -1


if __name__ == "__main__":
    load_libraries(sys.argv[1:])
    for line in sys.stdin:
        print(run(*json.loads(line)), flush=True)
