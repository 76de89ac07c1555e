"""The system that Debian packages are added to: what dpkg has installed, apt's sources, and the keys that it trusts (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from wheelhouse.debian.apt_sources import AptSource, parse_deb822_sources, parse_sources_list
from wheelhouse.debian.deb_catalogue import architecture_of
from wheelhouse.errors import InputError

STATUS, SOURCES_LIST = "var/lib/dpkg/status", "etc/apt/sources.list"
STATUS_PARTS = "var/lib/dpkg/status.d/*"
SOURCES_PARTS = ("etc/apt/sources.list.d/*.list", "etc/apt/sources.list.d/*.sources")
KEYRINGS = ("etc/apt/keyrings/*", "usr/share/keyrings/*", "etc/apt/trusted.gpg.d/*", "etc/apt/trusted.gpg")
DEFAULT_KEYRINGS = ("etc/apt/trusted.gpg", "etc/apt/trusted.gpg.d/*", "usr/share/keyrings/*-archive-keyring.*")
"""What apt trusts if a source names no key; the archive keyrings are links in there, or come with the distribution."""
RELEASE_NAMES = ("etc/os-release", "usr/lib/os-release")
BASE_PATHS = (*RELEASE_NAMES, STATUS, STATUS_PARTS, SOURCES_LIST, *SOURCES_PARTS, *KEYRINGS)


@dataclass(frozen=True, slots=True)
class BaseSystem:
    """A base. `distribution` is such as `debian-12`, empty if it is unknown.

    `keyrings` maps the path of each file with keys, without a leading slash, to its bytes.
    """

    status: str
    architecture: str
    distribution: str = ""
    sources: tuple[AptSource, ...] = ()
    keyrings: Mapping[str, bytes] = field(default_factory=dict)

    def keyring(self, path: str) -> bytes | None:
        """The keys in the file at an absolute path; None if the base has none there."""
        return self.keyrings.get(path.lstrip("/"))

    @property
    def default_keyrings(self) -> tuple[bytes, ...]:
        """The keys that it trusts for a source that names none: the files that match DEFAULT_KEYRINGS, sorted by path."""
        return tuple(raw for path, raw in sorted(self.keyrings.items()) if _matches(path, DEFAULT_KEYRINGS))


def is_base_path(path: str) -> bool:
    """Whether a path, without a leading slash, matches BASE_PATHS: the files that `base_system` reads."""
    return _matches(path, BASE_PATHS)


def base_system(files: Mapping[str, bytes], what: str) -> BaseSystem:
    """The base that has these files (path without a leading slash → bytes); others than BASE_PATHS are ignored.

    Raises InputError, naming `what`, if dpkg's status there has no record of dpkg or a C library, installed or not; also for
    a source that `AptSource.checked` refuses.
    """
    status = "\n\n".join(
        raw.decode("latin-1").strip() for path, raw in sorted(files.items()) if _matches(path, (STATUS, STATUS_PARTS))
    )
    architecture = architecture_of(status)
    if not architecture:
        raise InputError(f"{what} has no Debian system: `/{STATUS}` lists no installed dpkg or C library")
    keyrings = {path: raw for path, raw in files.items() if _matches(path, KEYRINGS)}
    return BaseSystem(status + "\n", architecture, _distribution(files), _sources(files), keyrings)


def _distribution(files: Mapping[str, bytes]) -> str:
    """Name and version by os-release(5), such as `ubuntu-24.04`; empty if there is none, and without what is no plain word."""
    text = next((files[path].decode("utf-8", "replace") for path in RELEASE_NAMES if files.get(path)), "")
    values = dict(line.strip().split("=", 1) for line in text.splitlines() if "=" in line)
    words = [values.get(name, "").strip("\"'") for name in ("ID", "VERSION_ID")]
    return "-".join(word for word in words if re.fullmatch(r"[a-z0-9._]{1,30}", word))


def _sources(files: Mapping[str, bytes]) -> tuple[AptSource, ...]:
    """The sources of all files, each once: of sources.list, then of sources.list.d in the order of names.

    Raises InputError.
    """
    lists = [path for path in sorted(files) if _matches(path, (SOURCES_LIST, *SOURCES_PARTS))]
    lists.sort(key=lambda path: path != SOURCES_LIST)
    sources: list[AptSource] = []
    for path in lists:
        parse = parse_deb822_sources if path.endswith(".sources") else parse_sources_list
        sources += parse(files[path].decode("utf-8", "replace"))
    return tuple(dict.fromkeys(sources))


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path matches one of the patterns; `*` matches no slash."""
    return any(fnmatchcase(path, pattern) and path.count("/") == pattern.count("/") for pattern in patterns)
