"""A wheelhouse comes back from servers as enterprises run them: HTML alone, a private authority, log-in, storage elsewhere."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.served import free_port, nginx_serving
from tests.support.tls import make_certificate
from tests.support.tools import run, wheelhouse

pytest_plugins = ["tests.support.small_wheelhouses"]

FRONT = """
  log_format told '$request_uri $status [$http_authorization] [$http_accept]';
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};
    access_log {folder}/front.log told; root {root}; index index.html;
    set $known 0;
    if ($http_authorization = "Basic {basic}") {{ set $known 1; }}
    if ($http_authorization = "Bearer t0ken") {{ set $known 1; }}
    if ($known = 0) {{ return 401; }}
    location ~ [.]json$ {{ return 404; }}
    location ~ [.](whl|gz)$ {{ return 302 https://localhost:{storage}$uri?signed=1; }}
    location ~ [.]metadata$ {{ return 404; }}
  }}
  server {{
    listen 127.0.0.1:{storage} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};
    access_log {folder}/storage.log told; root {root};
    if ($http_authorization) {{ return 400; }}
    if ($arg_signed = "") {{ return 403; }}
  }}
"""


@dataclass(frozen=True)
class Mirror:
    url: str
    authority: Path
    folder: Path


@pytest.fixture
def mirror(small_wheelhouse: Path, tmp_path: Path) -> Iterator[Mirror]:
    """A static index behind nginx: it wants to know who asks, and sends whoever wants a file on to its storage."""
    assert wheelhouse("index", small_wheelhouse, "-o", "tree", cwd=tmp_path).returncode == 0
    pem = make_certificate(tmp_path)
    folder, port, storage = tmp_path / "nginx", free_port(), free_port()
    told = {"port": port, "storage": storage, "certificate": pem.certificate, "key": pem.key, "folder": folder}
    told |= {"root": tmp_path / "tree", "basic": base64.b64encode(b"me:s3cret").decode()}
    with nginx_serving(FRONT.format(**told), port, folder):
        yield Mirror(f"https://127.0.0.1:{port}/", pem.authority, folder)


@pytest.mark.parametrize("log_in", ["netrc", "token", "address"])
def test_the_whole_house_comes_back(small_wheelhouse: Path, mirror: Mirror, tmp_path: Path, log_in: str) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret\n" if log_in == "netrc" else "")
    (tmp_path / "token").write_text("t0ken\n")
    url = mirror.url.replace("//", "//me:s3cret@") if log_in == "address" else mirror.url
    options = ["--index-token-file", "token"] if log_in == "token" else []
    done = wheelhouse(
        *(
            "fetch",
            "app",
            "--python",
            "3.11",
            "--index",
            url,
            "--ca-file",
            mirror.authority,
            "--dest",
            "again",
            *options,
        ),
        cwd=tmp_path,
        env={"NETRC": str(tmp_path / "netrc")},
    )
    assert done.returncode == 0, done.stderr
    same = run("diff", "-rq", "--exclude=pylock.*", "--exclude=SHA256SUMS", small_wheelhouse, tmp_path / "again")
    assert same.stdout == ""
    lock = next((tmp_path / "again").glob("pylock.*")).read_text()
    assert "s3cret" not in lock and "t0ken" not in lock and "signed" not in lock
    stored = (mirror.folder / "storage.log").read_text().splitlines()
    assert len({line.partition("?")[0] for line in stored}) == 7, (
        "each file, and its metadata by range where these are promised in vain"
    )
    assert all(" [-] " in line for line in stored), "storage learned who asked"


def test_who_is_not_known_or_trusted_gets_nothing(mirror: Mirror, tmp_path: Path) -> None:
    ask = ("fetch", "app", "--python", "3.11", "--index", mirror.url, "--dest", "again", "--retries", "0")
    stranger = wheelhouse(*ask, "--ca-file", mirror.authority, cwd=tmp_path)
    assert stranger.returncode == 4 and "401" in stranger.stderr
    distrustful = wheelhouse(*ask, cwd=tmp_path)
    assert distrustful.returncode == 4 and "certificate" in distrustful.stderr
    assert not list((tmp_path / "again").glob("*.whl"))
