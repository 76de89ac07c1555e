"""A sandbox made by the programs of util-linux, in namespaces of its own."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
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

LOOPBACK_UP = """\
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as interface:
    fcntl.ioctl(interface, 0x8914, struct.pack("16sh14x", b"lo", 1))
"""
"""Brings the loopback device of a new network namespace up (SIOCSIFFLAGS, IFF_UP; netdevice(7)), as bubblewrap does."""


class Unshare:
    """A sandbox made by unshare(1), mount(8) and setpriv(1)."""

    name = "unshare"

    def wrap(self, command: SandboxCommand, folder: Path) -> SandboxArgv:
        """The command line; `folder` becomes the sandbox's root."""
        namespaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
        if os.geteuid() != 0:
            namespaces += ["--user", "--map-root-user"]
        script = ["/bin/sh", "-c", _mount_script(command, folder), "sandbox"]
        inner = confined(command, [*_own_user(), *drop_privileges()])
        return SandboxArgv([find_program("unshare"), *namespaces, "--", *script, *inner], OUTER_ENVIRONMENT)


@cache
def _own_user() -> tuple[str, ...]:
    """Map the root of the user namespace, which mounts needed, back to the user, in a nested namespace.

    The capabilities are kept until `drop_privileges` drops them for good. An unshare older than 2.36 cannot do this: there the
    user stays a root without capabilities.
    """
    program = find_program("unshare")
    usage = subprocess.run([program, "--help"], env={"LC_ALL": "C"}, capture_output=True, check=False).stdout
    if os.geteuid() == 0 or b"--keep-caps" not in usage or b"--map-user" not in usage:
        return ()
    return (program, "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--keep-caps", "--")


def _mount_script(command: SandboxCommand, root: Path) -> str:
    """The shell script that makes an empty folder the sandbox's root, and then becomes the command."""
    top = shlex.quote(str(root))
    lines = ["set -eu", shlex.join([sys.executable, "-I", "-S", "-c", LOOPBACK_UP])]
    lines += [
        f"mount -t tmpfs -o size=1m,mode=755,nosuid,nodev sandbox {top}",
        f"cd {top}",
        f"mkdir -p proc dev old .{WORK}",
    ]
    mounts = _mounts()
    for inside, outside in shown_files(command).items():
        folder, place = (inside, ":") if outside.is_dir() else (str(Path(inside).parent), f": > {_inside(inside)}")
        lines += [f"mkdir -p {_inside(folder)}", place, *_read_only(inside, outside, mounts)]
    lines += [f"ln -s {shlex.quote(target)} .{link}" for link, target in system_links().items()]
    lines += ["mount -t proc proc proc", f"ln -s {WORK} dev/shm", f"ln -s {WORK} tmp"]
    lines += [f": > dev/{name}; mount -o bind /dev/{name} dev/{name}" for name in DEVICES]
    lines += [f"mount -t tmpfs -o size={command.limits.disk},mode=1777,nosuid,nodev work .{WORK}"]
    lines += [
        "pivot_root . old",
        "umount -l /old",
        "rmdir /old",
        "mount -o remount,bind,ro,nosuid,nodev /",
        f"cd {WORK}",
        'exec "$@"',
    ]
    return "\n".join(lines)


def _inside(place: str) -> str:
    return shlex.quote(f".{place}")


@dataclass(frozen=True, slots=True)
class _Mount:
    number: int
    parent: int
    point: Path
    options: frozenset[str]

    @property
    def read_only(self) -> str:
        """The options that make it read-only. A user may not remove `noexec` from a mount, so it is kept."""
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
    """Shell lines that bind a file or folder read-only, with every mount below it."""
    source = Path(os.path.realpath(outside))
    around = [mount for mount in mounts if source.is_relative_to(mount.point)]
    top = max(reversed(around), key=lambda mount: len(mount.point.parts))
    yield f"mount -o rbind,{top.read_only} {shlex.quote(str(source))} {_inside(inside)}"
    copied = {top.number}
    for mount in mounts:
        if mount.parent in copied and source in mount.point.parents:
            copied.add(mount.number)
            yield f"mount -o remount,bind,{mount.read_only} {_inside(f'{inside}/{mount.point.relative_to(source)}')}"
