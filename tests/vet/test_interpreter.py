"""Which statements and modules of foreign code are followed, in which order, and how they are reached."""

import ast
from collections.abc import Mapping

import pytest

from tests.support.foreign_code import followed, seen_in, shown, wrongly_valued
from wheelhouse.vet.code.behaviour import AT_IMPORT, Behaviour
from wheelhouse.vet.code.calls import Module
from wheelhouse.vet.code.follow import Source
from wheelhouse.vet.code.interpreter import Interpreter


def interpreted(files: Mapping[str, str], *, runs: bool = False) -> tuple[dict[str, Module], Interpreter]:
    """Modules by their names after they have run, in the order of their paths, and the interpreter."""
    modules = {}
    for path, text in files.items():
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        reach = Source(path, name, b"").reach
        modules[name] = Module(name, path, ast.parse(text), path.endswith("__init__.py"), runs, reach)
    interpreter = Interpreter(modules)
    for module in modules.values():
        interpreter.run_module(module)
    assert not interpreter.unfollowed
    return modules, interpreter


def acts(interpreter: Interpreter) -> list[str]:
    """The commands that code starts, in order; with the reach of those that are not started at import."""
    found = [one for one in interpreter.behaviours.values() if one.kind == "process"]
    return [one.what.strip("`") + f" {one.reach}" * (one.reach != AT_IMPORT) for one in found]


