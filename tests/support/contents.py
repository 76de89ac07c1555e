"""What a wheel and an sdist hold: core metadata, WHEEL, RECORD and names, before any of it is an archive."""

import base64
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence

from packaging.tags import parse_tag
from packaging.utils import canonicalize_name

from tests.support.archive import Member


def import_name(name: str) -> str:
    """The project's name as it stands in filenames (PEP 427, PEP 625), and as the name of its only module."""
    return canonicalize_name(name).replace("-", "_")


def stem(name: str, version: str) -> str:
    """`name-version`, as wheels, sdists and .dist-info folders begin."""
    return f"{import_name(name)}-{version.replace('-', '_')}"


def wheel_filename(name: str, version: str, tag: str = "py3-none-any", build: str | None = None) -> str:
    """`name-version[-build]-python-abi-platform.whl` (PEP 427)."""
    return "-".join(part for part in (stem(name, version), build, tag) if part) + ".whl"


def core_metadata(
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] = {},
    requires_python: str | None = None,
    metadata_version: str = "2.1",
    dynamic: Sequence[str] = (),
) -> bytes:
    """METADATA or PKG-INFO (PEP 566; `Dynamic` is PEP 643's); requirements are written as given, right or wrong."""
    lines = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}"]
    lines += [f"Dynamic: {field}" for field in dynamic]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {requirement}" for requirement in (*requires, *_extra_requires(extras))]
    return "\n".join([*lines, ""]).encode()


def _extra_requires(extras: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for extra, requires in extras.items():
        for requirement in requires:
            wanted, _, marker = requirement.partition(";")
            also = f"({marker.strip()}) and " if marker else ""
            yield f'{wanted.strip()} ; {also}extra == "{extra}"'


def package_files(name: str, version: str) -> dict[str, bytes]:
    """The one module that each distribution holds by default."""
    return {f"{import_name(name)}/__init__.py": f'__version__ = "{version}"\n'.encode()}


def wheel_members(
    name: str,
    version: str,
    metadata: bytes,
    *,
    tag: str = "py3-none-any",
    build: str | None = None,
    files: Mapping[str, bytes] | None = None,
    record: bytes | None = None,
    extra: Sequence[Member] = (),
) -> list[Member]:
    """A wheel's members in order: the package, .dist-info, then `extra`, and RECORD, which vouches for all of them."""
    dist_info = f"{stem(name, version)}.dist-info"
    held = dict(package_files(name, version) if files is None else files)
    held.setdefault(f"{dist_info}/METADATA", metadata)
    held.setdefault(f"{dist_info}/WHEEL", wheel_file(tag, build))
    told = held | {member.name: member.data for member in extra}
    record = record_file(told, f"{dist_info}/RECORD") if record is None else record
    return [*(Member(path, data) for path, data in held.items()), *extra, Member(f"{dist_info}/RECORD", record)]


def wheel_file(tag: str, build: str | None) -> bytes:
    """The WHEEL file (PEP 427), one `Tag` line for each tag that a compressed set (PEP 425) stands for."""
    lines = ["Wheel-Version: 1.0", "Generator: tests", f"Root-Is-Purelib: {str(tag.endswith('-any')).lower()}"]
    lines += [f"Tag: {each}" for each in sorted(map(str, parse_tag(tag)))]
    lines += [f"Build: {build}"] if build else []
    return "\n".join([*lines, ""]).encode()


def record_file(files: Mapping[str, bytes], record_name: str) -> bytes:
    """The RECORD (PEP 376, PEP 427) of these files: sha256 in urlsafe base64 with no padding, and the size."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows((name, f"sha256={_digest(data)}", len(data)) for name, data in files.items())
    rows.writerow((record_name, "", ""))
    return text.getvalue().encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
