"""Who is told which credentials: the server they were given for, and nobody else; and they never show anywhere."""

import base64
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.contents import core_metadata
from tests.support.index import Abilities, Fault, IndexServer
from tests.support.proxy import Proxy
from tests.support.tls import make_certificate, make_client_certificate
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError, ServerError
from wheelhouse.index import credential_sources
from wheelhouse.index.credentials import SOURCES, Credentials, read_token
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.index.tls import Trust
from wheelhouse.index.urls import basic, redact

USER, SECRET = "me", "s3cr3t-p@ss/w:rd"
QUOTED = "s3cr3t-p%40ss%2Fw%3Ard"
BASIC = "Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode()


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    folder = tmp_path / "offered"
    folder.mkdir()
    build_wheel(folder, "app", "1.0", requires=["lib"])
    build_wheel(folder, "lib", "1.0")
    return folder


@pytest.fixture
def private(offered: Path) -> Iterator[IndexServer]:
    with IndexServer(offered, auth=(USER, SECRET)) as server:
        yield server


def with_user(url: str) -> str:
    return url.replace("://", f"://{USER}:{QUOTED}@")


def told(server: IndexServer) -> set[str | None]:
    """What a server was told of who asks."""
    return {request.headers.get("authorization") for request in server.requests}


def everything(folder: Path, *done: subprocess.CompletedProcess[str]) -> bytes:
    """All that a run said or left behind, the cache included."""
    said = "".join(each.stdout + each.stderr for each in done).encode()
    return said + b"".join(
        path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".secret"
    )


FETCH = ("fetch", "app", "--python", "3.12", "--retries", "1")


def write_netrc(folder: Path, text: str) -> dict[str, str]:
    (folder / "netrc.secret").write_text(text)
    (folder / "netrc.secret").chmod(0o600)
    return {"NETRC": str(folder / "netrc.secret")}


def test_every_way_to_give_credentials_serves_and_none_shows(private: IndexServer, tmp_path: Path) -> None:
    env = write_netrc(tmp_path, f"machine 127.0.0.1 login {USER} password {SECRET}\n")
    (tmp_path / "token.secret").write_text(f"{USER}:{SECRET}\n")
    ways = {
        "address": ((with_user(private.url),), {}),
        "netrc": ((private.url,), env),
        "netrc for a user": ((private.url.replace("://", f"://{USER}@"),), env),
        "token file": ((private.url, "--index-token-file", "token.secret"), {}),
        "named token file": (
            (f"corp={private.url}", "--from", "corp=*", "--index-token-file", "corp=token.secret"),
            {},
        ),
    }
    done = []
    for way, (words, variables) in ways.items():
        done.append(wheelhouse(*FETCH, "--dest", way, "--json", "--index", *words, cwd=tmp_path, env=variables))
        assert done[-1].returncode == 0, way + done[-1].stderr
    private.faults += [Fault("lib", "status", times=1, retry_after="0"), Fault("lib", "cut", times=1)]
    done.append(wheelhouse(*FETCH, "--retries", "3", "--dest", "x", "--index", with_user(private.url), cwd=tmp_path))
    private.faults.append(Fault("app", "status", times=None, status=403))
    done.append(wheelhouse(*FETCH, "--dest", "y", "--index", with_user(private.url), cwd=tmp_path))
    assert [each.returncode for each in done] == [0] * 6 + [4]
    assert "retrying" in done[-2].stderr
    assert "answered 403" in done[-1].stderr
    left = everything(tmp_path, *done)
    for spelling in (SECRET, QUOTED, BASIC.partition(" ")[2]):
        assert spelling.encode() not in left


@pytest.mark.parametrize(
    ("netrc", "code"),
    [
        ("", 4),
        (f"machine other.example login {USER} password {SECRET}\n", 4),
        (f"default login {USER} password {SECRET}\n", 4),
        ("machine 127.0.0.1 login me password wrong\n", 4),
        (f"machine 127.0.0.1 login {USER} pass {SECRET}\n", 2),
    ],
)
def test_netrc_speaks_for_the_hosts_that_it_names(private: IndexServer, tmp_path: Path, netrc: str, code: int) -> None:
    done = wheelhouse(*FETCH, "--index", private.url, cwd=tmp_path, env=write_netrc(tmp_path, netrc))
    assert done.returncode == code
    assert SECRET not in done.stderr
    assert "401" in done.stderr or "cannot be read as a netrc file" in done.stderr
    assert BASIC not in told(private)


