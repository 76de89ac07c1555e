"""URLs, credentials and TLS by tables, with no server: what is shown, what is sent, and to whom."""

import hashlib
import netrc as netrc_module
import ssl
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wheelhouse.errors import InputError
from wheelhouse.index import credential_sources, tls, urls
from wheelhouse.index.credential_sources import NetrcFile, _ask_keyring_module, _ask_keyring_program
from wheelhouse.index.credentials import Credentials, read_token
from wheelhouse.index.tls import Trust
from wheelhouse.index.urls import (
    basic,
    conceal,
    host_of,
    locked_url,
    origin_of,
    own_credentials,
    query_of,
    redact,
    same_index,
    without_credentials,
    without_query,
)

# URLs


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h.example:8443/a/b?q=1#f", "https://h.example:8443/a/b"),
        ("https://h/a", "https://h/a"),
        ("file:///srv/x?y", "file:///srv/x"),
        ("https://u:p@h:99999/x?q=p#f", "h:99999/x"),
        ("https://u:p#w@h:x/y", "https://…"),
        ("https://a@b:p#w@h:x/y", "https://…"),
        ("//u@h/x", "//h/x"),
        ("plain?q#f", "plain"),
        ("user:secret@127.0.0.1:9", "127.0.0.1:9"),
        ("user:se/cret@127.0.0.1:9/x?q", "127.0.0.1:9/x"),
        ("token@proxy:9", "proxy:9"),
        ("https:/u:secret@h/x", "https://…h/x"),
        ("https:///u:secret@h/x", "https://…h/x"),
        ("https://user:12/34secret@host/simple", "https://…host/simple"),
        ("https://user:12?34secret@host/simple", "https://…"),
        ("https://a@b:12#34secret@host/simple", "https://…"),
        ("https://user:12/34?56secret@host/simple", "https://…"),
        ("https://host:8443/dl?user=me@corp.com&token=SECRET", "https://…"),
        ("https://host:8443/dl#user=me@corp.com&token=SECRET", "https://…"),
        ("https://host:99999/dl?user=me@corp.com&token=SECRET", "https://…"),
        ("https://me:p@host/dl?user=me@corp.com&token=SECRET", "https://host/dl"),
        ("https://[::1]/dl?user=me@corp.com&token=SECRET", "https://[::1]/dl"),
        ("user:12?34secret@host:9", "…"),
        ("user:p//w@127.0.0.1:9", "127.0.0.1:9"),
        ("user:p/a//w@127.0.0.1:9", "127.0.0.1:9"),
        ("https://host:8443/@team/simple?q", "https://host:8443/@team/simple"),
        ("https://user:12/34secret/@host/simple", "https://…host/simple"),
        ("https://user:12/@34secret@host/simple", "https://…host/simple"),
        ("https://u:p@h/feed@local/simple", "https://h/feed@local/simple"),
        ("file:///srv/a:1/b@c", "file:///srv/a:1/b@c"),
        ("srv/a@b", "srv/a@b"),
        ("/srv/a@b", "/srv/a@b"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_a_lock_keeps_an_at_sign_in_a_path_after_a_port() -> None:
    url = "https://u:p@h:8443/feed@local/simple"
    assert (redact(url), locked_url(url)) == ("https://…local/simple", "https://h:8443/feed@local/simple")
    assert not same_index("https://a:1/x@y/simple", "https://b:1/x@y/simple")


def test_the_longest_beginning_that_a_variable_gave_is_shown_as_it_was_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(urls, "_concealing", {})
    conceal("https://h/secret", "https://h/${A}")
    conceal("https://h/secret/more", "https://h/${B}")
    assert redact("https://u:p@h/secret/more/x?q") == "https://h/${B}/x"
    assert redact("https://h/secret/x") == "https://h/${A}/x"
    assert redact("https://other/secret/x") == "https://other/secret/x"


def test_a_variable_in_a_path_with_an_at_sign_after_a_port_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "_concealing", {})
    conceal("http://h:8081/repo@x/TOK/", "http://h:8081/repo@x/${T}/")
    assert redact("http://u:p@h:8081/repo@x/TOK/a.whl") == "http://…x/${T}/a.whl"


