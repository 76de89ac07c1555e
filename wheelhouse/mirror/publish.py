"""Bring a house into a package repository: list what is there, compare, send what is missing, refuse another file of the same name."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from wheelhouse.archive.artifact import Candidate
from wheelhouse.errors import IntegrityError, ServerError, TransientError
from wheelhouse.events import Finished, Listener, Waiting, ignore
from wheelhouse.files.disk import digest_of
from wheelhouse.files.tasks import Tasks
from wheelhouse.index.client import Index
from wheelhouse.index.http import Http
from wheelhouse.index.pages import Page
from wheelhouse.index.urls import redact
from wheelhouse.mirror.offered_files import OpenedFile, open_wheelhouse
from wheelhouse.mirror.upload import Repository
from wheelhouse.mirror.upload_form import upload_form

UPLOADERS = 4
STRONGEST = ("sha256", "sha512", "sha384", "blake2b", "sha224", "sha1", "md5")
LISTINGS = ("simple", "+simple")
"""Where servers list what they take, below the address that they take it at: most in `simple`, devpi in `+simple`."""


class PublishOutcome(StrEnum):
    """What became of one file."""

    SENT = "sent"
    THERE = "there already"
    MISSING = "to be sent"
    OTHER = "there with another hash"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Published:
    """One file, what became of it, and what the server said."""

    filename: str
    outcome: PublishOutcome
    answer: str = ""


def publish(
    folder: Path, repository: Repository, listing: str | None, http: Http, *, dry_run: bool, on_event: Listener = ignore
) -> list[Published]:
    """Send what a repository lacks of a house. Safe to repeat.

    Nothing is sent where the repository has another file under one of the names: IntegrityError names them all. ServerError
    where it refuses some; what it took stays.
    """
    opened = list(open_wheelhouse(folder, on_event=on_event))
    index = _listing(repository, listing, opened, http)
    there = _compare(opened, index, http)
    _must_not_differ(there, repository)
    missing = [one for one in opened if there[one.offered.filename] is PublishOutcome.MISSING]
    standing = [Published(name, outcome) for name, outcome in there.items() if outcome is PublishOutcome.THERE]
    if dry_run:
        return sorted(
            [*standing, *(Published(one.offered.filename, PublishOutcome.MISSING) for one in missing)], key=_name
        )
    with ThreadPoolExecutor(UPLOADERS) as pool:
        sent = list(pool.map(lambda one: _send(one, repository, index, http, on_event), missing))
    results = sorted([*standing, *sent], key=_name)
    _must_be_taken(results, repository)
    return results


def _name(published: Published) -> str:
    return published.filename


def _listing(repository: Repository, listing: str | None, opened: Iterable[OpenedFile], http: Http) -> Index:
    """The index that lists what the repository has: as named, else the first place below it that answers as an index does.

    Raises ServerError: a server that does not answer at all, or that refuses to at every place, is said to do that.
    """
    if listing:
        return Index(listing, http)
    base = repository.url.rstrip("/").removesuffix("/legacy")
    project = next(iter(opened)).project
    places = ("",) if base.endswith("/simple") else LISTINGS
    failures: list[ServerError] = []
    for place in places:
        index = Index(f"{base}/{place}".rstrip("/"), http)
        try:
            if index.page(project) is not None or _answers(index, http):
                return index
        except TransientError:
            raise
        except ServerError as error:
            failures.append(error)
    if len(failures) == len(places):
        raise failures[0]
    hint = "name its Simple index with --index"
    raise ServerError("where the repository lists what it has could not be found", hint=hint)


def _answers(index: Index, http: Http) -> bool:
    try:
        return http.get(f"{index.name}/").status == 200
    except ServerError:
        return False


def _compare(opened: Iterable[OpenedFile], index: Index, http: Http) -> dict[str, PublishOutcome]:
    tasks = Tasks(UPLOADERS * 2, "listing")
    try:
        pages = {one.offered.filename: tasks.start(one.project, partial(index.page, one.project)) for one in opened}
        return {one.offered.filename: _standing(one, pages[one.offered.filename].result(), http) for one in opened}
    finally:
        tasks.close()


def _standing(one: OpenedFile, page: Page | None, http: Http) -> PublishOutcome:
    for candidate in page.candidates(one.offered.version) if page else ():
        if candidate.filename == one.offered.filename:
            return PublishOutcome.THERE if _is_same(one, candidate, http) else PublishOutcome.OTHER
    return PublishOutcome.MISSING


def _is_same(one: OpenedFile, candidate: Candidate, http: Http) -> bool:
    """Compared by the strongest hash that the index gives; by the bytes themselves where it gives none."""
    for algorithm in STRONGEST:
        if stated := candidate.hashes.get(algorithm):
            return stated == (one.offered.sha256 if algorithm == "sha256" else digest_of(one.path, algorithm))
    return http.retrying(candidate.filename, lambda: _sha256_there(candidate.url, http)) == one.offered.sha256


def _sha256_there(url: str, http: Http) -> str:
    digest = hashlib.sha256()
    with http.open(url, {"Accept-Encoding": "identity"}) as response:
        if response.status != 200:
            hint = "the repository lists a file that it does not have: mend that first"
            raise ServerError(f"{redact(url)} answered {response.status}", hint=hint)
        for chunk in http.chunks(response, url):
            digest.update(chunk)
    return digest.hexdigest()


def _must_not_differ(there: Mapping[str, PublishOutcome], repository: Repository) -> None:
    others = [name for name, outcome in there.items() if outcome is PublishOutcome.OTHER]
    if others:
        raise IntegrityError(
            f"{redact(repository.url)} has another file under the name `{others[0]}`{_more(others)}",
            hint="nothing was sent; find out which of the two is the right one",
            details=tuple(f"another file there: {name}" for name in others),
        )


def _send(one: OpenedFile, repository: Repository, index: Index, http: Http, on_event: Listener) -> Published:
    """Send one file. A server that does not take it may have got it meanwhile from somebody else: that is looked up again."""
    offered = one.offered
    on_event(Waiting(offered.filename, offered.size))
    form = upload_form(one.raw_metadata, offered.filename, _digests(one))
    answer = repository.upload(one.path, offered.filename, form)
    on_event(Finished(offered.filename))
    if answer.taken:
        return Published(offered.filename, PublishOutcome.SENT, answer.text)
    there = _standing(one, index.page(one.project), http)
    outcome = PublishOutcome.REFUSED if there is PublishOutcome.MISSING else there
    return Published(offered.filename, outcome, f"{answer.status} {answer.text}")


def _digests(one: OpenedFile) -> dict[str, str]:
    """The digests that a form names; Pythons that follow FIPS 140 have no BLAKE2."""
    digests = {"sha256": one.offered.sha256}
    with suppress(ValueError, AttributeError):
        digests["blake2_256"] = digest_of(one.path, partial(hashlib.blake2b, digest_size=32))
    return digests


def _must_be_taken(results: list[Published], repository: Repository) -> None:
    differ = [result for result in results if result.outcome is PublishOutcome.OTHER]
    refused = [result for result in results if result.outcome is PublishOutcome.REFUSED]
    if differ:
        raise IntegrityError(f"{redact(repository.url)} has another file under the name `{differ[0].filename}`")
    if refused:
        first = refused[0]
        raise ServerError(
            f"{redact(repository.url)} refused `{first.filename}` ({first.answer}){_more(refused)}",
            hint="what it took stays; the same command goes on from there",
            details=tuple(f"{result.filename}: {result.answer}" for result in refused),
        )


def _more(found: Sequence[object]) -> str:
    return f", and {len(found) - 1} more" if len(found) > 1 else ""
