"""What the text of a source hides, in which encoding it is, and which of its statements are read."""

import ast
import codecs
import warnings

import pytest

from wheelhouse.vet.code import source as module
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.code.source import UnparsedError, declared_encoding, decoded_source, is_odd, odd_text, parsed

BLOB = "A" * 200
TOKEN = "1234567890:" + "a" * 35
BLANKS, TABS = " " * 150, "\t" * 40


def found(source: str | bytes) -> list[Behaviour]:
    data = source if isinstance(source, bytes) else source.encode()
    text = decoded_source(data)
    return list(odd_text("odd.py", data, text, parsed(text)[0], "called"))


def short(source: str | bytes) -> list[tuple[str, int, str]]:
    assert all(one.path == "odd.py" for one in found(source))
    return [(one.kind, one.line, one.what) for one in found(source)]


ODD = {
    "blanks": b"x" + b" " * 150,
    "tabs": b"x" + b"\t" * 40,
    "brackets": b"x" + b"(" * 60,
    "square brackets": b"x" + b"[" * 60,
    "null bytes": b"x\0",
    "escapes": rb"x = '\x65\x78'",
    "escapes as octal numbers": rb"x = '\145\170'",
    "escapes as characters": rb"x = '\u0065\u0078'",
    "an encoding": b"# coding: rot13",
    "an encoding far to the right": b"#" + b" " * 500 + b"coding: utf-7",
    "a character that turns": "x = 1  # \u202e".encode(),
    "a letter that looks like another": "x = 1; \uff45 = 2".encode(),
}
NOT_ODD = {
    "nothing": b"",
    "few blanks": b"x" + b" " * 149,
    "few tabs": b"x" + b"\t" * 39,
    "few brackets": b"x" + b"(" * 59 + b"[" * 59,
    "an escape": rb"x = '\x1b[0m' + '\x65'",
    "an honest encoding": b"# coding: latin-1",
    "a longer name of an encoding": b"# coding: hexagon",
    "a word": b"coding = 1",
    "letters": "x = '\u00e9\u4e2d'".encode(),
}


def test_bytes_that_may_hide_something_are_odd() -> None:
    for name, data in ODD.items():
        assert is_odd(data) is True, name
    for name, data in NOT_ODD.items():
        assert is_odd(data) is False, name


def test_an_encoding_is_named_in_a_comment_of_the_first_two_lines() -> None:
    for data, codec in {
        b"# coding: latin-1": "iso8859-1",
        b"#!/bin/sh\n# -*- coding: ROT13 -*-\n": "rot-13",
        b"# vim: set fileencoding=utf8 :": "utf-8",
        b"\n \t\x0c# coding:\tcp1252": "cp1252",
        b"  # a comment\n# coding: rot13": "rot-13",
        b"\xef\xbb\xbf# a comment\n# coding: rot13": "rot-13",
        b"# coding: nonsense": "nonsense",
        b"#\n#\n# coding: rot13": "",
        b"x = 1\n# coding: rot13": "",
        b"x = 1 # coding: rot13": "",
        b"x = 1 #\n# coding: rot13": "",
        b"\xef\xbb\xbf# coding: rot13": "",
        b"": "",
    }.items():
        assert declared_encoding(data) == codec, data


def test_a_source_is_decoded_by_its_own_encoding() -> None:
    for data, text in {
        b"\xc3\xa9": "\xe9",
        b"\xef\xbb\xbfx": "x",
        b"\xff": "\xff",
        b"# coding: utf8\n\xc3\xa9": "# coding: utf8\n\xe9",
        b"# coding: cp1252\n\x80": "# coding: cp1252\n\u20ac",
        b"# coding: utf-7\n+AGU-": "# coding: utf-7\ne",
        b"# coding: nonsense\n\xe9": "# coding: nonsense\n\xe9",
        b"# coding: hex\n\xe9": "# coding: hex\n\xe9",
    }.items():
        assert decoded_source(data) == text, data


def reason(source: bytes) -> tuple[str, bool]:
    """Why a source cannot be read, and whether that is a line of it."""
    try:
        parsed(decoded_source(source))
    except UnparsedError as error:
        return str(error), error.is_syntax
    return "", False


def test_a_source_that_is_too_long_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SOURCE_BYTES", 1 << 20)
    assert reason(b"#" * (1 << 20)) == ("", False)
    assert reason(b"#" * (1 << 20) + b"#") == ("it is longer than 1 MiB", False)