def test_no_other_server_is_told(offered: Path, private: IndexServer, tmp_path: Path) -> None:
    with IndexServer() as files:
        wheel = offered / "lib-1.0-py3-none-any.whl"
        private.add(wheel, url=files.put("/files/" + wheel.name, wheel.read_bytes()), metadata=None)
        moved = files.put("/moved/" + "app-1.0-py3-none-any.whl", (offered / "app-1.0-py3-none-any.whl").read_bytes())
        private.faults.append(Fault(r"app-1\.0.*whl$", "redirect", times=None, to=moved))
        done = wheelhouse(*FETCH, "--index", with_user(private.url), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert told(files) == {None}
        assert len(files.requests) >= 2
        assert told(private) == {BASIC}


def test_a_server_cannot_give_credentials_for_another(offered: Path, private: IndexServer, tmp_path: Path) -> None:
    with IndexServer(offered) as evil:
        wheel = offered / "lib-1.0-py3-none-any.whl"
        host = private.origin.replace("://", "://eve:eve@")
        evil.add(wheel, url=f"{host}{private.put('/f/' + wheel.name, wheel.read_bytes()).removeprefix(private.origin)}")
        words = ("--index", evil.url, "--index", f"corp={with_user(private.url)}", "--from", "corp=nothing")
        done = wheelhouse(*FETCH, *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert told(private) == {BASIC}
        assert "eve" not in (tmp_path / "wheels" / "pylock.cp312-manylinux_2_28_x86_64.toml").read_text()


@pytest.mark.parametrize("sidecars", [True, False])
def test_a_query_reaches_the_server_and_not_the_lock(offered: Path, tmp_path: Path, sidecars: bool) -> None:
    """With a sidecar the file is fetched only once the lock is written, which does not hold the query."""
    with IndexServer(offered, abilities=Abilities(sidecars=sidecars)) as server:
        wheel = offered / "lib-1.0-py3-none-any.whl"
        server.put(f"/signed/{wheel.name}.metadata", core_metadata("lib", "1.0"))
        server.add(wheel, url=server.put(f"/signed/{wheel.name}", wheel.read_bytes()) + f"?signature={QUOTED}")
        done = wheelhouse(*FETCH, "--index", server.url, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert [request.path for request in server.requests if "whl?" in request.path] == [
            f"/signed/{wheel.name}?signature={QUOTED}"
        ]
        assert QUOTED.encode() not in everything(tmp_path / "wheels", done)


def test_two_indexes_on_a_server_are_each_told_their_own() -> None:
    credentials = Credentials()
    credentials.learn("https://one:1@x.example/a/simple")
    credentials.learn("https://x.example/b/simple", "token")
    assert credentials.auth("https://x.example/a/simple/p/") != credentials.auth("https://x.example/b/simple/p/")
    assert credentials.auth("https://x.example/b/simple/p/") == "Bearer token"
    assert credentials.auth("https://x.example:443/a/simple") == credentials.auth("https://x.example/files/f.whl")
    for other in ("http://x.example/a/simple/", "https://x.example:8443/a/", "https://y.example/a/simple/"):
        assert credentials.auth(other) is None


ANSWERS = {
    credential_sources.NamedUrlSource: ("https://me:pw@named.example/simple", "https://named.example/simple/app/"),
    credential_sources.NetrcSource: ("http://named.example/simple", "http://named.example/simple/app/"),
    credential_sources.KeyringSource: ("https://named.example/simple", "https://named.example/simple/app/"),
    credential_sources.RequestUrlSource: ("https://named.example/simple", "https://me:pw@files.example/app.whl"),
}
"""For each source: a URL that the user names, and a request that it then answers with `me` and `pw`."""


@pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.__name__)
def test_every_source_answers_for_the_servers_that_the_user_named_alone(
    kind: type[credential_sources.CredentialSource], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ANSWERS.keys() == set(SOURCES)
    netrc = Path(write_netrc(tmp_path, "machine named.example login me password pw\n")["NETRC"])
    monkeypatch.setattr(credential_sources, "_ask_keyring_module", lambda *_: ("me", "pw"))
    named, request = ANSWERS[kind]
    credentials = Credentials(netrc)
    credentials.learn(named)
    (source,) = [source for source in credentials._sources if isinstance(source, kind)]
    refused = [None] if kind is credential_sources.KeyringSource else []
    assert source.auth(request, refused) == basic("me", "pw")
    for other in ("http://other.example/simple/app/", "https://other.example/simple/app/", "http://named.example:81/"):
        assert source.auth(other, refused) is None


def test_the_longest_path_that_holds_a_url_gives_its_credentials() -> None:
    credentials = Credentials()
    for path in ("/a", "/a/long/path", "/a/long", "/b"):
        credentials.learn(f"https://{path.replace('/', '.')}:pw@x.example{path}/")
    for url, path in {
        "/a/long/path/simple/app/": "/a/long/path",
        "/a/long/path": "/a/long/path",
        "/a/long/pathology/app/": "/a/long",
        "/a/longer/app/": "/a",
        "/b/a/long/path/": "/b",
    }.items():
        assert credentials.auth(f"https://x.example{url}") == basic(path.replace("/", "."), "pw"), url


def test_netrc_is_not_told_in_clear_text_to_a_server_that_nobody_named(tmp_path: Path) -> None:
    path = Path(write_netrc(tmp_path, "machine x.example login a password b\n")["NETRC"])
    credentials = Credentials(path)
    assert credentials.auth("https://x.example/") == "Basic " + base64.b64encode(b"a:b").decode()
    assert credentials.auth("http://x.example/") is None
    credentials.learn("http://x.example/simple")
    assert credentials.auth("http://x.example/") is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://u:p@ss#word@host/s",
        "https://u:p/w@host/",
        "ftp://u:secret@host/",
        "https://u:p@:1/",
        "https://u:secret@[bad/x?secret",
        "https://u:secret@h:99999/",
    ],
)
def test_an_address_that_is_none_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InputError) as caught:
        Credentials().learn(url)
    assert "p@ss" not in str(caught.value)
    assert "secret" not in str(caught.value) + redact(url)
    assert redact("https://u:p@h/x?q=1#f") == "https://h/x"
    assert redact("http://bob:pa/ss@host/x") == "host/x"
    for unquoted in ("http://bob:pa#ss@host/x", "http://bob:p?ss@host/x"):
        assert redact(unquoted) == "http://…"


