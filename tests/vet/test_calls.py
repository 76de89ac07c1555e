"""Which code calls of foreign code run, with which arguments, and what they give."""

import ast
import warnings
from collections.abc import Mapping

from tests.support.foreign_code import followed, seen_in, wrongly_seen, wrongly_valued
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.code.calls import parsed_text

ARGUMENTS: Mapping[str, str] = {
    "def f(a, b):\n    return b\nx = f(1, 2)": "2",
    "def f(a, b):\n    return b\nx = f(1)": "",
    "def f(a, b):\n    return b\nx = f(1, b=2)": "2",
    "def f(a, /, b):\n    return a\nx = f(1, 2)": "1",
    "def f(a, b=2):\n    return b\nx = f(1)": "2",
    "def f(a=1, b=2):\n    return b\nx = f(b=3)": "3",
    "def f(a=os.system):\n    return a\nx = f()": "name os.system",
    "def f(a=1):\n    return a\nx = f(variable)": "variable variable()",
    "def f(*, a=1, b):\n    return a\nx = f()": "1",
    "def f(*, a=1, b):\n    return b\nx = f()": "",
    "def f(*, a=os.system, b):\n    return a\nx = f()": "name os.system",
    "def f(*, a=1, b):\n    return b\nx = f(b=2)": "2",
    "def f(a, *b):\n    return b\nx = f(1, 2, secret)": "items 2, secret secret(); secret secret()",
    "def f(a, **b):\n    return b\nx = f(1, c=secret)": "secret secret()",
    "def f(a, b):\n    return b\nx = f(*[1, 2])": "2",
    "def f(a, b):\n    return b\nx = f(1, *unknown)": "",
    "def f(a):\n    return a\nx = f(**{'a': 1, 2: 3})": "1",
    f"def f(a):\n    return a\nx = f(**{{'a': 1, 0x{'f' * 5000}: 3}})": "1",
    "def f(a):\n    return a\nx = f(b={'a': 1})": "",
    "def f(a):\n    return a\nx = f(**variable)": "",
    "class A:\n    def f(*a):\n        return a[1]\nx = A().f(1)": "1",
    "class A:\n    def f(self, a):\n        return a\nx = A().f(1)": "1",
    "class A:\n    def __init__(self, a):\n        self.b = a\nx = A(1).b": "1",
    "class A: pass\nx = A(1)": "Instance A",
    "class A:\n    __init__ = odd\nx = A(1)": "Instance A",
    "class A:\n    def __call__(self, a):\n        return a\nx = A()(1)": "1",
    "class A: pass\nx = A()(variable)": "Instance A; variable variable()".removeprefix("Instance A; "),
    "x = (lambda a, b=2: a + b)(1)\n": "3",
    "x = functools.partial(os.system).f(1)\n": "name functools.partial().f()",
    "x = functools.partial(os.system)[unknown:]()\n": "name functools.partial()()",
    "x = [odd](variable)\n": "variable variable()",
    "x = unknown(variable, a=secret)\n": "secret secret(); variable variable()",
    "x = variable()\n": "variable variable()",
    "x = 'ab'.upper()\n": "'AB'",
    "x = b'ab'.upper()\n": "b'AB'",
    "x = os.path.join('a', 'b')\n": "text a/b",
    "x = unknown.f(secret)\n": "name .f(); secret secret()",
    "x = variable.f(secret)\n": "secret secret(); variable variable()",
    "x = ('a' + variable).f()\n": "text a…; variable variable()",
    "x = odd(variable).f(secret)\n": "name odd().f(); secret secret(); variable variable()",
    "x = getattr(unknown, 'f')()\n": "",
}


def test_a_call_gives_parameters_their_values() -> None:
    assert not wrongly_valued(ARGUMENTS)


ABOVE: Mapping[str, str] = {
    "class A:\n    def f(self): return 1\nclass B(A):\n    def f(self): return super().f()\nx = B().f()": "1",
    "class A:\n    y = 1\nclass B(odd.C, A):\n    def f(self): return super().y\nx = B().f()": "1",
    "class B(odd.A):\n    def f(self): return super().y\nx = B().f()": "name odd.A().y",
    "class B(unknown, odd.A):\n    def f(self): return super()\nx = B().f()": "name odd.A()",
    "class B(unknown):\n    def f(self): return super()\nx = B().f()": "",
    "class B:\n    def f(self): return super()\nx = B().f()": "",
    "class B(odd.A):\n    def f(self): return odd.super()\nx = B().f()": "name odd.super()",
    "def f(): return super()\nx = f()": "",
    "x = super()\n": "",
}


