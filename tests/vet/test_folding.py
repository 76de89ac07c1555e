"""Constants that foreign code computes, and what is not computed."""

import base64
import bz2
import gzip
import lzma
import zlib

import pytest

from wheelhouse.vet.code import folding
from wheelhouse.vet.code.folding import (
    HIDING_CODEC,
    fold_call,
    fold_method,
    fold_operator,
    python_value,
    recoded,
    value_of,
)
from wheelhouse.vet.code.values import MISSING, Constant, Value

Method = tuple[Constant, str, tuple[Constant, ...], dict[str, Constant]]
XZ = lzma.compress(b"exec", lzma.FORMAT_ALONE)


def needing(mebibytes: int) -> bytes:
    """Data of lzma whose header asks for a dictionary of so many MiB."""
    return XZ[:1] + (mebibytes << 20).to_bytes(4, "little") + XZ[5:]


METHODS: dict[str, tuple[Method, Constant]] = {
    "base64": (("ZXhlYw==", "decode", ("base64",), {}), b"exec"),
    "base64, by keyword": (("ZXhlYw==", "decode", (), {"encoding": "base64"}), b"exec"),
    "hexadecimal": ((b"65786563", "decode", ("hex",), {}), b"exec"),
    "ROT13 of a text": (("rkrp", "decode", ("rot13",), {}), "exec"),
    "ROT13 of bytes": ((b"rkrp\xe9", "decode", ("rot-13",), {}), "exec\xe9"),
    "ROT13 in capitals": (("exec", "encode", ("ROT_13",), {}), "rkrp"),
    "escapes in a text": (("\\x65\u2026", "decode", ("unicode-escape",), {}), "e?"),
    "escapes in bytes": ((b"\\x65", "decode", ("unicode_escape",), {}), "e"),
    "bytes in UTF-8": ((b"\xc3\xa9", "decode", (), {}), "\xe9"),
    "bytes in Latin-1": ((b"\xe9", "decode", ("latin-1",), {}), "\xe9"),
    "a text in UTF-8": (("\xe9", "encode", (), {}), b"\xc3\xa9"),
    "a text in Latin-1": (("\xe9", "encode", ("latin-1",), {}), b"\xe9"),
    "a text has no decode()": (("exec", "decode", ("utf-8",), {}), MISSING),
    "bytes have no encode()": ((b"exec", "encode", ("utf-8",), {}), MISSING),
    "a codec that is not known": ((b"exec", "decode", (MISSING,), {}), MISSING),
    "small letters": (("EXEC", "lower", (), {}), "exec"),
    "pieces": (("a b", "split", (), {}), ["a", "b"]),
    "pieces, by keyword": (("a-b-c", "split", (), {"sep": "-", "maxsplit": 1}), ["a", "b-c"]),
    "what pads": (("exec", "center", (9,), {}), MISSING),
    "what Python does not have": (("exec", "lower", (1, 2, 3), {}), MISSING),
    "a number has no text": ((1.5, "hex", (), {}), MISSING),
    "a replacement": (("xe-c", "replace", ("-", "e"), {}), "xeec"),
    "one replacement": (("aba", "replace", ("a", "x", 1), {}), "xba"),
    "one replacement, by keyword": (("aba", "replace", ("a", "x"), {"count": 1}), "xba"),
    "half a replacement": (("aba", "replace", ("a",), {}), MISSING),
    "joined": (("-", "join", (("a", "b"),), {}), "a-b"),
    "joined bytes": ((b"", "join", ([b"a", b"b"],), {}), b"ab"),
    "joined with what is not known": (("-", "join", (MISSING,), {}), MISSING),
    "a form": (("{}{0}{x}", "format", ("a",), {"x": "b"}), MISSING),
    "a form by place": (("{}-{}", "format", ("a", "b"), {}), "a-b"),
    "a form by number and name": (("{1}{0}{x}", "format", ("a", "b"), {"x": "c"}), "bac"),
    "a form that pads": (("{:>9}", "format", ("a",), {}), MISSING),
    "a form that looks into an object": (("{0.real}", "format", (1,), {}), MISSING),
    "a form of bytes": ((b"{}", "format", ("a",), {}), MISSING),
    "a form, half known": (("{}{}", "format", ("a", MISSING), {}), MISSING),
    "a form, by a keyword that is not known": (("{x}", "format", (), {"x": MISSING}), MISSING),
    "translated": (("abc", "translate", ({97: "x"},), {}), "xbc"),
    "translated bytes": ((b"abc", "translate", (bytes(256),), {}), MISSING),
}


