"""HTML pages from the templates of this package. Each page is one file that needs no server, and no text in it becomes markup."""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = "templates"
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
"""Control characters, and those that turn the direction of text or take no room: a name could hide behind them."""


class Parts(NamedTuple):
    """The styles and scripts of a page, in their order, and what its script may ask (a source of the CSP)."""

    styles: tuple[str, ...] = ("page.css",)
    scripts: tuple[str, ...] = ("page.js",)
    asks: str = "'none'"


REPORT = Parts()
REVIEW = Parts(("page.css", "review.css"), ("page.js", "review.js"), "'self'")


def render(template: str, view: Mapping[str, Any], parts: Parts = REPORT) -> str:
    r"""The page of a template with the values of `view`.

    Every value is escaped where the template prints it, and every hidden character of the page is written as its number
    (`\u202e`). The page's policy (CSP) allows its own style and its own script, by their hashes, and nothing else; the page
    of `review` may also ask its own server. Raises jinja2.UndefinedError if `view` lacks a value, jinja2.TemplateNotFound
    for an unknown template.
    """
    style, script = ("\n".join(map(_text, names)) for names in (parts.styles, parts.scripts))
    frame = {
        "style": Markup(style),  # noqa: S704  (our own file)
        "script": Markup(script),  # noqa: S704
        "style_hash": _csp_hash(style),
        "script_hash": _csp_hash(script),
        "asks": parts.asks,
    }
    page: str = _environment().get_template(template).render(view, **frame)
    return visible(page)


def visible(text: str) -> str:
    r"""A text whose hidden characters are written as their numbers, `\u202e` or `\U000e0041`; tabs and line feeds stay."""
    return HIDDEN.sub(lambda match: _number(ord(match[0])), text)


def _number(code: int) -> str:
    """A code point as Python writes it in a string."""
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


@cache
def _environment() -> Environment:
    """The Jinja environment of the templates, made once. It escapes each value, and a missing value is an error."""
    return Environment(
        loader=PackageLoader("wheelhouse.report", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _text(name: str) -> str:
    """The text of a file in the folder of the templates."""
    return (resources.files("wheelhouse.report") / TEMPLATES / name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    """The hash of a style or script as the Content Security Policy has it (CSP level 3, 2.3.1), without quotes: `sha256-…`."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
