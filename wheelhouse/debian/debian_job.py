"""What one run must do for the Debian packages of a wheelhouse (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from wheelhouse.debian.apt_sources import SNAPSHOT, AptSource, parse_source_line
from wheelhouse.debian.base_system import BaseSystem
from wheelhouse.debian.deb_request import parse_request
from wheelhouse.debian.debian_lock import DebianInputs
from wheelhouse.errors import InputError
from wheelhouse.lock.wheelhouse import sha256_of_bytes

SNAPSHOT_FORMAT = "%Y%m%dT%H%M%SZ"
HOST_KEYRINGS = ("usr/share/keyrings/debian-archive-keyring.*", "usr/share/keyrings/ubuntu-archive-keyring.*")


@dataclass(frozen=True, slots=True)
class DebianJob:
    """Lists of requested packages, the base that they are added to, and where they come from.

    `keyrings` are keys that the user gave; without them, a source's own keys count, then those of the base, then
    `host_keyrings`. `date` is that of a snapshot.
    """

    lists: Mapping[str, tuple[str, ...]]
    base: BaseSystem
    sources: tuple[AptSource, ...]
    keyrings: tuple[bytes, ...] = ()
    host_keyrings: Mapping[str, bytes] = field(default_factory=dict)
    date: datetime | None = None

    @property
    def inputs(self) -> DebianInputs:
        """What a lock records of this job: lists, sources without credentials, sha256 of dpkg's status, architecture, date."""
        return DebianInputs(
            dict(sorted(self.lists.items())),
            tuple(map(str, self.sources)),
            sha256_of_bytes(self.base.status.encode("latin-1")),
            self.base.architecture,
            f"{self.date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if self.date else "",
        )

    def keyrings_for(self, source: AptSource) -> tuple[bytes, ...]:
        """The keys that may have signed a source: those of the user, else of the source, else of the base, else of HOST_KEYRINGS.

        Empty if the source names keyrings, and the base has none of them.
        """
        if self.keyrings:
            return self.keyrings
        own = [source.keys.encode()] if source.keys else []
        for path in source.signed_by:
            own += filter(None, [self.base.keyring(path)])
        if own or source.signed_by:
            return tuple(own)
        return self.base.default_keyrings or tuple(
            raw
            for path, raw in self.host_keyrings.items()
            if any(fnmatchcase(path, pattern) for pattern in HOST_KEYRINGS)
        )


def debian_job(
    lists: Mapping[str, tuple[str, ...]],
    base: BaseSystem,
    source_lines: tuple[str, ...] = (),
    keyrings: tuple[bytes, ...] = (),
    host_keyrings: Mapping[str, bytes] | None = None,
    date: datetime | None = None,
) -> DebianJob:
    """A job whose lists and sources were checked; without `source_lines`, the sources are those of the base.

    Requests lose their architecture, and addresses have the date. Sources for other architectures are left out. Raises
    InputError if a request or a line is invalid, if no source is left, or if a source needs a date and there is none.
    """
    checked = {
        name: tuple(str(parse_request(text, base.architecture)) for text in requests)
        for name, requests in lists.items()
    }
    sources = tuple(map(parse_source_line, source_lines)) or base.sources
    usable = tuple(_dated(source, date) for source in sources if _is_for(source, base.architecture))
    if not usable:
        raise InputError(
            "no source of Debian packages is given, and the base has none",
            hint="name a source: --deb-source 'deb https://mirror/debian bookworm main'",
        )
    return DebianJob(checked, base, usable, keyrings, host_keyrings or {}, date)


def _is_for(source: AptSource, architecture: str) -> bool:
    """Whether a source has this architecture; True if it names none, and does not remove it."""
    return (
        architecture in (source.architectures or (architecture,)) and architecture not in source.without_architectures
    )


def _dated(source: AptSource, date: datetime | None) -> AptSource:
    """A source with the date in place of SNAPSHOT in its address; unchanged without SNAPSHOT. Raises InputError without a date."""
    if SNAPSHOT not in source.url:
        return source
    if date is None:
        raise InputError(f"the source `{source}` needs a date", hint="name the date: --deb-date 2025-05-20")
    return replace(source, url=source.url.replace(SNAPSHOT, f"{date.astimezone(UTC):{SNAPSHOT_FORMAT}}"))