def test_methods_of_constants_are_computed_or_not() -> None:
    for name, ((constant, method, arguments, keywords), result) in METHODS.items():
        assert fold_method(constant, method, arguments, keywords) == result, name


CALLS: dict[str, tuple[str, tuple[Constant, ...], Constant]] = {
    "a character": ("builtins.chr", (101,), "e"),
    "a number of a character": ("builtins.ord", ("e",), 101),
    "a number": ("builtins.int", ("65", 16), 101),
    "a text of a number": ("builtins.str", (101,), "101"),
    "a text of bytes": ("builtins.str", (b"\xe9", "latin-1"), "\xe9"),
    "a text of bytes without a codec": ("builtins.str", (b"e",), "b'e'"),
    "a text has no codec": ("builtins.str", ("e", "utf-8"), MISSING),
    "bytes of numbers": ("builtins.bytes", ((101, 120),), b"ex"),
    "bytes of a list": ("builtins.bytearray", ([101, 120],), b"ex"),
    "bytes of bytes": ("builtins.bytes", (b"ex",), b"ex"),
    "bytes of a text": ("builtins.bytes", ("\xe9",), b"\xc3\xa9"),
    "bytes of a text with a codec": ("builtins.bytes", ("\xe9", "latin-1"), b"\xe9"),
    "empty bytes of a length": ("builtins.bytes", (9,), MISSING),
    "a list": ("builtins.list", ("ex",), ("e", "x")),
    "a tuple": ("builtins.tuple", ("ex",), ("e", "x")),
    "sorted": ("builtins.sorted", ("xe",), ("e", "x")),
    "reversed": ("builtins.reversed", ("xe",), ("e", "x")),
    "a range": ("builtins.range", (1, 7, 2), (1, 3, 5)),
    "a length": ("builtins.len", ("exec",), 4),
    "standard base64": ("base64.standard_b64decode", ("ZXhlYw==",), b"exec"),
    "base64 for addresses": ("base64.urlsafe_b64decode", ("_-8=",), b"\xff\xef"),
    "base64 of mails": ("base64.decodebytes", (b"ZXhlYw==",), b"exec"),
    "base64": ("base64.b64decode", ("ZXhlYw==",), b"exec"),
    "base64, imported as a name": ("b64decode", ("ZXhlYw==",), b"exec"),
    "base64 of binascii": ("binascii.a2b_base64", ("ZXhlYw==",), b"exec"),
    "base32": ("base64.b32decode", (base64.b32encode(b"exec"),), b"exec"),
    "base16": ("base64.b16decode", ("65786563",), b"exec"),
    "base85": ("base64.b85decode", (base64.b85encode(b"exec"),), b"exec"),
    "base85 of Adobe": ("base64.a85decode", (base64.a85encode(b"exec"),), b"exec"),
    "hexadecimal": ("binascii.unhexlify", ("65786563",), b"exec"),
    "hexadecimal, by its other name": ("binascii.a2b_hex", ("65786563",), b"exec"),
    "hexadecimal of bytes": ("builtins.bytes.fromhex", ("65 78",), b"ex"),
    "hexadecimal of a bytearray": ("builtins.bytearray.fromhex", ("65 78",), b"ex"),
    "zlib": ("zlib.decompress", (zlib.compress(b"exec"),), b"exec"),
    "gzip": ("gzip.decompress", (gzip.compress(b"exec"),), b"exec"),
    "zlib is no gzip": ("gzip.decompress", (zlib.compress(b"exec"),), MISSING),
    "bzip2": ("bz2.decompress", (bz2.compress(b"exec"),), b"exec"),
    "xz": ("lzma.decompress", (lzma.compress(b"exec"),), b"exec"),
    "lzma in 32 MiB of memory": ("lzma.decompress", (needing(32),), b"exec"),
    "lzma in 96 MiB of memory": ("lzma.decompress", (needing(96),), MISSING),
    "decoded by codecs": ("codecs.decode", (b"\xc3\xa9",), "\xe9"),
    "decoded by codecs, with a codec and how errors are met": ("codecs.decode", ("rkrp", "rot13", "strict"), "exec"),
    "encoded by codecs": ("codecs.encode", ("\xe9",), b"\xc3\xa9"),
    "encoded by codecs, with a codec and how errors are met": ("codecs.encode", ("exec", "rot13", "strict"), "rkrp"),
    "a text of a list": ("builtins.str", ((1, 2),), MISSING),
    "another function": ("os.system", ("exec",), MISSING),
    "no argument": ("builtins.str", (), MISSING),
    "what is not known": ("builtins.str", (MISSING,), MISSING),
    "half of it is not known": ("codecs.encode", ("exec", "ascii", MISSING), MISSING),
    "an error": ("builtins.chr", (-1,), MISSING),
}


