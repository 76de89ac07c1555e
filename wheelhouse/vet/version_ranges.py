"""Ranges of versions as `vers:` writes them, such as `vers:pypi/>=1.0|<1.4|2.0` (pure).

Source: VERS, the version range specifier of package URLs. A range that cannot be read is no range: it has no version.
"""

import re
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from packaging.version import Version

from wheelhouse.debian.deb_version import version_key as deb_version_key
from wheelhouse.vet.ecosystems import Purl, rpm_key, semver_key

RANGE = re.compile(r"vers:([a-z][a-z0-9.+-]*)/(.+)")
CONSTRAINT = re.compile(r"(>=|<=|!=|=|<|>)?([^<>=!*|]+)")
KEYS: dict[str, Callable[[str], Any]] = {"pypi": Version, "deb": deb_version_key, "rpm": rpm_key}
"""What sorts the versions of a type of packages; all others have semantic versions."""
ALL = "*"


@dataclass(frozen=True, slots=True)
class VersionRange:
    """A range of versions of one type of packages. `constraints` are pairs of comparator and decoded version.

    They are in the text's order. `=` is the comparator if the text has none. The pair of `*` and an empty version, alone,
    is for every version.
    """

    type: str
    constraints: tuple[tuple[str, str], ...]

    def has(self, package: Purl) -> bool:
        """Whether the version of a package is in the range; False if it is of another type, or if the versions cannot be compared."""
        if self.type != package.type:
            return False
        if self.constraints == ((ALL, ""),):
            return True
        key: Callable[[str], Any] = KEYS.get(self.type, semver_key)
        try:
            return _is_within(
                key(package.version), [(comparator, key(bound)) for comparator, bound in self.constraints]
            )
        except (ValueError, TypeError):
            return False


def parse_range(text: str) -> VersionRange:
    """The range that a text is; one without constraints, which has no version, if it cannot be read."""
    match = RANGE.match("".join(text.split()))
    if not match:
        return VersionRange("", ())
    if match[2] == ALL:
        return VersionRange(match[1], ((ALL, ""),))
    constraints = [CONSTRAINT.fullmatch(one) for one in match[2].strip("|").split("|")]
    if not all(constraints):
        return VersionRange(match[1], ())
    return VersionRange(match[1], tuple((one[1] or "=", unquote(one[2])) for one in constraints if one))


def _is_within(version: Any, constraints: list[tuple[str, Any]]) -> bool:  # noqa: ANN401  (what sorts versions)
    """Whether a version is in a range. The constraint with the same version decides first, then the intervals between neighbours.

    Without an interval, only a range of `!=` alone has other versions.
    """
    for comparator, bound in constraints:
        if version == bound:
            return comparator in ("=", "<=", ">=")
    bounds = sorted((bound, comparator[0]) for comparator, bound in constraints if comparator not in ("=", "!="))
    if not bounds:
        return bool(constraints) and all(comparator == "!=" for comparator, _ in constraints)
    below = bisect([bound for bound, _ in bounds], version)
    return [">", *(sign for _, sign in bounds), "<"][below : below + 2] == [">", "<"]
