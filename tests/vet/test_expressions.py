"""The values of expressions of foreign code, and of the names that statements bind."""

import ast
from collections.abc import Mapping

import pytest

from tests.support.foreign_code import followed, seen_in, shown, wrongly_valued
from wheelhouse.vet.code.calls import Module
from wheelhouse.vet.code.computed_values import MAX_PIECES
from wheelhouse.vet.code.expressions import MAX_ENTRIES, MAX_ROWS, SMALL, ExhaustedError
from wheelhouse.vet.code.interpreter import Interpreter
from wheelhouse.vet.code.values import MISSING, Scope

NAMES: Mapping[str, str] = {
    "exec": "name builtins.exec",
    "__builtins__": "name builtins",
    "builtins": "name builtins",
    "odd": "name odd",
    "os.system": "name os.system",
    "(yield variable)": "variable variable()",
    "(yield 1)": "",
    "(await variable)": "variable variable()",
    "(yield from variable)": "variable variable()",
    "[(y := 1), y]": "items 1, 1",
    "odd[variable:, 1]": "variable variable()",
}


def test_a_name_is_bound_or_named() -> None:
    assert not wrongly_valued(NAMES)


LONG_NUMBER = f"0x{'f' * 5000}"
"""Python makes no text of an integer with so many digits."""
PARTS: Mapping[str, str] = {
    "'abcd'[1:3]": "'bc'",
    "b'abcd'[1:3]": "b'bc'",
    "'abcd'[:-1]": "'abc'",
    "'abcd'[::1]": "'abcd'",
    "'abcd'[::2]": "'ac'; decoded text[::2]",
    "'abcd'[::-1]": "'dcba'; decoded text[::-1]",
    "b'abcd'[::-1]": "b'dcba'; decoded text[::-1]",
    "'abc'[::-1]": "'cba'",
    "'abcd'[::-3]": "'da'; decoded text[::-3]",
    f"'abcd'[::{LONG_NUMBER}]": "'a'; decoded text[::…]",
    "'abcd'[::0]": "",
    "'abcd'[unknown:]": "",
    "'abcd'[1.5:]": "",
    "'abcd'[None:2]": "'ab'",
    "12[1:]": "",
    "[1, 2, 3][:2]": "items 1, 2",
    "[1, 2, 3][::1]": "items 1, 2, 3",
    "[1, 2, 3][::0]": "",
    "[1, variable][unknown:]": "variable variable()",
    "[1, variable][:1]": "items 1; variable variable()",
    "odd(variable)[1:]": "name odd(); variable variable()",
    "odd(variable)[unknown:]": "name odd(); variable variable()",
    "('a' + unknown)[1:]": "text a…",
    "('a' + unknown)[unknown:]": "text a…",
}


def test_a_part_of_a_text_or_sequence_is_known_and_a_reversed_one_is_decoded() -> None:
    assert not wrongly_valued(PARTS)


OPERATORS: Mapping[str, str] = {
    "-3": "-3",
    "-1.5": "-1.5",
    "-'a'": "",
    "+3": "",
    "not 3": "",
    "~variable": "variable variable()",
    "1 + 2": "3",
    "'a' + 'b'": "'ab'",
    "'a' - 'b'": "",
    "'a' + unknown": "text a…",
    "unknown + 'a'": "text …a",
    "variable + 'a'": "text …a; variable variable()",
    "unknown + unknown": "",
    "unknown - 'a'": "",
    "'a' - unknown": "",
    "odd / 'a'": "text …/a",
    "'a' / unknown": "text a/…",
    "unknown / unknown": "",
    "[1] + [2]": "items 1, 2",
    "[1] + [unknown]": "items 1,",
    "[1] + [variable]": "items 1, variable variable(); variable variable()",
    "[unknown] * [2]": "",
    "['a'] + unknown": "text a…",
    "unknown + ['a']": "text …a",
    "'%s-b' % 'a'": "'a-b'",
    "'%s-b' % unknown": "text …-b",
    "'%s-b' - unknown": "",
    "b'%s' % unknown": "",
    "5 % unknown": "",
    "unknown % 'a'": "",
}


