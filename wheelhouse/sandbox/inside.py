"""Run inside the sealed room, under the target's Python (3.6 and newer): unpack an sdist and call one of its PEP 517 hooks.

Nothing of wheelhouse is importable here. The one argument is the order, as JSON. stdout has the answer: one line of JSON,
then the bytes of the wheel, if there is one. What the build itself prints goes to stderr, which is its log.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from typing import Any, Dict, List, Optional, Tuple

Order = Dict[str, Any]


def unpack(archive: str, folder: str) -> str:
    """Unpack an sdist; the path of the folder in it that holds PKG-INFO; some old ones have none there, or no folder."""
    if archive.endswith(".zip"):
        with zipfile.ZipFile(archive) as held:
            held.extractall(folder)
    else:
        with tarfile.open(archive) as held:
            extra: Dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            held.extractall(folder, **extra)
    marks = ("PKG-INFO", "pyproject.toml", "setup.py")
    if any(os.path.isfile(os.path.join(folder, mark)) for mark in marks):
        return folder
    for mark in marks:
        for top in sorted(os.listdir(folder)):
            if os.path.isfile(os.path.join(folder, top, mark)):
                return os.path.join(folder, top)
    raise ValueError("there is no sdist's folder in " + os.path.basename(archive))


def call(order: Order, name: str, **arguments: str) -> Any:
    """What a hook of the build backend returns; pyproject_hooks' own script calls it, in a process of its own."""
    control = os.path.join(order["work"], "control")
    os.makedirs(control, exist_ok=True)
    with open(os.path.join(control, "input.json"), "w") as file:
        json.dump({"kwargs": dict(arguments, config_settings=None)}, file)
    environment = dict(os.environ, _PYPROJECT_HOOKS_BUILD_BACKEND=order["backend"])
    if order["backend_path"]:
        paths = [os.path.abspath(path) for path in order["backend_path"]]
        environment["_PYPROJECT_HOOKS_BACKEND_PATH_JSON"] = json.dumps(paths)
    code = subprocess.call([order["python"], order["hooks"], name, control], env=environment, stdout=2)
    if code:
        raise SystemExit(code if code > 0 else 128 - code)
    with open(os.path.join(control, "output.json"), encoding="utf-8") as file:
        output = json.load(file)
    if output.get("no_backend"):
        sys.stderr.write(output.get("traceback") or "")
        raise SystemExit("the build backend cannot be imported: {}".format(output.get("backend_error")))
    return output["return_val"]


def build(order: Order) -> Tuple[Order, Optional[str]]:
    """The answer to one order, and the path of the wheel, if it asks for one."""
    work = order["work"]
    for name in ("source", "home", "scratch", "wheel"):
        os.makedirs(os.path.join(work, name), exist_ok=True)
    os.chdir(unpack(order["sdist"], os.path.join(work, "source")))
    if order["hook"] == "requires":
        return {"requires": call(order, "get_requires_for_build_wheel")}, None
    folder = os.path.join(work, "wheel")
    name = os.path.basename(call(order, "build_wheel", wheel_directory=folder))
    return {"wheel": name}, os.path.join(folder, name)


def can_write(path: str) -> bool:
    """Whether a file can be made in a folder."""
    try:
        with open(os.path.join(path, "wheelhouse-proof"), "w"):
            return True
    except OSError:
        return False


def can_connect(address: List[Any]) -> bool:
    """Whether anything answers there, or the attempt leaves this machine."""
    try:
        socket.create_connection(tuple(address), timeout=3).close()
    except OSError:
        return False
    return True


def prove(order: Order) -> Tuple[Order, Optional[str]]:
    """What can be reached from here: network devices, addresses, files that must not be seen, folders open to writing."""
    return {
        "devices": [name for _, name in socket.if_nameindex()],
        "reached": [address for address in order["addresses"] if can_connect(address)],
        "seen": [path for path in order["unseen"] if os.path.exists(path)],
        "written": [path for path in order["readonly"] if can_write(path)],
        "works": can_write(order["work"]),
    }, None


def main() -> None:
    """Answer the order."""
    order = json.loads(sys.argv[1])
    answer, wheel = (prove if order["hook"] == "prove" else build)(order)
    with os.fdopen(1, "wb") as stdout:
        stdout.write(json.dumps(answer).encode() + b"\n")
        if wheel:
            with open(wheel, "rb") as file:
                shutil.copyfileobj(file, stdout)


if __name__ == "__main__":
    main()
