"""The facts of one file of a wheelhouse that rules use, read once from its bytes (pure)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.metadata import InspectedFile, Metadata
from wheelhouse.archive.native_code import Native
from wheelhouse.index.provenance import Attested
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.capabilities import Capabilities
from wheelhouse.vet.code.behaviour import Behaviour

OWN_METADATA = re.compile(r"([^/]+\.dist-info)/METADATA")
DATA_FOLDER = re.compile(r"[^/]+\.data/(?P<scheme>[^/]+)/")
SITE_PACKAGES = re.compile(
    r"(local/)?lib(64)?/(python|pypy)[\d.]*t?/(site|dist)-packages/|lib/site-packages/", re.IGNORECASE
)
SCRIPTS = ("@scripts/", "@data/bin/", "@data/Scripts/")
"""The folders of PATH: where installers put scripts, and what `.data/data` unpacks to the same place."""
NATIVE_KINDS = frozenset(("elf", "pe", "macho"))
TOP_MODULE = re.compile(
    r"""(?P<name>[^/.@-]+)(?:
      (?P<package>/__init__(?:\.[^/]*)?\.(?:py|pyc|pyd|so)$) | (?P<library>(?:\.[^/]*)?\.(?:so|pyd)$) | (?P<module>\.py[cw]?$)
    | (?P<folder>/.+\.(?:py|pyc|pyd|so)$))""",
    re.VERBOSE,
)
MODULE_FORMS = ("package", "library", "module", "folder")
"""The forms of a module, in the order in which Python looks for them in a folder."""
COMMAND_GROUPS = ("console_scripts", "gui_scripts")
MAX_TEXT_BYTES = 1 << 20
"""The most bytes of a text that are kept."""
MAX_SBOM_BYTES = 16 << 20
"""The most bytes of a bill of materials inside a wheel that are kept."""
MAX_NATIVE_BYTES = 256 << 20
"""The most bytes of a native library that are kept to read its headers."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file inside an archive, by its name there. `size` is in bytes; `kind` is what its first bytes say, where known.

    Kinds: `elf`, `pe`, `macho`, `java`, `zip`, `gzip`, `bzip2`, `xz`, `zstd`, `7z`, `tar`, `script` (begins with `#!`), else
    empty. `digest` is `<algorithm>=<digest>` in RECORD's spelling; in an sdist the algorithm is sha256.
    """

    name: str
    size: int
    executable: bool = False
    kind: str = ""
    digest: str = ""
    native: Native | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the libraries that it links to; empty if they are not known."""
        return self.native.needs if self.native else ()


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """How many Python sources of one file were parsed and followed, and how many were not.

    `searched` are those that have no word without which no rule finds anything; `unreached` are those that no import can name.
    """

    followed: int = 0
    searched: int = 0
    unreached: int = 0