def test_an_operator_gives_a_constant_or_the_known_pieces_of_a_text() -> None:
    assert not wrongly_valued(OPERATORS)


TEXTS: Mapping[str, str] = {
    "f'a{1}b'": "'a1b'",
    "f'{True}{str(7)}'": "'True7'",
    "f'a'": "'a'",
    "f'a{unknown}'": "text a…",
    "f'a{variable}'": "text a…; variable variable()",
    "f'a{1:>3}'": "text a…",
    "f'{str(7):>3}b'": "text 7b",
    "f'{str(7):{unknown}}b'": "text 7b",
    "f'a{1.5}'": "text a…",
    "f'a{None}'": "text a…",
    "f'a{odd(variable)}'": "text a…; variable variable()",
    f"f'a{{{LONG_NUMBER}}}b'": "text a…b",
    f"f'a{{{LONG_NUMBER}!r}}{{{LONG_NUMBER}!a}}'": "text a……",
}


def test_a_formatted_text_is_known_if_its_pieces_are_and_none_has_a_format() -> None:
    assert not wrongly_valued(TEXTS)
    long = followed("x = f\"{'a' * 20000}\"\ny = f\"{'a' * 20000}{unknown}\"")[0].scope.names
    assert (len(str(long["x"].constant)), len(long["y"].text)) == (20000, MAX_PIECES * 4)
    converted = followed("x = f\"{'a'!r}{'\xe9'!a}{'b'!s}\"")[0].scope.names["x"]
    assert converted.constant == "'a''\\xe9'b"
    longest = followed("a = 'a' * (1 << 20)\nx = f'{a}{a}'\ny = f'{a}'")[0].scope.names
    assert (longest["x"].constant, len(longest["x"].text)) == (MISSING, MAX_PIECES * 4)
    assert len(str(longest["y"].constant)) == 1 << 20


COLLECTIONS: Mapping[str, str] = {
    "[]": "items",
    "[1, 'a', os.system]": "items 1, 'a', name os.system",
    "(1, variable)": "items 1, variable variable(); variable variable()",
    "{1}": "items 1",
    "[(1,)]": "items items 1",
    "[*[1, 2], 3]": "items 1, 2, 3",
    "[*unknown, 3]": "items , 3",
    "[*variable]": "items variable variable(); variable variable()",
    "{'a': 1, 2: 'b', b'c': 3}": "entries 'a': 1, 2: 'b', b'c': 3",
    "{unknown: 1, 1.5: 2, None: 3}": "entries",
    "{'a': variable}": "entries 'a': variable variable(); variable variable()",
    "{**variable, 'a': 1}": "entries 'a': 1; variable variable()",
}


def test_a_collection_has_its_known_items() -> None:
    assert not wrongly_valued(COLLECTIONS)


def test_a_table_of_many_rows_is_not_followed() -> None:
    rows = {
        f"[{'(1,), ' * MAX_ROWS}]": "items " + ", ".join(["items 1"] * MAX_ROWS),
        f"[{'(1,), ' * MAX_ROWS}2]": "",
        f"[{'[1], ' * MAX_ROWS}2]": "",
        f"[{'{1: 1}, ' * MAX_ROWS}2]": "",
        f"['a', {'(1,), ' * MAX_ROWS}]": "items 'a', " + ", ".join(["items 1"] * MAX_ROWS),
    }
    assert not wrongly_valued(rows)


def test_a_long_dict_has_no_constants() -> None:
    short = ", ".join(f"{number}: 1" for number in range(MAX_ENTRIES - 1))
    rows = {
        f"{{{short}, 'a': variable}}": "entries "
        + ", ".join(f"{number}: 1" for number in range(MAX_ENTRIES - 1))
        + ", 'a': variable variable(); variable variable()",
        f"{{{short}, 'a': 1, 'b': variable}}": "entries 'b': variable variable(); variable variable()",
    }
    assert not wrongly_valued(rows)


