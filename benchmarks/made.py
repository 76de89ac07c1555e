"""An index of made projects, as files that nginx serves: each project wants the next ones, all are reached from the first."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.served import free_port, running
from tests.support.wheels import build_wheel

CONF = """daemon off; worker_processes 1; error_log stderr crit; pid {root}/nginx.pid;
events {{ worker_connections 512; }}
http {{ access_log off; client_body_temp_path {root}/tmp; proxy_temp_path {root}/tmp; fastcgi_temp_path {root}/tmp;
  uwsgi_temp_path {root}/tmp; scgi_temp_path {root}/tmp; sendfile on; keepalive_requests 100000;
  server {{ listen 127.0.0.1:{port}; root {root};
    location /simple/ {{ types {{ }} default_type application/vnd.pypi.simple.v1+json; index index.json; }}
    location ~ ^/v2/.*/manifests/ {{ types {{ }} default_type application/vnd.oci.image.manifest.v1+json; }}
    location / {{ types {{ }} default_type application/octet-stream; }} }} }}
"""


def make(root: Path, count: int) -> None:
    """Write the index's files, unless they stand already."""
    done = root / f"made-{count}"
    if done.is_file():
        return
    shutil.rmtree(root, ignore_errors=True)
    files = root / "files"
    files.mkdir(parents=True)
    (root / "tmp").mkdir()
    for number in range(count):
        requires = [f"made-{after}" for after in (2 * number + 1, 2 * number + 2, number + 7) if after < count]
        _page(root, f"made-{number}", build_wheel(files, f"made-{number}", "1.0", requires=requires))
    constraints = "".join(f"made-{number}==1.0\n" for number in range(count))
    (root / "constraints.txt").write_text(constraints)
    done.touch()


def _page(root: Path, project: str, wheel: Path) -> None:
    """A page with the wheel, and with two older releases that are only told of."""
    data = wheel.read_bytes()
    files = [
        {
            "filename": wheel.name.replace("1.0", version),
            "url": f"/files/{wheel.name.replace('1.0', version)}",
            "hashes": {"sha256": hashlib.sha256(data + told).hexdigest()},
            "size": len(data),
            "upload-time": "2024-01-01T00:00:00.000000Z",
        }
        for version, told in (("0.8", b"8"), ("0.9", b"9"), ("1.0", b""))
    ]
    folder = root / "simple" / project
    folder.mkdir(parents=True)
    page = {"meta": {"api-version": "1.1"}, "name": project, "versions": ["0.8", "0.9", "1.0"], "files": files}
    (folder / "index.json").write_text(json.dumps(page))


@contextmanager
def served(root: Path) -> Iterator[str]:
    """The index's address while nginx serves it."""
    port = free_port()
    conf = root / "nginx.conf"
    conf.write_text(CONF.format(root=root, port=port))
    with running(["nginx", "-p", root, "-c", conf], port):
        yield f"http://127.0.0.1:{port}/simple"
