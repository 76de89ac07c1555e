"""Which members of a file differ from those of the file that it replaces, and what changed in those that run."""

import json
from pathlib import Path

import pytest

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
    member_changes,
    running_members,
    text_diff,
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
