"""The test support is proved with real tools: zipfile, tarfile, urllib3, pip and uv."""

import contextlib
import json
import re
import socket
import stat
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import IO, Any, cast

import pytest
import urllib3
from packaging.metadata import Metadata
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from tests.support import warm
from tests.support.checkout import ROOT
from tests.support.contents import record_file
from tests.support.index import KINDS, Abilities, Fault, IndexServer, random_faults
from tests.support.pages import BARE
from tests.support.replies import Ask
from tests.support.tls import make_certificate
from tests.support.tools import PROGRAM, clean_environment, pip, run, uv
from tests.support.wheels import Member, build_sdist, build_wheel, hostile_wheels

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
Get = Callable[..., urllib3.BaseHTTPResponse]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Two wheels, of which one needs the other, and an sdist that builds with nothing but itself."""
    folder = tmp_path / "house"
    build_wheel(folder, "Top.Level", "1.0", requires=["below>=1"], extras={"more": ["source"]})
    build_wheel(folder, "below", "1.5", requires_python=">=3.8")
    build_sdist(folder, "source", "2.0")
    return folder


@pytest.fixture
def get() -> Iterator[Get]:
    with urllib3.PoolManager(retries=False, timeout=5, maxsize=8) as pool:
        yield lambda url, method="GET", **headers: pool.request(
            method, url, headers={name.replace("_", "-"): value for name, value in headers.items()}, redirect=False
        )


# Wheels and sdists


def files_of(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def metadata_of(wheel: Path) -> Metadata:
    (data,) = (data for name, data in files_of(wheel).items() if name.endswith("/METADATA"))
    return Metadata.from_email(data)


def test_a_wheel_is_valid_and_its_record_true(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "My.Pkg", "1.0+cpu.1", tag="cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64")
    name, version, _, tags = parse_wheel_filename(wheel.name)
    held = files_of(wheel)
    record = held.pop("my_pkg-1.0+cpu.1.dist-info/RECORD")
    assert (name, str(version), len(tags)) == ("my-pkg", "1.0+cpu.1", 2)
    assert record == record_file(held, "my_pkg-1.0+cpu.1.dist-info/RECORD")
    assert held["my_pkg/__init__.py"] == b'__version__ = "1.0+cpu.1"\n'
    assert held["my_pkg-1.0+cpu.1.dist-info/WHEEL"].count(b"\nTag: ") == 2


def test_a_wheel_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = (build_wheel(tmp_path / each, "demo", "1", requires=["x"]) for each in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_metadata_tells_requirements_and_extras(tmp_path: Path) -> None:
    extras = {"all": ["demo[tls]"], "tls": ["crypt>1; os_name == 'posix'"]}
    told = metadata_of(build_wheel(tmp_path, "demo", "1", requires=["a<2"], extras=extras, requires_python=">=3.8"))
    assert told.provides_extra == ["all", "tls"]
    assert str(told.requires_python) == ">=3.8"
    assert [str(each) for each in told.requires_dist or []] == [
        "a<2",
        'demo[tls]; extra == "all"',
        'crypt>1; os_name == "posix" and extra == "tls"',
    ]


def test_any_part_of_a_wheel_can_be_made_wrong(tmp_path: Path) -> None:
    def without_wheel_file(members: list[Member]) -> list[Member]:
        return [member for member in members if not member.name.endswith("/WHEEL")]

    wheel = build_wheel(
        tmp_path,
        "demo",
        "1",
        build="7",
        files={"other.py": b""},
        metadata=b"Name: lies\n",
        record=b"nothing,,\n",
        mutate=without_wheel_file,
    )
    assert wheel.name == "demo-1-7-py3-none-any.whl"
    assert files_of(wheel) == {
        "other.py": b"",
        "demo-1.dist-info/METADATA": b"Name: lies\n",
        "demo-1.dist-info/RECORD": b"nothing,,\n",
    }


def test_a_streamed_member_with_a_foreign_name_is_read(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "demo", "1", mutate=lambda held: [*held, Member("straße.txt", b"lang", flags=8)])
    assert files_of(wheel)["straße.txt"] == b"lang"


def test_an_sdist_holds_what_is_asked_for(tmp_path: Path) -> None:
    told: dict[str, Any] = {
        "dynamic": ["Requires-Dist"],
        "egg_info_requires": "x\n",
        "setup_py": "",
        "files": {"a/b.txt": b"c"},
    }
    first = build_sdist(tmp_path / "a", "My-Pkg", "1", **told)
    second = build_sdist(tmp_path / "b", "My-Pkg", "1", **told)
    assert first.read_bytes() == second.read_bytes()
    assert parse_sdist_filename(first.name)[0] == "my-pkg"
    with tarfile.open(first) as tar:
        held = {
            name.removeprefix("my_pkg-1/"): cast(IO[bytes], tar.extractfile(name)).read() for name in tar.getnames()
        }
    assert Metadata.from_email(held["PKG-INFO"]).dynamic == ["requires-dist"]
    assert {"my_pkg.egg-info/requires.txt", "setup.py", "a/b.txt"} < set(held)
    assert "pyproject.toml" not in held


def test_a_zip_sdist_is_a_zip(tmp_path: Path) -> None:
    assert "demo-1/PKG-INFO" in files_of(build_sdist(tmp_path, "demo", "1", suffix=".zip"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return hostile_wheels(tmp_path_factory.mktemp("hostile"))


def read_evil(wheel: Path) -> tuple[list[zipfile.ZipInfo], str | None]:
    """What zipfile lists besides a wheel's usual members, and the exception that reading all of it ends in."""
    with zipfile.ZipFile(wheel) as archive:
        usual = ("/__init__.py", ".dist-info/METADATA", ".dist-info/WHEEL", ".dist-info/RECORD")
        listed = archive.infolist()
        try:
            for info in listed:
                archive.read(info)
        except (RuntimeError, zipfile.BadZipFile) as error:
            return listed, str(error)
        return [info for info in listed if not info.filename.endswith(usual)], None


