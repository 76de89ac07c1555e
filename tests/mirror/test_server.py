"""`wheelhouse serve`: its protocol in process, over httpx; then the real server with real clients."""

import asyncio
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from pypi_simple import PyPISimple

from tests.support.sampled import sampled
from tests.support.served import free_port, serving
from tests.support.tls import make_certificate
from tests.support.tools import PROGRAM, clean_environment, pip, uv, wheelhouse
from wheelhouse.errors import MachineError
from wheelhouse.mirror import kept_answers
from wheelhouse.mirror.answer import Answer, FilePart, Request
from wheelhouse.mirror.catalogue import catalogue
from wheelhouse.mirror.kept_answers import MAX_ANSWERS, MAX_BYTES, KeptAnswers
from wheelhouse.mirror.listen import Listening, run
from wheelhouse.mirror.server import Application
from wheelhouse.mirror.simple import HTML_TYPE, JSON_TYPE
from wheelhouse.verify.verify import load_wheelhouse

pytest_plugins = ["tests.support.small_wheelhouses"]

WHEEL = "local-1.0+cpu-py3-none-any.whl"
Ask = Callable[..., httpx.Response]


@pytest.fixture
def house(small_wheelhouse: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_wheelhouse, tmp_path / "house")


@pytest.fixture
def ask(house: Path) -> Ask:
    """One request to the application, without a server."""
    application = Application(catalogue([house]))

    def asked(path: str, method: str = "GET", **headers: str) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(application)
            async with httpx.AsyncClient(transport=transport, base_url="http://index") as client:
                return await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

        return asyncio.run(request())

    return asked


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (JSON_TYPE, JSON_TYPE),
        (f"{HTML_TYPE}, {JSON_TYPE};q=0.5", HTML_TYPE),
        (f"{JSON_TYPE}, {HTML_TYPE};q=0.2, text/html;q=0.01", JSON_TYPE),
        (f"{JSON_TYPE} ; q=1, text/html\t;q=0.5", JSON_TYPE),
        ("text/html", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("image/png", "text/html; charset=utf-8"),
    ],
)
def test_content_is_negotiated(ask: Ask, accept: str, kind: str) -> None:
    for path in ("/simple/", "/simple/lib/"):
        assert ask(path, accept=accept).headers["content-type"] == kind


def test_names_are_redirected_to_their_normal_form(ask: Ask) -> None:
    for path in ("/simple/Six.Like/", "/simple/six-like", "/simple/SIX_LIKE"):
        reply = ask(path)
        assert (reply.status_code, reply.headers["location"]) == (301, "/simple/six-like/")
    assert ask("/").headers["location"] == "/simple/"


