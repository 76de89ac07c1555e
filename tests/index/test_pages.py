"""Every kind of index, as data: whatever it can do, JSON or HTML, the same lock and the same wheelhouse come of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.support.index import Abilities, Fault, IndexServer
from tests.support.pages import BARE
from tests.support.sampled import sampled
from tests.support.supplies import PATIENT, supplying
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.errors import NoSolutionError, ServerError, WheelhouseError
from wheelhouse.events import Event, Warned
from wheelhouse.fetch.fetch import fetch
from wheelhouse.fetch.gather import Options, gather
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.index.pages import HTML_TYPE, JSON_TYPE, parse_page
from wheelhouse.lock.lock import Lock
from wheelhouse.verify.verify import verify

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VARIATIONS = {
    "everything": Abilities(),
    "no sidecars": Abilities(sidecars=False),
    "no ranges": Abilities(ranges=False),
    "neither sidecars nor ranges": Abilities(sidecars=False, ranges=False),
    "no hashes": Abilities(hashes=False),
    "no hashes, no sidecars": Abilities(hashes=False, sidecars=False),
    "no sizes": Abilities(sizes=False),
    "no upload times": Abilities(upload_times=False),
    "no compression": Abilities(compression=False),
    "no validators": Abilities(validators=False),
    "no requires-python": Abilities(requires_python=False),
    "nothing": BARE,
}
LARGE = {"app/data": Random(0).randbytes(1 << 18)}


@dataclass
class Run:
    """What came of one fetch."""

    lock: Lock
    house: Path
    events: list[Event] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        return [event.sentence for event in self.events if isinstance(event, Warned)]

    @property
    def essence(self) -> list[tuple[str, ...]]:
        """What may not depend on an index's abilities."""
        return [
            (pin.project, str(pin.version), pin.artifact.sha256, str(pin.artifact.size), *pin.dependencies)
            for pin in self.lock.pins
        ]


Fetch = Callable[..., Run]


def fetching(
    base: Path, server: IndexServer, *requirements: str, name: str = "house", settings: HttpSettings = PATIENT
) -> Run:
    events: list[Event] = []
    options = Options(requirements=requirements or ("app",), python=("3.12",))
    with supplying(server, base / f"cache-{name}", events.append, settings) as supply:
        done = fetch(gather(options, Http(), NOW), base / name, supply, events.append)
    return Run(done.locks[0], base / name, events)


@pytest.fixture
def fetched(tmp_path: Path) -> Fetch:
    return partial(fetching, tmp_path)


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offered")
    build_wheel(folder, "app", "1.0", requires=["Lib.Two>=2", "old-one"], files={"app/__init__.py": b"", **LARGE})
    build_wheel(folder, "lib-two", "2.0+local.1")
    build_wheel(folder, "lib-two", "1.0")
    build_wheel(folder, "lib-two", "3.0", requires_python=">=3.99")
    build_sdist(folder, "old-one", "0.5")
    return folder


@contextmanager
def serving(folder: Path, abilities: Abilities, **more: object) -> Iterator[IndexServer]:
    with IndexServer(folder, abilities=abilities, **more) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture(scope="module")
