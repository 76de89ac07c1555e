"""Relations between Debian packages, such as `Depends: a (>= 1) | b:any` (pure).

Source: Debian Policy 7.1.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from wheelhouse.debian.deb_version import holds, version_key

RELATION = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9+._-]*)(?::(?P<qualifier>[a-z0-9-]+))?"
    r"\s*(?:\(\s*(?P<operator><<|<=|=|>=|>>|<|>)\s*(?P<version>[^\s()]+)\s*\))?"
    r"\s*(?:\[[^\]]*\])?\s*(?:<[^>]*>\s*)*"
)


@dataclass(frozen=True, slots=True)
class Relation:
    """A package name, and what its version must be. `qualifier` is an architecture, `any`, `native` or empty."""

    name: str
    qualifier: str = ""
    operator: str = ""
    version: str = ""

    def allows(self, version: str) -> bool:
        """Whether a version fits; True without an operator. "", the version of an unversioned virtual package, fits no operator."""
        if not self.operator:
            return True
        return bool(version) and holds(version, self.operator, self.version)

    def suits(self, architecture: str) -> bool:
        """Whether the qualifier allows a package of the base's architecture, which is `architecture`."""
        return self.qualifier in ("", "any", "native", "all", architecture)

    def __str__(self) -> str:
        """As a control file writes it."""
        name = f"{self.name}:{self.qualifier}" if self.qualifier else self.name
        return f"{name} ({self.operator} {self.version})" if self.operator else name


Alternatives = tuple[Relation, ...]
"""Relations of which one must hold."""


@lru_cache(maxsize=1 << 16)
def parse_relations(text: str) -> tuple[Alternatives, ...]:
    """The groups of a relation field: all must hold, and of each group one relation. Raises ValueError for anything else.

    Restrictions such as `[amd64]` and `<!nocheck>` are dropped, and so are empty groups.
    """
    groups = (group for group in text.split(",") if group.strip())
    return tuple(tuple(_relation(part) for part in group.split("|")) for group in groups)


def _relation(text: str) -> Relation:
    """One relation, without its restrictions. Raises ValueError, also for a version that cannot be sorted."""
    match = RELATION.fullmatch(text)
    if match is None:
        raise ValueError(f"`{text.strip()}` does not have the form of a Debian dependency")
    version_key(match["version"] or "")
    return Relation(match["name"], match["qualifier"] or "", match["operator"] or "", match["version"] or "")
