"""Which location a project comes from, by tables, with no server."""

from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from tests.support.answers import Answer, Site, asking
from wheelhouse.errors import InputError, ServerError
from wheelhouse.files.cache import Cache
from wheelhouse.index.client import Index, StaticIndex
from wheelhouse.index.file_addresses import FileAddresses
from wheelhouse.index.links import LinksFolder, LinksPage
from wheelhouse.index.locations import (
    IndexLocation,
    as_options,
    document_of,
    location_of,
    read_locations,
    split_named,
)
from wheelhouse.index.pagecache import PageCache
from wheelhouse.index.pages import Page
from wheelhouse.index.sources import IndexLocations, path_of, shown

DEFAULT = "https://main.example/simple"


def test_a_location_is_the_default_or_open_by_its_name_and_its_kind() -> None:
    for location, expected in {
        IndexLocation("x"): (True, False),
        IndexLocation("x", "corp", ("p",)): (False, False),
        IndexLocation("x", links=True): (False, True),
        IndexLocation("x", "lab", links=True): (False, True),
        IndexLocation("x", "lab", ("p",), links=True): (False, False),
    }.items():
        assert (location.is_default, location.is_open) == expected, location


def test_a_name_begins_with_a_letter_or_a_digit_and_its_address_is_not_empty() -> None:
    for text, parts in {
        "a=b": ("a", "b"),
        "9.a_b-C=b": ("9.a_b-C", "b"),
        "a=b=c": ("a", "b=c"),
        "a=b\nc": ("a", "b\nc"),
        "a=": ("", "a="),
        "=b": ("", "=b"),
        "-a=b": ("", "-a=b"),
        "a b=c": ("", "a b=c"),
        "x/a=b": ("", "x/a=b"),
    }.items():
        assert split_named(text) == parts, text


def test_a_name_counts_before_a_pattern_and_patterns_match_whole_names() -> None:
    wide = IndexLocation("w", "wide", ("acme-*", "one-?", "*-end"))
    own = IndexLocation("o", "own", ("acme-core", "plain"))
    for name, expected in {
        "acme-core": own,
        "plain": own,
        "acme-x": wide,
        "acme-": wide,
        "one-1": wide,
        "the-end": wide,
        "acme": None,
        "one-11": None,
        "plain-x": None,
        "my-acme-x": None,
        "the-end-x": None,
        "other": None,
    }.items():
        assert location_of(NormalizedName(name), (wide, own, IndexLocation("d"))) == expected, name
    assert own.names(NormalizedName("plain")) and not wide.names(NormalizedName("acme-*x"))
    assert wide.matches(NormalizedName("acme-*x")) and not own.matches(NormalizedName("acme-x"))


def test_what_is_read_is_whole() -> None:
    for name, (given, expected) in {
        "default alone": (((), (), ()), (IndexLocation(DEFAULT),)),
        "own default": ((("x",), (), ()), (IndexLocation("x"),)),
        "named, links and default": (
            (("corp=x",), ("folder", "lab=y"), ("corp=B.b,a_a,,A-A, ", "corp=c*", "lab=Q?")),
            (
                IndexLocation("x", "corp", ("a-a", "b-b", "c*")),
                IndexLocation("folder", links=True),
                IndexLocation("y", "lab", ("q?",), links=True),
                IndexLocation(DEFAULT),
            ),
        ),
        "named links need no project": (
            ((), ("lab=y",), ()),
            (IndexLocation("y", "lab", links=True), IndexLocation(DEFAULT)),
        ),
        "two open folders": (
            ((), ("y", "z"), ()),
            (IndexLocation("y", links=True), IndexLocation("z", links=True), IndexLocation(DEFAULT)),
        ),
        "one project twice for one index": (
            (("corp=x",), (), ("corp=a", "corp=A")),
            (IndexLocation("x", "corp", ("a",)), IndexLocation(DEFAULT)),
        ),
    }.items():
        assert read_locations(*given, DEFAULT) == expected, name
    assert read_locations((), ("y",), (), None) == (IndexLocation("y", links=True),)
    assert read_locations((), (), (), None) == ()