@dataclass(frozen=True, slots=True)
class Inside:
    """The contents of one file of a wheelhouse.

    `texts` holds the small texts that matter at install or start, by name: `.pth` files, entry points, scripts, an sdist's
    setup.py and pyproject.toml, licence files, embedded SBOMs; no more than the first MiB of each. `headers` is the core
    metadata, names in lower case. `code_capabilities` is what the code of the importable modules and scripts can do;
    `behaviours` is what it does, where and how it is reached. `sources` counts the Python sources.
    """

    entries: tuple[Entry, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    code_capabilities: Capabilities = field(default_factory=dict)
    behaviours: tuple[Behaviour, ...] = ()
    sources: SourceCounts = SourceCounts()


@dataclass(frozen=True)
class Facts:
    """One file of a wheelhouse, with everything that rules use.

    `targets` names the targets that it is for; `place` is the wheelhouse inside the wheelhouse that it lies in, as `tools/`;
    `contents` is None, and `inside` empty, for a file that could not be opened, which a finding of `verify` says.
    `provenance` is what an index had of its attestations, `attested` what came of checking them, where that could be done.
    """

    pin: Pin
    targets: tuple[str, ...] = ()
    place: str = ""
    contents: InspectedFile | None = None
    inside: Inside = Inside()
    provenance: str | None = None
    attested: Attested | None = None

    @property
    def subject(self) -> str:
        """The file's place and name, such as `tools/demo-1.0.tar.gz`: the subject of its findings."""
        return self.place + self.filename

    @property
    def metadata(self) -> Metadata | None:
        """Its metadata; None if the file could not be opened."""
        return self.contents.metadata if self.contents else None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The members of the archive; empty if it could not be opened."""
        return self.inside.entries

    @property
    def texts(self) -> Mapping[str, str]:
        """The small texts in it, by the names of their members (see `Inside`)."""
        return self.inside.texts

    @property
    def filename(self) -> str:
        """The file's name, without a folder."""
        return self.pin.artifact.filename

    @property
    def project(self) -> NormalizedName:
        """The normalised project name."""
        return self.pin.project

    @property
    def version(self) -> Version:
        """The version of its release."""
        return self.pin.version

    @cached_property
    def dist_info(self) -> str:
        """The name of the wheel's own metadata folder, such as `demo-1.0.dist-info`.

        Empty for an sdist, and for a wheel that could not be opened.
        """
        matches = (OWN_METADATA.fullmatch(entry.name) for entry in self.entries)
        return next((match[1] for match in matches if match), "")

    def header(self, name: str) -> str:
        """The first value of a core metadata field; empty if there is none. Upper and lower case are the same."""
        return next(iter(self.headers.get(name.lower(), ())), "")

    @property
    def headers(self) -> Mapping[str, tuple[str, ...]]:
        """The core metadata, names in lower case, each with all its values."""
        return self.inside.headers

    @cached_property
    def installs(self) -> Mapping[str, Entry]:
        """A wheel's files by their installed path (see `installed`), without its .dist-info and without folders; empty for an sdist."""
        if not self.pin.artifact.is_wheel:
            return {}
        return {
            installed(entry.name): entry
            for entry in self.entries
            if not entry.name.endswith("/") and not entry.name.startswith(f"{self.dist_info}/")
        }

    @property
    def pth_files(self) -> Iterator[tuple[Entry, str]]:
        """The .pth files at the top of site-packages, which Python reads when it starts, each with its text.

        The text has at most the first MiB. An sdist has no such files.
        """
        for entry in self.entries if self.pin.artifact.is_wheel else ():
            if entry.name.endswith(".pth") and "/" not in installed(entry.name):
                yield entry, self.texts.get(entry.name, "")

    @cached_property
    def top_modules(self) -> Mapping[str, str]:
        """The names of the modules that a wheel installs at the top of site-packages, each with the form that Python takes first.

        Forms: `package` (it has an `__init__`), `library`, `module`, else `folder` (a namespace package with modules).
        Names with a hyphen, and folders without a module, are left out. Empty for an sdist.
        """
        forms: dict[str, str] = {}
        for path in self.installs:
            if not (match := TOP_MODULE.match(path)):
                continue
            form = next(form for form in MODULE_FORMS if match[form] is not None)
            before = forms.setdefault(match["name"], form)
            forms[match["name"]] = min(before, form, key=MODULE_FORMS.index)
        return forms

    @property
    def scripts(self) -> tuple[str, ...]:
        """The names of the scripts that a wheel puts into a folder of PATH, each once; commands of entry points are not among them."""
        paths = (path for path in self.installs if path.startswith(SCRIPTS))
        return tuple(dict.fromkeys(path.rpartition("/")[2] for path in paths))

    @cached_property
    def commands(self) -> tuple[str, ...]:
        """The names of all commands that a wheel installs, each once: those of entry points, then the scripts."""
        return tuple(dict.fromkeys((*self.entry_points, *self.scripts)))

    @cached_property
    def entry_point_groups(self) -> Mapping[str, Mapping[str, str]]:
        """A wheel's entry points by group and name, each with the object that it names (entry points specification).

        Empty if it has none. Lines that are neither a group nor `name = object` are left out; those before the first
        group are in a group with an empty name.
        """
        text = self.texts.get(f"{self.dist_info}/entry_points.txt", "")
        groups: dict[str, dict[str, str]] = {}
        group = ""
        for line in map(str.strip, text.splitlines()):
            if line.startswith("["):
                group = line.strip("[]").strip()
            elif "=" in line and not line.startswith(("#", ";")):
                name, _, value = line.partition("=")
                groups.setdefault(group, {})[name.strip()] = value.strip()
        return groups

    @property
    def entry_points(self) -> Mapping[str, str]:
        """The commands of its entry points (`console_scripts`, `gui_scripts`), each with the function that it calls."""
        return {
            name: called for group in COMMAND_GROUPS for name, called in self.entry_point_groups.get(group, {}).items()
        }


def text_limit(name: str) -> int:
    """The most bytes that are kept of the text of this name: 16 MiB for a bill of materials in .dist-info, else 1 MiB."""
    return MAX_SBOM_BYTES if ".dist-info/sboms/" in name else MAX_TEXT_BYTES


def installed(name: str) -> str:
    """Where an installer puts a member of a wheel: relative to site-packages, or under `@scripts/`, `@data/`, `@headers/`.

    From the binary distribution format: `<name>-<version>.data/<scheme>/…`. What `data` unpacks into site-packages is
    relative to it, too.
    """
    match = DATA_FOLDER.match(name)
    if not match:
        return name
    scheme, rest = match["scheme"], name[match.end() :]
    if scheme in ("purelib", "platlib"):
        return rest
    inside = SITE_PACKAGES.match(rest) if scheme == "data" else None
    return rest[inside.end() :] if inside else f"@{scheme}/{rest}"
