"""Wheels of what is installed beside the tests: real ones for tests without an index."""

import base64
import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed_by(name: str, extras: Iterable[str] = ()) -> dict[str, Distribution]:
    """The distributions that an installed one needs here, by name, without itself."""
    needed: dict[str, Distribution] = {}
    waiting = [(name, tuple(extras))]
    while waiting:
        for requirement in _requirements(*waiting.pop()):
            if canonicalize_name(requirement.name) not in needed:
                needed[canonicalize_name(requirement.name)] = Distribution.from_name(requirement.name)
                waiting.append((requirement.name, tuple(requirement.extras)))
    return needed


def _requirements(name: str, extras: tuple[str, ...]) -> Iterator[Requirement]:
    for requirement in map(Requirement, Distribution.from_name(name).requires or ()):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            yield requirement


def wheel_of(distribution: Distribution, folder: Path) -> Path:
    """The installed files as a wheel again, without its scripts and compiled files."""
    folder.mkdir(exist_ok=True)
    said = (distribution.read_text("WHEEL") or "").splitlines()
    tags = [line.removeprefix("Tag: ").split("-") for line in said if line.startswith("Tag: ")]
    tag = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))
    stem = f"{distribution.name.replace('-', '_').replace('.', '_')}-{distribution.version}"
    path = folder / f"{stem}-{tag}.whl"
    rows = []
    with zipfile.ZipFile(path, "w") as archive:
        for file in distribution.files or ():
            name = file.as_posix()
            if name.startswith("..") or name.endswith(".pyc") or file.name in {"RECORD", "INSTALLER", "REQUESTED"}:
                continue
            content = file.locate().read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={digest},{len(content)}\n")
            archive.writestr(name, content)
        record = next(f for f in distribution.files or () if f.name == "RECORD").as_posix()
        archive.writestr(record, "".join(rows) + f"{record},,\n")
    return path
