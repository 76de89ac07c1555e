"""Printing: no text of a server, lock file or archive can control the terminal, and no state of the streams ends a run.

On a terminal, the word that a line begins with has a colour. NO_COLOR (no-color.org) and TERM=dumb switch it off.
"""

import io
import os
import re
import sys
from typing import TextIO

from wheelhouse.humanize import plain

COLOURS = {
    "error": "1;31",
    "broken": "1;31",
    "warning": "1;33",
    "missing": "33",
    "good": "32",
    "hint": "36",
    "note": "36",
}
"""The words that lines begin with, and the parameters of their colours (ECMA-48, SGR)."""
FIRST_WORD = re.compile(rf"\A *({'|'.join(COLOURS)})(?=[: ])")


def coloured(line: str, stream: TextIO) -> str:
    """A line for a stream. Its first word gets a colour if it is one of COLOURS, and the stream is a terminal that shows colours."""
    has_colours = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    if not has_colours:
        return line
    return FIRST_WORD.sub(lambda match: f"\x1b[{COLOURS[match[1]]}m{match[0]}\x1b[0m", line, count=1)


def echo(line: str, *, err: bool = False) -> None:
    """Print a line to stdout, or to stderr, with its control characters spelled out, and with a colour on a terminal."""
    write(coloured(plain(line), sys.stderr if err else sys.stdout), err=err)


def write(text: str, *, err: bool = False) -> None:
    """Print a text and a line end as they are: the text has no control character of others.

    If the reader has gone (`| head`), the stream leads to /dev/null from now on, and the command continues.
    """
    stream = sys.stderr if err else sys.stdout  # click's echo writes UTF-8 to an ASCII stream
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def open_streams() -> None:
    """Make the standard streams usable: a closed one leads to /dev/null, and characters that it cannot encode are spelled out.

    Otherwise the next file that is opened would become the closed stdout, and get what is printed.
    """
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
