"""Members that are not what they seem, and those that only look so."""

import base64
import pickle
from collections import OrderedDict
from datetime import date

import pytest

from tests.support.elf import elf
from wheelhouse.vet.code import hidden_members
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.code.hidden_members import encoded_program, is_looked_at, look_at, pickle_calls, without_source

PNG, END = b"\x89PNG\r\n\x1a\n" + bytes(60), b"IEND\xaeB`\x82"
WINDOWS = b"MZ\x90" + bytes(60) + b"This program cannot be run in DOS mode" + bytes(200)


@pytest.mark.parametrize(
    ("name", "kind", "data", "word"),
    [
        ("a.png", "", PNG + END + elf(), "Linux"),
        ("a.png", "", PNG + END + WINDOWS, "Windows"),
        ("a.jpg", "", b"\xff\xd8" + bytes(100) + b"\xff\xd9" + elf(), "Linux"),
        ("a.gif", "", b"GIF89a" + bytes(100) + b";PK\x03\x04" + bytes(40) + b"PK\x05\x06", "zip"),
        ("a.wav", "", b"RIFF" + bytes(100) + b"import os\nos.system('x')", "Python code"),
        ("a.png", "", PNG + END + b"#!/bin/sh\nid\n", "script"),
        ("a.png", "", PNG + END + base64.b64encode(WINDOWS), "Windows"),
        ("a.png", "", PNG + END + b"#!/bin/sh\nid\n" + END, "script"),
        ("a.gif", "", b"GIF89a" + bytes(100) + b";\n#!/bin/sh\nid\n" + END, "script"),
        ("a.ico", "pe", WINDOWS, "begins as pe"),
        ("a.png", "", PNG + END, ""),
        ("a.png", "", PNG + END + b"\0\0 a comment of an editor", ""),
        ("a.jpg", "", b"\xff\xd8" + bytes(range(256)) * 20 + b"\xff\xd9", ""),
    ],
)
def test_a_program_in_a_picture_is_found(name: str, kind: str, data: bytes, word: str) -> None:
    found = [one.what for one in look_at(name, kind, data)]
    assert bool(found) is bool(word)
    assert word in " ".join(found)


