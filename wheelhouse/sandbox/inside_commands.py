"""Runs inside the sandbox (Python 3.6 and newer): one command after another, each with its time and its output.

Nothing of wheelhouse is importable here. The one argument is the request, as JSON: `commands`, and the folders to `make` first.
stdout has the answer: a line of JSON for each command that was run. After a failed vital command, the others are skipped.
"""

import json
import os
import subprocess
import sys
import time

MAX_OUTPUT_BYTES = 4 << 20
"""How many bytes of a command's output are kept, from its end."""


def main() -> None:
    """Answer the request."""
    request = json.loads(sys.argv[1])
    for folder in request["make"]:
        os.makedirs(folder, exist_ok=True)
    for command in request["commands"]:
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
        os.write(1, json.dumps(answer).encode() + b"\n")
        if code and command["vital"]:
            return


if __name__ == "__main__":
    main()
