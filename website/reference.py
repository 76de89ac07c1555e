"""The reference pages that follow from the code: `python -m website.reference` writes them into docs/reference.

Commands come from the command line itself, rules from their docstrings, the keys of `wheelhouse.toml` from the types that read it.
`tests/cli/test_help.py` fails where a page differs from what this module would write.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from website.settings_schema import SCHEMA, settings_page, settings_schema
from website.tables import cell, escaped, in_cell
from wheelhouse.cli import entry

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
NOTE = "<!-- Made from the code by `python -m website.reference`. Do not edit. -->"


def pages() -> dict[str, str]:
    """The text of every page that is made, by its path below docs/reference."""
    return {
        **{f"commands/{name.replace(' ', '-')}.md": command_page(name, command) for name, command in commands()},
        "commands.md": commands_page(),
        "rules.md": rules_page(),
        "wheelhouse-toml.md": settings_page(NOTE),
        SCHEMA: json.dumps(settings_schema(), indent=2) + "\n",
    }


def commands() -> list[tuple[str, Any]]:
    """Every command as one types it after `wheelhouse`, with what typer made of it."""

    def walk(group: Any, *path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  (typer keeps these types to itself)
        for name, command in group.commands.items():
            inner = walk(command, *path, name) if hasattr(command, "commands") else [(" ".join((*path, name)), command)]
            yield from inner

    entry.load()
    return sorted(walk(typer.main.get_command(entry.app)))


def commands_page() -> str:
    """The list of all commands, by the modules that have them."""
    first_lines = {name: command.help.split("\n\n")[0] for name, command in commands()}
    rows = [f"| [{name}](commands/{name.replace(' ', '-')}.md) | {cell(line)} |" for name, line in first_lines.items()]
    table = "\n".join(["| command | what it does |", "| --- | --- |", *rows])
    return f"{NOTE}\n\n# Commands\n\n`wheelhouse COMMAND --help` prints the text of the page of a command.\n\n{table}\n"


def command_page(name: str, command: Any) -> str:  # noqa: ANN401  (typer keeps this type to itself)
    """A command: what it does, examples, arguments, options under the headings of its help."""
    context = typer.Context(command, info_name=f"wheelhouse {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    sections = "\n\n".join(_section(heading, rows) for heading, rows in option_rows(command, context).items())
    intro = f"# wheelhouse {name}\n\n```text\n{' '.join(usage.split())}\n```"
    return f"{NOTE}\n\n{intro}\n\n{_help_text(command.help)}\n\n{sections}\n\n[Exit codes](../exit-codes.md)\n"


def _help_text(text: str) -> str:
    """The paragraphs of a help; those that are marked as examples become blocks of commands."""
    paragraphs = [
        _examples(part) if part.startswith(("\b", "wheelhouse ")) else escaped(" ".join(part.split("\n")))
        for part in text.split("\n\n")
    ]
    return "\n\n".join(paragraphs)


def _examples(paragraph: str) -> str:
    return "```text\n" + paragraph.replace("\b\n", "") + "\n```"


def option_rows(command: Any, context: Any) -> dict[str, list[tuple[str, str]]]:  # noqa: ANN401
    """Spelling and help of each option, under the headings of the help; those about output come last."""
    rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for param in command.get_params(context):
        if (record := param.get_help_record(context)) and param.name != "help":
            heading = "Arguments" if param.param_type_name == "argument" else param.rich_help_panel or "Options"
            rows.setdefault(heading, []).append(record)
    output = rows.pop("Output", [])
    return {heading: found for heading, found in {**rows, "Output": output}.items() if found}


def _section(heading: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"| `{in_cell(spelling)}` | {cell(help_text)} |" for spelling, help_text in rows]
    name = "argument" if heading == "Arguments" else "option"
    return "\n".join([f"## {heading}", "", f"| {name} | what it does |", "| --- | --- |", *lines])


def rules_page() -> str:
    """Every rule of `vet`: its severity and its explanation, by group."""
    from wheelhouse.vet.vet import RULES

    groups: dict[str, list[str]] = {}
    for rule in sorted(RULES.values(), key=lambda rule: (rule.group, rule.id)):
        text = f"### {rule.id}\n\n{rule.severity.name.capitalize()}. {rule.explanation.strip()}"
        groups.setdefault(rule.group, []).append(escaped(text))
    parts = [f"## {group.capitalize()}\n\n" + "\n\n".join(found) for group, found in sorted(groups.items())]
    head = "`wheelhouse vet --explain RULE` prints the text of a rule. A [policy](../vetting.md#policy) can change the severity."
    return f"{NOTE}\n\n# Rules\n\n{head}\n\n" + "\n\n".join(parts) + "\n"


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write all pages, and remove those of commands that are gone."""
    for path in (folder / "commands").glob("*.md"):
        if f"commands/{path.name}" not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER, pages())
