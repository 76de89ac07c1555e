"""Runs in the new namespaces of unshare(1), under wheelhouse's own Python: arranges the files, drops all privileges for good,
and becomes the command.

Nothing of wheelhouse is importable here, and after the mounts nothing at all, so every module is imported first. Arguments: the
settings as JSON, the shell script that makes the mounts, and the command line.
"""

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
from typing import Any

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 22, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL, SECCOMP_MODE_FILTER = 4, 2
CLONE_NEWUSER = 0x10000000
CAPABILITY_VERSION = 0x20080522
LAST_CAPABILITY = 63
"""Constants of prctl(2), clone(2) and capset(2). There are at most 64 capabilities."""
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
"""Constants of netdevice(7)."""

libc = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
    """A `struct sock_fprog`: how many instructions a filter has, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def must(result: int, what: str) -> None:
    """End the process, with the error on stderr, if a call of the C library failed."""
    if result != 0:
        raise SystemExit(f"{what}: {os.strerror(ctypes.get_errno())}")


def bring_loopback_up() -> None:
    """Bring up the loopback device of the new network namespace, as bubblewrap does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as interface:
        fcntl.ioctl(interface, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def become(user: int, group: int, *, in_namespace: bool) -> None:
    """Become a user for good, and drop all capabilities: in a nested user namespace that maps the root of this one to the user,
    or without one if root started the sandbox. No program can give privileges back.
    """
    if in_namespace:
        must(libc.unshare(CLONE_NEWUSER), "unshare")
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} 0 1"), ("gid_map", f"{group} 0 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # EINVAL for those that this kernel does not have
    if not in_namespace:
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header, no_capabilities = struct.pack("<Ii", CAPABILITY_VERSION, 0), bytes(24)
    must(libc.capset(header, no_capabilities), "capset")
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")


def die_with_parent(read_end: int, write_end: int) -> None:
    """Let the kernel kill this process, and with it the namespace, when its parent ends.

    A change of user clears that signal, so it is set last. The parent holds the pipe's other write end: if it is closed, the
    parent ended before, and this process ends. Closes both ends of the pipe.
    """
    must(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "parent death signal")
    os.close(write_end)
    poll = select.poll()
    poll.register(read_end, 0)
    if poll.poll(0):
        raise SystemExit("the parent process has ended")
    os.close(read_end)


def limit(limits: dict[str, int]) -> None:
    """Set limits of each process: address space, processes of its user, open files; no core dump. Lower hard limits stay."""
    values = {resource.RLIMIT_AS: limits["memory"], resource.RLIMIT_NPROC: limits["processes"]}
    for which, value in {**values, resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: limits["files"]}.items():
        _, most = resource.getrlimit(which)
        least = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(which, (least, least))


def apply_filter(filter_program: bytes) -> None:
    """Load a seccomp filter, for this process and all that it starts. Ends the process if that fails."""
    program = Program(len(filter_program) // 8, filter_program)
    must(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0), "seccomp")


def restore_signals() -> None:
    """Give SIGPIPE and SIGXFSZ their default effect again: Python ignores them at its start, and programs inherit that."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def main() -> None:
    """Make the sandbox around this process, and become the command."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    script, argv = sys.argv[2], sys.argv[3:]
    filter_program = b""
    if settings["filter"]:
        with open(settings["filter"], "rb") as file:
            filter_program = file.read()
    bring_loopback_up()
    if code := subprocess.call(["/bin/sh", "-c", script, "sandbox"]):
        raise SystemExit(code)
    os.chdir(settings["work"])
    become(settings["user"], settings["group"], in_namespace=settings["in-namespace"])
    die_with_parent(*settings["alive"])
    limit(settings["limits"])
    if filter_program:
        apply_filter(filter_program)
    restore_signals()
    os.execvpe(argv[0], argv, settings["environment"])


if __name__ == "__main__":
    main()
