"""What every kind of sandbox of this machine shares: the view of the system, the limits, the seccomp filter."""

import itertools
import os
import resource
import shutil
import sys
from functools import cache
from pathlib import Path

from wheelhouse.errors import MachineError
from wheelhouse.sandbox import seccomp
from wheelhouse.sandbox.sandbox import SYSTEM_PATH, Limits, SandboxCommand

SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
DEVICES = ("null", "zero", "full", "random", "urandom")
OUTER_ENVIRONMENT = {"PATH": SYSTEM_PATH}
"""The environment of the programs that make a sandbox: the command's own variables must not choose these programs."""
FILTER = Path(seccomp.__file__).with_name("seccomp.bpf")
_users = itertools.count()


def find_program(name: str, path: str = SYSTEM_PATH) -> str:
    """The path of a program, on the system's PATH by default. Raises MachineError if it is not installed."""
    found = shutil.which(name, path=path)
    if found is None:
        raise MachineError(f"`{name}` is not installed")
    return found


def find_filter() -> Path | None:
    """The path of the seccomp filter; None if it has no part for this machine, or if this kernel has no seccomp."""
    is_known = os.uname().machine in seccomp.ARCHITECTURES and sys.maxsize > 1 << 32
    return FILTER if is_known and _kernel_filters() else None


@cache
def _kernel_filters() -> bool:
    """Whether this kernel has seccomp (proc(5): the field exists only then)."""
    try:
        return "\nSeccomp:" in Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def hidden_files() -> list[str]:
    """The files of /proc to hide that this machine has: the names of a user's keys belong to no namespace."""
    return [path for path in ("/proc/keys", "/proc/key-users") if Path(path).exists()]


def own_user() -> int:
    """A new user id for one sandbox of root's: root is exempt from the limit on processes, which counts all processes of a user."""
    return 0x40000000 | (os.getpid() & 0xFFFF) << 12 | next(_users) & 0xFFF


def prlimit(limits: Limits) -> list[str]:
    """The start of a command line that sets the limits of one process: address space, processes of its user, open files, no
    core dump. Lower hard limits of this process stay. Raises MachineError if the program is not installed.
    """
    wanted = {
        "as": (resource.RLIMIT_AS, limits.memory),
        "nproc": (resource.RLIMIT_NPROC, limits.processes),
        "core": (resource.RLIMIT_CORE, 0),
        "nofile": (resource.RLIMIT_NOFILE, limits.files),
    }
    return [find_program("prlimit"), *(f"--{name}={_allowed(which, value)}" for name, (which, value) in wanted.items())]


def _allowed(which: int, value: int) -> int:
    """A limit, or the hard limit of this process if that is lower: only root could raise it."""
    _, most = resource.getrlimit(which)
    return value if most == resource.RLIM_INFINITY else min(value, most)


def system_links() -> dict[str, str]:
    """The system's folders that are links, such as `/lib`, with the text of each link."""
    return {link: str(Path(link).readlink()) for link in SYSTEM_LINKS if Path(link).is_symlink()}


def shown_files(command: SandboxCommand) -> dict[str, Path]:
    """Everything that a sandbox shows read-only, by the path inside: the system's programs and libraries, then the command's own files."""
    folders = [Path(link) for link in SYSTEM_LINKS if Path(link).is_dir() and not Path(link).is_symlink()]
    system = [*(Path(path) for path in SYSTEM_FILES if Path(path).exists()), *folders]
    return {str(path): path for path in system} | dict(command.shown)
