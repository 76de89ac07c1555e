"""What is printed: lines in which no server, lock or archive can give a terminal orders."""

import re

import typer

ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and those that turn the direction of text."""


def plain(text: str) -> str:
    r"""The text with each order for a terminal spelled out: `\x1b`."""
    return ORDERS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def echo(line: str, *, err: bool = False) -> None:
    """Print a line to stdout, or to stderr."""
    typer.echo(plain(line), err=err)