def test_a_file_comes_whole_in_ranges_and_not_at_all_when_it_is_known(ask: Ask, house: Path) -> None:
    raw = (house / WHEEL).read_bytes()
    whole = ask(f"/files/{WHEEL}")
    assert whole.content == raw and int(whole.headers["content-length"]) == len(raw)
    assert ask(f"/files/{WHEEL}", "HEAD").headers["content-length"] == str(len(raw))
    part = ask(f"/files/{WHEEL}", range="bytes=10-19")
    assert (part.status_code, part.content) == (206, raw[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(raw)}"
    assert ask(f"/files/{WHEEL}", range="bytes=-7").content == raw[-7:]
    assert ask(f"/files/{WHEEL}", range="bytes=100-").content == raw[100:]
    assert ask(f"/files/{WHEEL}", range=f"bytes={len(raw)}-").status_code == 416
    assert ask(f"/files/{WHEEL}", range="bytes=1-2", if_range='"other"').content == raw
    assert ask(f"/files/{WHEEL}", if_none_match=whole.headers["etag"]).status_code == 304
    page = ask("/simple/lib/", accept=JSON_TYPE)
    assert ask("/simple/lib/", accept=JSON_TYPE, if_none_match=page.headers["etag"]).status_code == 304


@pytest.mark.parametrize(
    ("tags", "status"),
    [("{}", 304), ("W/{}", 304), ('"other", W/{}', 304), ("*", 304), ('"other"', 200), ("W/W/{}", 200), ("", 200)],
)
def test_an_etag_is_compared_weakly_for_a_page_or_a_file_that_the_client_has(ask: Ask, tags: str, status: int) -> None:
    for path in ("/simple/lib/", f"/files/{WHEEL}"):
        etag = ask(path).headers["etag"]
        assert ask(path, if_none_match=tags.format(etag)).status_code == status
    etag = ask(f"/files/{WHEEL}").headers["etag"]
    whole = ask(f"/files/{WHEEL}", range="bytes=1-2", if_range=f"W/{etag}")
    assert whole.status_code == 200 and ask(f"/files/{WHEEL}", range="bytes=1-2", if_range=etag).status_code == 206


def test_the_answer_to_a_plain_request_is_made_once(house: Path) -> None:
    index = catalogue([house])
    application = Application(index)

    def answer(path: str, **headers: str) -> Answer:
        return asyncio.run(application.answer(Request("GET", path, headers.get)))

    for path in ("/simple/", "/simple/lib/", f"/files/{WHEEL}", f"/files/{WHEEL}.metadata"):
        answer(path, accept=JSON_TYPE)
        first = answer(path, accept=JSON_TYPE)
        assert answer(path, accept=JSON_TYPE) is first
        assert answer(path, accept=JSON_TYPE, range="bytes=0-0") is not first
        assert answer(path, accept=JSON_TYPE, **{"if-none-match": "*"}).status == 304
    long = "x" * 600
    assert answer("/simple/lib/", accept=JSON_TYPE) is not answer("/simple/lib/", accept="text/html")
    assert answer("/simple/lib/", accept=long) is not answer("/simple/lib/", accept=long)
    assert answer("/simple/Lib/") is not answer("/simple/Lib/")


def test_small_files_are_sent_from_memory_until_it_is_full(
    house: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = (house / WHEEL).read_bytes()
    monkeypatch.setattr(kept_answers, "LOOK_SECONDS", 1000)
    monkeypatch.setattr(kept_answers, "MAX_BYTES", len(raw))
    assert ask(f"/files/{WHEEL}").content == ask(f"/files/{WHEEL}").content == raw
    other = next(path for path in house.glob("*.whl") if path.name != WHEEL)
    assert ask(f"/files/{other.name}").content == other.read_bytes()
    for path in (house / WHEEL, other):
        path.write_bytes(b"altered")
    assert ask(f"/files/{WHEEL}").content == raw
    assert ask(f"/files/{other.name}").status_code == 500


def test_clients_cannot_fill_the_memory_with_answers() -> None:
    kept, answer = KeptAnswers(), Answer(200)
    for number in range(MAX_ANSWERS + 1):
        kept.keep((f"/{number}", "", ""), answer)
    assert kept.get((f"/{MAX_ANSWERS}", "", "")) is answer
    assert kept.get(("/0", "", "")) is None


def test_files_that_changed_leave_their_place_in_memory(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served, request = catalogue([house]).files[WHEEL], ("/files", "", "")
    answer = Answer(200, {}, FilePart(served, range(served.size)))
    kept = KeptAnswers()
    monkeypatch.setattr(kept_answers, "LOOK_SECONDS", 0)
    monkeypatch.setattr(kept_answers, "MAX_BYTES", served.size)
    for number in range(3):
        assert served.is_right()
        for _ in range(2):
            kept.keep(request, answer)
            again = kept.get(request)
            assert again and again.body == (house / WHEEL).read_bytes()
        os.utime(house / WHEEL, (number, number))
        assert kept.get(request) is None


def test_a_truncated_file_is_noticed(house: Path) -> None:
    served = catalogue([house]).files[WHEEL]
    size = (house / WHEEL).stat().st_size
    os.truncate(house / WHEEL, size - 1)
    with pytest.raises(ConnectionResetError):
        FilePart(served, range(size)).read()
    with pytest.raises(ConnectionResetError):
        list(FilePart(served, range(10, size)).blocks(100))


NINES = "9" * 5000


@pytest.mark.parametrize(
    ("requested", "status"),
    [
        (f"bytes={NINES}-", 416),
        (f"bytes=0-{NINES}", 416),
        (f"bytes=-{NINES}", 416),
        ("bytes=999999999999999999-", 416),
        ("bytes=0-999999999999999999", 206),
        ("bytes=-999999999999999999", 206),
        ("bytes= 1-2\t", 206),
        ("BYTES=1-2", 206),
        ("bytes=2-1", 416),
        ("bytes=-0", 416),
        ("bytes=-", 416),
        ("bytes=", 416),
        ("bytes=one-two", 416),
        ("bytes=1-2,", 416),
        ("bytes=" + ",".join(["0-0"] * 16), 200),
        ("bytes=" + ",".join(["0-0"] * 17), 416),
        ("bytes=" + "0-0," * 5000 + "0-0", 416),
        ("bytes=0-0," + NINES + "-", 416),
        ("bytes", 200),
        ("", 200),
        ("lines=1-2", 200),
    ],
)
def test_no_range_is_too_long_or_too_odd_for_an_answer(ask: Ask, house: Path, requested: str, status: int) -> None:
    raw = (house / WHEEL).read_bytes()
    for method in ("GET", "HEAD"):
        reply = ask(f"/files/{WHEEL}", method, range=requested)
        assert reply.status_code == status
    body = ask(f"/files/{WHEEL}", range=requested).content
    assert body == {200: raw, 206: raw[1:3] if "1-2" in requested else raw, 416: b""}[status]


def test_a_sidecar_has_the_hash_that_the_page_gives(ask: Ask) -> None:
    import hashlib

    file = ask("/simple/lib/", accept=JSON_TYPE).json()["files"][0]
    sidecar = ask(f"/files/{file['filename']}.metadata")
    assert hashlib.sha256(sidecar.content).hexdigest() == file["core-metadata"]["sha256"]


def test_what_is_not_here_or_not_allowed(ask: Ask) -> None:
    assert ask("/simple/nothing/").status_code == 404
    for path in ("/files/nothing.whl", "/files/../house/SHA256SUMS", "/files/%2e%2e/SHA256SUMS", "/other", "/files/"):
        assert ask(path).status_code == 404
    assert ask("/simple/", "POST").status_code == 405


@pytest.mark.parametrize("kept_bytes", [0, MAX_BYTES])
def test_a_file_that_was_altered_is_never_served(
    ask: Ask, house: Path, kept_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_answers, "MAX_BYTES", kept_bytes)
    monkeypatch.setattr(kept_answers, "LOOK_SECONDS", 0)
    assert ask(f"/files/{WHEEL}").status_code == 200
    raw = (house / WHEEL).read_bytes()
    (house / WHEEL).write_bytes(raw[:-1] + b"!")
    refused = ask(f"/files/{WHEEL}")
    assert refused.status_code == 500 and raw[:100] not in refused.content
    (house / WHEEL).unlink()
    assert ask(f"/files/{WHEEL}").status_code == 500
    (house / WHEEL).write_bytes(raw)
    assert ask(f"/files/{WHEEL}").status_code == 200


EVERYTHING = {"app", "lib", "quick", "six_like", "old", "local", "raw"}


@pytest.mark.parametrize("client", sampled(["uv", "pip"], 1))
def test_pip_and_uv_install_from_it(house: Path, tmp_path: Path, client: str) -> None:
    listed = house / load_wheelhouse(house).locks[0].requirements_filename
    with serving(house) as url:
        options = ("--index-url", f"{url}/simple/", "--require-hashes", "-r", listed, "--target", tmp_path / "site")
        done = (
            pip("install", *options) if client == "pip" else uv("pip", "install", "--python", sys.executable, *options)
        )
    assert done.returncode == 0, done.stderr
    assert {path.name.partition("-")[0] for path in (tmp_path / "site").glob("*.dist-info")} == EVERYTHING


def test_a_client_that_checks_the_specification_reads_every_page(house: Path) -> None:
    with serving(house) as url, PyPISimple(f"{url}/simple/") as client:
        projects = client.get_index_page().projects
        assert len(projects) == len(EVERYTHING)
        for accept in ("application/vnd.pypi.simple.v1+json", "text/html"):
            for project in projects:
                page = client.get_project_page(project, accept=accept)
                for package in page.packages:
                    assert package.digests.keys() == {"sha256"} and package.version
        for package in client.get_project_page("lib").packages:
            assert "Name: lib" in client.get_package_metadata(package)


def test_it_speaks_tls(house: Path, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path)
    options = ("--certificate", str(pem.certificate), "--certificate-key", str(pem.key))
    with serving(house, options=options) as url:
        context = ssl.create_default_context(cafile=str(pem.authority))
        assert httpx.get(f"{url}/simple/", verify=context).status_code == 200


def spoken(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_it_says_that_it_serves_once_it_does(house: Path) -> None:
    port = free_port()
    command = [*PROGRAM, "serve", house, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment()) as process:
        try:
            said = spoken(process)
            assert said == f"serving 7 files at http://127.0.0.1:{port}/simple/\n"
            assert httpx.get(said.split()[-1]).status_code == 200
        finally:
            process.terminate()


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
def test_what_is_no_name_of_a_host_is_refused(host: str) -> None:
    application = Application({})
    with pytest.raises(MachineError, match=rf"cannot listen on {host}, port 1: this is not the name of a host"):
        run(application, Listening(host, 1), lambda: None)


@pytest.mark.parametrize("options", [("--host", "192.0.2.1"), ("--host", "nowhere.invalid"), ()])
def test_it_says_nothing_where_it_cannot_listen(house: Path, options: tuple[str, ...], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = wheelhouse("serve", house, "--port", port, *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (6, "")
    host = options[1] if options else "127.0.0.1"
    assert f"error: cannot listen on {host}, port {port}: " in done.stderr


def test_what_is_no_certificate_is_an_input_that_cannot_be_read(house: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    options = ("--certificate", broken, "--certificate-key", broken, "--port", str(free_port()))
    done = wheelhouse("serve", house, *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.rooms
def test_200_clients_at_once_lose_nothing(house: Path) -> None:
    raw = (house / WHEEL).read_bytes()

    def read(port: int, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", path, headers={"Accept": JSON_TYPE})
            return connection.getresponse().read()
        finally:
            connection.close()

    with serving(house) as url, ThreadPoolExecutor(200) as pool:
        port = int(url.rpartition(":")[2])

        def install(_number: int) -> bool:
            file = json.loads(read(port, "/simple/local/"))["files"][0]
            return read(port, urljoin("/simple/local/", file["url"])) == raw

        assert all(pool.map(install, range(200)))
