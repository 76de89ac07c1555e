"""Approvals: signed by sha256, counted again in the next wheelhouse, and refused in every wrong shape with a sentence of their own."""

import io
import json
import re
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.cli.entry import run
from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.other_files import OtherFile, OtherFiles
from wheelhouse.signing.sign import load_key, load_public_key, signed
from wheelhouse.vet.approval_statement import PREDICATE, Claim, parse_approval
from wheelhouse.vet.approvals import Approval, Approvals, must_be_approved
from wheelhouse.vet.approvalsfile import ApprovalRules, add_approval, read_approvals
from wheelhouse.vet.approve import files_of


class Done(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Done]
TODAY = date(2026, 6, 1)
FILE = "approvals.intoto.jsonl"
SOME = {"a-1.0-py3-none-any.whl": "a" * 64, "b-1.0-py3-none-any.whl": "b" * 64}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of two reviewers and of a stranger, as ssh-keygen makes them."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("alice", "bob", "mallory"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    return folder


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two wheelhouses, one after the other: `app` moves from 1.0 to 1.1, `starter` stays and runs code at start."""
    base = tmp_path_factory.mktemp("houses")
    for house, version in (("old", "1.0"), ("new", "1.1")):
        (base / house).mkdir()
        build_wheel(base / house, "app", version, requires=["starter"])
        build_wheel(base / house, "starter", "1.0", files={"starter.pth": b"import os\n", "starter/__init__.py": b""})
        wheelhouse_of(base / house, "app")
    return base


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, run here in a folder of its own: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    def command(*arguments: str | Path) -> Done:
        code = run(list(map(str, arguments)))
        return Done(code, *capsys.readouterr())

    return command


def settings(folder: Path, keys: Path, *names: str, needed: int = 1) -> None:
    text = f"[approvals]\nneeded = {needed}\n"
    for name in names:
        text += f'[[approvals.reviewers]]\nname = "{name}"\nkey = "{(keys / f"{name}.pub").read_text().strip()}"\n'
    (folder / "wheelhouse.toml").write_text(text)


def approve(wheelhouse: Command, house: Path, key: Path, *more: str) -> Done:
    return wheelhouse("approve", house, "--key", key, "--reason", "read it", *more)


def test_what_was_approved_in_one_house_counts_in_the_next(
    tmp_path: Path, keys: Path, houses: Path, wheelhouse: Command
) -> None:
    settings(tmp_path, keys, "alice")
    assert wheelhouse("vet", houses / "old").code == 1
    first = approve(wheelhouse, houses / "old", keys / "alice")
    assert first.code == 0, first.err
    assert re.search(r"alice approved 2 files with \d findings; approved before: 0 files", first.out)
    assert wheelhouse("vet", houses / "old").code == 0
    vetted = json.loads(wheelhouse("vet", houses / "new", "--json").out)
    assert vetted["new"] == ["app-1.1-py3-none-any.whl"]
    assert "pth-code" in {row["rule"] for row in vetted["approved"]}
    assert {row["subject"] for row in vetted["findings"]} <= {"app-1.1-py3-none-any.whl", "house"}
    again = approve(wheelhouse, houses / "new", keys / "alice")
    assert re.search(r"alice approved 1 file with 3 findings; approved before: 1 file", again.out)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_reviewer_who_wants_json_sees_the_findings_before_the_question(
    keys: Path, houses: Path, wheelhouse: Command, monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    def asked(question: str, *, err: bool) -> bool:
        assert re.fullmatch(r"Sign 2 files with \d findings as alice\?", question)
        print("the question", file=sys.stderr if err else sys.stdout)
        return True

    monkeypatch.setattr("sys.stdin", Terminal() if is_terminal else io.StringIO())
    monkeypatch.setattr("typer.confirm", asked)
    done = approve(wheelhouse, houses / "old", keys / "alice", "--reviewer", "alice", "--json")
    assert done.code == 0, done.err
    assert "pth-code" in {row["rule"] for row in json.loads(done.out)["findings"]}
    shown, question, _ = done.err.partition("the question")
    assert bool(question) == ("[pth-code]" in shown) == is_terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.text
@pytest.mark.parametrize(
    "command",
    [
        ("verify",),
        ("stage", "--dest", "staged"),
        ("publish", "--repository", "http://127.0.0.1:9/"),
        ("pack", "-o", "bundle.tar"),
        ("index", "-o", "tree"),
        ("serve",),
    ],
)
def test_what_nobody_approved_is_refused(
    tmp_path: Path, keys: Path, houses: Path, wheelhouse: Command, command: tuple[str, ...]
) -> None:
    settings(tmp_path, keys, "alice")
    approve(wheelhouse, houses / "new", keys / "alice", "--file", "starter-1.0-py3-none-any.whl")
    done = wheelhouse(command[0], houses / "new", *command[1:], "--require-approved")
    assert done.code == (1 if command[0] == "verify" else 5)
    assert "app-1.1-py3-none-any.whl" in done.out + done.err and "nobody approved it" in done.out + done.err
    assert "starter" not in done.err + (done.out if command[0] == "verify" else "")
    assert not any((tmp_path / name).exists() for name in ("staged", "bundle.tar", "tree"))


@pytest.mark.text
def test_what_was_approved_is_verified_and_staged(
    tmp_path: Path, keys: Path, houses: Path, wheelhouse: Command
) -> None:
    settings(tmp_path, keys, "alice", "bob", needed=2)
    approve(wheelhouse, houses / "new", keys / "alice")
    refused = wheelhouse("stage", houses / "new", "--require-approved")
    assert refused.code == 5 and "approved only by alice; it needs the approval of 2 reviewers" in refused.err
    lines = wheelhouse("verify", houses / "new", "--require-approved").out.splitlines()
    assert [line.partition(": ")[0] for line in lines[:-1]] == ["error", "error", "  hint"]
    approve(wheelhouse, houses / "new", keys / "bob")
    staged = wheelhouse("stage", houses / "new", "--require-approved")
    assert staged.code == 0, staged.err
    for folder in (houses / "new", tmp_path / "docker-context-files"):
        verified = wheelhouse("verify", folder, "--require-approved")
        assert verified.code == 0 and verified.out.endswith("; 2 of 2 files approved by 2 reviewers\n")


@pytest.mark.text
def test_no_manifest_vouches_for_what_nobody_approved(
    tmp_path: Path, keys: Path, houses: Path, wheelhouse: Command
) -> None:
    settings(tmp_path, keys, "alice")
    approve(wheelhouse, houses / "new", keys / "alice")
    wheelhouse("stage", houses / "new", "--require-approved")
    folder, name = tmp_path / "docker-context-files", "app-1.1-py3-none-any.whl"
    evil = build_wheel(tmp_path, "app", "1.1", requires=["starter"], files={"app/__init__.py": b"evil"})
    vetted, other = (houses / "new" / name).read_bytes(), evil.read_bytes()
    digests = sha256(vetted).hexdigest(), sha256(other).hexdigest()
    for path in (*folder.glob("*.toml"), *folder.glob("requirements.*")):
        text = path.read_text().replace(*digests).replace(f"size = {len(vetted)}\n", f"size = {len(other)}\n")
        path.write_text(text)
    evil.replace(folder / name)
    manifest = folder / "wheelhouse-stage.json"
    document = json.loads(manifest.read_text())
    for file in document["files"]:
        if file["path"] != name:
            file["sha256"] = sha256((folder / file["path"]).read_bytes()).hexdigest()
    manifest.write_text(json.dumps(document))
    done = wheelhouse("verify", folder, "--require-approved")
    assert done.code == 1 and f"{name}: nobody approved it" in done.out, done.out
    document["files"] = [file for file in document["files"] if file["path"] != name]
    manifest.write_text(json.dumps(document))
    assert wheelhouse("verify", folder, "--require-approved").code == 1
    manifest.write_text(json.dumps(document | {"index": "https://127.0.0.1/simple/"}))
    assert wheelhouse("verify", folder, "--require-approved").code == 1


@pytest.mark.text
def test_an_unknown_key_approves_nothing_and_says_so_beforehand(
    tmp_path: Path, keys: Path, houses: Path, wheelhouse: Command
) -> None:
    settings(tmp_path, keys, "alice")
    assert approve(wheelhouse, houses / "old", keys / "mallory").code == 2
    assert approve(wheelhouse, houses / "old", keys / "mallory", "--reviewer", "alice").code == 0
    refused = wheelhouse("stage", houses / "old", "--require-approved")
    assert refused.code == 5 and "unknown keys" in refused.err


def test_an_altered_file_is_not_approved(tmp_path: Path, keys: Path, houses: Path, wheelhouse: Command) -> None:
    settings(tmp_path, keys, "alice")
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (houses / "old").iterdir():
        (copy / path.name).write_bytes(path.read_bytes() + (b" " if path.name.startswith("app") else b""))
    refused = approve(wheelhouse, copy, keys / "alice", "--file", "app-1.0-py3-none-any.whl")
    assert refused.code == 5 and not (tmp_path / FILE).exists()


def test_other_files_must_be_approved_too(houses: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(houses / "old", tmp_path / "copy"))
    other = OtherFile("tool.tar.gz", "https://files.example/tool.tar.gz", "c" * 64, 4)
    (copy / "files").mkdir()
    (copy / "files" / "files.lock.toml").write_text(OtherFiles((other,)).to_toml())
    assert files_of(copy) == files_of(houses / "old") | {"files/tool.tar.gz": "c" * 64}


# The file itself


def read(path: Path, keys: Path, *names: str, today: date = TODAY, needed: int = 1) -> Approvals:
    reviewers = {name: (load_public_key(keys / f"{name}.pub"),) for name in names}
    return read_approvals(path, ApprovalRules(reviewers, needed), today)


def written(folder: Path, key: Path, expires: date | None = None) -> Path:
    told = Claim("whoever", "read it", TODAY, expires).predicate({})
    add_approval(folder / FILE, signed(SOME, PREDICATE, load_key(key, str), told))
    return folder / FILE


def altered(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    envelope = json.loads(path.read_text())
    change(envelope)
    path.write_text(json.dumps(envelope) + "\n")
    return path


def test_an_approval_runs_out(tmp_path: Path, keys: Path) -> None:
    path = written(tmp_path, keys / "alice", expires=TODAY)
    must_be_approved(SOME, read(path, keys, "alice"))
    with pytest.raises(IntegrityError, match="is not approved") as refused:
        must_be_approved(SOME, read(path, keys, "alice", today=date(2026, 6, 2)))
    assert [one.values["expired"] for one in refused.value.findings] == [("alice (2026-06-01)",)] * 2


def test_a_tampered_statement_is_refused(tmp_path: Path, keys: Path) -> None:
    def another_file(envelope: dict[str, Any]) -> None:
        payload = b64decode(envelope["payload"]).replace(b"a" * 64, b"c" * 64)
        envelope["payload"] = b64encode(payload).decode()

    path = altered(written(tmp_path, keys / "alice"), another_file)
    with pytest.raises(
        IntegrityError, match=r"line 1 of .* key of alice signed it, .* altered after signing, or forged"
    ):
        read(path, keys, "alice")


def test_a_signature_in_another_name_is_refused(tmp_path: Path, keys: Path) -> None:
    def as_alice(envelope: dict[str, Any]) -> None:
        envelope["signatures"][0]["keyid"] = load_public_key(keys / "alice.pub").id

    path = altered(written(tmp_path, keys / "mallory"), as_alice)
    with pytest.raises(IntegrityError, match="forged"):
        read(path, keys, "alice", "bob")


def test_a_strangers_approval_is_named_and_does_not_count(tmp_path: Path, keys: Path) -> None:
    path = written(tmp_path, keys / "mallory")
    with pytest.raises(IntegrityError, match="is not approved") as refused:
        must_be_approved(SOME, read(path, keys, "alice"))
    assert refused.value.findings[0].values["case"] == "unknown-key"


@pytest.mark.parametrize("line", ["not json", "{}", "[]", '{"payload": 1}', '{"payload": "e30=", "signatures": []}'])
def test_a_damaged_line_is_named(tmp_path: Path, keys: Path, line: str) -> None:
    path = written(tmp_path, keys / "alice")
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(IntegrityError, match=r"line 2 of .* is refused"):
        read(path, keys, "alice")


def test_a_signature_for_something_else_is_no_approval(tmp_path: Path, keys: Path) -> None:
    add_approval(tmp_path / FILE, signed(SOME, "bundle", load_key(keys / "alice", str), {}))
    with pytest.raises(IntegrityError, match="not an approval"):
        read(tmp_path / FILE, keys, "alice")


def test_one_reviewer_with_two_keys_counts_once(tmp_path: Path, keys: Path) -> None:
    for name in ("alice", "bob"):
        path = written(tmp_path, keys / name)
    both = (load_public_key(keys / "alice.pub"), load_public_key(keys / "bob.pub"))
    assert not read_approvals(path, ApprovalRules({"alice": both}, 2), TODAY).approved("a" * 64)
    assert read(path, keys, "alice", "bob", needed=2).approved("a" * 64)


# Findings


SEEN = Finding.of("a-1.0-py3-none-any.whl", "pth-code", Severity.ERROR, path="a.pth", lines=1)
OTHER = Finding.of("a-1.0-py3-none-any.whl", "pth-code", Severity.ERROR, path="a.pth", lines=2)


def approved_by(reviewer: str, key: str, *findings: Finding) -> Approval:
    seen = frozenset((finding.rule, finding.fingerprint) for finding in findings)
    return Approval({"a" * 64: ("a-1.0-py3-none-any.whl", seen)}, reviewer, key, "read it", TODAY)


def test_two_keys_of_one_reviewer_are_two_eyes_on_a_finding() -> None:
    twice = (approved_by("alice", "k1", SEEN), approved_by("alice", "k2", SEEN))
    assert not Approvals(twice, TODAY, 2).covers("a" * 64, SEEN)
    assert Approvals((*twice, approved_by("bob", "k3", SEEN)), TODAY, 2).covers("a" * 64, SEEN)
    assert not Approvals((*twice, approved_by("bob", "k3", OTHER)), TODAY, 2).covers("a" * 64, SEEN)


def statement(**more: Any) -> dict[str, Any]:
    subject = [{"name": "a-1.0-py3-none-any.whl", "digest": {"sha256": "a" * 64}}]
    return {"subject": subject, "predicate": Claim("alice", "read it", TODAY).predicate({"a" * 64: [SEEN]}) | more}


def test_an_approval_signs_readable_facts_and_their_fingerprint() -> None:
    (row,) = statement()["predicate"]["findings"]["a" * 64]
    assert row == {"rule": "pth-code", "facts": {"path": "a.pth", "lines": 1}, "fingerprint": SEEN.fingerprint}
    approval = parse_approval(statement(), "alice", "key")
    assert approval.covers("a" * 64, SEEN) and not approval.covers("a" * 64, OTHER)
    assert approval.covers("a" * 64, SEEN.with_context(days=3))


def test_optional_fields_of_an_approval_are_kept() -> None:
    plain = parse_approval(statement(), "alice", "key")
    assert (plain.previous, plain.withdraws, plain.role) == (None, (), None)
    more = parse_approval(statement(previous="b" * 64, withdraws=["c" * 64], role="security"), "alice", "key")
    assert (more.previous, more.withdraws, more.role) == ("b" * 64, ("c" * 64,), "security")


@pytest.mark.parametrize(
    "more",
    [
        {"previous": 1},
        {"previous": "short"},
        {"withdraws": "c" * 64},
        {"withdraws": ["short"]},
        {"role": ["security"]},
        {"format": 3},
        {"format": "2"},
        {"findings": {"a" * 64: [{"rule": "pth-code", "facts": {"path": "b.pth"}, "fingerprint": SEEN.fingerprint}]}},
        {"findings": {"a" * 64: [{"rule": "pth-code", "facts": {"path": None}, "fingerprint": SEEN.fingerprint}]}},
        {"findings": {"a" * 64: [{"rule": "pth-code", "sentence": "it runs code"}]}},
    ],
)
def test_an_approval_with_a_field_of_another_kind_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="is not an approval"):
        parse_approval(statement(**more), "alice", "key")


def test_what_is_wrong_with_an_approval_is_said_with_its_place() -> None:
    with pytest.raises(IntegrityError, match=r"`predicate\.withdraws\[0\]` is 'short': expected `str` matching"):
        parse_approval(statement(withdraws=["short"]), "alice", "key")
    with pytest.raises(IntegrityError, match=r"`predicate.findings.+`: object missing required field `facts`"):
        parse_approval(statement(findings={"a" * 64: [{"rule": "pth-code", "sentence": "x"}]}), "alice", "key")


def test_a_fingerprint_is_that_of_the_rule_and_the_facts_alone() -> None:
    """Approvals hold fingerprints for years: this one must never change."""
    assert SEEN.fingerprint == "0e9b797653dad5ff96926800509b5ae55de6f90bbbd35782266a8960fcd71040"
    assert replace(SEEN, subject="b.whl", severity=Severity.NOTE).fingerprint == SEEN.fingerprint
    assert replace(SEEN, rule="pth-path").fingerprint != SEEN.fingerprint


# The command, beyond a key in a file


def test_an_approval_is_withdrawn_by_a_signed_line(
    tmp_path: Path, keys: Path, houses: Path, wheelhouse: Command
) -> None:
    settings(tmp_path, keys, "alice")
    approve(wheelhouse, houses / "new", keys / "alice")
    named = ("--withdraw", "--file", "app-1.1-py3-none-any.whl")
    assert approve(wheelhouse, houses / "new", keys / "alice", *named, "--json").code == 0
    done = wheelhouse("verify", houses / "new", "--require-approved", "--json")
    findings = {row["subject"]: row["facts"] for row in json.loads(done.out)["findings"]}
    assert done.code == 1 and findings.keys() == {"app-1.1-py3-none-any.whl"}
    assert findings["app-1.1-py3-none-any.whl"]["case"] == "withdrawn"
    assert approve(wheelhouse, houses / "new", keys / "alice", *named).code == 2
    (tmp_path / FILE).write_text((tmp_path / FILE).read_text().splitlines(keepends=True)[0])
    assert wheelhouse("verify", houses / "new", "--require-approved").code == 5


def test_a_program_signs_for_a_public_key(tmp_path: Path, keys: Path, houses: Path, wheelhouse: Command) -> None:
    settings(tmp_path, keys, "alice")
    program = f"ssh-keygen -q -Y sign -n wheelhouse -f {keys / 'alice'}"
    assert approve(wheelhouse, houses / "new", keys / "alice.pub").code == 2  # no ssh-agent runs here
    assert approve(wheelhouse, houses / "new", keys / "alice.pub", "--sign-command", program).code == 0
    assert wheelhouse("verify", houses / "new", "--require-approved").code == 0


def test_a_role_of_the_settings_counts_and_is_signed(
    tmp_path: Path, keys: Path, houses: Path, wheelhouse: Command
) -> None:
    text = '[approvals.roles.security]\nprojects = ["starter"]\nneeded = 1\n'
    for name, role in (("alice", ""), ("bob", 'role = "security"\n')):
        text += (
            f'[[approvals.reviewers]]\nname = "{name}"\nkey = "{(keys / f"{name}.pub").read_text().strip()}"\n{role}'
        )
    (tmp_path / "wheelhouse.toml").write_text(text)
    approve(wheelhouse, houses / "new", keys / "alice")
    done = wheelhouse("verify", houses / "new", "--require-approved")
    assert done.code == 1 and "it needs the approval of 1 reviewer with the role security" in done.out
    signed = approve(wheelhouse, houses / "new", keys / "bob")
    assert "bob approved 1 file" in signed.out and "(the role `security` is not for these projects)" in signed.out
    refused = approve(wheelhouse, houses / "new", keys / "bob", "--file", "app-1.1-py3-none-any.whl")
    assert refused.code == 2 and "is for none of these files" in refused.err
    assert wheelhouse("verify", houses / "new", "--require-approved").code == 0
    last = json.loads((tmp_path / FILE).read_text().splitlines()[-1])
    assert json.loads(b64decode(last["payload"]))["predicate"]["role"] == "security"


@pytest.mark.parametrize(
    "role", ["role = 'nothing'", "role = 'security'\n[[approvals.reviewers]]\nname = 'alice'\nkey = 'x'"]
)
def test_a_role_that_is_not_described_or_is_a_second_one_is_refused(
    tmp_path: Path, houses: Path, wheelhouse: Command, role: str
) -> None:
    text = f"[approvals.roles.security]\n[[approvals.reviewers]]\nname = 'alice'\nkey = 'x'\n{role}\n"
    (tmp_path / "wheelhouse.toml").write_text(text)
    assert wheelhouse("verify", houses / "new", "--require-approved").code == 2


def test_an_advisory_that_is_newer_than_the_approval_is_a_warning_or_an_error(
    tmp_path: Path, keys: Path, houses: Path, wheelhouse: Command
) -> None:
    settings(tmp_path, keys, "alice")
    assert approve(wheelhouse, houses / "new", keys / "alice").code == 0
    affected = {"package": {"ecosystem": "PyPI", "name": "app"}, "versions": ["1.1"]}
    osv = {"id": "A-1", "modified": "2026-01-01T00:00:00Z", "affected": [affected]}
    (tmp_path / "osv.json").write_text(json.dumps(osv))
    assert wheelhouse("advisories", "import", "osv.json").code == 0

    def findings() -> dict[str, str]:
        rows = json.loads(wheelhouse("verify", houses / "new", "--require-approved", "--json").out)["findings"]
        return {row["rule"]: row["severity"] for row in rows}

    packed = ("pack", houses / "new", "-o", "bundle.tar", "--require-approved")
    assert findings() == {"vulnerable-since-approval": "warning"}
    done = wheelhouse(*packed)
    assert done.code == 0 and "app-1.1-py3-none-any.whl" in done.err

    text = (tmp_path / "wheelhouse.toml").read_text()
    (tmp_path / "wheelhouse.toml").write_text(text + '[policy.severities]\nvulnerable-since-approval = "error"\n')
    assert findings() == {"vulnerable-since-approval": "error"}
    assert wheelhouse(*packed).code == 5 and wheelhouse("stage", houses / "new", "--require-approved").code == 5
    assert approve(wheelhouse, houses / "new", keys / "alice").code == 0
    assert findings() == {} and wheelhouse(*packed).code == 0

    (tmp_path / "osv.json").write_text(json.dumps(osv | {"id": "MAL-1"}))
    assert wheelhouse("advisories", "import", "osv.json", "--replace").code == 0
    assert findings() == {"malicious": "error"}
