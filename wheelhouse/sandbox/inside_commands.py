"""Run inside the sealed room (Python 3.6 and newer): one command after another, each with its time and what it says.

Nothing of wheelhouse is importable here. The one argument is the order, as JSON: `commands`, and the folders to `make` first.
stdout has the answer: a line of JSON for each command that was run. After one that is vital and fails, none is run.
"""

import json
import os
import subprocess
import sys
import time

MOST = 4 << 20
"""Bytes kept of what a command says: its end."""


def main() -> None:
    """Answer the order."""
    order = json.loads(sys.argv[1])
    for folder in order["make"]:
        os.makedirs(folder, exist_ok=True)
    for command in order["commands"]:
        started = time.time()
        environment = dict(os.environ, **command["environment"])
        try:
            ran = subprocess.Popen(
                command["argv"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            said, code = ran.communicate()[0], ran.returncode
        except OSError as error:
            said, code = str(error).encode(), 127
        answer = {
            "name": command["name"],
            "code": code,
            "seconds": time.time() - started,
            "said": said[-MOST:].decode("utf-8", "replace"),
        }
        os.write(1, json.dumps(answer).encode() + b"\n")
        if code and command["vital"]:
            return


if __name__ == "__main__":
    main()
