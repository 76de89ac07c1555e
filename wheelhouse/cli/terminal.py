"""What is printed: lines in which no server, lock or archive can give a terminal orders, wherever stdout and stderr lead."""

import io
import os
import re
import sys

ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and those that turn the direction of text."""


def plain(text: str) -> str:
    r"""The text with each order for a terminal spelled out: `\x1b`."""
    return ORDERS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def echo(line: str, *, err: bool = False) -> None:
    """Print a line to stdout, or to stderr."""
    write(plain(line), err=err)


def write(text: str, *, err: bool = False) -> None:
    """Print a text that orders nothing. Where nobody reads any more (`| head`), the command goes on, and ends as it would."""
    stream = sys.stderr if err else sys.stdout  # click's echo takes ASCII for a mistake, and writes UTF-8
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def open_streams() -> None:
    """Make the standard streams usable: a closed one leads nowhere, and what an encoding lacks is spelled out.

    Else the next file that is opened would take the place of a closed stdout, and be printed into.
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
