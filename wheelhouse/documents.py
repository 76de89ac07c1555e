"""JSON and TOML of any origin, read into typed values; an error names the place in the document and the value there (pure)."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from typing import Any, Generic, TypeVar

import msgspec
import tomli

MAX_SHOWN = 60
"""Characters of an offending value that an error shows."""
MESSAGE = re.compile(r"(.*?)(?: - at `\$(.*)`)?", re.DOTALL)
STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
SMALL, MAX_KEY_PARTS = 1 << 20, 100
"""Characters, and parts of a key. Many keys of many parts take tomli 5 s for 1 MB, and minutes for 16 MB; a lock has 0.8 MB."""
KEY_PARTS = re.compile(r"""(?>(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)+)""", re.ASCII)
ANY_KEY = "[...]"
"""How msgspec writes a step into a table whose keys are free, without the key."""
T = TypeVar("T")


@contextmanager
def too_deep_as(kind: Callable[[str], Exception]) -> Iterator[None]:
    """Turn RecursionError into an error of this kind, so that what is nested too deeply is refused like what cannot be parsed."""
    try:
        yield
    except RecursionError as error:
        raise kind("it is nested too deeply") from error


def parse_json(raw: str | bytes) -> Any:  # noqa: ANN401  (a document of any shape)
    """The value of a JSON document, of any type, by json.loads. Raises ValueError, also if it is nested too deeply."""
    with too_deep_as(ValueError):
        return json.loads(raw)


def why_misshapen(error: Exception) -> str:
    """What is wrong with a parsed document, in words, by the error that reading it raised.

    A KeyError is a missing key; any other error is a bad value.
    """
    return f"it lacks `{error.args[0]}`" if isinstance(error, KeyError) else "a value has the wrong type or size"


def parse_toml(text: str) -> dict[str, Any]:
    """A TOML document as a table. Raises ValueError, also if it is nested too deeply, or is long and has a key of too many parts."""
    if len(text) > SMALL and _has_long_key(text.split("\n")):
        raise ValueError(f"it has a key of more than {MAX_KEY_PARTS} parts")
    with too_deep_as(ValueError):
        return tomli.loads(text)


def _has_long_key(lines: list[str]) -> bool:
    """Whether lines of TOML may have a key of more than MAX_KEY_PARTS parts."""
    if max(map(str.count, lines, repeat("."))) < MAX_KEY_PARTS:
        return False
    return any(parts[0].count(".") >= MAX_KEY_PARTS for line in lines for parts in KEY_PARTS.finditer(line))


class DocumentType(Generic[T]):
    """A type that documents are read into.

    Make it when its module is loaded: msgspec prepares a type here, and two threads that prepare one at once crash.
    """

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def from_json(self, raw: str | bytes) -> T:
        """A JSON document as this type.

        Raises ValueError; for a value of another type, its text has the place and, if it is simple, the value.
        """
        try:
            with too_deep_as(ValueError):
                return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise ValueError(_located(error, parse_json(raw), "")) from error

    def from_table(self, table: object, place: str) -> T:
        """A parsed table as this type; `place` is where it stands in its document. Raises ValueError with place and value."""
        try:
            with too_deep_as(ValueError):
                return msgspec.convert(table, self.kind)
        except msgspec.ValidationError as error:
            raise ValueError(_located(error, table, place)) from error


class _Format(msgspec.Struct):
    format: int


_FORMAT = DocumentType(_Format)


def format_of(raw: str | bytes) -> int:
    """The number in `format` of a JSON document, which tells which type the document is. Raises ValueError, also if there is none."""
    return _FORMAT.from_json(raw).format


def _located(error: msgspec.ValidationError, document: object, place: str) -> str:
    """What is wrong in a document, as "`place` is value: expected …".

    The value is left out if it is no string or number, or cannot be found; both are left out if the place is the whole document.
    msgspec tells the path in its message only.
    """
    problem, path = MESSAGE.fullmatch(str(error)).groups(default="")  # type: ignore[union-attr]
    problem = problem[:1].lower() + problem[1:]
    where = f"{place}{path}".removeprefix(".")
    value = None if ANY_KEY in path else _value_at(document, path)
    if where and isinstance(value, str | int | float):
        return f"`{where}` is {repr(value)[:MAX_SHOWN]}: {problem}"
    return f"`{where}`: {problem}" if where else problem


def _value_at(document: Any, path: str) -> object:  # noqa: ANN401
    """The value at a path such as `.packages[0].name`; None if there is none."""
    for key, number in STEP.findall(path):
        try:
            document = document[key or int(number)]
        except (KeyError, IndexError, TypeError):
            return None
    return document
