"""Compare two wheelhouses, and the contents of files that replace others. No network, and no code runs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from wheelhouse.archive.named_members import contents_of_members
from wheelhouse.errors import IntegrityError
from wheelhouse.events import Finished, Listener, ignore
from wheelhouse.files.disk import has_locked_bytes, rooted
from wheelhouse.files.store import Store
from wheelhouse.lock.lock import Pin
from wheelhouse.lock.wheelhouse import SUB_WHEELHOUSES, Wheelhouse
from wheelhouse.verify.verify import load_wheelhouse
from wheelhouse.vet.capabilities import Earlier
from wheelhouse.vet.diff import Difference, Kind, Replaced, changes, differences
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.facts_reader import look_inside
from wheelhouse.vet.file_capabilities import capabilities_of
from wheelhouse.vet.file_reader import noted_or_read
from wheelhouse.vet.member_changes import (
    MAX_DIFF_BYTES,
    MemberChange,
    TextDiff,
    member_changes,
    running_members,
    text_diffs,
)


def diff(
    old: Path,
    new: Path,
    on_event: Listener = ignore,
    *,
    new_facts: Mapping[str, Facts] = MappingProxyType({}),
    with_texts: bool = False,
    notes: Store | None = None,
    only_known: bool = False,
) -> tuple[Difference, ...]:
    """The changes from one wheelhouse to another, and in those inside them, in the order in which to review them.

    Emits `Finished` for each project that changed, once for each wheelhouse in which it did. `new_facts` are the facts of
    files of the new wheelhouse that were read before, by subject; those files are not read again. `with_texts` also compares
    the text of members that run. `notes` is where what was read of each file is kept. With `only_known`, files of the new
    wheelhouse that `new_facts` lacks are left out. Only files that are new or replaced are read. Raises IntegrityError for
    one that is not what its lock says, or has metadata without a project or a valid version, RefusedError for a hostile or
    damaged archive, and InputError if a folder is no wheelhouse. Threads read the files and call `on_event`.
    """
    unopened, options = list(_differences(old, new)), _Options(new_facts, with_texts, notes, only_known)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        opened = pool.map(lambda one: _opened(one, old, new, options, on_event), unopened)
        order = list(Kind)
        return tuple(sorted(opened, key=lambda one: (one.place, order.index(one.kind), one.project)))


def _differences(old: Path, new: Path) -> Iterator[Difference]:
    """The differences by the lock files alone, also of the wheelhouses inside, of which a missing one counts as empty.

    Raises InputError if a folder is no wheelhouse.
    """
    yield from differences(load_wheelhouse(old), load_wheelhouse(new))
    for sub in SUB_WHEELHOUSES:
        before, after = (
            load_wheelhouse(folder / sub) if (folder / sub).is_dir() else Wheelhouse() for folder in (old, new)
        )
        yield from differences(before, after, sub)


@dataclass(frozen=True, slots=True)
class _Options:
    """What `diff` takes beside the two folders."""

    new_facts: Mapping[str, Facts]
    with_texts: bool
    notes: Store | None
    only_known: bool


def _opened(one: Difference, old: Path, new: Path, options: _Options, on_event: Listener) -> Difference:
    """A difference with the changes inside its files; emits `Finished` for its project.

    Files of the new wheelhouse whose facts are not given are read; with `only_known`, they are left out.
    """
    old, new, prefix = old / one.place, new / one.place, f"{one.place}/" if one.place else ""

    def compared(file: Replaced) -> Replaced:
        """A file with the changes inside it. If it replaces another, also with what that could do and the members that differ."""
        after = options.new_facts.get(subject(file)) or _facts(new, file.new, options.notes)
        if file.old is None:
            return replace(file, changes=changes(None, after))
        before = _facts(old, file.old, options.notes)
        members = member_changes(before, after)
        return replace(
            file,
            changes=changes(before, after),
            earlier=Earlier(str(before.version), frozenset(capabilities_of(before))),
            members=members,
            texts=_texts(members, (old, file.old), (new, file.new)) if options.with_texts else (),
        )

    def subject(file: Replaced) -> str:
        """The place and name of a file of the new wheelhouse."""
        return prefix + file.new.artifact.filename

    wanted = (file for file in one.files if not options.only_known or subject(file) in options.new_facts)
    files = tuple(map(compared, wanted))
    on_event(Finished(one.project))
    return replace(one, files=files)


def _texts(members: Sequence[MemberChange], old: tuple[Path, Pin], new: tuple[Path, Pin]) -> tuple[TextDiff, ...]:
    """The text differences of the `running_members` among `members`, between an old and a new file.

    Each file is a folder and a pin. A member with more than 256 KiB in either file is left out.
    """
    running = running_members(members)
    names = (
        [entry.name for member in running if (entry := member.old)],
        [entry.name for member in running if (entry := member.new)],
    )
    before, after = (
        contents_of_members(rooted(folder, pin.artifact.filename), pin.artifact.filename, wanted, MAX_DIFF_BYTES)
        for (folder, pin), wanted in zip((old, new), names, strict=True)
    )
    return text_diffs(running, before, after)


def _facts(folder: Path, pin: Pin, notes: Store | None) -> Facts:
    """The facts of a file in a folder, from the notes if it was read before.

    What was read is noted. Raises IntegrityError if its bytes are not those of the lock, or for metadata without a project
    or a valid version, and RefusedError for a hostile or damaged archive.
    """
    if not has_locked_bytes(folder, pin.artifact):
        raise IntegrityError(
            f"`{folder / pin.artifact.filename}` differs from the wheelhouse's lock files",
            hint=f"see every problem: `wheelhouse verify {folder}`",
        )
    path = rooted(folder, pin.artifact.filename)
    contents, inside = noted_or_read(notes, pin.artifact, lambda: look_inside(path, path.name))
    return Facts(pin, contents=contents, inside=inside)
