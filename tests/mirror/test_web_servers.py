"""Any web server negotiates the pages of a static index, by the configuration that `index` wrote."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

import httpx
import pytest

from tests.support.golden import Session
from tests.support.index import IndexServer
from tests.support.tools import pip, run, uv, wheelhouse
from tests.support.web_servers import SERVERS
from tests.support.wheels import build_wheel
from wheelhouse.mirror.keep import decide
from wheelhouse.mirror.simple import HTML_TYPE, JSON_TYPE, PAGE_BROWSE, PAGE_HTML, PAGE_JSON
from wheelhouse.mirror.state import Action, Entry
from wheelhouse.mirror.tree import KEEPER_FOLDER
from wheelhouse.mirror.web_servers import (
    OF_APACHE,
    OF_CADDY,
    OF_NGINX,
    accept_rules,
    caddyfile,
    htaccess,
    nginx_conf,
    unusable_in,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATEST = "application/vnd.pypi.simple.latest+json"
ACCEPTED = {
    f"{JSON_TYPE}, {HTML_TYPE}; q=0.1, text/html; q=0.01": PAGE_JSON,  # pip
    f"{JSON_TYPE}, {HTML_TYPE};q=0.2, text/html;q=0.01": PAGE_JSON,  # uv
    f"text/html;q=0.01,{HTML_TYPE};q=0.1,{JSON_TYPE}": PAGE_JSON,
    JSON_TYPE: PAGE_JSON,
    JSON_TYPE.upper(): PAGE_JSON,
    LATEST: PAGE_JSON,
    f"{JSON_TYPE};q=0.5, {HTML_TYPE};q=0.5": PAGE_JSON,
    f"{JSON_TYPE};q=0.9, */*;q=0.1": PAGE_JSON,
    f"{JSON_TYPE};q=0.001": PAGE_JSON,
    f"{JSON_TYPE} ; charset=utf-8 ; q=0.8 , text/html;q=0.79": PAGE_JSON,
    f"{JSON_TYPE};q=1.0, {HTML_TYPE}": PAGE_JSON,
    f"{HTML_TYPE}, {JSON_TYPE};q=0.5": PAGE_HTML,
    f"{JSON_TYPE};q=0.5, {HTML_TYPE}": PAGE_HTML,
    f"{JSON_TYPE};q=0.05, {HTML_TYPE};q=0.5": PAGE_HTML,
    f"{JSON_TYPE};q=0.9, text/html;level=1": PAGE_HTML,
    f"text/html;q=0.8, {LATEST};q=0.7": PAGE_HTML,
    f"{JSON_TYPE};q=0": PAGE_HTML,
    f"{JSON_TYPE};q=0.000, {HTML_TYPE};q=0.1": PAGE_HTML,
    "text/html": PAGE_HTML,
    "*/*": PAGE_HTML,
    "": PAGE_HTML,
    "application/json": PAGE_HTML,
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8": PAGE_BROWSE,
}


@pytest.mark.parametrize(("accept", "page"), ACCEPTED.items())
def test_the_first_rule_that_matches_chooses_the_page(accept: str, page: str) -> None:
    chosen = (page for regex, page in accept_rules() if re.search(regex, accept, re.IGNORECASE))
    assert next(chosen, PAGE_HTML) == page


def test_weights_are_compared_by_their_first_decimal() -> None:
    rules = [(re.compile(regex), page) for regex, page in accept_rules()]
    for json in range(11):
        for html in range(1, 11):
            names = [f"{JSON_TYPE};q={json / 10}", f"text/html;q={html / 10}"]
            for accept in (", ".join(names), ",".join(names[::-1])):
                page = next(page for regex, page in rules if regex.search(accept))
                assert page == (PAGE_JSON if json >= html else PAGE_HTML), accept


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that a server's own user may read, with a name that must be quoted."""
    folder = Path(tempfile.mkdtemp(prefix="wheelhouse-servers-")) / "a 'b' c"
    folder.mkdir()
    folder.parent.chmod(0o755)
    yield folder
    rmtree(folder.parent)


@pytest.fixture
def tree(open_folder: Path) -> Path:
    """An index with `lib` 1.0 of January and 2.0 of June."""
    with IndexServer() as server:
        for version, day in (("1.0", "2024-01-01"), ("2.0", "2024-06-01")):
            wheel = build_wheel(open_folder, "lib", version)
            server.add(wheel, upload_time=f"{day}T00:00:00Z")
            options = ("--python", "3.11", "--index", server.url, "--dest", f"house{version}")
            assert wheelhouse("fetch", f"lib=={version}", *options, cwd=open_folder).returncode == 0
    made = wheelhouse("index", "house1.0", "house2.0", "-o", "tree", cwd=open_folder)
    assert made.returncode == 0, made.stderr
    return open_folder / "tree"


def installed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.dist-info"))


