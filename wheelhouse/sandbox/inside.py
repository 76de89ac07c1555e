"""Runs inside the sandbox, under the target's Python (3.6 and newer): unpacks an sdist and calls one of its PEP 517 hooks.

Nothing of wheelhouse is importable here. The one argument is the request, as JSON. stdout has the answer: one line of JSON,
then the bytes of the wheel, if there is one. The build's own output goes to stderr, which is its log.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import zipfile
from typing import Any, Dict, List, Optional, Tuple

try:
    import ctypes
except ImportError:  # a Python that was built without libffi
    ctypes = None  # type: ignore[assignment]

Request = Dict[str, Any]
FILLED_SECONDS = 2.0
"""Seconds in which memory that exceeds the limit must be noticed."""


def unpack(archive: str, folder: str) -> str:
    """Unpack an sdist and return its top folder: the one with PKG-INFO, else with pyproject.toml, else with setup.py; for
    some old sdists `folder` itself, if it has any of them. Raises ValueError if there is none, and what `zipfile` or
    `tarfile` raises for a broken archive.
    """
    if archive.endswith(".zip"):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder)
    else:
        with tarfile.open(archive) as opened:
            extra: Dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            opened.extractall(folder, **extra)
    marks = ("PKG-INFO", "pyproject.toml", "setup.py")
    if any(os.path.isfile(os.path.join(folder, mark)) for mark in marks):
        return folder
    for mark in marks:
        for top in sorted(os.listdir(folder)):
            if os.path.isfile(os.path.join(folder, top, mark)):
                return os.path.join(folder, top)
    raise ValueError("there is no folder of an sdist in " + os.path.basename(archive))


def call(request: Request, name: str, **arguments: str) -> Any:
    """The return value of a build backend's hook, called by pyproject_hooks' script in its own process.

    Ends this process if the script fails, or if the backend cannot be imported.
    """
    control = os.path.join(request["work"], "control")
    os.makedirs(control, exist_ok=True)
    with open(os.path.join(control, "input.json"), "w") as file:
        json.dump({"kwargs": dict(arguments, config_settings=None)}, file)
    environment = dict(os.environ, _PYPROJECT_HOOKS_BUILD_BACKEND=request["backend"])
    if request["backend_path"]:
        paths = [os.path.abspath(path) for path in request["backend_path"]]
        environment["_PYPROJECT_HOOKS_BACKEND_PATH_JSON"] = json.dumps(paths)
    code = subprocess.call([request["python"], request["hooks"], name, control], env=environment, stdout=2)
    if code:
        raise SystemExit(code if code > 0 else 128 - code)
    with open(os.path.join(control, "output.json"), encoding="utf-8") as file:
        output = json.load(file)
    if output.get("no_backend"):
        sys.stderr.write(output.get("traceback") or "")
        raise SystemExit("the build backend cannot be imported: {}".format(output.get("backend_error")))
    return output["return_val"]


def build(request: Request) -> Tuple[Request, Optional[str]]:
    """The answer to one request, and the path of the built wheel, None if only the requirements are asked for.

    The sdist is unpacked, and its top folder becomes the working directory.
    """
    work = request["work"]
    for name in ("source", "home", "scratch", "wheel"):
        os.makedirs(os.path.join(work, name), exist_ok=True)
    os.chdir(unpack(request["sdist"], os.path.join(work, "source")))
    if request["hook"] == "requires":
        return {"requires": call(request, "get_requires_for_build_wheel")}, None
    folder = os.path.join(work, "wheel")
    name = os.path.basename(call(request, "build_wheel", wheel_directory=folder))
    return {"wheel": name}, os.path.join(folder, name)


def can_write(path: str) -> bool:
    """Whether a file can be created in a folder; it stays there."""
    try:
        with open(os.path.join(path, "wheelhouse-proof"), "w"):
            return True
    except OSError:
        return False


def can_connect(address: List[Any]) -> bool:
    """Whether a connection to this address succeeds within 3 seconds."""
    try:
        socket.create_connection(tuple(address), timeout=3).close()
    except OSError:
        return False
    return True


def answers_to_calls(calls: Dict[str, int]) -> Dict[str, int]:
    """The error number that each system call gives, 0 if it succeeds; all arguments are -1, which harms nothing.

    Empty if this Python has no ctypes.
    """
    if ctypes is None:
        return {}
    libc = ctypes.CDLL(None, use_errno=True)
    wrong = [ctypes.c_long(-1)] * 6
    answers = {}
    for name, number in calls.items():
        ctypes.set_errno(0)
        answers[name] = 0 if libc.syscall(ctypes.c_long(number), *wrong) >= 0 else ctypes.get_errno()
    return answers


def socket_families(families: List[int]) -> List[int]:
    """Those of these families of which a datagram socket can be made."""
    made = []
    for family in families:
        try:
            socket.socket(family, socket.SOCK_DGRAM).close()
            made.append(family)
        except OSError:
            pass
    return made


def is_filtered() -> bool:
    """Whether this process has a seccomp filter (proc(5))."""
    with open("/proc/self/status") as file:
        return any(line.split() == ["Seccomp:", "2"] for line in file)


def prove(request: Request) -> Tuple[Request, Optional[str]]:
    """What is reachable from inside: all network devices, those addresses, hidden files, folders and families of the request
    that are, and the answers of its system calls; no wheel. A file stays in each writable folder.
    """
    return {
        "devices": [name for _, name in socket.if_nameindex()],
        "reached": [address for address in request["addresses"] if can_connect(address)],
        "seen": [path for path in request["unseen"] if os.path.exists(path)],
        "written": [path for path in request["readonly"] if can_write(path)],
        "works": can_write(request["work"]),
        "filtered": is_filtered(),
        "calls": answers_to_calls(request["calls"]),
        "families": socket_families(request["families"]),
    }, None


def fill_memory(size: int, memfd_create: int) -> str:
    """Fill a memfd, which no process maps, and wait to be killed. The reason if it could not be filled; empty if nothing killed it."""
    if ctypes is None:
        return "this Python has no ctypes"
    descriptor = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(memfd_create), b"proof", ctypes.c_long(0))
    if descriptor < 0:
        return "there is no memfd_create"
    try:
        for _ in range(size >> 20):
            os.write(descriptor, b"x" * (1 << 20))
        time.sleep(FILLED_SECONDS)
    except OSError as error:
        return str(error)
    return ""


def main() -> None:
    """Write the answer to the request, one line, then the bytes of the wheel, if one was built; a proof fills memory then,
    and adds a second line if it still runs.
    """
    request = json.loads(sys.argv[1])
    answer, wheel = (prove if request["hook"] == "prove" else build)(request)
    with os.fdopen(1, "wb") as stdout:
        stdout.write(json.dumps(answer).encode() + b"\n")
        if wheel:
            with open(wheel, "rb") as file:
                shutil.copyfileobj(file, stdout)
        if request["hook"] == "prove":
            stdout.flush()
            why = fill_memory(request["fill"], request["memfd"])
            stdout.write(json.dumps({"unlimited": not why, "why": why}).encode() + b"\n")


if __name__ == "__main__":
    main()
