"""`check` against real servers of packages: each state of a file is the one that the server's pages give."""

import base64
import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.index import IndexServer
from tests.support.object_servers import BUCKET, moto
from tests.support.served import free_port, nginx, running, serving
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_wheel

pytestmark = pytest.mark.servers

SAME, OTHER, GONE, OLD = "same", "other", "gone", "old"
EXPECTED = {SAME: "same", OTHER: "different", GONE: "missing", OLD: "same"}
PYPISERVER = "import sys; sys.modules['bcrypt'] = None; from pypiserver.__main__ import main; main()"
"""pypiserver, whose password library fails with a bcrypt newer than itself."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheelhouses `wanted` and `there`: there, one file has other bytes, one is missing, and one is yanked."""
    base = tmp_path_factory.mktemp("check")
    base.chmod(0o755)
    for name, projects in (("wanted", (SAME, OTHER, GONE, OLD)), ("there", (SAME, OTHER, OLD))):
        offered = base / f"{name}-offered"
        for project in projects:
            build_wheel(offered, project, "1.0", files={f"{project}.txt": name.encode() if project == OTHER else b"1"})
        with IndexServer(offered) as server:
            server.add(offered / f"{OLD}-1.0-py3-none-any.whl", yanked="broken")
            pins = [f"{project}==1.0" for project in projects]
            made = wheelhouse("fetch", *pins, "--python", "3.12", "--index", server.url, "--dest", name, cwd=base)
        assert made.returncode == 0, made.stderr
    made = wheelhouse("index", "there", "-o", "tree", cwd=base)
    assert made.returncode == 0, made.stderr
    return base


def states(base: Path, url: str) -> tuple[dict[str, str], str | None]:
    """The state of each project's file on a mirror, and why it yanked the old one. A deep check sees each file as it is."""
    deep = checked(base, url, "--deep")
    assert {name: row["state"] for name, row in deep.items()} == EXPECTED
    rows = checked(base, url)
    return {name: row["state"] for name, row in rows.items()}, rows[OLD]["yanked"]


def checked(base: Path, url: str, *options: str) -> dict[str, Any]:
    """What `check` says of the file of each project."""
    done = wheelhouse("check", "wanted", "--against", url, "--json", *options, cwd=base)
    assert done.returncode == 1, done.stderr
    return {row["file"].partition("-")[0]: row for row in json.loads(done.stdout)["files"]}


def test_a_static_index_of_nginx(base: Path, tmp_path: Path) -> None:
    with nginx(base / "tree", tmp_path / "nginx") as url:
        assert states(base, f"{url}/") == (EXPECTED, "broken")


def test_serve(base: Path) -> None:
    with serving(base / "there") as url:
        assert states(base, f"{url}/simple/") == (EXPECTED, "broken")


def test_a_bucket(base: Path) -> None:
    with moto() as server:
        made = wheelhouse("index", "there", "-o", f"s3://{BUCKET}/simple", cwd=base, env=server.environment)
        assert made.returncode == 0, made.stderr
        assert states(base, f"{server.endpoint}/{BUCKET}/simple/") == (EXPECTED, "broken")


def test_simple_repository_server(base: Path, tmp_path: Path) -> None:
    needs("simple_repository_server")
    with nginx(base / "tree", tmp_path / "nginx") as upstream, started("simple_repository_server", upstream) as url:
        assert states(base, f"{url}/simple/") == (EXPECTED, "broken")


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "off"])
def test_pypiserver(base: Path, tmp_path: Path, algorithm: str) -> None:
    needs("pypiserver")
    port = free_port()
    options = ["-i", "127.0.0.1", "-p", str(port), "--disable-fallback", "--hash-algo", algorithm]
    with running([sys.executable, "-c", PYPISERVER, "run", *options, base / "there"], port):
        found, yanked = states(base, f"http://127.0.0.1:{port}/simple/")
    none = {SAME: "no-hash", OTHER: "no-hash", GONE: "missing", OLD: "no-hash"}
    assert (found, yanked) == (none if algorithm == "off" else EXPECTED, None)


def test_devpi(base: Path, tmp_path: Path) -> None:
    needs("devpi_server")
    port, folder = free_port(), tmp_path / "devpi"
    init = [Path(sys.executable).with_name("devpi-init"), "--serverdir", folder, "--root-passwd", "s3cret"]
    made = run(*init, "--no-root-pypi")
    assert made.returncode == 0, made.stderr
    server: list[str | Path] = [sys.executable, "-m", "devpi_server", "--serverdir", folder, "--host", "127.0.0.1"]
    with running([*server, "--port", str(port)], port):
        url = f"http://127.0.0.1:{port}/root/dev/"
        make_devpi_index(f"http://127.0.0.1:{port}", url)
        (tmp_path / "token").write_text("root:s3cret\n")
        sent = wheelhouse("publish", "there", "--repository", url, "--token-file", tmp_path / "token", cwd=base)
        assert sent.returncode == 0, sent.stderr
        assert states(base, f"{url}+simple/") == (EXPECTED, None)


def needs(module: str) -> None:
    """Skip the test if a server is not installed."""
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed (pip install --group servers)")


@contextmanager
def started(module: str, *arguments: str) -> Iterator[str]:
    """A server that takes a host, a port and more; its address."""
    port = free_port()
    with running([sys.executable, "-m", module, "--host", "127.0.0.1", "--port", str(port), *arguments], port):
        yield f"http://127.0.0.1:{port}"


def make_devpi_index(server: str, url: str) -> None:
    """Make an index of devpi that inherits from no other, so that it asks no network."""
    login = requested("POST", f"{server}/+login", {"user": "root", "password": "s3cret"}, {})
    token = base64.b64encode(f"root:{login['result']['password']}".encode()).decode()
    requested("PUT", url.rstrip("/"), {"type": "stage", "bases": [], "volatile": True}, {"X-Devpi-Auth": token})


def requested(method: str, url: str, document: object, headers: dict[str, str]) -> dict[str, dict[str, str]]:
    """What devpi answers to a JSON document."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(document).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as reply:
        answer: dict[str, dict[str, str]] = json.load(reply)
    return answer
