"""HTML that cannot be broken out of: every text is escaped where it enters, and what would hide or turn text is shown (pure)."""

import base64
import hashlib
import html
import json
import re
from typing import Any

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Controls, and what turns the direction of text or takes no room: a name could hide behind them."""
EMPTY = frozenset(("br", "col", "hr", "input", "link", "meta"))


class Safe(str):
    """Text that is HTML already."""

    __slots__ = ()


def escape(text: str) -> Safe:
    """A text as HTML; hidden characters become visible, by their numbers."""
    return Safe(html.escape(HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)))


def flat(child: Any) -> Safe:  # noqa: ANN401  (a tree of any depth)
    """A tree of texts and elements as HTML; None is nothing."""
    if child is None:
        return Safe()
    if isinstance(child, Safe):
        return child
    if isinstance(child, str):
        return escape(child)
    if isinstance(child, int):
        return Safe(child)
    return Safe("".join(map(flat, child)))


def tag(name: str, /, *children: Any, **attributes: str | int | bool | None) -> Safe:  # noqa: ANN401
    """An element. `class_` stands for `class`, `data_x` for `data-x`; an attribute of None or False is left out."""
    written = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if name in EMPTY:
        return Safe(f"<{name}{written}>")
    return Safe(f"<{name}{written}>{flat(children)}</{name}>")


def prose(text: str) -> list[Safe]:
    """A sentence, with what stands in backticks as code."""
    return [tag("code", part) if number % 2 else escape(part) for number, part in enumerate(text.split("`"))]


def _attribute(name: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def document(title: str, style: str, script: str, body: Safe, held: dict[str, Any]) -> str:
    """A whole page that asks nobody for anything: its policy allows this very style and script, and nothing else.

    `held` is what the script reads, as JSON, in the element `held`.
    """
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    told = (
        json.dumps(held, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    )
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Safe(style)),
    ]
    end = [tag("script", Safe(told), type="application/json", id="held"), tag("script", Safe(script))]
    return "<!doctype html>\n" + tag("html", tag("head", head), tag("body", body, end), lang="en") + "\n"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
