"""The licence that a distribution declares: the expression of PEP 639, else older metadata and licence files (pure).

The SPDX list and its expressions are license-expression's. If only a family is named, as by the classifier `BSD License`, and
the licence files do not say more, the answer is a reference of our own, such as `LicenseRef-BSD`, which a policy can name.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain

from license_expression import (
    ExpressionError,
    LicenseExpression,
    LicenseSymbol,
    LicenseWithExceptionSymbol,
    Licensing,
    get_spdx_licensing,
)

from wheelhouse.vet.facts import Facts

REFERENCE = "LicenseRef-"
WORDS = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache software": "Apache-2.0",
    "apache software 2.0": "Apache-2.0",
    "asl 2.0": "Apache-2.0",
    "mit": "MIT",
    "expat": "MIT",
    "mit expat": "MIT",
    "isc": "ISC",
    "isc (iscl)": "ISC",
    "bsd": "LicenseRef-BSD",
    "new bsd": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "simplified bsd": "BSD-2-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "2-clause bsd": "BSD-2-Clause",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
    "python software foundation": "PSF-2.0",
    "mpl 2.0": "MPL-2.0",
    "mozilla public 2.0": "MPL-2.0",
    "mozilla public 2.0 (mpl 2.0)": "MPL-2.0",
    "mozilla public 1.1 (mpl 1.1)": "MPL-1.1",
    "gplv2": "GPL-2.0-only",
    "gplv3": "GPL-3.0-only",
    "gplv2+": "GPL-2.0-or-later",
    "gplv3+": "GPL-3.0-or-later",
    "gnu general public (gpl)": "LicenseRef-GPL",
    "gpl": "LicenseRef-GPL",
    "gnu general public v2 (gplv2)": "GPL-2.0-only",
    "gnu general public v2 or later (gplv2+)": "GPL-2.0-or-later",
    "gnu general public v3 (gplv3)": "GPL-3.0-only",
    "gnu general public v3 or later (gplv3+)": "GPL-3.0-or-later",
    "gnu library or lesser general public (lgpl)": "LicenseRef-LGPL",
    "lgpl": "LicenseRef-LGPL",
    "lgplv3": "LGPL-3.0-only",
    "lgplv3+": "LGPL-3.0-or-later",
    "gnu lesser general public v2 (lgplv2)": "LGPL-2.0-only",
    "gnu lesser general public v2 or later (lgplv2+)": "LGPL-2.0-or-later",
    "gnu lesser general public v3 (lgplv3)": "LGPL-3.0-only",
    "gnu lesser general public v3 or later (lgplv3+)": "LGPL-3.0-or-later",
    "gnu affero general public v3": "AGPL-3.0-only",
    "gnu affero general public v3 or later (agplv3+)": "AGPL-3.0-or-later",
    "unlicense (unlicense)": "Unlicense",
    "zope public": "LicenseRef-ZPL",
    "zpl 2.1": "ZPL-2.1",
    "zlib/libpng": "Zlib",
    "boost software 1.0 (bsl-1.0)": "BSL-1.0",
    "eclipse public 1.0 (epl-1.0)": "EPL-1.0",
    "eclipse public 2.0 (epl-2.0)": "EPL-2.0",
    "historical permission notice and disclaimer (hpnd)": "HPND",
    "mit no attribution (mit-0)": "MIT-0",
    "universal permissive (upl)": "UPL-1.0",
    "cc0 1.0 universal (cc0 1.0) public domain dedication": "CC0-1.0",
    "artistic": "LicenseRef-Artistic",
    "public domain": "LicenseRef-Public-Domain",
    "other/proprietary": "LicenseRef-Proprietary",
    "proprietary": "LicenseRef-Proprietary",
}
"""What classifiers and `License` fields say, in lower case, without `the`, `license`, `version` and commas."""
FILLING = re.compile(r"\b(the|licen[cs]ed?|version|under)\b|[,\"']")
MARKS = (
    ("MPL-2.0", ("mozilla public license version 2.0", "secondary license")),
    ("AGPL-3.0-only", ("gnu affero general public license", "version 3")),
    ("LGPL-3.0-only", ("gnu lesser general public license", "version 3")),
    ("LGPL-2.1-only", ("gnu lesser general public license", "version 2.1")),
    ("LGPL-2.0-only", ("gnu library general public license version 2",)),
    ("GPL-3.0-only", ("gnu general public license", "version 3")),
    ("GPL-2.0-only", ("gnu general public license", "version 2")),
    ("Apache-2.0", ("apache license", "version 2.0")),
    ("MPL-2.0", ("mozilla public license", "2.0")),
    ("EPL-2.0", ("eclipse public license - v 2.0",)),
    ("PSF-2.0", ("python software foundation license version 2",)),
    ("ZPL-2.1", ("zope public license", "version 2.1")),
    ("BSL-1.0", ("boost software license - version 1.0",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    ("CC0-1.0", ("cc0 1.0 universal",)),
    ("BSD-4-Clause", ("redistribution and use in source and binary forms", "all advertising materials")),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "endorse or promote")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms",)),
    (
        "MIT",
        ("permission is hereby granted, free of charge, to any person obtaining a copy", "the above copyright notice"),
    ),
    (
        "ISC",
        (
            "permission to use, copy, modify, and",
            "distribute this software",
            "provided that the above copyright notice",
        ),
    ),
    ("HPND", ("permission to use, copy, modify, and distribute this software and its", "supporting documentation")),
)
"""Phrases that identify a licence's text; the first that fits counts."""
HEAD = 3000
"""The characters of a text in which a licence that is long names itself."""
MAX_NESTING = 100
"""Brackets inside each other in an expression. The parser recurses, and fails at about 400, measured."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of a distribution. `expression` is SPDX, empty if it is unknown; `source` names what the expression was read from."""

    expression: str = ""
    source: str = ""


