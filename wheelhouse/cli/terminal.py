"""Printing: no text of a server, lock file or archive can control the terminal, and no state of the streams ends a run."""

import io
import os
import sys

from wheelhouse.humanize import plain


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
