"""Runs inside the sandbox (Python 3.6 and newer): one command after another, each with its time and its output.

Nothing of wheelhouse is importable here. The one argument is the request, as JSON: `commands`, and the folders to `make` first.
stdin has a secret. stdout has the answer: for each command that was run, in order, its signature (HMAC-SHA256 of its number and
the JSON), a space, and the result as JSON. After a failed vital command, the others are skipped.

The commands run code of packages, as the same user: that code may find a way to write to stdout, but it has no secret to sign with.
"""

import hmac
import json
import os
import subprocess
import sys
import time

try:
    import ctypes
except ImportError:  # a Python that was built without libffi
    ctypes = None  # type: ignore[assignment]

PR_SET_DUMPABLE = 4
"""A constant of prctl(2)."""

MAX_OUTPUT_BYTES = 4 << 20
"""How many bytes of a command's output are kept, from its end."""


def hide_memory() -> None:
    """Close this process's memory and descriptors to others of the same user, in /proc, too; nothing without ctypes."""
    if ctypes is not None:
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def signed(secret: bytes, number: int, answer: bytes) -> bytes:
    """A line of the answer, with its end: the signature (hexadecimal, of number and answer), a space, the answer."""
    signature = hmac.new(secret, b"%d " % number + answer, "sha256").hexdigest()
    return signature.encode() + b" " + answer + b"\n"


def main() -> None:
    """Run the commands of the request up to a vital one that fails, and write a signed line about each, with the last
    MAX_OUTPUT_BYTES of its output: code 127 if it cannot start.
    """
    hide_memory()
    secret = sys.stdin.buffer.read()
    request = json.loads(sys.argv[1])
    for folder in request["make"]:
        os.makedirs(folder, exist_ok=True)
    for number, command in enumerate(request["commands"]):
        started = time.time()
        environment = dict(os.environ, **command["environment"])
        try:
            process = subprocess.Popen(
                command["argv"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            output, code = process.communicate()[0], process.returncode
        except OSError as error:
            output, code = str(error).encode(), 127
        answer = {
            "name": command["name"],
            "code": code,
            "seconds": time.time() - started,
            "output": output[-MAX_OUTPUT_BYTES:].decode("utf-8", "replace"),
        }
        sys.stdout.buffer.write(signed(secret, number, json.dumps(answer).encode()))
        sys.stdout.buffer.flush()
        if code and command["vital"]:
            return


if __name__ == "__main__":
    main()