@cache
def _licensing() -> Licensing:
    """The list of SPDX and the parser of its expressions, loaded once."""
    return get_spdx_licensing()


def licence_of(facts: Facts) -> Licence:
    """The licence of one file of a wheelhouse; empty if nothing tells it.

    The first counts that tells one: PEP 639's expression, the `License` field, classifiers, licence files. If that names a
    family only, such as `LicenseRef-BSD`, a later one that names a member of it counts instead.
    """
    answer = Licence()
    for source, read in SOURCES.items():
        expression = read(facts)
        if expression and _is_more_exact(expression, answer.expression):
            answer = Licence(expression, source)
        if answer.expression and REFERENCE not in answer.expression:
            break
    return answer


def _is_more_exact(expression: str, than: str) -> bool:
    """Whether it begins with the name of the family that the other is, as BSD-3-Clause with that of LicenseRef-BSD.

    True if the other is empty.
    """
    return expression.startswith(than.removeprefix(REFERENCE))


def _from_expression(facts: Facts) -> str:
    """The License-Expression as SPDX spells it; empty if there is none, or if it cannot be read."""
    text = facts.header("license-expression")
    parsed = parse(text) if text else None
    return str(parsed) if parsed is not None else ""


def _from_field(facts: Facts) -> str:
    """The licence of the `License` field: a usual name or an SPDX expression; empty for anything else.

    A text of several lines or more than 100 characters is recognised as the text of a licence.
    """
    text = facts.header("license").strip()
    if "\n" in text or len(text) > 100:
        return recognise(text)
    if identifier := _word(text):
        return identifier
    parsed = parse(text)
    return str(parsed) if parsed is not None else ""


def _from_classifiers(facts: Facts) -> str:
    """The licences of classifiers whose names are usual ones, joined by AND; empty if there are none."""
    names = [
        text.rpartition(" :: ")[2] for text in facts.headers.get("classifier", ()) if text.startswith("License :: ")
    ]
    identifiers = dict.fromkeys(identifier for name in names if (identifier := _word(name)))
    return " AND ".join(identifiers)


