"""Syntax colours: every text comes out as it went in, whatever it is, and in a time that grows with its length alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelhouse.report.colours import Piece, coloured


def test_the_pieces_of_a_source() -> None:
    source = 'def run(name):  # start\n    return f"hi {name}" * 10\n'
    kinds = [(piece.kind, piece.text) for piece in coloured("app/x.py", source) if piece.kind]
    assert kinds == [
        ("keyword", "def"),
        ("function", "run"),
        ("comment", "# start"),
        ("keyword", "return"),
        ("string", 'f"hi {name}"'),
        ("number", "10"),
    ]


@pytest.mark.parametrize(
    ("name", "text"), [("METADATA", "class x"), ("x.c", "return 1;"), ("run", "#!/bin/sh\nreturn")]
)
def test_what_is_no_python_is_one_piece(name: str, text: str) -> None:
    assert coloured(name, text) == [Piece("", text)]


@pytest.mark.parametrize("text", ["#!/usr/bin/env python3\nreturn", "+#!python\nreturn"])
def test_a_script_is_known_by_its_first_line(text: str) -> None:
    assert Piece("keyword", "return") in coloured("bin/run", text)


@given(st.text(alphabet="'\"\\#rbf \ndef1.x", max_size=60))
def test_no_character_is_lost(text: str) -> None:
    assert "".join(piece.text for piece in coloured("x.py", text)) == text


@pytest.mark.parametrize("unit", ["'", '"""', "\\", "'''\\", 'f"', "def ", "1.", "#", 'rb"x'])
def test_a_long_text_is_read_once(unit: str) -> None:
    """A pattern that begins again at each character would need minutes for this."""
    text = unit * 20_000
    assert sum(len(piece.text) for piece in coloured("x.py", text)) == len(text)
