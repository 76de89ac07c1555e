"""Twelve months of one job as wheelhouses: projects move on, come and go; files are random bytes, and the lock files are real."""

import hashlib
import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact
from wheelhouse.lock.lock import Inputs, Lock, Pin
from wheelhouse.lock.wheelhouse import TOOLS, Wheelhouse, sha256_of_text
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))


def wheels(versions: Mapping[str, int], size: int) -> dict[str, bytes]:
    """A file for each project by its name; the same project and version have the same bytes."""
    return {
        f"{project}-{version}.0-py3-none-any.whl": random.Random(f"{project} {version}").randbytes(size)
        for project, version in versions.items()
    }


def wheelhouse_of(
    files: Mapping[str, bytes], limits: str | None = None, inner: Mapping[str, str] | None = None
) -> dict[str, bytes]:
    """The files of a wheelhouse that holds these wheels."""
    pins = []
    for name, raw in sorted(files.items()):
        project, version = name.split("-")[:2]
        artifact = Artifact(name, hashlib.sha256(raw).hexdigest(), len(raw))
        pins.append(Pin(canonicalize_name(project), Version(version), artifact))
    inputs = Inputs(("app",), constraints_sha256=sha256_of_text(limits) if limits else None)
    lock = Lock(TARGET, inputs, tuple(pins))
    texts = Wheelhouse((lock,), {lock.name: limits} if limits else {}, inner=inner or {}).texts
    return {**files, **{name: text.encode() for name, text in texts.items()}}


@cache
def month(number: int, size: int = 40, upgraded: int = 3) -> dict[str, bytes]:
    """Path → bytes of the wheelhouse of a month, with pip in tools/, which moves between the two folders."""
    versions = dict.fromkeys(("app", *(f"lib{index}" for index in range(8))), 1)
    for earlier in range(1, number + 1):
        chance = random.Random(earlier)
        for project in chance.sample(sorted(versions), upgraded):
            versions[project] += 1
        versions["app"] = earlier
        versions.pop(f"guest{earlier - 3}", None)
        versions[f"guest{earlier}"] = 1
    files = wheels(versions, size)
    tools = wheelhouse_of(wheels({"pip": number // 4 + 1, **({"app": number} if number % 3 else {})}, size))
    inner = {TOOLS: hashlib.sha256(tools["SHA256SUMS"]).hexdigest()}
    own = wheelhouse_of(files, f"lib1<{number + 9}\n" if number % 2 else None, inner)
    return {**own, **{f"{TOOLS}/{name}": raw for name, raw in tools.items()}}


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    """A folder with these files."""
    for path, raw in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(raw)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Path → bytes of every file in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