@pytest.mark.servers
@pytest.mark.parametrize("server", SERVERS)
def test_a_server_negotiates_and_clients_that_use_upload_times_install(
    server: str, tree: Path, open_folder: Path, tmp_path: Path
) -> None:
    wheel = "lib-1.0-py3-none-any.whl"
    with SERVERS[server](tree, open_folder.parent / "server") as url, httpx.Client(base_url=url) as client:
        for accept, page in ACCEPTED.items():
            for path in ("", "lib/"):
                reply = client.get(path, headers={"accept": accept})
                wanted = (tree / path / page).read_bytes()
                assert (reply.status_code, reply.content) == (200, wanted), (accept, path, reply.text)
                kind = JSON_TYPE if page == PAGE_JSON else "text/html; charset=utf-8"
                assert reply.headers["content-type"] == kind and reply.headers["vary"] == "Accept", (accept, path)
                etag = reply.headers["etag"]
                again = client.get(path, headers={"accept": accept, "if-none-match": etag})
                assert again.status_code == 304, (accept, path)
        assert client.get(f"lib/{wheel}").content == (tree / "lib" / wheel).read_bytes()
        part = client.get(f"lib/{wheel}", headers={"range": "bytes=5-9"})
        assert (part.status_code, part.content) == (206, (tree / "lib" / wheel).read_bytes()[5:10])
        assert client.get("lib", follow_redirects=True).url.path == "/simple/lib/"
        for hidden in (".wheelhouse/journal.jsonl", ".wheelhouse/", ".htaccess", "nothing/", "lib/nothing.whl"):
            assert client.get(hidden).status_code in (403, 404), hidden
        install_as_of_spring(url, tmp_path)
        decide(tree, [entry(Action.YANK, "lib==2.0"), entry(Action.REMOVE, "lib==1.0")])
        assert client.get(f"lib/{wheel}").status_code == 404
        refused = pip("download", "lib==1.0", "--index-url", url, "-d", tmp_path / "none")
        assert refused.returncode == 1 and "No matching distribution" in refused.stderr


@pytest.mark.servers
@pytest.mark.parametrize(
    ("server", "name"),
    [(server, name) for server in SERVERS for name in ('a"b\\c}', "p%20q #é;")]
    + [("caddy", "$a"), ("nginx", "{`a`}"), ("apache", "${a}`b")],
)
def test_the_path_of_an_index_may_have_any_sign_that_its_server_can_name(
    server: str, name: str, open_folder: Path
) -> None:
    folder = open_folder / name
    (folder / KEEPER_FOLDER).mkdir(parents=True)
    (folder / KEEPER_FOLDER / OF_NGINX).write_text(nginx_conf(str(folder)))
    (folder / KEEPER_FOLDER / OF_CADDY).write_text(caddyfile(str(folder)))
    (folder / OF_APACHE).write_text(htaccess())
    (folder / PAGE_JSON).write_text("{}")
    link = open_folder.parent / "link"  # how the server's own configuration names it, which is up to its administrator
    link.symlink_to(folder)
    with SERVERS[server](link, open_folder.parent / "server") as url:
        assert httpx.get(url, headers={"accept": JSON_TYPE}).text == "{}"


@pytest.mark.parametrize(("name", "unusable"), [("a$b", "$"), ("a{b}", "{"), ("a`b", "`"), ("a{b} $", "$")])
def test_a_path_that_a_server_cannot_name_is_said(name: str, unusable: str, tmp_path: Path) -> None:
    session = Session(tmp_path, {"fetch": ("--python", "3.12", "--no-index", "--find-links", "offered", "--quiet")})
    build_wheel(tmp_path / "offered", "lib", "1.0")
    assert session("fetch lib --dest wheels") == 0
    assert session(f"index wheels -o '{name}'") == 0
    assert f"cannot contain a path with `{unusable}`" in session.transcript
    for configuration in (OF_NGINX, OF_CADDY):
        lines = (tmp_path / name / KEEPER_FOLDER / configuration).read_text().splitlines()
        cannot = unusable_in(name, configuration)
        assert all(line.startswith("#") for line in lines) is bool(cannot)
        assert (configuration + " cannot" in session.transcript) is bool(cannot)


@pytest.mark.servers
@pytest.mark.parametrize("server", SERVERS)
def test_a_client_with_a_cache_sees_a_removal_at_once(server: str, tree: Path, open_folder: Path) -> None:
    """A page that nobody changed for a year would else count as fresh for a month (RFC 9111, 4.2.2), and uv would trust it."""
    for page in tree.rglob("index.*"):
        os.utime(page, (0, NOW.timestamp() - 365 * 86400))
    with SERVERS[server](tree, open_folder.parent / "server") as url:
        assert resolved(url, open_folder / "cache") == "lib==2.0"
        decide(tree, [entry(Action.REMOVE, "lib==2.0")])
        assert resolved(url, open_folder / "cache") == "lib==1.0"


def resolved(url: str, cache: Path) -> str:
    """What uv, with a cache, takes for `lib`."""
    options = ("--no-config", "--python", sys.executable, "--index-url", url, "--cache-dir", cache, "--no-header")
    (cache.parent / "asked.in").write_text("lib\n")
    command = (sys.executable, "-I", "-m", "uv", "pip", "compile", cache.parent / "asked.in", *options, "--no-annotate")
    done = run(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def entry(action: Action, subject: str) -> Entry:
    return Entry(action=action, made=NOW, by="Ada", subject=subject, reason="why")


def install_as_of_spring(url: str, folder: Path) -> None:
    """pip and uv choose the newest release that was uploaded before March: they need JSON for that."""
    by_pip = pip("install", "lib", "--uploaded-prior-to=2024-03-01", "--index-url", url, "--target", folder / "pip")
    assert by_pip.returncode == 0 and installed(folder / "pip") == ["lib-1.0.dist-info"], by_pip.stderr
    options = ("--exclude-newer", "2024-03-01", "--index-url", url, "--target", folder / "uv")
    by_uv = uv("pip", "install", "lib", "--python", sys.executable, *options)
    assert by_uv.returncode == 0 and installed(folder / "uv") == ["lib-1.0.dist-info"], by_uv.stderr