def _from_files(facts: Facts) -> str:
    """The licences whose texts the licence files have, joined by AND, each once; empty if none is recognised. NOTICE files are not read."""
    texts = (
        text
        for name, text in facts.texts.items()
        if re.search(r"licen[cs]e|copying", name.rpartition("/")[2], re.IGNORECASE)
    )
    return " AND ".join(dict.fromkeys(identifier for text in texts if (identifier := recognise(text))))


SOURCES = {
    "License-Expression": _from_expression,
    "License": _from_field,
    "classifiers": _from_classifiers,
    "licence files": _from_files,
}


def _word(text: str) -> str:
    """The SPDX id of a usual name of a licence, such as `the MIT License`; empty for any other text."""
    return WORDS.get(" ".join(FILLING.sub(" ", text.lower()).split()), "")


def recognise(text: str) -> str:
    """The licence whose text this is, as an SPDX id: the first of `MARKS` whose phrases it has. Empty if there is none.

    Phrases with `license` or `version` count only in the first 3000 characters.
    """
    plain = " ".join(re.sub(r"[#*>|]", " ", text.lower()).split())
    for identifier, phrases in MARKS:
        if all(phrase in (plain[:HEAD] if "license" in phrase or "version" in phrase else plain) for phrase in phrases):
            return identifier
    return ""


@cache
def parse(text: str) -> LicenseExpression | None:
    """An SPDX expression, parsed; None for what is none.

    Also None if it names licences that SPDX does not list, but for `LicenseRef-…`, or has more than 100 brackets inside each
    other.
    """
    if max(accumulate((letter == "(") - (letter == ")") for letter in text), default=0) > MAX_NESTING:
        return None
    try:
        parsed = _licensing().parse(text)
        unknown = [key for key in _licensing().unknown_license_keys(parsed) if not key.startswith(REFERENCE)]
    except (ExpressionError, TypeError, ValueError, IndexError, AssertionError):  # the last two for `()` and `( OR -`
        return None
    return None if unknown else parsed


def denied(expression: str, names: Iterable[str]) -> tuple[str, ...]:
    """The licences among `names` that the expression needs, as SPDX spells them; empty if it cannot be read.

    What is beside an OR is not needed, unless every side of the OR needs one of `names`: then those of all sides are named.
    """
    parsed = parse(expression)
    return tuple(dict.fromkeys(_needed(parsed, _folded(names)))) if parsed is not None else ()


def allowed(expression: str, names: Iterable[str]) -> bool:
    """Whether the expression can be met by the licences among `names`; False if it cannot be read."""
    parsed = parse(expression)
    return parsed is not None and _met(parsed, _folded(names))


def _folded(names: Iterable[str]) -> frozenset[str]:
    """The names in lower case, as SPDX spells them if it lists them."""
    return frozenset(str(parsed if (parsed := parse(name)) is not None else name).lower() for name in names)


def _needed(node: LicenseExpression, names: frozenset[str]) -> Iterator[str]:
    """The licences among `names`, which are `_folded`, that cannot be left out of a part of an expression.

    They are spelled as SPDX does. An OR needs some only if each of its sides does. Some come twice.
    """
    if isinstance(node, LicenseSymbol | LicenseWithExceptionSymbol):
        yield from (key for key in _keys(node) if key.lower() in names)
        return
    needed_by_part = [list(_needed(part, names)) for part in node.args]
    if isinstance(node, _licensing().AND) or all(needed_by_part):
        yield from chain.from_iterable(needed_by_part)


def _met(node: LicenseExpression, names: frozenset[str]) -> bool:
    """Whether licences among `names`, which are `_folded`, satisfy a part of an expression."""
    if isinstance(node, LicenseSymbol | LicenseWithExceptionSymbol):
        return any(key.lower() in names for key in _keys(node))
    return (all if isinstance(node, _licensing().AND) else any)(_met(part, names) for part in node.args)


def _keys(node: LicenseExpression) -> tuple[str, ...]:
    """The id of a licence. Of a licence with an exception, two: the whole, and the licence alone, which allows less."""
    return (str(node), str(node.license_symbol)) if isinstance(node, LicenseWithExceptionSymbol) else (str(node),)
