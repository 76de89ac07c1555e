"""`wheelhouse serve`, nginx, `http.server` and free ports, for tests."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.tools import PROGRAM, clean_environment

NGINX = """
{user}daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; types {{ text/html html; application/vnd.pypi.simple.v1+json json; }}
  default_type application/octet-stream;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
{servers}
}}
"""
PLAIN = "  server {{ listen 127.0.0.1:{port}; root {root}; index index.html; }}"


def free_port() -> int:
    """A port on loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(*houses: Path, options: tuple[str, ...] = ()) -> Iterator[str]:
    """`wheelhouse serve` on a free port; its address, without a path."""
    port = free_port()
    command = [*PROGRAM, "serve", *houses, "--port", str(port), *options]
    with running(command, port):
        yield f"{'https' if '--certificate' in options else 'http'}://127.0.0.1:{port}"


@contextmanager
def http_server(root: Path) -> Iterator[str]:
    """Python's own `http.server` serving a tree on a free port; its address."""
    port = free_port()
    command: list[str | Path] = [
        sys.executable,
        "-I",
        "-m",
        "http.server",
        str(port),
        "--bind",
        "127.0.0.1",
        "-d",
        root,
    ]
    with running(command, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def nginx(root: Path, folder: Path) -> Iterator[str]:
    """nginx serving a tree on a free port, where it is installed; its address."""
    port = free_port()
    with nginx_serving(PLAIN.format(port=port, root=root), port, folder):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def nginx_serving(servers: str, port: int, folder: Path) -> Iterator[None]:
    """nginx with these `server` blocks, of which one listens on `port`; the test is skipped where it is not installed."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("nginx is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    user = "user root; " if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, servers=servers, user=user))
    with running([program, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"], port):
        yield


@contextmanager
def running(command: list[str | Path], port: int) -> Iterator[None]:
    environment = clean_environment()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
        try:
            _wait_for(port, process)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {process.stderr.read() if process.stderr else b''!r}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port}")
