"""Marshal data of each version of Python are read as Python reads them, and crafted data do no harm."""

import marshal
import struct

import pytest

from wheelhouse.vet.code import marshal_reader
from wheelhouse.vet.code.marshal_reader import Code, MarshalError, Plain, read_marshal
from wheelhouse.vet.facts_reader import OWN_MAGIC

NONE = Plain("None")
PLAIN = {
    "a number": (b"i\xfe\xff\xff\xff", -2),
    "a number of eight bytes": (b"I\0\0\0\0\1\0\0\0", 1 << 32),
    "a long number": (b"l\3\0\0\0\5\0\6\0\7\0", 5 + (6 << 15) + (7 << 30)),
    "a negative number": (b"l\xfe\xff\xff\xff\5\0\6\0", -5 - (6 << 15)),
    "nothing as a long number": (b"l\0\0\0\0", 0),
    "a fraction": (b"g\0\0\0\0\0\0\xf8\x3f", Plain("float", struct.pack("<d", 1.5))),
    "a fraction as text": (b"f\0031.5", Plain("float", b"1.5")),
    "a complex number": (b"y" + bytes(range(16)), Plain("complex", bytes(range(16)))),
    "a complex number as text": (b"x\0031.5\0012", Plain("complex", (b"1.5", b"2"))),
    "bytes": (b"s\3\0\0\0a\xffc", b"a\xffc"),
    "a text": (b"u\2\0\0\0\xc3\xa9", "\xe9"),
    "an interned text": (b"t\2\0\0\0\xc3\xa9", "\xe9"),
    "half a character": (b"u\3\0\0\0\xed\xb3\xbf", "\udcff"),
    "a plain text": (b"a\1\0\0\0\xe9", "\xe9"),
    "a plain, interned text": (b"A\1\0\0\0\xe9", "\xe9"),
    "a short text": (b"z\1\xe9", "\xe9"),
    "a short, interned text": (b"Z\1\xe9", "\xe9"),
    "a tuple": (b"(\2\0\0\0NT", (NONE, Plain("True"))),
    "a short tuple": (b")\2FS", (Plain("False"), Plain("StopIteration"))),
    "an empty tuple": (b")\0", ()),
    "a list": (b"[\2\0\0\0.0", Plain("list", (Plain("Ellipsis"), Plain("NULL")))),
    "a set": (b"<\2\0\0\0Nz\1a", Plain("set", frozenset((NONE, "a")))),
    "a frozen set": (b">\2\0\0\0Nz\1a", Plain("set", frozenset((NONE, "a")))),
    "a slice": (b":Nz\1aN", Plain("slice", (NONE, "a", NONE))),
    "bytes after it": (b"Nexec", NONE),
    "a reference": (b")\2\xfa\1ar\0\0\0\0", ("a", "a")),
    "a reference to the second": (b")\3\xfa\1a\xfa\1br\1\0\0\0", ("a", "b", "b")),
    "what nothing refers to": (b")\3z\1a\xfa\1br\0\0\0\0", ("a", "b", "b")),
    "a tuple before what is in it": (b"\xa9\3\xfa\1a\xfa\1br\2\0\0\0", ("a", "b", "b")),
    "a tuple in itself": (b"\xa9\1r\0\0\0\0", (Plain("itself"),)),
}


def test_values_are_read_as_plain_ones() -> None:
    for name, (data, value) in PLAIN.items():
        assert read_marshal(data, OWN_MAGIC) == value, name


def test_python_refers_to_no_singleton_so_the_flag_for_it_says_nothing() -> None:
    for kind in b"NTFS.":
        data = b")\3" + bytes((kind | 0x80,)) + b"\xe9\7\0\0\0r\0\0\0\0"
        assert marshal.loads(data)[2] == 7 == read_marshal(data, OWN_MAGIC)[2]


def test_values_are_read_as_python_writes_them_in_each_version() -> None:
    for value in (7, -(1 << 70), "a", "\xe9\u2026" * 200, b"raw", ("a", ("b",) * 300, "a"), ()):
        for version in range(5):
            assert read_marshal(marshal.dumps(value, version), OWN_MAGIC) == value, (value, version)


