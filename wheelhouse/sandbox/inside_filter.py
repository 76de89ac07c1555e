"""Runs in a container, under the image's Python: loads the seccomp filter, and becomes the command.

Arguments: the filter's path and the command line. It needs only the standard library, of Python 3.6 or newer. A Python without
ctypes, or another machine, goes on without the filter: the sandbox's proof says so.
"""

import contextlib
import os
import sys

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
"""Constants of prctl(2). The engine has set that no program gives new privileges, which the kernel wants first."""
MACHINES = ("x86_64", "aarch64")


def apply_filter(program: bytes) -> None:
    """Load a filter, for this process and all that it starts; a failure is ignored, as without `no_new_privs`, which must be
    set before, and so is a Python without ctypes.
    """
    with contextlib.suppress(ImportError):
        import ctypes  # noqa: PLC0415  (some Pythons have none)

        class Program(ctypes.Structure):
            """A `struct sock_fprog`: how many instructions a filter has, and where they are."""

            _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

        given = Program(len(program) // 8, program)
        ctypes.CDLL(None).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(given), 0, 0)


def main() -> None:
    """Load the filter if it knows this machine, and become the command."""
    path, argv = sys.argv[1], sys.argv[2:]
    if os.uname().machine in MACHINES and sys.maxsize > 1 << 32:
        with open(path, "rb") as file:
            apply_filter(file.read())
    os.execvp(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main()
