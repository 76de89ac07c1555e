"""Run a command to its end: wall seconds, processor seconds of it and its children, and the largest process's memory."""

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST = 900.0
KEPT = ("HOME", "LANG", "PATH", "SSL_CERT_FILE", "TMPDIR", "LD_LIBRARY_PATH")
CLEAN = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_CONFIG": "1"}


@dataclass(frozen=True)
class Cost:
    """`wall` and `cpu` in seconds, `memory` in megabytes."""

    wall: float
    cpu: float
    memory: float


def environment(**more: str) -> dict[str, str]:
    """What a program needs, none of pip's and uv's own settings, and `more`."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("PIP_CERT") or kept.get("SSL_CERT_FILE")
    trusted = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), bundle) if bundle else {}
    return kept | CLEAN | {name: path for name, path in trusted.items() if path} | more


def cost_of(
    commands: Sequence[Sequence[str | Path]], env: Mapping[str, str], log: Path, cwd: Path | None = None
) -> Cost:
    """Run commands one after the other. Raises CalledProcessError where one fails; what it said is in `log`."""
    cpu, memory, started = 0.0, 0.0, time.monotonic()
    for command in commands:
        with log.open("wb") as said:
            process = subprocess.Popen(command, cwd=cwd, env=env, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, log.read_text(errors="replace")[-2000:])
        cpu += used.ru_utime + used.ru_stime
        memory = max(memory, used.ru_maxrss / 1024)
    return Cost(time.monotonic() - started, cpu, memory)


def least(costs: Sequence[Cost]) -> Cost:
    """The least of each: what other work on the machine adds is left out as far as the number of runs allows."""
    return Cost(*(min(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "memory")))


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each."""
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "memory")))
