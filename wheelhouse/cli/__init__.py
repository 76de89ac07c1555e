"""The command line: parse, call one step, render, exit with the documented code. Imports what a command needs, no more.

`options` declares every shared option once, `session` opens what commands share, `entry` turns what ends a run into an exit code.
"""

import sys
from typing import NoReturn

NO_MACHINE = 6
"""The exit code of MachineError. Nothing of wheelhouse that needs a POSIX system is imported before the system is known."""


def main() -> NoReturn:
    """The `wheelhouse` command: run it and exit. Windows is refused: folder locks, permissions and sandboxes are those of POSIX."""
    system: str = sys.platform
    if system == "win32":
        sys.stderr.write(
            "error: wheelhouse runs on Linux and macOS, but this is Windows\n"
            "hint: run it in WSL 2; --platform windows/amd64 fetches wheels for Windows\n"
        )
        sys.exit(NO_MACHINE)
    from wheelhouse.cli.entry import main as run_and_exit

    run_and_exit()
