"""Where advisories come from: a registry of sources. An OSV export, in files or at an address, is one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from wheelhouse.errors import ServerError
from wheelhouse.index.http import Http
from wheelhouse.index.urls import redact
from wheelhouse.vet.advisories import Advisory
from wheelhouse.vet.osv import read_bytes, read_export
from wheelhouse.vet.osv_records import read_records


class AdvisorySource(Protocol):
    """Reads advisories of one kind, named by the user as a path or an address."""

    def accepts(self, name: str) -> bool:
        """Whether the source can read what this names."""

    def advisories(self, name: str, http: Http) -> Iterator[Advisory]:
        """The advisories, for PyPI projects and packages of other ecosystems.

        Raises InputError, or ServerError if a server does not have it.
        """


class OsvAddress:
    """An OSV export at an address: a zip of records, or a file of records."""

    def accepts(self, name: str) -> bool:
        """Whether it is an address."""
        return name.startswith(("http://", "https://"))

    def advisories(self, name: str, http: Http) -> Iterator[Advisory]:
        """The advisories of the export at the address. Raises ServerError unless the server answers 200; InputError for what
        is no export, only as the advisories are taken.
        """
        reply = http.get(name)
        if reply.status != 200:
            raise ServerError(f"{redact(name)} answered {reply.status}", hint="check the address")
        return read_records(read_bytes(reply.body, redact(name)))


class OsvFiles:
    """An OSV export on this machine: a zip, a folder of records at any depth, or a file of records."""

    def accepts(self, name: str) -> bool:
        """Whether it is not empty: what no other source accepts is a path."""
        return bool(name)

    def advisories(self, name: str, http: Http) -> Iterator[Advisory]:
        """The advisories of the export at the path; `http` is not used. Raises InputError for a missing path and for what is
        no export, only as the advisories are taken.
        """
        return read_records(read_export(Path(name)))


SOURCES: tuple[AdvisorySource, ...] = (OsvAddress(), OsvFiles())
"""The sources. The first that accepts a name reads it."""
