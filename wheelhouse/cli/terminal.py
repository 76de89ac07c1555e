"""Printing: no text of a server, lock file or archive can control the terminal, and no state of the streams ends a run."""

import io
import os
import re
import sys

CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""All but tab and line feed; and those that change the direction of text."""


def plain(text: str) -> str:
    r"""The text with each control character spelled out: `\x1b`."""
    return CONTROL_CHARACTERS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def echo(line: str, *, err: bool = False) -> None:
    """Print a line to stdout, or to stderr."""
    write(plain(line), err=err)


def write(text: str, *, err: bool = False) -> None:
    """Print a text without control characters. If the reader has gone (`| head`), the command continues all the same."""
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
