"""wheelhouse, and real pip and uv, run with nothing of this host's settings."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support import warm
from tests.support.checkout import ROOT

PROGRAM = (sys.executable, "-m", "wheelhouse")
"""Starts this tree's wheelhouse in the clean environment, whatever else is installed."""
_KEPT = ("COVERAGE_PROCESS_CONFIG", "HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT", "TEMP", "TMPDIR")


def clean_environment(**more: str) -> dict[str, str]:
    """What a program needs to run at all, this tree to import from, and `more`: no PIP_*, UV_*, proxy or certificate variable."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": str(ROOT)} | more


def run(
    *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a program in the clean environment, or in `env`, and keep what it says; the caller looks at the exit code."""
    env = clean_environment() if env is None else env
    return subprocess.run(command, cwd=cwd, env=env, check=False, capture_output=True, text=True, timeout=timeout)


def pip(command: str, *arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run this interpreter's pip, with no cache, no retries and no question about its own version."""
    quiet = ("--disable-pip-version-check", "--no-input", "--no-cache-dir", "--retries=0", "--timeout=10")
    return run(sys.executable, "-I", "-m", "pip", command, *quiet, *arguments, env=env)


def uv(*arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run uv, with no cache and no configuration; `uv("pip", "install", …)` needs a `--python` too."""
    return run(sys.executable, "-I", "-m", "uv", *arguments, "--no-cache", "--no-config", "--no-progress", env=env)


def wheelhouse(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run the `wheelhouse` command as a user would, in `cwd`, with a cache of its own there; `env` adds variables.

    Whatever the exit code, the end is an honest one, and not the last resort.
    """
    environment = clean_environment(**{"XDG_CACHE_HOME": str(cwd / ".cache"), **(env or {})})
    if warm.can_run(environment):
        done = warm.run([os.fspath(argument) for argument in arguments], cwd, environment, timeout)
    else:
        done = run(*PROGRAM, *arguments, cwd=cwd, env=environment, timeout=timeout)
    must_be_no_defect(done.stderr)
    return done


def must_be_no_defect(said: str) -> None:
    """What wheelhouse said is not its last resort: no failure is known to lead there."""
    assert "Traceback" not in said, said
    assert "wheelhouse itself failed" not in said, said