def test_every_refusal_of_locations_has_its_sentence_and_its_hint() -> None:
    for (indexes, links, projects), said in {
        (("a=x", "a=y"), (), ("a=p",)): ("two indexes are named `a`", "give each index its own name"),
        (("b=x", "a=y"), ("b=z", "a=z"), ("a=p",)): ("two indexes are named `a`", "give each index its own name"),
        (("x", "y"), (), ()): (
            "two or more indexes have no name",
            "keep one index without a name; give all others a name and their projects: --index corp=URL --from corp=PROJECT",
        ),
        (("a=x",), (), ()): (
            "no project is assigned to the index `a`",
            "assign projects: --from a=PROJECT, or --from 'a=acme-*' for a pattern",
        ),
        (("a=x",), (), ("b=p",)): (
            "`--from b=p` has a name that no index has",
            "use the same NAME in both options: --index NAME=URL --from NAME=PROJECT",
        ),
        (("a=x",), ("b=y",), ("a=p,q", "b=q")): (
            "`q` is assigned to the indexes `a` and `b`",
            "assign each project to one index only",
        ),
        (("a=x",), (), ("a=p q",)): (
            "`p q` is not the name of a project, and not a pattern",
            "write the name of a project, or a pattern such as acme-*",
        ),
        (("a=x",), (), ("a=-p",)): (
            "`-p` is not the name of a project, and not a pattern",
            "write the name of a project, or a pattern such as acme-*",
        ),
        (("a=x",), ("y",), ("a=,",)): (
            "`--from a=,` names no project",
            "write the name of a project, or a pattern such as acme-*",
        ),
        (("a=x",), (), ("a=p-",)): (
            "`p-` is not the name of a project, and not a pattern",
            "write the name of a project, or a pattern such as acme-*",
        ),
    }.items():
        with pytest.raises(InputError) as caught:
            read_locations(indexes, links, projects, DEFAULT)
        assert (str(caught.value), caught.value.hint) == said
    three = [IndexLocation(name, name, (f"{name[0]}*",)) for name in ("aa", "ab", "ac")]
    with pytest.raises(InputError) as both:
        location_of(NormalizedName("ax"), three)
    assert (str(both.value), both.value.hint) == (
        "`ax` matches patterns of two indexes: `aa` and `ab`",
        "name one index: --from aa=ax",
    )


def test_locations_in_a_lock_and_as_options() -> None:
    corp = IndexLocation("https://c", "corp", ("a", "b*"))
    folder, lab = IndexLocation("f", links=True), IndexLocation("l", "lab", ("q",), links=True)
    assert document_of([corp, folder, lab, IndexLocation("d")]) == {
        "index": "d",
        "indexes": [
            {"name": "corp", "url": "https://c", "projects": ["a", "b*"]},
            {"find-links": "f", "projects": []},
            {"name": "lab", "find-links": "l", "projects": ["q"]},
        ],
    }
    assert list(document_of([corp, IndexLocation("d")])) == ["index", "indexes"] and document_of([]) == {}
    assert as_options([corp, folder, lab]) == {
        "indexes": ["corp=https://c"],
        "find_links": ["f", "lab=l"],
        "index_projects": ["corp=a,b*", "lab=q"],
        "no_index": True,
    }
    assert as_options([IndexLocation("=d")])["indexes"] == ["=d"] and not as_options([IndexLocation("d")])["no_index"]


# The clients of locations


def test_an_address_is_shown_without_secrets_and_a_folder_as_it_is() -> None:
    for address, text in {
        "https://u:p@h/simple/?t": "https://h/simple",
        "file:///srv/x/": "file:///srv/x",
        "folder/": "folder/",
        "fol?der#x": "fol?der#x",
    }.items():
        assert shown(address) == text
    for address, path in {"file:///srv/a%20b": "/srv/a b", "a%20b": "a%20b", "my/file:x": "my/file:x"}.items():
        assert path_of(address) == Path(path)


def clients(folder: Path, *locations: IndexLocation, answer: Answer | None = None) -> tuple[IndexLocations, Site, Any]:
    http, site, _ = asking(lambda *_: answer or Answer(404))
    pages = PageCache(http, Cache(folder / "cache"))
    return IndexLocations(locations, http, pages), site, http


def folder_of(folder: Path, *names: str) -> str:
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"x")
    return str(folder)


def test_each_location_has_its_client_and_shows_no_secret(tmp_path: Path) -> None:
    links, site = folder_of(tmp_path / "links"), tmp_path / "site"
    (site / "app").mkdir(parents=True)
    (site / "app" / "index.html").write_text("")
    given = (
        IndexLocation("https://u:p@h.example/simple/"),
        IndexLocation("http://h.example/files?t=1", links=True),
        IndexLocation(links, "lab", ("p",), links=True),
        IndexLocation(site.as_uri(), "corp", ("q",)),
    )
    one, _, _ = clients(tmp_path, *given)
    assert [(location.address, type(client)) for location, client in one._clients.items()] == [
        ("https://h.example/simple", Index),
        ("http://h.example/files", LinksPage),
        (links, LinksFolder),
        (site.as_uri(), StaticIndex),
    ]
    assert [location.projects for location in one.redacted] == [(), (), ("p",), ("q",)]


