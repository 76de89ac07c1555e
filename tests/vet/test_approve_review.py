"""What a reviewer is about to sign, what is signed, and what can be withdrawn; without keys and commands."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.findings import Finding, Severity
from wheelhouse.vet import approve
from wheelhouse.vet.approval_statement import PREDICATE, Claim
from wheelhouse.vet.approvals import Approval, Approvals, Role
from wheelhouse.vet.approve import (
    Review,
    chosen,
    claim_of,
    files_of,
    review,
    sign_review,
    sign_withdrawal,
    withdrawable,
)

YESTERDAY, TODAY, TOMORROW = (date(2026, 6, day) for day in (1, 2, 3))
LIB, APP, TOOL = "lib-1.0.tar.gz", "app-1.0.tar.gz", "tools/tool-1.0.tar.gz"
FILES = {name: sha256(name.encode()).hexdigest() for name in (LIB, APP, TOOL)}


def finding(subject: str, lines: int = 1) -> Finding:
    return Finding.of(subject, "pth-code", Severity.ERROR, path="a.pth", lines=lines)


def approval(reviewer: str, *names: str, seen: tuple[Finding, ...] = (), **more: Any) -> Approval:
    marks = frozenset((one.rule, one.fingerprint) for one in seen)
    files = {FILES[name]: (name, marks) for name in names}
    return Approval(files, reviewer, "key", "read it", YESTERDAY, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with FILES."""
    (tmp_path / "tools").mkdir()
    for name in FILES:
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def made(*files: str) -> SimpleNamespace:
    """A wheelhouse, lock or staged folder with these files, of which the name is the sha256."""
    return SimpleNamespace(artifacts={name: SimpleNamespace(sha256=name) for name in files})


def use(monkeypatch: pytest.MonkeyPatch, **functions: Callable[[Path], object]) -> None:
    for name, function in functions.items():
        monkeypatch.setattr(approve, name, function)


def test_all_files_of_a_wheelhouse_and_of_those_inside_it_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    top = Path("top")
    other = SimpleNamespace(files=[SimpleNamespace(name="tool.gz", sha256="other")])
    use(
        monkeypatch,
        read_staged=lambda _: None,
        load_wheelhouse=lambda path: made("a.whl") if path == top else made("b.whl"),
        load_other_files=lambda path: other if path == top else SimpleNamespace(files=()),
        load_locked_folders=lambda path: {"files": made("no"), "debian": made("c.deb")} if path == top else {},
        sub_wheelhouses=lambda path: ("tools",) if path == top else (),
    )
    assert files_of(top) == {
        "a.whl": "a.whl",
        "files/tool.gz": "other",
        "debian/c.deb": "c.deb",
        "tools/b.whl": "b.whl",
    }


def test_the_files_of_a_staged_folder_are_those_of_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, read_staged=lambda _: made("wheels/a.whl"))
    assert files_of(Path("staged")) == {"wheels/a.whl": "wheels/a.whl"}


def test_files_are_chosen_by_name_or_all() -> None:
    assert chosen(FILES, ()) == FILES and chosen(FILES, [APP]) == {APP: FILES[APP]}
    with pytest.raises(InputError, match="the wheelhouse has no file `a`") as refused:
        chosen(FILES, ["b", APP, "a"])
    assert refused.value.details == ("no such file: a", "no such file: b")


def reviewed(folder: Path, approvals: Approvals, *findings: Finding, expires: date | None = None) -> Review:
    return review(folder, FILES, findings, approvals, "ada", expires)


def test_a_review_has_the_files_that_the_reviewer_has_not_approved_with_their_findings(folder: Path) -> None:
    findings = (finding(LIB), finding(APP), finding("house"), finding(LIB, 2), finding(TOOL))
    assert reviewed(folder, Approvals(), *findings) == Review(
        FILES, (findings[0], findings[3], findings[1], findings[4]), (), ()
    )
    seen = approval("ada", LIB, APP, seen=(finding(LIB),))
    approvals = Approvals((seen, approval("bob", TOOL, seen=(finding(TOOL),))), TODAY)
    assert reviewed(folder, approvals, *findings) == Review(
        {LIB: FILES[LIB], TOOL: FILES[TOOL]}, (findings[0], findings[3], findings[4]), (APP,)
    )
    assert reviewed(folder, approvals) == Review({TOOL: FILES[TOOL]}, (), (APP, LIB))


def test_an_approval_that_ends_earlier_is_signed_again(folder: Path) -> None:
    approvals = Approvals((approval("ada", *FILES, expires=TODAY),), TODAY)
    assert reviewed(folder, approvals, expires=TODAY).files == {}
    assert reviewed(folder, approvals, expires=TOMORROW).files == FILES == reviewed(folder, approvals).files


def test_files_beyond_the_reviewers_role_are_named(folder: Path) -> None:
    role = Role("tools", ("tool", "app"))
    found = reviewed(folder, Approvals((approval("ada", APP),), TODAY, roles={"ada": role}), finding(LIB))
    assert found == Review({TOOL: FILES[TOOL]}, (), (APP,), (LIB,))
    with pytest.raises(InputError, match="the role `tools` of ada is for none of these files"):
        review(folder, {LIB: FILES[LIB]}, (), Approvals(roles={"ada": role}), "ada")
    assert review(folder, {}, (), Approvals(roles={"ada": role}), "ada") == Review({}, (), ())
    assert review(folder, {LIB: FILES[LIB]}, (), Approvals(roles={"bob": role}), "ada").files == {LIB: FILES[LIB]}


