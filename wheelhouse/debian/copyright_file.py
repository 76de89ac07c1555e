"""The licences that a Debian copyright file names, as it spells them (pure).

Source: the machine-readable format 1.0 (DEP-5). Another file names licences by their texts in /usr/share/common-licenses.
"""

import re
from collections.abc import Iterator

FORMAT = re.compile(r"\AFormat(?:-Specification)?:\s*\S*(?:copyright-format|dep5)", re.IGNORECASE)
FIELD = re.compile(r"^(Files|License):[ \t]*(.*(?:\n[ \t]+.*)*)", re.MULTILINE | re.IGNORECASE)
COMMON = re.compile(
    r"/usr/share/common-licenses/((?:L|A|F)?(?:GPL|GFDL|DL)-?[\d.]*|GPL|Apache-2\.0|Artistic|BSD|MPL-\d\.\d|CC0-1\.0)"
)
LATER = re.compile(r"any\s+later\s+version", re.IGNORECASE)
MAX_NAMES = 50


def licence_names(text: str) -> tuple[str, ...]:
    """The short names of the licences, each once, such as `GPL-2+`, or `Expat or Artistic`; empty if the file tells none."""
    names = _of_paragraphs(text) if FORMAT.match(text.lstrip("\ufeff \n")) else _of_texts(text)
    return tuple(dict.fromkeys(names))[:MAX_NAMES]


def _of_paragraphs(text: str) -> Iterator[str]:
    """The licence of each `Files` paragraph, but for that of the packaging alone."""
    for paragraph in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        fields = {match[1].lower(): match[2] for match in FIELD.finditer(paragraph)}
        files = fields.get("files", "").split()
        name = " ".join(fields.get("license", "").split("\n")[0].split())
        if name and files and not all(file.startswith("debian/") for file in files):
            yield name


def _of_texts(text: str) -> Iterator[str]:
    """The names of the texts in common-licenses that a file refers to."""
    later = "+" if LATER.search(text) else ""
    for match in COMMON.finditer(text):
        name = match[1].rstrip(".-")
        yield f"{name}{later}" if "GPL" in name or "GFDL" in name else name
