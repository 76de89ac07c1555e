"""The internet as the docs name it, on loopback: a proxy behind which each of its hosts is a server made here.

What is typed stays as it is: addresses are those of the docs, and only where they lead differs.
"""

import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from tests.support.index import IndexServer
from tests.support.proxy import Proxy
from tests.support.tls import make_certificate

_UPLOADED = re.compile(rb'name="content"; filename="([^"]+)"')
_DIGEST = re.compile(rb'name="sha256_digest"\r\n\r\n([0-9a-f]{64})\r\n')


class Repository:
    """A package repository over TLS that holds nothing yet and takes every upload; `received` are the files' names and sha256."""

    def __init__(self, tls: tuple[Path, Path]) -> None:
        self.received: dict[str, str] = {}
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                names, digests = _UPLOADED.findall(body), _DIGEST.findall(body)
                received.update({name.decode(): digest.decode() for name, digest in zip(names, digests, strict=True)})
                self._answer(200)

            def do_GET(self) -> None:
                root, _, project = self.path.rstrip("/").partition("/simple")
                files = {
                    name: digest
                    for name, digest in received.items()
                    if canonicalize_name(name.partition("-")[0]) == project.strip("/")
                }
                links = "".join(f'<a href="/{name}#sha256={digest}">{name}</a>' for name, digest in files.items())
                is_there = root == "/pypi" and (files or not project)
                self._answer(200 if is_there else 404, f"<!DOCTYPE html><html>{links}</html>".encode())

            def _answer(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Repository":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class Internet:
    """`environment` is what makes a program use it; `repository` is what `mirror.example` is."""

    environment: Mapping[str, str]
    repository: Repository


@contextmanager
def internet(folder: Path, indexes: Mapping[str, Path], texts: Mapping[str, str]) -> Iterator[Internet]:
    """An internet of package indexes, each the files of a folder, by host; of texts, by address; of a repository,
    `mirror.example`. Hosts that are none of these are reached as ever."""
    repository_host, text_hosts = "mirror.example", {urlsplit(url).netloc for url in texts}
    hosts = {repository_host, *indexes, *text_hosts}
    pem = make_certificate(folder, *sorted(hosts))
    with ExitStack() as opened:
        repository = opened.enter_context(Repository(pem.pair))
        servers = {
            host: opened.enter_context(IndexServer(indexes.get(host), tls=pem.pair, relative_urls=True))
            for host in hosts - {repository_host}
        }
        for url, text in texts.items():
            servers[urlsplit(url).netloc].put(urlsplit(url).path, text.encode())
        origins = {host: server.origin for host, server in servers.items()} | {repository_host: repository.origin}
        places = {f"{host}:443": ("127.0.0.1", urlsplit(origin).port or 0) for host, origin in origins.items()}
        proxy = opened.enter_context(Proxy(places=places))
        trusted = folder / "trusted.pem"
        trusted.write_bytes(pem.authority.read_bytes() + _system_authorities())
        yield Internet({"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(trusted)}, repository)


def _system_authorities() -> bytes:
    found = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    return Path(found).read_bytes() if Path(found).is_file() else b""
