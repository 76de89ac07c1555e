"""A suite's `Release`: which files it has, with which hashes, and until when it is valid (pure).

Source: wiki "DebianRepository/Format" of Debian, sections "Release files" and "Packages indices".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from wheelhouse.debian.deb_catalogue import DEFAULT_PIN, NOT_AUTOMATIC_PIN, UPGRADABLE_PIN
from wheelhouse.debian.deb_package import parse_stanza
from wheelhouse.errors import InputError, IntegrityError

HASH_LINE = re.compile(r"\s*([0-9a-f]{64})\s+([0-9]{1,15})\s+(\S+)")
SUFFIXES = (".xz", ".gz", "")
"""Of `Packages`, in the order of preference: apt's own, and what this Python can read."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a suite: its path in the suite's folder, its sha256, its size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """What a Release says. `names` are its suite and codename, by which users and apt call it."""

    names: tuple[str, ...]
    files: dict[str, ListedFile]
    pin: int
    by_hash: bool
    has_all: bool
    valid_until: datetime | None

    def packages(self, components: Sequence[str], architecture: str) -> tuple[ListedFile, ...]:
        """The `Packages` to read for some components: of each that for the architecture, and with `has_all` that for `all`.

        Of each the best of SUFFIXES; without components the one at the top, for any architecture. Raises InputError for a
        component that has neither, or a top that has none.
        """
        if not components:
            return (self._packages("") or _lacks("no Packages"),)
        chosen: list[ListedFile] = []
        for component in components:
            own = self._packages(f"{component}/binary-{architecture}/")
            shared = self._packages(f"{component}/binary-all/") if self.has_all else None
            chosen += filter(None, (own, shared))
            if own is None and shared is None:
                _lacks(f"no `{component}` for {architecture}")
        return tuple(chosen)

    def _packages(self, folder: str) -> ListedFile | None:
        """The `Packages` in a folder, which ends in `/` or is empty, with the best of SUFFIXES; None if there is none."""
        return next(
            (self.files[path] for suffix in SUFFIXES if (path := f"{folder}Packages{suffix}") in self.files), None
        )

    def must_be_valid(self, now: datetime, what: str) -> None:
        """Raise IntegrityError, naming `what`, if `now` is after Valid-Until. Without Valid-Until a suite is always valid."""
        if self.valid_until and now > self.valid_until:
            raise IntegrityError(
                f"{what} is out of date: it was valid until {self.valid_until:%Y-%m-%d %H:%M} UTC",
                hint="use a mirror that is up to date, or choose a snapshot: --deb-date 2025-05-20",
            )


def _lacks(what: str) -> ListedFile:
    """Raise the InputError that the suite has `what`, such as "no Packages"."""
    raise InputError(f"the suite has {what}", hint="check the components of the source (--deb-source)")


def parse_release(text: str) -> ReleaseFile:
    """Read the text of a Release. Raises IntegrityError if it lists no file with a sha256, or if Valid-Until is not a date.

    Lines that are malformed, or whose sha256 is not in lower case, are left out. The caller has checked the signature.
    """
    fields = parse_stanza(text)
    rows = (HASH_LINE.fullmatch(line) for line in fields.get("sha256", "").splitlines())
    files = {row[3]: ListedFile(row[3], row[1], int(row[2])) for row in rows if row}
    if not files:
        raise IntegrityError("the Release file lists no sha256", hint="use the archive of Debian 6 or newer")
    no_all = "Packages" in fields.get("no-support-for-architecture-all", "").split()
    return ReleaseFile(
        tuple(dict.fromkeys(filter(None, (fields.get("codename"), fields.get("suite"))))),
        files,
        _pin(fields),
        fields.get("acquire-by-hash") == "yes",
        "all" in fields.get("architectures", "").split() and not no_all,
        _time(fields["valid-until"]) if "valid-until" in fields else None,
    )


def _pin(fields: dict[str, str]) -> int:
    """The priority of the suite's versions, by NotAutomatic and ButAutomaticUpgrades."""
    if fields.get("notautomatic") != "yes":
        return DEFAULT_PIN
    return UPGRADABLE_PIN if fields.get("butautomaticupgrades") == "yes" else NOT_AUTOMATIC_PIN


def _time(text: str) -> datetime:
    """A date of a Release, such as `Sat, 10 May 2025 08:00:00 UTC`; without a zone it is in UTC. Raises IntegrityError."""
    try:
        time = parsedate_to_datetime(text.replace("UTC", "+0000"))
    except (ValueError, OverflowError) as error:
        raise IntegrityError(f"the Release file's Valid-Until is not a date: `{text}`") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
