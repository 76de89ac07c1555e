"""Changes the platform tag of a wheel that was built here: some backends use the manylinux tag of the host."""

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path


def retagged(wheel: Path, platform: str) -> Path:
    """Write a copy of a wheel with another platform tag (PEP 425) beside it, and return its path. The wheel itself stays.

    So `platform` must not be its own tag.

    Only the file name, WHEEL and RECORD differ. The wheel was inspected before, so it has one WHEEL, and one RECORD that lists it.
    """
    copy = wheel.with_name(f"{wheel.name.rpartition('-')[0]}-{platform}.whl")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(copy, "w") as new:
        changed = _changed(old, platform)
        for member in old.infolist():
            new.writestr(member, changed.get(member.filename) or old.read(member))
    return copy


def _changed(archive: zipfile.ZipFile, platform: str) -> dict[str, bytes]:
    """The new contents of WHEEL and RECORD, by their names in the archive."""
    (name,) = (name for name in archive.namelist() if name.count("/") == 1 and name.endswith(".dist-info/WHEEL"))
    wheel = "".join(_line(line, platform) + "\n" for line in archive.read(name).decode().splitlines()).encode()
    record = name.removesuffix("WHEEL") + "RECORD"
    digest = base64.urlsafe_b64encode(hashlib.sha256(wheel).digest()).decode().rstrip("=")
    rows = csv.reader(io.StringIO(archive.read(record).decode(), newline=""))
    text = io.StringIO()
    entry = [name, f"sha256={digest}", str(len(wheel))]
    csv.writer(text, lineterminator="\n").writerows(entry if row[:1] == [name] else row for row in rows)
    return {name: wheel, record: text.getvalue().encode()}


def _line(line: str, platform: str) -> str:
    """A line of WHEEL: a `Tag:` line with the new platform, any other unchanged."""
    return f"{line.rpartition('-')[0]}-{platform}" if line.lower().startswith("tag:") else line
