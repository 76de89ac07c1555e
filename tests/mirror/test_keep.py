"""`wheelhouse mirror`: what was removed or blocked stays out, yanks and statuses reach the pages, and the journal says why."""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.golden import Session
from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError
from wheelhouse.events import Event, Warned
from wheelhouse.mirror import keep
from wheelhouse.mirror.keep import decide, prune
from wheelhouse.mirror.state import Action, Entry
from wheelhouse.mirror.static_index import IndexChoices, index
from wheelhouse.mirror.tree import read_journal
from wheelhouse.mirror.verify_tree import verify_tree

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHOICES = IndexChoices("Ada", NOW)
LIB1, LIB2, APP = (f"{name}-py3-none-any.whl" for name in ("lib-1.0", "lib-2.0", "app-1.0"))


def made(folder: Path, *releases: str) -> Path:
    folder.mkdir()
    for release in releases:
        build_wheel(folder, *release.split("=="))
    return wheelhouse_of(folder)


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two wheelhouses: `app` and `lib` 1.0; `lib` 2.0."""
    base = tmp_path_factory.mktemp("houses")
    return made(base / "one", "app==1.0", "lib==1.0"), made(base / "two", "lib==2.0")


@pytest.fixture
def tree(houses: tuple[Path, Path], tmp_path: Path) -> Path:
    index(houses, tmp_path / "tree", CHOICES)
    return tmp_path / "tree"


def entry(action: Action, subject: str, reason: str = "", status: str = "") -> Entry:
    return Entry(action=action, subject=subject, made=NOW, by="Ada", reason=reason, status=status)


def page(tree: Path, project: str = "lib") -> dict[str, object]:
    document: dict[str, object] = json.loads((tree / project / "index.json").read_text())
    return document


def names(tree: Path, project: str = "lib") -> list[str]:
    return [file["filename"] for file in page(tree, project)["files"]]  # type: ignore[attr-defined]


def archives(tree: Path) -> set[str]:
    return {path.name.removesuffix(".metadata") for path in tree.rglob("*") if ".whl" in path.name}


def test_a_tree_whose_folder_has_a_name_that_is_no_text(tmp_path: Path, houses: tuple[Path, Path]) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    index(houses, folder / "tree", CHOICES)
    configurations = [path.read_bytes() for path in (folder / "tree" / ".wheelhouse").glob("*f*")]
    assert any(os.fsencode(folder) in text for text in configurations)


def test_what_was_removed_stays_out_until_it_is_restored(tree: Path, houses: tuple[Path, Path]) -> None:
    removed = decide(tree, [entry(Action.REMOVE, "Lib==1.0", "CVE-2026-1")])
    assert removed.removed == (LIB1,) and archives(tree) == {LIB2, APP} and names(tree) == [LIB2]
    events: list[Event] = []
    index(houses, tree, replace(CHOICES, check=True), events.append)
    assert archives(tree) == {LIB2, APP} and names(tree) == [LIB2]
    assert [event for event in events if isinstance(event, Warned)] == [
        Warned(f"`{LIB1}` stays out of the index: lib==1.0 removed by Ada on 2026-03-01: CVE-2026-1")
    ]
    assert not verify_tree(tree).findings
    decide(tree, [entry(Action.RESTORE, "lib==1.0")])
    assert names(tree) == [LIB2]
    assert index(houses, tree, CHOICES).added == (LIB1,)
    assert names(tree) == [LIB1, LIB2] and not verify_tree(tree).findings


def test_a_project_whose_releases_were_all_removed_keeps_its_page(tree: Path, houses: tuple[Path, Path]) -> None:
    decide(tree, [entry(Action.REMOVE, "app==1.0", "withdrawn")])
    assert names(tree, "app") == [] and "app" in (tree / "index.json").read_text()
    assert not verify_tree(tree).findings
    decide(tree, [entry(Action.RESTORE, "app==1.0")])
    assert not (tree / "app").exists() and '"app"' not in (tree / "index.json").read_text()


def test_what_is_blocked_stays_out_before_and_after_it_came(tmp_path: Path, houses: tuple[Path, Path]) -> None:
    tree = tmp_path / "tree"
    index(houses[:1], tree, CHOICES)
    blocked = decide(tree, [entry(Action.BLOCK, "LIB", "not ours"), entry(Action.BLOCK, "other-*", "never")])
    assert blocked.removed == (LIB1,) and blocked.new == (True, True)
    again = decide(tree, [entry(Action.BLOCK, "lib", "not ours"), entry(Action.BLOCK, "third", "never")])
    assert again.new == (False, True)
    assert index(houses, tree, CHOICES).added == () and archives(tree) == {APP}
    decide(tree, [entry(Action.UNBLOCK, "lib")])
    assert index(houses, tree, CHOICES).added == (LIB1, LIB2)


def test_a_yank_reaches_the_pages_and_is_taken_back(tree: Path, houses: tuple[Path, Path]) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("index.*")}
    decide(tree, [entry(Action.YANK, "lib==1.0", "loses data")])
    index(houses, tree, CHOICES)
    assert [file["yanked"] for file in page(tree)["files"]] == ["loses data", False]  # type: ignore[attr-defined]
    assert 'data-yanked="loses data"' in (tree / "lib/index.html").read_text()
    assert not verify_tree(tree).findings and archives(tree) == {LIB1, LIB2, APP}
    decide(tree, [entry(Action.UNYANK, "lib==1.0")])
    assert {path: path.read_bytes() for path in tree.rglob("index.*")} == before


def test_a_status_reaches_the_pages_and_a_quarantine_empties_them(tree: Path, houses: tuple[Path, Path]) -> None:
    decide(tree, [entry(Action.STATUS, "lib", "no more work", "archived")])
    assert page(tree)["project-status"] == {"status": "archived", "reason": "no more work"}
    decide(tree, [entry(Action.STATUS, "lib", "stolen account", "quarantined")])
    index(houses, tree, CHOICES)
    assert names(tree) == [] and archives(tree) == {APP}
    assert page(tree)["project-status"] == {"status": "quarantined", "reason": "stolen account"}
    decide(tree, [entry(Action.STATUS, "lib", "", "active")])
    index(houses, tree, CHOICES)
    assert names(tree) == [LIB1, LIB2] and "project-status" not in page(tree)


def test_prune_removes_what_no_wheelhouse_names_and_it_may_come_again(tree: Path, houses: tuple[Path, Path]) -> None:
    of_run = entry(Action.PRUNE, "", "spring")
    assert prune(tree, houses[:1], of_run, dry_run=True).removed == (LIB2,)
    assert archives(tree) == {LIB1, LIB2, APP} and len(read_journal(tree)) == 1
    assert prune(tree, houses[:1], of_run, dry_run=False).removed == (LIB2,)
    assert archives(tree) == {LIB1, APP} and not verify_tree(tree).findings
    assert read_journal(tree)[-1].files == (LIB2,) and read_journal(tree)[-1].reason == "spring"
    assert index(houses, tree, CHOICES).added == (LIB2,)


def test_prune_keeps_a_file_by_its_name_and_hash(tree: Path, houses: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    build_wheel(other, "lib", "2.0", files={"lib/__init__.py": b"other = True\n"})
    removed = prune(tree, [houses[0], wheelhouse_of(other)], entry(Action.PRUNE, ""), dry_run=True).removed
    assert removed == (LIB2,)


def test_prune_keeps_a_locked_file_whose_page_is_missing(tree: Path, houses: tuple[Path, Path]) -> None:
    for name in ("index.json", "index.html", "browse.html"):
        (tree / "lib" / name).unlink()
    assert prune(tree, houses[:1], entry(Action.PRUNE, ""), dry_run=True).removed == (LIB2,)
    assert prune(tree, houses[:1], entry(Action.PRUNE, ""), dry_run=False).removed == (LIB2,)
    assert archives(tree) == {LIB1, APP}
    index(houses[:1], tree, CHOICES)
    assert names(tree) == [LIB1] and not verify_tree(tree).findings


def test_prune_takes_a_file_that_was_deleted_by_hand_from_its_page(tree: Path, houses: tuple[Path, Path]) -> None:
    (tree / "lib" / LIB2).unlink()
    before = read_journal(tree)
    assert prune(tree, [houses[0]], entry(Action.PRUNE, ""), dry_run=True).removed == ()
    assert names(tree) == [LIB1, LIB2]
    done = prune(tree, [houses[0]], entry(Action.PRUNE, ""), dry_run=False)
    assert (done.removed, done.is_new) == ((), False) and read_journal(tree) == before
    assert names(tree) == [LIB1] and not verify_tree(tree).findings


def test_prune_refuses_to_remove_everything(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="list no file of the index"):
        prune(tree, [made(tmp_path / "none", "else==1.0")], entry(Action.PRUNE, ""), dry_run=False)
    assert archives(tree) == {LIB1, LIB2, APP}


REFUSED = {
    "a release that is not there": (entry(Action.REMOVE, "lib==9"), "the index does not have `lib==9`"),
    "a project that is not there": (entry(Action.YANK, "libb==1.0"), "the index does not have `libb==1.0`"),
    "no version": (entry(Action.REMOVE, "lib"), "is not the name and version of a release"),
    "no name": (entry(Action.REMOVE, "==1.0"), "is not the name and version of a release"),
    "what was not removed": (entry(Action.RESTORE, "lib==1.0"), "`lib==1.0` is not removed in this index"),
    "what was not yanked": (entry(Action.UNYANK, "lib==1.0"), "is not yanked in this index"),
    "what was not blocked": (entry(Action.UNBLOCK, "lib"), "is not blocked in this index"),
    "no pattern": (entry(Action.BLOCK, "lib<"), "is not a pattern"),
    "no status": (entry(Action.STATUS, "lib", status="dead"), "`dead` is not a status"),
    "the status of no project": (entry(Action.STATUS, "libb", status="archived"), "has no project `libb`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_decision_about_nothing_is_refused_and_changes_nothing(tree: Path, case: str) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    wanted, reason = REFUSED[case]
    with pytest.raises(InputError, match=reason.replace("(", r"\(")):
        decide(tree, [entry(Action.YANK, "lib==1.0", "first"), wanted])
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


def test_a_decision_that_counts_already_is_not_written_again(tree: Path) -> None:
    decision = [entry(Action.REMOVE, "lib==1.0", "withdrawn")]
    assert decide(tree, decision).is_new
    assert not decide(tree, decision).is_new and len(read_journal(tree)) == 2
    assert decide(tree, [entry(Action.REMOVE, "lib==1.0", "another reason")]).is_new


def test_what_is_no_index_is_refused(houses: tuple[Path, Path], tmp_path: Path) -> None:
    for folder in (houses[0], tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="is not an index"):
            decide(folder, [entry(Action.BLOCK, "lib")])
    assert not (tmp_path / "nowhere").exists()


def decide_and_die(tree: Path, decision: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decide, and be killed when the journal was written."""

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(keep, "write_tree", killed)
        with pytest.raises(KeyboardInterrupt):
            decide(tree, [decision])


