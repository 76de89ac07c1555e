"""The Range header of a request (RFC 9110, section 14) (pure)."""

import re

RANGE = re.compile(r"[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*")
"""One range. A longer number is beyond the end of every file, and Python does not read one of more than 4,300 digits."""
MAX_RANGES = 16


class UnsatisfiableRangeError(ValueError):
    """No such bytes, or too many ranges: the answer is 416."""


def requested_range(header: str, size: int) -> range | None:
    """The positions of the requested bytes in a file of `size` bytes; None to send the whole file.

    A server may ignore a header (14.2): one that does not begin with `bytes=`, or has several ranges, is. Raises
    UnsatisfiableRangeError if one of the ranges, also of several, is outside the file or cannot be read, and for more than
    MAX_RANGES.
    """
    unit, equals, text = header.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    if text.count(",") >= MAX_RANGES:
        raise UnsatisfiableRangeError
    spans = [_span(part, size) for part in text.split(",")]
    return spans[0] if len(spans) == 1 else None


def _span(text: str, size: int) -> range:
    """The positions of one range (14.1.2): `first-last`, `first-`, or `-length` for the end; only those that the file has.

    Raises UnsatisfiableRangeError for another form, a number of more than 18 digits, or if the file has none of these bytes.
    """
    match = RANGE.fullmatch(text)
    if match is None or not any(match.groups()):
        raise UnsatisfiableRangeError
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    stop = min(int(last) + 1, size) if first and last else size
    span = range(start, stop)
    if not span:
        raise UnsatisfiableRangeError
    return span
