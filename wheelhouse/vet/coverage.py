"""What vetting looked at, and what it did not: the statement that a report carries (pure)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wheelhouse.vet.code.hidden_members import COMPILED, MAX_MEMBER_BYTES, MEDIA, PICKLES
from wheelhouse.vet.code_reader import PYTHON_SCRIPT, is_source
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.facts import MAX_NATIVE_BYTES, NATIVE_KINDS, Entry, Facts, text_limit

ARCHIVE_KINDS = frozenset(("zip", "gzip", "bzip2", "xz", "zstd", "7z", "tar"))
OTHER_LANGUAGES = re.compile(
    r"\.(?:[cm]?jsx?|tsx?|vue|wasm|sh|bash|zsh|fish|ps1|psm1|bat|cmd|vbs|rb|pl|pm|lua|php|tcl|jl|r|java|class|scala|kt|cs|go|rs"
    r"|c|cc|cpp|cxx|h|hh|hpp|cu|cuh|f|f90|pyx|pxd|pxi|swift|m|asm|s|sql|j2|jinja2?|ipynb)$",
    re.IGNORECASE,
)
"""The suffixes of code that is not Python, of templates and of notebooks."""
MAX_SHEBANG_CHARACTERS = 300
SUFFIX = re.compile(r"\.[A-Za-z0-9_]{1,10}$")


class GapKind(StrEnum):
    """A kind of what was not looked at, or not as a whole. The values are written in JSON and SARIF: they must not change."""

    UNOPENED = "unopened-file"
    """A distribution that could not be opened, or is missing."""
    OTHER_FILE = "other-file"
    """A file of `[[files]]`: its hash is compared, and the names in a tar."""
    DEBIAN_PACKAGE = "debian-package"
    """A Debian package: its hash and its advisories, not its contents."""
    BASE_IMAGE = "base-image"
    """A base image: what it says of itself, not its layers."""
    SDIST_BUILD = "sdist-build"
    """An sdist is not built: what its build would make is not known."""
    NATIVE_CODE = "native-code"
    """Machine code: its headers are read, not its instructions."""
    OTHER_CODE = "other-code"
    """Code in other languages than Python, templates and notebooks: not parsed."""
    NESTED_ARCHIVE = "nested-archive"
    """An archive inside the file: it is not opened."""
    COMPILED_PYTHON = "compiled-python"
    """Compiled Python: it is compared with its source; without one, its instructions are not read."""
    TOO_LARGE = "too-large"
    """A member that is longer than is read: only its beginning."""
    UNPARSED_SOURCE = "unparsed-source"
    """A Python source that does not parse, or only in parts: another version's syntax, or an encoding that cannot be read."""
    UNFOLLOWED_SOURCE = "unfollowed-source"
    """A Python source that was not followed to its end: a limit was reached."""
    SEARCHED_SOURCE = "searched-source"
    """A Python source that has none of the words without which no rule finds anything: searched, not parsed."""
    UNREACHED_SOURCE = "unreached-source"
    """A Python file that no import can name: not parsed."""
    DATA = "data"
    """Members of other names: only their first bytes. Code that is loaded under an unusual name is among them."""