GO = "go = __import__('os').system\n"
FOLLOWED: Mapping[str, list[str]] = {
    "go('a')\ngo('b')": ["a", "b"],
    "x = go('a')": ["a"],
    "x: go('a') = go('b')": ["a", "b"],
    "x: go('a')": ["a"],
    "x: [go('a')] = 1": ["a"],
    "x: odd[go('a') | {go('b'): -go('c').x}] = 1": ["a", "c", "b"],
    "x[go('a')] += go('b')": ["a", "b"],
    "go('a').x += go('b')": ["a", "b"],
    "class A:\n    x = 'a'\n    eval('go(x)')": ["a"],
    "x += go('a')": ["a"],
    "if go('a'): go('b')\nelse: go('c')": ["a", "b", "c"],
    "if TYPE_CHECKING: go('a')\nelse: go('b')": ["b"],
    "if typing.TYPE_CHECKING: go('a')\nelse: go('b')": ["b"],
    "if not TYPE_CHECKING: go('a')\nelse: go('b')": ["a", "b"],
    "import typing as t\nif t.TYPE_CHECKING: go('a')": [],
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING: go('a')": [],
    "TYPE_CHECKING = True\nif TYPE_CHECKING: go('a')": ["a"],
    "if odd.TYPE_CHECKING: go('a')": ["a"],
    "class A:\n    TYPE_CHECKING = True\nif A.TYPE_CHECKING: go('a')": ["a"],
    "class A:\n    TYPE_CHECKING = False\nif A.TYPE_CHECKING: go('a')\nelse: go('b')": ["a called", "b"],
    "TYPE_CHECKING = False\nif TYPE_CHECKING: go('a')\nelse: go('b')": ["a called", "b"],
    "try: from typing import TYPE_CHECKING\nexcept ImportError: TYPE_CHECKING = False\nif TYPE_CHECKING: go('a')": [
        "a called"
    ],
    "TYPE_CHECKING = not 0\nif TYPE_CHECKING: go('a')": ["a"],
    "OTHER = False\nif OTHER: go('a')": ["a"],
    "if typing.CHECKING: go('a')\nelse: go('b')": ["a", "b"],
    "if __name__ == '__main__': go('a')\nelse: go('b')": ["a called", "b"],
    "if __name__ != '__main__': go('a')": ["a"],
    "if __name__ == 'odd': go('a')": ["a"],
    "if '__main__' == __name__ == 'x': go('a')": ["a"],
    "if __name__ > '__main__': go('a')": ["a"],
    "if __name__ == '__main__' != 1: go('a')": ["a"],
    "if __name__ != 'odd': go('a')": ["a called"],
    "if '__main__' == __name__: go('a')": ["a"],
    "if unknown == '__main__': go('a')": ["a"],
    "if unknown.__name__ == '__main__': go('a')": ["a"],
    "if __name__: go('a')": ["a"],
    "if __name__ in ('__main__', '__mp_main__'): go('a')": ["a called"],
    "if __name__ in ['__main__']: go('a')": ["a called"],
    "if __name__ in {'__main__', '__mp_main__'}: go('a')": ["a called"],
    "if __name__ in ('__main__', 'odd'): go('a')": ["a"],
    "if __name__ in ('__main__', unknown): go('a')": ["a"],
    "if __name__ in ('other',): go('a')": ["a"],
    "if __name__ in '__main__': go('a')": ["a"],
    "if __name__ not in ('__main__',): go('a')": ["a"],
    "if __name__ in ('__main__',) != 1: go('a')": ["a"],
    "for i in go('a'): go('b')\nelse: go('c')": ["a", "b", "c"],
    "for i in 'ab': x = go(i)\nelse: go('c')": ["a", "b", "c"],
    "for i in 'ab': go('x')": ["x"],
    "for i in ['a', 'b']: go(i)": ["a", "b"],
    "for f in (print, go): f('a')": ["a"],
    "for i in ['a', 'b']: x = go(i)": ["a", "b"],
    "for i in ['a', 'b']: x += go(i)": ["a", "b"],
    "for i in ['a', 'b']:\n    x = i\n    go(x)": ["a", "b"],
    "for i in ['a', 'b']:\n    x = i\n    x += i\n    x = go(x)": ["aa", "bb"],
    "for i in ['a', 'b']:\n    x = 1\n    x = 2\n    x = 3\n    x = go(i)": ["a", "b"],
    "for i in unknown: x = go('a')": ["a"],
    "for i in []: x = go('a')": ["a"],
    "async def f():\n    async for i in go('a'): go('b')\n    async with go('c'): go('d')\nf()": ["a", "b", "c", "d"],
    "while go('a'): go('b')\nelse: go('c')": ["a", "b", "c"],
    "try: go('a')\nexcept go('b') as e: go('c')\nelse: go('d')\nfinally: go('e')": ["a", "b", "c", "d", "e"],
    "try: go('a')\nexcept* go('b') as e: go('c')\nelse: go('d')\nfinally: go('e')": ["a", "b", "c", "d", "e"],
    "try: go('a')\nexcept: go('b')": ["a", "b"],
    "with go('a'): go('b')": ["a", "b"],
    "with go('a') as x, go('b'): go('c')": ["a", "b", "c"],
    "class A:\n    def __enter__(self): go('a')\n    def __exit__(self): go('b')\nwith A(): go('c')": ["a", "b", "c"],
    "class A:\n    def __aenter__(self): go('a')\n    def __aexit__(self): go('b')\nwith A(): go('c')": ["a", "b", "c"],
    "class A:\n    def __enter__(self): go('a')\nwith A: go('c')": ["c"],
    "class A:\n    @property\n    def p(self): go('a')\nA().p": [],
    "match go('a'):\n    case 1 if go('b'): go('c')\n    case _: go('d')": ["a", "b", "c", "d"],
    "match go:\n    case f: f('a')": ["a"],
    "match 'a':\n    case str() as x if go(x): pass": ["a"],
    "match go:\n    case [f]: f('a')": [],
    "raise go('a') from go('b')": ["a", "b"],
    "assert go('a'), go('b')": ["a", "b"],
    "del unknown[go('a')], unknown[go('b')]": ["a", "b"],
    "'go'\ngo('a')": ["a"],
    "def f(): go('a')": [],
    "def f(a=go('a'), *, b, c=go('b')): go('c')": ["a", "b"],
    "def f(a: go('a'), /, b: go('b'), *c: go('d'), e: go('c'), **f: go('e')) -> go('f'): pass": list("abcdef"),
    "def f(a: [go('a')], *b: 'c') -> 'd': pass": ["a"],
    "def f(a, *, b): pass\ngo('a')": ["a"],
    "@odd(go('a'))\ndef f(): go('b')": ["a"],
    "@atexit.register\ndef f(): go('a')": ["a"],
    "@atexit.unregister\ndef f(): go('a')": [],
    "def d(f): go('a')\n@d\ndef g(): go('b')": ["a"],
    "def d(f): f()\n@d\ndef g(): go('b')": ["b"],
    "def d():\n    def e(f): f()\n    return e\n@d()\ndef g(): go('b')": ["b"],
    "@go\n@lambda f: 'a'\ndef g(): pass": ["a"],
    "@go\n@odd\n@lambda f: 'a'\ndef g(): pass": [],
    "@go\ndef g(): go('a')": [],
    "@go\n@lambda c: 'a'\nclass A: pass": ["a"],
    "class A:\n    def __init__(self, f): go('a')\n@A\ndef g(): go('b')": ["a"],
    "class A:\n    def __call__(self, f): f()\n@A()\ndef g(): go('b')": ["b"],
    "def d(f): go('a')\ndef e(f): go('b')\n@d\n@e\ndef g(): go('c')": ["b", "a"],
    "def d(f): f()\n@d\n@odd\ndef g(): go('a')": ["a"],
    "class A:\n    go('a')": ["a"],
    "class A(go('a'), b=go('b')): go('c')": ["a", "b", "c"],
    "def d(c): go(c.x)\n@d\nclass A:\n    x = 'a'": ["a"],
    "def d():\n    def e(c): go(c.x)\n    return e\n@d()\nclass A:\n    x = 'a'": ["a"],
    "@odd\n@atexit.register\nclass A:\n    def __init__(self): go('a')": [],
    "class M:\n    def __new__(c): go('a')\n    def __init__(c): go('b')\n    def x(c): go('c')\nclass A(metaclass=M): pass": [
        "a",
        "b",
    ],
    "class M:\n    def __new__(c): go('a')\nclass A(other=M): pass": [],
    "class A(metaclass=odd): go('a')": ["a"],
    "class B:\n    def __init_subclass__(c): go('a')\n    def __new__(c): go('b')\nclass A(B): pass": ["a"],
    "class B:\n    __init_subclass__ = 1\nclass A(odd, B): go('a')": ["a"],
    "class A(setuptools.Command, install):\n    def run(self): go('a')": [],
    "def __getattr__(name): go('a')": ["a"],
    "def __getattr__(name): go(name)\n__getattr__('a')": ["a"],
    "__getattr__ = 1\ngo('a')": ["a"],
    "def getattr(name): go('a')": [],
}


