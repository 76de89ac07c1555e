"""Run by a virtual environment's Python (3.6 and newer): its installed distributions, and the modules that do not import.

It runs with -S, so that no code of a package runs in the process that reports (`.pth` files, `sitecustomize`). Modules are imported
in other processes, whose answers decide only what did not import. The argument is the virtual environment's folder.

The answer, on stdout, is one line of JSON: `installed` maps each distribution's name to its version, `failed` each one's name
to its modules that did not import, and why. A module that ends the process counts as one that does not import.
"""

import csv
import glob
import json
import os
import signal
import subprocess
import sys
from typing import Dict, Iterator, List, Optional, Set, Tuple

try:
    import ctypes
except ImportError:  # a Python that was built without libffi
    ctypes = None  # type: ignore[assignment]

PR_SET_DUMPABLE = 4
"""A constant of prctl(2)."""
SECONDS = 60
"""Seconds that one import may take."""
SUFFIXES = (".py", ".so", ".pyd")


def distributions(environment: str) -> Iterator[Tuple[str, str, List[str]]]:
    """Name, version and importable modules (`top_modules`) of each `.dist-info` folder of a virtual environment.

    Without a name it is that of the folder, with its suffix; a missing version is empty. Raises OSError without METADATA,
    RECORD or `site-packages`.
    """
    sites = glob.glob(os.path.join(environment, "lib*", "*", "site-packages"))
    sites = sites or [os.path.join(environment, "site-packages")]  # PyPy before 7.3.5
    for site in sorted({os.path.realpath(site) for site in sites}):
        for folder in sorted(entry for entry in os.listdir(site) if entry.endswith(".dist-info")):
            fields = headers(os.path.join(site, folder, "METADATA"))
            with open(os.path.join(site, folder, "RECORD"), encoding="utf-8", newline="") as file:
                modules = top_modules([row[0] for row in csv.reader(file) if row])
            yield fields.get("name", folder), fields.get("version", ""), modules


def headers(path: str) -> Dict[str, str]:
    """The fields `name` and `version` of a METADATA file, as far as it has them."""
    fields = {}  # type: Dict[str, str]
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            field, colon, value = line.partition(":")
            if not line.strip():
                break
            if colon and field.lower() in ("name", "version"):
                fields.setdefault(field.lower(), value.strip())
    return fields


def top_modules(files: List[str]) -> List[str]:
    """The importable names nearest to the top, sorted: modules, packages, and packages within namespaces. `files` are paths of
    a RECORD.
    """
    kept = [path for path in files if not path.startswith(("..", "/")) and path.endswith(SUFFIXES)]
    packages = {os.path.dirname(path) for path in kept if os.path.basename(path).startswith("__init__.")}
    modules = set()  # type: Set[str]
    for path in kept:
        name = top_of(path, packages)
        if name and all(part.isidentifier() for part in name.split(".")):
            modules.add(name)
    return sorted(modules)


def top_of(path: str, package_folders: Set[str]) -> str:
    """The dotted name of a file's outermost package, or of a top-level module; empty for a module in a folder that is no package."""
    parts = path.split("/")
    for depth in range(1, len(parts)):
        if "/".join(parts[:depth]) in package_folders:
            return ".".join(parts[:depth])
    return parts[0].split(".")[0] if len(parts) == 1 else ""


def stop_import(_signal: int, _frame: object) -> None:
    """Raise TimeoutError, which ends an import that takes too long."""
    raise TimeoutError("it does not end within %d s" % SECONDS)


def import_all(names: List[str]) -> None:
    """Import one module after another, and end the process. A line of JSON before each says that it ended the process, one
    after it the outcome: why it does not import, or an empty text.
    """
    answer = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, stop_import)
    for name in names:
        answer.write(json.dumps([name, "it ended the process"]) + "\n")
        signal.alarm(SECONDS)
        try:
            __import__(name)
            why = ""
        except BaseException as error:
            why = "{}: {}".format(type(error).__name__, error)
        signal.alarm(0)
        answer.write(json.dumps([name, why]) + "\n")
    answer.flush()
    os._exit(0)


def import_failures(names: List[str]) -> Dict[str, str]:
    """Why each module does not import; an empty text for one that does. They are imported in a process of their own, and those
    that are left if it ends in another.
    """
    results = {}  # type: Dict[str, str]
    pending = names
    while pending:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, "import"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        output = process.communicate(json.dumps(pending).encode())[0].decode("utf-8", "replace")
        answered = dict(filter(None, (read_answer(line, pending) for line in output.splitlines())))
        results.update(answered or {pending[0]: "it ended the process"})
        pending = [name for name in pending if name not in results]
    return results


def read_answer(line: str, names: List[str]) -> Optional[Tuple[str, str]]:
    """The module and the reason in a line; None if it is no answer about one of these modules."""
    try:
        name, why = json.loads(line)
    except (ValueError, TypeError):
        return None
    return (name, why) if name in names and isinstance(why, str) else None


def main() -> None:
    """Print what is installed and what does not import, as one line of JSON; with `import`, import the modules that stdin names."""
    if sys.argv[1:] == ["import"]:
        import_all(json.load(sys.stdin))
    if ctypes is not None:  # code that is imported must not write to this process's stdout by way of /proc
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    listed = list(distributions(sys.argv[1]))
    results = import_failures(sorted({module for _, _, modules in listed for module in modules}))
    failed = {name: {m: results[m][:500] for m in modules if results[m]} for name, _, modules in listed}
    answer = {"installed": {name: version for name, version, _ in listed}, "failed": failed}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
