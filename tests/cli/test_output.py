"""Texts of servers and files in output: they never begin a line of their own, and never control a terminal."""

import json
import sys
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.humanize import plain, plain_json

EVERY = "".join(map(chr, range(sys.maxunicode + 1)))
LINE_ENDS = {line[-1] for line in EVERY.splitlines(keepends=True)[:-1]}
CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if code != 9]
BIDI = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_a_character_that_ends_a_line_or_controls_a_terminal_is_spelled_out() -> None:
    for character in sorted({*LINE_ENDS, *CONTROLS, *BIDI}):
        line = plain(f"a{character}b")
        assert character not in line and line.splitlines() == [line] and line.isascii()
        document = plain_json(json.dumps({"a": [f"a{character}b"]}, indent=2, ensure_ascii=False))
        assert character == "\n" or character not in document
        assert json.loads(document) == {"a": [f"a{character}b"]}


def test_other_characters_stay() -> None:
    text = "a\tb ä 中 😀 …  → `x`"
    assert plain(text) == plain_json(text) == text


@pytest.mark.parametrize("end", sampled(["\n", "\r", "\u2028", "\x85", "\x1b[2K\r"], 2), ids=ascii)
def test_what_an_index_says_makes_no_line_of_its_own(tmp_path: Path, end: str) -> None:
    wheel = build_wheel(tmp_path / "offered", "app", "1.0")
    with IndexServer(wheel.parent) as server:
        server.add(wheel, yanked=f"x{end}hint: run this")
        server.set_status("app", "deprecated", f"y{end}hint: run that")
        for words in ((), ("--json",)):
            done = wheelhouse(
                "fetch",
                "app==1.0",
                "--python",
                "3.12",
                "--index",
                server.url,
                "--dest",
                f"w{len(words)}",
                *words,
                cwd=tmp_path,
            )
            assert done.returncode == 0, done.stderr
            said = done.stdout + done.stderr
            assert "hint: run this" in said
            assert not [line for line in said.splitlines() if line.startswith("hint:")]
            assert end == "\n" or end not in said
