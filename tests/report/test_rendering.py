"""Templates: every value is escaped, every hidden character is shown, and no template switches that off."""

from html.parser import HTMLParser
from importlib import resources

import pytest
from jinja2 import UndefinedError

from wheelhouse.report.diffpage import diff_view
from wheelhouse.report.rendering import HIDDEN, render, visible

TEMPLATES = sorted((resources.files("wheelhouse.report") / "templates").iterdir(), key=lambda path: path.name)


def test_a_value_ends_neither_an_element_nor_an_attribute() -> None:
    nasty = """</title></script><b title='x' "onclick="y">&amp;"""
    page = render("diff.html.j2", {**diff_view([], nasty, ""), "search_label": nasty, "script_data": {"house": nasty}})
    titles: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("b", "img") or not attrs
            titles.extend(str(value) for name, value in attrs if name == "aria-label")

    Reader().feed(page)
    assert nasty in titles
    assert page.count("<b") == 3  # body, button, the product's name
    assert page.count("</title>") == 1 and page.count("</script>") == 2


@pytest.mark.parametrize(
    "character",
    [
        *("\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\x1b", "\x7f", "\x85", "\ud800"),
        *("\u00ad", "\u034f", "\u180e", "\ufe0f"),
    ],
)
def test_a_hidden_character_is_written_as_its_number(character: str) -> None:
    view = diff_view([], f"a{character}b", "")
    page = render("diff.html.j2", {**view, "tabs_label": character})
    assert character not in page and not HIDDEN.search(page)
    assert f"a\\u{ord(character):04x}b →" in page and f'aria-label="\\u{ord(character):04x}"' in page


def test_a_hidden_character_beyond_four_digits_is_written_with_eight() -> None:
    assert visible("a\U000e0041\U000e0100b") == r"a\U000e0041\U000e0100b"


def test_text_that_is_only_unusual_stays_as_it_is() -> None:
    assert "Grüße\tこんにちは → " in render("diff.html.j2", diff_view([], "Grüße\tこんにちは", ""))


def test_a_template_cannot_print_a_value_that_is_not_there() -> None:
    view = diff_view([], "old", "new")
    del view["verdict"]
    with pytest.raises(UndefinedError, match="verdict"):
        render("diff.html.j2", view)


@pytest.mark.parametrize("path", [path for path in TEMPLATES if path.name.endswith(".j2")], ids=lambda path: path.name)
def test_no_template_trusts_a_value(path: resources.abc.Traversable) -> None:
    text = path.read_text(encoding="utf-8")
    for way in ("|safe", "| safe", "autoescape", "|urlize", "|xmlattr", "Markup", "|forceescape"):
        assert way not in text


@pytest.mark.parametrize("name", ["page.css", "page.js", "review.css", "review.js"])
def test_style_and_script_hold_nothing_that_ends_or_changes_them(name: str) -> None:
    (path,) = [path for path in TEMPLATES if path.name == name]
    text = path.read_text(encoding="utf-8")
    assert "</" not in text and "<!--" not in text and not HIDDEN.search(text)
