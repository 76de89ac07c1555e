"""No sandbox at all: what the user asks for with `--unsealed`."""

import re
import shutil
from pathlib import Path

from wheelhouse.sandbox.confinement import prlimit
from wheelhouse.sandbox.sandbox import SYSTEM_PATH, WORK, SandboxArgv, SandboxCommand

BEFORE_PATH = r"""(?:(?<![^\s"'=:,;(\[{])|(?<=file://))"""
"""Where a path in a word begins: at its start, after a blank, a quote or a separator, and in an address of a file."""


class Unsealed:
    """No sandbox: the command has this user's files and network. Only its time, memory and environment are limited."""

    name = ""
    has_filter = False

    def wrap(self, command: SandboxCommand, folder: Path) -> SandboxArgv:
        """The command line and the environment, with paths outside in the place of paths inside, also within words; `folder`
        is the work folder.

        A path inside that is the end or the middle of another path stays as it is. Its limits are left out if prlimit(1) is not installed.
        """
        places = {inside: str(outside) for inside, outside in command.shown.items()} | {WORK: str(folder)}
        longest_first = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
        inside = re.compile(rf"{BEFORE_PATH}({longest_first})(?![\w.-])")

        def outside(text: str) -> str:
            """A text in which each path inside is replaced by its path outside."""
            return inside.sub(lambda match: places[match[1]], text)

        limits = prlimit(command.limits) if shutil.which("prlimit", path=SYSTEM_PATH) else []
        environment = {name: outside(value) for name, value in command.environment.items()}
        return SandboxArgv([*limits, *map(outside, command.argv)], environment)
