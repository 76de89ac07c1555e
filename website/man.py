"""Manual pages (man(7)) of every command, from the same source as the help: `python -m website.man FOLDER` writes them there."""

import sys
from pathlib import Path
from typing import Any

import typer

from website.reference import commands, option_rows
from wheelhouse import __version__
from wheelhouse.errors import WheelhouseError

SECTION = "1"


def man_pages() -> dict[str, str]:
    """The text of each page by its file name: one for wheelhouse, one for each command."""
    found = commands()
    pages = {f"wheelhouse-{name.replace(' ', '-')}.1": command_page(name, command) for name, command in found}
    return {"wheelhouse.1": first_page([(name, _summary(command)) for name, command in found]), **pages}


def command_page(name: str, command: Any) -> str:  # noqa: ANN401  (typer keeps this type to itself)
    """The page of one command: name, synopsis, description, options under the headings of the help."""
    context = typer.Context(command, info_name=f"wheelhouse {name}")
    title = f"wheelhouse-{name.replace(' ', '-')}"
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    lines = [_header(title), *_section("NAME", f"{title} - {_summary(command)}"), *_section("SYNOPSIS", usage)]
    lines += ['.SH "DESCRIPTION"', *_description(command.help)]
    for heading, rows in option_rows(command, context).items():
        lines += [f'.SH "{heading.upper()}"']
        for spelling, text in rows:
            lines += [".TP", f"\\fB{_escaped(spelling)}\\fR", _escaped(" ".join(text.split()))]
    return "\n".join([*lines, *_section("SEE ALSO", "wheelhouse(1)")]) + "\n"


def first_page(summaries: list[tuple[str, str]]) -> str:
    """The page of wheelhouse itself: its commands and exit codes."""
    name = "wheelhouse - lock, fetch, verify and stage every wheel that an air-gapped Python image needs"
    usage = "wheelhouse COMMAND [OPTIONS] [ARGUMENTS]"
    lines = [_header("wheelhouse"), *_section("NAME", name), *_section("SYNOPSIS", usage), '.SH "COMMANDS"']
    for command, summary in summaries:
        lines += [".TP", f"\\fBwheelhouse-{command.replace(' ', '-')}\\fR(1)", _escaped(summary)]
    lines += ['.SH "EXIT STATUS"']
    for code, text in {0: "done", 1: "findings", **_errors(), 130: "interrupted"}.items():
        lines += [".TP", f"\\fB{code}\\fR", _escaped(text)]
    return "\n".join(lines) + "\n"


def _errors() -> dict[int, str]:
    """The exit codes of errors, each with the first line of its class."""
    kinds = sorted(WheelhouseError.__subclasses__(), key=lambda kind: kind.exit_code)
    return {kind.exit_code: (kind.__doc__ or "").split("\n")[0] for kind in kinds if kind.exit_code}


def _summary(command: Any) -> str:  # noqa: ANN401
    return " ".join(command.help.split("\n\n")[0].split()).rstrip(".")


def _header(title: str) -> str:
    return f'.TH "{title.upper()}" "{SECTION}" "" "wheelhouse {__version__}" "wheelhouse"'


def _section(heading: str, text: str) -> list[str]:
    return [f'.SH "{heading}"', _escaped(text)]


def _description(text: str) -> list[str]:
    """The paragraphs of a help; examples keep their lines."""
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        if "\b" in paragraph:
            examples = paragraph.replace("\b\n", "").split("\n")
            lines += [".PP", ".nf", *map(_escaped, examples), ".fi"]
        else:
            lines += [".PP", _escaped(" ".join(paragraph.split()))]
    return lines


def _escaped(text: str) -> str:
    r"""A line of text for roff: `\` and `-` stay what they are, and no line begins with a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    escaped = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in man_pages().items():
        (folder / name).write_text(page, encoding="utf-8")