def test_a_project_is_of_the_assigned_location_else_of_open_links_else_of_the_default(tmp_path: Path) -> None:
    app, lib = "app-1-py3-none-any.whl", "lib-1-py3-none-any.whl"
    first = IndexLocation(folder_of(tmp_path / "first", app, lib), links=True)
    named = IndexLocation(folder_of(tmp_path / "named", "own-1.tar.gz", app), "lab", ("own",), links=True)
    corp, main = IndexLocation("https://corp.example", "corp", ("lib",)), IndexLocation(DEFAULT)
    one, site, _ = clients(tmp_path, first, named, corp, main)
    found = {name: one.of(canonicalize_name(name)) for name in ("app", "lib", "own", "other")}
    assert found == {"app": first, "lib": corp, "own": named, "other": main} and not site.requests
    main_first, _, _ = clients(tmp_path, main, corp, named, first)
    assert {name: main_first.of(canonicalize_name(name)) for name in found} == found
    assert clients(tmp_path, main, corp)[0].of(NormalizedName("lib")) == corp
    alone, _, _ = clients(tmp_path, first)
    assert alone.of(NormalizedName("other")) is None and alone.page(NormalizedName("other")) is None
    assert clients(tmp_path, corp)[0].of(NormalizedName("other")) is None
    assert clients(tmp_path, main)[0].of(NormalizedName("any")) == main
    page = one.page(NormalizedName("app"))
    assert page and [(file.filename, file.size) for file in page.files] == [(app, 1)] and page.index == first.address
    assert one.releases(NormalizedName("app"), SpecifierSet()) is None
    one.keep_releases(SpecifierSet(), page)


def test_a_project_of_two_open_folders_is_refused(tmp_path: Path) -> None:
    app = "app-1-py3-none-any.whl"
    a, b, c = (IndexLocation(folder_of(tmp_path / name, app), links=True) for name in "abc")
    with pytest.raises(InputError) as caught:
        clients(tmp_path, a, b, c)[0].of(NormalizedName("app"))
    assert (str(caught.value), caught.value.hint) == (
        f"`app` is in `{a.address}` and in `{b.address}`; a project can come from only one of the two",
        f"name one folder: --find-links NAME={a.address} --from NAME=app",
    )


def test_releases_are_kept_by_the_index_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corp = IndexLocation("https://corp.example", "corp", ("lib",))
    one, _, _ = clients(tmp_path, corp, IndexLocation(DEFAULT))
    done: list[tuple[str, object, object]] = []
    monkeypatch.setattr(Index, "releases", lambda self, *given: done.append((self.name, *given)))
    monkeypatch.setattr(Index, "keep_releases", lambda self, *given: done.append((self.name, *given)))
    allowed, page = SpecifierSet(">1"), Page(NormalizedName("app"), "i", "https://h.example/app/", [])
    one.releases(NormalizedName("lib"), allowed)
    one.keep_releases(allowed, page)
    assert done == [("https://corp.example", "lib", allowed), (DEFAULT, allowed, page)]


def test_a_token_is_learned_for_its_index(tmp_path: Path) -> None:
    http, _, _ = asking(lambda *_: Answer())
    given = (IndexLocation("https://corp.example", "corp", ("lib",)), IndexLocation(DEFAULT))
    IndexLocations(given, http, PageCache(http, Cache(tmp_path)), {"corp": "one"})
    assert (http.credentials.auth("https://corp.example/a"), http.credentials.auth(DEFAULT)) == ("Bearer one", None)


# Links


def test_a_page_of_links_is_requested_once_with_its_query_and_must_be_there() -> None:
    body = b'<a href="app-1-py3-none-any.whl">x</a> <a href="lib-1.tar.gz">y</a> <a href="app-2-py3-none-any.whl">z</a>'
    http, site, _ = asking(lambda *_: Answer(200, body, Content_Type="text/html"))
    links = LinksPage("https://u:p@h.example/files/?t=1", http)
    page = links.page(NormalizedName("app"))
    assert page and [file.filename for file in page.files] == ["app-1-py3-none-any.whl", "app-2-py3-none-any.whl"]
    assert links.holds(NormalizedName("lib")) and not links.holds(NormalizedName("other"))
    assert links.page(NormalizedName("other")) is None and links.name == page.index == "https://h.example/files/"
    assert [request[1] for request in site.requests] == ["https://h.example/files/?t=1"] and site.authorizations[0]
    assert site.requests[0][2]["Accept"] == "application/vnd.pypi.simple.v1+html, text/html"
    gone, _, _ = asking(lambda *_: Answer(404))
    with pytest.raises(ServerError) as caught:
        LinksPage("https://h.example/files?t=1", gone).holds(NormalizedName("app"))
    assert (str(caught.value), caught.value.hint) == (
        "https://h.example/files answered 404",
        "check the address after --find-links",
    )


def test_the_first_address_of_a_file_stays() -> None:
    addresses = FileAddresses()
    addresses.remember("a", "one")
    addresses.remember("a", "two")
    assert addresses.get("a") == "one" and addresses.get("b") is None
