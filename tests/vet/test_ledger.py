"""The approvals file as a ledger: chains, withdrawals, merged and shortened files, roles."""

import json
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.report.sentences import sentence_of
from wheelhouse.signing.sign import Key, PublicKey, load_key, signed
from wheelhouse.vet.approval_statement import PREDICATE, Claim
from wheelhouse.vet.approvals import Approvals, Role, unapproved
from wheelhouse.vet.approvalsfile import ApprovalRules, add_approval, read_approvals
from wheelhouse.vet.approve import sign_withdrawal, withdrawable

TODAY = date(2026, 6, 1)
FILES = {"a-1.0-py3-none-any.whl": "a" * 64, "b_c-1.0.tar.gz": "b" * 64, "files/tool.bin": "c" * 64}
A, B, TOOL = FILES.values()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Key]:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ada", "bob"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    return {name: load_key(folder / name, str) for name in ("ada", "bob")}


class Ledger:
    """An approvals file of two reviewers."""

    def __init__(self, path: Path, keys: dict[str, Key], memory: Path | None = None) -> None:
        self.path, self.keys, self.memory = path, keys, memory
        self.roles: dict[str, Role] = {}
        self.needed = 1

    def read(self) -> Approvals:
        public: dict[str, tuple[PublicKey, ...]] = {name: (key.public,) for name, key in self.keys.items()}
        return read_approvals(self.path, ApprovalRules(public, self.needed, self.roles, self.memory), TODAY)

    def claim(self, name: str, reason: str, **more: object) -> Claim:
        previous = next(iter(self.read().tips[name]), None)
        return Claim(name, reason, TODAY, previous=previous, **more)  # type: ignore[arg-type]

    def approve(self, name: str, reason: str = "read it", files: dict[str, str] = FILES) -> None:
        add_approval(self.path, signed(files, PREDICATE, self.keys[name], self.claim(name, reason).predicate({})))

    def withdraw(self, name: str, files: dict[str, str], reason: str = "it is bad") -> None:
        chosen, statements = withdrawable(files, self.read(), name)
        sign_withdrawal(chosen, self.path, self.claim(name, reason, withdraws=statements), self.keys[name])

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines(keepends=True)

    def write(self, lines: list[str]) -> None:
        self.path.write_text("".join(lines))

    def approved(self) -> set[str]:
        approvals = self.read()
        return {sha256 for sha256 in FILES.values() if approvals.approved(sha256)}


@pytest.fixture
def ledger(tmp_path: Path, keys: dict[str, Key]) -> Ledger:
    return Ledger(tmp_path / "approvals.intoto.jsonl", keys)


def test_a_withdrawn_approval_counts_no_more_and_comes_back_by_a_new_one_alone(ledger: Ledger) -> None:
    ledger.approve("ada")
    first = ledger.lines[0]
    ledger.withdraw("ada", {"a-1.0-py3-none-any.whl": A})
    assert ledger.approved() == {B, TOOL}
    assert ledger.read().missing("a.whl", A).values["withdrawn"] == ("ada (it is bad)",)
    ledger.write([*ledger.lines, first])
    assert ledger.approved() == {B, TOOL}
    ledger.approve("ada", files={"a-1.0-py3-none-any.whl": A})
    assert ledger.approved() == {A, B, TOOL}


@pytest.mark.text
def test_who_withdrew_is_named_beside_who_approved_until_they_approve_again(ledger: Ledger) -> None:
    ledger.needed = 3
    for name in ledger.keys:
        ledger.approve(name)
    ledger.withdraw("bob", FILES)
    (lacking, *_) = unapproved(FILES, ledger.read())
    assert (
        sentence_of(lacking)
        == "approved only by ada; it needs the approval of 3 reviewers; approval withdrawn by bob (it is bad)"
    )
    ledger.approve("bob")
    (lacking, *_) = unapproved(FILES, ledger.read())
    assert sentence_of(lacking) == "approved only by ada, bob; it needs the approval of 3 reviewers"


def test_a_withdrawal_is_for_the_own_approvals_alone(ledger: Ledger) -> None:
    ledger.approve("ada")
    with pytest.raises(InputError, match="bob has approved none"):
        ledger.withdraw("bob", FILES)
    ids = tuple(one.id for one in ledger.read().approvals)
    sign_withdrawal(FILES, ledger.path, ledger.claim("bob", "I object", withdraws=ids), ledger.keys["bob"])
    with pytest.raises(IntegrityError, match="bob withdraws a statement of another reviewer"):
        ledger.read()


