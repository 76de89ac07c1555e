"""Another platform tag for a wheel that was built here: some backends claim the manylinux of the machine that they run on."""

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path


def retagged(wheel: Path, platform: str) -> Path:
    """The same wheel for another platform tag (PEP 425), beside it: its name, WHEEL and RECORD change, nothing else does.

    It has been inspected before: it has one WHEEL and one RECORD, which lists it.
    """
    made = wheel.with_name(f"{wheel.name.rpartition('-')[0]}-{platform}.whl")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(made, "w") as new:
        changed = _changed(old, platform)
        for member in old.infolist():
            new.writestr(member, changed.get(member.filename) or old.read(member))
    return made


def _changed(archive: zipfile.ZipFile, platform: str) -> dict[str, bytes]:
    (name,) = (name for name in archive.namelist() if name.count("/") == 1 and name.endswith(".dist-info/WHEEL"))
    told = "".join(_line(line, platform) + "\n" for line in archive.read(name).decode().splitlines()).encode()
    record = name.removesuffix("WHEEL") + "RECORD"
    digest = base64.urlsafe_b64encode(hashlib.sha256(told).digest()).decode().rstrip("=")
    rows = csv.reader(io.StringIO(archive.read(record).decode(), newline=""))
    text = io.StringIO()
    entry = [name, f"sha256={digest}", str(len(told))]
    csv.writer(text, lineterminator="\n").writerows(entry if row[:1] == [name] else row for row in rows)
    return {name: told, record: text.getvalue().encode()}


def _line(line: str, platform: str) -> str:
    return f"{line.rpartition('-')[0]}-{platform}" if line.lower().startswith("tag:") else line