def test_functions_of_constants_are_computed_or_not() -> None:
    for name, (function, arguments, result) in CALLS.items():
        assert fold_call(function, arguments) == result, name


SET: dict[str, tuple[str, Constant, dict[str, Constant], Constant]] = {
    "a window": ("zlib.decompress", zlib.compress(b"exec"), {"wbits": MISSING}, b"exec"),
    "a buffer": ("zlib.decompress", zlib.compress(b"exec"), {"bufsize": 9}, b"exec"),
    "a format": ("lzma.decompress", lzma.compress(b"exec"), {"format": MISSING, "memlimit": 1}, b"exec"),
    "filters": ("lzma.decompress", lzma.compress(b"exec"), {"filters": None}, b"exec"),
    "errors of codecs": ("codecs.decode", "rkrp", {"encoding": "rot13", "errors": "strict"}, "exec"),
    "errors of bytes": ("builtins.bytes", "e", {"encoding": "utf-8", "errors": "strict"}, b"e"),
    "errors of a text": ("builtins.str", b"e", {"errors": "strict"}, "e"),
    "a check of base64": ("base64.b64decode", "ZXhlYw==", {"validate": True}, b"exec"),
    "a check of binascii": ("binascii.a2b_base64", "ZXhlYw==", {"strict_mode": True}, b"exec"),
    "a key": ("builtins.sorted", "xe", {"key": MISSING}, ("e", "x")),
    "the other way": ("builtins.sorted", "ex", {"reverse": True}, ("x", "e")),
    "a codec that is not known": ("builtins.bytes", "e", {"encoding": MISSING}, MISSING),
    "letters that are not known": ("base64.b64decode", "ZXhlYw==", {"altchars": MISSING}, MISSING),
}


def test_a_keyword_that_changes_little_does_not_end_what_is_computed() -> None:
    for name, (function, argument, keywords, result) in SET.items():
        assert fold_call(function, (argument,), keywords) == result, name


