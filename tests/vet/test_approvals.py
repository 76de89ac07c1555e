"""Which approvals of a file count: by day, reviewer, role and finding; and what a file without enough of them lacks."""

from datetime import date
from typing import Any

import pytest

from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Finding, Severity
from wheelhouse.vet.approvals import (
    NO_APPROVALS,
    Approval,
    Approvals,
    Role,
    must_be_approved,
    split_approved,
    unapproved,
)

YESTERDAY, TODAY, TOMORROW = (date(2026, 6, day) for day in (1, 2, 3))
LIB, OTHER = "a" * 64, "b" * 64
WHEEL = "lib-1.0-py3-none-any.whl"
SEEN, UNSEEN = (Finding.of(WHEEL, "pth-code", Severity.ERROR, path="a.pth", lines=lines) for lines in (1, 2))
ELSEWHERE = Finding.of(WHEEL, "pth-path", Severity.ERROR, path="a.pth", lines=1)


def approval(reviewer: str | None, *seen: Finding, name: str = WHEEL, sha256: str = LIB, **more: Any) -> Approval:
    marks = frozenset((finding.rule, finding.fingerprint) for finding in seen)
    return Approval({sha256: (name, marks)}, reviewer, f"key of {reviewer}", "read it", YESTERDAY, **more)


def approvals(*made: Approval, needed: int = 1, **more: Any) -> Approvals:
    return Approvals(made, TODAY, needed, **more)


def test_without_more_an_approval_is_plain_and_one_reviewer_is_needed() -> None:
    assert approval("ada") == approval("ada", format=2, previous=None, withdraws=(), role=None, id="", capabilities={})
    assert Approvals() == NO_APPROVALS == Approvals((), date.min, 1, {}, (), {})
    assert Role("any") == Role("any", ("*",), 0)


def test_an_approval_counts_until_its_last_day_if_its_reviewer_is_known() -> None:
    rows: dict[tuple[str | None, date | None], bool] = {
        ("ada", None): True,
        ("ada", TODAY): True,
        ("ada", TOMORROW): True,
        ("ada", YESTERDAY): False,
    }
    rows |= {(None, None): False, (None, TOMORROW): False}
    assert {(who, day): approval(who, expires=day).is_valid(TODAY) for who, day in rows} == rows
    valid = {(who, day): approvals(approval(who, expires=day)).approved(LIB) for who, day in rows}
    assert valid == rows and not approvals(approval("ada")).approved(OTHER)


def test_a_finding_is_covered_if_the_reviewer_saw_the_same_facts() -> None:
    rows = {SEEN: True, UNSEEN: False, ELSEWHERE: False}
    assert {finding: approval("ada", SEEN).covers(LIB, finding) for finding in rows} == rows
    with pytest.raises(KeyError):
        approval("ada", SEEN).covers(OTHER, SEEN)


def test_in_format_1_a_finding_is_covered_by_its_sentence_or_by_a_rule_without_one() -> None:
    own = Finding.of(WHEEL, "own-backend", Severity.ERROR, backend="b", folders=("c",))
    seen = frozenset((("own-backend", "it is built by its own b, in `c`"), ("refused", "it is broken")))
    old = Approval({LIB: (WHEEL, seen)}, "ada", "key", "read it", YESTERDAY, format=1)
    others = (
        Finding.of(WHEEL, "own-backend", Severity.ERROR, backend="b", folders=("d",)),
        Finding.of(WHEEL, "refused", Severity.ERROR, why="anything"),
        Finding.of(WHEEL, "unlisted", Severity.ERROR),
    )
    assert [old.covers(LIB, one) for one in (own, *others)] == [True, False, True, False]


def test_a_role_is_for_projects_by_pattern_or_for_other_files_by_name() -> None:
    role = Role("data", ("pandas", "apache-*", "*.deb"))
    rows = {
        "pandas-1.0-py3-none-any.whl": True,
        "Pandas-1.0.tar.gz": True,
        "apache_airflow-2.0-py3-none-any.whl": True,
        "geopandas-1.0.tar.gz": False,
        "git.deb": True,
        "pandas": True,
        "apache": False,
    }
    assert {name: role.is_for(name) for name in rows} == rows


