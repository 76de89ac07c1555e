"""Known vulnerabilities from an OSV export, from a file or an address."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from wheelhouse.errors import InputError, ServerError
from wheelhouse.fetch.inputs import shown
from wheelhouse.index.http import Http
from wheelhouse.index.urls import redact
from wheelhouse.vet.advisories import Advisories, collect, not_after, read_records
from wheelhouse.vet.osv import read_bytes, read_export


def import_advisories(source: str, http: Http, now: datetime) -> Advisories:
    """Every advisory for a PyPI project in an export; a date after `now` counts as now.

    Raises InputError, also where there is no such advisory, or ServerError where the export cannot be had.
    """
    found = collect(not_after(now, read_records(_documents(source, http))))
    if not found.by_project:
        hint = "name an OSV export for PyPI: its zip, a folder of records, or a record"
        raise InputError(f"`{shown(source)}` holds no advisory for a PyPI project", hint=hint)
    return found


def _documents(source: str, http: Http) -> Iterator[dict[str, Any]]:
    if not source.startswith(("http://", "https://")):
        return read_export(Path(source))
    reply = http.get(source)
    if reply.status != 200:
        raise ServerError(f"{redact(source)} answered {reply.status}", hint="check the address")
    return read_bytes(reply.body, redact(source))