@pytest.mark.parametrize("url", ["https://u:p?t=me@h&secret", "https://h:99999/?t=me@h&secret"])
def test_a_lock_has_no_query_of_an_address_without_a_valid_port(url: str) -> None:
    assert locked_url(url) == "https://…"


@pytest.mark.parametrize(
    ("named", "used", "same"),
    [
        ("https://h/simple", "https://u:p@H/simple/", True),
        ("https://h/simple", "https://h/simple?t=1", True),
        ("https://h/simple?t=1", "https://h/simple?t=1", True),
        ("https://h/simple?t=1", "https://h/simple?t=2", False),
        ("https://h/simple?t=1", "https://h/simple", False),
        ("https://h/simple", "http://h/simple", False),
        ("https://h/simple", "https://h:8443/simple", False),
        ("https://h/simple", "https://h/Simple", False),
    ],
)
def test_whether_two_urls_are_of_one_index(named: str, used: str, same: bool) -> None:
    assert same_index(named, used) is same


@pytest.mark.parametrize(
    ("url", "query", "without"),
    [
        ("https://h/a?b=c#d", "?b=c", "https://h/a"),
        ("https://h/a#d?e", "", "https://h/a"),
        ("https://h/a?", "", "https://h/a"),
        ("https://h/a", "", "https://h/a"),
    ],
)
def test_the_query_of_a_url(url: str, query: str, without: str) -> None:
    assert (query_of(url), without_query(url)) == (query, without)


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("https://u:p@Host.example/x", ("https", "host.example", 443), "host.example"),
        ("http://h", ("http", "h", 80), "h"),
        ("https://h:80/x", ("https", "h", 80), "h:80"),
        ("http://[::1]:8000/", ("http", "::1", 8000), "[::1]:8000"),
    ],
)
def test_the_server_that_a_url_belongs_to(url: str, origin: tuple[str, str, int], host: str) -> None:
    assert origin_of(url) == origin and host_of(url) == host


@pytest.mark.parametrize(
    ("url", "sentence", "hint"),
    [
        ("ftp://u:p@h/x?q", "`ftp://h/x` is not an http or https address", None),
        ("https:///x", "`https:///x` is not an http or https address", None),
        ("https://u:secret@h:99999/", "an address has no valid port after its host", urls.QUOTING),
        ("https://u:secret@[h/x?secret", "`[h/x` is an address that cannot be read", "write https://host/path"),
    ],
)
def test_a_url_of_no_server_is_refused_without_its_secrets(url: str, sentence: str, hint: str | None) -> None:
    with pytest.raises(InputError) as caught:
        origin_of(url)
    assert str(caught.value) == sentence and caught.value.hint == hint


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://h/", None),
        ("https://me@h/", ("me", None)),
        ("https://me:@h/", ("me", "")),
        ("https://m%40e:p%2Fw%25@h/", ("m@e", "p/w%")),
        ("https://:pw@h/", ("", "pw")),
    ],
)
def test_user_and_password_in_a_url(url: str, own: tuple[str, str | None] | None) -> None:
    assert own_credentials(url) == own


def test_a_url_is_requested_without_its_secrets_and_shown_without_more() -> None:
    """For each URL: what is requested, and what is shown."""
    for url, (requested, text) in {
        "https://h.example/a/b.whl": ("https://h.example/a/b.whl", "https://h.example/a/b.whl"),
        "https://h.example:8443/a%2Bb~c": ("https://h.example:8443/a%2Bb~c", "https://h.example:8443/a%2Bb~c"),
        "https://H.Example/A?Q=1#f": ("https://h.example/A?Q=1", "https://H.Example/A"),
        "https://h.example/a#f": ("https://h.example/a", "https://h.example/a"),
        "https://h.example/a?q": ("https://h.example/a?q", "https://h.example/a"),
        "https://a@b:p@h.example/x@y": ("https://h.example/x@y", "https://h.example/x@y"),
        "https://h.example/a\nb": ("https://h.example/ab", "https://h.example/ab"),
    }.items():
        assert (without_credentials(url), redact(url)) == (requested, text), url


