"""Credentials for registries as Docker keeps them: in its config.json, or in the helper programs that this names.

Sources: docker's documentation of `docker login` ("Credential stores", "Credential helpers"); docker-credential-helpers.
"""

import base64
import re
import shutil
import subprocess
from pathlib import Path

import msgspec

from wheelhouse.documents import DocumentType
from wheelhouse.errors import InputError, MachineError
from wheelhouse.files.disk import read_bytes
from wheelhouse.oci.reference import DOCKER_HUB

DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""The key of Docker Hub in config.json."""
HELPER_SECONDS = 60.0
"""How long a helper may take: it may ask its user for a password."""
HELPER = re.compile(r"[\w.-]+", re.ASCII)
TOKEN_USER = "<token>"  # noqa: S105  (the user name that marks an identity token)


class _Entry(msgspec.Struct, rename="camel"):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""


class _Config(msgspec.Struct, rename="camel"):
    auths: dict[str, _Entry] = {}
    cred_helpers: dict[str, str] = {}
    creds_store: str = ""


class _HelperAnswer(msgspec.Struct, rename="pascal"):
    username: str
    secret: str


_CONFIG, _ANSWER = DocumentType(_Config), DocumentType(_HelperAnswer)


class DockerConfig:
    """The credentials in a config.json, which is read when they are first needed; none if there is no such file."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._config: _Config | None = None

    def credentials(self, registry: str) -> tuple[str, str] | None:
        """User and password for a registry, by its host and port; None if there are none. A helper program is asked first.

        If there is no helper, or it has none, the entries of the file count. Raises InputError as `_read`, for an `auth`
        value that cannot be read and for an identity token, MachineError for a helper that is missing, too slow, or answers
        nothing readable.
        """
        config = self._read()
        keys = _keys(registry)
        helper = next((config.cred_helpers[key] for key in keys if key in config.cred_helpers), config.creds_store)
        if helper and (answer := self._ask(helper, keys[0])):
            return _usable(registry, *answer)
        entries = {_host(key): entry for key, entry in config.auths.items()}
        entry = next((entries[host] for key in keys if (host := _host(key)) in entries), None)
        if entry and (entry.auth or entry.username or entry.identitytoken):
            return _usable(registry, *self._of(entry, registry))
        return None

    def _read(self) -> _Config:
        """The config.json, read once; an empty one if there is no such file.

        Raises InputError the first time if it is not valid; from then on it counts as empty.
        """
        if self._config is None:
            self._config = _Config()
            if self._path and self._path.is_file():
                try:
                    self._config = _CONFIG.from_json(read_bytes(self._path, "Docker's configuration"))
                except ValueError as error:
                    raise InputError(f"Docker's configuration `{self._path}` cannot be read as JSON") from error
        return self._config

    def _of(self, entry: _Entry, registry: str) -> tuple[str, str]:
        """User and password of an entry; TOKEN_USER and the token if it has an identity token.

        `auth` is `user:password` in base64, and counts before `username` and `password`. Raises InputError if it is not
        UTF-8 in base64, or has no colon.
        """
        if entry.identitytoken:
            return TOKEN_USER, entry.identitytoken
        if not entry.auth:
            return entry.username, entry.password
        try:
            user, colon, password = base64.b64decode(entry.auth, validate=True).decode().partition(":")
        except ValueError as error:
            raise InputError(f"the `auth` value of {registry} in `{self._path}` cannot be read") from error
        if not colon:
            raise InputError(f"the `auth` value of {registry} in `{self._path}` has no password")
        return user, password.rstrip("\0")

    def _ask(self, helper: str, key: str) -> tuple[str, str] | None:
        """(user, password) that a helper program answers for a key; None if it ends with an error, or if both are empty.

        Raises MachineError if it is not on PATH, too slow, or answers something else.
        """
        name = f"docker-credential-{helper}"
        program = shutil.which(name) if HELPER.fullmatch(helper) else None
        if program is None:
            raise MachineError(
                f"`{self._path}` names the credential helper `{name}`, which is not on PATH",
                hint=f"install the helper, or remove the helper from `{self._path}`",
            )
        try:
            done = subprocess.run(
                [program, "get"], input=key.encode(), capture_output=True, timeout=HELPER_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MachineError(f"the credential helper `{name}` did not answer") from error
        if done.returncode != 0:
            return None
        try:
            answer = _ANSWER.from_json(done.stdout)
        except ValueError as error:
            raise MachineError(f"the credential helper `{name}` answered, but not with credentials") from error
        return (answer.username, answer.secret) if answer.username or answer.secret else None


def _keys(registry: str) -> tuple[str, ...]:
    """The keys that a registry can have in config.json, the first that counts first.

    `registry.corp`, then `https://registry.corp`; for Docker Hub DOCKER_HUB_KEY, then DOCKER_HUB.
    """
    return (DOCKER_HUB_KEY, DOCKER_HUB) if registry == DOCKER_HUB else (registry, f"https://{registry}")


def _host(key: str) -> str:
    """The host and port in a key, in lower case; `registry.corp` and `https://registry.corp/v2/` have the same."""
    return re.sub(r"^https?://", "", key).partition("/")[0].lower()


def _usable(registry: str, user: str, password: str) -> tuple[str, str]:
    """(user, password), unchanged. Raises InputError if the user is TOKEN_USER: the password is then an identity token,
    which only an OAuth2 client can use.
    """
    if user == TOKEN_USER:
        raise InputError(
            f"Docker's configuration has an identity token for {registry}, but wheelhouse needs a password",
            hint=f"make an access token in the registry, and log in with this token: docker login {registry}",
        )
    return user, password
