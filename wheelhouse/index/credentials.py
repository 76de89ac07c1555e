"""Who we are to which server: from addresses, token files, netrc and keyring. Never sent elsewhere, never shown.

What the user gave for an index is known by that index's origin (RFC 6454) and path; a redirect or a page adds nothing to it.
"""

import base64
import importlib
import netrc
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from wheelhouse.errors import InputError

Origin = tuple[str, str, int]
PORTS = {"http": 80, "https": 443}
QUOTING = "write `@`, `:`, `/` and `#` in a user or password as %40, %3A, %2F and %23"
KEYRING_PATIENCE = 60.0
"""Seconds that the `keyring` program may take; it may ask its user something."""


def redact(url: str) -> str:
    """The address without user, password, query and fragment: fit for any output. Of one that is none, what may be shown.

    What is no port may be a password that holds what ends a host: `#`, `?` or `/`. What a variable held is shown as the variable.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.netloc.rpartition("@")[2], parts.port
    except ValueError:
        return re.split("[?#]", url.rpartition("@")[2])[0]
    return _concealed(urlunsplit((parts.scheme, host, parts.path, "", "")))


def conceal(beginning: str, written: str) -> None:
    """From now on an address that begins like this is shown with `written` in its place: a variable in it may be a secret.

    Both are addresses without user and password. This holds for the process, because every error that names an address asks.
    """
    _concealing[beginning] = written


_concealing: dict[str, str] = {}


def _concealed(address: str) -> str:
    fitting = [beginning for beginning in _concealing if address.startswith(beginning)]
    if not fitting:
        return address
    longest = max(fitting, key=len)
    return _concealing[longest] + address[len(longest) :]


def same_index(named: str, used: str) -> bool:
    """Whether two addresses are of one index: user and password do not matter, and a query only where `named` has one."""
    one, other = parts_of(redact(named).rstrip("/")), parts_of(redact(used).rstrip("/"))
    same = (one.scheme, one.netloc.lower(), one.path) == (other.scheme, other.netloc.lower(), other.path)
    return same and query_of(named) in ("", query_of(used))


def query_of(url: str) -> str:
    """The query of an address with its question mark, which may hold a token; empty where there is none."""
    query = parts_of(url).query
    return f"?{query}" if query else ""


def parts_of(url: str) -> SplitResult:
    """The address, taken apart. Raises InputError for one that cannot be."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise InputError(
            f"`{redact(url)}` is an address that cannot be read", hint="write https://host/path"
        ) from error


def host_of(url: str) -> str:
    """Host and port. Raises InputError for what is no address."""
    return parts_of(url).netloc.rpartition("@")[2].lower()


