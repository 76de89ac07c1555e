"""The journal of an index: what is read from it, and which of its decisions count."""

from datetime import UTC, datetime

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.errors import InputError
from wheelhouse.mirror.simple import Offered, ProjectPage, parse_project_page, project_html, project_json
from wheelhouse.mirror.state import (
    Action,
    Entry,
    Pattern,
    applied,
    decision_text,
    journal_text,
    parse_journal,
    state_of,
)

MADE = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIB = canonicalize_name("lib")


def entry(action: Action, subject: str = "", **more: str) -> Entry:
    return Entry(action=action, subject=subject, made=MADE, by="Ada", **more)  # type: ignore[arg-type]


def offered(version: str, yanked: str | None = None) -> Offered:
    return Offered(f"lib-{version}-py3-none-any.whl", "0" * 64, 7, yanked=yanked)


def page(*files: Offered, status: str | None = None) -> ProjectPage:
    return ProjectPage({file.filename: file for file in files}, status)


def test_a_journal_is_read_as_it_was_written() -> None:
    entries = (
        entry(Action.REMOVE, "lib==1.0", reason="a\nb \u202e c \u2028 d \x85 e \u2029"),
        entry(Action.STATUS, "lib", status="archived"),
        Entry(action=Action.INDEX, made=MADE, by="Ada", files=("lib-1.0.tar.gz",)),
    )
    text = journal_text(entries)
    assert parse_journal(text, "j") == entries and text.count("\n") == 3
    assert parse_journal("", "j") == ()


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"action":"explode","made":"2026-03-01T00:00:00Z","by":"Ada"}',
        '{"action":"remove","made":"2026-03-01T00:00:00Z","by":"Ada","subject":"lib"}',
        '{"action":"block","made":"2026-03-01T00:00:00Z","by":"Ada","subject":"lib<"}',
        '{"action":"status","made":"2026-03-01T00:00:00Z","by":"Ada","subject":"lib","status":"odd"}',
        '{"action":"index","made":"2026-03-01T00:00:00Z","by":"Ada","format":2}',
        '{"action":"index","made":"yesterday","by":"Ada"}',
        '{"action":"index","made":"2026-03-01T00:00:00","by":"Ada"}',
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    """A line that is passed over would let something in again."""
    good = journal_text([entry(Action.REMOVE, "lib==1.0")])
    with pytest.raises(InputError, match=r"`tree/journal\.jsonl`, line 2, cannot be read"):
        parse_journal(good + line + "\n", "tree/journal.jsonl")


PATTERNS = {
    ("lib", "lib", "1.0"): True,
    ("LIB", "lib", "1.0"): True,
    ("a.b_c", "a-b-c", "1"): True,
    ("acme-*", "acme-core", "1.0"): True,
    ("acme-*", "acme", "1.0"): False,
    ("lib<2", "lib", "1.9"): True,
    ("lib<2", "lib", "2.0"): False,
    ("lib >=1, <2", "lib", "1.5"): True,
    ("lib==1.*", "lib", "1.5rc1"): True,
    ("lib<2", "lib", "2.0rc1"): False,
    ("*", "anything", "0"): True,
}


@pytest.mark.parametrize(("case", "is_covered"), PATTERNS.items())
def test_a_pattern_covers_projects_and_versions(case: tuple[str, str, str], is_covered: bool) -> None:
    pattern, project, version = case
    assert Pattern.of(pattern).covers(canonicalize_name(project), Version(version)) is is_covered


@pytest.mark.parametrize(
    "text", ["", "lib<", "lib 1.0", "lib[extra]", "../x", "lib==x", "-r file\n", f"lib<{'9' * 5000}"]
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a pattern"):
        Pattern.of(text)


def test_a_decision_in_words() -> None:
    words = {action: decision_text(entry(action, "lib", status="archived")).split()[1] for action in Action}
    assert words == {
        Action.INDEX: "indexed",
        Action.PRUNE: "pruned",
        Action.REMOVE: "removed",
        Action.RESTORE: "restored",
        Action.YANK: "yanked",
        Action.UNYANK: "unyanked",
        Action.BLOCK: "blocked",
        Action.UNBLOCK: "unblocked",
        Action.STATUS: "archived",
    }


def test_the_last_decision_about_a_subject_counts() -> None:
    entries = [
        entry(Action.REMOVE, "Lib==1.0"),
        entry(Action.BLOCK, "evil-*"),
        entry(Action.REMOVE, "lib==2.0"),
        entry(Action.RESTORE, "lib==1.0.0"),
        entry(Action.BLOCK, "lib<0.9"),
        entry(Action.UNBLOCK, "evil-*"),
        entry(Action.STATUS, "old", status="quarantined"),
        entry(Action.STATUS, "lib", status="quarantined"),
        entry(Action.STATUS, "lib", status="active"),
    ]
    state = state_of(entries)
    out = {(name, version): bool(state.keeps_out(canonicalize_name(name), Version(version))) for name, version in OUT}
    assert out == OUT


OUT = {
    ("lib", "1.0"): False,
    ("lib", "2.0"): True,
    ("lib", "2.0.0"): True,
    ("lib", "2.0.1"): False,
    ("lib", "0.8"): True,
    ("evil-x", "1.0"): False,
    ("old", "1.0"): True,
}


def test_the_page_says_what_was_decided_and_keeps_what_the_lock_file_says() -> None:
    state = state_of(
        [
            entry(Action.YANK, "lib==1.0", reason="loses <data>"),
            entry(Action.REMOVE, "lib==3.0"),
            entry(Action.STATUS, "lib", status="deprecated", reason="use lob"),
        ]
    )
    before = page(offered("1.0", yanked="old news"), offered("2.0", yanked=""), offered("3.0"), status="archived")
    shown = applied(state, LIB, before)
    assert [file.yanked_shown for file in shown.files.values()] == ["loses <data>", ""]
    html = project_html(LIB, shown)
    assert 'data-yanked="loses &lt;data&gt;"' in html and 'content="use lob"' in html and "3.0" not in html
    read = parse_project_page(project_json(LIB, shown))
    assert read == shown
    assert applied(state_of([]), LIB, read) == page(*list(before.files.values())[:2], status="archived")
