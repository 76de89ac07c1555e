"""An odd value on an index page costs its fact or its file, and not the project; in JSON and in HTML."""

import json
from pathlib import Path

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.support.index import IndexServer
from tests.support.resolutions import found
from tests.support.sampled import sampled
from tests.support.supplies import supplying
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.errors import NoSolutionError
from wheelhouse.index.page_data import Status
from wheelhouse.index.pages import parse_page

HTML = "text/html; charset=UTF-8"
JSON = "application/vnd.pypi.simple.v1+json"

PASSED_OVER = {
    "an address that is none": (JSON, {"url": "http://[::1/x"}),
    "a secure address that is none": (JSON, {"url": "https://[bad/x"}),
    "another scheme": (JSON, {"url": "ftp://127.0.0.1/x"}),
    "a port that is none": (JSON, {"url": "http://127.0.0.1:99999/x"}),
    "no address": (JSON, {"url": None}),
    "a number for an address": (JSON, {"url": 3}),
    "a sha256 that is none": (JSON, {"hashes": {"sha256": "abc"}}),
    "another scheme in HTML": (HTML, '<a href="ftp://127.0.0.1/{odd}">x</a>'),
    "a port in HTML that is none": (HTML, '<a href="http://127.0.0.1:99999/{odd}">x</a>'),
    "a sha256 in HTML that is none": (HTML, '<a href="/files/{odd}#sha256=abc">x</a>'),
}
UNREAD = {"no name": (JSON, {"filename": None}), "a link that is none": (HTML, '<a href="http://[::1/{odd}">x</a>')}


def a_page_with(odd: str | dict[str, object]) -> bytes:
    """A page of `lib-two` that says something odd of one file, and offers another."""
    good, bad = "lib_two-1.5-py3-none-any.whl", "lib_two-9.0-py3-none-any.whl"
    if isinstance(odd, str):
        return f'<a href="/files/{good}">x</a>{odd.format(odd=bad)}'.encode()
    files = [{"filename": good, "url": f"/files/{good}"}, {"filename": bad, "url": f"/files/{bad}", **odd}]
    return json.dumps({"files": files}).encode()


@pytest.mark.parametrize("kind", [*PASSED_OVER, *UNREAD])
def test_an_odd_value_costs_its_file_and_not_the_project(tmp_path: Path, kind: str) -> None:
    content_type, odd = (PASSED_OVER | UNREAD)[kind]
    with IndexServer() as server:
        server.add(build_wheel(tmp_path, "lib-two", "1.5"))
        server.put("/simple/lib-two/", a_page_with(odd), content_type)
        with supplying(server, tmp_path / "cache") as supply:
            assert found(supply, "lib-two") == ["lib-two 1.5"]
            with pytest.raises(NoSolutionError) as refused:
                found(supply, "lib-two==9.0")
    said = " ".join((str(refused.value), *refused.value.details))
    assert ("on the index page, the file has" in said or "cannot be read" in said) == (kind in PASSED_OVER)


@pytest.mark.parametrize("kind", sampled(PASSED_OVER, 3))
def test_a_release_passed_over_for_an_odd_value_is_said(tmp_path: Path, kind: str) -> None:
    content_type, odd = PASSED_OVER[kind]
    with IndexServer() as server:
        server.add(build_wheel(tmp_path, "lib-two", "1.5"))
        server.put("/simple/lib-two/", a_page_with(odd), content_type)
        options = ("--python", "3.12", "--index", server.url)
        done = wheelhouse("fetch", "lib-two", *options, cwd=tmp_path)
        assert "warning: lib-two 1.5 was chosen instead of 9.0: on the index page, the file has" in done.stderr
        unasked = wheelhouse("fetch", "lib-two<2", *options, "--dest", "h", cwd=tmp_path)
    assert (done.returncode, unasked.returncode) == (0, 0) and "9.0" not in unasked.stderr


def test_files_that_are_neither_wheels_nor_sdists_are_named_where_nothing_else_is_there(tmp_path: Path) -> None:
    names = ("lib_two-9.0-py3.12.egg", "lib-two-9.0-py3-none-any.whl", "lib_two-9.0.TAR.GZ", "lib_two-9.0.tar.gz.asc")
    with IndexServer() as server:
        server.put("/simple/lib-two/", "".join(f'<a href="/files/{name}">x</a>' for name in names).encode(), HTML)
        with supplying(server, tmp_path / "cache") as supply, pytest.raises(NoSolutionError) as refused:
            found(supply, "lib-two")
    assert (
        "the page also has files whose names do not fit a wheel or sdist of lib-two: "
        "lib_two-9.0.TAR.GZ, lib-two-9.0-py3-none-any.whl, lib_two-9.0-py3.12.egg"
    ) in refused.value.details


ODD_FACTS: dict[str, dict[str, object]] = {
    "a time that is none": {"upload-time": "yesterday"},
    "a time before all time": {"upload-time": "0001-01-01T00:00:00+14:00"},
    "a number for a time": {"upload-time": 5},
    "a size as text": {"size": "x"},
    "a size below nothing": {"size": -1},
    "no hashes": {"hashes": None},
    "a list of hashes": {"hashes": []},
    "a number for a hash": {"hashes": {"md5": 5, "sha256": None}},
    "a number for a Python": {"requires-python": 3},
    "no yank": {"yanked": None},
    "nought for a yank": {"yanked": 0},
    "texts for a sidecar": {"core-metadata": ["x"], "dist-info-metadata": 0},
    "a number for attestations": {"provenance": 1},
    "attestations nowhere": {"provenance": "http://[x"},
}


@pytest.mark.parametrize("kind", ODD_FACTS)
def test_an_odd_value_costs_its_fact_alone(tmp_path: Path, kind: str) -> None:
    with IndexServer() as server:
        server.put("/simple/lib-two/", a_page_with(ODD_FACTS[kind]), JSON)
        with supplying(server, tmp_path / "cache") as supply:
            page = supply.pages.get(NormalizedName("lib-two")).result()
            assert page
            (candidate,) = page.candidates(Version("9.0"))
    known = {"hashes": {}, "size": None, "upload_time": None, "yanked": None, "requires_python": None}
    known |= {"sidecar": None, "provenance": None, "fault": None}
    assert {name: getattr(candidate, name) for name in known} == known


def test_odd_values_beside_good_ones_leave_these(tmp_path: Path) -> None:
    odd = {"size": "12", "yanked": {"why": "bad"}, "hashes": {"sha256": "AB" * 32, "x": 5}, "upload-time": 3}
    document = json.loads(a_page_with(odd))
    document |= {"meta": {"api-version": 1.1}, "project-status": "archived", "files": [*document["files"], 3]}
    body = json.dumps(document).encode().replace(b'"bad"', b'"\xff"')
    page = parse_page(body, JSON, NormalizedName("lib-two"), "i", "http://i/simple/lib-two/")
    (candidate,) = page.candidates(Version("9.0"))
    assert (candidate.size, candidate.yanked, candidate.sha256) == (12, "", "ab" * 32)
    assert candidate.status == "archived" and len(page.files) == 2


def test_a_status_with_an_odd_reason_is_the_status_alone(tmp_path: Path) -> None:
    document = json.loads(a_page_with({}))
    document["project-status"] = {"status": "quarantined", "reason": 5}
    page = parse_page(json.dumps(document).encode(), JSON, NormalizedName("lib-two"), "i", "http://i/simple/lib-two/")
    assert page.status == Status("quarantined")