def test_each_part_of_a_statement_is_followed_in_order() -> None:
    seen = {code: acts(followed(GO + code)[1]) for code in FOLLOWED}
    assert {code: what for code, what in seen.items() if what != FOLLOWED[code]} == {}


BOUND: Mapping[str, str] = {
    "x = __file__\n": "text __file__; name __file__",
    "x = __name__\n": "name __name__",
    "x = y = 1\n": "1",
    "x: int = 1\n": "1",
    "x = 'a'\nx += 'b'": "'ab'",
    "y = 'a'\nx = y\ny.b += 'c'\nx = y": "'a'",
    "x = ''\nfor i in 'abc': x += i": "'abc'",
    "x = ''\nfor i in 'a' * 2000: x += i": repr("a" * 2000),
    "x = ''\nfor i in 'a' * 2001: x += i": "",
    "for x in variable: y = 1\n": "variable variable()",
    "for x in [1, 2]: print(1)\n": "2",
    "for x in [1, 2]: y = 1\n": "2",
    "with variable as x: pass\n": "variable variable()",
    "with 1 as x, 2 as x: pass\n": "2",
    "try: y\nexcept odd as x: pass": "",
    "try: y\nexcept odd as e: x = e": "",
    "os = 1\nimport os.path\nx = os": "name os",
    "os = 1\nimport os.path.join\nx = os": "name os",
    "import os.path as x\n": "name os.path",
    "import os as x\n": "name os",
    "import a._vendor.b as x\n": "name b",
    "import a.vendor.b as x\n": "name b",
    "import a.vendored.b as x\n": "name b",
    "import a._vendored.b as x\n": "name b",
    "import a.thirdparty.b.c as x\n": "name b.c",
    "import a.extern.b as x\n": "name b",
    "import a._vendor.b._vendor.c as x\n": "name c",
    "import a.vendors.b as x\n": "name a.vendors.b",
    "import a._vendor.b\nx = a": "name a",
    "import pip._vendor.requests\nx = pip._vendor.requests.get": "name requests.get",
    "from os import path as x\n": "name os.path",
    "from os import path\nx = path": "name os.path",
    "from . import y as x\n": "name y",
    "from builtins import exec as x\n": "name builtins.exec",
    "from __builtin__ import exec as x\n": "name builtins.exec",
    "from odd.__builtin__ import y as x\n": "name odd.__builtin__.y",
    "from a._vendor.b import c as x\n": "name b.c",
    "def f():\n    global y\n    y = 1\nf()\nx = y": "1",
    "def f():\n    global y, z\n    global w\n    y = z = w = 1\nf()\nx = [y, z, w]": "items 1, 1, 1",
    "def f():\n    y = 1\nf()\nx = y": "name y",
    "def f():\n    global os\n    import sys as os\nf()\nx = os": "name sys",
    "def f():\n    global g\n    def g(): return 1\nf()\nx = g()": "1",
    "def f():\n    global A\n    class A:\n        y = 1\nf()\nx = A.y": "1",
    "def f():\n    global y\n    (y := 1)\nf()\nx = y": "1",
    "def f():\n    global y\n    [(y := 1) for _ in 'a']\nf()\nx = y": "1",
    "def f():\n    y = 0\n    def g():\n        def h():\n            nonlocal y\n            y = 1\n        h()\n    g()\n"
    "    return y\nx = f()": "1",
    "def f():\n    y = 0\n    def g():\n        y = 1\n    g()\n    return y\nx = f()": "0",
    "def f():\n    nonlocal y\n    y = 1\n    return y\nx = f()": "1",
    "def f():\n    y = 0\n    class A:\n        y = 1\n        def g(self):\n            nonlocal y\n            y = 2\n"
    "    A().g()\n    return y\nx = f()": "2",
    "y = 1\ndef f():\n    y = 2\n    def g():\n        global y\n        return y\n    return g()\nx = f()": "1",
    "y = 1\nclass A:\n    y = 2\n    def f(self): return y\nx = A().f()": "1",
    "y = 1\nclass A:\n    y = 2\n    f = lambda self: y\nx = A().f()": "1",
    "y = 1\nclass A:\n    y = 2\n    class B:\n        z = y\nx = A.B.z": "1",
    "y = 1\nclass A:\n    y = 2\n    z = [y for _ in 'a']\nx = A.z": "items 1",
    "y = 'b'\nclass A:\n    y = 'a'\n    z = [(i, j) for i in y for j in y]\n    w = [i for i in y]\nx = A.w": "items 'a'",
    "class A:\n    y = variable\n    z = {i: 1 for i in y}\nx = A.z": "variable variable()",
    "class A:\n    y = 2\n    exec('z = y')\nx = A.z": "2",
    "class A:\n    def f(self, y=1): return y\n    z = f\nx = A().z()": "1",
}


