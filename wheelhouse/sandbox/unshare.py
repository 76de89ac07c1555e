"""A sandbox made by programs of util-linux, in namespaces of its own."""

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelhouse.sandbox import confine
from wheelhouse.sandbox.confinement import (
    DEVICES,
    OUTER_ENVIRONMENT,
    find_filter,
    find_program,
    hidden_files,
    own_user,
    shown_files,
    system_links,
)
from wheelhouse.sandbox.sandbox import ALIVE_DESCRIPTORS, WORK, SandboxArgv, SandboxCommand

CONFINE = Path(confine.__file__)


class Unshare:
    """A sandbox made by unshare(1) and mount(8), and closed by `confine`."""

    name = "unshare"

    @property
    def has_filter(self) -> bool:
        """Whether this machine can load the seccomp filter."""
        return find_filter() is not None

    def wrap(self, command: SandboxCommand, folder: Path) -> SandboxArgv:
        """The command line of unshare(1); `folder` becomes the sandbox's root. Raises MachineError if the program is not installed."""
        namespaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
        if os.geteuid() != 0:
            namespaces += ["--user", "--map-root-user"]
        python = [sys.executable, "-I", "-S", "-B", str(CONFINE)]
        inner = [*python, json.dumps(_settings(command)), _mount_script(command, folder), *command.argv]
        return SandboxArgv([find_program("unshare"), *namespaces, "--", *inner], OUTER_ENVIRONMENT, alive=True)


def _settings(command: SandboxCommand) -> dict[str, object]:
    """The settings of `confine`, to be written as JSON: user, limits, system call filter, environment; the mounts are in the script.

    Mounts need a root. If an ordinary user runs this, a nested namespace maps that root back to the user.
    """
    root, limits, seccomp = os.geteuid() == 0, command.limits, find_filter()
    user = own_user()
    return {
        "in-namespace": not root,
        "user": user if root else os.geteuid(),
        "group": user if root else os.getegid(),
        "limits": {"memory": limits.memory, "processes": limits.processes, "files": limits.files},
        "filter": str(seccomp) if seccomp else None,
        "alive": ALIVE_DESCRIPTORS,
        "work": WORK,
        "environment": dict(command.environment),
    }


def _mount_script(command: SandboxCommand, root: Path) -> str:
    """The text of the shell script that makes an empty folder the sandbox's root."""
    top = shlex.quote(str(root))
    lines = [
        "set -eu",
        f"mount -t tmpfs -o size=1m,mode=755,nosuid,nodev sandbox {top}",
        f"cd {top}",
        f"mkdir -p proc dev old .{WORK}",
    ]
    mounts = _mounts()
    for inside, outside in shown_files(command).items():
        folder, place = (inside, ":") if outside.is_dir() else (str(Path(inside).parent), f": > {_inside(inside)}")
        lines += [f"mkdir -p {_inside(folder)}", place, *_read_only(inside, outside, mounts)]
    lines += [f"ln -s {shlex.quote(target)} .{link}" for link, target in system_links().items()]
    lines += [
        "mount -t proc proc proc",
        *(f"mount -o bind /dev/null .{path}" for path in hidden_files()),
        f"ln -s {WORK} dev/shm",
        f"ln -s {WORK} tmp",
    ]
    lines += [f": > dev/{name}; mount -o bind /dev/{name} dev/{name}" for name in DEVICES]
    lines += [f"mount -t tmpfs -o size={command.limits.disk},mode=1777,nosuid,nodev work .{WORK}"]
    lines += [
        "pivot_root . old",
        "umount -l /old",
        "rmdir /old",
        "mount -o remount,bind,ro,nosuid,nodev /",
    ]
    return "\n".join(lines)


def _inside(place: str) -> str:
    """An absolute path of the sandbox, quoted for a shell, relative to the root that is being made."""
    return shlex.quote(f".{place}")


@dataclass(frozen=True, slots=True)
class _Mount:
    number: int
    parent: int
    point: Path
    options: frozenset[str]

    @property
    def read_only(self) -> str:
        """The options of `mount` that make it read-only: `ro,nosuid,nodev`, and `noexec` if it has that, which a user may not remove."""
        return ",".join(("ro", "nosuid", "nodev", *sorted({"noexec"} & self.options)))


def _mounts() -> list[_Mount]:
    """This machine's mounts, each after its parent (proc(5))."""
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    fields = (line.split(" ", 6) for line in text.splitlines())
    return [_Mount(int(row[0]), int(row[1]), Path(_unescaped(row[4])), frozenset(row[5].split(","))) for row in fields]


def _unescaped(path: str) -> str:
    r"""A path of mountinfo without its escapes: a space is written `\040` there."""
    plain = re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), os.fsencode(path))
    return os.fsdecode(plain)


def _read_only(inside: str, outside: Path, mounts: Sequence[_Mount]) -> Iterator[str]:
    """Shell lines that bind a file or folder read-only, with every mount below it. Links in `outside` are resolved."""
    source = Path(os.path.realpath(outside))
    around = [mount for mount in mounts if source.is_relative_to(mount.point)]
    top = max(reversed(around), key=lambda mount: len(mount.point.parts))
    yield f"mount -o rbind,{top.read_only} {shlex.quote(str(source))} {_inside(inside)}"
    copied = {top.number}
    for mount in mounts:
        if mount.parent in copied and source in mount.point.parents:
            copied.add(mount.number)
            yield f"mount -o remount,bind,{mount.read_only} {_inside(f'{inside}/{mount.point.relative_to(source)}')}"
