"""The facts of a wheel or sdist, collected in the one pass that checks it: its members, and the small texts that rules read."""

import codecs
import gc
import hashlib
import importlib.util
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from email.parser import HeaderParser
from pathlib import Path
from posixpath import normpath

from wheelhouse.archive.build_system import build_system
from wheelhouse.archive.elf import native_of
from wheelhouse.archive.filenames import is_wheel
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.named_members import contents_of_members
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import IntegrityError
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.code.compiled import MAX_COMPARED_BYTES, source_path, unlike_source
from wheelhouse.vet.code.follow import Source, capabilities_of, follow
from wheelhouse.vet.code.hidden_members import MAX_MEMBER_BYTES, is_looked_at, look_at, without_source
from wheelhouse.vet.code_reader import MAX_READ_BYTES, SUFFIX, is_source, source_of
from wheelhouse.vet.facts import MAX_NATIVE_BYTES, Entry, Inside, SourceCounts, text_limit

MAGIC = (
    (b"\x7fELF", "elf"),
    (b"MZ", "pe"),
    (b"\xcf\xfa\xed\xfe", "macho"),
    (b"\xce\xfa\xed\xfe", "macho"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"#!", "script"),
)
JAVA_OR_MACHO = b"\xca\xfe\xba\xbe"
OLDEST_JAVA = 45
"""The first version of class files (JVM specification, 4.1). A universal Mach-O has a smaller number there: of its architectures."""
OWN_MAGIC = int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")
"""The number that this Python writes into compiled modules."""
TAR_AT = slice(257, 262)
KIND_BYTES = 262
"""How many bytes at the start of a member tell its kind."""
WHEEL_TEXTS = re.compile(
    r"""([^/]+\.data/(purelib|platlib|data)/(.*/)?)? ([^/]*\.(pth|start) | (sitecustomize|usercustomize)(/__init__)?\.py)
    | [^/]+\.data/(scripts|data/(bin|scripts))/[^/]+ | [^/]+/__init__\.py | (.*/)?\.gitattributes
    | [^/]+\.dist-info/((licen[cs]es?/)?.*(LICEN[CS]E|COPYING|NOTICE)[^/]*|licenses/.+
      |entry_points\.txt|WHEEL|direct_url\.json|sboms/.+)""",
    re.VERBOSE | re.IGNORECASE,
)
SDIST_TEXTS = re.compile(
    r"[^/]+/(setup\.cfg|pyproject\.toml|[^/]*(LICEN[CS]E|COPYING|NOTICE)[^/]*|.*\.py|.*\.pth|(.*/)?\.gitattributes)",
    re.IGNORECASE,
)


def look_inside(path: Path, filename: str) -> tuple[InspectedFile, Inside]:
    """Check a file, and collect its metadata and the contents that rules use. The garbage collector is paused meanwhile.

    Raises RefusedError for a hostile or damaged archive, IntegrityError for metadata without a project or a valid
    version, and MachineError for a file that cannot be read.
    """
    with _collection_paused():
        return _look_inside(path, filename)


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Pause the garbage collector, if it is on.

    It would visit each tree again and again while more are parsed: half of all processor time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _look_inside(path: Path, filename: str) -> tuple[InspectedFile, Inside]:
    """`look_inside`, without the pause."""
    watch = _Watch(is_wheel=is_wheel(filename))
    contents = inspect(path, filename, watch)
    texts = watch.texts if is_wheel(filename) else _of_the_build(watch.texts)
    sources_of = {source for one in watch.compiled if (source := source_path(one))}
    sources = contents_of_members(path, filename, sources_of, MAX_COMPARED_BYTES)
    hidden = (*watch.hidden, *without_source(watch.entries), *unlike_source(watch.compiled, sources, OWN_MAGIC))
    behaviours = (*follow(watch.sources), *hidden)
    headers = headers_of(contents.raw_metadata)
    entries = tuple(watch.entries.values())
    return contents, Inside(entries, texts, headers, capabilities_of(behaviours), behaviours, watch.counts)


def headers_of(raw_metadata: bytes) -> dict[str, tuple[str, ...]]:
    """Core metadata fields by name in lower case, each with all its values. The description below the fields is left out.

    A line that is no field ends the fields. What is not UTF-8 is replaced.
    """
    header = re.split(rb"\r?\n\r?\n", raw_metadata, maxsplit=1)[0]
    message = HeaderParser().parsestr(header.decode("utf-8", "replace") + "\n\n")
    return {
        name.lower(): tuple(str(value) for value in message.get_all(name, ())) for name in dict.fromkeys(message.keys())
    }


