"""What the launcher does for every kind of sandbox: all ends with wheelhouse, and a command's end is told as it was."""

import csv
import errno
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.tools import clean_environment
from wheelhouse.sandbox import launcher
from wheelhouse.sandbox.confinement import FILTER, find_filter
from wheelhouse.sandbox.container import Container
from wheelhouse.sandbox.sandbox import Limits, SandboxCommand

WHEELHOUSE = """\
import json, os, subprocess, sys
request = {"parent": os.getpid(), "cgroups": [], "open": [], "pipe": None, "after": json.loads(sys.argv[2])}
words = [sys.executable, "-I", "-S", "-B", sys.argv[1], json.dumps(request), *sys.argv[3:]]
sys.exit(subprocess.run(words, start_new_session=True).returncode)
"""
"""Starts a command through the launcher, as wheelhouse does."""


def launched(after: list[str], *command: str) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", WHEELHOUSE, launcher.__file__, json.dumps(after), *command]
    return subprocess.Popen(words, env=clean_environment(), stdout=subprocess.PIPE, text=True)


def holds(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true within half a minute."""
    until = time.monotonic() + 30
    while not (result := condition()) and time.monotonic() < until:
        time.sleep(0.02)
    return result


def test_all_processes_end_with_a_killed_wheelhouse_whatever_they_ask_of_the_kernel(tmp_path: Path) -> None:
    """The second shell asks for no parent death signal, as bubblewrap's inner process before its mounts are made."""
    script = "sh -c 'echo $$; exec sleep 600' & wait"
    with launched(["/bin/sh", "-c", 'touch "$0"', str(tmp_path / "cleaned")], "/bin/sh", "-c", script) as process:
        assert process.stdout
        inner = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    assert holds(lambda: not Path(f"/proc/{inner}").exists())
    assert (tmp_path / "cleaned").exists()


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -TERM $$", -signal.SIGTERM), ("kill -9 $$", -9)])
def test_a_command_s_end_is_told_as_it_was(script: str, code: int) -> None:
    request = {"parent": os.getpid(), "cgroups": [], "open": [], "pipe": None, "after": []}
    words = [sys.executable, "-I", "-S", "-B", launcher.__file__, json.dumps(request), "/bin/sh", "-c", script]
    assert subprocess.run(words, start_new_session=True, check=False).returncode == code


def test_a_container_starts_its_command_through_the_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelhouse.sandbox.container.find_program", lambda name, path: f"/bin/{name}")
    command = SandboxCommand(["python3", "-c", "pass"], {}, {}, Limits())
    argv = Container("image", {}).wrap(command, tmp_path).argv
    loader = ["image", "-I", "-S", "-B", "/wheelhouse/filter.py", "/wheelhouse/seccomp.bpf"]
    assert argv[argv.index("--entrypoint") :] == ["--entrypoint", "python3", *loader, "python3", "-c", "pass"]


def test_a_container_is_shown_paths_with_any_character(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelhouse.sandbox.container.find_program", lambda name, path: f"/bin/{name}")
    for outside in (Path('/srv/a:b,c "d"'), Path("/srv/a:b")):
        command = SandboxCommand(["python3"], {}, {"/wheelhouse/sdist": outside}, Limits())
        argv = Container("image", {}).wrap(command, tmp_path).argv
        mounts = [value for option, value in itertools.pairwise(argv) if option == "--mount"]
        (row,) = csv.reader(mounts[-1:])
        assert row == ["type=bind", f"source={outside}", "target=/wheelhouse/sdist", "readonly"]
    assert not any('"' in mount for mount in mounts)  # podman before 4.1 reads no quotes


LOAD = """\
import ctypes, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from inside_filter import apply_filter
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
apply_filter(Path(sys.argv[2]).read_bytes())
print(libc.unshare(0x10000000), ctypes.get_errno())
"""


@pytest.mark.skipif(find_filter() is None, reason="this machine loads no seccomp filter")
def test_a_container_s_filter_refuses_what_it_lists() -> None:
    words = [sys.executable, "-c", LOAD, str(Path(launcher.__file__).parent), str(FILTER)]
    done = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["-1", str(errno.EPERM)]
