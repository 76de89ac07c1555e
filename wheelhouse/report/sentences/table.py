"""The type of the sentence tables (pure)."""

from typing import NamedTuple


class Sentence(NamedTuple):
    """The templates of a sentence and of its hint, as `humanize.filled` reads them. The subject is the file or project."""

    text: str
    hint: str = ""
