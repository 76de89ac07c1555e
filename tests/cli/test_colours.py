"""Colours of the words that lines begin with: on a terminal only, and not where somebody does not want them."""

import io

import pytest

from wheelhouse.cli.terminal import coloured


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("error: no", "\x1b[1;31merror\x1b[0m: no"),
        ("  hint: do", "\x1b[36m  hint\x1b[0m: do"),
        ("missing  engine docker: x", "\x1b[33mmissing\x1b[0m  engine docker: x"),
        ("errors are counted", "errors are counted"),
        ("an error: x", "an error: x"),
        ("beta-1.0-py3-none-any.whl: error: x", "beta-1.0-py3-none-any.whl: error: x"),
    ],
)
def test_the_first_word_has_its_colour_on_a_terminal(line: str, shown: str) -> None:
    assert coloured(line, Terminal()) == shown


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_are_switched_off(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert coloured("error: no", Terminal()) == "error: no"


def test_a_pipe_has_no_colours() -> None:
    assert coloured("error: no", io.StringIO()) == "error: no"


def test_an_empty_no_color_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    assert coloured("error: no", Terminal()) != "error: no"
