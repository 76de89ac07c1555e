"""What the pages of the docs lead to: their links, the anchors of their headings, the command lines that they name."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from tests.support.checkout import ROOT

ROOT_PAGES = ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY", "CODE_OF_CONDUCT")
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / f"{name}.md" for name in ROOT_PAGES)])
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`[^`]+`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_COMMAND = re.compile(r"(?<![\w./-])wheelhouse ([a-z][^\n|;&>#]*)")
_CONTINUED = re.compile(r"\\\n\s*")


@dataclass(frozen=True)
class CommandLine:
    """A command line that a page names: its words after `wheelhouse`, and the page."""

    page: Path
    words: tuple[str, ...]


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead; what stands in code is no link."""
    text = _INLINE.sub("", _FENCED.sub("", page.read_text(encoding="utf-8")))
    return _LINK.findall(text)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in _HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    """The links of a page that lead to no file of the checkout, or to no heading; those to other hosts are not followed."""
    return [
        link for link in links(page) if "://" not in link and not link.startswith("mailto:") and not _holds(page, link)
    ]


def _holds(page: Path, link: str) -> bool:
    name, _, anchor = unquote(link).partition("#")
    path = page.parent / name if name else page
    return path.exists() and (not anchor or anchor in anchors(path))


def command_lines(page: Path) -> Iterator[CommandLine]:
    """Every command line that a page names, in blocks of any language and between backticks."""
    text = page.read_text(encoding="utf-8")
    in_text = (" ".join(code.strip("`").split()) for code in _INLINE.findall(_FENCED.sub("", text)))
    for code in (*_FENCED.findall(_CONTINUED.sub(" ", text)), *in_text):
        for line in _COMMAND.findall(code):
            yield CommandLine(page, tuple(_words(line)))


def _words(line: str) -> list[str]:
    """The words of a command line, up to what a program could not be given."""
    try:
        return shlex.split(line)
    except ValueError:  # a quotation mark of the language around it
        return line.replace("'", " ").replace('"', " ").split()