class Calls:
    """Pickles as a call; these tests load nothing."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return eval, ("1",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_is_found_in_every_protocol(protocol: int) -> None:
    assert [call.rpartition(".")[2] for call in pickle_calls(pickle.dumps(Calls(), protocol))] == ["eval"]
    assert not list(pickle_calls(pickle.dumps([OrderedDict(a=1), date(2026, 1, 1), {2}, "os.system"], protocol)))


OS, SYSTEM = b"\x8c\x02os", b"\x8c\x06system"
PICKLES: dict[str, tuple[bytes, list[str]]] = {
    "a global": (b"cposix\nsystem\n.", ["posix.system"]),
    "an instance": (b"(ios\nsystem\n.", ["os.system"]),
    "a module that only few functions start with": (b"cpty\nspawn\n(S'sh'\ntR.", ["pty.spawn"]),
    "os with a function of no known word": (b"cos\nexecv\n.", ["os.execv"]),
    "names with escapes": (b"V\\u006fs\nV\\u0065xecv\n\x93.", ["os.execv"]),
    "a name with a blank": (b"cos\nsystem x\n.", ["os.system x"]),
    "names on the stack": (OS + SYSTEM + b"\x93.", ["os.system"]),
    "a name of another module that leads to os": (b"\x8c\x07pathlib\x8c\x09os.system\x93.", ["pathlib.os.system"]),
    "a name that leads to os under another name": (b"Vtempfile\nV_os.system\n\x93.", ["tempfile._os.system"]),
    "os itself": (b"cpathlib\nos\n.", ["pathlib.os"]),
    "a name that leads nowhere": (b"Vcollections\nVOrderedDict.fromkeys\n\x93ca\nos_system\nca\nb.cos\n.", []),
    "names in the other order": (SYSTEM + OS + b"\x93.", ["system.os"]),
    "one name": (SYSTEM + b"\x93" + b"cos\nsystem\n.", []),
    "names that are not looked up": (OS + SYSTEM + b".", []),
    "names that are behind others": (OS + SYSTEM + b"\x8c\x01a" * 9 + b"0" * 9 + b"\x93.", ["os.system"]),
    "names behind a mark": (OS + SYSTEM + b"(K\x01K\x02K\x031\x93.", ["os.system"]),
    "names behind a tuple": (OS + SYSTEM + b"(\x8c\x01a\x8c\x01bt0\x93.", ["os.system"]),
    "names behind a list that grows": (OS + SYSTEM + b"](\x8c\x01a\x8c\x01be0\x93.", ["os.system"]),
    "a name twice": (OS + SYSTEM + b"20\x93.", ["os.system"]),
    "the same name twice": (OS + b"2\x93.", ["os.os"]),
    "names of BINPUT": (OS + b"q\x070" + SYSTEM + b"q\x050h\x07h\x05\x93.", ["os.system"]),
    "names of LONG_BINPUT": (OS + b"r\x07\0\0\x000j\x07\0\0\0" + SYSTEM + b"\x93.", ["os.system"]),
    "names of PUT": (b"Vos\np3\n0Vsystem\np4\n0g3\ng4\n\x93.", ["os.system"]),
    "names of MEMOIZE": (b"]\x940" + OS + b"\x940" + SYSTEM + b"\x940h\x01h\x02\x93.", ["os.system"]),
    "a name that stays when it is kept": (OS + b"\x94" + SYSTEM + b"\x94\x93.", ["os.system"]),
    "a name that was not kept": (OS + b"h\x05\x93cos\nsystem\n.", []),
    "a name that is computed": (OS + b"cbuiltins\nstr\nS'system'\n\x85R\x93.", ["os.…"]),
    "a name that is computed in another module": (b"Vpathlib\ncbuiltins\nstr\nS'os.system'\n\x85R\x93.", ["pathlib.…"]),
    "a module that is computed": (b"cbuiltins\nstr\n(Vos\ntR" + SYSTEM + b"\x93.", ["….system"]),
    "a module that an instance computes": (b"(Vos\nibuiltins\nstr\n" + SYSTEM + b"\x93.", ["….system"]),
    "a module that is a global of another one": (b"ca\nNAME\n" + SYSTEM + b"\x93.", ["….system"]),
    "a module and a name that are computed": (b"]]\x93.", ["….…"]),
    "bytes as a name": (b"Va\n\x96\x01" + bytes(7) + b"b\x93cos\nsystem\n.", ["a.…", "os.system"]),
    "a number with a base": (b"I0x1\n0cos\nsystem\n.", ["os.system"]),
    "a long number with a base": (b"L0x1L\n0cos\nsystem\n.", ["os.system"]),
    "numbers with a null byte": (b"F1.0\0x\nI1\0x\np1\0x\n0g1\0y\ncos\nsystem\n.", ["os.system"]),
    "letters of no ASCII": (b"S'\xff'\nc\xc3\xa9\n\xc3\xa9\ncos\nsystem\n.", ["os.system"]),
    "a harmless built-in": (b"cbuiltins\nlist\n.", []),
    "a harmless built-in of Python 2": (b"c__builtin__\nset\n.", []),
    "other built-ins": (b"cbuiltins\neval\nc__builtin__\napply\n.", ["builtins.eval", "__builtin__.apply"]),
    "a harmless type": (
        b"ctypes\nSimpleNamespace\nctypes\nMappingProxyType\nctypes\nNoneType\nctypes\nFunctionType\n.",
        ["types.FunctionType"],
    ),
    "the name of a built-in in another module": (b"cos\nlist\nccollections\neval\n.", ["os.list"]),
    "a type that is harmless only in its module": (b"cbuiltins\nNoneType\n.", ["builtins.NoneType"]),
}


def test_a_pickle_is_read_as_python_loads_it() -> None:
    for name, (data, calls) in PICKLES.items():
        assert list(pickle_calls(data)) == calls, name


def test_a_long_pickle_is_read_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden_members, "MAX_PICKLE_STEPS", 3)
    assert list(pickle_calls(b"NNcos\nsystem\n.")) == ["os.system"]
    assert list(pickle_calls(b"NNNcos\nsystem\n.")) == []


@pytest.mark.parametrize("data", [b"", b"os", b"cos\n", b"\x80\x05os\x93", b"subprocess" * 1000])
def test_what_is_no_pickle_does_no_harm(data: bytes) -> None:
    assert not list(pickle_calls(data))


def test_a_program_in_base64_is_found_with_its_line() -> None:
    source = b"x = 1\nP = '" + base64.b64encode(WINDOWS) + b"'\n"
    assert [(one.line, one.path) for one in encoded_program("odd/a.py", source)] == [(2, "odd/a.py")]


def test_only_what_python_imports_needs_its_source() -> None:
    names = ["odd/a.pyc", "odd/b.pyc", "odd/b.py", "odd/__pycache__/c.cpython-312.pyc", "__pycache__/d.cpython-312.pyc"]
    assert [one.path for one in without_source(names)] == ["odd/a.pyc"]


def test_compiled_code_beside_its_source_is_no_finding() -> None:
    found = [Behaviour("sourceless-pyc", "b.pyo", 0, "only compiled code, without its source")]
    assert list(without_source(["a.pyo", "a.py", "b.pyo", "b.pyi", "c.txt", "a.pycx"])) == found


KINDS = (
    "png",
    "JPG",
    "jpeg",
    "gif",
    "bmp",
    "ico",
    "webp",
    "tif",
    "tiff",
    "wav",
    "mp3",
    "ogg",
    "flac",
    "mp4",
    "ttf",
    "otf",
)
LOOKED_AT = (*KINDS, "woff", "woff2", "eot", "pkl", "pickle", "pckl", "p", "joblib", "dill", "pyc", "pyo")


def test_images_pickles_and_compiled_code_are_looked_at() -> None:
    for suffix in LOOKED_AT:
        assert is_looked_at(f"odd/a.{suffix}") and not is_looked_at(f"odd/a.{suffix}x"), suffix
    for name in ("odd/a.py", "odd/apng", "odd/apkl", "odd/apyc", "odd/a.pyd", "odd/a.json", "a.pkl/x", "a.pyc/x"):
        assert not is_looked_at(name) and not list(look_at(name, "elf", elf())), name


def test_what_a_pickle_calls_is_said_once_and_in_order() -> None:
    data = b"cposix\nsystem\ncos\nsystem\ncposix\nsystem\n."
    expected = [Behaviour("pickle-calls", "a.pkl", 0, f"`{name}`") for name in ("os.system", "posix.system")]
    assert list(look_at("a.pkl", "", data)) == expected


MAGIC = b"\xcb\r\r\n"
HEADERS: dict[str, tuple[bytes, bool]] = {
    "unchecked": (MAGIC + b"\x01\0\0\0" + bytes(8), True),
    "unchecked, with code": (MAGIC + b"\x01\0\0\0" + bytes(80), True),
    "cut": (MAGIC + b"\x01\0\0\0" + bytes(7), False),
    "checked": (MAGIC + b"\x03\0\0\0" + bytes(8), False),
    "by time": (MAGIC + bytes(12), False),
    "no magic number": (b"\xcb\r\n\r\x01\0\0\0" + bytes(8), False),
}


def test_compiled_code_that_python_does_not_check_is_found() -> None:
    found = Behaviour("unchecked-pyc", "a.pyc", 0, "its header says that Python must not compare it with its source")
    for name, (data, is_found) in HEADERS.items():
        assert list(look_at("a.pyc", "", data)) == [found] * is_found, name
        assert list(look_at("a.pcy", "", data)) == [], name


def test_a_picture_that_begins_as_another_kind_is_one_finding() -> None:
    for kind in ("elf", "pe", "macho", "script", "zip"):
        found = [Behaviour("disguised", "a.png", 0, f"it begins as {kind}, not as its name says")]
        assert list(look_at("a.png", kind, PNG + END + elf())) == found
    for kind in ("", "gzip", "tar", "java"):
        assert list(look_at("a.png", kind, PNG + END)) == []


def test_a_program_is_looked_for_behind_the_end_of_a_picture() -> None:
    """Of other media, the first 64 bytes are left out."""
    found = [Behaviour("disguised", "a.jpg", 0, "it has a program for Linux inside or behind its data")]
    for data in (END + elf(), PNG + END + b"x" + END + elf(), bytes(64) + elf(), PNG + elf() + WINDOWS):
        assert list(look_at("a.jpg", "", data)) == found
    for data in (bytes(63) + elf(), PNG + elf() + END, bytes(64) + elf()[:-1].replace(b"ELF", b"EFL")):
        assert list(look_at("a.jpg", "", data)) == []


def test_each_kind_of_program_in_base64_is_found_where_it_begins() -> None:
    linux, windows = base64.b64encode(elf() * 2), base64.b64encode(WINDOWS)
    source = b"\nx = 1\nA = '" + linux + b"'\nB = '" + linux + b"'\nC = '" + windows + b"'\n"
    assert list(encoded_program("a.py", source)) == [
        Behaviour("disguised", "a.py", 3, "it has a program for Linux as base64"),
        Behaviour("disguised", "a.py", 5, "it has a program for Windows as base64"),
    ]
    assert list(encoded_program("a.py", b"\nx = '" + linux[4:] + windows[:200] + b"'\n")) == []
