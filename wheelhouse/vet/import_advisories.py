"""Import known vulnerabilities from the first source that accepts a name."""

from datetime import datetime

from wheelhouse.errors import InputError
from wheelhouse.fetch.inputs import shown
from wheelhouse.index.http import Http
from wheelhouse.vet import advisory_sources
from wheelhouse.vet.advisories import Advisories, collect, not_after

HINT = "choose an OSV export for PyPI: its zip, a folder of its records, or one of its records"


def import_advisories(name: str, http: Http, now: datetime) -> Advisories:
    """The advisories in the source that a path or an address names; nothing is written. A date after `now` counts as now.

    Raises InputError, also if no source accepts the name, as an empty one, or if no advisory is for a PyPI project, and
    ServerError if a server does not have the source.
    """
    source = next((one for one in advisory_sources.SOURCES if one.accepts(name)), None)
    if source is None:
        raise InputError(f"no source of advisories accepts `{shown(name)}`", hint=HINT)
    advisories = collect(not_after(now, source.advisories(name, http)))
    if not advisories.has_projects:
        raise InputError(f"`{shown(name)}` has no advisory for a PyPI project", hint=HINT)
    return advisories