@pytest.mark.parametrize(
    ("kind", "names"),
    {
        "duplicate_name": ["evil.py", "evil.py"],
        "parent_name": ["../evil.py"],
        "absolute_name": ["/evil.py"],
        "backslash_name": ["sub\\evil.py"],
        "drive_name": ["C:/evil.py"],
        "nul_name": ["evil.py"],
        "symlink": ["evil.py"],
        "bomb_ratio": ["zeros.bin"],
        "local_size_differs": ["evil.py"],
        "local_only": [],
        "prepended_data": [],
        "trailing_data": [],
        "central_size_zero": [],
    }.items(),
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zipfile_takes_a_hostile_wheel_for_a_good_one(hostile: dict[str, Path], kind: str, names: list[str]) -> None:
    listed, error = read_evil(hostile[kind])
    assert ([info.filename for info in listed], error) == (names, None)


@pytest.mark.parametrize(
    ("kind", "complaint"),
    {
        "encrypted": "is encrypted",
        "wrong_crc": "Bad CRC",
        "bomb_size_lie": "Bad CRC",
        "local_name_differs": "differ",
        "overlapping": "differ",
    }.items(),
)
def test_zipfile_finds_a_hostile_wheel_bad(hostile: dict[str, Path], kind: str, complaint: str) -> None:
    assert complaint in (read_evil(hostile[kind])[1] or "")


def test_hostile_wheels_are_what_they_are_called(hostile: dict[str, Path]) -> None:
    def raw(kind: str) -> bytes:
        return hostile[kind].read_bytes()

    (link,), _ = read_evil(hostile["symlink"])
    (bomb,), _ = read_evil(hostile["bomb_ratio"])
    with zipfile.ZipFile(hostile["central_size_zero"]) as archive:
        assert archive.namelist() == []
    assert stat.S_ISLNK(link.external_attr >> 16)
    assert bomb.file_size / bomb.compress_size > 900
    assert raw("local_only").count(b"PK\3\4") == raw("local_only").count(b"PK\1\2") + 1
    assert raw("overlapping").count(b"PK\3\4") == raw("overlapping").count(b"PK\1\2") - 1
    assert raw("prepended_data").startswith(b"print")
    assert raw("trailing_data").endswith(b"\n")
    assert all(
        parse_wheel_filename(path.name)[0] == f"hostile-{kind.replace('_', '-')}" for kind, path in hostile.items()
    )


# The index with real installers


@pytest.mark.rooms
@pytest.mark.parametrize(
    ("abilities", "relative_urls"),
    [(Abilities(), False), (replace(Abilities(), html=False), True), (BARE, True)],
    ids=["all", "json, relative", "bare, relative"],
)
def test_pip_downloads(house: Path, tmp_path: Path, abilities: Abilities, relative_urls: bool) -> None:
    with IndexServer(house, abilities=abilities, relative_urls=relative_urls) as server:
        done = pip("download", "--index-url", server.url, "-d", tmp_path / "got", "top-level")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "got").iterdir()} == {path.name for path in house.glob("*.whl")}


