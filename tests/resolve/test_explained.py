"""What is told about conflicts, word for word, without a program or a server: every kind, and kinds beside them."""

from tests.support.conflicts import CONFLICTS
from tests.support.golden import FOLDER
from tests.support.held_offers import told


def test_every_kind_of_conflict_is_told_as_the_program_does() -> None:
    wrong = {}
    for name, conflict in CONFLICTS.items():
        golden = (FOLDER / "explanations" / f"{name}.txt").read_text(encoding="utf-8")
        expected = golden.partition("\nresolving for ")[2].partition("\n")[2].strip("\n")
        if (found := told(conflict)) != expected:
            wrong[name] = (found, expected)
    assert not wrong
