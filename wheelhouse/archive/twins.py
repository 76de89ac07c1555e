"""Members whose names some file systems take for one: they differ in case, or in how Unicode composes a letter (pure)."""

import unicodedata
from collections.abc import Iterable, Iterator

from wheelhouse.archive.filenames import is_wheel
from wheelhouse.findings import Finding, Severity

CODE = (".py", ".pth", ".so", ".pyd", ".dll", ".dylib", ".pyc")
MAX_NAMED = 20
"""Pairs that are named by one rule; a file with more of them is odd enough."""


def twin_findings(filename: str, names: Iterable[str]) -> Iterator[Finding]:
    """A finding for each name that macOS or Windows takes for an earlier one, at most MAX_NAMED of each rule.

    `name-twins`, an error, in a wheel, if the name is that of code or metadata, or differs only in Unicode composition;
    else `case-twins`, a warning: ziglang, for example, has headers of Linux whose names differ only in case.
    """
    first: dict[str, str] = {}
    counts = {"name-twins": 0, "case-twins": 0}
    for name in names:
        earlier = first.setdefault(_folded(name), name)
        if earlier == name:
            continue
        is_code = is_wheel(filename) and _is_code(name, earlier)
        rule = "name-twins" if is_code else "case-twins"
        if counts[rule] < MAX_NAMED:
            counts[rule] += 1
            severity = Severity.ERROR if is_code else Severity.WARNING
            yield Finding.of(filename, rule, severity, first=earlier, second=name)


def _folded(name: str) -> str:
    """A key that is equal for names that a file system can take for one: casefolded (`ß` is `ss`), and letters composed."""
    return (
        name.lower() if name.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    )


def _is_code(name: str, earlier: str) -> bool:
    """Whether a name is that of code or metadata, or differs from the earlier one only in Unicode composition (NFC)."""
    lower = name.lower()
    if lower.endswith(CODE) or ".dist-info/" in lower:
        return True
    return unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", earlier)
