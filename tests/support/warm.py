"""Runs commands of wheelhouse in forks of one process that has imported it, so that tests do not wait for each import.

A fork sees its own folder, environment, streams and exit code, as a new process does. What only a new process shows (the
interpreter's settings, which modules a command imports) is tried by tests that use `PROGRAM`.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.checkout import ROOT

READ_AT_START = ("COVERAGE_", "LANG", "LC_", "LD_", "PYTHON", "TZ")
"""Prefixes of the variables that the interpreter and coverage read when they start."""
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("cli", "fetch", "index", "report", "vet", "stage", "bundle", "mirror")
    for path in (ROOT / "wheelhouse" / package).rglob("*.py")
    if path.name != "__init__.py"
)

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([*MODULES, "tests.support.made_commands", __name__])


def can_run(environment: Mapping[str, str]) -> bool:
    """Whether a command with this environment does the same in a fork: no variable of it changes how the interpreter starts."""
    settings = (name for name in environment if name.startswith(READ_AT_START) and name != "PYTHONPATH")
    return all(environment[name] == os.environ.get(name) and not name.startswith("COVERAGE_") for name in settings)


def run(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run one command in a fork, as `subprocess.run` does. Raises TimeoutExpired after `timeout` seconds."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, name) for name in ("stdout", "stderr")]
        process = _forks.Process(target=_command, args=(list(arguments), cwd, dict(environment), *streams))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(list(arguments), timeout)
        texts = [stream.read_text(encoding="utf-8") if stream.exists() else "" for stream in streams]
    return subprocess.CompletedProcess(["wheelhouse", *arguments], process.exitcode, *texts)


def _command(arguments: list[str], cwd: Path, environment: dict[str, str], stdout: Path, stderr: Path) -> None:
    from wheelhouse.cli.entry import main

    for descriptor, path in ((1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["wheelhouse", *arguments]
    main()
