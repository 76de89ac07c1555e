"""The changes from one wheelhouse to the next: projects, files, and the contents of files that replace others (pure)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.humanize import counted, size_text
from wheelhouse.lock.lock import Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.vet.capabilities import Earlier
from wheelhouse.vet.facts import NATIVE_KINDS, Facts, installed
from wheelhouse.vet.file_capabilities import capabilities_of
from wheelhouse.vet.licences import licence_of
from wheelhouse.vet.member_changes import MemberChange, TextDiff, member_changes, versionless, without_version

HOST_AND_OWNER = re.compile(r"https?://(?:www\.)?([^/?#]+(?:/[^/?#]+)?)", re.IGNORECASE)
NUMBERS = re.compile(r"\d+(_\d+)*")
MANGLED = re.compile(r"-[0-9a-f]{8}(?=[.-])")
"""What auditwheel adds to the names of libraries that it copies into a wheel."""
COMPARED_FIELDS = ("author", "author-email", "maintainer", "maintainer-email", "requires-python")
CUSTOMIZE = ("sitecustomize.py", "usercustomize.py")


class Kind(StrEnum):
    """The kind of change of a project, in the order in which to review them."""

    BYTES = "other bytes"
    DOWN = "down"
    ADDED = "added"
    UP = "up"
    FILES = "other files"
    REMOVED = "removed"


class Topic(StrEnum):
    """What a change inside a file is about."""

    CAPABILITIES = "can"
    RUNS = "runs"
    NATIVE = "native code"
    LICENCE = "licence"
    REQUIRES = "requires"
    METADATA = "metadata"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Change:
    """One change inside a file: its topic, the aspect of it that was compared, and what was removed and added."""

    topic: Topic
    aspect: str
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replaced:
    """A file of the new wheelhouse, the file of the old one that it replaces, if any, and the changes inside.

    `earlier` is what the old file could do, `members` are those that differ, and `texts` what changed in those that run, if that
    was asked for.
    """

    new: Pin
    old: Pin | None = None
    changes: tuple[Change, ...] = ()
    earlier: Earlier | None = None
    members: tuple[MemberChange, ...] = ()
    texts: tuple[TextDiff, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The change of one project: its versions before and after, the added files, the names of the removed ones.

    `place` is empty, or the name of the wheelhouse inside the wheelhouse.
    """

    project: NormalizedName
    kind: Kind
    place: str
    old: tuple[Version, ...]
    new: tuple[Version, ...]
    files: tuple[Replaced, ...] = field(default=())
    removed: tuple[str, ...] = ()


def differences(old: Wheelhouse, new: Wheelhouse, place: str = "") -> Iterator[Difference]:
    """The change of each project whose files differ by name or sha256, sorted by project. `Replaced.changes` are empty."""
    before, after = _by_project(old), _by_project(new)
    for project in sorted({*before, *after}):
        olds, news = before.get(project, {}), after.get(project, {})
        added = [pin for name, pin in sorted(news.items()) if name not in olds or _sha256(olds[name]) != _sha256(pin)]
        removed = tuple(sorted(olds.keys() - news.keys()))
        if added or removed:
            kind = _kind(olds, news)
            files = tuple(Replaced(pin, _replaced_file(pin, olds, news)) for pin in added)
            yield Difference(project, kind, place, _versions(olds), _versions(news), files, removed)


def _by_project(wheelhouse: Wheelhouse) -> dict[NormalizedName, dict[str, Pin]]:
    """The pins of all lock files: project → file name → pin."""
    pins: dict[NormalizedName, dict[str, Pin]] = {}
    for lock in wheelhouse.locks:
        for pin in lock.pins:
            pins.setdefault(pin.project, {})[pin.artifact.filename] = pin
    return pins


def _sha256(pin: Pin) -> str:
    """The sha256 of a pin's file."""
    return pin.artifact.sha256


def _versions(pins: dict[str, Pin]) -> tuple[Version, ...]:
    """The versions of these pins, each once, sorted."""
    return tuple(sorted({pin.version for pin in pins.values()}))


