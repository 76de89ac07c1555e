"""The pages of an index for people: they say what is there and why, load nothing, and turn no text into markup."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError
from wheelhouse.findings import Severity
from wheelhouse.mirror.keep import decide
from wheelhouse.mirror.notes import Known, parse_notes
from wheelhouse.mirror.state import Action, Entry
from wheelhouse.mirror.static_index import IndexChoices, index
from wheelhouse.mirror.tree import read_notes
from wheelhouse.mirror.verify_tree import verify_tree

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHOICES = IndexChoices("Ada", NOW)
EVIL = '<script>alert(1)</script> \u202e & "quoted"'


def entry(action: Action, subject: str, reason: str = EVIL, status: str = "") -> Entry:
    return Entry(action=action, subject=subject, made=NOW, by="<b>Ada", reason=reason, status=status)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of two jobs, `web` and `batch`, which both need `lib`."""
    monkeypatch.chdir(tmp_path)
    for job, requirement, needs in (("web", "app", "middle"), ("batch", "tool", "lib")):
        (tmp_path / job).mkdir()
        build_wheel(tmp_path / job, requirement, "1.0", requires=[needs])
        build_wheel(tmp_path / job, "lib", "1.0")
        if needs == "middle":
            build_wheel(tmp_path / job, needs, "1.0", requires=["lib"])
        wheelhouse_of(tmp_path / job, requirement)
    index([Path("web"), tmp_path / "batch"], Path("tree"), CHOICES)
    return tmp_path / "tree"


def text(page: Path) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<(script|style)>.*?</\1>|<[^>]*>", " ", page.read_text(), flags=re.DOTALL))


def test_a_page_says_which_lock_files_need_a_file_and_by_which_chain(tree: Path) -> None:
    page = text(tree / "lib/browse.html")
    assert "lib 1.0" in page and "2 lock files" in page
    assert "web , cp312-manylinux_2_28_x86_64 app → middle → lib" in page
    assert "batch , cp312-manylinux_2_28_x86_64 tool → lib" in page
    assert str(tree.parent) not in (tree / "lib/browse.html").read_text(), "no path of this machine"


def test_wheelhouses_with_equal_names_and_targets_are_both_noted(tmp_path: Path) -> None:
    for job in ("web", "batch"):
        folder = tmp_path / job / "wheelhouse"
        folder.mkdir(parents=True)
        build_wheel(folder, job, "1.0")
        wheelhouse_of(folder, job)
    folders = [tmp_path / "web/wheelhouse", tmp_path / "batch/wheelhouse"]
    for _ in range(2):
        index(folders, tmp_path / "tree", CHOICES)
        for job in ("web", "batch"):
            assert f"wheelhouse , cp312-manylinux_2_28_x86_64 {job}" in text(tmp_path / "tree" / job / "browse.html")


def test_what_a_job_no_longer_needs_is_no_reason_any_more(tree: Path) -> None:
    for path in (tree.parent / "web").iterdir():
        path.unlink()
    build_wheel(tree.parent / "web", "app", "2.0")
    index([wheelhouse_of(tree.parent / "web", "app").relative_to(tree.parent)], tree, CHOICES)
    page = text(tree / "lib/browse.html")
    assert "1 lock file" in page and "middle" not in page
    assert "app 2.0" in text(tree / "app/browse.html")


def test_decisions_are_on_the_pages_and_no_text_becomes_markup(tree: Path) -> None:
    decisions = [
        entry(Action.REMOVE, "lib==1.0"),
        entry(Action.BLOCK, "evil-*"),
        entry(Action.YANK, "app==1.0"),
        entry(Action.STATUS, "tool", status="deprecated"),
    ]
    decide(tree, decisions)
    pages = {path.parent.name: path.read_text() for path in tree.rglob("browse.html")}
    assert all("<script>alert" not in page and "\u202e" not in page and "<b>Ada" not in page for page in pages.values())
    shown = "&lt;script&gt;alert(1)&lt;/script&gt; \\u202e &amp; &#34;quoted&#34;"
    assert f"lib==1.0 removed by &lt;b&gt;Ada on 2026-03-01: {shown}" in pages["lib"]
    assert "This index has no release of this project." in pages["lib"] and "pip install" not in pages["lib"]
    assert (
        f"Yanked: {shown}" in pages["app"] and f"evil-* blocked by &lt;b&gt;Ada on 2026-03-01: {shown}" in pages["tree"]
    )
    assert '<span class="mark deprecated">deprecated</span>' in pages["tool"]
    root = text(tree / "browse.html")
    assert "lib removed no release" in root and "app yanked 1.0" in root and "tool deprecated" in root


def test_what_is_known_of_a_file_is_shown_and_kept_until_it_is_known_anew(tree: Path) -> None:
    known = Known(("Ada", "Bob"), ("CVE-2026-1: <leaks> (fixed in 2.0)",))
    knows = replace(CHOICES, knows=lambda project, _file: known if project == "lib" else Known())
    index([Path("web")], tree, knows)
    for _ in range(2):
        page = text(tree / "lib/browse.html")
        assert "approved by Ada, Bob" in page and "advisory CVE-2026-1: &lt;leaks&gt; (fixed in 2.0)" in page
        assert "findings" in text(tree / "browse.html") and "approved" not in text(tree / "app/browse.html")
        index([Path("web")], tree, CHOICES)
    index([Path("web")], tree, replace(CHOICES, knows=lambda _project, _file: Known()))
    assert "approved" not in text(tree / "lib/browse.html")


def test_a_page_loads_nothing_and_names_only_what_is_there(tree: Path) -> None:
    for path in tree.rglob("browse.html"):
        page = path.read_text()
        assert "default-src 'none'" in page and "unsafe" not in page
        links = re.findall(r'(?:href|src|action)="([^"]*)"', page)
        assert links and all((path.parent / link).resolve().is_file() for link in links), path


def test_a_page_for_people_that_was_altered_is_found(tree: Path) -> None:
    (tree / "lib/browse.html").write_text("another")
    (tree / "browse.html").unlink()
    assert {(finding.subject, finding.rule, finding.severity) for finding in verify_tree(tree).findings} == {
        ("lib/browse.html", "altered", Severity.WARNING),
        ("browse.html", "missing", Severity.WARNING),
    }
    index([Path("web")], tree, CHOICES)
    assert not verify_tree(tree).findings


def test_an_index_without_pages_for_people_is_whole(tree: Path) -> None:
    """Such as one that wheelhouse 0.1 wrote."""
    for path in (*tree.rglob("browse.html"), *(tree / ".wheelhouse").iterdir()):
        path.unlink()
    assert not verify_tree(tree).findings


def test_notes_that_cannot_be_read_are_named(tree: Path) -> None:
    assert len(read_notes(tree)) == 4
    with pytest.raises(InputError, match="the notes of the index cannot be read"):
        parse_notes('{"0": 1}')
