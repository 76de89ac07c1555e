"""A Dask cluster on loopback: a scheduler and workers, each a process of its own that a test may kill."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.served import free_port

START_SECONDS = 90


@dataclass(frozen=True)
class Worker:
    """A worker to start: its resources, as `linux_aarch64=1`, and its own environment."""

    resources: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def dask_cluster(folder: Path, workers: Sequence[Worker]) -> Iterator[str]:
    """The address of a scheduler with these workers, each with one thread, and with a nanny that starts a dead one again."""
    if find_spec("distributed") is None:
        pytest.skip("distributed is not installed")
    address = f"tcp://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        scheduler = ("scheduler", "--host", address, "--no-dashboard", "--no-show")
        stack.enter_context(_process(folder, "scheduler", scheduler, {}))
        for number, worker in enumerate(workers):
            own = ("--resources", worker.resources) if worker.resources else ()
            words = ("worker", address, "--nthreads", "1", "--no-dashboard", "--death-timeout", "60", *own)
            stack.enter_context(_process(folder, f"worker-{number}", words, worker.environment))
        with connected(address) as client:
            client.wait_for_workers(len(workers), timeout=START_SECONDS)
        yield address


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of a scheduler."""
    from distributed import Client

    with Client(address, timeout=START_SECONDS, set_as_default=False) as client:
        yield client


@contextmanager
def killing(address: str, resources: Sequence[str], every_seconds: float) -> Iterator[list[int]]:
    """Kill a worker with each of these resources meanwhile, one after the other; yields the ids of the killed processes."""
    killed: list[int] = []
    stop = threading.Event()

    def kill() -> None:
        with connected(address) as client:
            for resource in resources:
                if stop.wait(every_seconds):
                    return
                workers = client.scheduler_info(n_workers=-1)["workers"].items()
                having = [worker for worker, facts in workers if resource in facts["resources"]]
                killed.extend(client.run(os.getpid, workers=having[:1]).values())
                os.kill(killed[-1], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


@contextmanager
def _process(folder: Path, name: str, words: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """A command of Dask, in a process group of its own."""
    command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
    own = {**os.environ, **environment, "DASK_TEMPORARY_DIRECTORY": str(folder / name)}
    with (
        (folder / f"{name}.log").open("wb") as log,
        subprocess.Popen(command, env=own, stdout=log, stderr=log, cwd=folder, start_new_session=True) as process,
    ):
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
