"""Where credentials come from: named URLs and token files, netrc, keyring, and the URL of the request itself.

A source answers for the servers that the user named, and for no other: no redirect and no page can make it answer.
"""

import importlib
import netrc
import shutil
import subprocess
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from wheelhouse.errors import InputError
from wheelhouse.index.urls import Origin, basic, host_of, locked_url, origin_of, own_credentials

KEYRING_SECONDS = 60.0
"""How long the `keyring` program may take: it may ask its user for a password."""


class NamedUrls:
    """The URLs that the user named, by their servers, and headers for them. No URL is added once threads send requests."""

    def __init__(self) -> None:
        self._urls: dict[Origin, list[str]] = {}
        self._headers: dict[Origin, dict[str, str]] = {}

    def add(self, url: str, header: str | None) -> None:
        """Add a URL, with the Authorization header's value for everything below its path, if there is one.

        Raises InputError for anything but an http(s) URL.
        """
        self._urls.setdefault(origin_of(url), []).append(url)
        if header is not None:
            self.add_header(url, header)

    def add_header(self, url: str, header: str) -> None:
        """Add or replace the header for everything below a URL's path, also while threads send requests."""
        origin, path = origin_of(url), urlsplit(url).path.rstrip("/")
        self._headers[origin] = {**self._headers.get(origin, {}), path: header}

    def on(self, origin: Origin) -> list[str]:
        """The URLs on a server, in the order in which they were added; empty if there are none."""
        return self._urls.get(origin, [])

    def headers_on(self, origin: Origin) -> dict[str, str]:
        """The headers for a server by path, without a `/` at its end, in the order in which they were added; empty if there are none."""
        return self._headers.get(origin, {})


class NetrcFile:
    """A netrc file, read when it is first needed. A file that does not exist has no entries."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._entries: dict[str, tuple[str | None, ...]] | None = None

    def entry(self, origin: Origin) -> tuple[str, str] | None:
        """User and password for a server, by `host:port`, else by `host`; what an entry lacks is empty. None if there is no entry.

        `default` is ignored: it would give every server what is meant for one. Raises InputError for a file that cannot be read.
        """
        with self._guard:
            if self._entries is None:
                self._entries = _read_netrc(self._path)
        for name in (f"{origin[1]}:{origin[2]}", origin[1]):
            if entry := self._entries.get(name):
                return entry[0] or "", entry[2] or ""
        return None


class CredentialSource(Protocol):
    """One place that may hold credentials. It is made with what all sources share."""

    def __init__(self, named: NamedUrls, netrc_file: NetrcFile) -> None: ...

    def auth(self, url: str, refused: Collection[str | None]) -> str | None:
        """The Authorization header's value for a request to `url` (RFC 9110, 11.6.2); None if this source has none.

        `refused` holds each value that the server answered 401 to, None if a request had no such header. It is empty before
        the first request. What is in it is never sent again, so a source may answer with it.
        """


class NamedUrlSource(CredentialSource):
    """What the user wrote into a URL, or into the token file of an index."""

    def __init__(self, named: NamedUrls, netrc_file: NetrcFile) -> None:
        del netrc_file
        self._named = named

    def auth(self, url: str, refused: Collection[str | None]) -> str | None:
        """The header of the longest named path that holds this URL; else the first header of the same server, if it has any. What
        was refused does not matter.
        """
        del refused
        if not (headers := self._named.headers_on(origin_of(url))):
            return None
        path = urlsplit(url).path
        prefixes = [prefix for prefix in headers if path == prefix or path.startswith(prefix + "/")]
        if prefixes:
            return headers[max(prefixes, key=len)]
        return next(iter(headers.values()))


class NetrcSource(CredentialSource):
    """The server's own entry in the netrc file; over plain http only if the user named the server."""

    def __init__(self, named: NamedUrls, netrc_file: NetrcFile) -> None:
        self._named, self._netrc = named, netrc_file

    def auth(self, url: str, refused: Collection[str | None]) -> str | None:
        """The header from the server's netrc entry, before the first request only; None after a refusal.

        None also over http if the user did not name the server.
        """
        origin = origin_of(url)
        if refused or not (origin[0] == "https" or self._named.on(origin)):
            return None
        entry = self._netrc.entry(origin)
        return basic(*entry) if entry else None


class KeyringSource(CredentialSource):
    """What keyring holds for a server that the user named. It is asked after a refusal, once for each server."""

    def __init__(self, named: NamedUrls, netrc_file: NetrcFile) -> None:
        del netrc_file
        self._named = named
        self._guard = threading.Lock()
        self._answers: dict[Origin, str | None] = {}

    def auth(self, url: str, refused: Collection[str | None]) -> str | None:
        """After a refusal keyring's answer; keyring is asked once for each server, and other threads wait.

        Before a refusal only an answer that keyring gave earlier. None if keyring has none, or for a server that the user
        did not name: keyring is not asked then.
        """
        origin = origin_of(url)
        if not refused:
            return self._answers.get(origin)
        with self._guard:
            if origin not in self._answers:
                self._answers[origin] = _ask_keyring(self._named.on(origin))
            return self._answers[origin]


class RequestUrlSource(CredentialSource):
    """User and password in the URL of the request itself, as a page may give it: for that one request."""

    def __init__(self, named: NamedUrls, netrc_file: NetrcFile) -> None:
        del named, netrc_file

    def auth(self, url: str, refused: Collection[str | None]) -> str | None:
        """The header from user and password in `url`, before the first request; None after a refusal, or if `url` has no user."""
        own = None if refused else own_credentials(url)
        return basic(own[0], own[1] or "") if own else None


def _read_netrc(path: Path | None) -> dict[str, tuple[str | None, ...]]:
    """The entries of a netrc file by host; empty if there is no file. Raises InputError for one that cannot be read."""
    try:
        return dict(netrc.netrc(str(path)).hosts) if path and path.is_file() else {}
    except (netrc.NetrcParseError, UnicodeDecodeError) as error:
        where = f", line {error.lineno}" if isinstance(error, netrc.NetrcParseError) and error.lineno else ""
        raise InputError(f"`{path}` cannot be read as a netrc file{where}") from error
    except OSError as error:
        raise InputError(f"`{path}` cannot be read: {error.strerror}") from error


def _ask_keyring(urls: list[str]) -> str | None:
    """The Authorization header's value from keyring for the first of these URLs, or of their hosts, that it knows; None if none. As
    pip does, ask the module, else the program.
    """
    for url in urls:
        user = (own_credentials(url) or (None, None))[0]
        for service in (locked_url(url), host_of(url)):
            if answer := _ask_keyring_module(service, user) or _ask_keyring_program(service, user):
                return basic(*answer)
    return None


def _ask_keyring_module(service: str, user: str | None) -> tuple[str, str] | None:
    """User and password from the Python module `keyring`; None if it is not installed, fails with any error, or has none."""
    try:
        keyring: Any = importlib.import_module("keyring")
        credential = keyring.get_credential(service, user)
        return (credential.username, credential.password) if credential else None
    except Exception:
        return None


def _ask_keyring_program(service: str, user: str | None) -> tuple[str, str] | None:
    """User and password from the program `keyring`; None without a program or a user, and if it fails, has no password, or
    writes what is no text in the locale's encoding.
    """
    program = shutil.which("keyring")
    if program is None or user is None:
        return None
    try:
        done = subprocess.run(
            [program, "get", service, user],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=KEYRING_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return (user, done.stdout.rstrip("\n")) if done.returncode == 0 and done.stdout.strip() else None
