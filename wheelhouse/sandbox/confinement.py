"""What every kind of sandbox of this machine shares: the view of the system, the limits, and how privileges are dropped."""

import itertools
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from wheelhouse.errors import MachineError
from wheelhouse.sandbox.sandbox import SYSTEM_PATH, Limits, SandboxCommand

SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
DEVICES = ("null", "zero", "full", "random", "urandom")
OUTER_ENVIRONMENT = {"PATH": SYSTEM_PATH}
"""The environment of the programs that make a sandbox: the command's own variables must not choose these programs."""
_users = itertools.count()


def find_program(name: str, path: str = SYSTEM_PATH) -> str:
    """The path of a program. Raises MachineError if it is not installed."""
    found = shutil.which(name, path=path)
    if found is None:
        raise MachineError(f"`{name}` is not installed")
    return found


def confined(command: SandboxCommand, privileges: Sequence[str]) -> list[str]:
    """The command with its limits, without privileges, and with only its own environment.

    Each program is named by its path: a program of the same name on the command's PATH would run before privileges are dropped.
    """
    variables = [f"{name}={value}" for name, value in command.environment.items()]
    return [find_program("env"), "-i", *variables, *prlimit(command.limits), *privileges, *command.argv]


def prlimit(limits: Limits) -> list[str]:
    """The start of a command line that sets the limits of one process."""
    words = [f"--as={limits.memory}", f"--nproc={limits.processes}", "--core=0", "--nofile=4096"]
    return [find_program("prlimit"), *words]


def drop_privileges() -> list[str]:
    """The start of a command line that drops all privileges for good. Root becomes another user, because root is exempt from
    the limit on processes.

    That limit counts all processes of a user, so each sandbox has a user of its own.
    """
    words = [find_program("setpriv"), "--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"]
    if os.geteuid() == 0:
        user = str(0x40000000 | (os.getpid() & 0xFFFF) << 12 | next(_users) & 0xFFF)
        words += ["--reuid", user, "--regid", user, "--clear-groups"]
    return words


def system_links() -> dict[str, str]:
    """The system's folders that are links, such as `/lib`, and their targets."""
    return {link: str(Path(link).readlink()) for link in SYSTEM_LINKS if Path(link).is_symlink()}


def shown_files(command: SandboxCommand) -> dict[str, Path]:
    """Everything that a sandbox shows read-only: the system's programs and libraries, then the command's own files."""
    folders = [Path(link) for link in SYSTEM_LINKS if Path(link).is_dir() and not Path(link).is_symlink()]
    system = [*(Path(path) for path in SYSTEM_FILES if Path(path).exists()), *folders]
    return {str(path): path for path in system} | dict(command.shown)
