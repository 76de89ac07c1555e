"""The tool that makes mutants."""

import ast
from textwrap import dedent

from tests.mutation.__main__ import read_equivalent
from tests.mutation.mutants import mutants
from tests.support.checkout import ROOT

SOURCE = dedent(
    '''
    """A module."""
    MAX_SIZE = 10
    WORDS = {"a": 1}

    def pick(size: "int", names=()) -> "str":
        """Documentation."""
        if size < MAX_SIZE and names:
            raise ValueError(f"{size + 1} is small")
        return names[0] if not names else "a sentence"

    def shown(text, unused):
        del unused
        del text[3]
        return text.rstrip("/").strip()

    FEW = {"b", *("c", "d")}
    MANY = frozenset({"e", *("f", "g", "h"), "i", "j", "k", "l"})

    class Row(Struct, frozen=True, tag=7):
        pairs = zip("x", "y", strict=True)
    '''
)


def changes() -> set[tuple[str, str, str]]:
    return {(mutant.scope, mutant.before, mutant.after) for mutant in mutants("m.py", SOURCE)}


def test_comparisons_conditions_numbers_and_refusals_are_mutated() -> None:
    assert changes() >= {
        ("", "'a'", "('aX')"),
        ("", "1", "(2)"),
        ("pick", "size < MAX_SIZE", "(size <= MAX_SIZE)"),
        ("pick", "size < MAX_SIZE and names", "(size < MAX_SIZE or names)"),
        ("pick", "size < MAX_SIZE and names", "(names)"),
        ("pick", "not names", "(names)"),
        ("pick", "0", "(1)"),
        ("pick", "raise ValueError(f'{size + 1} is small')", "pass"),
    }


def test_limits_annotations_documentation_and_sentences_are_not_mutated() -> None:
    before = {before for _, before, _ in changes()}
    assert not before & {"10", "'int'", "'str'", "'Documentation.'", "'a sentence'", "size + 1"}


def test_what_is_stripped_is_replaced_as_a_whole() -> None:
    in_shown = {(before, after) for scope, before, after in changes() if scope == "shown"}
    assert ("text.rstrip('/')", "(text.rstrip('X'))") in in_shown and ("'/'", "('/X')") not in in_shown
    assert ("del text[3]", "pass") in in_shown and ("del unused", "pass") not in in_shown


def test_declarations_are_not_mutated() -> None:
    assert {before for scope, before, _ in changes() if scope == "Row"} == {"7", "'x'", "'y'"}


def test_long_lists_of_names_are_not_mutated() -> None:
    before = {before for _, before, _ in changes()}
    assert {"'b'", "'c'", "'d'"} <= before and not before & {"'e'", "'f'", "'l'"}


def test_each_mutant_is_another_program_with_one_change() -> None:
    found = mutants("m.py", SOURCE)
    texts = {mutant.applied(SOURCE) for mutant in found}
    assert len(texts) == len(found) and SOURCE not in texts
    for text in texts:
        ast.parse(text)


def test_a_key_stays_when_lines_move() -> None:
    moved = "# a comment\n\n" + SOURCE
    assert [mutant.key for mutant in mutants("m.py", moved)] == [mutant.key for mutant in mutants("m.py", SOURCE)]


def test_every_fault_that_is_said_to_change_nothing_can_be_made() -> None:
    keys = read_equivalent()
    files = {file: (ROOT / "wheelhouse" / file).read_text(encoding="utf-8") for file in {key[0] for key in keys}}
    assert keys.keys() <= {mutant.key for file, text in files.items() for mutant in mutants(file, text)}