WITH_NAMES = frozenset((GapKind.NATIVE_CODE, GapKind.NESTED_ARCHIVE, GapKind.COMPILED_PYTHON, GapKind.TOO_LARGE)) | {
    GapKind.UNPARSED_SOURCE,
    GapKind.UNFOLLOWED_SOURCE,
}
"""The kinds whose members are named; of other kinds they are counted by suffix."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What was not looked at in one file: a kind, the file, and how many members.

    `members` names them if the kind is one of WITH_NAMES; else `suffixes` counts them by suffix.
    """

    kind: GapKind
    subject: str
    count: int = 1
    members: tuple[str, ...] = ()
    suffixes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The statement: how much was looked at, which rules were off, and every gap, in the order of kinds and files."""

    files: int
    members: int
    sources_followed: int
    sources_searched: int
    attestations: int
    rules_off: tuple[str, ...]
    gaps: tuple[Gap, ...]

    @property
    def by_kind(self) -> dict[GapKind, tuple[Gap, ...]]:
        """The gaps of each kind that has some, in the order of `GapKind`."""
        found = {kind: tuple(gap for gap in self.gaps if gap.kind == kind) for kind in GapKind}
        return {kind: gaps for kind, gaps in found.items() if gaps}


def coverage_of(evidence: Evidence) -> Coverage:
    """What vetting looked at in a wheelhouse, and what it did not."""
    order = list(GapKind)
    gaps = sorted(_gaps(evidence), key=lambda gap: (order.index(gap.kind), gap.subject))
    files = evidence.files.values()
    return Coverage(
        files=sum(facts.contents is not None for facts in files),
        members=sum(len(_members(facts)) for facts in files),
        sources_followed=sum(facts.inside.sources.followed for facts in files),
        sources_searched=sum(facts.inside.sources.searched for facts in files),
        attestations=sum(facts.attested is not None for facts in files),
        rules_off=evidence.rules_off,
        gaps=tuple(gaps),
    )


def _gaps(evidence: Evidence) -> Iterator[Gap]:
    """All gaps of a wheelhouse, not sorted: of its distributions, other files, Debian packages and base images."""
    for facts in evidence.files.values():
        yield from _in_file(facts)
    for name in evidence.others:
        yield Gap(GapKind.DEBIAN_PACKAGE if name in evidence.debs else GapKind.OTHER_FILE, name)
    for image in evidence.images:
        yield Gap(GapKind.BASE_IMAGE, f"{image.tag} ({image.architecture})")


def _in_file(facts: Facts) -> Iterator[Gap]:
    """What was not looked at in one distribution: one gap of each kind that it has."""
    if facts.contents is None:
        yield Gap(GapKind.UNOPENED, facts.subject)
        return
    if not facts.pin.artifact.is_wheel:
        yield Gap(GapKind.SDIST_BUILD, facts.subject)
    members: dict[GapKind, list[str]] = {}
    for entry in _members(facts):
        for kind in _kinds_of(entry, facts):
            members.setdefault(kind, []).append(entry.name)
    for kind, paths in _unread_sources(facts).items():
        members[kind] = sorted(paths)
    for kind, names in members.items():
        yield _gap(kind, facts.subject, names)
    for kind, count in _counted_sources(facts):
        if count:
            yield Gap(kind, facts.subject, count)


def _members(facts: Facts) -> list[Entry]:
    """The members of a file, without folders."""
    return [entry for entry in facts.entries if not entry.name.endswith("/")]


def _gap(kind: GapKind, subject: str, names: list[str]) -> Gap:
    """A gap with the names of the members if the kind is one of WITH_NAMES, else with their number by suffix."""
    if kind in WITH_NAMES:
        return Gap(kind, subject, len(names), tuple(names))
    return Gap(kind, subject, len(names), suffixes=dict(sorted(Counter(map(_suffix, names)).items())))


def _suffix(name: str) -> str:
    """The suffix of a name with its dot, in lower case; empty if it is not one to ten ASCII letters, digits or `_`."""
    match = SUFFIX.search(name)
    return match[0].lower() if match else ""


def _kinds_of(entry: Entry, facts: Facts) -> Iterator[GapKind]:
    """At most two kinds of what was not looked at in one member: one by what it is, and TOO_LARGE."""
    is_python = _is_python(entry, facts)
    is_read = bool(MEDIA.search(entry.name) or PICKLES.search(entry.name))
    if entry.kind in NATIVE_KINDS:
        yield GapKind.NATIVE_CODE
    elif entry.kind in ARCHIVE_KINDS and not is_read:
        yield GapKind.NESTED_ARCHIVE
    elif COMPILED.search(entry.name):
        yield GapKind.COMPILED_PYTHON
    elif OTHER_LANGUAGES.search(entry.name) or (entry.kind in ("script", "java") and not is_python):
        yield GapKind.OTHER_CODE
    elif not (is_python or is_read or entry.name in facts.texts or _is_metadata(entry.name)):
        yield GapKind.DATA
    if _is_cut(entry, facts):
        yield GapKind.TOO_LARGE


def _is_python(entry: Entry, facts: Facts) -> bool:
    """Whether a member is a Python source: a `.py` or `.pyw` file.

    Of a wheel also a .pth file that Python reads at its start, or a script whose first line, if `Facts.texts` has it, names
    Python.
    """
    if not is_source(entry.name, is_wheel=facts.pin.artifact.is_wheel):
        return False
    if entry.name.endswith((".py", ".pyw", ".pth")):
        return True
    text = facts.texts.get(entry.name)
    return text is not None and bool(PYTHON_SCRIPT.match(text[:MAX_SHEBANG_CHARACTERS].encode()))


def _is_metadata(name: str) -> bool:
    """Whether a member is metadata: in a `.dist-info` folder at the top, in an `.egg-info` folder anywhere, or a PKG-INFO in a folder."""
    return name.partition("/")[0].endswith(".dist-info") or ".egg-info/" in name or name.endswith("/PKG-INFO")


def _is_cut(entry: Entry, facts: Facts) -> bool:
    """Whether only the beginning of a member was read, because it is larger than the limit of its kind.

    The limit of Python sources is not compared. False for a member of which nothing is kept.
    """
    if entry.kind == "elf":
        return entry.size > MAX_NATIVE_BYTES
    if MEDIA.search(entry.name) or PICKLES.search(entry.name) or COMPILED.search(entry.name):
        return entry.size > MAX_MEMBER_BYTES
    return entry.name in facts.texts and entry.size > text_limit(entry.name)


def _unread_sources(facts: Facts) -> dict[GapKind, set[str]]:
    """The paths of the sources that were not parsed or followed as a whole, by kind; a kind without any is left out."""
    kinds = {"unparsed": GapKind.UNPARSED_SOURCE, "unfollowed": GapKind.UNFOLLOWED_SOURCE}
    paths: dict[GapKind, set[str]] = {}
    for behaviour in facts.inside.behaviours:
        if kind := kinds.get(behaviour.kind):
            paths.setdefault(kind, set()).add(behaviour.path)
    return paths


def _counted_sources(facts: Facts) -> Iterable[tuple[GapKind, int]]:
    """How many sources were only searched, and how many no import reaches; also if there are none."""
    sources = facts.inside.sources
    return ((GapKind.SEARCHED_SOURCE, sources.searched), (GapKind.UNREACHED_SOURCE, sources.unreached))
