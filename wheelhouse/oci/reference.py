"""Names of container images: registry, repository, tag and digest, as Docker reads them (pure).

Source: the distribution specification, "Pulling manifests"; the grammar of github.com/distribution/reference.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from wheelhouse.errors import InputError

DOCKER_HUB, DOCKER_HUB_HOST = "docker.io", "registry-1.docker.io"
"""The name of Docker Hub in references, and the host that answers for it."""
REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
REGISTRY = re.compile(r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
MAX_REPOSITORY = 255
EXAMPLES = "python:3.12-slim-bookworm, registry.example.com/team/base:1.0 or NAME@sha256:…"
LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name. `registry` is a host, with a port if there is one; `scheme` is the named one; without
    one, http for LOOPBACK, else https.

    `text` is the name as the user wrote it, without scheme and digest: the name that a Dockerfile gives in `FROM`. `tag` and
    `digest` are None if the name has none.
    """

    text: str
    scheme: str
    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read `[http[s]://][REGISTRY/]REPOSITORY[:TAG][@sha256:…]`. Raises InputError for anything else."""
        scheme, separator, rest = text.partition("://")
        rest = rest if separator else text
        named, at, digest = rest.partition("@")
        registry, repository, tag = _split(named)
        is_valid = (
            (not separator or scheme in ("http", "https"))
            and REGISTRY.fullmatch(registry)
            and len(repository) <= MAX_REPOSITORY
            and REPOSITORY.fullmatch(repository)
            and (tag is None or TAG.fullmatch(tag))
            and (not at or DIGEST.fullmatch(digest))
        )
        if not is_valid:
            raise InputError(f"{text!r} is not the name of an image", hint=f"write it as {EXAMPLES}")
        default = "http" if LOOPBACK.fullmatch(registry) else "https"
        return cls(named, scheme if separator else default, registry, repository, tag, digest if at else None)

    @property
    def requested(self) -> str:
        """What a registry is asked for: the digest if there is one, else the tag, else `latest`."""
        return self.digest or self.tag or LATEST

    @property
    def tagged(self) -> str:
        """A name with a tag, by which an engine knows the loaded image: its own, or `sha256-` and 12 digits, or `latest`.

        A tag is needed, because `FROM` of a digest finds only what was pulled.
        """
        if self.tag or not self.digest:
            return self.text if self.tag else f"{self.text}:{LATEST}"
        return f"{self.text}:sha256-{self.digest[7:19]}"

    @property
    def api(self) -> str:
        """The beginning of the addresses of this repository: `https://registry-1.docker.io/v2/library/python`."""
        host = DOCKER_HUB_HOST if self.registry == DOCKER_HUB else self.registry
        return f"{self.scheme}://{host}/v2/{self.repository}"

    def __str__(self) -> str:
        return f"{self.text}@{self.digest}" if self.digest else self.text


def _split(named: str) -> tuple[str, str, str | None]:
    """Registry, repository and tag (or None) of a name, not validated. Without a registry it is Docker Hub.

    The first part is a registry if it has a dot or a port, or is `localhost`. On Docker Hub a single name is in `library/`.
    """
    first, slash, rest = named.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, path = _registry(first), rest
    else:
        registry, path = DOCKER_HUB, named
    if registry == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    repository, colon, tag = path.partition(":")
    return registry, repository, tag if colon else None


def _registry(name: str) -> str:
    """The one name of a registry: `docker.io` also for `index.docker.io`."""
    return DOCKER_HUB if name == "index.docker.io" else name


@dataclass(frozen=True, slots=True)
class Mirror:
    """A registry that has copies of another one's images. `prefix` is put before each repository; it ends in `/` or is empty."""

    registry: str
    scheme: str
    host: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> "Mirror":
        """Read `[REGISTRY=]URL`; without a registry, Docker Hub's images are meant. Raises InputError for another URL,
        for one with credentials, a query or a fragment, and for a REGISTRY that is none.
        """
        registry, equals, url = text.partition("=")
        try:
            parts = urlsplit(url if equals else text)
        except ValueError:
            parts = urlsplit("")
        prefix = parts.path.strip("/")
        if (
            parts.scheme not in ("http", "https")
            or not REGISTRY.fullmatch(parts.netloc)
            or (equals and not REGISTRY.fullmatch(registry))
            or parts.query
            or parts.fragment
            or (prefix and not REPOSITORY.fullmatch(prefix))
        ):
            raise InputError(
                f"{re.split('[?#]', text.rpartition('@')[2])[0]!r} is not a valid mirror of a registry",
                hint="write --image-mirror docker.io=https://mirror.example/hub, without credentials, query and fragment",
            )
        return cls(
            _registry(registry) if equals else DOCKER_HUB, parts.scheme, parts.netloc, f"{prefix}/" if prefix else ""
        )

    def of(self, reference: Reference) -> Reference:
        """The reference of the same image on this mirror; `text`, tag and digest stay. The registry is not compared."""
        return Reference(
            reference.text,
            self.scheme,
            self.host,
            f"{self.prefix}{reference.repository}",
            reference.tag,
            reference.digest,
        )