def test_a_variable_is_shown_also_where_an_address_has_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "_concealing", {})
    assert redact("https://h.example/secret/x") == "https://h.example/secret/x"
    conceal("https://h.example/secret", "https://h.example/${A}")
    assert redact("https://h.example/secret/x") == "https://h.example/${A}/x"
    assert redact("https://h.example/x/https://h.example/secret") == "https://h.example/x/https://h.example/secret"


def test_what_makes_an_index_another() -> None:
    for named, used, same in (
        ("https://h/simple//", "https://h/simple", True),
        ("https://h/s?t=1", "https://h/s/?t=1", True),
        ("https://h/s", "https://h/s/x", False),
        ("https://h/x/s", "https://h/s", False),
        ("https://g/s", "https://h/s", False),
        ("https://H/s", "https://h/s", True),
        ("https://h/s?t=1", "https://g/s?t=1", False),
    ):
        assert same_index(named, used) is same, (named, used)


def test_a_server_is_looked_up_without_the_path_of_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that many URLs of one server are found in the cache."""
    asked: list[str] = []
    monkeypatch.setattr(urls, "_origin", asked.append)
    for url in ("https://h.example/a/b", "http://h/x/y", "https://h.example", "http://h?q"):
        origin_of(url)
    assert asked == ["https://h.example", "http://h", "https://h.example", "http://h?q"]


def test_where_a_server_ends_in_a_url() -> None:
    for url, origin in {
        "https://h.example": ("https", "h.example", 443),
        "https://h.example?q=/x": ("https", "h.example", 443),
        "https://me:p@h.example:1/x@other.example/": ("https", "h.example", 1),
        "http://h/": ("http", "h", 80),
        "HTTPS://H.Example:9/x": ("https", "h.example", 9),
        "https://h:65535/": ("https", "h", 65535),
    }.items():
        assert origin_of(url) == origin, url
    for url, shown in {"https://": "https:", "h.example/x": "h.example/x", "": "", "file:///x?y": "file:///x"}.items():
        with pytest.raises(InputError) as caught:
            origin_of(url)
        assert str(caught.value).startswith(f"`{shown}") and "is not an http or https address" in str(caught.value)


# Credentials


def test_the_urls_and_headers_of_a_server_keep_their_order() -> None:
    named = credential_sources.NamedUrls()
    here, there = ("https", "h.example", 443), ("https", "g.example", 443)
    assert named.on(here) == [] and named.headers_on(here) == {}
    named.add("https://h.example/b/", "B")
    named.add("https://h.example/a", None)
    named.add_header("https://h.example:443/c//?q", "C")
    before = named.headers_on(here)
    named.add_header("https://h.example/b", "new")
    assert named.on(here) == ["https://h.example/b/", "https://h.example/a"] and named.on(there) == []
    assert list(named.headers_on(here).items()) == [("/b", "new"), ("/c", "C")] and before["/b"] == "B"
    assert named.headers_on(there) == {}


def test_a_path_without_credentials_of_its_own_gets_the_first_of_its_server() -> None:
    credentials = Credentials()
    credentials.learn("https://h.example/z", "first")
    credentials.learn("https://h.example/a", "second")
    for path, header in {
        "/z": "Bearer first",
        "/a": "Bearer second",
        "/a/": "Bearer second",
        "/ab": "Bearer first",
        "/x/a/": "Bearer first",
        "": "Bearer first",
    }.items():
        assert credentials.auth(f"https://h.example{path}") == header, path
    assert credentials.auth("http://h.example/a") is None


def test_what_a_netrc_entry_lacks_is_empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").touch()
    hosts = {
        "full": ("login", "account", "password"),
        "bare": (None, None, None),
        "user": ("login", "account", None),
        "pass": (None, "account", "password"),
    }
    monkeypatch.setattr(netrc_module, "netrc", lambda _: SimpleNamespace(hosts=hosts))
    file = NetrcFile(tmp_path / "netrc")
    entries = {host: file.entry(("https", host, 443)) for host in (*hosts, "none")}
    assert entries == {
        "full": ("login", "password"),
        "bare": ("", ""),
        "user": ("login", ""),
        "pass": ("", "password"),
        "none": None,
    }
    assert NetrcFile(tmp_path).entry(("https", "full", 443)) is None


def test_a_netrc_that_cannot_be_read_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.touch()
    for error, sentence in (
        (OSError(13, "Permission denied"), f"`{path}` cannot be read: Permission denied"),
        (netrc_module.NetrcParseError("x", lineno=None), f"`{path}` cannot be read as a netrc file"),
        (netrc_module.NetrcParseError("x", lineno=7), f"`{path}` cannot be read as a netrc file, line 7"),
    ):

        def fails(_: str, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(netrc_module, "netrc", fails)
        with pytest.raises(InputError) as caught:
            NetrcFile(path).entry(("https", "h", 443))
        assert str(caught.value) == sentence


def test_a_token_is_a_bearer_token_or_a_user_and_a_password() -> None:
    credentials = Credentials()
    credentials.learn("https://a.example/s", "pypi-abc")
    credentials.learn("https://b.example/s", "me:p:w")
    credentials.learn("https://c.example/s", "")
    assert credentials.auth("https://a.example/s/x") == "Bearer pypi-abc"
    assert credentials.auth("https://b.example/s/x") == basic("me", "p:w")


def test_an_address_with_a_fragment_is_refused() -> None:
    with pytest.raises(InputError, match=r"`https://\[x/` is an address that cannot be read"):
        Credentials().learn("https://[x/")
    with pytest.raises(InputError, match="contains a `#`") as caught:
        Credentials().learn("https://h/simple#x")
    assert caught.value.hint == urls.QUOTING


@pytest.fixture
def netrc(tmp_path: Path) -> Path:
    path = tmp_path / "netrc"
    path.write_text(
        "machine h.example:8443 login port password one\nmachine h.example login host password two\n"
        "default login any password three\n"
    )
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("https://h.example:8443/x", basic("port", "one")),
        ("https://h.example/x", basic("host", "two")),
        ("https://h.example:9000/x", basic("host", "two")),
        ("https://other.example/x", None),
    ],
)
def test_the_entry_of_the_port_comes_before_that_of_the_host(netrc: Path, url: str, header: str | None) -> None:
    credentials = Credentials(netrc)
    assert credentials.auth(url) == header
    assert credentials.auth(url, [None]) is None


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("https://host@h.example/s", basic("host", "two")),
        ("https://other@h.example/s", basic("other", "")),
        ("https://host:own@h.example/s", basic("host", "own")),
        ("https://host:@h.example/s", basic("host", "")),
        ("https://me@x.example/s", basic("me", "")),
    ],
)
def test_a_user_without_a_password_gets_it_from_netrc(netrc: Path, url: str, header: str) -> None:
    credentials = Credentials(netrc)
    credentials.learn(url)
    assert credentials.auth(url.replace(url.partition("//")[2].partition("@")[0] + "@", "") + "/app/") == header


def test_netrc_is_read_once_and_may_be_missing(netrc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert NetrcFile(None).entry(("https", "h", 443)) is None
    assert NetrcFile(netrc.with_name("none")).entry(("https", "h", 443)) is None
    reads: list[str] = []
    real = netrc_module.netrc
    monkeypatch.setattr(netrc_module, "netrc", lambda path: (reads.append(path), real(path))[1])
    file = NetrcFile(netrc)
    assert file.entry(("https", "h.example", 443)) == file.entry(("https", "h.example", 444)) == ("host", "two")
    assert len(reads) == 1


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"machine h login\xff x password y\n", "cannot be read as a netrc file"),
        (b"machine h log in\n", "cannot be read as a netrc file, line 1"),
    ],
)
def test_a_netrc_that_is_damaged_is_named(tmp_path: Path, raw: bytes, sentence: str) -> None:
    path = tmp_path / "netrc"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=f"^`{path}` {sentence}$"):
        NetrcFile(path).entry(("https", "h", 443))


def test_a_header_for_a_path_is_not_sent_above_it_and_is_replaced() -> None:
    credentials = Credentials()
    credentials.learn("https://me:pw@h.example/")
    credentials.learn_header("https://h.example/v2/app/", "Bearer one")
    credentials.learn_header("https://h.example/v2/app", "Bearer two")
    assert (
        credentials.auth("https://h.example/v2/app") == credentials.auth("https://h.example/v2/app/x") == "Bearer two"
    )
    assert credentials.auth("https://h.example/v2/apple") == basic("me", "pw")
    assert credentials.auth("https://h.example/v2/app/x", ["Bearer two"]) is None


def test_credentials_in_a_request_are_for_that_request_alone() -> None:
    credentials = Credentials()
    assert credentials.auth("https://me:p%40w@h/x") == basic("me", "p@w")
    assert credentials.auth("https://me@h/x") == basic("me", "")
    assert credentials.auth("https://h/x") is None
    assert credentials.auth("https://me:pw@h/x", [None]) is None


def test_a_fingerprint_tells_credentials_apart_and_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Credentials(), Credentials()
    one.learn("https://me:one@h/s")
    two.learn("https://me:two@h/s")
    assert one.fingerprint("https://h/s/x") != two.fingerprint("https://h/s/x")
    assert one.fingerprint("https://h/s/x") == (
        hashlib.scrypt(basic("me", "one").encode(), salt=b"wheelhouse page cache", n=4096, r=8, p=1).hex()
    )
    assert Credentials().fingerprint("https://h/s/x") == "" and "one" not in one.fingerprint("https://h/s")
    monkeypatch.setattr("hashlib.scrypt", lambda *_, **__: pytest.fail("again"))
    assert len(one.fingerprint("https://h/s/y")) == 128


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff", "is not text"),
        (b"\n", "must have exactly one line: a token, or `user:password`"),
        (b"a\nb", "must have exactly one line"),
        (b"a b", "must have exactly one line"),
        (b"a\x07b", "must have exactly one line"),
    ],
)
def test_a_token_file_that_cannot_be_used_is_named(tmp_path: Path, raw: bytes | None, sentence: str) -> None:
    path = tmp_path / "token"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(InputError, match=f"^the token file `{path}` {sentence}"):
        read_token(path)


def test_white_space_around_a_token_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("  me:secret \n")
    assert read_token(tmp_path / "token") == "me:secret"


# Keyring


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """What the module `keyring` is asked; it knows `me` of the host alone."""
    asked: list[tuple[str, str | None]] = []

    def get_credential(service: str, user: str | None) -> SimpleNamespace | None:
        asked.append((service, user))
        return SimpleNamespace(username="me", password="pw") if service == "h.example" else None

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_credential=get_credential))
    monkeypatch.setattr(credential_sources, "_ask_keyring_program", lambda *_: None)
    return asked


def test_keyring_is_asked_for_the_url_and_then_for_the_host(keyring: list[tuple[str, str | None]]) -> None:
    credentials = Credentials()
    credentials.learn("https://h.example/s")
    assert credentials.auth("https://h.example/s/x") is None and keyring == []
    assert credentials.auth("https://h.example/s/x", [None]) == basic("me", "pw")
    assert keyring == [("https://h.example/s", None), ("h.example", None)]
    assert credentials.auth("https://h.example/s/x", [None, basic("me", "pw")]) is None
    assert credentials.auth("https://h.example/y") == basic("me", "pw") and len(keyring) == 2
    assert credentials.auth("https://other.example/y", [None]) is None and len(keyring) == 2


def test_keyring_replaces_what_was_refused(keyring: list[tuple[str, str | None]]) -> None:
    credentials = Credentials()
    credentials.learn("https://you:old@h.example/s")
    old = credentials.auth("https://h.example/s")
    assert old == basic("you", "old")
    assert credentials.auth("https://h.example/s", [old]) == basic("me", "pw")
    assert keyring[0] == ("https://h.example/s", "you")


def test_the_program_is_asked_where_the_module_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module before the program, the URL before its host, the first URL before the second."""
    asked: list[tuple[str, str, str | None]] = []
    knows: tuple[str, str] = ("", "")

    def ask(kind: str) -> Any:
        def answer(service: str, user: str | None) -> tuple[str, str] | None:
            asked.append((kind, service, user))
            return ("me", kind) if (kind, service) == knows else None

        return answer

    monkeypatch.setattr(credential_sources, "_ask_keyring_module", ask("module"))
    monkeypatch.setattr(credential_sources, "_ask_keyring_program", ask("program"))
    order = [
        (kind, service, user)
        for service, user in (("https://h/a", "you"), ("h", "you"), ("https://g:1/b", None), ("g:1", None))
        for kind in ("module", "program")
    ]
    for count, row in enumerate(order, 1):
        asked.clear()
        knows = row[:2]
        found = credential_sources._ask_keyring(["https://you:p@h/a?t", "https://g:1/b"])
        assert (found, asked) == (basic("me", row[0]), order[:count]), row
    knows = ("", "")
    assert credential_sources._ask_keyring(["https://h/a"]) is None and credential_sources._ask_keyring([]) is None


