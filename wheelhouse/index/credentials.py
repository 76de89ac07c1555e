"""Credentials of a run: which Authorization header to send to which server. Never sent to another one, never shown."""

import hashlib
import threading
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from wheelhouse.errors import InputError
from wheelhouse.index.credential_sources import (
    CredentialSource,
    KeyringSource,
    NamedUrls,
    NamedUrlSource,
    NetrcFile,
    NetrcSource,
    RequestUrlSource,
)
from wheelhouse.index.urls import QUOTING, basic, origin_of, own_credentials

SOURCES: tuple[type[CredentialSource], ...] = (KeyringSource, NamedUrlSource, NetrcSource, RequestUrlSource)
"""In the order in which they are asked. Keyring is first: it answers only after a refusal, and then replaces the others."""


class Credentials:
    """What the user gave, for the servers that the user named."""

    def __init__(self, netrc_file: Path | None = None) -> None:
        self._named, self._netrc = NamedUrls(), NetrcFile(netrc_file)
        self._sources = [make(self._named, self._netrc) for make in SOURCES]
        self._fingerprints: dict[str, str] = {}
        self._guard = threading.Lock()

    def learn(self, url: str, token: str | None = None) -> None:
        """Note that the user named this URL, with the credentials in it, or instead with a token: `user:password`, or a
        bearer token.

        Raises InputError for anything but an http(s) URL, for one with a `#`, and for a netrc file that cannot be read, if
        it is needed.
        """
        origin_of(url)
        if urlsplit(url).fragment:
            raise InputError("the address of an index contains a `#`", hint=QUOTING)
        self._named.add(url, self._own_header(url) if token is None else _token_header(token))

    def learn_header(self, url: str, header: str) -> None:
        """Note the Authorization header's value that a server gave for everything below a URL: a registry's bearer token."""
        self._named.add_header(url, header)

    def auth(self, url: str, refused: Collection[str | None] = ()) -> str | None:
        """The Authorization header's value for a request, from the first source with one that was not refused; None if none has.

        `refused` holds what the server answered 401 to. Raises InputError for a netrc file that cannot be read, and for
        anything but an http(s) URL.
        """
        for source in self._sources:
            header = source.auth(url, refused)
            if header is not None and header not in refused:
                return header
        return None

    def fingerprint(self, url: str) -> str:
        """A text that differs for different credentials for a URL, and does not reveal them; empty without credentials.
        Those that only keyring has count once a refusal made it answer.

        It is slow to compute (scrypt, 10 ms), so that nobody who reads a cache can try many passwords. Each is computed once.
        """
        header = self.auth(url)
        if header is None:
            return ""
        with self._guard:
            if header not in self._fingerprints:
                digest = hashlib.scrypt(header.encode(), salt=b"wheelhouse page cache", n=1 << 12, r=8, p=1)
                self._fingerprints[header] = digest.hex()
            return self._fingerprints[header]

    def _own_header(self, url: str) -> str | None:
        """The header for what a named URL holds; None if it holds no user. If it holds a user alone, the password comes from the
        netrc file's entry for this user, else it is empty.
        """
        own = own_credentials(url)
        if own is None:
            return None
        user, password = own
        if password is None:
            entry = self._netrc.entry(origin_of(url))
            password = entry[1] if entry and entry[0] == user else ""
        return basic(user, password)


def _token_header(token: str) -> str:
    """The Authorization header's value for a token: Basic for `user:password`, else Bearer."""
    user, colon, password = token.partition(":")
    return basic(user, password) if colon else f"Bearer {token}"


def read_token(path: Path) -> str:
    """The token, or `user:password`, in a file of one line, stripped. Raises InputError, which never shows it, also if it is
    empty, or has a space or a control character in it.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(f"the token file `{path}` cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"the token file `{path}` is not text") from error
    if not token.isprintable() or not token or " " in token:
        raise InputError(f"the token file `{path}` must have exactly one line: a token, or `user:password`")
    return token