def test_a_codec_that_gives_no_text_is_told() -> None:
    def as_bytes(data: bytes, _: str = "") -> tuple[bytes, int]:
        return bytes(data), len(data)

    def search(name: str) -> codecs.CodecInfo | None:
        return codecs.CodecInfo(as_bytes, as_bytes, name="odd-bytes") if name == "odd_bytes" else None  # type: ignore[arg-type]

    codecs.register(search)
    try:
        assert reason(b"# coding: odd-bytes") == ("its encoding is `odd-bytes`", False)
    finally:
        codecs.unregister(search)


def test_warnings_of_a_source_are_not_shown() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reason(b"x = '\\d'") == ("", False)
        assert decoded_source(b"# coding: unicode_escape\n\\d") == "# coding: unicode_escape\n\\d"


REASONS: dict[str, tuple[Exception, tuple[str, bool]]] = {
    "a line": (SyntaxError("invalid  syntax", ("", 3, 1, "x")), ("line 3: invalid syntax", True)),
    "no line": (SyntaxError(), ("line 0: syntax error", True)),
    "brackets": (SyntaxError("too many nested parentheses"), ("it is nested too deeply", False)),
    "blocks": (SyntaxError("nested too deeply"), ("it is nested too deeply", False)),
    "null bytes": (ValueError("source code cannot contain null bytes"), ("it has null bytes", False)),
    "surrogates": (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "odd"), ("it has a half of a surrogate pair", False)),
    "recursion": (RecursionError(), ("it is nested too deeply", False)),
    "memory": (MemoryError(), ("it is nested too deeply", False)),
}


