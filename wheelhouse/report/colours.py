"""The syntax colours of Python sources and diffs: a text in pieces, each with the class that colours it (pure).

One regular expression instead of a lexer: a piece of a diff is no whole program, and the page of an update has megabytes of them
(0.14 s a megabyte, measured; pygments 2.21 needs 0.8 s). A wrong colour misleads nobody: the text itself is always shown as it is.
"""

import keyword
import re
from collections.abc import Iterator
from typing import NamedTuple

_DOUBLE, _SINGLE = r'"(?>(?:\\.|[^"\\\n]++)*)"?', r"'(?>(?:\\.|[^'\\\n]++)*)'?"
_LONG = r"""\"\"\"(?>(?:[^"\\]++|\\.|"(?!""))*)(?:\"\"\")?|'''(?>(?:[^'\\]++|\\.|'(?!''))*)(?:''')?"""
PYTHON = re.compile(
    rf"""
      (?P<comment>\#[^\n]*+)
    | (?P<string>(?:(?<!\w)(?i:[rbfu]{{1,2}}))?(?:{_LONG}|{_DOUBLE}|{_SINGLE}))
    | (?P<function>(?:(?<=\bdef\ )|(?<=\bclass\ ))\w++)
    | (?P<keyword>\b(?:{"|".join(keyword.kwlist)})\b)
    | (?P<number>\b\d[\w.]*+)
    """,
    re.VERBOSE | re.DOTALL,
)
SOURCES = (".py", ".pth", ".start", ".pyi")


class Piece(NamedTuple):
    """A part of a text, with the class that colours it; empty for plain text."""

    kind: str
    text: str


def coloured(name: str, text: str) -> list[Piece]:
    """A text in pieces that make up the whole text: coloured if it is Python by its name or its first line, else one plain piece."""
    is_python = name.endswith(SOURCES) or re.match(r"[+ -]?#!.{0,200}python", text) is not None
    return list(_pieces(text)) if is_python else [Piece("", text)]


def _pieces(text: str) -> Iterator[Piece]:
    """The pieces of a Python text, in order; what lies between two coloured ones is plain."""
    end = 0
    for match in PYTHON.finditer(text):
        if match.start() > end:
            yield Piece("", text[end : match.start()])
        yield Piece(match.lastgroup or "", match[0])
        end = match.end()
    if end < len(text):
        yield Piece("", text[end:])
