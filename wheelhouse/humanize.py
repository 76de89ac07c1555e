"""Numbers and lists for people (pure)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from string import Formatter

from wheelhouse.errors import InputError

SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,3})?) ?(k|M|G|T|Ki|Mi|Gi|Ti)?B?", re.IGNORECASE)
UNITS = {"": 1} | {
    f"{letter}{binary}": base**power
    for binary, base in (("", 1000), ("i", 1024))
    for power, letter in enumerate("kmgt", start=1)
}

CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""All but tab: control characters, every line end (LF, CR, NEL, U+2028 and more), and what changes the direction of text."""


def plain(line: str) -> str:
    r"""A line with each control character but tab, each line end, and what changes the direction of text, spelled out:
    `\x1b`, `\n`.

    No text of others can begin a new line.
    """
    return CONTROL_CHARACTERS.sub(lambda match: match[0].encode("unicode_escape").decode(), line)


def plain_json(document: str) -> str:
    r"""A JSON document with all that `plain` spells out, but line feeds, as JSON spells it in a string: `\u009b`."""
    return CONTROL_CHARACTERS.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", document)


def parse_size(text: str) -> int:
    """A size such as `5GB`, `500 MB` or `2GiB` in whole bytes, rounded down; a number alone is bytes, k is 1000 and Ki is
    1024. Case does not matter. Raises InputError, also for a negative one, and for over 15 digits or three decimals.
    """
    match = SIZE.fullmatch(text.strip())
    if not match:
        raise InputError(f"`{text}` is not a size", hint="write a number of bytes, or a size such as 500MB or 5GB")
    return int(float(match[1]) * UNITS[(match[2] or "").lower()])


MAX_SHOWN = 300
"""Characters of a foreign text that a sentence quotes."""


def shortened(text: str) -> str:
    """A text of any origin for a sentence: one longer than MAX_SHOWN is cut there, and ends in `…`. Nothing is escaped."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def size_text(count: int) -> str:
    """A size in bytes as text, in powers of ten: `999 bytes`, `1.2 MB`. The largest unit is GB."""
    if count < 1000:
        return counted(count, "byte")
    for unit, size in (("kB", 10**3), ("MB", 10**6)):
        if round(count / size, 1) < 1000:
            return f"{count / size:.1f} {unit}"
    return f"{count / 10**9:.1f} GB"


def counted(count: int, noun: str) -> str:
    """A number with its noun, which gets an `s` unless the number is 1: `1 file`, `2 files`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str], most: int) -> str:
    """The first `most` names, with commas, then how many more there are: `a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def named(names: Iterable[str], most: int = 5, mark: str = "`") -> str:
    """At most so many names, each in backticks (or another `mark`), then how many more there are, as `listed` writes it."""
    return listed([f"{mark}{name}{mark}" for name in names], most)


def filled(template: str, values: Mapping[str, str | int | tuple[str, ...]]) -> str:
    """A template with values in its fields. Raises KeyError for a value that is missing.

    `{paths}` names at most five strings in backticks, `{paths:3}` three, `{paths:8 plain}` eight without backticks,
    `{paths:all}` all, without backticks; `{count:file}` counts: `2 files`. `{name:, from #}` is an optional part: nothing if
    the value is missing, empty or 0, else the text with the value in place of `#`. `{paths:3|: #}` is both.
    """
    return _Filler(values).vformat(template, (), values)


def fields_of(template: str) -> dict[str, bool]:
    """The fields of a template by name, and whether the value must be given: False if each place of the field is an optional part."""
    parsed = ((name, not _parts(spec or "")[1]) for _, name, spec, _ in Formatter().parse(template) if name)
    fields: dict[str, bool] = {}
    for name, required in parsed:
        fields[name] = fields.get(name, False) or required
    return fields


class _Filler(Formatter):
    def __init__(self, values: Mapping[str, str | int | tuple[str, ...]]) -> None:
        self._values = values

    def get_field(self, field_name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[object, str]:
        """The name and the raw value of a field, for `format_field` to write; the value is None if it is missing."""
        return (field_name, self._values.get(field_name)), field_name

    def format_field(self, value: tuple[str, str | int | tuple[str, ...] | None], format_spec: str) -> str:
        """The text for a value of `get_field`. Raises KeyError if it is missing and the field is no optional part."""
        name, held = value
        style, text = _parts(format_spec)
        if text:
            return text.replace("#", _styled(held, style)) if held else ""
        if held is None:
            raise KeyError(name)
        return _styled(held, style)


def _parts(format_spec: str) -> tuple[str, str]:
    """The style of a field, and its text with a `#` if it is an optional part, else an empty text."""
    style, bar, text = format_spec.partition("|")
    if not bar and "#" in style:
        return "", style
    return style, text if "#" in text else ""


def _styled(value: str | int | tuple[str, ...], style: str) -> str:
    """A value as text, as `filled` describes for a field: a number with the noun `style`, a string as it is, strings as a list."""
    if isinstance(value, int):
        return counted(value, style) if style else str(value)
    if isinstance(value, str):
        return value
    words = style.split()
    if "all" in words:
        return ", ".join(value)
    return named(value, next(map(int, filter(str.isdigit, words)), 5), "" if "plain" in words else "`")
