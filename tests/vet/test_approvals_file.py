"""The approvals file line by line: signatures, chains, withdrawals, and what this machine remembers of it."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Finding, Severity
from wheelhouse.signing.sign import Key, signed
from wheelhouse.vet.approval_statement import PREDICATE, Claim, parse_approval
from wheelhouse.vet.approvals import Approval, Approvals
from wheelhouse.vet.approvalsfile import ApprovalRules, add_approval, parse_approvals, read_approvals
from wheelhouse.vet.ledger import RESTORE, must_be_whole, tips, without_withdrawn
from wheelhouse.vet.ledger_memory import must_not_be_older

DAY = date(2026, 1, 1)
A, B, C = ("a" * 64, "b" * 64, "c" * 64)
ADA, BOB, EVE = (Key(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)) for number in (1, 2, 3))
RULES = ApprovalRules({"ada": (ADA.public,), "bob": (BOB.public,)})
FILES = {"a-1.0-py3-none-any.whl": A}


def claim(name: str = "ada", **more: object) -> dict[str, Any]:
    return Claim(name, "read", DAY, **more).predicate({})  # type: ignore[arg-type]


def envelope(key: Key = ADA, **more: object) -> dict[str, Any]:
    return signed(FILES, PREDICATE, key, claim(**more))  # type: ignore[arg-type]


def line(document: Mapping[str, Any]) -> str:
    return json.dumps(document) + "\n"


def parsed(*documents: Mapping[str, Any], rules: ApprovalRules = RULES) -> Approvals:
    return parse_approvals("\n".join(map(line, documents)), Path("approvals"), rules, DAY)


def id_of(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(base64.b64decode(document["payload"])).hexdigest()


def test_each_known_key_that_signed_a_line_approves() -> None:
    both = envelope()
    both["signatures"] += signed(FILES, PREDICATE, BOB, claim())["signatures"]
    approvals = parsed(both)
    assert [(one.reviewer, one.key, one.id) for one in approvals.approvals] == [
        ("ada", ADA.public.id, id_of(both)),
        ("bob", BOB.public.id, id_of(both)),
    ]
    assert approvals.approvals[0].files == {A: ("a-1.0-py3-none-any.whl", frozenset())}
    assert (approvals.tips, approvals.needed, approvals.today) == (
        {"ada": (id_of(both),), "bob": (id_of(both),)},
        1,
        DAY,
    )


def test_a_line_of_an_unknown_key_approves_nothing() -> None:
    approvals = parsed(envelope(EVE))
    (one,) = approvals.approvals
    assert (one.reviewer, one.key, one.reason) == (None, EVE.public.id[:16], "read")
    assert approvals.tips == {"ada": (), "bob": ()}
    unsigned = envelope() | {"signatures": []}
    assert [(one.reviewer, one.key) for one in parsed(unsigned).approvals] == [(None, "")]


def test_a_line_that_names_a_key_which_did_not_sign_is_refused_by_its_number() -> None:
    forged = envelope(EVE)
    forged["signatures"][0]["keyid"] = ADA.public.id
    with pytest.raises(
        IntegrityError, match=r"line 3 of `approvals` is refused: it says that the key of ada"
    ) as caught:
        parsed(envelope(EVE), forged)
    assert caught.value.hint == RESTORE


def test_a_line_counts_for_those_who_signed_it_alone() -> None:
    mixed = envelope()
    mixed["signatures"].append(envelope(EVE)["signatures"][0] | {"keyid": BOB.public.id})
    assert [one.reviewer for one in parsed(mixed).approvals] == ["ada"]


def test_a_key_that_signed_under_another_id_counts() -> None:
    renamed = envelope()
    renamed["signatures"][0]["keyid"] = "x" * 64
    assert [one.reviewer for one in parsed(renamed).approvals] == ["ada"]


def test_a_statement_of_another_kind_is_refused() -> None:
    with pytest.raises(
        IntegrityError, match=r"line 1 of `approvals` is refused: it is a statement, but not an approval"
    ):
        parsed(signed(FILES, "wheelhouse", ADA, claim()))


def test_a_file_that_is_not_whole_is_refused_by_its_path() -> None:
    with pytest.raises(
        IntegrityError,
        match="`approvals` is refused: ada's statement of 2026-01-01 refers to an earlier statement, bbbbbbbbbbbbbbbb,",
    ) as caught:
        parsed(envelope(previous=B))
    assert caught.value.hint == RESTORE


def test_the_memory_is_used_if_there_is_one(tmp_path: Path) -> None:
    path, rules = tmp_path / "approvals", replace(RULES, memory=tmp_path / "memory")
    assert read_approvals(path, rules, DAY).approvals == ()
    add_approval(path, envelope())
    assert len(read_approvals(path, rules, DAY).approvals) == 1
    path.unlink()
    assert read_approvals(path, RULES, DAY).approvals == ()
    with pytest.raises(IntegrityError, match="lacks statements of ada"):
        read_approvals(path, rules, DAY)


def test_each_approval_is_one_line_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "approvals"
    add_approval(path, {"b": [1, 2], "a": 1})
    assert path.read_text() == '{"a":1,"b":[1,2]}\n'
    for before, after in {"": "", "\nx": "\nx\n", "x\n": "x\n", "x": "x\n"}.items():
        path.write_text(before)
        add_approval(path, {"b": 2})
        assert path.read_text() == f'{after}{{"b":2}}\n'


def test_an_approval_is_added_to_the_file_that_a_link_leads_to(tmp_path: Path) -> None:
    link, shared = tmp_path / "approvals", tmp_path / "shared" / "approvals"
    link.symlink_to(shared)
    for count in (1, 2):
        add_approval(link, {"a": 1})
        assert link.is_symlink() and shared.read_text() == '{"a":1}\n' * count


def statement(identifier: str, reviewer: str | None = "ada", files: str = A, **more: object) -> Approval:
    named = {sha256: (f"{sha256[0]}.whl", frozenset[tuple[str, str]]()) for sha256 in files.split()}
    return Approval(named, reviewer, f"key of {reviewer}", "read", DAY, id=identifier, **more)  # type: ignore[arg-type]


ONE, TWO, OTHER = statement("1"), statement("2", previous="1"), statement("3", "bob")
STRANGE = statement("4", None)
LEDGERS: dict[str, tuple[tuple[Approval, ...], str]] = {
    "a chain": ((TWO, ONE, OTHER), ""),
    "nothing before": ((ONE, OTHER), ""),
    "what came before is gone": (
        (TWO, OTHER),
        "ada's statement of 2026-01-01 refers to an earlier statement, 1, which is missing",
    ),
    "what came before is another reviewer's": ((TWO, replace(ONE, reviewer="bob")), ", which is missing"),
    "an unknown key": ((replace(STRANGE, previous="0", withdraws=("1",)), ONE), ""),
    "the own is withdrawn": ((ONE, statement("5", withdraws=("1",))), ""),
    "another's is withdrawn": (
        (OTHER, statement("5", withdraws=("3",))),
        "ada withdraws a statement of another reviewer",
    ),
    "one of them is another's": ((ONE, OTHER, statement("5", withdraws=("1", "3"))), "ada withdraws a statement"),
    "a statement that is not there is withdrawn": ((ONE, statement("5", withdraws=("9",))), ""),
    "an unknown key's is withdrawn": ((STRANGE, statement("5", withdraws=("4",))), ""),
}


def test_a_ledger_is_whole_if_each_statement_has_the_one_before_it_and_withdraws_own_ones() -> None:
    for name, (statements, sentence) in LEDGERS.items():
        try:
            must_be_whole(statements)
            found = ""
        except IntegrityError as error:
            found = str(error)
        assert bool(found) == bool(sentence) and sentence in found, name


def test_files_are_withdrawn_from_the_statements_that_are_named() -> None:
    both, once = statement("1", files=f"{A} {B}"), statement("6", files=A)
    gone = statement("7", files=A, withdraws=("1", "6"))
    approvals, withdrawals = without_withdrawn((both, once, gone, OTHER, both))
    assert approvals == (replace(both, files={B: both.files[B]}), OTHER) and withdrawals == (gone,)
    unknown = replace(gone, reviewer=None)
    assert without_withdrawn((both, unknown)) == ((both,), ())
    assert without_withdrawn((statement("8", files=""),)) == ((), ())


def test_the_last_statements_are_those_that_no_other_follows() -> None:
    branch = statement("5", previous="1")
    assert tips((ONE, TWO, OTHER, branch, STRANGE)) == {"ada": ("2", "5"), "bob": ("3",)}
    assert tips((STRANGE,)) == {}


def test_what_was_seen_is_remembered_by_file_and_reviewer(tmp_path: Path) -> None:
    folder, path = tmp_path / "deep" / "memory", tmp_path / "approvals"
    memory = folder / "approvals-seen.json"
    must_not_be_older(folder, path, {"ada": ()}, ())
    assert not folder.exists()
    must_not_be_older(folder, path, {"bob": ("3",), "ada": ("1",)}, {"1", "3"})
    must_not_be_older(folder, tmp_path / "other", {"ada": ("9",)}, {"9"})
    must_not_be_older(folder, path, {"ada": ("1", "2"), "bob": ()}, {"1", "2", "3"})
    expected = {str(tmp_path / "other"): {"ada": ["9"]}, str(path): {"ada": ["1", "2"], "bob": ["3"]}}
    assert json.loads(memory.read_text()) == expected
    assert memory.read_text() == json.dumps(expected, indent=1, sort_keys=True) + "\n"
    written = memory.stat().st_mtime_ns
    must_not_be_older(folder, path, {"ada": ("1", "2")}, {"1", "2"})
    assert memory.stat().st_mtime_ns == written
    with pytest.raises(IntegrityError, match=f"`{path}` lacks statements of ada that it had before") as caught:
        must_not_be_older(folder, path, {"bob": ("3",), "ada": ("1",)}, {"1", "3"})
    assert caught.value.hint and f"remove `{memory}`" in caught.value.hint


def test_a_folder_that_cannot_be_written_remembers_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    must_not_be_older(tmp_path / "file", tmp_path / "approvals", {"ada": ("1",)}, {"1"})
    assert (tmp_path / "file").read_text() == ""


NATIVE = Finding.of("a.whl", "native-code", Severity.WARNING, count=2)
CAN = Finding.of("a.whl", "capabilities", Severity.NOTE, capabilities=("network", "process"))
NONE = Finding.of("b.whl", "capabilities", Severity.NOTE, capabilities=())


def test_a_claim_is_written_with_what_the_reviewer_saw() -> None:
    full = Claim("ada", "read", DAY, date(2027, 1, 1), B, (A, C), "security").predicate(
        {B: [NATIVE, CAN], A: [], C: [NONE]}
    )
    assert full == {
        "format": 2,
        "reviewer": "ada",
        "reason": "read",
        "made": "2026-01-01",
        "expires": "2027-01-01",
        "findings": {
            B: [
                {
                    "rule": "capabilities",
                    "facts": {"capabilities": ("network", "process")},
                    "fingerprint": CAN.fingerprint,
                },
                {"rule": "native-code", "facts": {"count": 2}, "fingerprint": NATIVE.fingerprint},
            ],
            C: [{"rule": "capabilities", "facts": {"capabilities": ()}, "fingerprint": NONE.fingerprint}],
        },
        "previous": B,
        "withdraws": [A, C],
        "role": "security",
    }
    assert list(full["findings"]) == [B, C]
    assert claim() == {
        "format": 2,
        "reviewer": "ada",
        "reason": "read",
        "made": "2026-01-01",
        "expires": None,
        "findings": {},
    }


def in_toto(predicate: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "subject": [{"name": "b.whl", "digest": {"sha256": B}}, {"name": "a.whl", "digest": {"sha256": A}}],
        "predicate": predicate,
    }


def test_a_claim_is_read_again() -> None:
    predicate = Claim("x", "read", DAY, date(2027, 1, 1), B, (A, C), "security").predicate(
        {B: [NATIVE, CAN], C: [NONE]}
    )
    seen = frozenset({("native-code", NATIVE.fingerprint), ("capabilities", CAN.fingerprint)})
    assert parse_approval(in_toto(json.loads(json.dumps(predicate))), "ada", "key", "id") == Approval(
        {B: ("b.whl", seen), A: ("a.whl", frozenset())},
        *("ada", "key", "read", DAY, date(2027, 1, 1), 2, B, (A, C), "security", "id"),
        {B: frozenset({"network", "process"}), C: frozenset()},
    )
    least = parse_approval(in_toto(claim()), None, "key")
    assert (least.previous, least.withdraws, least.role, least.id, least.expires) == (None, (), None, "", None)


def test_capabilities_are_read_from_the_rule_of_this_name_alone() -> None:
    other = Finding.of("a.whl", "odd", Severity.NOTE, capabilities=("network",))
    text = Finding.of("a.whl", "capabilities", Severity.NOTE, capabilities="network")
    predicate = Claim("x", "read", DAY).predicate({A: [other, text, NATIVE]})
    assert parse_approval(in_toto(predicate), "ada", "key").capabilities == {}


def test_format_1_has_sentences() -> None:
    rows = [{"rule": "native-code", "sentence": "holds"}, {"rule": "capabilities", "sentence": "can"}]
    first = {"reason": "read", "made": "2026-01-01", "expires": None, "findings": {A: rows}}
    for predicate in (first, first | {"format": 1}):
        approval = parse_approval(in_toto(predicate), "ada", "key")
        assert approval.files[A] == ("a.whl", frozenset({("native-code", "holds"), ("capabilities", "can")}))
        assert (approval.format, approval.capabilities) == (1, {})


ALTERED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another format": (
        lambda one: one.update(format=3),
        "its format is 3, but this version of wheelhouse reads formats 1 and 2",
    ),
    "another fact": (
        lambda one: one["findings"][A][0]["facts"].update(count=3),
        "the fingerprint of a finding of `native-code` does not match the finding's facts",
    ),
    "no reason": (lambda one: one.pop("reason"), "`predicate`: object missing required field `reason`"),
    "no day": (lambda one: one.update(made="today"), "`predicate.made` is 'today': invalid RFC3339 encoded date"),
    "a format in words": (lambda one: one.update(format="x"), "`predicate.format` is 'x': expected `int`, got `str`"),
}


def test_a_statement_that_is_altered_or_of_another_shape_is_refused() -> None:
    for name, (alter, sentence) in ALTERED.items():
        predicate = Claim("x", "read", DAY).predicate({A: [NATIVE]})
        alter(predicate)
        with pytest.raises(IntegrityError) as caught:
            parse_approval(in_toto(predicate), "ada", "key")
        assert str(caught.value) == f"the statement is not an approval: {sentence}", name
