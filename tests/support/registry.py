"""An OCI registry on 127.0.0.1, and small images to put into it: manifests, blobs in ranges, and token authentication.

Sources: the distribution specification 1.1; the distribution project's token authentication.
"""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.index import IndexServer
from tests.support.replies import Ask, Reply, not_found, ranged, redirect

OCI = "application/vnd.oci.image"
MANIFEST, INDEX, CONFIG, LAYER = (
    f"{OCI}.manifest.v1+json",
    f"{OCI}.index.v1+json",
    f"{OCI}.config.v1+json",
    f"{OCI}.layer.v1.tar+gzip",
)
GLIBC = b"\0GNU C Library (Debian GLIBC 2.36-9+deb12u9) stable release version 2.36.\n\0"
OS_RELEASE = b'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'


def python_files(version: str = "3.12.4") -> dict[str, bytes | str]:
    """The files of an image by path (a text is a link's target): what tells its glibc, its distribution and its Python."""
    minor = version.rpartition(".")[0]
    return {
        "etc/os-release": OS_RELEASE,
        "lib": "usr/lib",
        "usr/lib/x86_64-linux-gnu/libc.so.6": GLIBC,
        "usr/local/bin/python3": f"python{minor}",
        f"usr/local/bin/python{minor}": b"\x7fELF",
        f"usr/local/lib/libpython{minor}.so.1.0": b"\x7fELF\0" + f"{version}\0 3.2.0\0".encode(),
        "var/lib/dpkg/status": b"Package: base-files\nStatus: install ok installed\nVersion: 12\nArchitecture: amd64\n",
    }


def layer_tar(files: Mapping[str, bytes | str]) -> bytes:
    """A layer as a plain tar; a text is the target of a symbolic link."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size, member.mode = len(content), 0o755
                tar.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def sha256(raw: bytes) -> str:
    """A digest as registries write it."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


@dataclass
class TinyImage:
    """An image with its blobs by digest; `raw` are the bytes of its manifest."""

    raw: bytes
    blobs: dict[str, bytes]
    architecture: str = "amd64"

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return sha256(self.raw)

    @property
    def document(self) -> dict[str, Any]:
        """The manifest."""
        return dict(json.loads(self.raw))


def tiny_image(
    *layers: Mapping[str, bytes | str],
    architecture: str = "amd64",
    environment: Sequence[str] = ("PATH=/usr/local/bin",),
    user: str = "",
) -> TinyImage:
    """An image of these layers, the lowest first; one with glibc 2.36 and Python 3.12.4 if none is given."""
    plain = [layer_tar(files) for files in layers or (python_files(),)]
    packed = [gzip.compress(raw, mtime=0) for raw in plain]
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": list(environment)} | ({"User": user} if user else {}),
            "rootfs": {"type": "layers", "diff_ids": [sha256(raw) for raw in plain]},
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(LAYER, raw) for raw in packed],
    }
    return TinyImage(json.dumps(manifest).encode(), {sha256(raw): raw for raw in (config, *packed)}, architecture)


def descriptor(media_type: str, raw: bytes) -> dict[str, Any]:
    """A descriptor of some bytes."""
    return {"mediaType": media_type, "digest": sha256(raw), "size": len(raw)}


def index_of(*images: TinyImage) -> bytes:
    """An image index of images for several architectures."""
    manifests = [
        {**descriptor(MANIFEST, image.raw), "platform": {"architecture": image.architecture, "os": "linux"}}
        for image in images
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()


@dataclass
class Tokens:
    """How the registry wants to be asked: by tokens, which expire after `uses` requests, if there is a number."""

    user: str = ""
    password: str = ""
    uses: int | None = None
    given: list[str] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)


