"""The sandbox that builds and installs run in: no network, a read-only view of what it needs, its own HOME and TMP, limits.

Every kind of sandbox is a class with the interface `Sandbox`: `bubblewrap`, `unshare`, `container`, `unsealed`. All but the last
give a command the same view: its own environment and nothing else, the work folder as the working directory, the same devices,
and the shown files, read-only; `tests/sandbox/test_seals.py` holds them to it. `builder.HOST_SANDBOXES` lists those that are
tried by default.

`launcher` starts each: it leaves the user's session keyring, joins a cgroup if this user can make one (else memory is measured four
times a second), and becomes bubblewrap or unshare(1), whose sandbox `confine` closes. Both load the seccomp filter of `seccomp`.
A wheel comes out through stdout, so nothing else survives. As root, each sandbox gets a user of its own, because root is exempt
from the process limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

HERE = "/wheelhouse"
WORK = f"{HERE}/work"
"""The only writable folder of a sandbox; `/tmp` is another name for it."""
FILTER_DESCRIPTOR, ALIVE_DESCRIPTORS = 10, (11, 12)
"""Numbers of file descriptors that the program that makes a sandbox gets."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one run: wall time in seconds; memory of all its processes, disk, answer and log in bytes; processes; open
    files of each process.
    """

    seconds: float = 3600
    memory: int = 8 << 30
    disk: int = 8 << 30
    processes: int = 512
    files: int = 4096
    answer: int = 2 << 30
    log: int = 32 << 20


@dataclass(frozen=True, slots=True)
class SandboxCommand:
    """One run: argv, the whole environment, and the files and folders shown read-only, by their path inside.

    Paths in `argv` and `environment` are paths inside the sandbox. `stdin` is what the command reads there: at most 64 KiB.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    shown: Mapping[str, Path]
    limits: Limits
    stdin: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """How a run ended. `stopped` gives the reason in words if the sandbox killed it; `limited_by` says what held its memory then:
    `cgroup` or `measurement`.
    """

    code: int
    stopped: str | None
    log: bytes
    limited_by: str = ""


@dataclass(frozen=True, slots=True)
class SandboxArgv:
    """The command line that runs a command in a sandbox, its environment, and a clean-up command to run afterwards, if any.

    `filter` is a seccomp filter to open at FILTER_DESCRIPTOR; with `alive` there is a pipe at ALIVE_DESCRIPTORS, which tells
    whether the program that makes the sandbox still runs. With `elsewhere` the command runs below another process than this
    command line's, as a container does, which then limits its memory.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    after: Sequence[str] = ()
    filter: Path | None = None
    alive: bool = False
    elsewhere: bool = False


class Sandbox(Protocol):
    """A kind of sandbox: a way to run a command with no network, no privileges and limits."""

    @property
    def name(self) -> str:
        """What lock files call it; empty if it seals nothing."""

    @property
    def has_filter(self) -> bool:
        """Whether it loads wheelhouse's seccomp filter on this machine."""

    def wrap(self, command: SandboxCommand, folder: Path) -> SandboxArgv:
        """The command line that runs a command in the sandbox; `folder` is empty, and for its own use.

        Raises MachineError if this machine lacks what the sandbox is made with.
        """


def path_inside(sandbox: Sandbox, inside: str, outside: Path) -> str:
    """The path that a command sees: `inside`, or `outside` if nothing seals the sandbox."""
    return inside if sandbox.name else str(outside)
