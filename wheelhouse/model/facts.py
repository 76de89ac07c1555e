"""What a reviewer would want to know of one file of a house, read once from its bytes (pure: a door reads them)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.model.lock import Pin
from wheelhouse.model.metadata import Metadata
from wheelhouse.model.policy import Finding


@dataclass(frozen=True, slots=True)
class Entry:
    """A file inside an archive, by its name there. `size` is in bytes; `kind` is what its first bytes say, where known.

    Kinds: `elf`, `pe`, `macho`, `zip`, `gzip`, `bzip2`, `xz`, `tar`, `script` (begins with `#!`), else empty.
    """

    name: str
    size: int
    executable: bool = False
    kind: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """One file of a house and all that rules look at.

    `texts` holds the small texts that matter at install or start, by name: `.pth` files, entry points, scripts, an sdist's
    setup.py and pyproject.toml, licence files, embedded SBOMs. `headers` is the core metadata, names in lower case. `findings`
    is what opening the file found already, RECORD and archive structure.
    """

    pin: Pin
    target: str
    raw_metadata: bytes = b""
    metadata: Metadata | None = None
    entries: tuple[Entry, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def filename(self) -> str:
        """The file's name, which findings give as their subject."""
        return self.pin.artifact.filename

    @property
    def project(self) -> NormalizedName:
        """The normalised project name."""
        return self.pin.project

    @property
    def version(self) -> Version:
        """The version."""
        return self.pin.version

    @property
    def dist_info(self) -> str:
        """The wheel's own metadata folder; empty for an sdist."""
        return next((e.name.partition("/")[0] for e in self.entries if e.name.endswith(".dist-info/METADATA")), "")

    def header(self, name: str) -> str:
        """The first value of a core metadata field, or empty."""
        return next(iter(self.headers.get(name.lower(), ())), "")
