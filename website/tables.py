"""Texts of the code as Markdown that shows them as they are (pure)."""

import re

_CODE = re.compile(r"(`[^`]*`)")


def escaped(text: str) -> str:
    """A text in which `<` is no tag; what stands between backticks is left as it is."""
    parts = _CODE.split(text)
    return "".join(part if part.startswith("`") else part.replace("<", r"\<") for part in parts)


def in_cell(text: str) -> str:
    """A text that stays one cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")


def cell(text: str) -> str:
    """A sentence of the code as one cell of a table."""
    return in_cell(escaped(text))