def test_a_run_that_was_killed_has_decided(
    tree: Path, houses: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the journal was written, any next run brings the tree into the form that it wants."""
    decide_and_die(tree, entry(Action.REMOVE, "lib==1.0", "withdrawn"), monkeypatch)
    assert names(tree) == [LIB1, LIB2]
    assert "altered" in {finding.rule for finding in verify_tree(tree).findings}, "the page has what was removed"
    index(houses[1:], tree, CHOICES)
    assert names(tree) == [LIB2] and archives(tree) == {LIB2, APP} and not verify_tree(tree).findings


@pytest.mark.parametrize(
    "before",
    [entry(Action.REMOVE, "app==1.0", "out"), entry(Action.BLOCK, "ap*", "out"), entry(Action.YANK, "app==1.0", "out")],
)
def test_the_next_decision_does_what_a_killed_run_left(
    tree: Path, before: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision, or its end, about another project: what it left is found although only what changes is written."""
    back = {Action.REMOVE: Action.RESTORE, Action.BLOCK: Action.UNBLOCK, Action.YANK: Action.UNYANK}
    for decision in (before, entry(back[before.action], before.subject)):
        decide_and_die(tree, decision, monkeypatch)
        decide(tree, [entry(Action.YANK, "lib==1.0", f"after {decision.action}")])
        assert not verify_tree(tree).findings


def test_two_runs_at_once_lose_nothing(tree: Path, houses: tuple[Path, Path], tmp_path: Path) -> None:
    more = made(tmp_path / "more", *(f"more{number}==1.0" for number in range(5)))
    steps: list[Callable[[], object]] = [
        lambda: decide(tree, [entry(Action.REMOVE, "lib==1.0", "withdrawn")]),
        lambda: decide(tree, [entry(Action.YANK, "app==1.0", "bad")]),
        lambda: decide(tree, [entry(Action.BLOCK, "more3", "no")]),
        lambda: index([more], tree, CHOICES),
    ]
    threads = [threading.Thread(target=step) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.action for each in read_journal(tree)} == {Action.INDEX, Action.REMOVE, Action.YANK, Action.BLOCK}
    assert archives(tree) == {LIB2, APP, *(f"more{number}-1.0-py3-none-any.whl" for number in (0, 1, 2, 4))}
    assert not verify_tree(tree).findings


def test_pages_never_name_a_file_that_is_not_there(
    tree: Path, houses: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page goes before its files, and comes after them: it is looked at after each change to a file."""
    states: set[tuple[bool, bool]] = set()

    def looked(change: Callable[..., object]) -> Callable[..., object]:
        def changed(*arguments: object, **more: object) -> object:
            result = change(*arguments, **more)
            states.add((LIB2 in names(tree), (tree / "lib" / LIB2).exists()))
            return result

        return changed

    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, looked(getattr(Path, name)))
    decide(tree, [entry(Action.REMOVE, "lib==2.0", "out")])
    decide(tree, [entry(Action.RESTORE, "lib==2.0")])
    index(houses, tree, CHOICES)
    (tree / "lib" / LIB2).write_bytes(b"altered")
    index(houses, tree, CHOICES)
    assert states == {(True, True), (False, True), (False, False)}


def test_uploads_after_a_day_are_left_out(houses: tuple[Path, Path], tmp_path: Path) -> None:
    """Those of unknown upload time, too; what is in the index already stays."""
    events: list[Event] = []
    late = replace(CHOICES, prior_to=NOW - timedelta(days=7))
    assert index(houses[:1], tmp_path / "tree", late, events.append).added == ()
    assert "does not say when the file was uploaded" in str(events[-1])
    text = (houses[1] / "pylock.cp312-manylinux_2_28_x86_64.toml").read_text()
    dated = tmp_path / "dated"
    dated.mkdir()
    build_wheel(dated, "lib", "2.0")
    wheelhouse_of(dated)
    for day, added in (("2026-02-28", ()), ("2026-02-01", (LIB2,)), ("2026-02-28", ())):
        lock = text.replace("size = ", f"upload-time = {day}T00:00:00Z\nsize = ", 1)
        (dated / "pylock.cp312-manylinux_2_28_x86_64.toml").write_text(lock)
        assert index([dated], tmp_path / "tree", late).added == added, day
    assert names(tmp_path / "tree") == [LIB2]


ADVISORY = {
    "id": "GHSA-1",
    "aliases": ["CVE-2026-1"],
    "modified": "2026-02-01T00:00:00Z",
    "summary": "lib <leaks>",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "lib"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}
WAIVED = """
[policy.severities]
vulnerable = "warning"
"""


@pytest.mark.rooms
def test_the_commands_of_a_year(houses: tuple[Path, Path], tmp_path: Path) -> None:
    session = Session(tmp_path)

    def run(line: str, code: int = 0) -> dict[str, object]:
        assert session(f"{line} --json") == code, session.transcript
        document: dict[str, object] = json.loads(session.stdout)
        return document

    run(f"index {houses[0]} {houses[1]} -o tree --by Ada")
    assert run("mirror remove tree lib==1.0 --reason 'see TICKET-12' --by Ada")["removed"] == [LIB1]
    assert session("mirror show tree lib") == 0
    assert "Ada: remove lib==1.0: see TICKET-12" in session.stdout and LIB2 in session.stdout
    assert run("mirror restore tree lib==1.0 --by Bob --reason mended")["changed"] is True
    run(f"index {houses[0]} -o tree --by Ada")
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv/one.json").write_text(json.dumps(ADVISORY))
    assert session("advisories import osv") == 0
    (tmp_path / "wheelhouse.toml").write_text(WAIVED)
    assert run("mirror yank tree --advisories advisories.json --by Ada")["changed"] is False
    (tmp_path / "wheelhouse.toml").unlink()
    assert run("mirror yank tree --advisories advisories.json --by Ada")["changed"] is True
    yanked = page(tmp_path / "tree")["files"][0]["yanked"]  # type: ignore[index]
    assert yanked == "CVE-2026-1, GHSA-1: lib <leaks> (fixed in 2.0)"
    assert run("mirror unyank tree lib==1.0 --by Ada --reason false")["changed"] is True
    assert run("mirror block tree 'evil*' --reason never --by Ada")["removed"] == []
    assert run("mirror unblock tree 'evil*' --reason perhaps --by Ada")["changed"] is True
    assert run("mirror status tree lib deprecated --reason 'use lob' --by Ada")["changed"] is True
    assert run(f"mirror prune tree --keep {houses[0]} --dry-run --by Ada")["removed"] == [LIB2]
    assert run(f"mirror prune tree --keep {houses[0]} --reason spring --by Ada")["removed"] == [LIB2]
    shown = run("mirror show tree")
    actions = ["index", "remove", "restore", "index", "yank", "unyank", "block", "unblock", "status", "prune"]
    assert [row["action"] for row in shown["history"]] == actions  # type: ignore[attr-defined]
    assert [row["subject"] for row in shown["decisions"]] == ["lib"]  # type: ignore[attr-defined]
    assert run("mirror verify tree")["ok"] is True
    assert session("mirror show tree") == 0 and "1 file removed: spring" in session.stdout
    (tmp_path / "tree/lib" / LIB1).unlink()
    assert run("mirror verify tree", 1)["ok"] is False


@pytest.mark.parametrize(
    "words",
    [
        "yank tree",
        "yank tree lib==1.0",
        "yank tree --reason why",
        "yank tree lib==1.0 --reason why --advisories advisories.json",
        "yank tree --advisories nowhere.json",
        "remove tree lib==1.0 --reason ' '",
        "block tree evil --reason ''",
        "show tree nothing",
        "show nowhere",
    ],
)
def test_usage_that_is_refused(tree: Path, tmp_path: Path, words: str) -> None:
    assert Session(tmp_path)(f"mirror {words}") == 2


def test_the_journal_names_the_user(tree: Path, tmp_path: Path) -> None:
    session = Session(tmp_path)
    assert session("mirror block tree evil --reason never", SUDO_USER="ada") == 0
    assert read_journal(tree)[-1].by == "ada"
    assert session("mirror block tree worse --reason never") == 0
    assert read_journal(tree)[-1].by not in ("", "ada") and os.getuid() >= 0
