"""The files of a review that travel with a bundle: what is sent, merged, kept and replaced."""

import json
from pathlib import Path

import pytest

from wheelhouse.errors import InputError
from wheelhouse.vet.carried_review import keep_review, merged_approvals, review_folder, review_to_send

APPROVALS, ADVISORIES, POLICY = "approvals.intoto.jsonl", "advisories.json", "policy.toml"


def snapshot(modified: str, summary: str = "") -> bytes:
    row = {
        "id": "A",
        "project": "odd",
        "aliases": [],
        "ranges": [],
        "versions": ["1"],
        "severity": "",
        "summary": summary,
    }
    advisories = [row | {"modified": modified}] if modified else []
    return json.dumps({"format": 1, "advisories": advisories}).encode()


OLD, NEW, EMPTY = snapshot("2026-01-01T00:00:00Z"), snapshot("2026-02-01T00:00:00Z"), snapshot("")


def test_what_exists_is_sent(tmp_path: Path) -> None:
    approvals, advisories = tmp_path / "a.jsonl", tmp_path / "b.json"
    assert review_to_send(approvals, advisories, {}) == {}
    approvals.write_bytes(b"a\n")
    advisories.write_bytes(OLD)
    sent = review_to_send(approvals, advisories, {"policy": {"threshold": "error"}})
    assert sent == {APPROVALS: b"a\n", ADVISORIES: OLD, POLICY: b'[policy]\nthreshold = "error"\n'}


def test_the_review_lies_beside_the_wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert review_folder(Path("far")) == tmp_path / "far.review" and not (tmp_path / "far.review").exists()


def test_approvals_are_merged_line_by_line(tmp_path: Path) -> None:
    assert merged_approvals(tmp_path, {}) == ""
    (tmp_path / APPROVALS).write_text("a\n\nb")
    assert merged_approvals(tmp_path, {}) == "a\nb\n"
    assert merged_approvals(tmp_path, {APPROVALS: b"b\n \nc\na\n"}) == "a\nb\nc\n"
    with pytest.raises(InputError, match="the approvals of the bundle are not UTF-8 text"):
        merged_approvals(tmp_path, {APPROVALS: b"\xff"})


def kept(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_only_what_came_is_written_and_the_folder_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "review"
    keep_review(folder, {})
    assert not folder.exists()
    for name, content in {APPROVALS: b"a\n", ADVISORIES: OLD, POLICY: b"x"}.items():
        own = tmp_path / name / "review"
        for _ in range(2):
            keep_review(own, {name: content})
        assert kept(own) == {name: content}


@pytest.mark.parametrize(
    ("before", "came", "after"),
    [
        (OLD, NEW, NEW),
        (NEW, OLD, NEW),
        (EMPTY, OLD, OLD),
        (OLD, EMPTY, OLD),
        (EMPTY, EMPTY, EMPTY),
        (OLD, snapshot("2026-01-01T00:00:00Z", "x"), None),
    ],
)
def test_of_two_snapshots_the_newer_one_stays(tmp_path: Path, before: bytes, came: bytes, after: bytes | None) -> None:
    for content in (before, came):
        keep_review(tmp_path, {ADVISORIES: content, POLICY: content})
    assert kept(tmp_path) == {ADVISORIES: came if after is None else after, POLICY: came}


def test_what_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the advisories of the bundle"):
        keep_review(tmp_path, {ADVISORIES: b"\xff"})
    (tmp_path / ADVISORIES).write_bytes(b"{}")
    with pytest.raises(InputError, match="advisories"):
        keep_review(tmp_path, {ADVISORIES: OLD})