@pytest.mark.rooms
def test_pip_installs_and_builds(house: Path, tmp_path: Path) -> None:
    with IndexServer(house) as server:
        done = pip("install", "--index-url", server.url, "--target", tmp_path / "got", "top-level[more]")
    assert done.returncode == 0, done.stderr
    assert {"top_level", "below", "source"} < {path.name for path in (tmp_path / "got").iterdir()}


@pytest.mark.rooms
@pytest.mark.parametrize("abilities", [Abilities(), BARE], ids=["all", "bare"])
def test_uv_installs_and_builds(house: Path, tmp_path: Path, abilities: Abilities) -> None:
    with IndexServer(house, abilities=abilities) as server:
        done = uv("pip", "install", "--index-url", server.url, "--target", tmp_path / "got", "top-level[more]")
        types = {request.headers["accept"] for request in server.requests if request.path.startswith("/simple")}
        sidecars = [request for request in server.requests if request.path.endswith(".metadata")]
    assert done.returncode == 0, done.stderr
    assert all("json" in each for each in types)
    assert bool([each for each in sidecars if each.status == 200]) == abilities.sidecars
    assert {"top_level", "below", "source"} < {path.name for path in (tmp_path / "got").iterdir()}


@pytest.mark.rooms
def test_uv_reads_upload_times(house: Path, tmp_path: Path) -> None:
    with IndexServer(house) as server:
        server.add(build_wheel(house, "below", "1.6"), upload_time="2025-06-01T00:00:00Z")
        before = ("--exclude-newer", "2025-01-01T00:00:00Z")
        done = uv("pip", "install", "--index-url", server.url, "--target", tmp_path / "got", "below", *before)
    assert "below==1.5" in done.stderr


@pytest.mark.rooms
def test_tls_and_basic_auth_satisfy_pip(house: Path, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path / "tls")
    with IndexServer(house, tls=pem.pair, auth=("me", "p@ss")) as server:
        url = server.url.replace("://", "://me:p%40ss@")
        into = ("--target", tmp_path / "got", "below")
        done = pip("install", "--index-url", url, "--cert", pem.authority, *into)
    assert done.returncode == 0, done.stderr
    assert {request.status for request in server.requests} <= {200, 401}


def test_a_clean_environment_has_none_of_the_hosts_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "HTTPS_PROXY", "PYTHONPATH"):
        monkeypatch.setenv(name, "leak")
    assert "leak" not in clean_environment().values()


def test_tests_start_this_trees_program(tmp_path: Path) -> None:
    done = run(*PROGRAM[:1], "-c", "import wheelhouse; print(wheelhouse.__file__)", cwd=tmp_path)
    assert Path(done.stdout.strip()) == ROOT / "wheelhouse" / "__init__.py"


# Pages


def page(get: Get, server: IndexServer, name: str) -> Any:
    return json.loads(get(f"{server.url}/{name}/", **JSON).data)