SECURITY, DATA = Role("security", ("lib",), 1), Role("data", ("pandas",), 1)
ROLES = {"eve": SECURITY, "dan": DATA}


def test_reviewers_count_for_the_projects_of_their_role() -> None:
    made = approvals(
        *(approval("ada"), approval("ada"), approval("eve", name=f"tools/{WHEEL}"), approval("dan"), approval(None)),
        *(approval("old", expires=YESTERDAY), approval("bob", sha256=OTHER)),
        roles=ROLES,
    )
    assert [set(made.reviewers(sha256)) for sha256 in (LIB, OTHER)] == [{"ada", "eve"}, {"bob"}]
    assert made.reviewers("c" * 64) == frozenset()


def test_a_file_needs_enough_reviewers_also_of_each_role() -> None:
    two = Role("two", ("lib",), 2)
    rows: dict[tuple[str, ...], tuple[bool, bool, bool, bool]] = {
        (): (False, False, False, False),
        ("ada",): (True, False, False, False),
        ("ada", "bob"): (True, True, False, False),
        ("ada", "eve"): (True, True, True, False),
        ("eve",): (True, False, True, False),
        ("eve", "eva"): (True, True, True, True),
        ("ada", "dan"): (True, False, False, False),
    }
    found = {}
    for names in rows:
        made = [approval(name, SEEN) for name in names]
        several = [
            approvals(*made, needed=1, roles={"dan": DATA}),
            approvals(*made, needed=2, roles={"dan": DATA}),
            approvals(*made, needed=1, roles={"eve": SECURITY, "eva": SECURITY, "dan": DATA}),
            approvals(*made, needed=1, roles={"eve": two, "eva": two, "dan": DATA}),
        ]
        found[names] = tuple(one.approved(LIB) for one in several)
        assert found[names] == tuple(one.covers(LIB, SEEN) for one in several)
        assert not any(one.covers(LIB, UNSEEN) for one in several)
    assert found == rows


def test_the_first_role_by_name_that_a_file_lacks_is_told() -> None:
    late, early = Role("z", ("lib",), 1), Role("a", ("x", "lib"), 1)
    roles = {"zoe": late, "amy": early, "dan": DATA}
    made = approvals(approval("ada"), approval("bob", name="tools/x-1.tar.gz"), roles=roles)
    lacking = {names: made.lacking_role(LIB, names) for names in ((), ("zoe",), ("amy",), ("amy", "zoe"), ("dan",))}
    assert lacking == {(): early, ("zoe",): early, ("amy",): late, ("amy", "zoe"): None, ("dan",): early}
    assert approvals(roles=roles).lacking_role(LIB, ()) is None


def test_a_reviewer_covers_findings_alone_and_as_long_as_asked() -> None:
    made = approvals(approval("ada", SEEN, ELSEWHERE, expires=TOMORROW), approval("bob", UNSEEN), approval("ada"))
    rows = {
        ("ada", TODAY, (SEEN, ELSEWHERE)): True,
        ("ada", TOMORROW, (SEEN,)): True,
        ("ada", date(2026, 6, 4), (SEEN,)): False,
        ("ada", None, (SEEN,)): False,
        ("ada", None, ()): True,
        ("ada", TODAY, (SEEN, UNSEEN)): False,
        ("ada", TODAY, (UNSEEN,)): False,
        ("bob", None, (UNSEEN,)): True,
        ("bob", TOMORROW, (UNSEEN,)): True,
        ("bob", None, (SEEN,)): False,
        ("eve", None, ()): False,
    }
    assert {row: made.covers_all(LIB, row[0], row[1], iter(row[2])) for row in rows} == rows
    assert not made.covers_all(OTHER, "ada", None, ())


