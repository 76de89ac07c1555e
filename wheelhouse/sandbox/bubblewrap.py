"""A sandbox made by bubblewrap (`bwrap`)."""

import os
from pathlib import Path

from wheelhouse.sandbox.confinement import (
    DEVICES,
    OUTER_ENVIRONMENT,
    confined,
    drop_privileges,
    find_program,
    shown_files,
    system_links,
)
from wheelhouse.sandbox.sandbox import WORK, SandboxArgv, SandboxCommand


class Bubblewrap:
    """A sandbox made by bubblewrap. As root it keeps the capabilities to become another user, then drops them."""

    name = "bubblewrap"

    def wrap(self, command: SandboxCommand, folder: Path) -> SandboxArgv:
        """The command line. `folder` is not used."""
        root = os.geteuid() == 0
        parts = [find_program("bwrap"), *_namespaces(root=root), "--die-with-parent", "--new-session"]
        parts += [*_mounts(command), "--chdir", WORK, "--"]
        return SandboxArgv([*parts, *confined(command, drop_privileges() if root else [])], OUTER_ENVIRONMENT)


def _namespaces(*, root: bool) -> list[str]:
    words = ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL"]
    if not root:
        return [*words, "--unshare-user"]
    return words + [word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")]


def _mounts(command: SandboxCommand) -> list[str]:
    """The options that arrange the files of a sandbox."""
    parts: list[str] = []
    shown = shown_files(command)
    for parent in sorted({str(parent) for inside in [*shown, WORK] for parent in Path(inside).parents} - {"/"}):
        parts += ["--perms", "0755", "--dir", parent]
    for inside, outside in shown.items():
        parts += ["--ro-bind", str(outside), inside]
    for link, target in system_links().items():
        parts += ["--symlink", target, link]
    parts += ["--proc", "/proc", "--perms", "0755", "--size", str(1 << 20), "--tmpfs", "/dev"]
    for name in DEVICES:
        parts += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    parts += ["--symlink", WORK, "/dev/shm", "--symlink", WORK, "/tmp", "--remount-ro", "/dev"]  # noqa: S108
    return [*parts, "--perms", "1777", "--size", str(command.limits.disk), "--tmpfs", WORK, "--remount-ro", "/"]