def test_why_a_source_does_not_parse_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (error, told) in REASONS.items():

        def fail(_: str, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(ast, "parse", fail)
        assert reason(b"x") == told, name


def statements(text: str) -> list[tuple[int, str]]:
    """The lines and texts of the statements of a source that does not parse as a whole."""
    tree, gaps = parsed(text)
    assert len(gaps) == 1 and gaps[0].startswith("line ")
    return [(one.lineno, ast.unparse(one)) for one in tree.body]


PARTS = {
    "statements around": ("x = 1\nprint 'a'\ny = (2)\n", [(1, "x = 1"), (3, "y = 2")]),
    "a block": ("if x:\n y\nelse:\n z = 'else'\nprint 'a'", [(1, "if x:\n    y\nelse:\n    z = 'else'")]),
    "a bracket on the edge": ("x = [\n  1\n]\nprint 'a'", [(1, "x = [1]")]),
    "decorators": ("@a\n@b\ndef f(): pass\nprint 'a'\n", [(3, "@a\n@b\ndef f():\n    pass")]),
    "a decorator at the end": ("x = 1\nprint 'a'\n@b", [(1, "x = 1")]),
    "an operator at the end": ("print 'a'\ny = b@\nx = 1", [(3, "x = 1")]),
    "two on a line": ("print 'a'\n\nx = 1; y = 2", [(3, "x = 1"), (3, "y = 2")]),
}


def test_each_statement_of_a_source_that_does_not_parse_is_read_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed("x = 1\n\ny = 2")[1] == []
    for name, (text, lines) in PARTS.items():
        assert statements(text) == lines, name
    monkeypatch.setattr(module, "MAX_STATEMENTS", 2)
    assert statements("x = 1\ny = 2\nprint 'a'\nz = 3") == [(1, "x = 1")]
    assert statements("x = 1\nprint 'a'") == [(1, "x = 1")]


def test_a_source_of_which_nothing_parses_is_refused() -> None:
    assert reason(b"x = 1\ny = '\0'\n")[0] == "it has null bytes"
    text, is_syntax = reason(b"\nprint 'a'\n")
    assert text.startswith("line 2: ") and is_syntax
    for nothing_at_the_edge in (b"  import os\n", b")\n", b"\n  x = 1\n"):
        text, is_syntax = reason(nothing_at_the_edge)
        assert text.startswith("line ") and is_syntax


HIDDEN: dict[str, tuple[str | bytes, list[tuple[str, int, str]]]] = {
    "an encoding": (b"# coding: rot13", [("encoded-source", 1, "the encoding `rot-13`")]),
    "an encoding by another name": (b"#\n# coding: utf7", [("encoded-source", 1, "the encoding `utf-7`")]),
    "an encoding behind another line end": (b"\r# coding: utf-7\r", [("encoded-source", 1, "the encoding `utf-7`")]),
    "an encoding in the third line": (b"#\r#\r# coding: utf-7\r", []),
    "an honest encoding": (b"# coding: latin-1\n'\xe9'", []),
    "a longer name of an encoding": (b"# coding: hexagon", []),
    "code behind blanks": (f"\nx = 1;{BLANKS}import os", [("hidden-by-blanks", 2, "`import os`")]),
    "code behind tabs": (f"x = 1{TABS};import os\n", [("hidden-by-blanks", 1, "`import os`")]),
    "code behind few blanks": (f"x = 1;{BLANKS[1:]}import os", []),
    "code behind few tabs": (f"x = 1;{TABS[1:]}import os", []),
    "code behind blanks and other line ends": (f"x = 1{BLANKS}\n\nimport os", [("hidden-by-blanks", 3, "`import os`")]),
    "code behind blanks twice": (
        f"x = 1;{BLANKS}import os;{BLANKS}pass\n\ny = 1;{BLANKS}import sys",
        [("hidden-by-blanks", 1, "`import os; pass`"), ("hidden-by-blanks", 3, "`import sys`")],
    ),
    "a comment behind blanks": (f"x = 1{BLANKS}# import os", []),
    "blanks in a comment": (f"x = 1 # a{BLANKS}import", []),
    "a turning character": ("x = 1\n# a\u202eb", [("bidi", 2, "U+202E")]),
    "a turning character alone in quotes": ("x = '\u202e', \"\u2066\"", []),
    "a turning character at the start of a text": ("x = '\u202eb'", [("bidi", 1, "U+202E")]),
    "a turning character in another encoding": (
        "# coding: gb18030\n# a\u202eb".encode("gb18030"),
        [("bidi", 2, "U+202E")],
    ),
    "invisible characters": ("\n# " + "\u200b" * 24, [("invisible", 2, "24 invisible characters in a row")]),
    "few invisible characters": ("# " + "\u200b" * 23, []),
    "letters": ("x = '\u00e9'", []),
    "a name like another": (
        "\n\uff45xec = 1",
        [("lookalike-name", 2, "`\uff45xec`, which Python reads as `exec`")],
    ),
    "a name with one letter of another": (
        "x = '\u2028\x0c'; e\uff58ec = 1",
        [("lookalike-name", 1, "`e\uff58ec`, which Python reads as `exec`")],
    ),
    "a text with such letters": ("x = '\uff45xec'  # \uff45xec", []),
    "a name with such a letter and a foreign one": ("\uff45\u00e9 = 1", []),
    "a name with a ligature": ("\ufb01 = '\uff45'", []),
    "a name of the library in escapes": (r"x = '\x65\x78\x65\x63'", [("hidden-name", 1, "spells `exec` with escapes")]),
    "a module in escapes": ("\n" + r"x = '\157\163'", [("hidden-name", 2, "spells `os` with escapes")]),
    "a module in other escapes": (r"x = '\u006f\u0073'", [("hidden-name", 1, "spells `os` with escapes")]),
    "another word in escapes": (r"x = '\x61\x62'", []),
    "a search of all classes": (
        "x = 1\nx.__base__.__subclasses__()",
        [("hidden-name", 2, "searches all classes of Python for one to call")],
    ),
    "a search of all classes by a tuple": (
        "x.__mro__[-1].__subclasses__()",
        [("hidden-name", 1, "searches all classes of Python for one to call")],
    ),
    "the classes of a class": ("x = A.__subclasses__()", []),
    "wallets in the clipboard": (
        "import pyperclip\nx = '0x" + "a" * 40 + "'",
        [("hostile", 2, "looks for addresses of wallets in the clipboard")],
    ),
}
BEFORE = {
    "x = 1": True,
    "x = 'a": False,
    "x = 'a'": True,
    "x = '''a": False,
    "x = 'a' 'b'": True,
    'x = "a': False,
    'x = "a"': True,
    'x = """a': False,
    'x = "a" "b"': True,
    "# x": False,
    "  * x": False,
    "  | x": False,
    "  // x": False,
    "  : x": False,
    "if x:": True,
    "x *": True,
    "x |": True,
    "x //": True,
}
"""What stands before many blanks, and whether what is behind them is code."""


def test_what_the_text_of_a_source_hides_is_found_and_nothing_else() -> None:
    for name, (source, behaviours) in HIDDEN.items():
        assert short(source) == behaviours, name


def test_code_behind_blanks_is_no_comment_and_no_text() -> None:
    for before, is_code in {**BEFORE, "".join(run.decode() for run in module.ODD_RUNS) + "x": True}.items():
        text = f"{before}{BLANKS}import os"
        data = text.encode()
        kinds = [one.kind for one in odd_text("odd.py", data, text, ast.Module([], []), "")]
        assert kinds == ["hidden-by-blanks"] * is_code, before


SERVERS = ("oast.fun", "oastify.com", "interact.sh", "burpcollaborator.net", "dnslog.cn", "ceye.io", "oast.online")
ADDRESSES: dict[str, tuple[str, list[tuple[str, int, str]]]] = {
    "a tunnel": ("x = 'https://a.ngrok.io/x'", [("address", 1, "`a.ngrok.io`")]),
    "a shortener": ("x = 'https://bit.ly/x'", [("service-address", 1, "`bit.ly`")]),
    "a bot": (
        "x = 'https://api.telegram.org/bot' + y",
        [("service-address", 1, "`api.telegram.org/bot`")],
    ),
    "a bot with its token": (
        f"y = '{TOKEN}'\nx = 'https://api.telegram.org/bot'",
        [("address", 2, "`api.telegram.org/bot`")],
    ),
    "an honest address": ("x = 'https://files.example/x'", []),
    "an honest address and another": (
        "x = 'https://files.example/x'\ny = 'https://a.ngrok.io/x'",
        [("address", 2, "`a.ngrok.io`")],
    ),
    "an address on a line of a text": ("\nx = '''\nhttps://a.ngrok.io/\n'''", [("address", 3, "`a.ngrok.io`")]),
    "an address in a comment": ("x = 'a'\n# https://a.ngrok.io/\n", []),
    "an address behind a number": ("x = 1  # https://a.ngrok.io/", []),
    "an address in documentation": ("'''https://a.ngrok.io/'''\n", []),
    "an address in bytes": ("x = b'https://a.ngrok.io/x'", [("address", 1, "`a.ngrok.io`")]),
    "an address in documentation as bytes": ("b'''https://a.ngrok.io/'''\n", []),
    "an address for a call": ("f('https://a.ngrok.io/')\n", [("address", 1, "`a.ngrok.io`")]),
    **{
        f"a name at {server}": (f"x = 'abcdefghij.{server}'", [("address", 1, f"`abcdefghij.{server}`")])
        for server in SERVERS
    },
    "a name at each": (
        "\n".join(f"x = 'abcdefghij.{server}'" for server in SERVERS),
        [("address", line, f"`abcdefghij.{server}`") for line, server in enumerate(SERVERS, start=1)],
    ),
    "a short name": ("x = 'abc.oast.fun'", []),
}


def test_addresses_in_texts_that_hide_who_receives_are_found() -> None:
    for name, (source, behaviours) in ADDRESSES.items():
        assert short(source) == behaviours, name
    assert [one.reach for one in found("x = 'https://a.ngrok.io/x'")] == ["called"]


def test_a_source_with_many_texts_that_nobody_can_read_is_found() -> None:
    lines = [f"x = '{BLOB}{number}'" for number in range(5)]
    blobs = "\n".join(lines)
    whole = [("encoded-text", 2, "5 long encoded texts")]
    assert short("\n" + blobs + "\n" * 14) == whole and short("\n" + blobs + "\n" * 15) == []
    assert short("\n" + "\n".join(lines[1:])) == []
    assert short("\n".join([*lines[1:], f"x = '{'a b' * 99}'"])) == []


def test_a_tree_is_made_again_if_another_thread_disturbed_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    made, parse = [], ast.parse

    def disturbed(text: str) -> ast.Module:
        made.append(text)
        if len(made) == 1:
            raise SystemError("AST constructor recursion depth mismatch (before=57, after=51)")
        return parse(text)

    monkeypatch.setattr(ast, "parse", disturbed)
    tree, gaps = parsed("x = 1\n")
    assert (len(tree.body), gaps, made) == (1, [], ["x = 1\n"] * 2)