def test_a_statement_binds_its_names() -> None:
    assert not wrongly_valued(BOUND)


CODE = "x = subprocess.run()"
HIDDEN: Mapping[str, list[str]] = {
    f"{CODE[::-1]!r}[::-1]": ["hidden-text: decodes a text that has code: `subprocess.run(`"],
    f"x = {CODE[::-1].encode()!r}[::-1]": ["hidden-text: decodes a text that has code: `subprocess.run(`"],
    f"x = {CODE!r}": [],
    f"x = {CODE!r} if unknown else variable": [],
    f"x = {CODE!r} + decoded": [],
    "x = 'abcd'[::-1]": [],
    f"x: str = {CODE[::-1]!r}[::-1]": ["hidden-text: decodes a text that has code: `subprocess.run(`"],
    f"x = ''\nx += {CODE[::-1]!r}[::-1]": ["hidden-text: decodes a text that has code: `subprocess.run(`"],
    f"x.y += {CODE[::-1]!r}[::-1]": ["hidden-text: decodes a text that has code: `subprocess.run(`"],
    f"odd(x := {CODE[::-1]!r}[::-1])": ["hidden-text: decodes a text that has code: `subprocess.run(`"],
    f"x: str = {CODE!r}": [],
    f"x += {CODE!r}": [],
    f"odd(x := {CODE!r})": [],
    f"x = ''\nfor i in {CODE[::-1]!r}[::-1]: x += i": ["hidden-text: decodes a text that has code: `subprocess.run(`"],
    f"x = ''\nfor i in {CODE[::-1]!r}[::-1]: x = x + i": [
        "hidden-text: decodes a text that has code: `subprocess.run(`"
    ],
    f"for i in [{CODE[::-1]!r}, 'a']: x = i[::-1]": ["hidden-text: decodes a text that has code: `subprocess.run(`"],
    f"for i in [{CODE[::-1]!r}, 'a']: i = i[::-1]": ["hidden-text: decodes a text that has code: `subprocess.run(`"],
    f"x = {{}}\nfor i in [{CODE[::-1]!r}, 'a']: x[i] = i[::-1]": [
        "hidden-text: decodes a text that has code: `subprocess.run(`"
    ],
    f"for i in [{CODE[::-1]!r}, 'a']: x.y += i[::-1]": ["hidden-text: decodes a text that has code: `subprocess.run(`"],
    f"for i in [{CODE[::-1]!r}, 'a']:\n    x = ''\n    x += i[::-1]": [
        "hidden-text: decodes a text that has code: `subprocess.run(`"
    ],
    f"def f(i):\n    x = ''\n    x += i[::-1]\n    return 'a'\ny = ''\nfor i in [{CODE[::-1]!r}, 'a']: y += f(i)": [
        "hidden-text: decodes a text that has code: `subprocess.run(`"
    ],
}