def _kind(olds: dict[str, Pin], news: dict[str, Pin]) -> Kind:
    """How a project changed. UP or DOWN by the newest version; if that is the same, by all versions in their order.

    With the same versions, BYTES if a file of the same name differs, else FILES.
    """
    if not olds or not news:
        return Kind.REMOVED if olds else Kind.ADDED
    before, after = _versions(olds), _versions(news)
    if before != after:
        return Kind.UP if max(before, after, key=lambda versions: (versions[-1], versions)) == after else Kind.DOWN
    return (
        Kind.BYTES
        if any(name in olds and _sha256(olds[name]) != _sha256(pin) for name, pin in news.items())
        else Kind.FILES
    )


def _replaced_file(pin: Pin, olds: dict[str, Pin], news: Mapping[str, Pin]) -> Pin | None:
    """The old file that a new one replaces, also if the new wheelhouse still has it; None if there is none.

    One of the same name, else of the same tags, else of tags that differ only in numbers, else the first by name. All sdists
    have the same tags. An sdist never replaces a wheel of its own version that the new wheelhouse has, too.
    """

    def unlike(other: Pin) -> tuple[bool, bool, bool, str]:
        """What sorts old files, the one most like the new file first."""
        new_tags, old_tags = _tags(pin), _tags(other)
        same_but_numbers = NUMBERS.sub("", new_tags) == NUMBERS.sub("", old_tags)
        name = other.artifact.filename
        return (name != pin.artifact.filename, new_tags != old_tags, not same_but_numbers, name)

    is_wheel = pin.artifact.is_wheel
    replaceable = (
        old
        for name, old in olds.items()
        if is_wheel or not old.artifact.is_wheel or name not in news or old.version != pin.version
    )
    return min(replaceable, key=unlike, default=None)


def _tags(pin: Pin) -> str:
    """The tags in the name of a wheel with its `.whl`, to be compared with others; empty for an sdist."""
    return "-".join(pin.artifact.filename.split("-")[-3:]) if pin.artifact.is_wheel else ""


def changes(old: Facts | None, new: Facts) -> tuple[Change, ...]:
    """The changes inside a file that replaces another. For a file that replaces none, all lines of ASPECTS as added."""
    candidates = [
        _sdist_for_wheel(old, new),
        *(_compared(topic, aspect, lines(old) if old else (), lines(new)) for topic, aspect, lines in ASPECTS),
        *(_metadata(old, new) if old else ()),
        _sizes(old, new) if old else None,
        *(_members(member_changes(old, new)) if old else ()),
    ]
    return tuple(change for change in candidates if change)


def _sdist_for_wheel(old: Facts | None, new: Facts) -> Change | None:
    """A change if an sdist replaces a wheel; else None."""
    if old and old.pin.artifact.is_wheel and not new.pin.artifact.is_wheel:
        return Change(Topic.RUNS, "an sdist in the place of a wheel: its code runs when it is built")
    return None


def _compared(topic: Topic, aspect: str, before: Iterable[str], after: Iterable[str]) -> Change | None:
    """A change with the lines that were removed and added, each once and sorted; None if both are equal as sets."""
    olds, news = set(before), set(after)
    if olds == news:
        return None
    return Change(topic, aspect, tuple(sorted(olds - news)), tuple(sorted(news - olds)))


def _metadata(old: Facts, new: Facts) -> Iterator[Change | None]:
    """The change of each of COMPARED_FIELDS of the core metadata; None for one that is equal."""
    for name in COMPARED_FIELDS:
        yield _compared(Topic.METADATA, name.capitalize(), old.headers.get(name, ()), new.headers.get(name, ()))


def _members(members: Sequence[MemberChange]) -> Iterator[Change]:
    """At most two changes: the names of members that were added and removed; and, as added, those with other contents."""
    removed = tuple(member.name for member in members if member.new is None)
    added = tuple(member.name for member in members if member.old is None)
    if removed or added:
        yield Change(Topic.FILES, "members", removed, added)
    if altered := tuple(member.name for member in members if member.old and member.new):
        yield Change(Topic.FILES, "members with other contents", (), altered)


def _sizes(old: Facts, new: Facts) -> Change | None:
    """The change of the number of entries and of their size unpacked; None if both are equal as text."""
    before, after = _size(old), _size(new)
    return Change(Topic.FILES, "unpacked", (before,), (after,)) if before != after else None