def test_all_bytes_that_a_known_reviewer_approved_under_a_name_are_told() -> None:
    made = approvals(
        approval("ada", expires=YESTERDAY),
        approval("ada", name=f"tools/{WHEEL}", sha256=OTHER),
        approval("ada", name=f"{WHEEL}/x", sha256="c" * 64),
        approval(None, sha256="d" * 64),
    )
    assert made.sha256s_of(WHEEL) == {LIB, OTHER}


def lacking(made: Approvals, **facts: Any) -> None:
    """What `missing` says of the file: `facts`, and no others."""
    plain: dict[str, Any] = {"reviewers": (), "needed": made.needed, "expired": (), "keys": ()}
    assert made.missing("tools/x", LIB) == Finding.of("tools/x", "not-approved", Severity.ERROR, **plain | facts)


def test_what_a_file_lacks_is_told() -> None:
    gone = (approval("ada"), approval("eve", sha256=OTHER))
    past = approval("ada", expires=YESTERDAY)
    unknown = approval(None)
    lacking(approvals(), case="nobody")
    lacking(approvals(approval("ada", sha256=OTHER)), case="nobody")
    lacking(approvals(unknown, unknown, approval(None, expires=TOMORROW)), case="unknown-key", keys=("key of None",))
    lacking(approvals(past), case="expired", expired=("ada (2026-06-01)",))
    lacking(approvals(withdrawals=gone), case="withdrawn", withdrawn=("ada (read it)",))
    lacking(approvals(approval("dan"), roles=ROLES), case="outside", outside=("dan",))
    lacking(approvals(approval("ada"), needed=2, withdrawals=gone), case="few", reviewers=("ada",))
    lacking(approvals(approval("ada"), roles=ROLES), case="role", role="security", reviewers=("ada",), needed=1)
    everything = (approval("bob"), past, approval("dan"), unknown, approval("amy"))
    told: dict[str, Any] = {"expired": ("ada (2026-06-01)",), "keys": ("key of None",), "outside": ("dan",)}
    told |= {"withdrawn": ("ada (read it)",), "reviewers": ("amy", "bob")}
    lacking(approvals(*everything, needed=3, roles=ROLES, withdrawals=gone), case="few", **told)
    security = Role("security", ("lib",), 2)
    roles = {"eve": security, "dan": DATA}
    of_role: dict[str, Any] = {"case": "role", "role": "security", "needed": 2}
    lacking(approvals(*everything, needed=2, roles=roles, withdrawals=gone), **of_role, **told)
    rest: dict[str, Any] = {name: fact for name, fact in told.items() if name != "reviewers"}
    lacking(approvals(past, approval("dan"), unknown, roles=ROLES, withdrawals=gone), case="withdrawn", **rest)
    del rest["withdrawn"]
    lacking(approvals(past, approval("dan"), unknown, roles=ROLES), case="expired", **rest)
    lacking(approvals(approval("dan"), unknown, roles=ROLES), case="outside", **rest | {"expired": ()})


def test_files_that_are_not_approved_are_told_in_the_order_of_paths() -> None:
    files = {"z.whl": OTHER, "lib.whl": LIB, "a.whl": "c" * 64}
    made = approvals(approval("ada"))
    findings = (made.missing("a.whl", "c" * 64), made.missing("z.whl", OTHER))
    assert unapproved(files, made) == findings
    with pytest.raises(IntegrityError, match=r"`a\.whl` is not approved") as refused:
        must_be_approved(files, made)
    assert refused.value.findings == findings
    must_be_approved({"lib.whl": LIB}, made)


def test_findings_are_split_into_open_and_approved() -> None:
    house = Finding.of("house", "pth-code", Severity.ERROR, path="a.pth", lines=1)
    other = Finding.of("other", "pth-code", Severity.ERROR, path="a.pth", lines=1)
    sha256s = {WHEEL: LIB, "other": OTHER}
    split = split_approved((UNSEEN, SEEN, house, other), sha256s, approvals(approval("ada", SEEN)))
    assert split == ((UNSEEN, house, other), (SEEN,))
    assert split_approved((house,), sha256s, approvals(needed=0)) == ((house,), ())