def test_a_line_that_is_missing_in_the_middle_is_missed(ledger: Ledger) -> None:
    for reason in ("one", "two", "three"):
        ledger.approve("ada", reason)
    ledger.write([ledger.lines[0], ledger.lines[2]])
    with pytest.raises(
        IntegrityError,
        match=r"ada's statement of 2026-06-01 refers to an earlier statement, .*, which is missing",
    ) as refused:
        ledger.read()
    assert "--withdraw" in str(refused.value.hint)


def test_files_of_two_reviewers_merge_in_any_order(ledger: Ledger, tmp_path: Path, keys: dict[str, Key]) -> None:
    ledger.needed = 2
    other = Ledger(tmp_path / "other.jsonl", keys)
    for reason in ("one", "two"):
        ledger.approve("ada", reason)
        other.approve("bob", reason)
    for lines in ([*ledger.lines, *other.lines], [*reversed(other.lines), *reversed(ledger.lines)]):
        ledger.write(lines)
        assert ledger.approved() == {A, B, TOOL}


def test_two_branches_of_one_reviewer_merge(ledger: Ledger) -> None:
    ledger.approve("ada", "one")
    (before,) = ledger.lines
    ledger.approve("ada", "two")
    left = ledger.lines
    ledger.write([before])
    ledger.approve("ada", "three")
    ledger.write([*left, ledger.lines[1]])
    assert ledger.approved() == {A, B, TOOL} and len(ledger.read().tips["ada"]) == 2


def test_lines_from_before_there_were_chains_are_read(ledger: Ledger) -> None:
    for reason in ("one", "two"):
        claim = Claim("ada", reason, TODAY)
        add_approval(ledger.path, signed(FILES, PREDICATE, ledger.keys["ada"], claim.predicate({})))
    ledger.approve("ada", "three")
    assert ledger.approved() == {A, B, TOOL}


@pytest.fixture
def remembered(tmp_path: Path, keys: dict[str, Key]) -> Iterator[Ledger]:
    """A file that this machine has seen with an approval and its withdrawal."""
    ledger = Ledger(tmp_path / "approvals.intoto.jsonl", keys, tmp_path / "memory")
    ledger.approve("ada")
    ledger.withdraw("ada", FILES)
    assert ledger.approved() == set()
    yield ledger


@pytest.mark.parametrize("kept", [0, 1])
def test_a_file_that_was_shortened_is_noticed(remembered: Ledger, kept: int) -> None:
    remembered.write(remembered.lines[:kept])
    for _ in range(2):
        with pytest.raises(IntegrityError, match="lacks statements of ada that it had before") as refused:
            remembered.read()
    assert "approvals-seen.json" in str(refused.value.hint)


def test_a_file_that_is_gone_and_an_old_line_at_the_end_are_noticed(remembered: Ledger) -> None:
    first, withdrawal = remembered.lines
    remembered.write([first, withdrawal, first])
    assert remembered.approved() == set()
    remembered.write([first, first])
    with pytest.raises(IntegrityError, match="lacks statements"):
        remembered.read()
    remembered.path.unlink()
    with pytest.raises(IntegrityError, match="lacks statements"):
        remembered.read()


@pytest.mark.parametrize("memory", ["", "[]", '{"x": 1}', "\x00"])
def test_a_memory_that_cannot_be_read_remembers_nothing(remembered: Ledger, memory: str) -> None:
    assert remembered.memory is not None
    (remembered.memory / "approvals-seen.json").write_text(memory)
    remembered.write(remembered.lines[:1])
    assert remembered.approved() == {A, B, TOOL}


def test_a_role_approves_its_projects_alone(ledger: Ledger) -> None:
    ledger.roles = {"ada": Role("python", ("a", "b-*"))}
    ledger.approve("ada")
    assert ledger.approved() == {A, B}
    missing = ledger.read().missing("files/tool.bin", TOOL).values
    assert (missing["case"], missing["outside"]) == ("outside", ("ada",))


def test_a_file_needs_the_reviewers_of_each_role(ledger: Ledger) -> None:
    ledger.roles = {"ada": Role("security", ("a",), 1)}
    ledger.approve("bob")
    assert ledger.approved() == {B, TOOL}
    missing = ledger.read().missing("a-1.0-py3-none-any.whl", A).values
    assert (missing["case"], missing["role"], missing["needed"]) == ("role", "security", 1)
    ledger.approve("ada", files={"a-1.0-py3-none-any.whl": A})
    assert ledger.approved() == {A, B, TOOL}


def test_a_statement_signs_the_chain_and_the_role(ledger: Ledger) -> None:
    ledger.approve("ada")
    claim = ledger.claim("ada", "more", role="security")
    statement = claim.predicate({})
    (approval,) = ledger.read().approvals
    assert (statement["previous"], statement["role"]) == (approval.id, "security") and "withdraws" not in statement
    assert json.loads(ledger.lines[0])["payload"]
