"""Documents of any origin: an error names the place and the value; nothing nested ends in a RecursionError."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import pytest

from wheelhouse.documents import DocumentType, parse_json, parse_toml, too_deep_as

DEEP = "[" * 100_000


class Row(msgspec.Struct, rename="kebab"):
    """A row with a value of each kind."""

    file_name: str
    size: int = 0
    markers: dict[str, str] = {}


class Sheet(msgspec.Struct):
    """Rows in a table."""

    rows: list[Row] = []


SHEET = DocumentType(Sheet)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (
            {"rows": [{"file-name": "a"}, {"file-name": 7}]},
            "`tool.x.rows[1].file-name` is 7: expected `str`, got `int`",
        ),
        ({"rows": [{"file-name": "a", "size": True}]}, "`tool.x.rows[0].size` is True: expected `int`, got `bool`"),
        ({"rows": [{"file-name": "a", "size": "\x1b[2J" * 40}]}, "`tool.x.rows[0].size` is '\\x1b[2J\\x1b[2J"),
        ({"rows": [{"size": 1}]}, "`tool.x.rows[0]`: object missing required field `file-name`"),
        (
            {"rows": [{"file-name": "a", "markers": {"b": 1}}]},
            "`tool.x.rows[0].markers[...]`: expected `str`, got `int`",
        ),
        ({"rows": {}}, "`tool.x.rows`: expected `array`, got `object`"),
        ([], "`tool.x`: expected `object`, got `array`"),
    ],
)
def test_an_error_names_the_place_and_the_value(table: object, sentence: str) -> None:
    with pytest.raises(ValueError) as error:
        SHEET.from_table(table, "tool.x")
    assert str(error.value).startswith(sentence)
    assert len(str(error.value)) < 200 and str(error.value).isprintable()


def test_an_error_in_a_whole_document_names_neither_place_nor_value() -> None:
    with pytest.raises(ValueError, match=r"^expected `object`, got `str`$"):
        SHEET.from_json('"x"')
    with pytest.raises(ValueError, match=r"^`tool.x` is 7: expected `object`, got `int`$"):
        SHEET.from_table(7, "tool.x")


def test_a_json_document_is_read_with_the_same_errors() -> None:
    assert SHEET.from_json(b'{"rows": [{"file-name": "a"}], "else": 1}') == Sheet([Row("a")])
    with pytest.raises(ValueError, match=r"^`rows\[0\].size` is '1': expected `int`, got `str`$"):
        SHEET.from_json('{"rows": [{"file-name": "a", "size": "1"}]}')
    with pytest.raises(ValueError, match=r"expected `object`, got `str`$"):
        SHEET.from_json('"x"')


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (parse_json, DEEP),
        (parse_toml, f"x = {DEEP}"),
        (SHEET.from_json, f'{{"else": {DEEP}'),
        (SHEET.from_json, f'{{"rows": 1, "else": {DEEP}'),
    ],
)
def test_what_is_nested_too_deeply_is_refused_as_what_cannot_be_parsed(read: Callable[[str], Any], raw: str) -> None:
    with pytest.raises(ValueError, match=r"it is nested too deeply|expected `array`"):
        read(raw)


def test_what_is_nested_too_deeply_becomes_the_error_that_the_caller_names() -> None:
    with pytest.raises(OSError, match="it is nested too deeply"), too_deep_as(OSError):
        raise RecursionError


@pytest.mark.parametrize("part", ["a", '"a"', "'a'", "a-b_1", " a "])
@pytest.mark.parametrize("place", ["{}1 = 1", "[{}1]", "x = {{ {}1 = 1 }}", "x = [\n {{ {}1 = 1 }}\n]"])
def test_keys_of_many_parts_are_refused_before_they_take_minutes(part: str, place: str) -> None:
    text = place.format(f"{part}." * 101) + "\n" + "# " + "x" * (1 << 20)
    with pytest.raises(ValueError, match="a key of more than 100 parts"):
        parse_toml(text)


def test_a_long_document_with_many_dots_in_its_texts_is_read() -> None:
    wheels = ", ".join(
        f'{{ name = "a-1.{number}-py3-none-any.whl", url = "https://127.0.0.1/a.b.c/a-1.0.whl" }}'
        for number in range(13_000)
    )
    table = parse_toml(f'wheels = [{wheels}]\nversion = "{"1." * 80}0"\nwords = "{"a b. " * 500}"\n')
    assert len(table["wheels"]) == 13_000 and len(table["version"]) == 161


def test_a_time_is_taken_as_toml_reads_it() -> None:
    times = DocumentType(dict[str, datetime])
    moment = parse_toml("x = 2025-01-01T00:00:00Z")
    assert times.from_table(moment, "x") == moment