def test_super_gives_the_base_class() -> None:
    assert not wrongly_valued(ABOVE)


COLLECTED: Mapping[str, str] = {
    **{f"x = []\nx.{name}(variable)": "items; variable variable()" for name in ("append", "extend", "insert", "add")},
    "x = []\nx.append(odd, a=variable)": "items; variable variable()",
    "x = {}\nx.update(variable)": "entries; variable variable()",
    "x = {}\nx.setdefault(unknown, variable)": "entries; variable variable()",
    "x = []\nx.index(variable)": "items",
    "x = unknown\nx.append(variable)": "",
    "x = odd\nx.append(variable)": "name odd",
}


def test_a_collection_gets_the_data_that_are_added() -> None:
    assert not wrongly_valued(COLLECTED)


GO = "def go(c='plain'):\n    os.system(c)\n"
CALLED: Mapping[str, list[str]] = {
    "threading.Thread(target=go)": ["plain"],
    "threading.Timer(1, go)": ["plain"],
    "threading.Timer(1, function=go)": ["plain"],
    "threading.Timer(1, 2, go)": [],
    "atexit.register(go)": ["plain"],
    "atexit.register(os.system)": [],
    "map(go, unknown)": ["plain"],
    "unknown.submit(go)": ["plain"],
    "odd.start_new_thread(go)": ["plain"],
    "odd.submit(go)": ["plain"],
    "odd.submits(go)": [],
    "odd(go)": [],
    "odd(target=go)": [],
    "exec(\"go('a')\")": ["a"],
    "exec(b\"go('a')\")": ["a"],
    "eval(\"go('a')\")": ["a"],
    "compile(source=\"go('a')\")": ["a"],
    "odd.exec(\"go('a')\")": [],
    "exec('go(')\ngo('b')": ["b"],
    "exec(unknown)\nexec(12)\ngo('b')": ["b"],
    "exec(\"go('a')\" + '\\n' * ((1 << 18) - 7))": ["a"],
    "exec(\"go('a')\" + '\\n' * ((1 << 18) - 6))": [],
    "a = \"go('a')\"\nb = 'exec(a)'\nc = 'exec(b)'\nexec(c)": ["a"],
    "a = \"go('a')\"\nb = 'exec(a)'\nc = 'exec(b)'\nd = 'exec(c)'\nexec(d)": [],
    "\n".join(f"exec(\"os.system('{name}')\")" for name in "abcde"): ["a", "b", "c", "d", "e"],
    "exec('1')\nexec('2')\na = \"go('a')\"\nb = 'exec(a)'\nc = 'exec(b)'\nd = 'exec(c)'\nexec(d)": [],
    "exec(\"a = 'b'\")\ngo(a)": ["b"],
    "exec(\"a = 'b'\", {})\ngo(a)": ["…"],
    "exec(\"a = 'b'\", globals={})\ngo(a)": ["…"],
    "compile(\"a = 'b'\")\ngo(a)": ["…"],
    "exec(\"a = 'b'\\ndef f():\\n  global a\\n  go(a)\\nf()\", globals())": ["b"],
    "exec(compile(\"a = 'b'\\ndef f():\\n  global a\\n  go(a)\\nf()\", 'x', 'exec'))": ["b"],
    "a = 'b'\nexec(\"def f():\\n  global a\\n  go(a)\\nf()\", globals())": ["b"],
    "exec(\"def f():\\n  global a\\n  a = 'b'\\nf()\\ngo(a)\", {})": ["b"],
    "\n".join(f"go('{name}')" for name in "abcde"): ["a", "b", "c", "d"],
    "go()\ngo('b')": ["plain", "b"],
    "go(unknown)\ngo('b' + unknown)": ["…", "b…"],
    "go(unknown)\ngo(['b', 'c'])": ["…", "b c"],
    "def f(c):\n    os.system(c['a'])\nf(unknown)\nf({'a': 'b'})": ["…", "b"],
    "def f(c):\n    go(c)\n    f(c + 'b')\nf('a')": ["a"],
    "def f(c):\n    f(c + 'b')\n    go(c)\nf('a')": ["a"],
    "\n".join(f"def f{n}():\n    os.system('{n}')\n    f{n + 1}()" for n in range(7)) + "\nf0()": [
        "0",
        "1",
        "2",
        "3",
        "4",
    ],
}


