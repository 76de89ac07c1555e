"""Sixty questions to each sandbox: what code in it can do, as docs/security.md has it."""

import os

import pytest

from tests.probe.outside import MUST_WORK, UNMEASURED, ask_all
from tests.support.checkout import ROOT
from tests.support.sandboxes import BY_NAME, needs_sandbox
from wheelhouse.sandbox import bubblewrap
from wheelhouse.sandbox.cgroup import usable_hierarchies
from wheelhouse.sandbox.seccomp import ARCHITECTURES

pytestmark = pytest.mark.rooms
FILLED = "exceed the limit by "


def documented(seal: str) -> dict[str, str]:
    """The first word of each answer in the table of docs/security.md, in this user's column."""
    lines = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    header = next(row for row in rows if row[0].startswith("can code"))
    column = header.index(f"{seal}, {'root' if os.geteuid() == 0 else 'user'}")
    answers = rows[rows.index(header) + 2 :]
    return {row[0]: row[column].partition(":")[0] for row in answers if row[column]}


@pytest.mark.parametrize("seal", BY_NAME)
def test_code_can_do_what_it_needs_and_nothing_else(seal: str) -> None:
    needs_sandbox(seal)
    if os.uname().machine not in ARCHITECTURES:
        pytest.skip(f"there is no seccomp filter for {os.uname().machine}")
    answers = {question: answer.partition(":")[0] for (_, question), answer in ask_all(BY_NAME[seal]).items()}
    expected = {question: "yes" if question in MUST_WORK else "no" for question in answers}
    if not usable_hierarchies():
        expected |= {f"{FILLED}{kind}": "yes" for kind in UNMEASURED}
    assert answers == expected
    assert len(answers) >= 60
    assert documented(seal).keys() == answers.keys()
    if usable_hierarchies() or os.geteuid() != 0:
        assert documented(seal) == answers


def test_the_questions_see_what_only_the_filter_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_sandbox("bubblewrap")
    monkeypatch.setattr(bubblewrap, "find_filter", lambda: None)
    answers = {question: answer for (_, question), answer in ask_all(BY_NAME["bubblewrap"]).items()}
    opened = {question for question, answer in answers.items() if answer == "yes"}
    assert opened > {*MUST_WORK, "add a key"}
