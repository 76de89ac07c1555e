"""Run by a virtual environment's Python (3.6 and newer): its installed distributions, and the modules that do not import.

The answer, on stdout, is one line of JSON: `installed` maps each distribution's name to its version, `failed` each one's name
to its modules that did not import, and why. A module that ends the process counts as one that does not import.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import sysconfig
from typing import Dict, Iterator, List, Set, Tuple

SECONDS = 60
"""Seconds that one import may take."""
SUFFIXES = (".py", ".so", ".pyd")


def distributions() -> Iterator[Tuple[str, str, List[str]]]:
    """Name, version and top-level modules of each distribution."""
    paths = sysconfig.get_paths()
    for site in sorted({paths["purelib"], paths["platlib"]}):
        for folder in sorted(entry for entry in os.listdir(site) if entry.endswith(".dist-info")):
            fields = headers(os.path.join(site, folder, "METADATA"))
            with open(os.path.join(site, folder, "RECORD"), encoding="utf-8", newline="") as file:
                modules = top_modules([row[0] for row in csv.reader(file) if row])
            yield fields.get("name", folder), fields.get("version", ""), modules


def headers(path: str) -> Dict[str, str]:
    """The fields name and version of a METADATA file."""
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
    """The importable names nearest to the top: modules, packages, and packages within namespaces."""
    kept = [path for path in files if not path.startswith(("..", "/")) and path.endswith(SUFFIXES)]
    packages = {os.path.dirname(path) for path in kept if os.path.basename(path).startswith("__init__.")}
    modules = set()  # type: Set[str]
    for path in kept:
        name = top_of(path, packages)
        if name and all(part.isidentifier() for part in name.split(".")):
            modules.add(name)
    return sorted(modules)


def top_of(path: str, packages: Set[str]) -> str:
    """The dotted name of a file's outermost package, or of a top-level module; else empty."""
    parts = path.split("/")
    for depth in range(1, len(parts)):
        if "/".join(parts[:depth]) in packages:
            return ".".join(parts[:depth])
    return parts[0].split(".")[0] if len(parts) == 1 else ""


def stop_import(_signal: int, _frame: object) -> None:
    """End an import that takes too long."""
    raise TimeoutError("it does not end within %d s" % SECONDS)


def import_all(names: List[str]) -> None:
    """Import one module after another; write each name before, and the outcome after."""
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
    """Why each module does not import; empty for one that does."""
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
        answered = dict(json.loads(line) for line in output.splitlines())
        results.update(answered or {pending[0]: "it ended the process"})
        pending = [name for name in pending if name not in results]
    return results


def main() -> None:
    """Print what is installed and what does not import."""
    if sys.argv[1:] == ["import"]:
        import_all(json.load(sys.stdin))
    listed = list(distributions())
    results = import_failures(sorted({module for _, _, modules in listed for module in modules}))
    failed = {name: {m: results[m][:500] for m in modules if results[m]} for name, _, modules in listed}
    answer = {"installed": {name: version for name, version, _ in listed}, "failed": failed}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
