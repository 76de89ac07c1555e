"""The severity of an advisory in a word and a score: `high, 7.5` (CVSS 2, 3 and 4) (pure).

Of a CVSS 4 vector with threat or environmental metrics, the score has them (CVSS-BTE); of CVSS 2 and 3 it is the base score.
"""

import re

RATING = re.compile(r"[a-z]+, (\d+(?:\.\d+)?)", re.IGNORECASE)
VECTORS = ("CVSS:", "AV:")
"""How vectors of CVSS 3 and 4 begin, and those of CVSS 2."""


def rating(severity: str) -> str:
    """A CVSS vector as its severity and score, `high, 7.5`, in lower case; any other text as it is, also a vector that is not valid."""
    if not severity.startswith(VECTORS):
        return severity
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # noqa: PLC0415  (only where there is an advisory)

    kind = CVSS4 if severity.startswith("CVSS:4.") else CVSS3 if severity.startswith("CVSS:3.") else CVSS2
    try:
        vector = kind(severity)
    except CVSSError:
        return severity
    return f"{vector.severities()[0].lower()}, {vector.scores()[0]}"


def score(vector: str) -> str:
    """The score of a CVSS vector, or of a `rating`: `7.5`; empty for any other text, also a number alone."""
    match = RATING.fullmatch(rating(vector))
    return match[1] if match else ""
