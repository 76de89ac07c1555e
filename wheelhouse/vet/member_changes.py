"""The members of a file that were added, removed or changed since the file that it replaces, and text diffs of those that run (pure)."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wheelhouse.vet.facts import Entry, Facts

MAX_DIFF_BYTES = 256 << 10
"""A longer text is not compared line by line."""
MAX_DIFFS = 60
"""So many members of a file are compared line by line."""
MAX_DIFF_LINES = 400
"""So many lines of the diff of one member are kept."""
CONTEXT_LINES = 3

_DATA = r"\*\.data/(?:purelib|platlib|data/(?:.*/)?)/?"
RUNNING = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:{_DATA})?[^/]*\.(?:pth|start)|(?:.*/)?(?:site|user)customize(?:\.py|/__init__\.py)",
        r"setup\.py|setup\.cfg|pyproject\.toml",
        r"\*\.data/(?:scripts|data/(?:bin|Scripts))/.+",
        r"\*\.dist-info/entry_points\.txt",
        r"\*\.dist-info/METADATA|PKG-INFO",
        r"(?!(?:.*/)?tests?/).*/__init__\.py|[^/]+\.py",
        r"(?!(?:.*/)?tests?/).*\.py",
        r".*\.py",
    )
)
"""Members that run, or say what does, by their names without version; the first kinds are shown first."""
OWN_FOLDER = re.compile(r"^[^/]+-[^/-]+\.(dist-info|data)/")
OWN_RECORD = re.compile(r"\*\.dist-info/RECORD(?:\.(?:jws|p7s))?")


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A member, by its name without version, in the old file and in the new one; None if it is not there."""

    name: str
    old: Entry | None
    new: Entry | None


@dataclass(frozen=True, slots=True)
class TextDiff:
    """The lines of a unified diff of one member, without its head. `omitted` is the number of lines that were left out."""

    name: str
    lines: tuple[str, ...]
    omitted: int = 0


def without_version(name: str) -> str:
    """A member's name with `*` for the project and version of its own folder: `demo-1.0.dist-info/RECORD` is `*.dist-info/RECORD`."""
    return OWN_FOLDER.sub(r"*.\1/", name)


def versionless(facts: Facts, name: str) -> str:
    """The name of a member of a file without the file's version: in a wheel as `without_version`, in an sdist below its top folder."""
    return without_version(name) if facts.pin.artifact.is_wheel else name.partition("/")[2]


def member_changes(old: Facts, new: Facts) -> tuple[MemberChange, ...]:
    """Every member that was added or removed, or whose size or digest differs, sorted by name without version.

    A wheel's RECORD, which lists the others, its signatures (`RECORD.jws`, `RECORD.p7s`) and folders are left out.
    """
    before, after = _by_name(old), _by_name(new)
    names = sorted(name for name in {*before, *after} if _differ(before.get(name), after.get(name)))
    return tuple(MemberChange(name, before.get(name), after.get(name)) for name in names)


def _by_name(facts: Facts) -> Mapping[str, Entry]:
    """The members by their names without version, without folders, and without a wheel's RECORD and its signatures.

    Names in an sdist are below its top folder, and without `src/`. Members that would have the same name then keep their own.
    """
    files = {versionless(facts, entry.name): entry for entry in facts.entries if not entry.name.endswith("/")}
    if facts.pin.artifact.is_wheel:
        return {name: entry for name, entry in files.items() if not OWN_RECORD.fullmatch(name)}
    inner = {name: name.removeprefix("src/") for name in files}
    return {name if inner[name] in files else inner[name]: entry for name, entry in files.items()}


def _differ(old: Entry | None, new: Entry | None) -> bool:
    """Whether a member is in one of the two files only, or its size or digest differs."""
    return old is None or new is None or (old.size, old.digest) != (new.size, new.digest)


def running_members(members: Iterable[MemberChange]) -> list[MemberChange]:
    """Those that run or say what does, the most telling kind first, then by name: at most 60, which are compared line by line."""
    ranked = [(rank, member) for member in members if (rank := _rank(member.name)) is not None]
    return [member for _, member in sorted(ranked, key=lambda pair: (pair[0], pair[1].name))][:MAX_DIFFS]


def _rank(name: str) -> int | None:
    """The place of a member's kind in `RUNNING`, from 0; None if it neither runs nor says what does."""
    return next((rank for rank, pattern in enumerate(RUNNING) if pattern.fullmatch(name)), None)


def text_diffs(
    members: Iterable[MemberChange], old: Mapping[str, bytes], new: Mapping[str, bytes]
) -> tuple[TextDiff, ...]:
    """A diff for each of these members whose contents are given; a member that one of the files lacks is compared with no lines.

    `old` and `new` are by the members' names in their files.
    """
    return tuple(_diffs(members, old, new))


def _diffs(members: Iterable[MemberChange], old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[TextDiff]:
    """The diffs of `text_diffs`, one after the other, of members whose contents are given; bytes that are not UTF-8 are replaced."""
    for member in members:
        before, after = (_lines(entry, texts) for entry, texts in ((member.old, old), (member.new, new)))
        if before is not None and after is not None:
            yield text_diff(member.name, before, after)


def _lines(entry: Entry | None, texts: Mapping[str, bytes]) -> list[str] | None:
    """The lines of a member; empty if its file lacks it, None if its contents are not given. What is not UTF-8 is replaced."""
    if entry is None:
        return []
    return texts[entry.name].decode("utf-8", "replace").splitlines() if entry.name in texts else None


def text_diff(name: str, before: Sequence[str], after: Sequence[str]) -> TextDiff:
    """The unified diff of two texts, given by lines. It keeps the first 400 lines, and counts the others."""
    lines = list(difflib.unified_diff(before, after, n=CONTEXT_LINES, lineterm=""))[2:]
    return TextDiff(name, tuple(lines[:MAX_DIFF_LINES]), max(0, len(lines) - MAX_DIFF_LINES))
