"""What commands print and ask: lines, JSON, errors, questions."""

import codecs
import json
import sys
from pathlib import Path

import typer

from wheelhouse.cli.terminal import echo, write
from wheelhouse.errors import InputError, WheelhouseError
from wheelhouse.humanize import plain_json


def say(*lines: str) -> None:
    """Print lines to stdout. Control characters are spelled out, and on a terminal the first word may have a colour."""
    for line in lines:
        echo(line)


def say_text(text: str) -> None:
    """Print a text of several lines to stdout as it is: each line is plain already."""
    write(text)


def say_json(document: object) -> None:
    """Print one indented JSON document to stdout; in ASCII if the encoding of stdout is not UTF-8."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    write(plain_json(json.dumps(document, indent=2, ensure_ascii=codecs.lookup(encoding).name != "utf-8")))


def say_error(error: WheelhouseError) -> None:
    """Print an error to stderr: its details, its sentence and its hint, a line each."""
    from wheelhouse.report import error_lines

    for line in error_lines(error):
        echo(line, err=True)


def end_with(error: WheelhouseError | None, *, as_json: bool) -> None:
    """End a command that did a part of its work with the error of the rest; nothing if there is none.

    Raises the error itself. With `as_json`, whose document has the error already, prints it to stderr and raises typer.Exit.
    """
    if error is None:
        return
    if not as_json:
        raise error
    say_error(error)
    raise typer.Exit(error.exit_code)


def passphrase_of(path: Path) -> str:
    """The passphrase of the key in a file, typed unseen on the terminal. Raises InputError if there is no terminal."""
    if not sys.stdin.isatty():
        hint = "run the command in a terminal, or use a key without a passphrase"
        raise InputError(f"the key `{path}` has a passphrase, which you can type only in a terminal", hint=hint)
    return str(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))


def must_confirm(question: str) -> None:
    """Ask on the terminal.

    Raises InputError, which says that nothing was signed, for a no. Without a terminal nothing is asked: that is a yes.
    """
    if sys.stdin.isatty() and not typer.confirm(question, err=True):
        raise InputError("nothing was signed", hint="repeat the command if you want to sign")


def must_agree(sentence: str) -> None:
    """Ask on the terminal whether to continue. Raises InputError for a no, and if there is no terminal.

    The error has this sentence, and a hint that --replace continues without a question.
    """
    if not sys.stdin.isatty() or not typer.confirm(f"{sentence}. Continue?", err=True):
        raise InputError(sentence, hint="to continue without a question, add --replace")