class Tags(HTMLParser):
    """The attributes of each link and each <meta>."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "meta"):
            self.found.append(dict(attrs))


def links(html: bytes) -> list[dict[str, str | None]]:
    return Tags(html).found


def test_json_tells_all_that_the_peps_have(house: Path, get: Get) -> None:
    with IndexServer(house) as server:
        server.add(house / "below-1.5-py3-none-any.whl", yanked='"bad" & <worse>')
        told = page(get, server, "below")
        (file,) = told["files"]
        assert get(file["url"]).data == (house / file["filename"]).read_bytes()
        assert b"Name: below" in get(file["url"] + ".metadata").data
    assert told["meta"] == {"api-version": "1.1"}
    assert (told["name"], told["versions"]) == ("below", ["1.5"])
    assert file["requires-python"] == ">=3.8"
    assert file["yanked"] == '"bad" & <worse>'
    assert file["upload-time"] == "2024-01-01T00:00:00.000000Z"
    assert file["size"] == (house / file["filename"]).stat().st_size
    assert set(file["hashes"]) == set(file["core-metadata"]) == {"sha256"}


def test_html_escapes_its_attributes(house: Path, get: Get) -> None:
    with IndexServer(house) as server:
        server.add(house / "below-1.5-py3-none-any.whl", yanked='"bad" & <worse>')
        version, link = links(get(f"{server.url}/below/").data)
    assert version == {"name": "pypi:repository-version", "content": "1.1"}
    assert link["data-requires-python"] == ">=3.8"
    assert link["data-yanked"] == '"bad" & <worse>'
    assert re.fullmatch("sha256=[0-9a-f]{64}", link["data-core-metadata"] or "")
    assert re.search(r"/files/below-1\.5-py3-none-any\.whl#sha256=[0-9a-f]{64}$", link["href"] or "")


def test_a_bare_index_tells_names_only(house: Path, get: Get) -> None:
    with IndexServer(house, abilities=BARE, relative_urls=True) as server:
        reply = get(f"{server.url}/below/", **JSON, Accept_Encoding="gzip", Range="bytes=0-1")
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert {"ETag", "Content-Encoding", "Accept-Ranges"}.isdisjoint(reply.headers)
        assert links(reply.data)[1] == {"href": "../../files/below-1.5-py3-none-any.whl"}
        server.abilities = replace(BARE, json=True)
        told = page(get, server, "below")
        assert get(server.origin + "/files/below-1.5-py3-none-any.whl.metadata").status == 404
    assert told["meta"] == {"api-version": "1.0"}
    assert "versions" not in told
    assert told["files"] == [{"filename": "below-1.5-py3-none-any.whl", "url": told["files"][0]["url"], "hashes": {}}]


def test_content_is_negotiated(house: Path, get: Get) -> None:
    with IndexServer(house) as server:
        for accept, expected in {
            "*/*": "text/html; charset=utf-8",
            "application/vnd.pypi.simple.v1+html, text/html;q=0.1": "application/vnd.pypi.simple.v1+html",
            "text/html;q=0.2, application/vnd.pypi.simple.v1+json;q=0.9": "application/vnd.pypi.simple.v1+json",
        }.items():
            for path in ("/", "/below/"):
                assert get(server.url + path, Accept=accept).headers["Content-Type"] == expected


def test_projects_are_listed_and_names_normalised(house: Path, get: Get) -> None:
    with IndexServer(house) as server:
        listed = json.loads(get(server.url + "/", **JSON).data)["projects"]
        moved = get(server.url + "/Top__Level/")
        assert get(server.url).headers["Location"] == "/simple/"
        assert get(server.url + "/below").headers["Location"] == "/simple/below/"
        assert get(server.url + "/unknown/").status == 404
        assert get(server.origin + "/elsewhere").status == 404
    assert [each["name"] for each in listed] == ["below", "source", "top-level"]
    assert (moved.status, moved.headers["Location"]) == (301, "/simple/top-level/")


def test_what_is_told_may_be_a_lie(house: Path, get: Get) -> None:
    lies: dict[str, Any] = {
        "size": 1,
        "hashes": {"md5": "00"},
        "requires_python": "<3",
        "yanked": "",
        "url": "http://a.test/b",
    }
    with IndexServer() as server:
        server.add(house / "below-1.5-py3-none-any.whl", metadata=b"Name: other\n", upload_time=None, **lies)
        (file,) = page(get, server, "below")["files"]
        assert get(server.origin + "/files/below-1.5-py3-none-any.whl.metadata").data == b"Name: other\n"
    assert (file["size"], file["hashes"], file["requires-python"]) == (1, {"md5": "00"}, "<3")
    assert (file["yanked"], file["url"], "upload-time" in file) == (True, "http://a.test/b", False)


def test_a_status_is_told_and_quarantine_offers_nothing(house: Path, get: Get) -> None:
    with IndexServer(house) as server:
        server.set_status("Below", "archived", "done & dusted")
        server.set_status("source", "quarantined")
        archived, quarantined = page(get, server, "below"), page(get, server, "source")
        metas = links(get(f"{server.url}/below/").data)
    assert archived["meta"] == {"api-version": "1.4"}
    assert archived["project-status"] == {"status": "archived", "reason": "done & dusted"}
    assert quarantined["files"] == []
    assert {"name": "pypi:project-status-reason", "content": "done & dusted"} in metas


def test_local_versions_are_quoted_in_urls(tmp_path: Path, get: Get) -> None:
    build_wheel(tmp_path, "demo", "1+cpu")
    with IndexServer(tmp_path) as server:
        (file,) = page(get, server, "demo")["files"]
        assert get(file["url"]).status == 200
    assert file["url"].endswith("/files/demo-1%2Bcpu-py3-none-any.whl")


def test_hostile_wheels_can_be_offered(hostile: dict[str, Path], get: Get) -> None:
    with IndexServer(next(iter(hostile.values())).parent) as server:
        assert len(json.loads(get(server.url + "/", **JSON).data)["projects"]) == len(hostile)


# HTTP


@pytest.fixture
def blob(tmp_path: Path) -> Iterator[tuple[IndexServer, str, bytes]]:
    """An index with one file of 100 kB, that file's URL, and its content."""
    path = tmp_path / "blob-1.tar.gz"
    data = Random(0).randbytes(100_000)
    path.write_bytes(data)
    with IndexServer() as server:
        server.add(path)
        yield server, f"{server.origin}/files/{path.name}", data