def test_a_file_that_is_not_as_locked_is_not_reviewed(folder: Path) -> None:
    (folder / APP).write_bytes(b"other")
    (folder / LIB).rename(folder / "kept")
    (folder / LIB).symlink_to(folder / "kept")
    (folder / TOOL).unlink()
    with pytest.raises(IntegrityError, match="differs from the lock file, and was not approved") as refused:
        reviewed(folder, Approvals())
    assert refused.value.details == tuple(f"altered or missing: {name}" for name in FILES)
    assert str(refused.value).startswith(f"`{LIB}` ")


def test_a_claim_follows_the_last_statement_of_its_reviewer() -> None:
    current = Approvals(today=TODAY, tips={"ada": ("first", "last"), "bob": ("other",)})
    assert claim_of(current, "ada", "why", None) == Claim("ada", "why", TODAY, None, "last")
    assert claim_of(current, "eve", "why", TODAY) == Claim("eve", "why", TODAY, TODAY)
    of_role = Approvals(today=TODAY, roles={"ada": Role("tools")})
    assert claim_of(of_role, "ada", "why", TOMORROW) == Claim("ada", "why", TODAY, TOMORROW, role="tools")


def test_a_claim_needs_a_reason_and_a_day_to_come() -> None:
    current = Approvals(today=TODAY)
    with pytest.raises(InputError, match="an approval needs a reason"):
        claim_of(current, "ada", " ", None)
    with pytest.raises(InputError, match="2026-06-01 is past, so the approval would never count"):
        claim_of(current, "ada", "why", YESTERDAY)


class Signer:
    """Signs everything with the same bytes."""

    public: Any = SimpleNamespace(id="key")

    def sign(self, message: bytes) -> bytes:
        return b"signed"


def statements(path: Path) -> list[tuple[Mapping[str, str], str, dict[str, Any]]]:
    """Files, kind and predicate of each line of an approvals file."""
    lines = [json.loads(b64decode(json.loads(line)["payload"])) for line in path.read_text().splitlines()]
    return [
        (
            {one["name"]: one["digest"]["sha256"] for one in line["subject"]},
            line["predicateType"].rpartition("/")[2],
            line["predicate"],
        )
        for line in lines
    ]


def test_what_is_signed_has_the_files_and_their_findings(tmp_path: Path) -> None:
    path, claim, found = tmp_path / "approvals", Claim("ada", "why", TODAY), (finding(LIB), finding(LIB, 2))
    sign_review(Review({}, (), (APP,)), path, claim, Signer())
    assert not path.exists()
    files = {LIB: FILES[LIB], APP: FILES[APP]}
    sign_review(Review(files, found, ()), path, claim, Signer())
    withdrawal = Claim("ada", "why", TODAY, withdraws=("b" * 64,))
    sign_withdrawal({LIB: FILES[LIB]}, path, withdrawal, Signer())
    assert statements(path) == [
        (files, PREDICATE, claim.predicate({FILES[LIB]: found})),
        ({LIB: FILES[LIB]}, PREDICATE, withdrawal.predicate({})),
    ]


def test_a_finding_on_a_file_with_the_same_bytes_is_signed(tmp_path: Path) -> None:
    data, other = "files/data.bin", "files/other.bin"
    files = dict.fromkeys((data, other), sha256(b"same").hexdigest())
    (tmp_path / "files").mkdir()
    for name in files:
        (tmp_path / name).write_bytes(b"same")
    approvals = Approvals(roles={"ada": Role("data", ("data*",))})
    made = review(tmp_path, files, (finding(other),), approvals, "ada")
    assert (made.files, made.findings, made.beyond_role) == ({data: files[data]}, (finding(other),), (other,))
    claim = Claim("ada", "why", TODAY)
    sign_review(made, tmp_path / "approvals", claim, Signer())
    expected = ({data: files[data]}, PREDICATE, claim.predicate({files[data]: (finding(other),)}))
    assert statements(tmp_path / "approvals") == [expected]


def test_a_reviewer_can_withdraw_the_own_statements_on_these_files() -> None:
    approvals = Approvals(
        (
            approval("ada", LIB, APP, id="one"),
            approval("ada", TOOL, id="two", expires=YESTERDAY),
            approval("bob", APP, TOOL, id="three"),
        ),
        TODAY,
    )
    assert withdrawable({LIB: FILES[LIB]}, approvals, "ada") == ({LIB: FILES[LIB]}, ("one",))
    assert withdrawable(FILES, approvals, "ada") == (FILES, ("one", "two"))
    assert withdrawable(FILES, approvals, "bob") == ({APP: FILES[APP], TOOL: FILES[TOOL]}, ("three",))
    with pytest.raises(InputError, match="bob has approved none of these files"):
        withdrawable({LIB: FILES[LIB]}, approvals, "bob")
