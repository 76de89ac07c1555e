"""Which members of a file differ from those of the file that it replaces, and what changed in those that run."""

import json
from pathlib import Path

import pytest

from tests.support.made_pins import made_facts
from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel
from tests.vet.test_rules import facts_of
from wheelhouse.archive.named_members import contents_of_members
from wheelhouse.cli.entry import run
from wheelhouse.report.difference import difference_document
from wheelhouse.report.diffpage import content_view, diff_view
from wheelhouse.report.rendering import render
from wheelhouse.vet.compare import diff
from wheelhouse.vet.diff import Replaced, Topic
from wheelhouse.vet.facts import Entry
from wheelhouse.vet.member_changes import (
    MAX_DIFF_BYTES,
    MAX_DIFF_LINES,
    MAX_DIFFS,
    MemberChange,
    TextDiff,
    member_changes,
    running_members,
    text_diff,
    text_diffs,
    without_version,
)

OLD = {"odd/__init__.py": b"x = 1\n", "odd/gone.py": b"", "odd.pth": b"import aaa\n", "odd/data.bin": b"1"}
NEW = {"odd/__init__.py": b"x = 1\nimport os\n", "odd/new.py": b"", "odd.pth": b"import bbb\n", "odd/data.bin": b"2"}


@pytest.fixture
def replaced(tmp_path: Path) -> Replaced:
    """A file of 1.1 that replaces one of 1.0."""
    for name, version, files in (("old", "1.0", OLD), ("new", "1.1", NEW)):
        (tmp_path / name).mkdir()
        build_wheel(tmp_path / name, "odd", version, files=files)
        wheelhouse_of(tmp_path / name, "odd")
    (difference,) = diff(tmp_path / "old", tmp_path / "new", with_texts=True)
    (file,) = difference.files
    return file


def test_every_member_that_differs_is_named_with_its_digests(replaced: Replaced) -> None:
    members = {member.name: (bool(member.old), bool(member.new)) for member in replaced.members}
    assert members == {
        "*.dist-info/METADATA": (True, True),
        "odd.pth": (True, True),
        "odd/__init__.py": (True, True),
        "odd/data.bin": (True, True),
        "odd/gone.py": (True, False),
        "odd/new.py": (False, True),
    }
    (pth,) = [member for member in replaced.members if member.name == "odd.pth"]
    assert pth.old and pth.new and pth.old.size == pth.new.size
    assert pth.old.digest != pth.new.digest and pth.new.digest.startswith("sha256=")


def test_the_changes_name_members(replaced: Replaced) -> None:
    changes = {
        change.aspect: (change.removed, change.added) for change in replaced.changes if change.topic is Topic.FILES
    }
    assert changes["members"] == (("odd/gone.py",), ("odd/new.py",))
    assert "odd.pth" in changes["members with other contents"][1]


def test_what_runs_has_a_diff_and_what_starts_comes_first(replaced: Replaced) -> None:
    texts = {text.name: text.lines for text in replaced.texts}
    assert list(texts) == ["odd.pth", "*.dist-info/METADATA", "odd/__init__.py", "odd/gone.py", "odd/new.py"]
    assert texts["odd.pth"] == ("@@ -1 +1 @@", "-import aaa", "+import bbb")
    assert "+import os" in texts["odd/__init__.py"]


