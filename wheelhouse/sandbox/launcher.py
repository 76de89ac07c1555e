"""Runs before each sandbox, under wheelhouse's own Python: starts the program that makes the sandbox, and watches over it.

Nothing of wheelhouse is importable here. The first argument is the request, as JSON: the `parent`'s process id, the command to run
`after` the parent's end, the files by which to join `cgroups`, the files to `open` by descriptor, the two descriptors of a `pipe`
or none. The others are that program's command line.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys

PR_SET_PDEATHSIG, KEYCTL_JOIN_SESSION_KEYRING = 1, 1
"""Constants of prctl(2) and keyctl(2)."""
KEYCTL = {"x86_64": 250, "aarch64": 219, "ppc64le": 271, "s390x": 280, "riscv64": 219, "armv7l": 311, "i686": 288}
"""The number of keyctl by machine."""


def fork_below_watcher(libc: ctypes.CDLL, parent: int, after: list[str]) -> None:
    """Return in a child process. The process itself waits for the child, and ends as it does. When its parent ends, or on SIGTERM, it
    runs the command `after`, if there is one, and kills its process group.

    The program that makes a sandbox cannot do this alone: bubblewrap's inner process asks for its parent death signal only
    after its mounts, so if the outer one is killed before, the sandbox would stay. Both are in the process group that is killed.
    """

    def kill_all(*_: object) -> None:
        """Run the command `after`, if there is one, and kill the process group, this process too."""
        if after:
            os.waitpid(os.posix_spawn(after[0], after, os.environ), 0)
        os.killpg(0, signal.SIGKILL)

    signal.signal(signal.SIGTERM, kill_all)
    die_with_parent(libc, parent, signal.SIGTERM)
    watcher = os.getpid()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent(libc, watcher, signal.SIGKILL)
        return
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        with contextlib.suppress(OSError):  # of SIGKILL nothing can be set
            signal.signal(-code, signal.SIG_DFL)
        os.kill(watcher, -code)
    os._exit(code)


def die_with_parent(libc: ctypes.CDLL, parent: int, number: int) -> None:
    """Let the kernel send this process a signal when its parent ends, even by SIGKILL. Ends it at once if the parent has ended."""
    libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the parent process has ended")


def leave_session_keyring(libc: ctypes.CDLL) -> None:
    """Join a new, empty session keyring: the user's own has passwords and tickets, and no namespace hides it.

    Nothing on a machine whose number of keyctl is unknown; a failure is ignored.
    """
    if number := KEYCTL.get(os.uname().machine):
        libc.syscall(ctypes.c_long(number), ctypes.c_long(KEYCTL_JOIN_SESSION_KEYRING), None)


def restore_signals() -> None:
    """Give SIGPIPE and SIGXFSZ their default effect again: Python ignores them at its start, and programs inherit that."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def main() -> None:
    """Become the command in a child process, with the requested cgroups, files and pipe, umask 022 and an empty keyring.

    This process watches over it, and the kernel kills it first when memory runs out.
    """
    request = json.loads(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    fork_below_watcher(libc, request["parent"], request["after"])
    leave_session_keyring(libc)
    os.umask(0o022)  # builds must not depend on the user's own umask
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")  # if memory runs out, the kernel kills the sandbox's processes first
    for path in request["cgroups"]:
        with open(path, "w", encoding="ascii") as file:
            file.write("0")
    for descriptor, path in request["open"]:
        os.dup2(os.open(path, os.O_RDONLY), descriptor, inheritable=True)
    if request["pipe"]:
        for end, descriptor in zip(os.pipe(), request["pipe"], strict=True):
            os.dup2(end, descriptor, inheritable=True)
    restore_signals()
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
