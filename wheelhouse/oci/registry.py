"""Requests to an OCI registry: manifests and blobs, with the credentials that it asks for.

Source: the distribution specification 1.1, and the distribution project's token authentication.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

import msgspec

from wheelhouse.documents import DocumentType
from wheelhouse.errors import IntegrityError, ServerError
from wheelhouse.index.http import Http, UnauthorizedError
from wheelhouse.index.urls import basic, host_of, origin_of, redact
from wheelhouse.lock.wheelhouse import sha256_of_bytes
from wheelhouse.oci.challenge import Challenge
from wheelhouse.oci.docker_config import DockerConfig
from wheelhouse.oci.image_manifest import ACCEPTED, MAX_MANIFEST_BYTES
from wheelhouse.oci.reference import Reference

T = TypeVar("T")
MAX_TOKEN_BYTES = 1 << 20
MAX_LOGINS = 3
"""For one request: a token may be too old before a large layer is here."""


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


_TOKEN = DocumentType(_Token)


class Registry:
    """The registries of a run, for many threads. Tokens belong to one repository, and are sent to its server alone."""

    def __init__(self, http: Http, config: DockerConfig) -> None:
        self._http, self._config = http, config
        self._guard = threading.Lock()
        self._logins = 0

    def manifest(self, reference: Reference, requested: str) -> tuple[bytes, str]:
        """The bytes of a manifest or index, and its media type as the server gives it, without parameters.

        The type is empty if the server gives none. `requested` is a tag or a digest. `reference` gives the
        repository; its own tag and digest do not count.

        Raises ServerError if there is none, IntegrityError if it does not have the digest that was asked for, or that the
        server names, and what `authorized` raises.
        """
        url = f"{reference.api}/manifests/{requested}"
        headers = {"Accept": ", ".join(ACCEPTED)}
        reply = self.authorized(
            reference, lambda: self._http.get(url, headers, subject=str(reference), max_bytes=MAX_MANIFEST_BYTES)
        )
        if reply.status != 200:
            raise ServerError(
                f"the registry {host_of(reference.api)} has no image `{reference.repository}:{requested}`",
                hint="check the name and the tag",
            )
        digest = f"sha256:{sha256_of_bytes(reply.body)}"
        promised = reply.headers.get("Docker-Content-Digest", "")
        for expected in (requested, promised):
            if expected.startswith("sha256:") and expected != digest:
                raise IntegrityError(
                    f"the manifest of `{reference}` has the digest {digest}, but {expected} was expected",
                    hint="do not use this image; find out why the registry sends another manifest",
                )
        return reply.body, reply.headers.get("Content-Type", "").partition(";")[0].strip()

    def authorized(self, reference: Reference, attempt: Callable[[], T]) -> T:
        """What `attempt` returns; it is called again after a log-in while the registry asks for credentials, at most MAX_LOGINS times.

        If another thread logged in meanwhile, it is called again without a log-in. Raises ServerError if the registry still
        refuses, and what `_log_in` raises.
        """
        for _ in range(MAX_LOGINS):
            logins = self._logins
            try:
                return attempt()
            except UnauthorizedError as error:
                with self._guard:
                    if self._logins == logins:
                        self._log_in(reference, error)
                        self._logins += 1
        try:
            return attempt()
        except UnauthorizedError as error:
            raise _refused(reference) from error

    def _log_in(self, reference: Reference, error: UnauthorizedError) -> None:
        """Give the HTTP client the header that a challenge asks for, with a new token or Docker's credentials.

        Raises `error` again if another server than the registry answered, or if its challenge cannot be read; ServerError if the
        registry asks for a password and there is none, or if there is no token; InputError and MachineError if Docker's
        credentials cannot be read.
        """
        challenge = Challenge.parse(error.challenge)
        if origin_of(error.url) != origin_of(reference.api) or challenge is None:
            raise error
        credentials = self._config.credentials(reference.registry)
        if challenge.scheme == "bearer":
            header = f"Bearer {self._token(reference, challenge, credentials)}"
        elif credentials:
            header = basic(*credentials)
        else:
            raise _refused(reference) from error
        self._http.credentials.learn_header(reference.api, header)

    def _token(self, reference: Reference, challenge: Challenge, credentials: tuple[str, str] | None) -> str:
        """A new token from the place that the registry names, which gets the credentials. Raises ServerError.

        That place must have TLS, unless the registry itself has none.
        """
        url = challenge.token_url(f"repository:{reference.repository}:pull")
        is_safe = origin_of(url)[0] == "https" or reference.scheme == "http"
        if not is_safe:
            raise ServerError(
                f"the token server of the registry {reference.registry} has an address without TLS: {redact(url)}"
            )
        headers = {"Authorization": basic(*credentials)} if credentials else {}
        try:
            reply = self._http.get(url, headers, max_bytes=MAX_TOKEN_BYTES)
        except UnauthorizedError as error:
            raise _refused(reference) from error
        try:
            answer = _TOKEN.from_json(reply.body)
        except ValueError as error:
            raise ServerError(f"{redact(url)} answered, but sent no token") from error
        token = answer.token or answer.access_token
        if reply.status != 200 or not token.isascii() or not token.isprintable() or not token or " " in token:
            raise ServerError(f"{redact(url)} answered, but sent no token")
        return token


def _refused(reference: Reference) -> ServerError:
    """The error that a registry does not let this user read a repository, for the caller to raise."""
    return ServerError(
        f"the registry {reference.registry} does not let this user read `{reference.repository}`",
        hint=f"check the name, and log in: docker login {reference.registry}",
    )