OPERATORS: dict[str, tuple[str, Constant, Constant, Constant]] = {
    "texts": ("Add", "ex", "ec", "exec"),
    "bytes": ("Add", b"ex", b"ec", b"exec"),
    "numbers": ("Add", 100, 1, 101),
    "a number and a truth": ("Add", True, 1, MISSING),
    "numbers with fractions": ("Add", 1.5, 1.5, MISSING),
    "a text and bytes": ("Add", "ex", b"ec", MISSING),
    "a text many times": ("Mult", "ab", 3, "ababab"),
    "bytes many times": ("Mult", b"ab", 3, b"ababab"),
    "many times a text": ("Mult", 3, "ab", "ababab"),
    "a text and a text": ("Mult", "ab", "ab", MISSING),
    "a text and half a time": ("Mult", "ab", 1.5, MISSING),
    "a product": ("Mult", 7, 3, 21),
    "a text with its text": ("Mod", "%s.%x", ("os", 255), "os.ff"),
    "a text with a number": ("Mod", "%s%s", 2, MISSING),
    "a text with one number": ("Mod", "%s", 2, "2"),
    "a text with a list": ("Mod", "%s", ((1, 2),), MISSING),
    "long texts": ("Mod", "%s%s", ("a" * (1 << 20), "b"), MISSING),
    "a text that pads": ("Mod", "%9s", "a", MISSING),
    "a text with a percent sign": ("Mod", "%s%%", "a", MISSING),
    "bytes with bytes": ("Mod", b"%s", b"a", MISSING),
    "a rest": ("Mod", 7, 3, 1),
    "a difference": ("Sub", 7, 3, 4),
    "a difference of a fraction": ("Sub", 1.5, 1, MISSING),
    "a difference to a fraction": ("Sub", 1, 1.5, MISSING),
    "exclusive or": ("BitXor", 6, 3, 5),
    "and": ("BitAnd", 6, 3, 2),
    "or": ("BitOr", 6, 3, 7),
    "a quotient": ("FloorDiv", 7, 3, 2),
    "a quotient by nothing": ("FloorDiv", 7, 0, MISSING),
    "to the right": ("RShift", 404, 2, 101),
    "to the left": ("LShift", 1, 64, 1 << 64),
    "too far to the left": ("LShift", 1, 65, MISSING),
    "a power": ("Pow", 2, 3, MISSING),
    "the largest numbers": ("BitXor", (1 << 64) - 1, 1 - (1 << 64), -2),
    "a larger number on the left": ("BitXor", 1 << 64, 1, MISSING),
    "a larger number on the right": ("BitXor", 1, -(1 << 64), MISSING),
    "nothing known": ("Add", MISSING, MISSING, MISSING),
}


def test_operators_on_constants_are_computed_or_not() -> None:
    for name, (operator, left, right, result) in OPERATORS.items():
        folded = fold_operator(operator, left, right)
        assert (folded, type(folded)) == (result, type(result)), name


def test_only_known_codecs_are_used() -> None:
    for codec in ("utf-8", "UTF_16LE", "iso-8859-15", "cp1252", "koi8-r", "mac_roman"):
        assert recoded("a".encode(codec), codec, decoding=True) == "a", codec
        assert recoded("a", codec, decoding=False) == "a".encode(codec), codec
    for codec in ("punycode", "cp65001", "idna", "nonsense"):
        assert recoded(b"a", codec, decoding=True) is MISSING, codec
    for constant in (5, None, ("a",), MISSING):
        assert recoded(constant, "utf-8", decoding=True) is MISSING, constant
    assert recoded(b"\xff", "utf-8", decoding=True) is MISSING


def test_codecs_in_which_nobody_can_read_a_text_are_told_from_others() -> None:
    for codec in ("rot13", "HEX", "base64_codec", "zlib", "bz2", "uu", "utf-7", "cp037", "unicode_escape", "punycode"):
        assert HIDING_CODEC.fullmatch(codec), codec
    for codec in ("utf-8", "ascii", "cp1252", "latin-1", "shift_jis"):
        assert not HIDING_CODEC.fullmatch(codec), codec
    assert HIDING_CODEC.fullmatch("ebcdic-cp-us")


def test_texts_up_to_a_limit_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MAX_BYTES", 8)
    assert fold_method("A" * 8, "lower", (), {}) == "a" * 8
    long_results: tuple[Method, ...] = (
        ("A" * 9, "lower", (), {}),
        (b"A" * 9, "lower", (), {}),
        ("1 2 3 4 5 6 7 8 9", "split", (), {}),
        (b"A" * 9, "decode", (), {}),
    )
    for constant, method, arguments, keywords in long_results:
        assert fold_method(constant, method, arguments, keywords) is MISSING, constant
    assert fold_method(b"A" * 8, "decode", (), {}) == "A" * 8
    for one in ("a" * 9, b"a" * 9, ("a",) * 9, ["a"] * 9):
        assert fold_call("builtins.len", (one,)) is MISSING, one
        assert fold_call("builtins.len", (one[1:],)) == 8, one
    assert fold_operator("Add", "abcd", "efgh") == "abcdefgh" and fold_operator("Add", "abcd", "efghi") is MISSING
    assert fold_operator("Mult", "ab", 4) == "abababab" and fold_operator("Mult", "abc", 3) is MISSING