Blob = tuple[IndexServer, str, bytes]


@pytest.mark.parametrize(
    ("asked", "start", "stop"), [("bytes=5-9", 5, 10), ("bytes=99990-", 99990, None), ("bytes=-7", -7, None)]
)
def test_ranges(blob: Blob, get: Get, asked: str, start: int, stop: int | None) -> None:
    _, url, data = blob
    reply = get(url, Range=asked)
    tag = reply.headers["ETag"]
    assert (reply.status, reply.data) == (206, data[start:stop])
    assert re.fullmatch(r"bytes \d+-\d+/100000", reply.headers["Content-Range"])
    assert get(url, Range=asked, If_Range=tag).status == 206
    assert get(url, Range=asked, If_Range='"other"').data == data
    assert get(url, Range="bytes=100000-").status == 416


def test_validators_and_compression(house: Path, get: Get) -> None:
    with IndexServer(house) as server:
        reply = get(f"{server.url}/below/", Accept_Encoding="gzip")
        again = get(f"{server.url}/below/", Accept_Encoding="gzip", If_None_Match=reply.headers["ETag"])
        server.add(build_wheel(house, "below", "2"))
        changed = get(f"{server.url}/below/", Accept_Encoding="gzip", If_None_Match=reply.headers["ETag"])
    assert (reply.headers["Content-Encoding"], b"below-1.5" in reply.data) == ("gzip", True)
    assert (again.status, again.data) == (304, b"")
    assert (changed.status, b"below-2" in changed.data) == (200, True)


def test_head_tells_the_length_and_sends_nothing(blob: Blob, get: Get) -> None:
    server, url, data = blob
    reply = get(url, "HEAD")
    assert (reply.status, reply.headers["Content-Length"], reply.data) == (200, str(len(data)), b"")
    assert get(url).data == data
    assert [request.sent for request in server.requests] == [0, len(data)]


def test_requests_are_logged_and_connections_kept(house: Path, get: Get) -> None:
    with IndexServer(house) as server:
        for name in ("below", "source", "nothing"):
            get(f"{server.url}/{name}/", X_Test=name)
    assert [request.status for request in server.requests] == [200, 200, 404]
    assert [request.headers["x-test"] for request in server.requests] == ["below", "source", "nothing"]
    assert len({request.client for request in server.requests}) == 1


def test_auth_is_required_where_set(house: Path, get: Get) -> None:
    with IndexServer(house, auth=("me", "secret")) as server:
        refused = get(server.url + "/below/")
        welcome = get(server.url + "/below/", **urllib3.make_headers(basic_auth="me:secret"))
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="index"')
    assert welcome.status == 200


def test_put_serves_any_bytes_in_place_of_anything(house: Path, get: Get) -> None:
    with IndexServer(house) as server:
        url = server.put("/constraints-3.12.txt", b"below==1.5\n")
        broken = server.put("/simple/below/", b"{", "application/vnd.pypi.simple.v1+json")
        assert get(url).data == b"below==1.5\n"
        assert (get(broken).data, get(broken).headers["Content-Type"]) == (b"{", JSON["Accept"])


