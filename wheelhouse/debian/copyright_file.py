"""The licences that a Debian copyright file names, as it spells them, or as DEP-5 does (pure).

Source: the machine-readable format 1.0 (DEP-5). Another file refers to licences in /usr/share/common-licenses, or has
their texts itself, which are known by phrases. Debian policy 12.5: a package can link to the copyright file of another.
"""

import re
from collections.abc import Iterator

FORMAT = re.compile(r"\AFormat(?:-Specification)?:\s*\S*(?:copyright-format|dep5)", re.IGNORECASE)
FIELD = re.compile(r"^(Files|License):[ \t]*(.*(?:\n[ \t]+.*)*)", re.MULTILINE | re.IGNORECASE)
COMMON = re.compile(
    r"/usr/share/common-licenses/((?:L|A|F)?(?:GPL|GFDL|DL)-?[\d.]*|GPL|Apache-2\.0|Artistic|BSD|MPL-\d\.\d|CC0-1\.0)"
)
LATER = re.compile(r"any later version|or later")
GNU = re.compile(r"(lesser |library |affero )?general public licen[cs]e\b.{0,120}?\bversion (\d(?:\.\d)?)")
GNU_NAMES = {"": "GPL", "lesser": "LGPL", "library": "LGPL", "affero": "AGPL"}
BSD = "redistribution and use in source and binary forms"
TEXTS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("Expat", "permission is hereby granted, free of charge, to any person obtaining a copy"),
        ("HPND-sell-variant", "permission to use, copy, modify,(?: and)? distribute,? and sell this software"),
        ("HPND", "permission to use, copy, modify,?(?: and)? distribute this software and its documentation"),
        (
            "ISC",
            "permission to use, copy, modify,? and(?:/or)? distribute this software for any purpose with or without fee",
        ),
        ("BSD-4-clause", f"{BSD}.{{0,2000}}all advertising materials"),
        ("BSD-3-clause", f"{BSD}.{{0,2000}}endorse or promote"),
        ("BSD-2-clause", f"{BSD}(?!.{{0,2000}}endorse or promote)"),
        ("TCL", "hereby grant permission to use, copy, modify, distribute, and license this software"),
        ("Zlib", "altered source versions must be plainly marked"),
        ("Info-ZIP", 'for the purposes of this copyright and license, "info-zip" is defined'),
        ("Sleepycat", "information on how to obtain complete source code"),
        ("public-domain", r"\b(?:in|into|to) the public domain|^public domain"),
    )
)
"""DEP-5's name of a licence → a phrase of its text, in lower case and without line ends."""
NO_WORD = re.compile(r"[\s*#|;]+")
"""What stands between the words of a text, in a comment too."""
MAX_NAMES = 50
DOC = re.compile(r"(?:/usr/share/doc/|(?:\.\./)*|\./)([a-z0-9][a-z0-9+.-]+)(?:/copyright)?/?")


def linked_package(target: str) -> str:
    """The package in a link's target: `/usr/share/doc/PACKAGE`, `../PACKAGE`, `PACKAGE`, or its `/copyright`; else empty."""
    match = DOC.fullmatch(target)
    return match[1] if match and match[1] != "copyright" else ""


def licence_names(text: str) -> tuple[str, ...]:
    """The short names of the licences in a copyright file's text, each once, at most MAX_NAMES: `GPL-2+`, `Expat or Artistic`.

    Empty if the text names none. Of a DEP-5 text only its `Files` paragraphs count, see `_of_paragraphs`, else `_of_texts`.
    """
    names = _of_paragraphs(text) if FORMAT.match(text.lstrip("\ufeff \n")) else _of_texts(text)
    return tuple(dict.fromkeys(names))[:MAX_NAMES]


def _of_paragraphs(text: str) -> Iterator[str]:
    """The licence of each `Files` paragraph of a DEP-5 text, as written; that of `debian/` only if there is no other."""
    named: dict[bool, list[str]] = {True: [], False: []}
    for paragraph in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        fields = {match[1].lower(): match[2] for match in FIELD.finditer(paragraph)}
        files = fields.get("files", "").split()
        name = " ".join(fields.get("license", "").split("\n")[0].split())
        if name and files:
            named[all(file.startswith("debian/") for file in files)].append(name)
    yield from named[False] or named[True]


def _of_texts(text: str) -> Iterator[str]:
    """The names of the texts in common-licenses that a file refers to, then of those whose phrases it has; names may repeat.

    GNU's get a `+` if it says "or later" anywhere; their phrases count only if it refers to no text of GNU.
    """
    flat = NO_WORD.sub(" ", text.lower())
    later = "+" if LATER.search(flat) else ""
    common = [match[1].rstrip(".-") for match in COMMON.finditer(text)]
    gnu = [name for name in common if "GPL" in name or "GFDL" in name]
    if not gnu:
        gnu = [f"{GNU_NAMES[(match[1] or '').strip()]}-{match[2]}" for match in GNU.finditer(flat)]
        common += gnu
    yield from (f"{name}{later}" if name in gnu else name for name in common)
    yield from (name for name, pattern in TEXTS if pattern.search(flat))
