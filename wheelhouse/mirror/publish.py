"""Upload a wheelhouse to a package repository: list its files, compare, send the missing ones. A name with other bytes stops it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from wheelhouse.errors import IntegrityError, ServerError, TransientError
from wheelhouse.events import Finished, Listener, Waiting, ignore
from wheelhouse.files.disk import digest_of
from wheelhouse.files.tasks import Tasks
from wheelhouse.index.client import Index
from wheelhouse.index.http import Http
from wheelhouse.index.pages import Page
from wheelhouse.index.urls import redact
from wheelhouse.mirror.listed_files import downloaded_sha256, has_stated_hash, listed, own_page
from wheelhouse.mirror.offered_files import OpenedFile, open_wheelhouse
from wheelhouse.mirror.upload import Repository
from wheelhouse.mirror.upload_form import upload_form

UPLOADERS = 4
LISTINGS = ("simple", "+simple")
"""Paths of the Simple index below the upload address: `simple` for most servers, `+simple` for devpi."""


class PublishOutcome(StrEnum):
    """The result for one file."""

    SENT = "sent"
    PRESENT = "there already"
    MISSING = "to be sent"
    DIFFERENT = "there with another hash"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Published:
    """One file, its result, and the text of the server's answer."""

    filename: str
    outcome: PublishOutcome
    answer: str = ""


def publish(
    folder: Path, repository: Repository, listing: str | None, http: Http, *, dry_run: bool, on_event: Listener = ignore
) -> list[Published]:
    """Send the files of a wheelhouse, but no kept sdist, that a repository lacks. A result for each file, sorted by name;
    `dry_run` sends none. Safe to repeat. Nothing is requested if there are no files.

    Raises IntegrityError, and sends nothing, if the repository has one of the names with other bytes; IntegrityError if it
    gets such a file from somebody else meanwhile, ServerError if it has no index, fails, or refuses a file: then the files
    that it accepted stay there. Before any request, raises as `open_wheelhouse`.
    """
    opened = list(open_wheelhouse(folder, on_event=on_event))
    if not opened:
        return []
    index = _listing(repository, listing, opened, http)
    outcomes = _compare(opened, index, http, on_event)
    _must_not_differ(outcomes, repository)
    results = [Published(name, outcome) for name, outcome in outcomes.items()]
    if not dry_run:
        missing = [file for file in opened if outcomes[file.offered.filename] is PublishOutcome.MISSING]
        present = [result for result in results if result.outcome is PublishOutcome.PRESENT]
        with ThreadPoolExecutor(UPLOADERS) as pool:
            results = [*present, *pool.map(lambda file: _send(file, repository, index, http, on_event), missing)]
        _must_be_accepted(results, repository)
    return sorted(results, key=_name)


def _name(published: Published) -> str:
    """The file name, to sort by."""
    return published.filename