def _size(facts: Facts) -> str:
    """The number of entries and their size unpacked, as text: `3 files, 1.2 MB`."""
    return f"{counted(len(facts.entries), 'file')}, {size_text(sum(entry.size for entry in facts.entries))}"


def _commands(facts: Facts) -> Iterator[str]:
    """Entry points, each with its group: `console_scripts: demo = demo:main`."""
    for group, objects in facts.entry_point_groups.items():
        yield from (f"{group}: {name} = {value}" for name, value in objects.items())


def _self_starting(facts: Facts) -> Iterator[str]:
    """The names of .pth files, sitecustomize, usercustomize and scripts; of an sdist, also setup.py; all without versions."""
    for entry in facts.entries:
        name = versionless(facts, entry.name)
        base = name.rpartition("/")[2]
        is_script = name.startswith("*.data/scripts/")
        is_setup = name == "setup.py" and not facts.pin.artifact.is_wheel
        if base.endswith(".pth") or base in CUSTOMIZE or is_script or is_setup:
            yield name


def _executable(facts: Facts) -> Iterator[str]:
    """The names of members that are marked executable, without native code, and without versions."""
    executable = (entry for entry in facts.entries if entry.executable and entry.kind not in NATIVE_KINDS)
    return (name for entry in executable if (name := versionless(facts, entry.name)))


def _native(facts: Facts) -> Iterator[str]:
    """The name and size of each native file, without auditwheel's hash, and without versions."""
    for entry in facts.entries:
        if entry.kind in NATIVE_KINDS:
            yield f"{MANGLED.sub('', versionless(facts, entry.name))}, {size_text(entry.size)}"


def _libraries(facts: Facts) -> Iterator[str]:
    """The libraries that native files link to, without auditwheel's hash; some several times."""
    for entry in facts.entries:
        yield from (MANGLED.sub("", name) for name in entry.needs)


def _licences(facts: Facts) -> tuple[str, ...]:
    """The licence expression; without one, the first line of the License field; else nothing."""
    expression = licence_of(facts).expression
    return (expression,) if expression else tuple(facts.header("license").strip().splitlines()[:1])


def _licence_texts(facts: Facts) -> Iterator[str]:
    """The name of each licence file in `.dist-info`, with the length of its text in characters, runs of blanks counted as one."""
    for name, text in facts.texts.items():
        base = name.rpartition("/")[2]
        if re.search(r"licen[cs]e|copying|notice", base, re.IGNORECASE) and ".dist-info/" in name:
            yield f"{base}, {len(' '.join(text.split()))} characters"


def _requirements(facts: Facts) -> tuple[str, ...]:
    """The requirements that the lock file has of it, as texts."""
    return facts.pin.dependencies


def _hosts_and_owners(facts: Facts) -> Iterator[str]:
    """Host and owner of each http or https address, in lower case and without `www.`: `github.com/pypa`.

    They say who publishes; the rest of a path changes with each release.
    """
    urls = [line.rpartition(",")[2].strip() for line in facts.headers.get("project-url", ())]
    for url in [*urls, *facts.headers.get("home-page", ())]:
        if match := HOST_AND_OWNER.match(url):
            yield match[1].lower()


def _top_level_names(facts: Facts) -> Iterator[str]:
    """The names that a wheel installs at the top of site-packages, some several times, without its .dist-info; nothing for an sdist."""
    for entry in facts.entries if facts.pin.artifact.is_wheel else ():
        top = installed(entry.name).partition("/")[0]
        if top and not top.startswith("@") and not without_version(f"{top}/").startswith("*."):
            yield top


ASPECTS = (
    (Topic.CAPABILITIES, Topic.CAPABILITIES, capabilities_of),
    (Topic.RUNS, "start-up files, scripts and setup.py", _self_starting),
    (Topic.RUNS, "entry points", _commands),
    (Topic.RUNS, "marked executable", _executable),
    (Topic.NATIVE, "native files", _native),
    (Topic.NATIVE, "libraries that they link to", _libraries),
    (Topic.LICENCE, Topic.LICENCE, _licences),
    (Topic.LICENCE, "licence files", _licence_texts),
    (Topic.REQUIRES, Topic.REQUIRES, _requirements),
    (Topic.METADATA, "addresses", _hosts_and_owners),
    (Topic.FILES, "top-level names", _top_level_names),
)
"""What is compared as a set of lines, in reading order."""
