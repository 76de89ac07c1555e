"""Approvals, advisories and policy travel with a bundle, and are judged by the keys and the settings of the far side."""

import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.golden import Session
from tests.support.wheels import build_wheel
from wheelhouse.bundle.pack import pack, unpack
from wheelhouse.errors import IntegrityError
from wheelhouse.vet.carried_review import keep_review, merged_approvals, review_folder


def far_settings(near: Session, **extra: str) -> str:
    key = (near.folder / "key.pub").read_text().strip()
    return f'[[approvals.reviewers]]\nname = "ada"\nkey = "{key}"\n{extra.get("more", "")}'


@pytest.fixture
def near(tmp_path: Path) -> Session:
    """The near side: a wheelhouse that ada approved, a policy, and a snapshot of advisories."""
    build_wheel(tmp_path / "offered", "lib", "1.0")
    fetch = ("--python", "3.12", "--no-index", "--find-links", "offered")
    (tmp_path / "near").mkdir()
    (tmp_path / "offered").rename(tmp_path / "near" / "offered")
    near = Session(tmp_path / "near", {"fetch": fetch})
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", near.folder / "key"], check=True)
    (near.folder / "wheelhouse.toml").write_text(far_settings(near, more='[policy]\nthreshold = "warning"\n'))
    (near.folder / "advisories.json").write_text(snapshot("2026-01-01T00:00:00Z"))
    assert near("fetch lib") == 0
    return near


def snapshot(modified: str) -> str:
    row = {
        "id": "A-1",
        "project": "other",
        "aliases": [],
        "ranges": [],
        "versions": ["1"],
        "severity": "",
        "summary": "",
    }
    return json.dumps({"format": 1, "advisories": [row | {"modified": modified}]})


@pytest.fixture
def far(tmp_path: Path, near: Session) -> Session:
    """The far side, which knows ada's key."""
    (tmp_path / "far").mkdir()
    far = Session(tmp_path / "far")
    (far.folder / "wheelhouse.toml").write_text(far_settings(near))
    return far


def test_the_far_side_checks_carried_approvals_with_its_own_keys(near: Session, far: Session) -> None:
    assert near("pack wheels -o ../unapproved.tar") == 0
    assert far("unpack ../unapproved.tar wheels --require-approved") == 5
    assert "`lib-1.0-py3-none-any.whl` is not approved" in far.transcript
    assert not (far.folder / "wheels").exists()
    assert near("approve --key key --reason read") == near("pack wheels -o ../approved.tar") == 0
    assert far("unpack ../approved.tar wheels --require-approved") == 0
    assert (
        "wheels.review: the bundle brought files for a review: approvals.intoto.jsonl, advisories.json, policy.toml"
        in far.stdout
    )
    assert (far.folder / "wheels.review" / "policy.toml").read_text().startswith('[policy]\nthreshold = "warning"')
    assert {path.stat().st_mode & 0o111 for path in (far.folder / "wheels.review").iterdir()} == {0}
    assert far("verify wheels") == 0
    (far.folder / "wheelhouse.toml").write_text('approvals = { file = "wheels.review/approvals.intoto.jsonl" }\n')
    assert far("unpack ../approved.tar other --require-approved") == 5


def test_an_own_approvals_file_that_is_no_text_is_named(near: Session, far: Session) -> None:
    assert near("approve --key key --reason read") == near("pack wheels -o ../approved.tar") == 0
    (far.folder / "approvals.intoto.jsonl").write_bytes(b"\xff\n")
    assert far("unpack ../approved.tar wheels --require-approved") == 2
    assert "the approvals file `approvals.intoto.jsonl` is not UTF-8 text" in far.transcript
    assert not (far.folder / "wheels").exists()


def test_a_withdrawal_survives_an_older_bundle(near: Session, far: Session) -> None:
    assert near("approve --key key --reason read") == near("pack wheels -o ../approved.tar") == 0
    assert near("approve --withdraw --key key --reason bad") == near("pack wheels -o ../withdrawn.tar") == 0
    assert far("unpack ../approved.tar wheels --require-approved") == 0
    assert far("unpack ../withdrawn.tar wheels") == 0
    assert far("unpack ../approved.tar wheels --require-approved") == 5
    lines = (far.folder / "wheels.review" / "approvals.intoto.jsonl").read_text().splitlines()
    assert len(lines) == 2


def test_an_altered_approval_is_refused(near: Session, far: Session) -> None:
    assert near("approve --key key --reason read") == 0
    path = near.folder / "approvals.intoto.jsonl"
    path.write_text(path.read_text().replace('"payload":"', '"payload":"AAAA'))
    pack(near.folder / "wheels", near.folder.parent / "a.tar", None, None, None, {path.name: path.read_bytes()})
    assert far("unpack ../a.tar wheels --require-approved") == 5
    assert not (far.folder / "wheels").exists()


def test_what_is_no_review_is_neither_packed_under_its_name_nor_unpacked(near: Session, tmp_path: Path) -> None:
    pack(near.folder / "wheels", tmp_path / "a.tar", None, None, None, {"run.sh": b"x"})
    with pytest.raises(IntegrityError, match="lists a review file that is unknown"):
        unpack(tmp_path / "a.tar", tmp_path / "there", ())


def test_the_review_lies_in_a_folder_of_its_own_in_the_bundle(near: Session, tmp_path: Path) -> None:
    assert near("pack wheels -o ../a.tar") == 0
    with tarfile.open(tmp_path / "a.tar") as archive:
        names = archive.getnames()
    assert names[:3] == ["wheelhouse-bundle.json", "review/advisories.json", "review/policy.toml"]


def test_the_newer_advisories_stay(tmp_path: Path) -> None:
    for modified, kept in (("2026-02-01", "2026-02-01"), ("2026-01-01", "2026-02-01"), ("2026-03-01", "2026-03-01")):
        keep_review(tmp_path / "r", {"advisories.json": snapshot(f"{modified}T00:00:00Z").encode()})
        assert kept in (tmp_path / "r" / "advisories.json").read_text()


def test_statements_are_merged_and_none_is_lost(tmp_path: Path) -> None:
    keep_review(tmp_path, {"approvals.intoto.jsonl": b"a\nb\n"})
    keep_review(tmp_path, {"approvals.intoto.jsonl": b"c\n\na"})
    assert merged_approvals(tmp_path, {}) == "a\nb\nc\n"
    assert review_folder(tmp_path / "far").name == "far.review"