CHOICES: Mapping[str, str] = {
    "os.system if unknown else 1": "name os.system",
    "1 if unknown else os.system": "name os.system",
    "1 if unknown else 2": "1",
    "None or 1": "1",
    "unknown or 1": "1",
    "None or None": "",
    "unknown or variable": "variable variable()",
    "1 or variable": "1; variable variable()",
    "1 and os.system": "name os.system",
    "1 and (lambda: 0)": "Function",
    "1 and ('a' + unknown)": "text a…",
    "1 and [2]": "items 2",
    "1 and {2: 3}": "1",
    "getattr(os, 'system') or variable": "name os.system; variable variable(); not spelled",
    "variable or variable": "variable variable()",
    "'a' or print": "'a'; name builtins.print",
    "print or 'a' or 'b'": "'a'; name builtins.print",
    "b'a' if unknown else odd(variable)": "b'a'; name odd(); variable variable()",
    "(lambda: 0) or 'a'": "'a'; Function",
    "'' or print": "name builtins.print",
    "0 or '' or 'a'": "'a'",
    "'a' or sys.executable": "name sys.executable",
    "'a' or ('b' + unknown)": "text b…",
    "'a' or [1]": "items 1",
    "1 < variable": "",
}


def test_a_choice_is_the_first_value_that_is_known_best() -> None:
    assert not wrongly_valued(CHOICES)


COMPREHENSIONS: Mapping[str, str] = {
    "[i for i in 'ab']": "items 'a', 'b'",
    "{i for i in [1, 2]}": "items 1, 2",
    "(i + 1 for i in (1, 2))": "items 2, 3",
    "[i ^ 1 for i in (1, 2)]": "items 0, 3",
    "[i for i in (1, 2) if unknown]": "",
    "[j for i in 'a' for j in 'b']": "",
    "[i for i in unknown]": "",
    "[i for i in variable]": "variable variable()",
    "[1 for i in variable]": "variable variable()",
    "[variable for i in unknown]": "variable variable()",
    "[i + unknown for i in ['a', 'b'] if unknown]": "text a…",
    "[i + 1 for i in variable]": "variable variable()",
    "[i ^ 1 for i in variable]": "decoded xor; variable variable()",
    "[chr(i ^ 1) for i in variable]": "decoded xor; variable variable()",
    "[-i for i in variable]": "variable variable()",
    "{k: 1 for k in variable}": "variable variable()",
    "{1: k for k in variable}": "variable variable()",
    "{1: 2 for k in variable}": "",
    "[x := i for i in 'ab']\n": "'b'",
    "[[x := j for j in i] for i in ['ab', 'c']]\n": "'c'",
    "{(x := i): 1 for i in variable}\n": "variable variable()",
    "x = 1\n[(lambda: (x := 2))() for _ in 'a']": "1",
}


def test_a_comprehension_has_the_items_of_a_known_sequence() -> None:
    assert not wrongly_valued(COMPREHENSIONS)
    long = followed(f"x = [i for i in 'a' * {MAX_PIECES}]\ny = [i for i in 'a' * {MAX_PIECES + 1}]")[0].scope.names
    assert long["x"].items is not None and len(long["x"].items) == MAX_PIECES
    assert long["y"].items is None


BOUND: Mapping[str, str] = {
    "a, x = 1, 2\n": "2",
    "[a, x] = 1, 2\n": "2",
    "a, x = (1,)\n": "",
    "a, x = variable\n": "variable variable()",
    "a, *x = 1, variable\n": "items variable variable(); variable variable()",
    "*_, x = 1, 2, 3\n": "3",
    "a, *b, x, c = 1, 2, 3\n": "2",
    "a, *x = variable\n": "variable variable()",
    "(*x,) = variable\n": "variable variable()",
    "(*x,) = ()\n": "items",
    "x = y = 1\n": "1",
    "class A: pass\nA.y = 1\nx = A.y": "1",
    "class A:\n    def f(self):\n        self.y = 1\na = A()\na.f()\nx = a.y": "1",
    "odd.y = 1\nx = odd.y": "name odd.y",
    "d = {}\nd['a'] = 1\nx = d": "entries 'a': 1",
    "d = {}\nd['a'] = variable\nx = d": "entries 'a': variable variable(); variable variable()",
    "d = {}\nd[unknown] = variable\nx = d": "entries; variable variable()",
    "globals()['y'] = 1\nx = y": "1",
    "locals()['y'] = 1\nx = y": "name y",
    "odd['y'] = 1\nx = y": "name y",
}