def expected(offered: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What comes of an index that can do everything."""
    with serving(offered, Abilities()) as server:
        return fetching(tmp_path_factory.mktemp("expected"), server)


@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
@pytest.mark.parametrize("json", [True, False], ids=["JSON", "HTML"])
@pytest.mark.parametrize("variation", sampled(VARIATIONS, 2))
def test_the_same_house_comes_of_every_index(
    offered: Path, expected: Run, fetched: Fetch, variation: str, json: bool, relative: bool
) -> None:
    with serving(offered, replace(VARIATIONS[variation], json=json), relative_urls=relative) as server:
        run = fetched(server)
        assert not [request for request in server.requests if request.method != "GET"]
    assert run.essence == expected.essence
    assert [path.name for path in run.house.glob("*.whl")] != []
    assert not verify(run.house).findings


def test_one_server_without_ranges_says_nothing_of_another(tmp_path: Path, fetched: Fetch) -> None:
    folder = tmp_path / "offered"
    folder.mkdir()
    able = Abilities(sidecars=False)
    noise = Random(1).randbytes(1 << 18)
    for name, requires in (("one", ["two"]), ("two", [])):
        files = {f"{name}/__init__.py": b"", f"{name}/data": noise}
        build_wheel(folder, name, "1.0", requires=requires, files=files)
    with serving(folder, replace(able, ranges=False)) as plain, serving(folder, able) as files:
        wheel = folder / "two-1.0-py3-none-any.whl"
        plain.add(wheel, url=files.put("/elsewhere/" + wheel.name, wheel.read_bytes()))
        fetched(plain, "one")
        asked = [request.headers.get("range") for request in files.requests if request.path.startswith("/elsewhere/")]
    assert any(asked)


@pytest.mark.parametrize("json", [True, False], ids=["JSON", "HTML"])
def test_a_status_is_said_or_refused(offered: Path, fetched: Fetch, json: bool) -> None:
    with serving(offered, Abilities(json=json)) as server:
        server.set_status("lib-two", "archived", "nobody has time")
        assert "lib-two is archived on http" in fetched(server).warnings[0]
        server.set_status("lib-two", "quarantined", "it steals")
        with pytest.raises(NoSolutionError, match=r"is quarantined on http.*: it steals"):
            fetched(server, name="other")


def test_quarantined_files_are_refused_even_where_they_are_offered(offered: Path, fetched: Fetch) -> None:
    with serving(offered, Abilities(html=False)) as server:
        page = b'{"files": [{"filename": "app-1.0-py3-none-any.whl", "url": "x"}], "project-status": {"status": "quarantined"}}'
        server.put("/simple/app/", page, "application/json")
        with pytest.raises(NoSolutionError, match=r"`app` .* is quarantined"):
            fetched(server)


HTML = "text/html; charset=UTF-8"
JSON = "application/vnd.pypi.simple.v1+json"


def address(url: str) -> bytes:
    return b'{"files": [{"filename": "lib_two-2.0-py3-none-any.whl", "url": "%s"}]}' % url.encode()


NO_PAGES = {
    "a log-in page": (
        HTML,
        b"<!DOCTYPE html><form action=/login><input type=password></form>",
        "perhaps a login page",
    ),
    "a page that scripts make": (HTML, b"<html><script src=/app.js></script><div id=root>", "perhaps a login page"),
    "no HTML": (HTML, b"It works!", "not HTML"),
    "a wrong type": ("application/octet-stream", b"<a href=app-1.0-py3-none-any.whl>", "application/octet-stream"),
    "no type": ("", b"<a href=app-1.0-py3-none-any.whl>", "no type"),
    "API 2 in HTML": (HTML, b'<meta name="pypi:repository-version" content="2.0"><a href="a">a</a>', "version 2.0"),
    "API 2 in JSON": (JSON, b'{"meta": {"api-version": "2.0"}, "files": []}', "version 2.0"),
    "JSON of another kind": (JSON, b'{"error": "log in first"}', "cannot be read"),
    "a link that is none": (HTML, b"<a href='http://[::1/app-1.0.zip'>x</a>", "cannot be read"),
    "a file of this machine": (
        HTML,
        b"<a href=file:///etc/lib_two-2.0-py3-none-any.whl>x</a>",
        "a file of this machine",
    ),
    "a file of this machine, by its base": (
        HTML,
        b"<base href=file:///etc/><a href=lib_two-2.0-py3-none-any.whl>x</a>",
        "a file of this machine",
    ),
    "attestations of this machine": (
        HTML,
        b"<a href=lib_two-2.0-py3-none-any.whl data-provenance=FILE:///etc/passwd>x</a>",
        "a file of this machine",
    ),
    "a file of this machine, in capitals": (JSON, address("FILE:///etc/x"), "a file of this machine"),
    "JSON that is nested without end": (JSON, b'{"files": [], "x": ' + b"[" * 99999, "cannot be read"),
    "cut JSON": (JSON, b'{"meta": {"api-version": "1.0"}, "files": [', "cannot be read"),
}


@pytest.mark.parametrize("kind", NO_PAGES)
def test_what_is_no_index_page_is_an_error_and_not_an_empty_page(offered: Path, fetched: Fetch, kind: str) -> None:
    content_type, body, said = NO_PAGES[kind]
    with serving(offered, Abilities()) as server:
        server.put("/simple/lib-two/", body, content_type)
        with pytest.raises(ServerError, match=said):
            fetched(server)


WEIRD = {
    "base": '<base href="{origin}/files/deep/"><a href="../{file}">x</a>',
    "entities": '<a href="&#x2f;files&#47;{file}#sha256=&#x{first};{rest}" data-requires-python="&gt;=3.6">x</a>',
    "percent": '<a href="/files/lib%5Ftwo-2.0%2Blocal.1-py3-none-any.whl">x</a>',
    "capitals": '<HTML><BODY><A HREF="/files/{file}" DATA-REQUIRES-PYTHON="&lt;4">x</A>',
    "spaces": '<a  href = " /files/{file} "\n  >x',
    "md5 only": '<a href="/files/{file}#md5={md5}">x</a>',
    "other links": '<a href="../">Parent</a><a name=top>t</a><a href="mailto:a@b">m</a><a href="/files/{file}">x</a>',
    "an old sidecar": '<a href="/files/{file}" data-dist-info-metadata="true">x</a>',
    "no sidecar, said": '<a href="/files/{file}" data-core-metadata="false">x</a>',
    "an uppercase md5": '<a href="/files/{file}#md5={MD5}">x</a>',
    "a version without end": f'<a href="lib_two-{"9" * 5000}-py3-none-any.whl">y</a><a href="/files/{{file}}">x</a>',
    "a script beside the links": '<script src=/x.js></script><a href="/files/{file}">x</a>',
}


@pytest.mark.parametrize("kind", sampled(WEIRD, 4))
def test_a_weird_but_legal_page_is_read(offered: Path, fetched: Fetch, kind: str) -> None:
    import hashlib

    wheel = next(offered.glob("lib_two-2*"))
    data = wheel.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    with serving(offered, Abilities()) as server:
        expected = fetched(server, name="expected")
        server.put("/files/" + wheel.name, data)
        server.put("/files/" + wheel.name.replace("+", "%2B"), data)
        server.put("/files/" + wheel.name.replace("_", "%5F", 1).replace("+", "%2B"), data)
        page = WEIRD[kind].format(
            origin=server.origin,
            file=wheel.name.replace("+", "%2B"),
            first=f"{ord(digest[0]):x}",
            rest=digest[1:],
            md5=hashlib.md5(data).hexdigest(),
            MD5=hashlib.md5(data).hexdigest().upper(),
        )
        server.put("/simple/lib-two/", page.encode(), HTML)
        assert fetched(server).essence == expected.essence


def test_an_md5_that_differs_is_an_error(offered: Path, fetched: Fetch) -> None:
    with serving(offered, Abilities(sidecars=False)) as server:
        server.add(next(offered.glob("lib_two-2*")), hashes={"md5": "0" * 32})
        with pytest.raises(WheelhouseError, match="has the md5"):
            fetched(server)


def test_a_project_that_is_not_there_is_an_answer_and_a_failing_index_an_error(offered: Path, fetched: Fetch) -> None:
    with serving(offered, Abilities()) as server:
        with pytest.raises(NoSolutionError, match="has no project `nothing`"):
            fetched(server, "nothing")
        server.faults.append(Fault("/simple/app/", "status", times=None, retry_after="0"))
        with pytest.raises(ServerError, match="answered 503"):
            fetched(server)


@pytest.mark.parametrize("key", ["core-metadata", "dist-info-metadata", "data-core-metadata"])
def test_the_hash_of_a_metadata_file_may_be_in_capitals(key: str) -> None:
    sha256, name, project = "AB" * 32, "lib-1.0-py3-none-any.whl", NormalizedName("lib")
    if key.startswith("data-"):
        kind, body = HTML_TYPE, f"<!DOCTYPE html><a href='{name}' {key}='sha256={sha256}'>{name}</a>"
    else:
        file = {"filename": name, "url": name, "hashes": {}, key: {"sha256": sha256}}
        kind, body = JSON_TYPE, json.dumps({"meta": {"api-version": "1.0"}, "name": "lib", "files": [file]})
    page = parse_page(body.encode(), kind, project, "index", "http://127.0.0.1/simple/lib/")
    assert [candidate.sidecar for candidate in page.candidates(Version("1.0"))] == ["ab" * 32]