def origin_of(url: str) -> Origin:
    """Scheme, host and port of an http(s) address. Raises InputError for any other, without showing it in full."""
    parts = parts_of(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InputError("an address has no valid port after its host", hint=QUOTING) from error
    if parts.scheme not in PORTS or not host:
        raise InputError(f"`{redact(url)}` is not an http or https address")
    return parts.scheme, host, port or PORTS[parts.scheme]


def basic(user: str, password: str) -> str:
    """An Authorization header's value (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def own_credentials(url: str) -> tuple[str, str | None] | None:
    """User and password that an address holds; None where it holds no user. Raises InputError for what is no address."""
    parts = parts_of(url)
    if parts.username is None:
        return None
    return unquote(parts.username), None if parts.password is None else unquote(parts.password)


class Credentials:
    """What to say to which server. `netrc_file` is read when the first server is asked; a missing one says nothing."""

    def __init__(self, netrc_file: Path | None = None) -> None:
        self._netrc_file = netrc_file
        self._netrc: dict[str, tuple[str | None, ...]] | None = None
        self._guard = threading.Lock()
        self._named: dict[Origin, list[str]] = {}
        self._headers: dict[Origin, dict[str, str]] = {}
        self._tried: set[Origin] = set()

    def learn(self, url: str, token: str | None = None) -> None:
        """That the user named this address, with what it holds, or with a token: `user:password`, or a bearer's."""
        origin, path = origin_of(url), urlsplit(url).path.rstrip("/")
        if urlsplit(url).fragment:
            raise InputError("an index's address holds a `#`", hint=QUOTING)
        self._named.setdefault(origin, []).append(url)
        own = own_credentials(url)
        if token is not None:
            user, colon, password = token.partition(":")
            header = basic(user, password) if colon else f"Bearer {token}"
        elif own:
            password = own[1] if own[1] is not None else self._from_netrc(origin, own[0]) or ""
            header = basic(own[0], password)
        else:
            return
        self._headers.setdefault(origin, {})[path] = header

    def header(self, url: str) -> str | None:
        """The Authorization header's value for a request, or None."""
        origin = origin_of(url)
        if known := self._headers.get(origin):
            path = urlsplit(url).path
            within = [prefix for prefix in known if path == prefix or path.startswith(prefix + "/")]
            return known[max(within, key=len)] if within else next(iter(known.values()))
        if origin[0] == "https" or origin in self._named:
            return self._netrc_header(origin)
        return None

    def another(self, url: str, refused: str | None) -> str | None:
        """What else to say where a server answered 401 to `refused`: keyring is asked, once for each server."""
        origin = origin_of(url)
        with self._guard:
            if origin in self._named and origin not in self._tried:
                self._tried.add(origin)
                if found := _from_keyring(self._named[origin]):
                    self._headers[origin] = {"": found}
        header = self.header(url)
        return None if header == refused else header

    def _netrc_header(self, origin: Origin) -> str | None:
        entry = self._entry(origin)
        return basic(*entry) if entry else None

    def _from_netrc(self, origin: Origin, user: str) -> str | None:
        entry = self._entry(origin)
        return entry[1] if entry and entry[0] == user else None

    def _entry(self, origin: Origin) -> tuple[str, str] | None:
        """A server's own entry. `default` is left alone: it would tell any server what was meant for one."""
        with self._guard:
            if self._netrc is None:
                self._netrc = _read_netrc(self._netrc_file)
        for name in (f"{origin[1]}:{origin[2]}", origin[1]):
            if entry := self._netrc.get(name):
                return entry[0] or "", entry[2] or ""
        return None


def _read_netrc(path: Path | None) -> dict[str, tuple[str | None, ...]]:
    try:
        return dict(netrc.netrc(str(path)).hosts) if path and path.is_file() else {}
    except (netrc.NetrcParseError, UnicodeDecodeError) as error:
        where = f", line {error.lineno}" if isinstance(error, netrc.NetrcParseError) and error.lineno else ""
        raise InputError(f"`{path}` cannot be read as a netrc file{where}") from error
    except OSError as error:
        raise InputError(f"`{path}` cannot be read: {error.strerror}") from error


def read_token(path: Path) -> str:
    """What a token file holds: one line. Raises InputError, which never shows it."""
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(f"the token file `{path}` cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"the token file `{path}` is not text") from error
    if not token.isprintable() or not token or " " in token:
        raise InputError(f"the token file `{path}` must hold one line, a token or `user:password`")
    return token


def _from_keyring(urls: list[str]) -> str | None:
    """What keyring knows for an index, by its address or its host, as pip asks it: the module, else the program."""
    for url in urls:
        user = (own_credentials(url) or (None, None))[0]
        for service in (redact(url), host_of(url)):
            if found := _keyring_module(service, user) or _keyring_program(service, user):
                return basic(*found)
    return None


def _keyring_module(service: str, user: str | None) -> tuple[str, str] | None:
    try:
        keyring: Any = importlib.import_module("keyring")
        found = keyring.get_credential(service, user)
    except Exception:
        return None
    return (found.username, found.password) if found else None


def _keyring_program(service: str, user: str | None) -> tuple[str, str] | None:
    program = shutil.which("keyring")
    if program is None or user is None:
        return None
    try:
        done = subprocess.run(
            [program, "get", service, user],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=KEYRING_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (user, done.stdout.rstrip("\n")) if done.returncode == 0 and done.stdout.strip() else None