def test_many_threads_are_served(house: Path, get: Get) -> None:
    with IndexServer(house) as server, ThreadPoolExecutor(16) as pool:
        statuses = Counter(pool.map(lambda _: get(server.url + "/below/").status, range(200)))
        assert len(server.requests) == 200
    assert statuses == {200: 200}


def test_it_starts_and_stops_in_no_time() -> None:
    started = time.monotonic()
    for _ in range(10):
        with IndexServer() as server, socket.create_connection(("127.0.0.1", int(server.url.split(":")[2][:-7]))):
            pass
    assert time.monotonic() - started < 2


def test_stopping_does_not_wait_for_a_slow_answer(blob: Blob) -> None:
    server, url, _ = blob
    server.faults.append(Fault("", "delay", seconds=60))
    with ThreadPoolExecutor(1) as pool, urllib3.PoolManager(retries=False) as client:
        waiting = pool.submit(client.request, "GET", url)
        while not server.requests:
            time.sleep(0.001)
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 2
        assert waiting.exception()


def test_it_has_no_url_before_it_serves() -> None:
    with pytest.raises(RuntimeError, match="isn't serving"):
        _ = IndexServer().url


def test_a_mistake_in_the_server_is_raised(tmp_path: Path, get: Get) -> None:
    path = build_wheel(tmp_path, "demo", "1")
    with pytest.raises(TypeError), IndexServer(tmp_path) as server:
        server.add(path, yanked=b"not a string")  # type: ignore[arg-type]
        with pytest.raises(urllib3.exceptions.ProtocolError):
            get(server.url + "/demo/", **JSON)


# Faults


def test_status_with_retry_after_is_used_up(blob: Blob, get: Get) -> None:
    server, url, data = blob
    server.faults += [Fault("/files/", "status", times=2, retry_after="7"), Fault(r"\.gz$", "status", status=403)]
    replies = [get(url) for _ in range(4)]
    assert [reply.status for reply in replies] == [503, 503, 403, 200]
    assert replies[0].headers["Retry-After"] == "7"
    assert server.faults == []
    assert replies[3].data == data


def test_a_fault_without_times_stays(blob: Blob, get: Get) -> None:
    server, url, _ = blob
    server.faults.append(Fault("", "status", times=None, status=429, method="HEAD"))
    assert [get(url, "HEAD").status, get(url, "HEAD").status, get(url).status] == [429, 429, 200]


def test_cut_ends_early(blob: Blob, get: Get) -> None:
    server, url, _ = blob
    server.faults.append(Fault("", "cut", at=70_000))
    with pytest.raises(urllib3.exceptions.ProtocolError, match="70000 bytes read, 30000 more expected"):
        get(url)
    assert server.requests[0].sent == 70_000


def test_reset_resets(blob: Blob, get: Get) -> None:
    server, url, _ = blob
    server.faults.append(Fault("", "reset"))
    with pytest.raises(urllib3.exceptions.ProtocolError, match="Connection reset"):
        get(url)
    assert get(url).status == 200


@pytest.mark.rooms
def test_reset_resets_through_tls(house: Path, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path)
    faults = [Fault("", "reset")]
    with (
        IndexServer(house, tls=pem.pair, faults=faults) as server,
        urllib3.PoolManager(retries=False, ca_certs=str(pem.authority)) as pool,
    ):
        # Until early 2024, Python's ssl read a reset as the end of the stream (python/cpython#115627).
        with pytest.raises(urllib3.exceptions.ProtocolError, match="Connection aborted"):
            pool.request("GET", server.url + "/below/")
        assert pool.request("GET", server.url.replace("127.0.0.1", "localhost") + "/below/").status == 200


def test_delay_and_trickle_take_their_time(blob: Blob, get: Get) -> None:
    server, url, data = blob
    server.faults += [Fault("", "delay", seconds=0.2), Fault("", "trickle", rate=400_000)]
    for least in (0.2, 0.2):
        started = time.monotonic()
        assert get(url).data == data
        assert time.monotonic() - started >= least


def test_wrong_bytes_differ_in_one(blob: Blob, get: Get) -> None:
    server, url, data = blob
    server.faults += [Fault("", "wrong_bytes", at=17), Fault("", "wrong_bytes", at=-1)]
    for place in (17, len(data) - 1):
        assert [n for n, (a, b) in enumerate(zip(get(url).data, data, strict=True)) if a != b] == [place]


