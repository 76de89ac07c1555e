"""What processes hold together, counted while they come and go."""

import os
import subprocess
import sys
import time

import pytest

from wheelhouse.sandbox.memory import memory_below

if not sys.platform.startswith("linux"):
    pytest.skip("only Linux tells what a process holds", allow_module_level=True)
HOLDING = """\
import os, sys, time
for _ in range(3):
    if os.fork() == 0:
        held = bytearray(os.urandom(1 << 20) * 32)
        break
print("ready", flush=True)
time.sleep(30)
"""
RESTLESS = "import os\nwhile True:\n    os.fork() or os._exit(0)\n    os.wait()\n"


def test_descendants_count_with_what_they_hold() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDING], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        for _ in range(4):
            process.stdout.readline()
        held = memory_below(process.pid)
        os.killpg(process.pid, 9)
    assert 96 << 20 < held < 200 << 20
    assert memory_below(process.pid) == 0


def test_processes_that_end_meanwhile_do_no_harm() -> None:
    with subprocess.Popen([sys.executable, "-c", RESTLESS], start_new_session=True) as process:
        until = time.monotonic() + 1
        while time.monotonic() < until:
            memory_below(process.pid)
        os.killpg(process.pid, 9)
