"""Two machines on this one: network namespaces of the test's own, which reach only the servers that the test names."""

import os
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.tools import PROGRAM, clean_environment, must_be_no_defect

NETWORK = "10.209"
"""The first half of the addresses between a machine and this one."""


@dataclass(frozen=True)
class Machine:
    """A network namespace with a home and a cache of its own. `gateway` is the address at which it reaches this machine."""

    name: str
    gateway: str
    folder: Path

    def run(
        self, *words: str | Path, env: Mapping[str, str] | None = None, timeout: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        """Run wheelhouse there, in its own folder."""
        own = {"HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache"), **(env or {})}
        command = ("ip", "netns", "exec", self.name, *PROGRAM, *words)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=clean_environment(**own),
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        must_be_no_defect(done.stderr)
        return done

    def forget(self) -> None:
        """Be a new machine: with an empty cache and no wheelhouse."""
        for name in ("cache", "wheels"):
            shutil.rmtree(self.folder / name, ignore_errors=True)


@contextmanager
def machines(folder: Path, count: int) -> Iterator[list[Machine]]:
    """So many machines. They reach nothing but this one, and it only by the address of their own link."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    with ExitStack() as stack:
        yield [stack.enter_context(_machine(folder / f"machine-{number}", number)) for number in range(count)]


@contextmanager
def _machine(folder: Path, number: int) -> Iterator[Machine]:
    folder.mkdir()
    third = (os.getpid() * 4 + number) % 250
    name, link, gateway = f"wh-{os.getpid()}-{number}", f"wh{os.getpid()}n{number}", f"{NETWORK}.{third}.1"
    _ip("netns", "add", name, skips=True)
    try:
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name, skips=True)
        _ip("address", "add", f"{gateway}/24", "dev", link)
        _ip("link", "set", link, "up")
        for words in (
            ("address", "add", f"{NETWORK}.{third}.2/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-netns", name, *words)
        yield Machine(name, gateway, folder)
    finally:
        _ip("netns", "delete", name)


def _ip(*words: str, skips: bool = False) -> None:
    done = subprocess.run(("ip", *words), check=False, capture_output=True, text=True)
    if done.returncode and skips:
        pytest.skip(f"no network namespace can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr


class Link:
    """What listens on an address of this machine and passes all on to a port of loopback; `bytes_a_second` slows it down."""

    def __init__(self, address: str, port: int) -> None:
        self.bytes_a_second: float | None = None
        self._port, self._stopped = port, False
        self._server = socket.create_server((address, 0))
        self.url = f"http://{address}:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more, and end every connection."""
        self._stopped = True
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._port)) as there:
            sides = {client: there, there: client}
            while not self._stopped:
                for side in select.select(list(sides), [], [], 0.5)[0]:
                    data = side.recv(1 << 14)
                    if not data:
                        return
                    if self.bytes_a_second:
                        time.sleep(len(data) / self.bytes_a_second)
                    sides[side].sendall(data)