class _Watch:
    """Collects an entry for each member while a file is checked, and the texts that rules read."""

    def __init__(self, *, is_wheel: bool) -> None:
        self.entries: dict[str, Entry] = {}
        self.texts: dict[str, str] = {}
        self.sources: list[Source] = []
        self.hidden: list[Behaviour] = []
        self.compiled: dict[str, bytes] = {}
        self._searched = self._unreached = 0
        self._is_wheel = is_wheel
        self._wanted = WHEEL_TEXTS if is_wheel else SDIST_TEXTS

    def passing(self, name: str, size: int, mode: int, contents: Iterator[bytes]) -> Iterator[bytes]:
        """Pass on the pieces of a member unchanged; when all are taken, the member and what rules need of it are noted.
        An sdist has no RECORD, so the sha256 of its members is computed here.
        """
        if self._is_wheel:
            yield from self._observed(name, size, mode, contents)
            return
        digest = hashlib.sha256()
        for piece in self._observed(name, size, mode, contents):
            digest.update(piece)
            yield piece
        self.hashed(name, f"sha256={urlsafe_b64encode(digest.digest()).rstrip(b'=').decode()}")

    def _observed(self, name: str, size: int, mode: int, contents: Iterator[bytes]) -> Iterator[bytes]:
        """Pass on the pieces of a member unchanged. Add its entry, and keep what its name and kind ask for, at most to a limit.

        That is its text, its headers as a native library, its source, its compiled code, and what it hides.
        """
        first = _first_bytes(contents)
        kind = kind_of(first)
        entry = self.entries[name] = Entry(name, size, bool(mode & 0o111), kind)
        yield first
        is_text, is_native = bool(self._wanted.fullmatch(name)), kind == "elf" and size <= MAX_NATIVE_BYTES
        is_code = is_source(name, is_wheel=self._is_wheel)
        is_shady = is_looked_at(name)
        limits = ((is_code, MAX_READ_BYTES), (is_text, text_limit(name)), (is_shady, MAX_MEMBER_BYTES))
        wanted_bytes = max((limit for is_wanted, limit in limits if is_wanted), default=0)
        held, held_bytes = [first], len(first)
        for piece in contents:
            if is_native or held_bytes < wanted_bytes:
                held.append(piece)
                held_bytes += len(piece)
            yield piece
        if is_native:
            self.entries[name] = replace(entry, native=native_of(b"".join(held)))
        if is_text:
            self.texts[name] = _text(b"".join(held)[: text_limit(name)])
        if is_shady:
            self.hidden.extend(look_at(name, kind, b"".join(held)))
        if source_path(name):
            self.compiled[name] = b"".join(held)
        if is_code:
            self._keep_source(name, b"".join(held)[:MAX_READ_BYTES])

    @property
    def counts(self) -> SourceCounts:
        """How many Python sources were kept to be followed, and how many were not, so far."""
        return SourceCounts(len(self.sources), self._searched, self._unreached)

    def _keep_source(self, name: str, data: bytes) -> None:
        """Keep a source to be followed if it can do anything that rules look for; else count it as searched.

        Of a source longer than MAX_READ_BYTES, `data` is the beginning. A module that no import can name is counted as
        unreached. A script that is not Python, and a .pth file without code, are not counted.
        """
        source = source_of(name, data, is_wheel=self._is_wheel)
        if source is None:
            self._unreached += bool(SUFFIX.search(name))
        elif source.is_worth_parsing:
            self.sources.append(source)
        else:
            self._searched += 1

    def hashed(self, name: str, digest: str) -> None:
        """Set the digest of a member that was observed before, in the spelling of RECORD."""
        self.entries[name] = replace(self.entries[name], digest=digest)


def _first_bytes(contents: Iterator[bytes]) -> bytes:
    """The first pieces of a member, taken from `contents` and joined: at least 262 bytes, if it has as many, to tell its kind.

    A compressed stream may begin with empty pieces.
    """
    first = b""
    for piece in contents:
        first += piece
        if len(first) >= KIND_BYTES:
            break
    return first


def _text(data: bytes) -> str:
    """A text as UTF-8 without a cut last character; else as Latin-1, as site.py reads a .pth file under such a locale."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return data.decode("latin-1")


def kind_of(first: bytes) -> str:
    """The kind of a file by its first bytes, as in `Entry`; empty if they tell none."""
    if first[TAR_AT] == b"ustar":
        return "tar"
    if first.startswith(JAVA_OR_MACHO):
        return "java" if int.from_bytes(first[4:8], "big") >= OLDEST_JAVA else "macho"
    return next((kind for magic, kind in MAGIC if first.startswith(magic)), "")


def _of_the_build(texts: dict[str, str]) -> dict[str, str]:
    """The texts of an sdist without the Python modules that no build runs.

    Kept are those at its top, those in the folders of backend-path, and those in the package of an in-tree backend.
    """
    places = _backend_places(texts)
    folders, packages = {folder for folder, _ in places}, tuple(package for _, package in places)

    def runs(name: str) -> bool:
        """Whether a build can run a module, by where it is."""
        inner = name.partition("/")[2]
        return "/" not in inner or inner.rpartition("/")[0] in folders or inner.startswith(packages)

    return {name: text for name, text in texts.items() if not name.endswith(".py") or runs(name)}


def _backend_places(texts: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The folders of backend-path below the sdist's top, each with the prefix of the backend's package there (PEP 517).

    For example `tools` and `tools/backend/`. Empty if pyproject.toml is missing, cannot be read, or names no backend-path.
    """
    for name, text in texts.items():
        if name.endswith("/pyproject.toml"):
            with suppress(IntegrityError):
                system = build_system(text, name)
                top = system.backend.partition(":")[0].partition(".")[0]
                return tuple(
                    (normpath(f"./{place}"), f"{normpath(f'./{place}/{top}')}/") for place in system.backend_path
                )
    return ()
