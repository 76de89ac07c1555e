"""The pages hold what they say: links lead somewhere, commands and options exist, settings are settings."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
import typer

from tests.docs.test_commands import SETTINGS
from tests.support.checkout import ROOT
from tests.support.documentation import PAGES, ROOT_PAGES, broken_links, command_lines, links
from tests.support.markdown import Block
from website import conf, terminal
from wheelhouse import errors
from wheelhouse.cli import entry

SCHEMA = ROOT / "docs/reference/schemas/wheelhouse-toml.schema.json"


def test_links_lead_to_a_file_and_a_heading() -> None:
    assert not {page: broken for page in PAGES if (broken := broken_links(page))}


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A heading\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md#a-heading) [b](other.md#none) ![c](none.svg) `[d](none)` [e](https://x.example/none)\n"
    )
    assert broken_links(page) == ["other.md#none", "none.svg"]


def test_every_column_of_a_table_has_a_name() -> None:
    """Whoever hears a page hears the name of the column with each cell."""
    for page in PAGES:
        headers = re.findall(r"^(\|.*\|)\n\|[ :-]+\|", page.read_text(encoding="utf-8"), re.MULTILINE)
        unnamed = [header for header in headers if not all(cell.strip() for cell in header.strip("|").split("|"))]
        assert not unnamed, page


@cache
def spellings() -> dict[tuple[str, ...], set[str]]:
    """Every command and group, as one types it after `wheelhouse`, with the spellings of its options."""

    def walk(group: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], set[str]]]:
        params = group.get_params(typer.Context(group))
        yield path, {word for param in params for word in (*param.opts, *param.secondary_opts)} | {"--help", "-h"}
        for name, command in getattr(group, "commands", {}).items():
            yield from walk(command, (*path, name))

    entry.load()
    return dict(walk(typer.main.get_command(entry.app), ()))


def _command_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """The longest beginning of a command line that is a command or a group."""
    return max((words[:length] for length in range(3) if words[:length] in spellings()), key=len)


def test_the_commands_and_options_that_pages_name_exist() -> None:
    for page in PAGES:
        for line in command_lines(page):
            command = _command_of(line.words)
            assert command, f"{page}: wheelhouse {' '.join(line.words)}"
            given = {word.partition("=")[0] for word in line.words if re.match(r"--?[a-z]", word)}
            assert given <= spellings()[command], f"{page}: wheelhouse {' '.join(line.words)}"


def test_the_readme_names_commands() -> None:
    named = {_command_of(line.words) for line in command_lines(ROOT / "README.md")}
    assert {("fetch",), ("build",), ("vet",), ("pack",)} <= named


def test_the_exit_codes_are_those_of_the_errors() -> None:
    text = (ROOT / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)} == errors_codes() | {0, 1, 130}
    order = re.search(r"order that a\s+job or\s+target\s+has:\s+([\d, ]+)\.", text)
    assert order and tuple(map(int, order[1].split(", "))) == errors.EXIT_CODES


def errors_codes() -> set[int]:
    def tree(root: type[errors.WheelhouseError]) -> set[int]:
        return {root.exit_code}.union(*map(tree, root.__subclasses__()))

    return tree(errors.WheelhouseError)


def test_every_page_is_in_the_navigation_or_below_a_page_that_is() -> None:
    """What is new and in no list is not lost either: the site shows it under "More"."""
    home = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT).with_suffix("").as_posix() for path in PAGES}
    assert "docs/new" in conf.navigation(home, pages | {"docs/new"}).partition("More")[2]
    assert {f"docs/{name}" for name in ("tour", "vetting", "security")} <= set(conf.linked(conf.HOME, home))
    assert {name for page in PAGES for name in [page.stem] if page.parent == ROOT} == set(ROOT_PAGES)


@pytest.mark.parametrize(
    ("page", "block"), SETTINGS, ids=lambda one: getattr(one, "stem", None) or str(getattr(one, "line", one))
)
def test_the_schema_takes_the_settings_that_a_page_shows(page: Path, block: Block) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validate(_as_json(tomllib.loads(block.text)), schema)


@pytest.mark.parametrize(
    "text", ["pyton = '3.12'", "python = 3.12", "[policy]\nthreshold = 'bad'", "[[files]]\nto = 'x'"]
)
def test_the_schema_refuses_what_is_no_setting(text: str) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), schema)


def _as_json(value: object) -> object:
    if isinstance(value, dict):
        return {key: _as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def test_no_page_has_a_directive_of_the_site() -> None:
    """Pages read well as plain files."""
    assert not [page for page in PAGES if re.search(r"^(:::|```\{)", page.read_text(encoding="utf-8"), re.MULTILINE)]


def test_each_page_is_led_to() -> None:
    led_to = {
        (page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page) if "://" not in link
    }
    assert not [page.name for page in PAGES if page not in led_to and page.stem not in {"README", "index"}]


def test_the_terminals_picture_is_drawn_from_its_recording_of_the_readmes_commands() -> None:
    recording = terminal.RECORDING.read_text(encoding="utf-8")
    assert [line[2:] for line in recording.splitlines() if line.startswith("$ ")] == terminal.commands()
    assert terminal.PICTURE.read_text(encoding="utf-8") == terminal.draw(recording)
    assert "://" not in recording


def test_a_picture_has_what_a_terminal_showed_and_nothing_that_breaks_it() -> None:
    picture = terminal.draw("$ wheelhouse <vet> & more\n\x1b[1;33mwarning\x1b[0m: `<script>`\n" + "x" * 300 + "\n")
    root = ElementTree.fromstring(picture)
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["$ wheelhouse <vet> & more", "warning: `<script>`", "x" * (terminal.COLUMNS - 1) + "…"]
    assert '<tspan class="b y">warning</tspan>' in picture
