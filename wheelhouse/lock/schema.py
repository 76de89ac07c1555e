"""What a lock's own tables must look like: PEP 751 says nothing of what a tool keeps under its name (pure).

What ends up in a line of a shell script or Dockerfile, or in a path, has a pattern: whoever writes a lock writes no such line.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from wheelhouse.archive.artifact import SHA256

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LABEL = re.compile(r"[0-9a-f]{8}")
ANY_KEY = "*"
TEXTS = [str]
FILE = {"name": str, "size": int, "hashes": {"sha256": str}, "url": str, "upload-time": datetime}
BUILT = {
    **dict.fromkeys(("interpreter", "glibc", "sealed", "lock", "repaired"), str),
    "sdist": FILE,
    **dict.fromkeys(("unsealed", "kept-archive"), bool),
    "requires": TEXTS,
    "libraries": TEXTS,
}
PIN: Mapping[str, Any] = {
    **dict.fromkeys(("dependencies", "skipped"), TEXTS),
    "extras": [NAME],
    **dict.fromkeys(
        ("sdist-because", "provisional", "constraint", "yanked", "index", "archive", "build-lock", "build-lacks"), str
    ),
    "rejected": [{"reason": str, "files": TEXTS}],
    "passed-over": [{"reason": str, "releases": TEXTS}],
    "built": BUILT,
    "provenance": {"url": str, "sha256": SHA256},
    "status": str,
    "waived": [{"rule": str, "reason": str, "who": str, "until": date}],
}
"""`[packages.tool.wheelhouse]`."""
INPUTS = {
    **dict.fromkeys(("requirements", "overrides", "excluded", "pip-config"), TEXTS),
    "without": [NAME],
    **dict.fromkeys(("only-binary", "no-binary", "pre", "only-final"), TEXTS),
    **dict.fromkeys(
        ("index", "airflow", "constraints-sha256", "hashes-sha256", "given-sha256", "settings-sha256"), str
    ),
    **dict.fromkeys(("prefer-binary", "require-hashes"), bool),
    "uploaded-prior-to": datetime,
    "uploaded-prior-to-age": str,
    "uploaded-prior-to-except": {ANY_KEY: str},
    "constraints": [{"source": str, "sha256": str}],
    "indexes": [{"name": str, "url": str, "find-links": str, "projects": TEXTS}],
}
LOCK: Mapping[str, Any] = {
    "target": {"name": str, "python": str, "platform": str, "markers": {ANY_KEY: str}, "tags": TEXTS},
    "label": LABEL,
    "inputs": INPUTS,
}
"""`[tool.wheelhouse]`."""


def check_schema(value: object, shape: Any, where: str) -> None:  # noqa: ANN401  (a type, a pattern, or a list or table of shapes)
    """Raise TypeError or ValueError, naming the place, where a value is not of its shape. Keys that no shape names may be there."""
    kind = shape if isinstance(shape, type) else str if isinstance(shape, re.Pattern) else type(shape)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{where} is not {'a table' if kind is dict else 'a list' if kind is list else kind.__name__}")
    if isinstance(value, dict):
        for key, inner in value.items():
            if expected := shape.get(key, shape.get(ANY_KEY)):
                check_schema(inner, expected, f"{where}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            check_schema(inner, shape[0], f"{where}[{number}]")
    elif kind is not shape and not shape.fullmatch(value):
        raise ValueError(f"{where} is none that a lock can have")
