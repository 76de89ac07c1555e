"""Compiled modules beside their source: what is the same, what is not, and which of them Python runs."""

import marshal
import struct
import warnings
from pathlib import Path
from types import CodeType

import pytest

from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.vet.code import compiled as module
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.code.compiled import source_path, unlike_source
from wheelhouse.vet.code.marshal_reader import MarshalError, read_marshal
from wheelhouse.vet.facts_reader import OWN_MAGIC, look_inside

PATH = "odd/__pycache__/x.cpython-312.pyc"
SOURCE = '''"""A module."""
from __future__ import annotations
import os, json as j
LINE = "-" * 60 + "end"
class Thing:
    """A thing,
    with two lines."""
    size: int | None = 3
    def __private(self, *names: "str", key=b"raw", **more):
        def inner(): return f"{self!r} is {names:>10}" + "%s%%" % key
        return [name.upper() for name in names if name not in {1, 2.5, 3j, ..., None, -7, 1 << 70}], inner
async def fetch(a, /, b): assert a, "text"; return lambda: (yield)
'''
OTHER = next(magic for magic in (3531, 3495) if magic != OWN_MAGIC)
"""The magic number of another Python whose code has the same fields."""


def compiled(
    source: str, magic: int = OWN_MAGIC, *, flags: int = 0, size: int | None = None, optimize: int = 0
) -> bytes:
    code = compile(source, "somewhere.py", "exec", dont_inherit=True, optimize=optimize)
    header = struct.pack("<H", magic) + b"\r\n" + struct.pack("<III", flags, 0, len(SOURCE) if size is None else size)
    return header + marshal.dumps(code)


def header(magic: int = OWN_MAGIC, flags: int = 1) -> bytes:
    return struct.pack("<H", magic) + b"\r\n" + struct.pack("<III", flags, 0, 0)


def difference(data: bytes, path: str = PATH, source: str = SOURCE) -> list[str]:
    return [one.what for one in unlike_source({path: data}, {"odd/x.py": source.encode()}, OWN_MAGIC)]


@pytest.mark.parametrize("magic", [OWN_MAGIC, OTHER])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_what_a_source_compiles_to_is_no_finding(magic: int, level: int) -> None:
    path = f"odd/__pycache__/x.cpython-312{f'.opt-{level}' if level else ''}.pyc"
    assert difference(compiled(SOURCE, magic, optimize=level), path) == []