def _listing(repository: Repository, listing: str | None, opened: Iterable[OpenedFile], http: Http) -> Index:
    """The index of the repository: the address `listing`, which is not tried, else the first of `LISTINGS` that answers as
    an index does.

    A repository's address that ends in `/simple` is tried itself, instead of LISTINGS; `/legacy` at its end is left out.
    `opened` is not empty. Raises ServerError if no place is an index. If the request to every place failed, this is the
    error of the first one. A TransientError for the page of the first file's project is raised at once.
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
    hint = "give the address of the Simple index with --index"
    raise ServerError("no Simple index was found below the repository's address", hint=hint)


def _answers(index: Index, http: Http) -> bool:
    """Whether the list of projects is there (status 200). False also if the server fails."""
    try:
        return http.get(f"{index.name}/").status == 200
    except ServerError:
        return False


def _compare(opened: Iterable[OpenedFile], index: Index, http: Http, on_event: Listener) -> dict[str, PublishOutcome]:
    """PRESENT, DIFFERENT or MISSING for each file, by file name."""
    tasks = Tasks(UPLOADERS * 2, "listing")
    try:
        pages = {
            file.offered.filename: tasks.start(file.project, partial(own_page, index, file.project, on_event))
            for file in opened
        }
        return {file.offered.filename: _state(file, pages[file.offered.filename].result(), http) for file in opened}
    finally:
        tasks.close()


def _state(file: OpenedFile, page: Page | None, http: Http) -> PublishOutcome:
    """Whether a page lists a file: PRESENT, DIFFERENT or MISSING. A file without a hash on the page is downloaded."""
    entry = listed(page, file.offered.filename, file.offered.version)
    if entry is None:
        return PublishOutcome.MISSING
    is_same = has_stated_hash(entry, file.offered.sha256, file.path)
    if is_same is None:
        is_same = downloaded_sha256(entry, http) == file.offered.sha256
    return PublishOutcome.PRESENT if is_same else PublishOutcome.DIFFERENT


def _must_not_differ(outcomes: Mapping[str, PublishOutcome], repository: Repository) -> None:
    """Raise IntegrityError if the repository has another file under one of these names."""
    different = [name for name, outcome in outcomes.items() if outcome is PublishOutcome.DIFFERENT]
    if different:
        raise IntegrityError(
            f"{redact(repository.url)} has a different file with the name `{different[0]}`{_more(different)}",
            hint="nothing was sent; find out which of the two files is the right one",
            details=tuple(f"the repository has a different file with this name: {name}" for name in different),
        )


def _send(file: OpenedFile, repository: Repository, index: Index, http: Http, on_event: Listener) -> Published:
    """Send one file: SENT if it is accepted. If not, its page is read again: PRESENT or DIFFERENT if it is there now.

    Else REFUSED. Raises ServerError as `Repository.upload`, also for a 401.
    """
    offered = file.offered
    on_event(Waiting(offered.filename, offered.size))
    form = upload_form(file.raw_metadata, offered.filename, _digests(file))
    answer = repository.upload(file.path, offered.filename, form)
    on_event(Finished(offered.filename))
    if answer.accepted:
        return Published(offered.filename, PublishOutcome.SENT, answer.text)
    state = _state(file, own_page(index, file.project, on_event), http)
    outcome = PublishOutcome.REFUSED if state is PublishOutcome.MISSING else state
    return Published(offered.filename, outcome, f"{answer.status} {answer.text}")


def _digests(file: OpenedFile) -> dict[str, str]:
    """The sha256 and, where Python has BLAKE2 (not if it follows FIPS 140), the blake2_256 of a file, in hexadecimal, by name."""
    digests = {"sha256": file.offered.sha256}
    with suppress(ValueError, AttributeError):
        digests["blake2_256"] = digest_of(file.path, partial(hashlib.blake2b, digest_size=32))
    return digests


def _must_be_accepted(results: list[Published], repository: Repository) -> None:
    """Raises IntegrityError if somebody uploaded another file under a name meanwhile, ServerError if a file was refused."""
    different = [result for result in results if result.outcome is PublishOutcome.DIFFERENT]
    refused = [result for result in results if result.outcome is PublishOutcome.REFUSED]
    if different:
        raise IntegrityError(
            f"{redact(repository.url)} has a different file with the name `{different[0].filename}`{_more(different)}",
            hint="somebody uploaded a different file during this run: find out which of the two files is right",
        )
    if refused:
        first = refused[0]
        raise ServerError(
            f"{redact(repository.url)} refused `{first.filename}` ({first.answer}){_more(refused)}",
            hint="run the same command again: it sends only the files that the repository does not have yet",
            details=tuple(f"{result.filename}: {result.answer}" for result in refused),
        )


def _more(items: Sequence[object]) -> str:
    """How many there are beside the first, as text for a sentence: `, and 2 more`; empty if there are none."""
    return f", and {len(items) - 1} more" if len(items) > 1 else ""
