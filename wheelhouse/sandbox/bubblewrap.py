"""A sandbox made by bubblewrap (`bwrap`)."""

import os
import subprocess
from functools import cache
from pathlib import Path

from wheelhouse.sandbox.confinement import (
    DEVICES,
    OUTER_ENVIRONMENT,
    find_filter,
    find_program,
    hidden_files,
    own_user,
    prlimit,
    shown_files,
    system_links,
)
from wheelhouse.sandbox.sandbox import FILTER_DESCRIPTOR, WORK, SandboxArgv, SandboxCommand


class Bubblewrap:
    """A sandbox made by bubblewrap. As root it keeps the capabilities to become another user, then drops them."""

    name = "bubblewrap"

    @property
    def has_filter(self) -> bool:
        """Whether this machine can load the seccomp filter."""
        return find_filter() is not None

    def wrap(self, command: SandboxCommand, folder: Path) -> SandboxArgv:
        """The command line of bubblewrap. `folder` is not used. Raises MachineError if a program is not installed."""
        seccomp = find_filter()
        parts = [find_program("bwrap"), *_namespaces(), "--die-with-parent", "--new-session"]
        parts += ["--seccomp", str(FILTER_DESCRIPTOR)] if seccomp else []
        parts += [*_mounts(command), "--chdir", WORK, "--", *_confined(command)]
        return SandboxArgv(parts, OUTER_ENVIRONMENT, filter=seccomp)


def _namespaces() -> list[str]:
    """The options for namespaces and capabilities. As root there is no user namespace, and three capabilities are kept for the
    change of user.
    """
    words = ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL"]
    if os.geteuid() != 0:
        return [*words, "--unshare-user", *(["--disable-userns"] if _can_disable_namespaces() else [])]
    return words + [word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")]


@cache
def _can_disable_namespaces() -> bool:
    """Whether this bubblewrap can forbid new user namespaces: its help names `--disable-userns` (0.8.0 and newer)."""
    command = (find_program("bwrap"), "--help")
    return b"--disable-userns" in subprocess.run(command, env={}, capture_output=True, check=False).stdout


def _confined(command: SandboxCommand) -> list[str]:
    """The command after the programs that set its environment and limits, and as root drop its privileges.

    Each program is named by its path: a program of the same name on the command's PATH would run before privileges are dropped.
    """
    variables = [f"{name}={value}" for name, value in command.environment.items()]
    privileges = _drop_privileges() if os.geteuid() == 0 else []
    return [find_program("env"), "-i", *variables, *prlimit(command.limits), *privileges, *command.argv]


def _drop_privileges() -> list[str]:
    """The start of a command line that makes root another user, and drops all privileges for good."""
    words = [find_program("setpriv"), "--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"]
    user = str(own_user())
    return [*words, "--reuid", user, "--regid", user, "--clear-groups"]


def _mounts(command: SandboxCommand) -> list[str]:
    """The options that arrange the files of a sandbox: all shown files read-only, a few devices, and an empty work folder in memory."""
    parts: list[str] = []
    shown = shown_files(command)
    for parent in sorted({str(parent) for inside in [*shown, WORK] for parent in Path(inside).parents} - {"/"}):
        parts += ["--perms", "0755", "--dir", parent]
    for inside, outside in shown.items():
        parts += ["--ro-bind", str(outside), inside]
    for link, target in system_links().items():
        parts += ["--symlink", target, link]
    parts += ["--proc", "/proc", *[word for path in hidden_files() for word in ("--dev-bind", "/dev/null", path)]]
    parts += ["--perms", "0755", "--size", str(1 << 20), "--tmpfs", "/dev"]
    for name in DEVICES:
        parts += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    parts += ["--symlink", WORK, "/dev/shm", "--symlink", WORK, "/tmp", "--remount-ro", "/dev"]  # noqa: S108
    return [*parts, "--perms", "1777", "--size", str(command.limits.disk), "--tmpfs", WORK, "--remount-ro", "/"]