@pytest.mark.parametrize("text", ["", "two words", "two\nlines"])
def test_a_token_file_holds_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "t").write_text(text)
    with pytest.raises(InputError, match="must have exactly one line"):
        read_token(tmp_path / "t")


# keyring


def fake_keyring(folder: Path) -> dict[str, str]:
    """A `keyring` program that knows one password, and notes what it is asked."""
    program = folder / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n[ "$3" = {USER} ] && printf "%s\\n" \'{SECRET}\'\n')
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:/usr/bin:/bin"}


def test_keyring_is_asked_once_a_server_refuses(
    private: IndexServer, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    aside = tmp_path_factory.mktemp("keyring")
    url = private.url.replace("://", f"://{USER}@")
    done = wheelhouse(*FETCH, "--index", url, cwd=tmp_path, env=fake_keyring(aside))
    assert done.returncode == 0, done.stderr
    assert (aside / "asked").read_text() == f"get {private.url} {USER}\n"
    assert SECRET.encode() not in everything(tmp_path, done)


@pytest.mark.parametrize("password", ["pw", None], ids=["has it", "has none"])
def test_keyring_is_asked_once_for_a_server_however_many_threads_are_refused(
    password: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(service: str, user: str | None) -> tuple[str, str] | None:
        asked.append(service)
        return (str(user), password) if password else None

    monkeypatch.setattr(credential_sources, "_ask_keyring_module", answer)
    monkeypatch.setattr(credential_sources, "_ask_keyring_program", lambda *_: None)
    credentials = Credentials()
    credentials.learn("https://me@x.example/simple")
    refused = [credentials.auth("https://x.example/simple/app/")]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: credentials.auth("https://x.example/simple/app/", refused), range(32)))
    assert set(answers) == {basic("me", password) if password else None}
    assert asked == ["https://x.example/simple", "x.example"][: 1 if password else 2]
    assert credentials.auth("https://x.example/files/app.whl") == (basic("me", password) if password else refused[0])


# TLS and proxies


def ask(url: str, **settings: object) -> int:
    http = Http(HttpSettings(timeout=5, retries=0, **settings))  # type: ignore[arg-type]
    try:
        return http.get(url).status
    finally:
        http.close()


