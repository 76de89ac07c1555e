"""Reads marshal data of any Python from 3.7 on into plain values; nothing is made that could run (pure).

`marshal.loads` must not be given data of others. Source: CPython, Python/marshal.c; the fields of code of each version.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 100
MAX_VALUES = 2_000_000
FLAG_REF = 0x80
FIRST_3_8, FIRST_3_11 = 3400, 3450
"""The first magic numbers of Python 3.8 and of 3.11, which changed the fields of code."""
FIELDS_3_7 = ("i:argcount", "i:kwonlyargcount", "i:nlocals", "i:stacksize", "i:flags")
FIELDS_3_8 = ("i:argcount", "i:posonlyargcount", "i:kwonlyargcount", "i:nlocals", "i:stacksize", "i:flags")
OLD_OBJECTS = (
    "code",
    "consts",
    "names",
    "varnames",
    "freevars",
    "cellvars",
    "filename",
    "name",
    "i:firstlineno",
    "lines",
)
FIELDS_3_11 = (
    *("i:argcount", "i:posonlyargcount", "i:kwonlyargcount", "i:stacksize", "i:flags", "code", "consts", "names"),
    *("varnames", "kinds", "filename", "name", "qualname", "i:firstlineno", "lines", "exceptions"),
)
SINGLETONS = {"N": "None", "T": "True", "F": "False", "S": "StopIteration", ".": "Ellipsis", "0": "NULL"}


@dataclass(frozen=True, slots=True)
class Plain:
    """A value that is no text, number, bytes or tuple: its kind, and what it holds. Two that are equal hold the same."""

    kind: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Code:
    """A code object: its fields by name, as tuples, texts, bytes and numbers."""

    fields: tuple[tuple[str, Any], ...]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  (what the field holds)
        return dict(self.fields)[name]


class MarshalError(ValueError):
    """The data are no marshal data of the version."""


def fields_of(magic: int) -> tuple[str, ...]:
    """The names of the fields of code for a magic number, in their order; those that are numbers begin with `i:`."""
    if magic >= FIRST_3_11:
        return FIELDS_3_11
    return (*(FIELDS_3_8 if magic >= FIRST_3_8 else FIELDS_3_7), *OLD_OBJECTS)


def read_marshal(data: bytes, magic: int) -> Any:  # noqa: ANN401  (any value)
    """The value of marshal data that Python with this magic number wrote; bytes after it are ignored. Raises MarshalError."""
    try:
        return _Reader(data, fields_of(magic)).value(0)
    except (struct.error, IndexError, UnicodeError, OverflowError) as error:
        raise MarshalError(f"the data are damaged: {error}") from error


class _Reader:
    """Reads marshal data from a place that moves on."""

    def __init__(self, data: bytes, fields: tuple[str, ...]) -> None:
        self._data, self._fields = data, fields
        self._place = self._count = 0
        self._references: list[tuple[Any, int]] = []
        """Each value that may be referred to, and how many values it is with all inside it."""
        self._readers: dict[str, Callable[[int], Any]] = {
            "i": lambda _: self._number("<i"),
            "I": lambda _: self._number("<q"),
            "l": lambda _: self._long(),
            "g": lambda _: Plain("float", self._bytes(8)),
            "y": lambda _: Plain("complex", self._bytes(16)),
            "f": lambda _: Plain("float", self._bytes(self._number("<B"))),
            "x": lambda _: Plain("complex", (self._bytes(self._number("<B")), self._bytes(self._number("<B")))),
            "s": lambda _: self._bytes(self._number("<I")),
            "t": lambda _: self._text("<I", "utf-8"),
            "u": lambda _: self._text("<I", "utf-8"),
            "a": lambda _: self._text("<I", "latin-1"),
            "A": lambda _: self._text("<I", "latin-1"),
            "z": lambda _: self._text("<B", "latin-1"),
            "Z": lambda _: self._text("<B", "latin-1"),
            "(": lambda depth: self._values(self._number("<I"), depth),
            ")": lambda depth: self._values(self._number("<B"), depth),
            "[": lambda depth: Plain("list", self._values(self._number("<I"), depth)),
            "<": lambda depth: Plain("set", frozenset(self._values(self._number("<I"), depth))),
            ">": lambda depth: Plain("set", frozenset(self._values(self._number("<I"), depth))),
            ":": lambda depth: Plain("slice", self._values(3, depth)),
            "c": self._code,
        }

    def value(self, depth: int) -> Any:  # noqa: ANN401  (any value)
        """The value at the place of the reader, which moves behind it. A value inside itself is `Plain("itself")` there.

        Raises MarshalError for an unknown kind, too deep or too many values, or data that end early; IndexError for a
        reference to nothing, and UnicodeError for a damaged text.
        """
        before = self._count
        self._add(1, depth)
        byte = self._number("<B")
        kind = chr(byte & ~FLAG_REF)
        if kind == "r":
            found, count = self._references[self._number("<I")]
            self._add(count, depth)
            return found
        if kind in SINGLETONS:
            return Plain(SINGLETONS[kind])
        if kind not in self._readers:
            raise MarshalError(f"it has a value of the unknown kind {byte}")
        if not byte & FLAG_REF:
            return self._readers[kind](depth + 1)
        place = len(self._references)
        self._references.append((Plain("itself"), 1))
        found = self._readers[kind](depth + 1)
        self._references[place] = found, self._count - before
        return found

    def _add(self, count: int, depth: int) -> None:
        """Count values at a depth; a value is counted each time that it is referred to. Raises MarshalError for too many or too deep."""
        self._count += count
        if depth > MAX_DEPTH or self._count > MAX_VALUES:
            raise MarshalError("it is nested too deeply, or has too many values")

    def _bytes(self, count: int) -> bytes:
        """The next bytes. Raises MarshalError if there are fewer."""
        if count > len(self._data) - self._place:
            raise MarshalError("it ends too early")
        self._place += count
        return self._data[self._place - count : self._place]

    def _number(self, layout: str) -> int:
        """The next number, in a layout of `struct`."""
        (number,) = struct.unpack(layout, self._bytes(struct.calcsize(layout)))
        return int(number)

    def _text(self, length: str, codec: str) -> str:
        """The next text: its length, in a layout of `struct`, then its bytes in a codec.

        Raises as `_bytes`, and UnicodeError if the codec cannot read them.
        """
        return self._bytes(self._number(length)).decode(codec, "surrogatepass")

    def _values(self, count: int, depth: int) -> tuple[Any, ...]:
        """The next values, as a tuple. Raises as `value`."""
        return tuple(self.value(depth) for _ in range(count))

    def _long(self) -> int:
        """The next integer, of any size, from digits of 15 bits. Raises MarshalError for a digit of more bits, and as `_bytes`."""
        count = self._number("<i")
        digits = struct.unpack(f"<{abs(count)}H", self._bytes(2 * abs(count)))
        if any(digit >= 1 << 15 for digit in digits):
            raise MarshalError("it has an integer with a digit out of range")
        number = int("0" + "".join(f"{digit:015b}" for digit in reversed(digits)), 2)
        return -number if count < 0 else number

    def _code(self, depth: int) -> Code:
        """The next code object: numbers and values in the order of the version."""
        found: list[tuple[str, Any]] = []
        for field in self._fields:
            is_number = field.startswith("i:")
            found.append((field.removeprefix("i:"), self._number("<i") if is_number else self.value(depth)))
        return Code(tuple(found))