def test_wrong_length_is_too_long_or_too_short(blob: Blob, get: Get) -> None:
    server, url, data = blob
    server.faults += [Fault("", "wrong_length", by=10), Fault("", "wrong_length", by=-10)]
    with pytest.raises(urllib3.exceptions.ProtocolError, match="10 more expected"):
        get(url)
    with urllib3.PoolManager(retries=False) as other:  # whose connection is left with 10 bytes too many
        assert other.request("GET", url).data == data[:-10]
    assert get(url).data == data


def test_wrong_type(blob: Blob, get: Get) -> None:
    server, _, _ = blob
    server.faults.append(Fault("/blob/", "wrong_type", content_type="image/png"))
    assert get(server.url + "/blob/").headers["Content-Type"] == "image/png"


def test_redirects(blob: Blob, get: Get) -> None:
    server, url, _ = blob
    server.faults += [Fault("", "redirect", to="http://other.test/x"), Fault("", "loop")]
    assert [get(url).headers["Location"] for _ in range(2)] == ["http://other.test/x", "/files/blob-1.tar.gz"]


def test_ranges_are_ignored_or_misread(blob: Blob, get: Get) -> None:
    server, url, data = blob
    server.faults += [Fault("", "ignore_range"), Fault("", "wrong_range", by=3)]
    assert get(url).data == data
    assert len(server.faults) == 2
    assert get(url, Range="bytes=0-9").status == 200
    reply = get(url, Range="bytes=0-9")
    assert (reply.status, reply.data, reply.headers["Content-Range"]) == (206, data[3:13], "bytes 3-12/100000")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_leaves_the_server_well(blob: Blob, get: Get, kind: Any) -> None:
    server, url, data = blob
    server.faults.append(Fault("", kind, rate=10**7))
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        get(url, Range="bytes=0-9")
    assert server.faults == []
    assert get(url).data == data


def asks(plan: Callable[[Ask], Fault | None], paths: list[str]) -> dict[str, list[Fault | None]]:
    met: dict[str, list[Fault | None]] = {}
    for path in paths:
        met.setdefault(path, []).append(plan(Ask("GET", path, {})))
    return met


def test_random_faults_depend_on_the_seed_and_not_on_the_order() -> None:
    paths = [f"/files/{n % 10}" for n in range(100)]
    first = asks(random_faults(1, 0.5), paths)
    assert first == asks(random_faults(1, 0.5), sorted(paths))
    assert first != asks(random_faults(2, 0.5), paths)
    assert all(sum(fault is not None for fault in met) <= 2 for met in first.values())


def test_a_client_that_asks_again_survives_random_faults(house: Path) -> None:
    retries = urllib3.Retry(5, status_forcelist=(429, 500, 502, 503), backoff_factor=0)
    with (
        IndexServer(house, plan=random_faults(3, 0.8)) as server,
        urllib3.PoolManager(retries=retries, timeout=5) as pool,
    ):
        for name in ("below", "source", "top-level"):
            for _ in range(6):
                reply = pool.request("GET", f"{server.url}/{name}/")
                assert reply.status == 200
        assert len(server.requests) > 18


def test_an_untrusted_certificate_does_no_harm(house: Path, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path)
    with (
        IndexServer(house, tls=pem.pair) as server,
        urllib3.PoolManager(retries=False) as pool,
        pytest.raises(urllib3.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        pool.request("GET", server.url + "/below/")


@pytest.mark.rooms
def test_a_command_in_a_fork_is_as_one_in_a_process_of_its_own(tmp_path: Path) -> None:
    environment = clean_environment(XDG_CACHE_HOME=str(tmp_path / "cache"))
    for arguments in (
        ["rules"],
        ["cache", "show"],
        ["verify", "nothing"],
        ["no-command"],
        ["target", "show", "--json"],
    ):
        fork = warm.run(arguments, tmp_path, environment, 60)
        process = run(*PROGRAM, *arguments, cwd=tmp_path, env=environment)
        assert (fork.returncode, fork.stdout, fork.stderr) == (process.returncode, process.stdout, process.stderr)


def test_a_variable_that_the_interpreter_reads_needs_a_process_of_its_own() -> None:
    environment = clean_environment()
    assert warm.can_run(environment | {"WHEELHOUSE_CACHE": "elsewhere"}) == (
        "COVERAGE_PROCESS_CONFIG" not in environment
    )
    assert not warm.can_run(environment | {"LC_ALL": "none"})