def test_what_is_unpacked_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MAX_BYTES", 300)
    for name, packed in {
        "zlib.decompress": zlib.compress(bytes(1000)),
        "gzip.decompress": gzip.compress(bytes(1000)),
        "bz2.decompress": bz2.compress(bytes(1000)),
        "lzma.decompress": lzma.compress(bytes(1000)),
    }.items():
        assert fold_call(name, (packed,)) == bytes(300), name


def test_a_tuple_of_pieces_has_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MAX_BYTES", 3)
    assert fold_method("a-b", "partition", ("-",), {}) == ("a", "-", "b")
    monkeypatch.setattr(folding, "MAX_BYTES", 2)
    assert fold_method("a-b", "partition", ("-",), {}) is MISSING


def test_a_replacement_that_could_be_four_times_too_long_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MAX_BYTES", 4)
    for constant, old, new, result in (
        ("abcd", "x", "1234", "abcd"),
        ("abcd", "x", "12345", MISSING),
        ("a" * 12 + "bcde", "a", "", "bcde"),
        ("a" * 13 + "bcde", "a", "", MISSING),
    ):
        assert fold_method(constant, "replace", (old, new), {}) == result, new


def test_what_is_joined_has_a_limit_with_a_separator_for_each_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MAX_BYTES", 8)
    for separator, pieces, result in (
        ("-", ("ab", "cd", "e"), "ab-cd-e"),
        ("---", ("ab", "cd"), MISSING),
        ("----", ("a", "b"), MISSING),
    ):
        assert fold_method(separator, "join", (pieces,), {}) == result, separator


def test_sequences_are_computed_up_to_a_depth_and_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MAX_ITEMS", 3)
    one = Value(constant=1)
    for name, value, result in (
        ("a constant", one, 1),
        ("nothing", Value(items=()), ()),
        ("three", Value(items=(one,) * 3), (1, 1, 1)),
        ("four", Value(items=(one,) * 4), MISSING),
        ("half known", Value(items=(one, Value())), MISSING),
        ("not known", Value(text="1"), MISSING),
        ("four levels", nested(4), ((((1,),),),)),
        ("five levels", nested(5), MISSING),
    ):
        assert python_value(value) == result, name
    assert fold_call("builtins.range", (3,)) == (0, 1, 2) and fold_call("builtins.range", (4,)) is MISSING
    items = value_of([1, (2, 3), "x", 4]).items
    assert items is not None and [one.constant for one in items] == [1, MISSING, "x"]
    assert python_value(items[1]) == (2, 3) and value_of(None).constant is None


def test_a_level_has_a_number_of_items_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MAX_ITEMS", 3)
    two = Value(items=(Value(constant=1),) * 2)
    assert python_value(Value(items=(two,))) == ((1, 1),)
    assert python_value(Value(items=(two, two))) is MISSING


def test_what_would_become_too_long_is_not_made() -> None:
    long = "x" * 1_000_000
    assert fold_method("{0}" * 300_000, "format", (long,), {}) is MISSING
    assert fold_method("{a}" * 300_000, "format", (), {"a": long}) is MISSING
    assert fold_method("{}", "format", ((1, 2),), {}) is MISSING
    assert fold_method("\0" * 300_000, "translate", ((long,),), {}) is MISSING
    assert fold_operator("Mod", "%s" * 300_000, (long,) * 300_000) is MISSING
    assert fold_method("\0\1", "translate", (("os", "ec"),), {}) == "osec"


def nested(levels: int) -> Value:
    return Value(items=(nested(levels - 1),)) if levels else Value(constant=1)
