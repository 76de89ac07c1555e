"""Reads KEV and EPSS files: those that are named, else those that lie beside the snapshot of advisories."""

import gzip
import io
import zlib
from pathlib import Path

from wheelhouse.errors import InputError
from wheelhouse.files.disk import os_errors_as_machine_error
from wheelhouse.vet.threats import Threats, parse_epss, parse_kev

KEV_NAMES = ("known_exploited_vulnerabilities.json", "known_exploited_vulnerabilities.csv")
EPSS_PATTERNS = ("epss_scores-*.csv.gz", "epss_scores-*.csv")
MAX_BYTES = 128 << 20
"""Both files have some MB; no list of all CVE ids has more than this."""


def read_threats(kev: Path | None, epss: Path | None, beside: Path) -> Threats:
    """What the two files say. One that is not named is looked for in the folder `beside`; if it is not there, its part is empty.

    Raises InputError for a file that is named and missing, or that is not what it must be, and MachineError if one cannot be
    read.
    """
    kev = kev or next((beside / name for name in KEV_NAMES if (beside / name).is_file()), None)
    epss = epss or _newest_scores(beside)
    return Threats(
        parse_kev(_text(kev), str(kev)) if kev else {},
        parse_epss(_text(epss), str(epss)) if epss else {},
    )


def _newest_scores(folder: Path) -> Path | None:
    """The file of EPSS scores in a folder; of several, that of the last day by their names. None if there is none."""
    files = [path for pattern in EPSS_PATTERNS for path in folder.glob(pattern)] if folder.is_dir() else []
    return max(files, key=lambda path: path.name, default=None)


def _text(path: Path) -> str:
    """The text of a file, which may be a gzip; what is not UTF-8 is replaced.

    Raises InputError if it is missing, cannot be unpacked, or has more than 128 MiB, and MachineError if it cannot be read.
    """
    if not path.is_file():
        raise InputError(f"there is no file `{path}`")
    with os_errors_as_machine_error(path):
        raw = path.read_bytes()
    if raw.startswith(b"\x1f\x8b"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
                raw = stream.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"`{path}` cannot be unpacked: {error}") from error
    if len(raw) > MAX_BYTES:
        raise InputError(f"`{path}` exceeds the limit of {MAX_BYTES >> 20} MiB")
    return raw.decode("utf-8", "replace")