def test_a_private_authority_is_trusted_where_it_is_named(offered: Path, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "tls")
    with IndexServer(offered, tls=certificate.pair) as server:
        url = f"{server.url}/app/"
        assert ask(url, trust=Trust(ca_file=str(certificate.authority))) == 200
        with pytest.raises(ServerError, match="is not trusted"):
            ask(url, trust=Trust())
        named = wheelhouse(*FETCH, "--index", server.url, "--ca-file", certificate.authority, cwd=tmp_path)
        assert named.returncode == 0, named.stderr
        env = {"SSL_CERT_FILE": str(certificate.authority)}
        assert wheelhouse(*FETCH, "--index", server.url, "--dest", "y", cwd=tmp_path, env=env).returncode == 0
        untrusted = wheelhouse(*FETCH, "--index", server.url, "--dest", "z", cwd=tmp_path)
        assert untrusted.returncode == 4
        assert "hint: set SSL_CERT_FILE" in untrusted.stderr or "--ca-file" in untrusted.stderr


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl, which names the files of such a folder, is not here")
def test_a_folder_of_authorities_is_trusted(offered: Path, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "tls")
    folder = tmp_path / "authorities"
    folder.mkdir()
    (folder / "corp.pem").write_bytes(certificate.authority.read_bytes())
    env = {"SSL_CERT_DIR": str(folder)}
    with IndexServer(offered, tls=certificate.pair) as server:
        assert wheelhouse(*FETCH, "--index", server.url, "--dest", "x", cwd=tmp_path, env=env).returncode == 4
        assert run("openssl", "rehash", folder).returncode == 0
        assert wheelhouse(*FETCH, "--index", server.url, "--dest", "y", cwd=tmp_path, env=env).returncode == 0


def test_a_client_certificate_is_shown(offered: Path, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "tls")
    pem = make_client_certificate(tmp_path / "tls")
    with IndexServer(offered, tls=certificate.pair, client_authority=certificate.authority) as server:
        url, authority = f"{server.url}/app/", str(certificate.authority)
        assert ask(url, trust=Trust(ca_file=authority, client_cert=str(pem))) == 200
        with pytest.raises(ServerError):
            ask(url, trust=Trust(ca_file=authority))


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--ca-file", "nothing", "cannot be read"),
        ("--client-cert", "nothing", "cannot be used"),
        ("--ca-file", None, "No such file"),
        ("--client-cert", None, "No such file"),
    ],
)
def test_a_certificate_that_is_none_is_said(tmp_path: Path, option: str, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "x.pem").write_text(text)
    done = wheelhouse(*FETCH, "--index", "https://127.0.0.1:1/simple", option, "x.pem", cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_systems_authorities_count_where_none_is_named() -> None:
    context = Trust().context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_truststore_serves_where_openssl_finds_no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert type(Trust().context()).__module__.startswith("truststore")


@contextmanager
def proxied(offered: Path, tmp_path: Path) -> Iterator[tuple[IndexServer, Proxy, Path]]:
    certificate = make_certificate(tmp_path / "tls")
    with IndexServer(offered, tls=certificate.pair) as server, Proxy(auth=(USER, SECRET)) as proxy:
        yield server, proxy, certificate.authority


def test_a_proxy_is_used_and_is_told_its_own_credentials_alone(offered: Path, tmp_path: Path) -> None:
    with proxied(offered, tmp_path) as (server, proxy, authority), IndexServer(offered) as plain:
        address = with_user(proxy.url)
        for url, variable in ((server.url, "HTTPS_PROXY"), (plain.url, "http_proxy"), (server.url, "ALL_PROXY")):
            before = len(proxy.asked)
            env = {variable: address}
            dest = f"{variable}-house"
            done = wheelhouse(*FETCH, "--index", url, "--ca-file", authority, "--dest", dest, cwd=tmp_path, env=env)
            assert done.returncode == 0, done.stderr
            assert len(proxy.asked) > before
            assert SECRET.encode() not in everything(tmp_path / dest, done)
        for index in (server, plain):
            assert not [request for request in index.requests if "proxy-authorization" in request.headers]
        before = len(proxy.asked)
        env = {"PIP_PROXY": address, "PIP_CERT": str(authority), "PIP_INDEX_URL": server.url}
        done = wheelhouse(*FETCH, "--use-pip-config", "--dest", "pip-house", cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        assert len(proxy.asked) > before
        assert SECRET.encode() not in everything(tmp_path / "pip-house", done)
        before = len(proxy.asked)
        env = {"HTTPS_PROXY": address, "NO_PROXY": "127.0.0.1"}
        words = ("--index", server.url, "--ca-file", authority, "--dest", "direct")
        assert wheelhouse(*FETCH, *words, cwd=tmp_path, env=env).returncode == 0
        assert len(proxy.asked) == before
        wrong = {"HTTPS_PROXY": proxy.url.replace("://", f"://{USER}:wrong-{QUOTED}@")}
        refused = wheelhouse(*FETCH, *words[:-1], "none", "--retries", "0", cwd=tmp_path, env=wrong)
        assert refused.returncode == 4
        assert "the proxy for 127.0.0.1" in refused.stderr
        assert "407" in refused.stderr
        assert "wrong-" not in refused.stderr
