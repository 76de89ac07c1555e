"""URLs: their parts, the server that they belong to, the credentials in them, and how they are shown without these."""

import base64
import re
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from wheelhouse.errors import InputError

Origin = tuple[str, str, int]
PORTS = {"http": 80, "https": 443}
PLAIN_URL = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?/[A-Za-z0-9/._+%~-]*")
"""A URL without credentials, query and fragment, its host in lower case, as most are."""
SERVER = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)([^/?#]*)")
"""The beginning of a URL, and its user, password, host and port."""
BEFORE_SCOPE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/@]+:[0-9]+/")
"""What precedes an `@` that begins a path after a port."""
HIDDEN = "…"
QUOTING = "in a user name or password, write %40 for `@`, %3A for `:`, %2F for `/` and %23 for `#`"


def redact_folder(text: str) -> str:
    """`redact` of what should be a folder; a name such as `mirror@2026-11` is shown whole: without a `:` before its `@` it holds no
    password.
    """
    before, at, after = text.partition("@")
    return text if at and ":" not in before and not {"?", "#"} & set(after) else redact(text)


def redact(url: str) -> str:
    """The URL without user, password, query and fragment, for output. Of a text that is no URL, the part that is safe to show.

    A password may have an unquoted `#`, `?` or `/`, and then digits before it look like a port. A proxy's URL may have no scheme. So
    if there is no valid server, or a port, what precedes the last `@` of the path is hidden, unless this `@` begins the path. With an
    `@` after a `?` or `#`, all but the scheme is hidden. The value of a variable is shown as the variable (see `conceal`).
    """
    if not _concealing and PLAIN_URL.fullmatch(url):
        return url
    beginning = without_query(url)
    if "@" in url[len(beginning) :] and _may_hold_password(beginning):
        return _scheme(url) + HIDDEN
    shown = locked_url(url)
    before, at, after = shown.rpartition("@")
    if not at or not _may_hold_password(before) or BEFORE_SCOPE.fullmatch(before):
        return shown
    scheme = _scheme(shown)
    return f"{scheme}{HIDDEN}{after}" if scheme else after


def locked_url(url: str) -> str:
    """`redact` for locks, keys, requests and comparisons: an `@` in a path stays, also after a port."""
    if not _concealing and PLAIN_URL.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        host, _ = parts.netloc.rpartition("@")[2], parts.port
    except ValueError:
        beginning = without_query(url)
        return _scheme(url) + HIDDEN if "@" in url[len(beginning) :] else beginning.rpartition("@")[2]
    return _concealed(urlunsplit((parts.scheme, host, parts.path, "", "")))


def _may_hold_password(before: str) -> bool:
    """Whether what precedes an `@` may hold a password, although `urlsplit` does not see one there.

    So it is if its server is empty or has a `:`, without user and IPv6 brackets; without `//`, if a `:` precedes the first
    `/`, or if there is no `/`. A `file:` URL never does.
    """
    if before.startswith("file:"):
        return False
    if match := SERVER.match(before):
        return not match[2] or ":" in match[2].rpartition("@")[2].rpartition("]")[2]
    return ":" in before.partition("/")[0] or "/" not in before


def _scheme(url: str) -> str:
    """The scheme of a URL with the `//` after it: only `//` if it has no scheme, empty without `//`, as in `file:a`."""
    match = SERVER.match(url)
    return match[1] if match else ""


def conceal(beginning: str, written: str) -> None:
    """From now on, in this process, `redact` and `locked_url` give `written` in place of `beginning`, also for locks and
    keys: a variable in a URL may be a secret.

    Both are URLs without user and password. Every error that names a URL calls `redact`, so this is state of the process.
    """
    _concealing[beginning] = written


_concealing: dict[str, str] = {}


def _concealed(address: str) -> str:
    """An address whose beginning, the longest that `conceal` was given, is shown as it was written; else unchanged."""
    fitting = [beginning for beginning in _concealing if address.startswith(beginning)]
    if not fitting:
        return address
    longest = max(fitting, key=len)
    return _concealing[longest] + address[len(longest) :]


def same_index(named: str, used: str) -> bool:
    """Whether two URLs are of one index: scheme, host in any case, port as written, and path are equal, but for a last `/`.
    User and password do not matter, and a query only if `named` has one. Raises InputError for a text that is no URL.
    """
    named_parts, used_parts = (parts_of(locked_url(url).rstrip("/")) for url in (named, used))
    same_host = (named_parts.scheme, named_parts.netloc.lower()) == (used_parts.scheme, used_parts.netloc.lower())
    return same_host and named_parts.path == used_parts.path and query_of(named) in ("", query_of(used))


def is_remote(url: str) -> bool:
    """Whether a text is an http(s) URL, its scheme in any case; else it is a path, a `file:` URL, or empty."""
    return url[: len("https://")].lower().startswith(("http://", "https://"))


def query_of(url: str) -> str:
    """The query of a URL with its question mark, which may hold a token; empty if there is none.

    Raises InputError for a text with a question mark that is no URL.
    """
    query = parts_of(url).query if "?" in url else ""
    return f"?{query}" if query else ""


def without_query(url: str) -> str:
    """A URL without its query and fragment; also relative URLs on its page start there."""
    return url.partition("#")[0].partition("?")[0]


def parts_of(url: str) -> SplitResult:
    """The parts of a URL, as `urlsplit` gives them. Raises InputError for what it refuses, such as `http://[`."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise InputError(
            f"`{redact(url)}` is an address that cannot be read", hint="write https://host/path"
        ) from error


def host_of(url: str) -> str:
    """Host, and the port if the URL has one, unchecked, in lower case; empty without `//`. Raises as `parts_of`."""
    return parts_of(url).netloc.rpartition("@")[2].lower()


def without_credentials(url: str) -> str:
    """The URL to request: without user, password and fragment, its host in lower case. Raises InputError for a text that is
    no URL.
    """
    if PLAIN_URL.fullmatch(url):
        return url
    parts = parts_of(url)
    return urlunsplit((parts.scheme, host_of(url), parts.path, parts.query, ""))


def origin_of(url: str) -> Origin:
    """Scheme, host in lower case, and port (the scheme's own if the URL has none, or 0) of an http(s) URL (RFC 6454).

    Raises InputError for any other, without showing it in full.
    """
    end_of_server = url.find("/", len("https://"))
    try:
        return _origin(url[:end_of_server] if end_of_server != -1 else url)
    except InputError:
        return _origin(url)  # the error shows all of it that is safe


@lru_cache(maxsize=4096)
def _origin(url: str) -> Origin:
    """`origin_of`, cached. A run has few servers and many URLs, so the caller leaves the path out."""
    parts = parts_of(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InputError("an address has no valid port after its host", hint=QUOTING) from error
    if parts.scheme not in PORTS or not host:
        raise InputError(f"`{redact(url)}` is not an http or https address")
    return parts.scheme, host, port or PORTS[parts.scheme]


def basic(user: str, password: str) -> str:
    """The Authorization header's value for a user and a password: `Basic` and base64 (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def own_credentials(url: str) -> tuple[str, str | None] | None:
    """User and password in a URL, unquoted; None if it has no user; the password is None if it has none.

    Raises InputError for a text that is no URL.
    """
    parts = parts_of(url)
    if parts.username is None:
        return None
    return unquote(parts.username), None if parts.password is None else unquote(parts.password)