CHANGES = {
    "a number": ("size: int | None = 3", "size: int | None = 4"),
    "a condition": ("if name not in", "if name in"),
    "a statement less": ('assert a, "text"; ', ""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_this_python_compares_instructions(change: str) -> None:
    altered = SOURCE.replace(*CHANGES[change])
    assert altered != SOURCE
    assert difference(compiled(altered)) == ["its instructions are not those of its source"]


@pytest.mark.parametrize("magic", [OWN_MAGIC, OTHER])
@pytest.mark.parametrize(
    ("added", "words"),
    [
        ("os.system('curl evil.example')", ["`curl evil.example`", "`system`"]),
        ("__import__('socket')", ["`socket`"]),
        ("exec(b'print(1)')", ["`exec`", "`print(1)`"]),
    ],
)
def test_names_and_texts_that_the_source_has_not_are_named(magic: int, added: str, words: list[str]) -> None:
    (what,) = difference(compiled(f"{SOURCE}{added}\n", magic))
    assert all(word in what for word in words)


UNLIKE = ["its instructions are not those of its source"]
FUNCTION = """
def f(a, b, c=1):
    try: return a.x.y, lambda: (a, c)
    except c: return b
"""
FIELDS: dict[str, dict[str, object]] = {
    "argcount": {"co_argcount": 2},
    "posonlyargcount": {"co_posonlyargcount": 1},
    "kwonlyargcount": {"co_argcount": 2, "co_kwonlyargcount": 1},
    "flags": {"co_flags": 0x23},
    "names": {"co_names": ("y", "x")},
    "varnames": {"co_varnames": ("b", "a", "c")},
    "kinds": {"co_cellvars": ("c",)},
    "exceptions": {"co_exceptiontable": b""},
    "name": {"co_name": "a"},
    "constants": {"co_consts": (None, 2)},
}
UNSEEN = {"co_filename": "other.py", "co_firstlineno": 7, "co_linetable": b"", "co_qualname": "a"}


def of_function(**changes: object) -> bytes:
    """FUNCTION, with changes to the code of its function."""
    whole = compile(FUNCTION, "", "exec", dont_inherit=True)
    consts = tuple(one.replace(**changes) if isinstance(one, CodeType) else one for one in whole.co_consts)
    return header() + marshal.dumps(whole.replace(co_consts=consts))


def test_each_field_that_says_what_code_does_is_compared() -> None:
    for name, changes in FIELDS.items():
        assert difference(of_function(**changes), source=FUNCTION) == UNLIKE, name
    assert difference(of_function(**UNSEEN), source=FUNCTION) == []


def test_another_python_compares_no_instructions() -> None:
    for change in CHANGES.values():
        assert difference(compiled(SOURCE.replace(*change), OTHER)) == []


def with_names(*names: object, magic: int = OTHER, **changes: object) -> bytes:
    code = compile("", "", "exec", dont_inherit=True)
    return header(magic) + marshal.dumps(code.replace(co_consts=names, **changes))


MADE = ("__static_attributes__", ".0", "<lambda>", "f.<locals>.g", "<lambda>.<locals>.<genexpr>", "AssertionError")
OLD_AND_NEW_NAMES = ("annotations", "Template", "Interpolation", "format", "return")
KNOWN = {
    "a name": ("x = evil", "evil"),
    "a dotted name": ("import os.path; system = 1", "os.path.system"),
    "a private name": ("class A: __x = 1", "_A__x"),
    "a private name of a module": ("class A:\n    def f(self): import os.__x.y", "os._A__x.y"),
    "a name with another letter": ("\u00b5 = 1", "\u03bc"),
    "texts in a row": ('"cat" "evil"', "catevil"),
    "texts with blanks in a row": ('"cat /a" "/b"', "cat /a/b"),
    "a sum of texts": ('x = "cat" + "/ev" + "il"', "cat/evil"),
    "a sum of texts on lines": ('x = ("cat"\n + "/ev" +\n"il")', "cat/evil"),
    "a sum of bytes": ('x = b"ev" + b"\\xe9" + b"il"', b"ev\xe9il"),
    "a text with escapes": (r"""x = '\x65v/il'""", "ev/il"),
    "an annotation": ("x: f(a = 1)", "f(a=1)"),
    "a text many times": ("x = '-/' * 9 + 'evil'", "-/" * 9 + "evil"),
    "a number": ("", 7),
    "nothing": ("", None),
    "an empty text": ("", ""),
}
FOREIGN = {
    "a name": ("x = ev1l", "evil"),
    "a dotted name": ("import os", "os.evil"),
    "another private name": ("class A: x = 1", "_A__x"),
    "text": ("import os", "os evil"),
    "text that begins as a name of compilers": ("import os", "__import__('os')"),
    "a file that begins with a dot": ("import os", ". /evil"),
    "a tag": ("import os", "<script src=evil>"),
    "a tag in a text": ("import os", "a.<b c"),
    "a text many times, and more": ("x = '-/' * 9", "-/" * 9 + "evil"),
    "a letter": ("'a'", "X"),
    "bytes": ("x = 1", b"ev\xe9il"),
    "a text in a tuple": ("x = 1", (1, ("evil",))),
    "a text in a set": ("x = 1", frozenset(("evil",))),
}


def test_names_that_compilers_make_are_known() -> None:
    for name in (*MADE, *OLD_AND_NEW_NAMES):
        assert difference(with_names(name), source="") == [], name
        assert difference(with_names(f"{name}/x"), source="") == [f"it has `{name}/x`"], name


def test_what_a_compiler_makes_of_the_words_of_a_source_is_known() -> None:
    for name, (source, constant) in KNOWN.items():
        assert difference(with_names(constant), source=source) == [], name
    for name, (source, constant) in FOREIGN.items():
        found = "evil" if isinstance(constant, tuple | frozenset) else constant
        text = found if isinstance(found, str) else found.decode("latin-1")
        assert difference(with_names(constant), source=source) == [f"it has `{text}`"], name


def test_foreign_names_are_sorted_and_the_first_four_are_told() -> None:
    data = with_names("e", ("b", "b"), co_names=("d", "a"))
    assert difference(data, source="") == ["it has `a`, `b`, `d`, `e`"]
    assert difference(with_names("e", "c", "b", co_names=("d", "a")), source="") == ["it has `a`, `b`, `c`, `d`"]
    function = compile("def f(evil): pass", "", "exec", dont_inherit=True)
    assert difference(header(OTHER) + marshal.dumps(function), source="f = 1") == ["it has `evil`"]
    assert difference(with_names("a" * 90), source="") == [f"it has `{'a' * 80}\u2026`"]


def test_crafted_code_does_no_harm() -> None:
    whole = marshal.dumps(compile("", "", "exec", dont_inherit=True).replace(co_names=("evil",), co_consts=()), 2)
    names = marshal.dumps(("evil",), 2)
    for crafted in (b"N", b"i\7\0\0\0", b"[\0\0\0\0"):
        assert names in whole
        assert difference(header(OTHER) + whole.replace(names, crafted), source="") == []


def test_a_source_that_does_not_compile_has_names_to_compare() -> None:
    assert difference(compiled("import evil", flags=1), source="return") == ["it has `evil`"]
    assert difference(compiled("x = 1", flags=1), source="return; x = 1") == []


def test_warnings_of_a_source_are_not_shown() -> None:
    source = SOURCE + "x = '\\d'; 1 is 1\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same, other = compiled(source, flags=1), compiled(source.replace("1 is 1", "1 is 2"), flags=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert difference(same, source=source) == [] and difference(other, source=source) == UNLIKE


def test_what_is_too_long_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    data = with_names("evil")
    for source in ("", "#" * 2 * len(data)):
        longest = max(len(data), len(source))
        for limit, found in ((longest, ["it has `evil`"]), (longest - 1, [])):
            monkeypatch.setattr(module, "MAX_COMPARED_BYTES", limit)
            assert difference(data, source=source) == found


def test_the_header_decides_what_python_runs() -> None:
    altered = SOURCE.replace("size: int | None = 3", "size: int | None = 4")
    assert difference(compiled(altered)) and difference(compiled(altered, flags=1, size=0))
    assert difference(compiled(altered, flags=3, size=0))
    assert difference(compiled(altered, size=7)) == [], "Python compiles a source of another size anew"
    assert difference(compiled(altered, 3379)) == [], "Python 3.6 had another header"
    assert difference(compiled(altered)[:15]) == []
    assert difference(header()) == ["it cannot be read: it ends too early"]
    assert difference(header(3390) + b"N") == ["it has `no code`"] and difference(header(3389) + b"N") == []
    assert difference(header().replace(b"\r\n", b"\r\r") + b"N") == []
    assert difference(header(flags=2) + b"N") == [] and difference(header(flags=2) + b"N", source="") != []


def test_each_member_of_a_cache_is_compared_with_its_own_source() -> None:
    paths = ["b/__pycache__/y.cpython-312.pyc", "a/x.pyc", "a/__pycache__/x.cpython-312.pyc"]
    paths.append("a/__pycache__/x.cpython-312.pyc.txt")
    sources = dict.fromkeys(("a/x.py", "b/y.py", "", "X"), b"")
    found = list(unlike_source(dict.fromkeys(paths, with_names("evil")), sources, OWN_MAGIC))
    assert found == [Behaviour("unlike-pyc", path, 0, "it has `evil`") for path in (paths[2], paths[0])]


def test_only_the_cache_of_a_source_is_compared() -> None:
    assert source_path(PATH) == "odd/x.py" and source_path("__pycache__/a.b.cpython-39.opt-1.pyc") == "a.b.py"
    assert source_path("odd/x.pyc") is source_path("odd/__pycache__/x.cpython-312.pyc.txt") is None
    assert difference(compiled(SOURCE + "import this\n"), "other/__pycache__/x.cpython-312.pyc") == []


def test_damaged_data_are_a_difference_and_do_no_harm() -> None:
    whole = compiled(SOURCE)
    for end in range(16, len(whole), 7):
        assert difference(whole[:end])[0].startswith("it cannot be read")
    for data in (b"\xa9\x01" * 5000, b"(\xff\xff\xff\xff", b"[\xff\xff\xff\x7f", b"r\x05\0\0\0", b"l\0\0\0\x80", b"Q"):
        with pytest.raises(MarshalError):
            read_marshal(data, OWN_MAGIC)
    assert difference(whole[:16] + b"N") == ["it has `no code`"]


def test_a_source_that_compiles_to_deep_data_is_compared_by_its_texts() -> None:
    deep = f"x = {'(' * 150}1{',)' * 150}\n"
    data = compiled("x = 1", size=len(deep))
    assert difference(data, source=deep) == []
    assert difference(compiled("import socket", size=len(deep)), source=deep) == ["it has `socket`"]


def test_texts_in_lists_and_slices_are_compared() -> None:
    for kind in (b"[\1\0\0\0", b":NN"):
        data = compiled("x = 'odd'", OTHER, flags=1).replace(b"\xda\x03odd", kind + b"\xda\x03odd")
        assert difference(data, source="x = 1") == ["it has `odd`"], kind


def test_a_source_that_does_not_parse_is_not_compared() -> None:
    assert difference(compiled(SOURCE, size=7), source="print 1") == []
    assert difference(compiled(SOURCE, size=8), source="exec 'x'") == []


def test_wheels_and_sdists_are_compared(tmp_path: Path) -> None:
    altered = compiled(f"{SOURCE}import socket\n", flags=1)
    files = {"odd/x.py": SOURCE.encode(), PATH: altered}
    for path in (build_wheel(tmp_path, "odd", "1.0", files=files), build_sdist(tmp_path, "odd", "1.0", files=files)):
        _, inside = look_inside(path, path.name)
        assert [one.path.endswith(PATH) for one in inside.behaviours if one.kind == "unlike-pyc"] == [True]