def test_the_page_shows_the_diffs_folded_and_json_has_the_digests(
    replaced: Replaced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    differences = diff(tmp_path / "old", tmp_path / "new", with_texts=True)
    page = render("diff.html.j2", diff_view(differences, "old", "new"))
    assert '<details class="diff"><summary><code>odd.pth</code>' in page
    assert '<span class="came">+<span class="t-keyword">import</span> bbb</span>' in page and "odd/data.bin" in page
    (row,) = [
        row for row in difference_document(differences)[0]["files"][0]["members"] if row["member"] == "odd/gone.py"
    ]
    assert row["was"].startswith("sha256=") and row["now"] is None
    monkeypatch.chdir(tmp_path)
    assert run(["vet", "new", "--since", "old", "--html", "page.html", "--quiet"]) == 1
    assert '+<span class="t-keyword">import</span> bbb</span>' in (tmp_path / "page.html").read_text()
    capsys.readouterr()
    assert run(["diff", "old", "new", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"][0]["files"][0]["members"]


def test_texts_are_compared_only_if_asked_for(replaced: Replaced, tmp_path: Path) -> None:
    (difference,) = diff(tmp_path / "old", tmp_path / "new")
    assert difference.files[0].members == replaced.members and difference.files[0].texts == ()


def test_a_wheel_is_compared_with_the_sdist_that_it_replaces(tmp_path: Path) -> None:
    files = {"src/odd/__init__.py": b"x = 1\n", "src/odd/same.py": b"y\n"}
    sdist = facts_of(build_sdist(tmp_path, "odd", "1.0", files=files))
    wheel = facts_of(
        build_wheel(
            tmp_path, "odd", "1.0", files={"odd/__init__.py": b"x = 2\n", "odd/same.py": b"y\n", "odd/evil.py": b""}
        )
    )
    differing = {member.name for member in member_changes(sdist, wheel) if member.new}
    assert {"odd/__init__.py", "odd/evil.py"} <= differing and "odd/same.py" not in differing


def test_a_member_in_src_does_not_hide_another_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = facts_of(build_sdist(tmp_path / "old", "odd", "1.0", files={"setup.py": b"a", "src/odd.py": b"x"}))
    files = {"setup.py": b"evil", "src/setup.py": b"a", "src/src/setup.py": b"a", "odd.py": b"x"}
    new = facts_of(build_sdist(tmp_path, "odd", "1.1", files=files))
    differing = {member.name: (bool(member.old), bool(member.new)) for member in member_changes(old, new)}
    setups = {name: where for name, where in differing.items() if name.endswith("setup.py")}
    assert setups == {"setup.py": (True, True), "src/setup.py": (False, True), "src/src/setup.py": (False, True)}
    assert "odd.py" not in differing


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_some_members_of_an_sdist_can_be_read(tmp_path: Path, suffix: str) -> None:
    path = build_sdist(tmp_path, "odd", "1.0", files={"a.py": b"a", "b.py": b"b" * 9}, suffix=suffix)
    assert contents_of_members(path, path.name, {"odd-1.0/a.py", "odd-1.0/b.py"}, 8) == {"odd-1.0/a.py": b"a"}
    assert contents_of_members(path, path.name, (), 8) == {}


def test_some_members_of_a_wheel_can_be_read(tmp_path: Path) -> None:
    path = build_wheel(tmp_path, "odd", "1.0", files={"a.py": b"a", "b.py": b"b" * 9, "c.py": b"c"})
    assert contents_of_members(path, path.name, {"a.py", "b.py"}, 8) == {"a.py": b"a"}


def test_a_diff_is_bounded() -> None:
    long = text_diff("odd.py", [], [str(number) for number in range(2 * MAX_DIFF_LINES)])
    assert len(long.lines) == MAX_DIFF_LINES and long.omitted == MAX_DIFF_LINES + 1
    assert text_diff("odd.py", ["a"], ["a"]).lines == ()
    many = [MemberChange(f"odd/m{number}.py", None, Entry("x", 1)) for number in range(2 * MAX_DIFFS)]
    assert len(running_members(many)) == MAX_DIFFS


def test_tests_come_last_and_data_does_not_run() -> None:
    names = (
        "odd/tests/__init__.py",
        "odd/data.json",
        "odd/z.py",
        "odd/__init__.py",
        "*.data/scripts/odd",
        "sitecustomize.py",
    )
    members = [MemberChange(name, None, Entry(name, 1)) for name in names]
    assert [member.name for member in running_members(members)] == [
        *("sitecustomize.py", "*.data/scripts/odd", "odd/__init__.py", "odd/z.py", "odd/tests/__init__.py")
    ]


def test_a_long_member_has_no_diff(tmp_path: Path) -> None:
    for name, text in (("old", b"x"), ("new", b"y")):
        (tmp_path / name).mkdir()
        build_wheel(tmp_path / name, "odd", "1.0", files={"odd/__init__.py": text * (MAX_DIFF_BYTES + 1)})
        wheelhouse_of(tmp_path / name, "odd")
    (difference,) = diff(tmp_path / "old", tmp_path / "new", with_texts=True)
    assert [member.name for member in difference.files[0].members] == ["odd/__init__.py"]
    assert difference.files[0].texts == ()


def test_a_files_page_shows_the_diffs_of_what_it_can_do_now_first(replaced: Replaced) -> None:
    names = [text["name"] for text in content_view(replaced, {"odd/__init__.py"})["texts"]]
    assert names[0] == "odd/__init__.py" and sorted(names) == sorted(text.name for text in replaced.texts)
    assert [text["name"] for text in content_view(replaced)["texts"]] == [text.name for text in replaced.texts]


def test_a_wheels_own_folders_have_names_without_version() -> None:
    names = {
        "odd-1.0.dist-info/METADATA": "*.dist-info/METADATA",
        "odd-1.0.data/scripts/x-1.0.data/y": "*.data/scripts/x-1.0.data/y",
        "odd/odd-1.0.dist-info/METADATA": "odd/odd-1.0.dist-info/METADATA",
        "odd.dist-info/METADATA": "odd.dist-info/METADATA",
        "a-b-1.0.dist-info/METADATA": "*.dist-info/METADATA",
        "odd-1.0.egg-info/x": "odd-1.0.egg-info/x",
    }
    assert {name: without_version(name) for name in names} == names


def test_a_member_differs_by_its_size_or_its_digest() -> None:
    def entries(version: str, **members: tuple[int, str]) -> list[Entry]:
        named = (Entry(name.replace("__", "/"), size, digest=digest) for name, (size, digest) in members.items())
        own = [Entry(f"odd-{version}.dist-info/{name}", len(version), digest="x") for name in OWN_FILES]
        return [*named, *own]

    old = entries("1.0", same=(1, "a"), size=(1, "a"), digest=(1, "a"), gone=(1, "a"), odd__=(0, "a"))
    new = entries("1.10", same=(1, "a"), size=(2, "a"), digest=(1, "b"), new=(1, "a"), even__=(0, "a"))
    before, after = made_facts(members=old), made_facts("odd-1.10-py3-none-any.whl", members=new)
    changes = member_changes(before, after)
    assert changes == (
        MemberChange("*.dist-info/RECORD.md", old[-1], new[-1]),
        MemberChange("digest", old[2], new[2]),
        MemberChange("gone", old[3], None),
        MemberChange("new", None, new[3]),
        MemberChange("size", old[1], new[1]),
    )


OWN_FILES = ("RECORD", "RECORD.jws", "RECORD.p7s", "RECORD.md")


def test_members_of_an_sdist_are_below_its_folder_and_without_src() -> None:
    names = ("odd-1.0/src/odd/a.py", "odd-1.0/odd/src/b.py", "odd-1.0/c.py", "/d", "odd-1.0/")
    sdist = made_facts("odd-1.0.tar.gz", members=names)
    assert [one.name for one in member_changes(made_facts(), sdist)] == ["c.py", "d", "odd/a.py", "odd/src/b.py"]


KINDS = (
    "a.pth odd.start sub/sitecustomize.py usercustomize/__init__.py *.data/purelib/b.pth *.data/data/lib/c.pth",
    "pyproject.toml setup.cfg setup.py",
    "*.data/data/Scripts/x *.data/data/bin/x *.data/scripts/x",
    "*.dist-info/entry_points.txt",
    "*.dist-info/METADATA PKG-INFO",
    "odd/__init__.py odd/sub/__init__.py top.py",
    "odd/mod.py odd/testing/x.py",
    "odd/test/x.py odd/tests/__init__.py test/y.py tests/a/__init__.py",
)
OTHERS = """
odd/a.pth odd/b.start odd/sitecustomize.txt xsitecustomize.txt *.data/headers/a.pth odd/setup.cfg setup.py.txt odd/pyproject.toml
*.data/data/share/x *.data/scripts/ odd/entry_points.txt *.dist-info/entry_points.txt2 *.dist-info/METADATA2 odd/PKG-INFO PKG-INFO2
top.pyc odd/mod.pyi odd/__init__.pyc README tests/data.json xsetup.toml
"""


def test_the_kind_of_a_member_decides_whether_and_where_it_is_shown() -> None:
    members = [MemberChange(name, None, Entry(name, 1)) for kind in reversed(KINDS) for name in reversed(kind.split())]
    others = [MemberChange(name, Entry(name, 1), None) for name in OTHERS.split()]
    shown = [one.name for one in running_members([*others, *members])]
    assert shown == [name for kind in KINDS for name in sorted(kind.split())]


def test_a_member_is_compared_if_its_contents_are_given_or_its_file_lacks_it() -> None:
    def change(name: str, old: str | None, new: str | None) -> MemberChange:
        return MemberChange(name, Entry(old, 1) if old else None, Entry(new, 1) if new else None)

    changes = [change("both", "a", "b"), change("new", None, "b"), change("gone", "a", None)]
    unread = [change("x", "c", "b"), change("y", "a", "c"), change("z", None, "c"), change("w", "c", None)]
    assert text_diffs([*unread, *changes], {"a": b"x\n\xff\n"}, {"b": b"x\n"}) == (
        TextDiff("both", ("@@ -1,2 +1 @@", " x", "-\ufffd")),
        TextDiff("new", ("@@ -0,0 +1 @@", "+x")),
        TextDiff("gone", ("@@ -1,2 +0,0 @@", "-x", "-\ufffd")),
    )
    assert [one.omitted for one in text_diffs(changes, {"a": b"x"}, {"b": b"y"})] == [0, 0, 0]


def test_three_lines_around_a_change_are_shown() -> None:
    lines = list("abcdefghij")
    assert text_diff("x", lines, [*lines[:4], "E", *lines[5:]]).lines == (
        *("@@ -2,7 +2,7 @@", " b", " c", " d", "-e", "+E", " f", " g", " h"),
    )