def test_a_target_gets_its_part_of_the_value() -> None:
    assert not wrongly_valued(BOUND)


REPLACED: Mapping[str, list[str]] = {
    "requests.get = odd": ["patches: replaces `requests.get`, and sees all that goes through it"],
    "requests.sessions.Session.send = odd": [
        "patches: replaces `requests.sessions.Session.send`, and sees all that goes through it"
    ],
    "requests.get_adapter = odd": [],
    "requests.Session().get = odd": [],
    "unknown.get = odd": [],
    "class requests: pass\nrequests.get = odd": [],
    "import os\nos.environ['LD_PRELOAD'] = 'a'": [
        "injects: sets `LD_PRELOAD`, which loads a library into each program that starts"
    ],
    "import os\nos.environ['LD_AUDIT'] = 'a'": [
        "injects: sets `LD_AUDIT`, which loads a library into each program that starts"
    ],
    "import os\nos.environ['DYLD_INSERT_LIBRARIES'] = 'a'": [
        "injects: sets `DYLD_INSERT_LIBRARIES`, which loads a library into each program that starts"
    ],
    "import os\nos.environ['PATH'] = 'a'": [],
    "import os\nos.environ[unknown] = 'a'": [],
    "odd['LD_PRELOAD'] = 'a'": [],
    "import os\nos.environ['LD_PRELOAD'] += ':a'": [
        "injects: sets `LD_PRELOAD`, which loads a library into each program that starts"
    ],
    "import os\nos.environ['PATH'] += ':a'": [],
    "odd['LD_PRELOAD'] += ':a'": [],
}


def test_a_guarded_function_and_a_variable_that_loads_a_library_are_found_if_they_are_set() -> None:
    assert {code: seen_in(code) for code in REPLACED} == REPLACED


EVALUATED = (
    "unknown == go({})",
    "go({}) < 1",
    "1 if go({}) else 2",
    "2 and go({})",
    "lambda a=go({}): 0",
    "lambda *, a, b=go({}): 0",
    'f"{{1:{{go({})}}}}"',
    "[1 for i in variable if go({})]",
    "{{1: 2 for k in unknown if go({})}}",
    "{{go({}): 1}}",
    "{{1: go({})}}",
    "odd[go({}):]",
    "odd[:go({})]",
    "odd[::go({})]",
    "[*go({})]",
    "odd(go({}))",
    "odd(a=go({}))",
    "go({}).a",
    "-go({})",
)


def test_each_part_of_an_expression_is_evaluated() -> None:
    code = "go = os.system\n" + "\n".join(f"x = {one.format(repr(str(place)))}" for place, one in enumerate(EVALUATED))
    assert seen_in(code) == [f"process: `{place}`" for place in range(len(EVALUATED))]


def test_long_constants_are_unknown_when_their_bytes_are_used_up() -> None:
    code = (
        f"a = 'a' * {SMALL}\nb = 'a' * {SMALL + 1}\nc = 'a' * {SMALL + 1}\nd = 'a' * {SMALL}\ne = 2 * 3\nf = b'a' * 65"
    )
    module = Module("odd", "odd.py", ast.parse(code))
    interpreter = Interpreter({"odd": module})
    interpreter.bytes_left = SMALL + 1
    interpreter.run_module(module)
    values = {name: shown(module.scope.names[name]) for name in "abcdef"}
    assert values == {"a": repr("a" * 64), "b": repr("a" * 65), "c": "", "d": repr("a" * 64), "e": "6", "f": ""}


def test_each_expression_takes_a_step() -> None:
    interpreter, expression = Interpreter({}), ast.parse("a + b", mode="eval").body
    interpreter.steps = 3
    interpreter.eval(expression, Scope())
    assert interpreter.steps == 0
    interpreter.steps = 2
    with pytest.raises(ExhaustedError, match="it takes too many steps"):
        interpreter.eval(expression, Scope())
