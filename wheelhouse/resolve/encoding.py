"""Decodes a requirements file as pip does: by its byte order mark, else by its PEP 263 line, else as UTF-8 (pure)."""

import codecs
import re

from wheelhouse.errors import InputError

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""In this order, because the mark of UTF-32-LE begins with that of UTF-16-LE."""
DECLARED = re.compile(rb"coding[:=]\s*([-\w.]+)")


def decoded(data: bytes, source: str) -> str:
    """The text of a file, without its byte order mark. Raises InputError with `source`, and with the unknown encoding, or
    the first byte after the mark that is not text.
    """
    mark, encoding = next(((mark, name) for mark, name in MARKS if data.startswith(mark)), (b"", ""))
    if not encoding:
        comments = [line for line in data.split(b"\n")[:2] if line.startswith(b"#")]
        declared = next((match for line in comments if (match := DECLARED.search(line))), None)
        encoding = declared[1].decode("ascii") if declared else "utf-8"
    try:
        return data[len(mark) :].decode(encoding)
    except LookupError as error:
        raise InputError(f"`{source}` declares an unknown encoding: {encoding}") from error
    except UnicodeError as error:
        hint = "save it as UTF-8, or declare its encoding in the first line: `# -*- coding: latin-1 -*-`"
        reason = str(error)
        if isinstance(error, UnicodeDecodeError):
            reason = f"{error.reason} at byte {error.start}"
        raise InputError(f"`{source}` is not {encoding} text: {reason}", hint=hint) from error