def test_code_in_a_decoded_text_is_hidden() -> None:
    assert {code: seen_in(code) for code in HIDDEN} == HIDDEN
    assert [one.line for one in followed("\n" + next(iter(HIDDEN)))[1].behaviours.values()] == [2]


def test_a_text_that_a_loop_puts_together_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    monkeypatch.setattr("wheelhouse.vet.code.interpreter.hidden_code", lambda text: searched.append(text) or "")
    for body in ("x += i", "x = x + i"):
        searched.clear()
        followed(f"x = ''\nfor i in {'a' * 1000!r}[::-1]: {body}")
        assert searched == ["a" * 1000], body
    searched.clear()
    followed(f"for i in [{'ab' * 20!r}, {'cd' * 20!r}]: x = i[::-1]")
    assert searched == ["ba" * 20, "dc" * 20]


IMPORTS: Mapping[str, list[str]] = {
    "import ctypes": ["native: imports `ctypes`"],
    "import ctypes.util": ["native: imports `ctypes.util`"],
    "from cffi import FFI": ["native: imports `cffi`"],
    "import requests.adapters": ["imports-network: imports `requests.adapters`"],
    "import urllib.request": ["imports-network: imports `urllib.request`"],
    "from http.client import HTTPConnection": ["imports-network: imports `http.client`"],
    "import urllib.parse": [],
    "from urllib import parse, request as x": ["imports-network: imports `urllib.request`"],
    "from http import client": ["imports-network: imports `http.client`"],
    "from http import HTTPStatus": [],
    "from a._vendor import requests": ["imports-network: imports `requests`"],
    "from . import requests": [],
    "import http": [],
    "import odd.requests": [],
    "from odd.requests import get": [],
    "import a._vendor.requests": ["imports-network: imports `requests`"],
    "from a._vendor.requests import get": ["imports-network: imports `requests`"],
    "from a._vendor.urllib3.util import x": ["imports-network: imports `urllib3.util`"],
    "import odd.ctypes": [],
    "import pytransform": ["protected-code: imports `pytransform`, which runs encrypted code"],
    "import sourcedefender.x": ["protected-code: imports `sourcedefender`, which runs encrypted code"],
    "from pyarmor_runtime_0 import x": ["protected-code: imports `pyarmor_runtime_0`, which runs encrypted code"],
    "import my_pyarmor_runtime": [],
    "import odd.pytransform": [],
    "import os, ctypes": ["native: imports `ctypes`"],
}


def test_an_import_says_what_code_may_do() -> None:
    assert {code: seen_in(code) for code in IMPORTS} == IMPORTS


RELATIVE: Mapping[tuple[str, str], str] = {
    ("a/b/c.py", "from . import x"): "a.b.x",
    ("a/b/c.py", "from .. import x"): "a.x",
    ("a/b/c.py", "from ... import x"): "x",
    ("a/b/c.py", "from .... import x"): "x",
    ("a/b/c.py", "from ..d import x"): "a.d.x",
    ("a/b/c.py", "from d import x"): "d.x",
    ("a/b/__init__.py", "from . import x"): "a.b.x",
    ("a/b/__init__.py", "from .. import x"): "a.x",
    ("a/b/__init__.py", "from .d import x"): "a.b.d.x",
    ("a.py", "from . import x"): "x",
}


