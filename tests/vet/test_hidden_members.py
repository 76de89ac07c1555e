"""Members that are not what they seem, and those that only look so."""

import base64
import pickle
from collections import OrderedDict
from datetime import date

import pytest

from tests.support.elf import elf
from wheelhouse.vet.code.hidden_members import encoded_program, look_at, pickle_calls, without_source

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


@pytest.mark.parametrize("data", [b"", b"os", b"cos\n", b"\x80\x05os\x93", b"subprocess" * 1000])
def test_what_is_no_pickle_does_no_harm(data: bytes) -> None:
    assert not list(pickle_calls(data))


def test_a_program_in_base64_is_found_with_its_line() -> None:
    source = b"x = 1\nP = '" + base64.b64encode(WINDOWS) + b"'\n"
    assert [(one.line, one.path) for one in encoded_program("odd/a.py", source)] == [(2, "odd/a.py")]


def test_only_what_python_imports_needs_its_source() -> None:
    names = ["odd/a.pyc", "odd/b.pyc", "odd/b.py", "odd/__pycache__/c.cpython-312.pyc", "__pycache__/d.cpython-312.pyc"]
    assert [one.path for one in without_source(names)] == ["odd/a.pyc"]