def test_a_keyring_that_fails_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert _ask_keyring_module("h", None) is None
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_credential=lambda *_: 1 / 0))
    assert _ask_keyring_module("h", None) is None

    class Broken:
        """A credential whose user cannot be read."""

        password = "pw"

        @property
        def username(self) -> str:
            raise OSError("locked")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_credential=lambda *_: Broken()))
    assert _ask_keyring_module("h", None) is None


@pytest.mark.parametrize(
    ("code", "output", "answer"),
    [(0, "p w\n", ("me", "p w")), (0, " pw", ("me", " pw")), (1, "pw\n", None), (0, " \n", None), (0, "", None)],
)
def test_the_program_keyring_is_asked_for_a_user(
    monkeypatch: pytest.MonkeyPatch, code: int, output: str, answer: tuple[str, str] | None
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        commands.append(command)
        assert (options["stdin"], options["timeout"]) == (subprocess.DEVNULL, 60.0)
        assert options["capture_output"] and options["text"] and not options["check"]
        return SimpleNamespace(returncode=code, stdout=output)

    monkeypatch.setattr(credential_sources.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(credential_sources.subprocess, "run", run)
    assert _ask_keyring_program("h", "me") == answer
    assert _ask_keyring_program("h", None) is None
    assert commands == [["/bin/keyring", "get", "h", "me"]]
    monkeypatch.setattr(credential_sources.shutil, "which", lambda _: None)
    assert _ask_keyring_program("h", "me") is None


@pytest.mark.parametrize(
    "error",
    [
        OSError(),
        subprocess.TimeoutExpired("keyring", 60),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
)
def test_a_program_that_does_not_answer_has_no_answer(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def run(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(credential_sources.shutil, "which", lambda _: "/bin/keyring")
    monkeypatch.setattr(credential_sources.subprocess, "run", run)
    assert _ask_keyring_program("h", "me") is None


# TLS


@pytest.mark.parametrize(
    ("system", "cafile", "expected"), [("linux", "/x", True), ("linux", None, False), ("darwin", "/x", False)]
)
def test_openssls_authorities_serve_on_linux(
    monkeypatch: pytest.MonkeyPatch, system: str, cafile: str | None, expected: bool
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(cafile=cafile))
    assert tls._openssl_has_authorities() is expected


@pytest.mark.parametrize(
    ("trust", "arguments"),
    [
        (Trust(), {}),
        (Trust(ca_file="f"), {"cafile": "f", "capath": None}),
        (Trust(ca_folder="d"), {"cafile": None, "capath": "d"}),
        (Trust("f", "d"), {"cafile": "f", "capath": "d"}),
    ],
)
def test_named_authorities_replace_the_systems(
    monkeypatch: pytest.MonkeyPatch, trust: Trust, arguments: dict[str, str | None]
) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(tls, "_openssl_has_authorities", lambda: True)
    monkeypatch.setattr(ssl, "create_default_context", lambda **given: calls.append(given))
    trust.context()
    assert calls == [arguments]


@pytest.mark.parametrize(
    ("trust", "sentence"),
    [
        (
            Trust(ca_file="/nowhere/f.pem"),
            "the certificate authorities in `/nowhere/f.pem` cannot be read: No such file or directory",
        ),
        (Trust(client_cert="/nowhere/c.pem"), "the client certificate `/nowhere/c.pem` cannot be used: No such file"),
    ],
)
def test_a_file_that_is_not_there_is_named(trust: Trust, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        trust.context()
    assert str(caught.value).startswith(sentence) and caught.value.hint


def test_a_key_with_a_passphrase_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: object, path: str, password: Any) -> None:
        assert path == "c.pem"
        password()

    context = type("Context", (), {"load_cert_chain": load})()
    with pytest.raises(InputError, match=r"the key in `c.pem` has a passphrase"):
        tls._load_client_cert(context, "c.pem")


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError(2, "gone"), "gone"), (ssl.SSLError(1, "[X] bad"), "[X] bad"), (OSError("odd"), "odd")],
)
def test_the_reason_of_an_error(error: OSError, reason: str) -> None:
    assert tls._reason(error) == reason


def test_every_refusal_of_tls_has_its_sentence_and_its_hint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing")
    own, gone = str(tmp_path / "x.pem"), str(tmp_path / "gone")
    authorities = "name a PEM file with --ca-file or SSL_CERT_FILE"
    certificate = "with --client-cert, name one PEM file that has both the certificate and its key"
    for trust, sentence, hint in (
        (
            Trust(ca_file=gone),
            f"the certificate authorities in `{gone}` cannot be read: No such file or directory",
            authorities,
        ),
        (
            Trust(gone, own),
            f"the certificate authorities in `{gone}` cannot be read: No such file or directory",
            authorities,
        ),
        (
            Trust(client_cert=gone),
            f"the client certificate `{gone}` cannot be used: No such file or directory",
            certificate,
        ),
    ):
        with pytest.raises(InputError) as caught:
            trust.context()
        assert (str(caught.value), caught.value.hint) == (sentence, hint)

    def fails(**_: object) -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(ssl, "create_default_context", fails)
    with pytest.raises(InputError, match=r"^the certificate authorities in `d` cannot be read: Permission denied$"):
        Trust(ca_folder="d").context()


def test_a_key_with_a_passphrase_has_a_hint_and_one_without_is_presented(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, bool]] = []

    class Context:
        def load_cert_chain(self, path: str, password: Any) -> None:
            given.append((path, callable(password)))
            if path == "locked.pem":
                password()

    context = Context()
    monkeypatch.setattr(tls, "_openssl_has_authorities", lambda: True)
    monkeypatch.setattr(ssl, "create_default_context", lambda: context)
    made: Any = Trust(client_cert="c.pem").context()
    assert made is context and given == [("c.pem", True)]
    without: Any = Trust().context()
    assert without is context and len(given) == 1
    with pytest.raises(InputError) as caught:
        Trust(client_cert="locked.pem").context()
    assert (str(caught.value), caught.value.hint) == (
        "the key in `locked.pem` has a passphrase",
        "use a key without a passphrase for --client-cert",
    )


def test_the_reason_that_openssl_gives_comes_first() -> None:
    error = ssl.SSLError(1, "[X] bad")
    error.reason = "NO_CERTIFICATE"
    assert tls._reason(error) == "NO_CERTIFICATE"