def test_a_relative_import_counts_from_its_package() -> None:
    names = {}
    for path, code in RELATIVE:
        ((module,), _) = (tuple(interpreted({path: code})[0].values()), None)
        names[path, code] = module.scope.names["x"].name
    assert names == RELATIVE


ACT = "import os\nos.system('{}')\n"
MODULES: Mapping[str, tuple[Mapping[str, str], list[str]]] = {
    "each module once": ({"a.py": "import b\nimport c\n" + ACT.format("a"), "b.py": ACT.format("b")}, ["a", "b"]),
    "what is imported first": ({"a.py": "from b import x\n" + ACT.format("a"), "b.py": ACT.format("b")}, ["b", "a"]),
    "what a name needs": ({"a.py": "import b\nb.x\n" + ACT.format("a"), "b.py": ACT.format("b")}, ["b", "a"]),
    "a module of a package": (
        {"a/__init__.py": "from . import b\n" + ACT.format("a"), "a/b.py": ACT.format("b")},
        ["b", "a"],
    ),
    "modules that import each other": (
        {"a.py": "from b import x\n" + ACT.format("a"), "b.py": "from a import y\n" + ACT.format("b")},
        ["b", "a"],
    ),
    "a module of tests": ({"a/tests/b.py": ACT.format("b")}, ["b tests"]),
    "what tests start if they are run": (
        {"a/tests/b.py": "import os\nif __name__ == '__main__':\n    os.system('b')\n"},
        ["b tests"],
    ),
    "tests that are imported": ({"a/__init__.py": "import a.tests.b", "a/tests/b.py": ACT.format("b")}, ["b"]),
    "tests around what is imported": (
        {"a/__init__.py": "from .tests.b import x", "a/tests/__init__.py": ACT.format("t"), "a/tests/b.py": ""},
        ["t"],
    ),
    "tests that a call imports": (
        {
            "a/__init__.py": "import importlib\nimportlib.import_module('a.tests')",
            "a/tests/__init__.py": ACT.format("t"),
        },
        ["t"],
    ),
    "tests that tests import": (
        {"a/tests/b.py": "from .c import x", "a/tests/c.py": ACT.format("c")},
        ["c tests"],
    ),
    "what tests import": ({"a/tests/b.py": "from a.c import x", "a/c.py": ACT.format("c")}, ["c"]),
    "tests that other code names": (
        {"a/__init__.py": "import b.tests", "a/tests/__init__.py": ACT.format("t")},
        ["t tests"],
    ),
    "a script": ({"a/__main__.py": ACT.format("a")}, ["a called"]),
    "a function of another module": (
        {"a.py": "from b import f\nf('a')", "b.py": "import os\ndef f(x):\n    os.system(x)\n"},
        ["a"],
    ),
}


def test_a_module_is_followed_once_and_reached_as_its_place_and_its_importer_say() -> None:
    seen = {name: acts(interpreted(files)[1]) for name, (files, _) in MODULES.items()}
    assert seen == {name: what for name, (_, what) in MODULES.items()}


def test_what_a_function_does_is_in_the_module_that_has_it() -> None:
    files = {
        "a.py": "from b import f\nf('a')\nimport os\nos.system('c')",
        "b.py": "import os\ndef f(x): os.system(x)\n",
    }
    assert [(one.path, one.line) for one in interpreted(files)[1].behaviours.values()] == [("b.py", 2), ("a.py", 4)]


def test_names_of_other_modules_are_bound() -> None:
    files = {
        "a/__init__.py": "import a.b\nfrom a.b import y as z\nfrom .b import *\nx = a.b.y\nw = a.b.none\n",
        "a/b.py": "y = 1\n",
    }
    names = interpreted(files)[0]["a"].scope.names
    assert [shown(names[name]) for name in "zxw"] == ["1", "1", "name a.b.none"]


COMMAND = "import os\nclass A({}):\n" + "".join(
    f"    def {name}(self): os.system('{name}')\n"
    for name in ("run", "other", "finalize_options", "initialize_options", "__init__")
)


