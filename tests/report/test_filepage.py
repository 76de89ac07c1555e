"""The page of one file: which of its approvals count, and which of its changes come first."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.support.made_pins import made_facts, made_pin
from wheelhouse.report.page import report_view
from wheelhouse.vet.approvals import Approval, Approvals, Role
from wheelhouse.vet.capabilities import Capability, Earlier
from wheelhouse.vet.diff import Replaced
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.member_changes import member_changes, text_diff
from wheelhouse.vet.vet import RULES

TODAY = date(2026, 1, 31)
NOW = datetime(2026, 1, 31, tzinfo=UTC)
A, B = "a" * 64, "b" * 64


def page_of(facts: Facts, **more: object) -> dict[str, Any]:
    found = Evidence("wheels", {}, {facts.subject: facts.pin.artifact.sha256}, (facts,), (), (), (), Approvals(), NOW)
    (page,) = report_view(replace(found, **more), RULES)["pages"]  # type: ignore[arg-type]
    return dict(page)


@pytest.mark.parametrize(("projects", "counts"), [(("numpy",), False), (("odd",), True)])
def test_an_approval_counts_only_if_the_role_of_its_reviewer_is_for_the_file(
    projects: tuple[str, ...], counts: bool
) -> None:
    files = {A: ("odd-1.0-py3-none-any.whl", frozenset[tuple[str, str]]())}
    before = {B: ("tools/odd-0.9-py3-none-any.whl", frozenset[tuple[str, str]]())}
    given = tuple(Approval(one, "ada", "key", "read", TODAY) for one in (files, before))
    approvals = Approvals(given, TODAY, roles={"ada": Role("science", projects)})
    page = page_of(made_facts("odd-1.0-py3-none-any.whl", sha256=A), approvals=approvals)
    assert [row["counts"] for row in page["approvals"]] == [counts]
    newer = page_of(made_facts("odd-1.1-py3-none-any.whl", sha256="c" * 64), approvals=approvals)
    assert [row["counts"] for row in newer["approvals_before"]["rows"]] == [counts]


@pytest.mark.parametrize(
    ("name", "top", "changed"),
    [("odd-2.0-py3-none-any.whl", "", "odd/net.py"), ("odd-2.0.tar.gz", "odd-2.0/", "src/odd/net.py")],
)
def test_the_changes_of_members_that_do_what_the_release_before_could_not_come_first(
    name: str, top: str, changed: str
) -> None:
    code = {Capability.NETWORK: (top + changed,)}
    new = made_facts(name, sha256=A, members=(f"{top}{changed}", f"{top}a.py"), inside={"code_capabilities": code})
    members = member_changes(made_facts("odd-1.0-py3-none-any.whl"), new)
    texts = tuple(text_diff(member.name, [], ["new"]) for member in members)
    assert [text.name for text in texts] == ["a.py", "odd/net.py"]
    old = made_pin("odd-1.0-py3-none-any.whl")
    replaced = Replaced(new.pin, old, (), Earlier("1.0", frozenset()), members, texts)
    page = page_of(new, since="old", replaced={new.subject: replaced})
    assert [text["name"] for text in page["contents"]["texts"]] == ["odd/net.py", "a.py"]