class RegistryServer(IndexServer):
    """A registry, in a `with` statement; also a package index, so that a `fetch` needs no second server.

    `blob_host` is the origin that blobs are redirected to, as object stores have them.
    """

    def __init__(self, folder: Path | None = None, *, tokens: Tokens | None = None, **more: Any) -> None:
        super().__init__(folder, **more)
        self.tokens = tokens
        self.basic: tuple[str, str] | None = None
        self.blob_host = ""
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.blobs: dict[str, bytes] = {}

    @property
    def host(self) -> str:
        """Host and port, as an image's name has them."""
        return self.origin.partition("://")[2]

    def push(self, repository: str, tag: str, *images: TinyImage) -> str:
        """Put images under a tag, more than one by an index; the digest of what the tag names."""
        for image in images:
            self.blobs |= image.blobs
            self.put_manifest(repository, image.digest, image.raw, MANIFEST)
        raw, media_type = (images[0].raw, MANIFEST) if len(images) == 1 else (index_of(*images), INDEX)
        self.put_manifest(repository, tag, raw, media_type)
        self.put_manifest(repository, sha256(raw), raw, media_type)
        return sha256(raw)

    def put_manifest(self, repository: str, name: str, raw: bytes, media_type: str) -> None:
        """Answer with these bytes for a tag or digest, whatever they are."""
        self.manifests[repository, name] = (raw, media_type)

    def _reply(self, ask: Ask) -> Reply:
        path = urlsplit(ask.path).path
        if path == "/token":
            return self._token(ask)
        if not path.startswith("/v2/"):
            return super()._reply(ask)
        kind = "manifests" if "/manifests/" in path else "blobs"
        repository, _, name = path.removeprefix("/v2/").partition(f"/{kind}/")
        if refusal := self._refusal(ask, repository):
            return refusal
        return self._manifest(repository, name) if kind == "manifests" else self._blob(repository, name, ask)

    def _blob(self, repository: str, digest: str, ask: Ask) -> Reply:
        if digest not in self.blobs:
            return not_found(digest)
        if self.blob_host:
            return redirect(f"{self.blob_host}/v2/{repository}/blobs/{digest}?signature=abc", 307)
        reply = Reply(200, self.blobs[digest]).having(Content_Type="application/octet-stream", ETag=f'"{digest}"')
        return ranged(reply, ask)

    def _manifest(self, repository: str, name: str) -> Reply:
        if (repository, name) not in self.manifests:
            return not_found(name)
        raw, media_type = self.manifests[repository, name]
        return Reply(200, raw).having(Content_Type=media_type, Docker_Content_Digest=sha256(raw))

    def _refusal(self, ask: Ask, repository: str) -> Reply | None:
        """401 with a challenge, unless the request has what the registry wants."""
        header = ask.headers.get("authorization", "")
        if self.basic:
            wanted = "Basic " + base64.b64encode(":".join(self.basic).encode()).decode()
            return None if header == wanted else Reply(401).having(WWW_Authenticate='Basic realm="registry"')
        if self.tokens is None:
            return None
        token = header.removeprefix("Bearer ")
        if token in self.tokens.given and token.startswith(repository.replace("/", ".")):
            self.tokens.used[token] = self.tokens.used.get(token, 0) + 1
            if self.tokens.uses is None or self.tokens.used[token] <= self.tokens.uses:
                return None
        scope = f"repository:{repository}:pull"
        return Reply(401).having(
            WWW_Authenticate=f'Bearer realm="{self.origin}/token",service="registry, of tests",scope="{scope}"'
        )

    def _token(self, ask: Ask) -> Reply:
        tokens = self.tokens or Tokens()
        wanted = "Basic " + base64.b64encode(f"{tokens.user}:{tokens.password}".encode()).decode()
        if tokens.user and ask.headers.get("authorization") != wanted:
            return Reply(401).having(WWW_Authenticate='Basic realm="tokens"')
        query = parse_qs(urlsplit(ask.path).query)
        assert query["service"] == ["registry, of tests"]
        repository = query["scope"][0].split(":")[1].replace("/", ".")
        tokens.given.append(f"{repository}-token-{len(tokens.given)}")
        return Reply(200, json.dumps({"token": tokens.given[-1], "expires_in": 300}).encode())