def test_a_command_of_setup_runs_its_methods() -> None:
    bases = ("setuptools.command.install.install", "install", "develop", "build_py", "build_ext", "build", "sdist")
    called = {base: acts(interpreted({"setup.py": COMMAND.format(base)}, runs=True)[1]) for base in bases}
    assert set(map(tuple, called.values())) == {("initialize_options", "finalize_options", "run")}
    others = ("other", "install.other", "odd_install", "")
    assert not any(acts(interpreted({"setup.py": COMMAND.format(base)}, runs=True)[1]) for base in others)
    assert not acts(interpreted({"setup.py": COMMAND.format("install")})[1])
    several = COMMAND.format("other, install")
    assert len(acts(interpreted({"setup.py": several}, runs=True)[1])) == 3


def test_a_program_runs_what_is_for_the_main_module() -> None:
    code = "import os\nif __name__ == '__main__':\n    os.system('a')\nelse:\n    os.system('b')\n"
    assert acts(interpreted({"setup.py": code}, runs=True)[1]) == ["a", "b"]


FUNCTIONS = """
def a():
    os.system('a')
def b(x):
    y = 1
    os.system('b')
def c():
    def d():
        os.system('d')
    os.system('c')
    y = 1
def e(): os.system('e')
e()
"""
LINES: Mapping[tuple[int, ...], list[str]] = {
    (): ["e"],
    (1,): ["e"],
    (2,): ["e", "a called"],
    (3,): ["e", "a called"],
    (3, 5): ["e", "a called", "b called"],
    (6,): ["e", "b called"],
    (9,): ["e", "c called", "d called"],
    (11,): ["e", "c called"],
    (12,): ["e"],
    (13,): ["e"],
}


def test_functions_that_have_a_line_are_followed_as_if_somebody_called_them() -> None:
    seen = {}
    for lines in LINES:
        modules, interpreter = interpreted({"a.py": FUNCTIONS})
        interpreter.run_functions(modules["a"], lines)
        seen[lines] = acts(interpreter)
    assert seen == LINES


def test_a_function_that_was_called_is_not_followed_again() -> None:
    modules, interpreter = interpreted({"a.py": "import os\ndef f():\n    os.system(n)\nn = 'a'\nf()\nn = 'b'\n"})
    interpreter.run_functions(modules["a"], [3])
    assert acts(interpreter) == ["a"]


def test_functions_of_tests_are_reached_by_tests() -> None:
    modules, interpreter = interpreted({"tests/a.py": FUNCTIONS})
    interpreter.run_functions(modules["tests.a"], [3])
    assert acts(interpreter) == ["e tests", "a tests"]


def test_what_stops_a_module_is_said_and_the_next_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"a": "x = 1\n" * 9, "b": "import os\nos.system('b')", "c": "x = (" + "-" * 900 + "1)", "d": "x = d.e"}
    modules = {name: Module(name, f"{name}.py", ast.parse(text)) for name, text in texts.items()}
    interpreter = Interpreter(modules)
    monkeypatch.setattr("wheelhouse.vet.code.interpreter.MAX_STEPS", 8)
    monkeypatch.setattr(interpreter, "attribute", lambda value, name: value.items[0])
    interpreter.run_module(modules["a"])
    monkeypatch.undo()
    interpreter.run_module(modules["b"])
    interpreter.run_module(modules["c"])
    monkeypatch.setattr(interpreter, "attribute", lambda value, name: value.items[0])
    interpreter.run_module(modules["d"])
    assert interpreter.unfollowed == {
        "a.py": "it takes too many steps",
        "c.py": "it is nested too deeply",
        "d.py": "TypeError while it was followed",
    }
    assert acts(interpreter) == ["b"]


def test_a_released_interpreter_refers_to_nothing() -> None:
    code = "def f(a=1):\n    b = a\n    return lambda: b\nclass A:\n    x = 1\nA.y = 2\nx = f()\n"
    modules, interpreter = interpreted({"a.py": code})
    module = modules["a"]
    made, inner = module.scope.names["A"].target, module.scope.names["x"].target
    interpreter.release()
    assert not module.scope.names and not module.functions
    assert not made.scope.names and not made.attributes and inner is not None


def test_a_behaviour_has_its_kind_place_and_line() -> None:
    assert list(interpreted({"a.py": "\nimport ctypes\n"})[1].behaviours.values()) == [
        Behaviour("native", "a.py", 2, "imports `ctypes`", AT_IMPORT)
    ]
