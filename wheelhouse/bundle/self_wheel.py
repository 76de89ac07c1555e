"""A wheel of the program as it runs here, however it was installed."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

from wheelhouse.errors import MachineError
from wheelhouse.files.disk import os_errors_as_machine_error

DISTRIBUTION = "airgap-wheelhouse"
PACKAGE = Path(__file__).parent.parent
TAG = "py3-none-any"
CARRIED = ("METADATA", "entry_points.txt")
EPOCH = (1980, 1, 1, 0, 0, 0)


def own_wheel(folder: Path) -> Path:
    """Write a wheel of the running program into `folder`, and return its path; the same code and metadata give the same
    bytes.

    Raises MachineError if it is not installed.
    """
    try:
        distribution = Distribution.from_name(DISTRIBUTION)
    except PackageNotFoundError as error:
        hint = "install it with pip or uv, and run the installed command"
        raise MachineError(f"{DISTRIBUTION} is not installed here, so it cannot be packed", hint=hint) from error
    name = f"{DISTRIBUTION.replace('-', '_')}-{distribution.version}"
    path = folder / f"{name}-{TAG}.whl"
    with os_errors_as_machine_error(path):
        _write(path, _members(distribution, f"{name}.dist-info"), f"{name}.dist-info/RECORD")
    return path


def _members(distribution: Distribution, dist_info: str) -> dict[str, bytes]:
    """The content of the wheel's files by path, but RECORD: the package's files, without `__pycache__`, and the metadata.

    Of the installed metadata only CARRIED and LICENSE are taken; WHEEL is made anew.
    """
    members = {
        f"{PACKAGE.name}/{file.relative_to(PACKAGE).as_posix()}": file.read_bytes()
        for file in sorted(PACKAGE.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }
    members |= {f"{dist_info}/{name}": text.encode() for name in CARRIED if (text := distribution.read_text(name))}
    members[f"{dist_info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: wheelhouse\nRoot-Is-Purelib: true\nTag: {TAG}\n".encode()
    )
    if licence := distribution.read_text("licenses/LICENSE"):
        members[f"{dist_info}/licenses/LICENSE"] = licence.encode()
    return members


def _write(path: Path, members: Mapping[str, bytes], record: str) -> None:
    """Write the wheel with its RECORD, without compression: the compressed bytes would differ from one zlib to the next."""
    rows = "".join(f"{name},sha256={_hash(content)},{len(content)}\n" for name, content in members.items())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {**members, record: f"{rows}{record},,\n".encode()}.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)


def _hash(content: bytes) -> str:
    """A sha256 as RECORD has it after `sha256=`: base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
