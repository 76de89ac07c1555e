"""Notes on files, shown only by the pages for people: who needs a file, who approved it, what is known of it (pure).

The notes of an index are one JSON document, beside its journal, by the sha256 of the files.
"""

from collections.abc import Callable, Iterable, Mapping, Set

import msgspec
from packaging.utils import NormalizedName

from wheelhouse.documents import DocumentType
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.why import chains_of_pins
from wheelhouse.mirror.simple import Offered, ProjectPage

MAX_CHAINS = 3
"""Chains of requirements that a page shows of one lock file."""


class NamedBy(msgspec.Struct, frozen=True, order=True):
    """A lock file that names a file: its wheelhouse, its target, and the chain of projects from a requirement to the file's own."""

    wheelhouse: str
    target: str
    chain: tuple[str, ...]


class Known(msgspec.Struct, frozen=True):
    """What is known of a file: the reviewers whose approvals are enough, and its advisories, a line each."""

    approved_by: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


class FileNotes(msgspec.Struct, frozen=True, omit_defaults=True):
    """The notes on one file."""

    named_by: tuple[NamedBy, ...] = ()
    known: Known = Known()


Notes = Mapping[str, FileNotes]
"""By sha256."""
Knows = Callable[[NormalizedName, Offered], Known]
NO_NOTES = FileNotes()
_NOTES = DocumentType(dict[str, FileNotes])


def parse_notes(text: str) -> Notes:
    """The notes of an index from JSON, by sha256. Raises InputError if they cannot be read."""
    try:
        return _NOTES.from_json(text)
    except ValueError as error:
        hint = "remove the file, and make it again: run `wheelhouse index` with all wheelhouses"
        raise InputError(f"the notes of the index cannot be read: {error}", hint=hint) from error


def notes_text(notes: Notes) -> str:
    """The notes as JSON text, sorted by sha256."""
    return msgspec.json.format(msgspec.json.encode(dict(sorted(notes.items()))), indent=1).decode() + "\n"


def with_locks(notes: Notes, locks: Iterable[tuple[str, Lock]]) -> Notes:
    """New notes with what lock files say now, each with the name of its wheelhouse, in the place of what they said before.

    Two of them may have equal names and targets: each is noted. A lock file names each file by up to MAX_CHAINS chains of
    requirements; by the project alone if there is none.
    """
    named_locks = list(locks)
    again = {(wheelhouse, lock.name) for wheelhouse, lock in named_locks}
    left = {sha256: _without(note, again) for sha256, note in notes.items()}
    for wheelhouse, lock in named_locks:
        for pin, chains in chains_of_pins(lock):
            before = left.get(pin.artifact.sha256, NO_NOTES)
            named = {NamedBy(wheelhouse, lock.name, tuple(chain)) for chain in chains[:MAX_CHAINS]}
            named |= set() if named else {NamedBy(wheelhouse, lock.name, (str(pin.project),))}
            left[pin.artifact.sha256] = FileNotes(tuple(sorted({*before.named_by, *named})), before.known)
    return left


def _without(note: FileNotes, locks: Set[tuple[str, str]]) -> FileNotes:
    """A note without what the lock files of these (wheelhouse, target) said."""
    kept = tuple(by for by in note.named_by if (by.wheelhouse, by.target) not in locks)
    return note if kept == note.named_by else FileNotes(kept, note.known)


def of_files(notes: Notes, pages: Iterable[tuple[NormalizedName, ProjectPage]], knows: Knows | None) -> Notes:
    """A note on each file of the pages, and on no other, with what `knows` says today; without `knows`, with what was known before."""
    files = ((project, file) for project, page in pages for file in page.files.values())
    return {file.sha256: _noted(notes.get(file.sha256, NO_NOTES), project, file, knows) for project, file in files}


def _noted(note: FileNotes, project: NormalizedName, file: Offered, knows: Knows | None) -> FileNotes:
    """The note with what `knows` says of the file; the same note without `knows`."""
    return FileNotes(note.named_by, knows(project, file)) if knows else note
