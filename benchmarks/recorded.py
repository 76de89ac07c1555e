"""A local copy of the parts of the default index that were requested once. nginx serves it; what is missing is recorded first.

Pages are JSON with all their files, as the index has them; addresses of files lead to this server. Pages stay fresh for ten minutes and
travel compressed, and each wheel has its metadata beside it, as on PyPI: a mirror of it may lack that.
"""

import contextlib
import gzip
import io
import json
import re
import shutil
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.served import free_port, running

JSON = "application/vnd.pypi.simple.v1+json"
CONF = """daemon off; worker_processes 1; error_log stderr crit; pid {root}/nginx.pid;
events {{ worker_connections 512; }}
http {{ log_format bytes '$status $bytes_sent $request_uri'; access_log {log} bytes;
  client_body_temp_path {root}/tmp; proxy_temp_path {root}/tmp; fastcgi_temp_path {root}/tmp; uwsgi_temp_path {root}/tmp;
  scgi_temp_path {root}/tmp; sendfile on; tcp_nopush on; keepalive_requests 100000; gzip_static on; gzip_vary on;
  server {{ listen 127.0.0.1:{port}; root {root};
    location /simple/ {{ types {{ }} default_type {json}; add_header Cache-Control "max-age=600, public";
      try_files $uri/index.json @recorder; }}
    location /files/ {{ types {{ }} default_type application/octet-stream; gzip_static off; try_files $uri @recorder; }}
    location @recorder {{ proxy_pass http://127.0.0.1:{recorder}; proxy_read_timeout 300; }} }} }}
"""
NGINX_LINE = re.compile(r"(\d{3}) (\d+) (\S+)")


@dataclass(frozen=True)
class Served:
    """The address of the index while it is served, and the log of its requests."""

    url: str
    log: Path

    def requests(self) -> list[tuple[str, int, int]]:
        """The path, the status and the bytes of each answer so far."""
        lines = map(NGINX_LINE.fullmatch, self.log.read_text().splitlines())
        return [(line[3], int(line[1]), int(line[2])) for line in lines if line]

    def forget(self) -> None:
        """Empty the log."""
        self.log.write_text("")


def default_index() -> str:
    """The address of the index that pip takes by default, without a slash at its end."""
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url).rstrip("/")


def record(root: Path, path: str) -> bytes:
    """Bring the answer to a path from the real index, and keep it where nginx finds it. Raises HTTPError."""
    if path.endswith(".metadata"):
        return _keep(
            root / path.lstrip("/"), _metadata(f"https://{path.removeprefix('/files/').removesuffix('.metadata')}")
        )
    if path.startswith("/files/"):
        return _keep(root / path.lstrip("/"), _body(f"https://{path.removeprefix('/files/')}"))
    page = json.loads(_body(f"{default_index()}/{path.removeprefix('/simple/').strip('/')}/"))
    for file in page["files"]:
        file["url"] = f"/files/{file['url'].partition('://')[2]}"
        file["core-metadata"] = file["filename"].endswith(".whl")
        file.pop("provenance", None)
    body = json.dumps(page, separators=(",", ":")).encode()
    place = root / path.strip("/") / "index.json"
    _keep(place.with_name("index.json.gz"), gzip.compress(body, 6))
    return _keep(place, body)


def _body(url: str, **headers: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": f"{JSON}, */*;q=0.1", **headers})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return bytes(answer.read())


def _metadata(url: str) -> bytes:
    """The METADATA of a wheel, of which no more is read than that takes."""
    with zipfile.ZipFile(io.BufferedReader(_FarFile(url), 64 << 10)) as wheel:
        member = next(name for name in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        return wheel.read(member)


class _FarFile(io.RawIOBase):
    """A file of the index, read in ranges."""

    def __init__(self, url: str) -> None:
        self._url, self._at = url, 0
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=120) as answer:
            self._size = int(answer.headers["Content-Length"])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        body = _body(self._url, Range=f"bytes={self._at}-{end - 1}")
        buffer[: len(body)] = body
        self._at += len(body)
        return len(body)


def _keep(place: Path, body: bytes) -> bytes:
    place.parent.mkdir(parents=True, exist_ok=True)
    whole = place.with_name(f"{place.name}.{threading.get_ident()}")
    whole.write_bytes(body)
    whole.replace(place)
    return body


def _recorder(root: Path) -> ThreadingHTTPServer:
    """A server that records what it is asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                body, status = record(root, self.path), 200
            except urllib.error.HTTPError as error:
                body, status = b"", error.code
            self.send_response(status)
            self.send_header("Content-Type", JSON if self.path.startswith("/simple/") else "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _port(root: Path) -> int:
    """The same port each time, so that a cache of an earlier part knows the pages."""
    kept = root / "port"
    if not kept.exists():
        kept.write_text(str(free_port()))
    return int(kept.read_text())


@contextmanager
def served(root: Path) -> Iterator[Served]:
    """Serve what is recorded in a folder, and record more there."""
    (root / "tmp").mkdir(parents=True, exist_ok=True)
    port = _port(root)
    recorder = _recorder(root)
    threading.Thread(target=recorder.serve_forever, daemon=True).start()
    log, conf = root / "requests.log", root / "nginx.conf"
    log.unlink(missing_ok=True)
    conf.write_text(CONF.format(root=root, port=port, log=log, json=JSON, recorder=recorder.server_port))
    try:
        with running([shutil.which("nginx") or "nginx", "-p", root, "-c", conf], port):
            yield Served(f"http://127.0.0.1:{port}/simple", log)
    finally:
        recorder.shutdown()
