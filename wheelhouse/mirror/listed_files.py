"""A file as an index lists it: its entry on the page, and whether it has the bytes of a file of this machine."""

import hashlib
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.errors import ServerError
from wheelhouse.events import Listener, Warned
from wheelhouse.files.disk import digest_of
from wheelhouse.index.client import Index
from wheelhouse.index.http import Http
from wheelhouse.index.pages import Page
from wheelhouse.index.urls import parts_of, redact

STRONGEST = ("sha256", "sha512", "sha384", "blake2b", "sha224", "sha1", "md5")
"""The hashes of an index, the one to compare first."""


def own_page(index: Index, project: NormalizedName, on_event: Listener) -> Page | None:
    """A project's page of this very server; None if it has none, or, with a warning, if it redirects to another host.

    Raises ServerError as `Index.page`.
    """
    page = index.page(project)
    answered_by = parts_of(page.url).hostname if page else None
    if answered_by in (None, parts_of(index.name).hostname):
        return page
    on_event(
        Warned(
            f"{index.name} redirects requests for unknown projects to {answered_by}; files on {answered_by} count "
            "as missing"
        )
    )
    return None


def listed(page: Page | None, filename: str, version: Version) -> Candidate | None:
    """The entry of a file of this version on its project's page; None if the page does not list it, or is of a quarantined
    project, and without a page.

    Raises ServerError as `Page.candidates`.
    """
    candidates = page.candidates(version) if page else ()
    return next((candidate for candidate in candidates if candidate.filename == filename), None)


def has_stated_hash(candidate: Candidate, sha256: str, path: Path | None) -> bool | None:
    """Whether the first hash of STRONGEST that the index gives is that of a file; None if it gives none that can be
    compared.

    `sha256` is the file's; `path` is where it lies, and is read for any other hash. Without it, only sha256 is compared.
    """
    for algorithm in STRONGEST:
        if stated := candidate.hashes.get(algorithm):
            if algorithm == "sha256":
                return stated == sha256
            return None if path is None else stated == digest_of(path, algorithm)
    return None


def downloaded_sha256(candidate: Candidate, http: Http) -> str:
    """The sha256 of a listed file's bytes, which are downloaded, with retries, and not kept.

    Raises ServerError if the server does not have it.
    """
    return http.retrying(candidate.filename, lambda: _downloaded_sha256(candidate.url, http))


def _downloaded_sha256(url: str, http: Http) -> str:
    """Download a file once, and return its sha256. Raises ServerError for any status but 200."""
    digest = hashlib.sha256()
    with http.open(url, {"Accept-Encoding": "identity"}) as response:
        if response.status != 200:
            hint = "repair the repository first: it lists a file that it does not have"
            raise ServerError(f"{redact(url)} answered {response.status}", hint=hint)
        for chunk in http.chunks(response, url, as_sent=True):
            digest.update(chunk)
    return digest.hexdigest()