def test_what_a_call_runs_is_followed() -> None:
    rows = {GO + code: what for code, what in CALLED.items()}
    seen = {
        code: [one.rpartition(": ")[2].strip("`") for one in seen_in(code) if "dynamic" not in one] for code in rows
    }
    assert {code: seen[code] for code in rows if seen[code] != rows[code]} == {}


AGAIN = "def f(a=0):\n    os.system(n)\nn = 'a'\n{}\nn = 'b'\n{}\n"
RUNS: Mapping[tuple[str, str], list[str]] = {
    ("f()", "f()"): ["a"],
    ("f(unknown)", "f(unknown)"): ["a"],
    ("f(1)", "f(a=unknown)"): ["a"],
    ("f(unknown)", "f(1)"): ["a", "b"],
    ("f(unknown)", "f(a=1)"): ["a", "b"],
    ("f(unknown)", "f(odd)"): ["a", "b"],
    ("f(unknown)", "f(variable)"): ["a", "b"],
    ("f(unknown)", "f(lambda: 0)"): ["a", "b"],
    ("f(unknown)", "f('a' + unknown)"): ["a", "b"],
    ("f(unknown)", "f([unknown])"): ["a", "b"],
    ("f(unknown)", "f({1: 2})"): ["a", "b"],
    ("f(unknown)", "f(1, unknown)"): ["a", "b"],
}


def test_a_call_is_followed_again_if_more_is_known_of_its_arguments() -> None:
    seen = {calls: [one[-2] for one in seen_in(AGAIN.format(*calls))] for calls in RUNS}
    assert seen == RUNS


RESULTS: Mapping[str, str] = {
    "def f():\n    return 1\nf()\nx = f()": "1",
    "def f(a):\n    return os.system\nfor i in 'abcd': y = f(i)\nx = f('e')": "name os.system",
    "def f(a):\n    return variable\nfor i in 'abcd': y = f(i)\nx = f(secret)": "variable variable()",
    "def f(a):\n    return 1\nfor i in 'abcd': y = f(i)\nx = f(secret)": "secret secret()",
    "def f(a):\n    return 1\nfor i in 'abcd': y = f(i)\nx = f(a=secret)": "secret secret()",
    "def f():\n    return\nx = f()": "",
    "def f():\n    return\n    return 1\nx = f()": "1",
    "def f():\n    pass\nx = f()": "",
    "def f():\n    def g():\n        return 2\n    g()\n    return 1\nx = f()": "1",
    "def f(a):\n    if a: return 1\n    return variable\nx = f(odd)": "1; variable variable()",
}


def test_an_earlier_result_is_the_result_if_the_limits_are_reached() -> None:
    assert not wrongly_valued(RESULTS)


def test_what_code_does_is_at_the_line_of_its_call() -> None:
    code = "go = os.system\n\nexec(\"go('a')\\ngo('b')\")\ngo('c')\n"
    found = list(followed(code)[1].behaviours.values())
    assert found == [
        Behaviour("dynamic", "odd.py", 3, "`exec`"),
        *(Behaviour("process", "odd.py", line, f"`{name}`") for line, name in ((3, "a"), (3, "b"), (4, "c"))),
    ]


REACHED: Mapping[str, list[str]] = {
    "if __name__ == '__main__': go()\ngo()": ["import"],
    "go()\nif __name__ == '__main__': go()": ["import"],
    "if __name__ == '__main__': go()": ["called"],
}


def test_the_same_thing_is_recorded_once_as_it_is_reached_first() -> None:
    seen = {code: [one.reach for one in followed(GO + code)[1].behaviours.values()] for code in REACHED}
    assert seen == REACHED


def test_a_text_that_does_not_parse_is_no_tree_and_warns_nobody() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        tree = parsed_text("x = '\\d'")
    assert isinstance(tree, ast.Module) and not seen
    assert [parsed_text(code) for code in ("(", "x\0y", "(" * 5000, "-" * 100_000 + "1")] == [None] * 4


REPLACED: Mapping[str, list[str]] = {
    "setattr(requests, 'get', odd)": ["patches: replaces `requests.get`, and sees all that goes through it"],
    "setattr(requests, 'other', odd)": [],
}


def test_a_guarded_function_can_be_replaced_by_a_call() -> None:
    assert not wrongly_seen(REPLACED)
