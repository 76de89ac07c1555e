"""The changes of Debian packages from one wheelhouse to the next (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass

from wheelhouse.debian.deb_version import version_key
from wheelhouse.debian.debian_lock import DebianLock, LockedDeb


@dataclass(frozen=True, slots=True)
class DebianChange:
    """A package whose version or bytes changed. A version is empty if the wheelhouse has none."""

    name: str
    old: str
    new: str

    @property
    def kind(self) -> str:
        """`added`, `removed`, `up`, `down`, or `other bytes` for the same version.

        For another spelling of a version `down`.
        """
        if not self.old or not self.new:
            return "added" if self.new else "removed"
        if self.old == self.new:
            return "other bytes"
        return "up" if version_key(self.old) < version_key(self.new) else "down"


def debian_changes(old: DebianLock, new: DebianLock) -> Iterator[DebianChange]:
    """Every change of version or bytes, in the order of names, with packages that one of the two lacks: its version is empty. Of a
    package with several versions the newest counts.
    """
    before, after = _newest(old), _newest(new)
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one and other and (one.version, one.sha256) == (other.version, other.sha256):
            continue
        yield DebianChange(name, one.version if one else "", other.version if other else "")


def _newest(lock: DebianLock) -> dict[str, LockedDeb]:
    """Name → the newest version of each package of a lock."""
    return {deb.name: deb for deb in sorted(lock.packages, key=lambda deb: version_key(deb.version))}