def test_a_long_number_is_read_in_a_time_that_grows_with_its_digits() -> None:
    number = -(1 << 15_000_000) + 7
    assert read_marshal(marshal.dumps(number), OWN_MAGIC) == number


def test_what_is_no_marshal_data_is_refused() -> None:
    for data in (
        *(b"", b"Q", b"r\0\0\0\0", b")\1r\7\0\0\0", b"u\1\0\0\0\xff", b"s\5\0\0\0abcd", b"(\3\0\0\0NN", b"i\0\0\0"),
        *(b"l\0\0\0\x80", b"l\2\0\0\0\5\0", b"l\1\0\0\0\0\x80", b"\xd1"),
    ):
        with pytest.raises(MarshalError):
            read_marshal(data, OWN_MAGIC)
    with pytest.raises(MarshalError, match=r"^it has a value of the unknown kind 81$"):
        read_marshal(b"Q", OWN_MAGIC)
    with pytest.raises(MarshalError, match=r"^it ends too early$"):
        read_marshal(b"s\5\0\0\0abcd", OWN_MAGIC)


def is_refused(data: bytes) -> bool:
    try:
        read_marshal(data, OWN_MAGIC)
    except MarshalError as error:
        return str(error) == "it is nested too deeply, or has too many values"
    return False


def test_values_are_read_up_to_a_depth_and_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marshal_reader, "MAX_DEPTH", 3)
    for tuple_of_one in (b")\1", b"\xa9\1"):
        assert not is_refused(tuple_of_one * 3 + b"N") and is_refused(tuple_of_one * 4 + b"N")
    monkeypatch.setattr(marshal_reader, "MAX_VALUES", 4)
    assert not is_refused(b")\3NNN") and is_refused(b")\4NNNN")


def test_what_is_referred_to_counts_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = b"\xa9\2zz".replace(b"z", b"z\1a")
    for values, data in {
        8: b")\2" + inner + b"r\0\0\0\0",
        9: b")\2" + b")\1" + inner + b"r\0\0\0\0",
        7: b"\xa9\3" + inner + b"r\0\0\0\0N",
    }.items():
        monkeypatch.setattr(marshal_reader, "MAX_VALUES", values)
        assert not is_refused(data), values
        monkeypatch.setattr(marshal_reader, "MAX_VALUES", values - 1)
        assert is_refused(data), values


def test_a_tuple_that_doubles_at_each_level_is_refused() -> None:
    levels = range(60)
    data = b"".join(b"\xa9\2" for _ in levels) + b"\xe9\1\0\0\0"
    assert is_refused(data + b"".join(b"r" + struct.pack("<I", 60 - level) for level in levels))


NUMBERS_3_7 = ("argcount", "kwonlyargcount", "nlocals", "stacksize", "flags")
NUMBERS_3_8 = ("argcount", "posonlyargcount", "kwonlyargcount", "nlocals", "stacksize", "flags")
NUMBERS_3_11 = ("argcount", "posonlyargcount", "kwonlyargcount", "stacksize", "flags")
TEXTS = ("code", "consts", "names", "varnames", "freevars", "cellvars", "filename", "name")
TEXTS_3_11 = ("code", "consts", "names", "varnames", "kinds", "filename", "name", "qualname")


def test_code_is_read_with_the_fields_of_its_version() -> None:
    for magic, numbers, texts, last in (
        (3399, NUMBERS_3_7, TEXTS, ("lines",)),
        (3400, NUMBERS_3_8, TEXTS, ("lines",)),
        (3449, NUMBERS_3_8, TEXTS, ("lines",)),
        (3450, NUMBERS_3_11, TEXTS_3_11, ("lines", "exceptions")),
    ):
        data = b"c" + b"".join(struct.pack("<i", number) for number in range(-1, len(numbers) - 1))
        for name in texts:
            data += b"z" + bytes((len(name),)) + name.encode()
        code = read_marshal(data + struct.pack("<i", 77) + b")\0" * len(last), magic)
        expected = {name: number for number, name in enumerate(numbers, start=-1)}
        assert isinstance(code, Code)
        assert dict(code.fields) == {
            **expected,
            **{name: name for name in texts},
            "firstlineno": 77,
            **dict.fromkeys(last, ()),
        }, magic
        assert code["name"] == "name"
