"""Known vulnerabilities from an OSV export, from a file or an address."""

from pathlib import Path

from wheelhouse.doors.credentials import redact
from wheelhouse.doors.http import Http
from wheelhouse.doors.osv import read_bytes, read_export
from wheelhouse.errors import ServerError
from wheelhouse.model.advisories import Advisories, collect, read_records


def import_advisories(source: str, http: Http) -> Advisories:
    """Every advisory for a PyPI project in an export. Raises InputError, or ServerError where it cannot be had."""
    if not source.startswith(("http://", "https://")):
        return collect(read_records(read_export(Path(source))))
    reply = http.get(source)
    if reply.status != 200:
        raise ServerError(f"{redact(source)} answered {reply.status}", hint="check the address")
    return collect(read_records(read_bytes(reply.body, redact(source))))
