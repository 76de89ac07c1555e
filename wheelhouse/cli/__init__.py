"""The command line: parse, call one step, render, exit with the documented code. Imports what a command needs, no more.

`options` declares every shared option once, `session` opens what commands share, `entry` turns what ends a run into an exit code.
"""

from wheelhouse.cli.entry import main

__all__ = ["main"]
