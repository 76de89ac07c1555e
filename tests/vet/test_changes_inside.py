"""The changes inside a file that replaces another, by tables of members, texts and metadata; no file is read."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.native_code import Native
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.capabilities import Capability
from wheelhouse.vet.diff import Change, Kind, Topic, changes
from wheelhouse.vet.facts import Entry, Facts, Inside

WHEEL, SDIST = "odd-1.0-py3-none-any.whl", "odd-1.0.tar.gz"
STARTS = "start-up files, scripts and setup.py"


def facts(
    *entries: Entry,
    filename: str = WHEEL,
    texts: Mapping[str, str] = {},
    headers: Mapping[str, str | tuple[str, ...]] = {},
    requires: tuple[str, ...] = (),
) -> Facts:
    fields = {name: (value,) if isinstance(value, str) else value for name, value in headers.items()}
    pin = Pin(canonicalize_name("odd"), Version("1.0"), Artifact(filename, "0" * 64, 1), dependencies=requires)
    return Facts(pin, inside=Inside(entries, texts, fields))


def named(*names: str, filename: str = WHEEL) -> Facts:
    return facts(*(Entry(name, 1) for name in names), filename=filename)


def added(new: Facts) -> dict[str, tuple[str, ...]]:
    """What a file has that replaces none: its lines by aspect."""
    found = changes(None, new)
    assert not any(change.removed for change in found)
    return {change.aspect: change.added for change in found}


def test_kinds_and_topics_have_the_names_that_documents_show() -> None:
    assert [*map(str, Kind)] == ["other bytes", "down", "added", "up", "other files", "removed"]
    assert [*map(str, Topic)] == ["can", "runs", "native code", "licence", "requires", "metadata", "files"]


def test_a_file_that_replaces_none_has_all_its_lines_in_reading_order() -> None:
    new = facts(
        Entry("odd-1.0.dist-info/METADATA", 9),
        Entry("odd.pth", 20),
        Entry("odd/fast-0123abcd.so", 1500, kind="elf", native=Native("x86_64", ("libc.so.6", "libodd-0123abcd.so"))),
        Entry("odd-1.0.data/scripts/run", 3, executable=True, kind="script"),
        texts={
            "odd-1.0.dist-info/entry_points.txt": "[gui_scripts]\nodd = odd:main\n",
            "odd-1.0.dist-info/licenses/LICENSE": "All  rights\n reserved",
        },
        headers={"license": "Ours\nand yours", "home-page": "https://Odd.example/", "author": "Ada"},
        requires=("b>=1", "a"),
    )
    inside = replace(new.inside, code_capabilities={Capability.NETWORK: ("odd/net.py",)})
    assert changes(None, replace(new, inside=inside)) == (
        Change(Topic.CAPABILITIES, "can", (), ("native", "network")),
        Change(Topic.RUNS, STARTS, (), ("*.data/scripts/run", "odd.pth")),
        Change(Topic.RUNS, "entry points", (), ("gui_scripts: odd = odd:main",)),
        Change(Topic.RUNS, "marked executable", (), ("*.data/scripts/run",)),
        Change(Topic.NATIVE, "native files", (), ("odd/fast.so, 1.5 kB",)),
        Change(Topic.NATIVE, "libraries that they link to", (), ("libc.so.6", "libodd.so")),
        Change(Topic.LICENCE, "licence", (), ("Ours",)),
        Change(Topic.LICENCE, "licence files", (), ("LICENSE, 19 characters",)),
        Change(Topic.REQUIRES, "requires", (), ("a", "b>=1")),
        Change(Topic.METADATA, "addresses", (), ("odd.example",)),
        Change(Topic.FILES, "top-level names", (), ("odd", "odd.pth")),
    )


def test_a_file_that_is_the_same_has_no_changes() -> None:
    new = facts(Entry("odd/a.py", 1), headers={"author": "Ada", "license": "MIT"}, requires=("a",))
    assert changes(new, new) == ()


def test_a_file_that_replaces_another_has_what_was_removed_and_added() -> None:
    fields = ("author", "author-email", "maintainer", "maintainer-email", "requires-python")
    old = facts(
        *(Entry("odd/a.py", 1), Entry("odd/b.py", 2), Entry("odd/c.py", 3)),
        headers={**dict.fromkeys(fields, "x"), "keywords": "x"},
        requires=("a", "b"),
    )
    new = facts(
        *(Entry("odd/a.py", 1), Entry("odd/b.py", 1500), Entry("odd/d.py", 3)),
        headers={**dict.fromkeys(fields, "y"), "keywords": "y"},
        requires=("b", "c"),
    )
    titles = ("Author", "Author-email", "Maintainer", "Maintainer-email", "Requires-python")
    assert changes(old, new) == (
        Change(Topic.REQUIRES, "requires", ("a",), ("c",)),
        *(Change(Topic.METADATA, title, ("x",), ("y",)) for title in titles),
        Change(Topic.FILES, "unpacked", ("3 files, 6 bytes",), ("3 files, 1.5 kB",)),
        Change(Topic.FILES, "members", ("odd/c.py",), ("odd/d.py",)),
        Change(Topic.FILES, "members with other contents", (), ("odd/b.py",)),
    )


@pytest.mark.parametrize(
    ("old", "new", "removed", "came"),
    [
        (("a", "b"), ("a",), ("b",), ()),
        (("a",), ("a", "b"), (), ("b",)),
    ],
)
def test_members_that_were_only_removed_or_only_added_are_a_change(
    old: tuple[str, ...], new: tuple[str, ...], removed: tuple[str, ...], came: tuple[str, ...]
) -> None:
    found = [change for change in changes(named(*old), named(*new)) if change.aspect.startswith("members")]
    assert found == [Change(Topic.FILES, "members", removed, came)]


@pytest.mark.parametrize(
    ("old", "new"), [(WHEEL, WHEEL), (SDIST, SDIST), (SDIST, WHEEL), (WHEEL, SDIST), (None, SDIST)]
)
def test_an_sdist_runs_code_in_the_place_of_a_wheel_alone(old: str | None, new: str) -> None:
    found = changes(facts(filename=old) if old else None, facts(filename=new))
    aspect = "an sdist in the place of a wheel: its code runs when it is built"
    assert found == ((Change(Topic.RUNS, aspect),) if (old, new) == (WHEEL, SDIST) else ())


def test_what_runs_by_itself_is_named_by_its_place() -> None:
    wheel = named(
        *("odd.pth", "odd/inner.pth", "sitecustomize.py", "odd/usercustomize.py", "odd-1.0.data/scripts/run"),
        *("odd/setup.py", "odd/pth", "odd-1.0.data/data/scripts/no", "odd/x.data/scripts/no", "odd/xsitecustomize.py"),
    )
    runs = ("*.data/scripts/run", "odd.pth", "odd/inner.pth", "odd/usercustomize.py", "sitecustomize.py")
    assert added(wheel)[STARTS] == runs
    sdist = named("odd-1.0/setup.py", "odd-1.0/x.pth", "odd-1.0/x.py", filename=SDIST)
    assert added(sdist)[STARTS] == ("setup.py", "x.pth")
    others = named("odd-1.0/sub/setup.py", "odd-1.0/my_setup.py", "setup.py/odd", "setup.py", filename=SDIST)
    assert STARTS not in added(others)


def test_native_code_is_named_with_its_size_and_not_as_executable() -> None:
    kinds = ("elf", "pe", "macho", "script", "zip", "")
    names = {"elf": "odd-1.0.data/platlib/x-0123abcd.so.1", "pe": "odd/x-0123abc.so", "macho": "odd/x-0123abcd"}
    found = added(facts(*(Entry(names.get(kind, f"odd/{kind}"), 5, executable=True, kind=kind) for kind in kinds)))
    assert found["native files"] == (
        "*.data/platlib/x.so.1, 5 bytes",
        "odd/x-0123abc.so, 5 bytes",
        "odd/x-0123abcd, 5 bytes",
    )
    assert found["marked executable"] == ("odd/", "odd/script", "odd/zip")
    assert "marked executable" not in added(facts(Entry("odd/run", 5, kind="script")))


def test_the_licence_is_its_expression_else_the_first_line_of_its_field() -> None:
    fields: dict[str, tuple[str, ...]] = {"MIT License": ("MIT",), " Ours\n and yours": ("Ours",), " ": ()}
    assert {text: added(facts(headers={"license": text})).get("licence", ()) for text in fields} == fields


def test_licence_files_are_those_in_the_metadata_folder() -> None:
    names = ("MY-LICENSE", "licence.txt", "COPYING", "licenses/NOTICE", "AUTHORS")
    texts = {f"odd-1.0.dist-info/{name}": " a\n b " for name in names} | {"odd/LICENSE": "a", "x.dist-info": "a"}
    expected = ("COPYING", "MY-LICENSE", "NOTICE", "licence.txt")
    assert added(facts(texts=texts))["licence files"] == tuple(f"{name}, 3 characters" for name in expected)


def test_addresses_are_host_and_owner() -> None:
    urls = (
        *("Home, page,  https://www.GitHub.com/Ada/odd?x#y", "http://a.example", "Docs, HTTPS://b.example/?x"),
        *("see https://evil.example/", "x, see https://evil.example/", "ftp://c.example/"),
    )
    found = added(facts(headers={"project-url": urls, "home-page": "https://d.example/e/f", "x": "https://g.example"}))
    assert found["addresses"] == ("a.example", "b.example", "d.example/e", "github.com/ada")


def test_the_version_in_the_folder_of_an_sdist_is_no_change() -> None:
    def sdist(version: str) -> Facts:
        members = [
            Entry("", 0, executable=True),
            Entry("configure", 5, executable=True, digest="a"),
            Entry("a.pth", 5, digest="b"),
            Entry("lib.so", 5, kind="elf", digest="c"),
        ]
        entries = (replace(one, name=f"odd-{version}/{one.name}") for one in members)
        return facts(*entries, filename=f"odd-{version}.tar.gz")

    assert changes(sdist("1.0"), sdist("1.1")) == ()


def test_top_level_names_are_those_of_a_wheel() -> None:
    names = ("odd/a/b.py", "b.py", "odd-1.0.dist-info/RECORD", "odd-1.0.data/scripts/x", "odd-1.0.data/purelib/c/d.py")
    assert added(named(*names))["top-level names"] == ("b.py", "c", "odd")
    assert "top-level names" not in added(named(*names, filename=SDIST))
